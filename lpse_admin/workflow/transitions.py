"""The transition rules of one request: which moves are available, to whom, and what is missing for them.

Pure functions, without a database. The SOP (``Sop``) defines the moves. The rules that the SOPs do not spell out
(procedure.md, readings) are implemented only here: the head's refusal cannot be bypassed, nobody takes two
conflicting duties, and nothing is released after a rollback or a failed test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.sop import ItemKind, Move, RequiredItem, RequirementCondition, Sop, StepRule
from lpse_admin.sop.steps import CONFLICTING_DUTIES, OUTCOME_EFFECTS, Duty, Outcome, Result, Step, Urgency, duty_of
from lpse_admin.workflow.deviations import (
    OUTPUT_LACKING,
    DetectedDeviation,
    DeviationKind,
    Lateness,
    lateness_deviation,
    output_field,
)
from lpse_admin.workflow.record_fields import (
    REASON_FIELD,
    ChangeKind,
    forbidden_fields,
    is_empty,
    missing_fields,
    record_fields,
    unrelated_fields,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Position:
    """The current step of a request, and what the rules need to know of its history.

    ``duties`` maps each duty to the ids of the users who did it; ``refused`` is true from the head's refusal until
    the head's approval; ``test_failed`` is true from a failed test until a later one passes or, after a rollback,
    for good; ``evaluated_conditions`` are those that the evaluation in hand would add; ``assignee_id`` is the id of the
    user who has taken up the current step; ``waits_until`` is until when a waiting step is still to wait; ``takers``
    maps each step to the ids of those who finished it or consented to it.
    """

    step: Step
    urgency: Urgency | None = None
    requester_id: int | None = None
    duties: Mapping[Duty, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    refused: bool = False
    test_failed: bool = False
    rolled_back: bool = False
    conditions: frozenset[RequirementCondition] = frozenset()
    evaluated_conditions: frozenset[RequirementCondition] = frozenset()
    assignee_id: int | None = None
    waits_until: dt.datetime | None = None
    takers: Mapping[Step, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Principal:
    """The user who acts: id, current roles, and whether a delegation makes them acting head today.

    ``accounts`` are the ids of the accounts of the same person, which may be found only when they are asked for.
    ``barred_actors`` are the keys of the SOP's actors that others are appointed to, and not this user nor the head for
    whom they act.
    """

    id: int
    roles: frozenset[Role]
    is_acting_head: bool = False
    accounts: Collection[int] = field(default=frozenset(), compare=False)
    barred_actors: frozenset[str] = frozenset()

    def did(self, duty: Duty, position: Position) -> bool:
        """Whether this person did ``duty`` of a request before, with whichever account."""
        return self.is_among(position.duties.get(duty, frozenset()))

    def is_among(self, users: Collection[int]) -> bool:
        """Whether this person is one of ``users``, with whichever account."""
        return self.id in users or any(user in self.accounts for user in users)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has been entered and attached for a step that is to be finished.

    ``values`` are the record's fields, the reason, and the accounts of deviations and statements on outputs by field
    name (``workflow.deviations``); ``attached_documents`` the item keys that have a file; ``confirmed_equipment`` the
    item keys that were ticked; ``lateness`` how late the step is, if it is; ``missing_consents`` an error for each
    actor whose consent is missing, by form field name; ``raised_deviations`` the deviations that are raised on it
    already and have no account. Records of earlier steps always count as present.
    """

    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    attached_documents: Collection[str] = frozenset()
    confirmed_equipment: Collection[str] = frozenset()
    lateness: Lateness | None = None
    missing_consents: Mapping[str, Message] = field(default_factory=lambda: MappingProxyType({}))
    raised_deviations: Collection[DetectedDeviation] = ()
    #: Limits on stretches of steps that are passed, and not raised yet.
    passed_limits: Collection[DetectedDeviation] = ()


def is_actor(rule: StepRule, position: Position, principal: Principal) -> bool:
    """Whether ``principal`` is the SOP's actor for this step of this request; duties are not checked."""
    return holds_post(rule.actor, rule.actor_key, position, principal)


def holds_post(role: Role, actor_key: str, position: Position, principal: Principal) -> bool:
    """Whether ``principal`` is an actor of the SOP for this request: by role, and by appointment where there is one.

    A requester is whoever made the request.
    """
    if role is Role.REQUESTER:
        return Role.REQUESTER in principal.roles and principal.id == position.requester_id
    has_role = is_head(principal) if role is Role.HEAD else role in principal.roles
    return has_role and actor_key not in principal.barred_actors


def is_head(principal: Principal) -> bool:
    """Whether ``principal`` is the head or the acting head."""
    return Role.HEAD in principal.roles or principal.is_acting_head


def conflicting_duty(position: Position, principal: Principal) -> Duty | None:
    """Return the duty that ``principal`` did earlier and that conflicts with the current step, if any."""
    duty = duty_of(position.step)
    if duty is None:
        return None
    return next((other for other in sorted(CONFLICTING_DUTIES[duty]) if principal.did(other, position)), None)


def separated_step(sop: Sop, position: Position, principal: Principal) -> Step | None:
    """Return the step that ``principal`` took and that the SOP keeps apart from the current one, if any."""
    return next(
        (
            step
            for step in sop.steps_apart_from(position.step)
            if principal.is_among(position.takers.get(step, frozenset()))
        ),
        None,
    )


def reason_kept_apart(sop: Sop, position: Position, principal: Principal) -> Message | None:
    """Return why the SOP's own separation keeps ``principal`` from the current step, or None if it does not."""
    if (taken := separated_step(sop, position, principal)) is None:
        return None
    return _(
        "You took “%(taken)s”, which the SOP keeps apart from “%(step)s”: somebody else must act.",
        taken=sop.step_title(taken),
        step=sop.step_title(position.step),
    )


def reason_cannot_act(sop: Sop, position: Position, principal: Principal) -> Message | None:
    """Return why ``principal`` may not act on the current step, or None if they may."""
    if refusal := reason_not_eligible(sop, position, principal):
        return refusal
    if position.waits_until is not None:
        return _(
            "“%(step)s” waits until %(until)s; it can be finished from then on.",
            step=sop.step_title(position.step),
            until=position.waits_until,
        )
    if position.assignee_id not in {None, principal.id}:
        return _(
            "“%(step)s” is assigned to somebody else, who can reassign it; or take it over with a reason.",
            step=sop.step_title(position.step),
        )
    return None


def reason_not_eligible(sop: Sop, position: Position, principal: Principal) -> Message | None:
    """Return why ``principal`` is not eligible for the current step, ignoring its assignee; None if eligible."""
    if position.step is Step.CLOSED:
        return _("This request is closed; no further action is possible.")
    rule = sop.rules[position.step]
    if not is_actor(rule, position, principal):
        return _(
            "Only the %(actor)s may act on “%(step)s”.",
            actor=sop.actor_title(position.step),
            step=sop.step_title(position.step),
        )
    if duty := conflicting_duty(position, principal):
        if principal.id not in position.duties[duty]:
            return _(
                "You have already %(part)s with another account (the same NIP, e-mail address or telephone), so"
                " somebody else must act on “%(step)s”.",
                part=duty.title,
                step=sop.step_title(position.step),
            )
        return _(
            "You have already %(part)s, so somebody else must act on “%(step)s”.",
            part=duty.title,
            step=sop.step_title(position.step),
        )
    return reason_kept_apart(sop, position, principal)


def reason_move_blocked(move: Move, position: Position) -> Message | None:
    """Return why the history of this request blocks the SOP's ``move``, or None if it does not."""
    if (
        position.refused
        and move.target.kind is Step.IMPLEMENTATION
        and (move.origin.kind, move.outcome) != (Step.APPROVAL, Outcome.APPROVED)
    ):
        return _("The head has refused this request: without the head's approval it cannot be implemented.")
    if move.outcome is Outcome.SCHEDULED and position.rolled_back:
        return _("The change was rolled back, so there is nothing to release. Record that there is no release.")
    if move.outcome is Outcome.SCHEDULED and position.test_failed:
        return _("The test failed, so this change cannot be released.")
    return None


def available_moves(sop: Sop, position: Position, principal: Principal) -> tuple[Move, ...]:
    """Return the moves that ``principal`` may make now, in the SOP's order; empty if they may not act."""
    if reason_cannot_act(sop, position, principal):
        return ()
    return tuple(
        move for move in sop.moves if move.origin is position.step and reason_move_blocked(move, position) is None
    )


def required_items(rule: StepRule, position: Position) -> tuple[RequiredItem, ...]:
    """Return the items that the SOP requires at this step of this request, with conditions applied."""
    return tuple(item for item in rule.requires if item.condition is None or item.condition in position.conditions)


def letters_of_the_type(sop: Sop, position: Position) -> tuple[RequiredItem, ...]:
    """Return the documents that the SOP requires of a request by its type, if ``position`` has no such type so far.

    The evaluation may say a type that the request did not: it is accepted when these are there.
    """
    rule, type_of_change = sop.rules.get(Step.REQUEST), RequirementCondition.ACCOUNT
    if rule is None or position.step.kind is not Step.EVALUATION or type_of_change in position.conditions:
        return ()
    documents = (item for item in rule.requires if item.kind is ItemKind.DOCUMENT)
    return tuple(item for item in documents if item.condition is type_of_change)


def is_item_present(item: RequiredItem, evidence: Evidence) -> bool:
    """Whether a required item of a step is present.

    A record always is: a step's own record is validated field by field, and the record of a step that this request
    did not pass through is not required (a normal change has no approval).
    """
    if item.kind is ItemKind.DOCUMENT:
        return item.key in evidence.attached_documents
    return item.kind is ItemKind.RECORD or item.key in evidence.confirmed_equipment


def validation_errors(sop: Sop, position: Position, outcome: Outcome, evidence: Evidence) -> dict[str, Message]:
    """Return an error for each thing that is missing for ``outcome``, by form field name.

    Withdrawal, return and rejection need a reason, but none of the required items. Under an SOP with deviations, an
    account replaces a missing item.
    """
    fields = record_fields(sop, position.step)
    errors = missing_fields(fields, outcome, evidence.values) | forbidden_fields(fields, outcome, evidence.values)
    if outcome is Outcome.ACCEPTED and position.refused and is_empty(evidence.values.get("answer_to_refusal")):
        errors["answer_to_refusal"] = _(
            "The head has refused this request: state how this evaluation responds to that."
        )
    if outcome in sop.rules[position.step].reason_for and is_empty(evidence.values.get(REASON_FIELD.key)):
        errors[REASON_FIELD.key] = _("“%(field)s” is required here.", field=REASON_FIELD.label)
    for item in missing_items(sop, position, outcome, evidence):
        if not (sop.switches.deviations and _missing_item_deviation(item).has_account(evidence.values)):
            errors[f"{item.kind}-{item.key}"] = _MISSING_ITEM_ERRORS[item.kind](item)
    if not _is_without_requirements(sop, position, outcome):
        errors |= evidence.missing_consents
    for deviation in (*evidence.raised_deviations, *detect_deviations(sop, position, outcome, evidence)):
        if deviation.kind is not DeviationKind.EQUIPMENT and not deviation.has_account(evidence.values):
            errors[deviation.account_field] = deviation.account_error
    return errors


def fields_not_kept(sop: Sop, position: Position, outcome: Outcome) -> frozenset[str]:
    """Return the keys of the values that the record does not keep if the current step ends in ``outcome``."""
    unrelated = unrelated_fields(record_fields(sop, position.step), outcome)
    if position.step.kind is Step.EVALUATION and not position.refused:
        return unrelated | {"answer_to_refusal"}
    return unrelated


def missing_items(sop: Sop, position: Position, outcome: Outcome, evidence: Evidence) -> tuple[RequiredItem, ...]:
    """Return the items that the SOP requires for ``outcome`` and that are not present."""
    if _is_without_requirements(sop, position, outcome):
        return ()
    items = required_items(sop.rules[position.step], position)
    if outcome is Outcome.ACCEPTED:
        items += tuple(
            item for item in letters_of_the_type(sop, position) if item.condition in position.evaluated_conditions
        )
    return tuple(item for item in items if not is_item_present(item, evidence))


def detect_deviations(
    sop: Sop, position: Position, outcome: Outcome, evidence: Evidence
) -> tuple[DetectedDeviation, ...]:
    """Return the deviations of the current step if it ends in ``outcome``; empty if the SOP has no deviations.

    Time is checked for every outcome; equipment and output only for outcomes that complete the step's work.
    """
    if not sop.switches.deviations:
        return ()
    detected = [lateness_deviation(evidence.lateness)] if evidence.lateness else []
    detected += evidence.passed_limits
    detected += map(_missing_item_deviation, missing_items(sop, position, outcome, evidence))
    if not _is_without_requirements(sop, position, outcome):
        detected += [
            DetectedDeviation(DeviationKind.OUTPUT, output_field(index), what=output)
            for index, output in enumerate(sop.rules[position.step].outputs)
            if evidence.values.get(output_field(index)) == OUTPUT_LACKING
        ]
    return tuple(detected)


def _is_without_requirements(sop: Sop, position: Position, outcome: Outcome) -> bool:
    """Whether ``outcome`` is chosen because something is missing; of an SOP's own outcomes, those with a reason are."""
    return outcome in _OUTCOMES_WITHOUT_REQUIREMENTS or (
        outcome.is_own and outcome in sop.rules[position.step].reason_for
    )


def _missing_item_deviation(item: RequiredItem) -> DetectedDeviation:
    """Return the deviation for the missing ``item``."""
    return DetectedDeviation(DeviationKind.EQUIPMENT, f"{item.kind}-{item.key}", what=item.label)


def require_actor(sop: Sop, position: Position, principal: Principal) -> None:
    """Raise NotAllowed (403) if ``principal`` may not act on the current step, NoSuchMove (409) if it is closed."""
    if position.step is Step.CLOSED:
        raise NoSuchMove(_("This request is closed; no further action is possible."))
    if refusal := reason_cannot_act(sop, position, principal):
        raise NotAllowed(refusal)


def move_from(sop: Sop, position: Position, outcome: Outcome) -> Move:
    """Return the move for ``outcome`` from the current step, without checking the actor or the evidence.

    Raises NoSuchMove (409) if the SOP has no such move or the history blocks it.
    """
    rule = sop.rules[position.step]
    if outcome not in rule.leads_to:
        raise NoSuchMove(
            _(
                "“%(outcome)s” is not an outcome of “%(step)s”.",
                outcome=outcome.title,
                step=sop.step_title(position.step),
            )
        )
    move = Move(position.step, outcome, rule.leads_to[outcome])
    if refusal := reason_move_blocked(move, position):
        raise NoSuchMove(refusal)
    return move


def find_move(sop: Sop, position: Position, outcome: Outcome, principal: Principal) -> Move:
    """Check the actor and return the move for ``outcome``. Raises what ``require_actor`` and ``move_from`` raise."""
    require_actor(sop, position, principal)
    return move_from(sop, position, outcome)


def require_evidence(errors: Mapping[str, Message]) -> None:
    """Raise ValidationFailed (422) with ``errors`` by field, if there are any."""
    if errors:
        raise ValidationFailed(
            _("Still required: %(missing)s", missing=join_messages(list(errors.values()), " ")), field_errors=errors
        )


def decide(sop: Sop, position: Position, outcome: Outcome, principal: Principal, evidence: Evidence) -> Move:
    """Check everything and return the move for ``outcome``.

    Raises what ``find_move`` raises, and ValidationFailed (422) if something required is missing.
    """
    move = find_move(sop, position, outcome, principal)
    require_evidence(validation_errors(sop, position, outcome, evidence))
    return move


def position_after(position: Position, move: Move, actor_id: int, others: frozenset[int] = frozenset()) -> Position:
    """Return the position that ``move`` by ``actor_id`` leads to; ``others`` consented or objected to the step."""
    people = others | {actor_id}
    duties = dict(position.duties)
    if duty := duty_of(move.origin):
        duties[duty] = duties.get(duty, frozenset()) | people
    takers = {**position.takers, move.origin: position.takers.get(move.origin, frozenset()) | people}
    effects: dict[str, Any] = {}
    if move.outcome in OUTCOME_EFFECTS:
        name, value = OUTCOME_EFFECTS[move.outcome]
        effects[_POSITION_FIELDS[name]] = value
    return replace(position, step=move.target, duties=duties, takers=takers, assignee_id=None, **effects)


def conditions_of(
    on_behalf_of: str | None, kinds: Collection[ChangeKind] | None, urgency: Urgency | None
) -> frozenset[RequirementCondition]:
    """Return the conditions of a request that make its SOP require further items."""
    flags = {
        RequirementCondition.BY_PROXY: bool(on_behalf_of),
        RequirementCondition.ACCOUNT: ChangeKind.ACCOUNT in (kinds or ()),
        RequirementCondition.EMERGENCY: urgency is Urgency.EMERGENCY,
    }
    return frozenset(condition for condition, is_set in flags.items() if is_set)


def result_of(move: Move, *, rolled_back: bool) -> Result | None:
    """Return the result of a request that ``move`` closes, or None if it does not close it."""
    if move.target is not Step.CLOSED:
        return None
    if move.outcome in {Outcome.REJECTED, Outcome.REFUSED}:
        return Result.REJECTED
    if move.outcome is Outcome.WITHDRAWN:
        return Result.WITHDRAWN
    return Result.ROLLED_BACK if rolled_back else Result.COMPLETED


#: Outcomes that are chosen because something is missing, so they do not require the items.
_OUTCOMES_WITHOUT_REQUIREMENTS = frozenset(
    {Outcome.RETURNED, Outcome.REJECTED, Outcome.WITHDRAWN, Outcome.REFUSED, Outcome.REVISE}
)

#: The field of ``Position`` for each attribute that ``OUTCOME_EFFECTS`` sets.
_POSITION_FIELDS = {
    "urgency": "urgency",
    "is_refused": "refused",
    "is_undone": "test_failed",
    "is_rolled_back": "rolled_back",
}

_MISSING_ITEM_ERRORS = {
    ItemKind.DOCUMENT: lambda item: _("Attach “%(item)s”.", item=item.label),
    ItemKind.EQUIPMENT: lambda item: _("Confirm that “%(item)s” is available.", item=item.label),
    ItemKind.RECORD: lambda item: _("“%(item)s” is missing.", item=item.label),
}
