"""The door through which requests move, and what stands behind it: the lock, the record, the finished step, the next.

``advance``, ``save`` and ``claim`` are methods of ``ChangeRequest``; nothing else writes where a request stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm.attributes import set_committed_value

from lpse_admin.errors import NoSuchMove, NotAllowed, NotFound, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import OUTCOME_EFFECTS, Outcome, Step
from lpse_admin.workflow.record_fields import REQUEST_FIELDS
from lpse_admin.workflow.transitions import Evidence, decide, detect_deviations, find_move, result_of
from models.base import session_of, to_json_value
from models.changes import record_store
from models.changes.activity import ACTIVITY_CLASSES, Activity, Approval, Evaluation
from models.changes.revision import ChangeRevision
from models.delegation.delegation import capacity
from models.deviations import deviation
from models.notifications.rules import notify_move, notify_pending_deviations
from models.office.agency import next_serial, request_number
from models.releases import conflicts
from models.sops.sop import sop_in_force
from models.worktime import step_durations
from models.worktime.timing import lateness, measure_activity, remeasure, time_deviations

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.sop import Move
    from lpse_admin.workflow.deviations import DetectedDeviation
    from lpse_admin.workflow.transitions import Principal
    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.delegation.delegation import Delegation


def advance(  # noqa: PLR0913 - a move has this many parts, and this is the one door for it
    change: ChangeRequest,
    outcome: Outcome,
    actor: User,
    *,
    now: dt.datetime,
    values: Mapping[str, object] | None = None,
    equipment: Collection[str] = (),
    version: int | None = None,
) -> Activity:
    """Finish the present step with ``outcome`` and bring the request where its paper leads, or refuse.

    The only writer of the current step, called as ``ChangeRequest.advance``. ``values`` are the record's fields and
    ``reason`` by key (``workflow.record_fields``); files are attached to the open activity before. ``version`` is that
    which the actor's form was made from. Returns the finished activity. Raises NoSuchMove (409) where there is no such
    move or somebody was faster, NotAllowed (403) where it is somebody else's, NotFound (404) where it is another
    agency's, Incomplete (422) where something required is missing or wrong; the caller then rolls back, and nothing
    was written.
    """
    session = session_of(change)
    given = dict(values or {})
    current = change.lock_current_step(actor, version)
    if change.is_draft:
        _bind_sop_in_force(change, session, current)
    who, delegation = change.as_actor(actor, now)
    find_move(change.sop, change.position, outcome, who)
    with session.no_autoflush:
        record_store.write_record(change, current, given, now)
        given |= current.declared | deviation.declared_values(given)
        at_hand = _evidence(change, current, given, equipment, now)
        try:
            move = _decide_move(change, outcome, who, at_hand, given, now)
        except ValidationFailed as refusal:  # what else is in the way is told at once
            others = conflicts.scheduling_errors(session, change, current, outcome, actor)
            raise ValidationFailed(refusal.message, field_errors={**others, **refusal.field_errors}) from None
        found = detect_deviations(change.sop, change.position, outcome, at_hand)
    session.flush()
    conflicts.require_no_conflicts(session, change, current, outcome, actor)
    record_store.apply_asset_mutations(change, current, outcome, actor, now)
    current.equipment = _known_equipment(change, current, equipment)
    _process_deviations(change, current, outcome, found, given, actor, now)
    session.flush()  # the database lets a step end only when its accounts are there
    _finish_step(change, current, move, actor, delegation, now, given)
    step_durations.save_step_time(session, current, measure_activity(change, current, now))
    _enter_step(change, move, now)
    session.flush()
    notify_move(session, change, current, actor, now)
    if change.step is Step.CLOSED or change.is_verified:
        # No verification will meet them any more.
        notify_pending_deviations(session, change, deviation.undisposed(change), now)
    return current


def save(
    change: ChangeRequest,
    actor: User,
    *,
    now: dt.datetime,
    values: Mapping[str, object],
    equipment: Collection[str] | None = None,
    version: int | None = None,
) -> Activity:
    """Keep what the step's actor has typed so far, without moving; the record stays open.

    Raises what ``advance`` raises, save that nothing has to be complete.
    """
    current = change.lock_current_step(actor, version)
    if refusal := change.reason_cannot_act(actor, now):
        raise NotAllowed(refusal)
    record_store.write_record(change, current, values, now)
    current.declared = {**(current.declared or {}), **deviation.declared_values(values)}
    if equipment is not None:
        current.equipment = _known_equipment(change, current, equipment)
    change.version += 1
    return current


def lock_current_step(change: ChangeRequest, actor: User, version: int | None) -> Activity:
    """Lock this request and return its open step, as both are now.

    Raises NoSuchMove (409) where the request is not any more the ``version`` that the actor was shown, or is
    closed, and NotFound (404) where it is another agency's or gone.
    """
    session = session_of(change)
    session.flush()
    try:
        session.refresh(change, with_for_update=True)
    except InvalidRequestError:  # a draft that its requester has thrown away meanwhile
        raise NotFound(_("There is no such request.")) from None
    if actor.agency_id != change.agency_id and not actor.is_superadmin:
        raise NotFound(_("There is no such request."))
    # What was read of the history before the lock may be older than the lock.
    history = session.scalars(
        select(Activity)
        .where(Activity.change_id == change.id)
        .order_by(Activity.sequence)
        .execution_options(populate_existing=True)
    ).all()
    set_committed_value(change, "activities", list(history))
    if version is not None and version != change.version:
        raise NoSuchMove(_("Conflict: this request has been moved or changed since you opened it."))
    current = change.current_activity
    if current is None:
        raise NoSuchMove(_("This request is closed; no further action is possible."))
    return current


def open_activity(change: ChangeRequest, step: Step, now: dt.datetime) -> Activity:
    """Open ``step`` as the next of the history, under the paper as it is, and return it."""
    rule = change.sop.rules[step]
    activity = ACTIVITY_CLASSES[step](
        agency_id=change.agency_id,
        sop_id=change.sop_id,
        requester_id=change.requester_id,
        sequence=len(change.activities) + 1,
        previous_sequence=len(change.activities) or None,
        revision=change.revision,
        step=step,
        actor_role=rule.actor,
        standard_minutes=rule.standard.minutes if rule.standard else None,
        arrived_at=now,
    )
    if isinstance(activity, Evaluation) and change.is_refused:
        activity.answers_id = next(
            (former.id for former in reversed(change.activities) if isinstance(former, Approval)), None
        )
    change.activities.append(activity)
    return activity


def _bind_sop_in_force(change: ChangeRequest, session: Session, current: Activity) -> None:
    """Bind a draft to the paper that is in force when it is submitted (procedure.md, reading 14)."""
    paper = sop_in_force(session, change.agency_id)
    if paper is None or paper.id == change.sop_id:
        return
    change.sop_id = paper.id
    session.flush()
    session.expire(change, ["sop_revision"])
    session.expire(current, ["sop_id"])  # followed by itself (ON UPDATE CASCADE)
    rule = paper.sop.rules[current.step]
    current.actor_role = rule.actor
    current.standard_minutes = rule.standard.minutes if rule.standard else None


def _evidence(
    change: ChangeRequest, current: Activity, values: Mapping[str, object], equipment: Collection[str], now: dt.datetime
) -> Evidence:
    return Evidence(
        values={**record_store.read_record(change, current), **values},
        attached_documents=frozenset(document.item_key for document in change.documents if document.item_key),
        confirmed_equipment=frozenset(equipment),
        lateness=lateness(change, current, now),
        raised_deviations=time_deviations(change, current, now),
    )


def _known_equipment(change: ChangeRequest, current: Activity, ticked: Collection[str]) -> list[str]:
    """Return those of the ticked keys that the step's rule has."""
    asked = (item.key for item in change.sop.rules[current.step].requires if item.kind is ItemKind.EQUIPMENT)
    return sorted(set(asked).intersection(ticked))


def _decide_move(
    change: ChangeRequest,
    outcome: Outcome,
    who: Principal,
    at_hand: Evidence,
    given: Mapping[str, object],
    now: dt.datetime,
) -> Move:
    """Return the move, or say all at once what it still lacks: what the rules ask for, and what the head owes."""
    owed: dict[str, Message] = {}
    if outcome is Outcome.VERIFIED:
        owed = deviation.disposal_errors(change, _disposals(given), now)
    try:
        move = decide(change.sop, change.position, outcome, who, at_hand)
    except ValidationFailed as refusal:
        raise ValidationFailed(refusal.message, field_errors={**refusal.field_errors, **owed}) from None
    if owed:
        raise ValidationFailed(_("Every deviation must be decided before the report is verified."), field_errors=owed)
    return move


def _process_deviations(  # noqa: PLR0913, PLR0917 - what a finished step and its deviations have to do with one another
    change: ChangeRequest,
    current: Activity,
    outcome: Outcome,
    found: Iterable[DetectedDeviation],
    given: Mapping[str, object],
    actor: User,
    now: dt.datetime,
) -> None:
    """Dispose of what the head has judged, and raise and account for what ``current`` did not keep of its standard."""
    if outcome is Outcome.VERIFIED:
        deviation.dispose_all(change, _disposals(given), actor, now=now)
    current.declared = {}
    remeasure(change, current, now)
    deviation.raise_deviations(change, current, found, now=now, while_open=False)
    deviation.store_accounts(current, given, actor, now=now)


def _disposals(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return what was typed of the head's disposals, by the deviations' ids."""
    typed = given.get(deviation.DISPOSALS)
    return typed if isinstance(typed, dict) else {}


def _finish_step(  # noqa: PLR0913, PLR0917 - the parts of a finished step
    change: ChangeRequest,
    current: Activity,
    move: Move,
    actor: User,
    delegation: Delegation | None,
    now: dt.datetime,
    values: Mapping[str, object],
) -> None:
    current.finished_at = now
    current.outcome, current.target = move.outcome, move.target
    current.actor_id = actor.id
    current.capacity = capacity(change.sop, move.origin, delegation)
    current.delegation_id = delegation.id if delegation else None
    reason = values.get("reason")
    current.reason = reason.strip() or None if isinstance(reason, str) else None


def _enter_step(change: ChangeRequest, move: Move, now: dt.datetime) -> None:
    """Take the step that ``move`` leads to."""
    _apply_effects(change, move.outcome, now)
    change.result = result_of(move, rolled_back=change.is_rolled_back)
    change.step = move.target
    change.version += 1
    if move.target is Step.CLOSED:
        change.closed_at = now
    else:
        open_activity(change, move.target, now)


def _apply_effects(change: ChangeRequest, outcome: Outcome, now: dt.datetime) -> None:
    """Keep what ``outcome`` settles for the rest of the way."""
    if outcome is Outcome.SUBMITTED:
        change.year, change.serial = next_serial(session_of(change), change.agency, now)
        change.number = request_number(change.year, change.serial)
        change.submitted_at = now
        _record_revision(change, now)
    elif outcome is Outcome.RESUBMITTED:
        change.revision += 1
        _record_revision(change, now)
    elif outcome in OUTCOME_EFFECTS:
        name, value = OUTCOME_EFFECTS[outcome]
        setattr(change, name, value)


def _record_revision(change: ChangeRequest, now: dt.datetime) -> None:
    """Keep what the request says as it is submitted."""
    content = {field.key: to_json_value(getattr(change, field.key)) for field in REQUEST_FIELDS}
    change.revisions.append(ChangeRevision(revision=change.revision, content=content, submitted_at=now))
