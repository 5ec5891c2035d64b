"""Verification of stored requests against their histories: every move is replayed in one pass over the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lpse_admin.i18n import Message, _
from lpse_admin.sop import Move
from lpse_admin.sop.steps import CONFLICTING_DUTIES, OUTCOME_EFFECTS, Duty, Outcome, Result, Step, Urgency, duty_of
from lpse_admin.workflow.transitions import result_of
from models.changes.change import ChangeRequest
from models.changes.revision import ChangeRevision
from models.changes.steps.activity import Activity
from models.office.agency import NumberCounter
from models.sops.sop import SopMove

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

#: Rows loaded at a time.
_BATCH_SIZE = 5000

_REPLAYED_COLUMNS = ("step", "urgency", "result", "is_refused", "is_undone", "is_rolled_back", "revision")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A stored value that contradicts the history; ``change_id`` is None for gaps in a year's numbers."""

    change_id: int | None
    number: str | None
    error: Message

    @property
    def message(self) -> Message:
        """The request and what is wrong with it, on one line."""
        number = self.number or _("draft %(id)s", id=self.change_id)
        return _("%(number)s: %(error)s", number=number, error=self.error)


@dataclass(slots=True)
class _ReplayedState:
    """The state of a request after the moves replayed so far."""

    step: Step = Step.REQUEST
    urgency: Urgency | None = None
    result: Result | None = None
    is_refused: bool = False
    is_undone: bool = False
    is_rolled_back: bool = False
    revision: int = 1
    duties: dict[Duty, set[int]] = field(default_factory=dict)

    def apply(self, move: Move) -> None:
        """Apply ``move`` and the effects of its outcome."""
        if move.outcome is Outcome.RESUBMITTED:
            self.revision += 1
        elif move.outcome in OUTCOME_EFFECTS:
            name, value = OUTCOME_EFFECTS[move.outcome]
            setattr(self, name, value)
        self.step = move.target
        self.result = result_of(move, rolled_back=self.is_rolled_back)


def verify_histories(session: Session) -> Iterator[Discrepancy]:
    """Yield the discrepancies, request by request."""
    moves = {
        (move.sop_id, move.step, move.outcome): move.target
        for move in session.execute(select(SopMove.sop_id, SopMove.step, SopMove.outcome, SopMove.target))
    }
    connection = session.connection()
    with connection.execute(_CHANGES) as changes, connection.execute(_ACTIVITIES) as activities:
        histories = groupby(activities, key=lambda row: row.change_id)
        upcoming = next(histories, None)
        for change in changes:
            history = []
            if upcoming is not None and upcoming[0] == change.id:
                history = list(upcoming[1])
                upcoming = next(histories, None)
            for error in _request_errors(change, history, moves):
                yield Discrepancy(change.id, change.number, error)
    yield from _missing_revisions(session)
    yield from _number_gaps(session)


_change, _activity = ChangeRequest.__table__.c, Activity.__table__.c
_CHANGES = (
    select(
        *(_change[name] for name in ("id", "number", "sop_id", "requester_id", *_REPLAYED_COLUMNS)),
        _change.created_at,
        _change.submitted_at,
        _change.closed_at,
    )
    .order_by(_change.id)
    .execution_options(yield_per=_BATCH_SIZE)
)
_ACTIVITIES = (
    select(
        _activity.change_id,
        _activity.sequence,
        _activity.step,
        _activity.outcome,
        _activity.target,
        _activity.revision,
        _activity.actor_id,
        _activity.arrived_at,
        _activity.finished_at,
    )
    .order_by(_activity.change_id, _activity.sequence)
    .execution_options(yield_per=_BATCH_SIZE)
)


def _request_errors(
    change: Row[*tuple[Any, ...]],
    history: Sequence[Any],
    moves: dict[tuple[int, Step, Outcome], Step],
) -> Iterator[Message]:
    """Yield the errors of one request; ``history`` are its steps in order."""
    state = _ReplayedState(duties={Duty.REQUEST: {change.requester_id}})
    arrived = change.created_at
    for number, row in enumerate(history, 1):
        if row.sequence != number:
            yield _("step %(place)s of its history is missing", place=number)
            return
        if row.step is not state.step or row.revision != state.revision or row.arrived_at != arrived:
            yield _("step %(place)s does not start when the previous one ended", place=number)
        if row.finished_at is None:
            if number != len(history):
                yield _("step %(place)s is open although another follows", place=number)
            break
        yield from _move_errors(row, state, moves.get((change.sop_id, row.step, row.outcome)))
        state.apply(Move(row.step, row.outcome, row.target))
        arrived = row.finished_at
    else:
        if state.step is not Step.CLOSED:
            yield _("it has no open step although it is not closed")
    yield from _stored_value_errors(change, state, history)


def _move_errors(
    row: Row[*tuple[Any, ...]],
    state: _ReplayedState,
    expected_target: Step | None,
) -> Iterator[Message]:
    """Yield the errors of one move: not in the SOP, past a refusal, or by a user with a conflicting duty."""
    if expected_target is not row.target:
        yield _("step %(place)s ended with a move that its SOP does not have", place=row.sequence)
    if (
        state.is_refused
        and row.target is not None
        and row.target.kind is Step.IMPLEMENTATION
        and row.outcome is not Outcome.APPROVED
    ):
        yield _("step %(place)s bypassed the head's refusal", place=row.sequence)
    duty = duty_of(row.step)
    if duty is None:
        return
    if any(row.actor_id in state.duties.get(other, ()) for other in CONFLICTING_DUTIES[duty]):
        yield _("step %(place)s was done by somebody who had done a step that it checks", place=row.sequence)
    state.duties.setdefault(duty, set()).add(row.actor_id)


def _stored_value_errors(
    change: Row[*tuple[Any, ...]],
    state: _ReplayedState,
    history: Sequence[Any],
) -> Iterator[Message]:
    """Yield the columns of the request that differ from the replayed state."""
    for name in _REPLAYED_COLUMNS:
        stored, replayed = getattr(change, name), getattr(state, name)
        if stored != replayed:
            yield _(
                "“%(column)s” is %(stored)s, but its history gives %(found)s",
                column=name,
                stored=str(stored),
                found=str(replayed),
            )
    if not history:
        return
    if change.submitted_at != history[0].finished_at:
        yield _("the submission time is not that of its first step")
    if state.step is Step.CLOSED and change.closed_at != history[-1].finished_at:
        yield _("the closing time is not that of its last step")


def _missing_revisions(session: Session) -> Iterator[Discrepancy]:
    """Yield the requests with fewer stored revisions than submissions."""
    stored = select(ChangeRevision.change_id, func.count().label("count")).group_by(ChangeRevision.change_id).subquery()
    for row in session.execute(
        select(ChangeRequest.id, ChangeRequest.number)
        .outerjoin(stored, stored.c.change_id == ChangeRequest.id)
        .where(ChangeRequest.submitted_at.is_not(None), func.coalesce(stored.c.count, 0) != ChangeRequest.revision)
        .order_by(ChangeRequest.id)
    ):
        yield Discrepancy(row.id, row.number, _("a revision of its values is missing"))


def _number_gaps(session: Session) -> Iterator[Discrepancy]:
    """Yield the years whose numbers have gaps or do not match the counter."""
    numbers = (
        select(
            ChangeRequest.agency_id,
            ChangeRequest.year,
            func.count().label("count"),
            func.max(ChangeRequest.serial).label("last"),
        )
        .where(ChangeRequest.serial.is_not(None))
        .group_by(ChangeRequest.agency_id, ChangeRequest.year)
    )
    counters = {
        (row.agency_id, row.year): row.last
        for row in session.execute(select(NumberCounter.agency_id, NumberCounter.year, NumberCounter.last))
    }
    for row in session.execute(numbers):
        if not row.count == row.last == counters.pop((row.agency_id, row.year), None):
            yield Discrepancy(None, f"RFC/{row.year}", _("the numbers of this year have gaps"))
    for (_agency, year), last in counters.items():
        if last:
            yield Discrepancy(None, f"RFC/{year}", _("the numbers of this year have gaps"))
