"""Pure questions about one request: which moves stand open, to whom, and what they still lack.

The paper (``Sop``) says which moves there are. What the SOPs leave unsaid (procedure.md, readings) is
closed here and nowhere else: the head's refusal cannot be walked around, nobody takes two parts that check
one another, and nothing is released after a roll back or a failed test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.sop import ItemKind, Move, RequiredItem, RequirementCondition, Sop, StepRule
from lpse_admin.sop.steps import CONFLICTING_DUTIES, OUTCOME_EFFECTS, STEP_DUTIES, Duty, Outcome, Result, Step, Urgency
from lpse_admin.workflow.deviations import (
    OUTPUT_LACKING,
    DetectedDeviation,
    DeviationKind,
    Lateness,
    lateness_deviation,
    output_field,
)
from lpse_admin.workflow.record_fields import ChangeKind, forbidden_fields, is_empty, missing_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Position:
    """Where a request stands and what its history has settled, as far as the rules ask.

    ``parts`` maps each part to the ids of the people who took it; ``refused`` is true from the head's refusal
    until the head's approval; ``undone`` is true from a failed test until a later one passes or, after a roll
    back, for good; ``held_by`` is the id of whoever has taken the present step up.
    """

    step: Step
    urgency: Urgency | None = None
    requester_id: int | None = None
    duties: Mapping[Duty, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    refused: bool = False
    test_failed: bool = False
    rolled_back: bool = False
    conditions: frozenset[RequirementCondition] = frozenset()
    assignee_id: int | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: an id, the roles that they hold now, and whether they stand in for the head today."""

    id: int
    roles: frozenset[Role]
    is_acting_head: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is there when a step is to be finished.

    ``values`` are the record's fields, the reason, and the accounts of deviations and statements on outputs under the
    names of their fields (``workflow.deviations``); ``documents`` the requirement keys that a file is attached for;
    ``equipment`` the keys that were ticked; ``lateness`` how late the step is, if it is; ``raised`` the deviations
    that the program has raised on it already and nobody has accounted for. Records of earlier steps are there by
    themselves.
    """

    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    attached_documents: Collection[str] = frozenset()
    confirmed_equipment: Collection[str] = frozenset()
    lateness: Lateness | None = None
    raised_deviations: Collection[DetectedDeviation] = ()


def is_actor(rule: StepRule, position: Position, principal: Principal) -> bool:
    """Whether ``principal`` is the paper's actor for this step of this request, duties aside."""
    if rule.actor is Role.REQUESTER:
        return Role.REQUESTER in principal.roles and principal.id == position.requester_id
    return is_head(principal) if rule.actor is Role.HEAD else rule.actor in principal.roles


def is_head(principal: Principal) -> bool:
    """Whether ``principal`` is the head, or stands in for the head today."""
    return Role.HEAD in principal.roles or principal.is_acting_head


def conflicting_duty(position: Position, principal: Principal) -> Duty | None:
    """Return the part that ``principal`` already took and that bars them from the present step, if any."""
    part = STEP_DUTIES.get(position.step)
    if part is None:
        return None
    return next(
        (
            other
            for other in sorted(CONFLICTING_DUTIES[part])
            if principal.id in position.duties.get(other, frozenset())
        ),
        None,
    )


def reason_cannot_act(sop: Sop, position: Position, principal: Principal) -> Message | None:
    """Return why ``principal`` may not act on the present step, or None where they may."""
    if refusal := reason_not_eligible(sop, position, principal):
        return refusal
    if position.assignee_id not in {None, principal.id}:
        return _(
            "“%(step)s” is assigned to somebody else, who can reassign it; or take it over with a reason.",
            step=position.step.title,
        )
    return None


def reason_not_eligible(sop: Sop, position: Position, principal: Principal) -> Message | None:
    """Return why the present step cannot be ``principal``'s at all, in whose hands soever it is; None where it can."""
    if position.step is Step.CLOSED:
        return _("This request is closed; no further action is possible.")
    rule = sop.rules[position.step]
    if not is_actor(rule, position, principal):
        return _(
            "Only the %(actor)s may act on “%(step)s”.",
            actor=sop.actor_title(position.step),
            step=position.step.title,
        )
    if part := conflicting_duty(position, principal):
        return _(
            "You have already %(part)s, so somebody else must act on “%(step)s”.",
            part=part.title,
            step=position.step.title,
        )
    return None


def reason_move_blocked(move: Move, position: Position) -> Message | None:
    """Return why the paper's ``move`` is shut for this request by what happened before, or None."""
    if (
        position.refused
        and move.target is Step.IMPLEMENTATION
        and (move.origin, move.outcome) != (Step.APPROVAL, Outcome.APPROVED)
    ):
        return _("The head has refused this request: without the head's approval it cannot be implemented.")
    if move.outcome is Outcome.SCHEDULED and position.rolled_back:
        return _("The change was rolled back, so there is nothing to release. Record that there is no release.")
    if move.outcome is Outcome.SCHEDULED and position.test_failed:
        return _("The test failed, so this change cannot be released.")
    return None


def available_moves(sop: Sop, position: Position, principal: Principal) -> tuple[Move, ...]:
    """Return the moves that ``principal`` may make now, in the paper's order; empty where it is not their turn."""
    if reason_cannot_act(sop, position, principal):
        return ()
    return tuple(
        move for move in sop.moves if move.origin is position.step and reason_move_blocked(move, position) is None
    )


def required_items(rule: StepRule, position: Position) -> tuple[RequiredItem, ...]:
    """Return what the paper requires at this step of this request, conditions applied."""
    return tuple(item for item in rule.requires if item.condition is None or item.condition in position.conditions)


def is_item_present(item: RequiredItem, evidence: Evidence) -> bool:
    """Whether one requirement of a step is met.

    A step's own record is judged by its fields. The record of a step that this request did not pass is not asked
    for: a normal change has no approval to show.
    """
    if item.kind is ItemKind.DOCUMENT:
        return item.key in evidence.attached_documents
    return item.kind is ItemKind.RECORD or item.key in evidence.confirmed_equipment


def validation_errors(sop: Sop, position: Position, outcome: Outcome, evidence: Evidence) -> dict[str, Message]:
    """Return a sentence for each thing that ``outcome`` still lacks, by the name of its form field.

    A step that ends in its own withdrawal, return or rejection needs its reason, not the file it lacks. Under a paper
    that knows deviations, an account takes the place of an item that is not there.
    """
    step = position.step
    faults = missing_fields(step, outcome, evidence.values) | forbidden_fields(step, outcome, evidence.values)
    if outcome is Outcome.ACCEPTED and position.refused and is_empty(evidence.values.get("answer_to_refusal")):
        faults["answer_to_refusal"] = _(
            "The head has refused this request: state how this evaluation responds to that."
        )
    for item in missing_items(sop, position, outcome, evidence):
        if not (sop.switches.deviations and _missing_item_deviation(item).has_account(evidence.values)):
            faults[f"{item.kind}-{item.key}"] = _MISSING_ITEM_ERRORS[item.kind](item)
    for found in (*evidence.raised_deviations, *detect_deviations(sop, position, outcome, evidence)):
        if found.kind is not DeviationKind.EQUIPMENT and not found.has_account(evidence.values):
            faults[found.account_field] = found.account_error
    return faults


def missing_items(sop: Sop, position: Position, outcome: Outcome, evidence: Evidence) -> tuple[RequiredItem, ...]:
    """Return what the paper requires for ``outcome`` and is not at hand."""
    if outcome in _OUTCOMES_WITHOUT_REQUIREMENTS:
        return ()
    return tuple(
        item for item in required_items(sop.rules[position.step], position) if not is_item_present(item, evidence)
    )


def detect_deviations(
    sop: Sop, position: Position, outcome: Outcome, evidence: Evidence
) -> tuple[DetectedDeviation, ...]:
    """Return the deviations of the present step if it ends in ``outcome``; none where the paper knows none.

    Time is judged whatever the outcome; equipment and output only where the step does its work.
    """
    if not sop.switches.deviations:
        return ()
    found = [lateness_deviation(evidence.lateness)] if evidence.lateness else []
    found += map(_missing_item_deviation, missing_items(sop, position, outcome, evidence))
    if outcome not in _OUTCOMES_WITHOUT_REQUIREMENTS:
        found += [
            DetectedDeviation(DeviationKind.OUTPUT, output_field(place), what=output)
            for place, output in enumerate(sop.rules[position.step].outputs)
            if evidence.values.get(output_field(place)) == OUTPUT_LACKING
        ]
    return tuple(found)


def _missing_item_deviation(item: RequiredItem) -> DetectedDeviation:
    """Return the deviation that the absence of ``item`` is."""
    return DetectedDeviation(DeviationKind.EQUIPMENT, f"{item.kind}-{item.key}", what=item.label)


def require_actor(sop: Sop, position: Position, principal: Principal) -> None:
    """Raise NotAllowed (403) where ``principal`` may not act on the present step, NoSuchMove (409) where none is."""
    if position.step is Step.CLOSED:
        raise NoSuchMove(_("This request is closed; no further action is possible."))
    if refusal := reason_cannot_act(sop, position, principal):
        raise NotAllowed(refusal)


def move_from(sop: Sop, position: Position, outcome: Outcome) -> Move:
    """Return the move that ``outcome`` makes from here, whoever makes it and whatever it still lacks.

    Raises NoSuchMove (409) where the paper or the history has none.
    """
    rule = sop.rules[position.step]
    if outcome not in rule.leads_to:
        raise NoSuchMove(
            _("“%(outcome)s” is not an outcome of “%(step)s”.", outcome=outcome.title, step=position.step.title)
        )
    move = Move(position.step, outcome, rule.leads_to[outcome])
    if refusal := reason_move_blocked(move, position):
        raise NoSuchMove(refusal)
    return move


def find_move(sop: Sop, position: Position, outcome: Outcome, principal: Principal) -> Move:
    """Return the move that ``outcome`` makes from here, whatever it still lacks; raises as the two above do."""
    require_actor(sop, position, principal)
    return move_from(sop, position, outcome)


def require_evidence(faults: Mapping[str, Message]) -> None:
    """Raise ValidationFailed (422) with all that is missing, a sentence beside each field, where anything is."""
    if faults:
        raise ValidationFailed(
            _("Still required: %(missing)s", missing=join_messages(list(faults.values()), " ")), field_errors=faults
        )


def decide(sop: Sop, position: Position, outcome: Outcome, principal: Principal, evidence: Evidence) -> Move:
    """Return the move that ``outcome`` makes from here, or say why it may not be made.

    Raises what ``find_move`` raises, and Incomplete (422) where something required is missing.
    """
    move = find_move(sop, position, outcome, principal)
    require_evidence(validation_errors(sop, position, outcome, evidence))
    return move


def position_after(position: Position, move: Move, actor_id: int) -> Position:
    """Return where a request stands that stood at ``position`` and was moved by ``actor_id``."""
    duties = dict(position.duties)
    if part := STEP_DUTIES.get(move.origin):
        duties[part] = duties.get(part, frozenset()) | {actor_id}
    settled: dict[str, Any] = {}
    if move.outcome in OUTCOME_EFFECTS:
        name, value = OUTCOME_EFFECTS[move.outcome]
        settled[_SETTLED_AS[name]] = value
    return replace(position, step=move.target, duties=duties, assignee_id=None, **settled)


def conditions_of(
    on_behalf_of: str | None, kind: ChangeKind | None, urgency: Urgency | None
) -> frozenset[RequirementCondition]:
    """Return what about a request makes its SOP ask for more."""
    holds = {
        RequirementCondition.BY_PROXY: bool(on_behalf_of),
        RequirementCondition.ACCOUNT: kind is ChangeKind.ACCOUNT,
        RequirementCondition.EMERGENCY: urgency is Urgency.EMERGENCY,
    }
    return frozenset(condition for condition, is_so in holds.items() if is_so)


def result_of(move: Move, *, rolled_back: bool) -> Result | None:
    """Return what becomes of a request that ``move`` closes, or None where it does not close it."""
    if move.target is not Step.CLOSED:
        return None
    if move.outcome in {Outcome.REJECTED, Outcome.REFUSED}:
        return Result.REJECTED
    if move.outcome is Outcome.WITHDRAWN:
        return Result.WITHDRAWN
    return Result.ROLLED_BACK if rolled_back else Result.COMPLETED


#: Outcomes that send a request away because something is lacking: they cannot be made to wait for it.
_OUTCOMES_WITHOUT_REQUIREMENTS = frozenset(
    {Outcome.RETURNED, Outcome.REJECTED, Outcome.WITHDRAWN, Outcome.REFUSED, Outcome.REVISE}
)

#: What an outcome settles (``OUTCOME_EFFECTS``), as a position names it.
_SETTLED_AS = {
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
