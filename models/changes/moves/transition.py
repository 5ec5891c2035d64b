"""The transition function: validates a move, writes the record, finishes the step and enters the next one.

``advance`` and ``save`` take a case file (``models.changes.moves.case_file``), which is loaded once under the request's
lock. Only ``advance`` changes the step of a request.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import OUTCOME_EFFECTS, REQUESTER_STEPS, Outcome, Step, Urgency
from lpse_admin.workflow.questions import ask, date_questions, plan_question
from lpse_admin.workflow.record_fields import EVALUATED_FIELDS, REQUEST_FIELDS, SOP_FIELD_PREFIX, fields_not_asked_for
from lpse_admin.workflow.transitions import (
    Evidence,
    conditions_of,
    detect_deviations,
    fields_not_kept,
    move_from,
    position_after,
    result_of,
    validation_errors,
)
from models.accounts.actor_snapshot import take_snapshot
from models.base import session_of, to_json_value
from models.changes.assets import affected
from models.changes.moves.case_file import CaseFile
from models.changes.revision import ChangeRevision
from models.changes.steps import due_times, durations, record_store
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, Evaluation
from models.changes.steps.field_value import copy_field_values
from models.changes.steps.timing import lateness_of, remeasure, time_deviations, unraised_limits
from models.changes.steps.undisposed import undisposed
from models.deviations import deviation
from models.documents.document import attached_keys
from models.notifications.rules import notify_move, notify_pending_deviations
from models.office.agency import next_serial, request_number
from models.releases import conflicts
from models.sops.sop import sop_in_force

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from lpse_admin.sop import Move, Sop
    from lpse_admin.workflow.deviations import DetectedDeviation
    from lpse_admin.worktime.step_timing import StepTiming
    from models.changes.change import ChangeRequest


#: The steps in which the type of the change is said, on which required items depend.
_CLASSIFYING_STEPS = frozenset({*REQUESTER_STEPS, Step.EVALUATION})


@dataclass(frozen=True, slots=True)
class Given:
    """The input for a step: values of its record and ``reason`` by field key, and keys of the ticked equipment."""

    values: Mapping[str, object]
    equipment: Collection[str] = ()
    #: Errors of what could not be read, by field key.
    errors: Mapping[str, Message] = field(default_factory=lambda: MappingProxyType({}))
    #: Field keys of the questions (``lpse_admin.workflow.questions``) that are answered with "it is so".
    confirmed: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _ValidatedMove:
    """A validated move, before anything is written."""

    move: Move
    given: Mapping[str, object]
    times: StepTiming
    deviations: Iterable[DetectedDeviation]
    undisposed: list[deviation.Deviation]


def advance(case: CaseFile, outcome: Outcome, given: Given) -> Activity:
    """Finish the current step with ``outcome``, move the request to the next step, and return the finished activity.

    ``given.values`` are the record's fields and ``reason`` by key (``lpse_admin.workflow.record_fields``); files must
    be attached to the open activity before. Raises NoSuchMove (409) if there is no such move, NotAllowed (403) if the
    actor may not act, ValidationFailed (422) if something required is missing or wrong. Everything except asset
    mutations is validated before anything is written.
    """
    session = session_of(case.change)
    if case.change.is_draft:
        case = _bind_to_sop_in_force(session, case)
    current = case.require_actor()
    validated = _validate(session, case, outcome, given)
    _write_record(session, case, validated)
    current.equipment = _known_equipment(case, given.equipment)
    session.flush()  # triggers require the record and the accounts before the step is finished
    _finish_step(case, validated)
    session.flush()
    durations.save_step_time(session, current, case.timing(current))
    next_activity = _enter_step(session, case, validated.move)
    session.flush()
    due = case.timing(next_activity).due if next_activity is not None else None
    due_times.save_due_time(session, case.change.id, next_activity, due)
    notify_move(session, case, current, next_activity, position_after(case.position, validated.move, case.actor.id))
    if next_activity is None or outcome is Outcome.VERIFIED or _is_verified(case):
        # No later verification will dispose of them.
        notify_pending_deviations(session, case.change, undisposed(case.change), case.now)
    return current


def save(case: CaseFile, given: Given, *, keeps_equipment: bool = False) -> Activity:
    """Save the draft input of the step's actor without a move.

    Raises what ``advance`` raises, except for missing values.
    """
    record_store.check(case.change, case.require_actor(), given.values, case.now, case.own_fields)
    return _store_input(case, given, keeps_equipment=keeps_equipment)


def save_valid(case: CaseFile, given: Given) -> dict[str, Message]:
    """Save what is valid of the draft input of the step's actor, and return the errors of the rest.

    Fields that the record does not ask for have none. Raises NotAllowed (403) and NoSuchMove (409).
    """
    case.require_actor()
    _record, wrong, not_asked_for = _examine(case, given.values)
    valid = {key: value for key, value in given.values.items() if key not in wrong}
    _store_input(case, replace(given, values=valid))
    return {key: error for key, error in {**wrong, **given.errors}.items() if key not in not_asked_for}


def _store_input(case: CaseFile, given: Given, *, keeps_equipment: bool = False) -> Activity:
    current = case.require_open()
    declared = deviation.declared_values(given.values)
    record_store.store(case.change, current, given.values, case.own_fields)
    current.declared = {**(current.declared or {}), **declared}
    if not keeps_equipment:
        current.equipment = _known_equipment(case, given.equipment)
    case.change.version += 1
    return current


def open_activity(change: ChangeRequest, sop: Sop, now: dt.datetime, before: Sequence[Any] = ()) -> Activity:
    """Create the activity of the current step of ``change``; ``before`` are the earlier activities or their rows."""
    rule = sop.rules[change.step]
    activity = ACTIVITY_CLASSES[change.step.record](
        change=change,
        agency_id=change.agency_id,
        sop_id=change.sop_id,
        requester_id=change.requester_id,
        sequence=len(before) + 1,
        previous_sequence=len(before) or None,
        revision=change.revision,
        step=change.step,
        actor_role=rule.actor,
        standard_minutes=rule.standard.minutes if rule.standard else None,
        arrived_at=now,
    )
    if isinstance(activity, Evaluation) and change.is_refused:
        activity.answers_id = next(
            (earlier.id for earlier in reversed(before) if earlier.step.kind is Step.APPROVAL), None
        )
    return activity


def _bind_to_sop_in_force(session: Session, case: CaseFile) -> CaseFile:
    """Bind a draft to the SOP that is in force when it is submitted (procedure.md, reading 14)."""
    change, current = case.change, case.require_open()
    sop = sop_in_force(session, change.agency_id)
    if sop is None or sop.id == change.sop_id:
        return case
    change.sop_id = sop.id
    session.flush()
    session.expire(change, ["sop_revision"])
    session.expire(current, ["sop_id"])  # updated by the database (ON UPDATE CASCADE)
    rule = sop.sop.rules[current.step]
    current.actor_role = rule.actor
    current.standard_minutes = rule.standard.minutes if rule.standard else None
    return replace(case, sop=sop.sop)


def _validate(session: Session, case: CaseFile, outcome: Outcome, given: Given) -> _ValidatedMove:
    """Validate a move and return what ``advance`` writes; nothing is written here."""
    current = case.require_open()
    move = move_from(case.sop, case.position, outcome)
    not_kept = fields_not_kept(case.sop, case.position, outcome)
    values = {**given.values, **dict.fromkeys(not_kept)}
    with session.no_autoflush:
        record, wrong, not_asked_for = _examine(case, values)
        values |= not_asked_for
        dropped = not_kept | set(not_asked_for)
        wrong = {key: error for key, error in {**wrong, **given.errors}.items() if key not in dropped}
        declared = {**(current.declared or {}), **deviation.declared_values(given.values)}
        position = case.position
        if current.step.kind in _CLASSIFYING_STEPS:
            conditions = _conditions_with(case, record)
            if current.step.kind is Step.EVALUATION:
                position = replace(position, evaluated_conditions=conditions)
            else:
                position = replace(position, conditions=conditions)
        times = case.timing(current)
        evidence = Evidence(
            values={**record, **declared},
            attached_documents=attached_keys(session, case.change) if _requires_documents(case) else frozenset(),
            confirmed_equipment=frozenset(given.equipment),
            lateness=lateness_of(times, case.standard),
            missing_consents=_missing_consents(case),
            raised_deviations=time_deviations(case, times),
            passed_limits=unraised_limits(case),
        )
        waiting = undisposed(case.change) if outcome is Outcome.VERIFIED else []
        others = conflicts.conflicts(session, case, record) if outcome is Outcome.SCHEDULED and not wrong else {}
        _require_complete(
            validation_errors(case.sop, position, outcome, evidence),
            wrong=wrong,
            owed=deviation.disposal_errors(waiting, _disposals(declared), case.now),
            others=others,
            questions=_questions(case, outcome, record) if not wrong else {},
            confirmed=given.confirmed,
        )
    detected = detect_deviations(case.sop, position, outcome, evidence)
    if outcome is Outcome.ACCEPTED:
        values |= {key: record[key] for key in EVALUATED_FIELDS}
    return _ValidatedMove(move, {**values, **declared}, times, detected, waiting)


def _missing_consents(case: CaseFile) -> dict[str, Message]:
    """Return an error for each actor whose consent is missing."""
    return {
        f"consent-{count.rule.actor_key}": _(
            "“%(step)s” needs the agreement of %(needed)s %(actor)s; so far %(agreed)s agree.",
            step=case.sop.step_title(case.position.step),
            needed=count.needed,
            actor=case.sop.title_of_key(count.rule.actor_key),
            agreed=count.agreed,
        )
        for count in case.consent_counts(finisher=case.person)
        if not count.is_complete
    }


def _examine(
    case: CaseFile, values: Mapping[str, object]
) -> tuple[dict[str, Any], dict[str, Message], dict[str, None]]:
    """Return the record as it will be, errors of ``values``, and the fields that it does not ask for, which are empty.

    A field is not asked for where its condition is not fulfilled by the record.
    """
    record, wrong = record_store.examine(case.change, case.require_open(), values, case.now, case.own_fields)
    not_asked_for = dict.fromkeys(fields_not_asked_for(case.own_fields, record))
    return record | not_asked_for, wrong, not_asked_for


def _conditions_with(case: CaseFile, record: Mapping[str, Any]) -> frozenset[Any]:
    """Return the requirement conditions of the request with the values of ``record``, wrong ones left out."""
    on_behalf_of, kinds = record.get("on_behalf_of", case.change.on_behalf_of), record["kind"]
    on_behalf_of = strip_blank(on_behalf_of) if isinstance(on_behalf_of, str) else None
    return conditions_of(on_behalf_of, kinds if isinstance(kinds, tuple) else None, case.change.urgency)


def _questions(case: CaseFile, outcome: Outcome, record: Mapping[str, Any]) -> dict[str, Message]:
    """Return the questions about the values of ``record`` by field key."""
    change = case.change
    zone = change.agency.zone
    since = change.submitted_at or case.now
    questions = date_questions(case.position.step, outcome, record, now=case.now.astimezone(zone), since=since)
    if outcome in {Outcome.EMERGENCY, Outcome.APPROVED}:
        is_emergency = change.urgency is Urgency.EMERGENCY
        questions |= plan_question(outcome, _rollback_plan(change), is_emergency=is_emergency)
    return questions


def _rollback_plan(change: ChangeRequest) -> str | None:
    """Return the roll back plan of the last evaluation, or of the request where that has none."""
    evaluations = (one for one in reversed(change.activities) if isinstance(one, Evaluation))
    return next((one.rollback_plan for one in evaluations if one.rollback_plan), change.rollback_plan)


def _requires_documents(case: CaseFile) -> bool:
    if case.position.step.kind is Step.EVALUATION:
        return True
    return case.rule is not None and any(item.kind is ItemKind.DOCUMENT for item in case.rule.requires)


def _require_complete(
    missing: Mapping[str, Message],
    *,
    wrong: Mapping[str, Message],
    owed: Mapping[str, Message],
    others: Mapping[str, Message],
    questions: Mapping[str, Message],
    confirmed: Collection[str],
) -> None:
    """Raise ValidationFailed with all errors at once.

    ``wrong`` are values that cannot be stored, ``missing`` is what is required and not there, ``owed`` disposals,
    ``others`` conflicts, and ``questions`` those about values, of which ``confirmed`` are answered.
    """
    open_questions = {key: ask(question) for key, question in questions.items() if key not in confirmed}
    errors = {**open_questions, **others, **missing, **owed, **wrong}
    if not errors:
        return
    if wrong:
        message = _("Some of the values entered cannot be saved.")
    elif missing:
        message = _("Still required: %(missing)s", missing=join_messages(list(missing.values()), " "))
    elif others:
        message = _("The release cannot be scheduled with these values.")
    elif owed:
        message = _("Every deviation must be decided before the report is verified.")
    else:
        sentences = join_messages([*open_questions.values()], " ")
        message = _("Please look at this once more: %(questions)s", questions=sentences)
    raise ValidationFailed(message, field_errors=errors, questions=questions)


def _known_equipment(case: CaseFile, ticked: Collection[str]) -> list[str]:
    """Return the ticked keys that are equipment of the step's rule, sorted."""
    requires = case.rule.requires if case.rule else ()
    known = (item.key for item in requires if item.kind is ItemKind.EQUIPMENT)
    return sorted(set(known).intersection(ticked))


def _disposals(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return the input for the head's disposals by deviation id."""
    disposals = given.get(deviation.DISPOSALS)
    return disposals if isinstance(disposals, dict) else {}


def _write_record(session: Session, case: CaseFile, validated: _ValidatedMove) -> None:
    """Write the step's record, the asset mutations, the deviations, and their accounts and disposals."""
    current, outcome = case.require_open(), validated.move.outcome
    with session.no_autoflush:
        record_store.store(case.change, current, validated.given, case.own_fields)
        if isinstance(current, Evaluation) and outcome is Outcome.ACCEPTED:
            case.change.kind = current.kind
    if outcome is Outcome.UPDATED:
        with session.begin_nested():  # if one mutation fails, none is applied
            record_store.apply_asset_mutations(case.change, current, outcome, case.actor, case.now)
    deviation.dispose_all(validated.undisposed, _disposals(validated.given), case.actor, now=case.now)
    current.declared = {}
    remeasure(case, current, validated.times)
    deviation.raise_deviations(case.change, current, validated.deviations, now=case.now, while_open=False)
    deviation.store_accounts(current, validated.given, case.actor, case.capacity, now=case.now)


def _finish_step(case: CaseFile, validated: _ValidatedMove) -> None:
    current = case.require_open()
    current.finished_at = case.now
    current.outcome, current.target = validated.move.outcome, validated.move.target
    current.actor_id = case.actor.id
    current.capacity = case.capacity
    current.delegation_id = case.delegation.id if case.delegation else None
    reason = validated.given.get("reason")
    current.reason = strip_blank(reason) or None if isinstance(reason, str) else None


def _enter_step(session: Session, case: CaseFile, move: Move) -> Activity | None:
    """Enter the target step of ``move`` and return its activity; None if the request is closed."""
    change = case.change
    _apply_effects(session, case, move.outcome)
    change.result = result_of(move, rolled_back=change.is_rolled_back)
    change.step = move.target
    change.version += 1
    if move.target is Step.CLOSED:
        change.closed_at = case.now
        return None
    next_activity = open_activity(change, case.sop, case.now, case.visits)
    session.add(next_activity)
    if move.target in REQUESTER_STEPS and case.sop.fields_of(move.target):
        copy_field_values(_last_of_requester(change), next_activity)
    return next_activity


def _last_of_requester(change: ChangeRequest) -> Activity:
    """Return the last finished step of the requester, whose content an answer to a return begins with."""
    finished = (one for one in reversed(change.activities) if not one.is_open)
    return next(one for one in finished if one.step in REQUESTER_STEPS)


def _apply_effects(session: Session, case: CaseFile, outcome: Outcome) -> None:
    """Apply the effects of ``outcome``: number and revision at submission, or a flag (``OUTCOME_EFFECTS``)."""
    change = case.change
    if outcome is Outcome.SUBMITTED:
        change.year, change.serial = next_serial(session, change.agency, case.now)
        change.number = request_number(change.year, change.serial)
        change.submitted_at = case.now
        take_snapshot(change, "requester_id")
        _record_revision(session, case)
    elif outcome is Outcome.RESUBMITTED:
        change.revision += 1
        _record_revision(session, case)
    elif outcome in OUTCOME_EFFECTS:
        name, value = OUTCOME_EFFECTS[outcome]
        setattr(change, name, value)


def _record_revision(session: Session, case: CaseFile) -> None:
    """Store the content of the request at its submission."""
    change = case.change
    content: dict[str, object] = {one.key: to_json_value(getattr(change, one.key)) for one in REQUEST_FIELDS}
    content[affected.FIELD] = affected.lines_of(change.affected_items)
    if case.own_fields:
        values = case.require_open().field_values
        content |= {SOP_FIELD_PREFIX + row.key: {"label": row.label, "words": row.words} for row in values}
    session.add(ChangeRevision(change_id=change.id, revision=change.revision, content=content, submitted_at=case.now))


def _is_verified(case: CaseFile) -> bool:
    return any(visit.outcome is Outcome.VERIFIED for visit in case.visits)
