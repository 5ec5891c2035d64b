"""What is known of a request when somebody acts on it: put together once, and passed on to all that need it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm.attributes import set_committed_value

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, NotFound
from lpse_admin.i18n import _
from lpse_admin.sop import Move
from lpse_admin.sop.steps import Duty
from lpse_admin.workflow.transitions import (
    Position,
    Principal,
    available_moves,
    conditions_of,
    position_after,
    reason_cannot_act,
    reason_not_eligible,
)
from lpse_admin.worktime.step_timing import measure_step, standard_time_of
from models.base import session_of
from models.changes.activity import ACTIVITY_CLASSES, Activity
from models.delegation.delegation import capacity, load_active_delegation
from models.deviations.deviation import Deviation
from models.office.calendars import load_calendars_and_sops

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from lpse_admin.i18n import Message
    from lpse_admin.sop import Sop, StandardTime, StepRule
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.loading import StepShown
    from models.delegation.delegation import Delegation

    #: A delegation that the caller has read already (None: there is none), or that is still to be read.
    Known = Delegation | None | Literal["to be read"]

TO_BE_READ: Literal["to be read"] = "to be read"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A request as one person acts on it at one moment.

    ``visits`` are the rows of its history in order, the open one included; ``current`` is the open step with its
    record, None once the request is closed and where nobody asked for it; ``person`` is the actor as the rules see
    them, and ``delegation`` the one under which they take the present step in the head's place.
    """

    change: ChangeRequest
    visits: Sequence[Any]
    current: Activity | None
    sop: Sop
    calendar: WorkCalendar
    position: Position
    actor: User
    person: Principal
    delegation: Delegation | None
    #: Why the actor may not act on the present step; None where they may.
    reason_cannot_act: Message | None
    now: dt.datetime

    @property
    def rule(self) -> StepRule | None:
        """The SOP's rule for the present step; None once the request is closed."""
        return self.sop.rules.get(self.position.step)

    @property
    def standard(self) -> StandardTime | None:
        """The standard time of the present step, where the SOP lays one down."""
        return None if self.rule is None else standard_time_of(self.sop, self.position.step)

    @property
    def capacity(self) -> str:
        """In what capacity the actor takes the present step, in the SOP's words: 'Plh. Kepala LPSE'."""
        return capacity(self.sop, self.position.step, self.delegation)

    def require_open(self) -> Activity:
        """Return the open step; raises NoSuchMove (409) once the request is closed."""
        if self.current is None:
            raise NoSuchMove(_("This request is closed; no further action is possible."))
        return self.current

    def require_actor(self) -> Activity:
        """Return the open step, if it is the actor's; raises NotAllowed (403), or NoSuchMove (409) where none is."""
        current = self.require_open()
        if self.reason_cannot_act is not None:
            raise NotAllowed(self.reason_cannot_act)
        return current

    def reason_cannot_take(self, user: User) -> Message | None:
        """Return why the present step cannot be ``user``'s at all, whoever its assignee is; None where it can."""
        person = self.person
        if user.id != self.actor.id:
            is_heads = self.rule is not None and self.rule.actor is Role.HEAD
            delegation = load_active_delegation(session_of(self.change), user, self.now) if is_heads else None
            person = person_of(self.change, user, delegation)
        return reason_not_eligible(self.sop, self.position, person)

    def open_moves(self) -> tuple[Move, ...]:
        """Return the moves that the actor may make."""
        return available_moves(self.sop, self.position, self.person)

    def timing(self, visit: Activity | StepShown) -> StepTiming:
        """Return how long a step waited and was handled, and what its standard says to that."""
        return measure_step(self.calendar, self.sop, visit.step, visit.timestamps, self.now)


def open_case(
    change: ChangeRequest,
    actor: User,
    now: dt.datetime,
    *,
    version: int | None = None,
    delegation: Known = TO_BE_READ,
    is_locked: bool = False,
) -> CaseFile:
    """Lock ``change`` and put together what ``actor`` needs to act on it, all of it as it is under the lock.

    ``version`` is the one that the actor's form was made from; ``is_locked`` says that ``change`` was read under its
    lock just now. Raises NotFound (404) where the request is another agency's or gone, NoSuchMove (409) where it is
    not the ``version`` any more, or closed.
    """
    if not is_locked:
        lock(change, actor)
    if version is not None and version != change.version:
        raise NoSuchMove(_("Conflict: this request has been moved or changed since you opened it."))
    case = with_record(read_case(change, actor, now, delegation=delegation))
    current = case.require_open()
    if not case.visits[-1].deviates:  # so that nobody asks the database again
        set_committed_value(current, "deviations", [])
    return case


def lock(change: ChangeRequest, actor: User) -> None:
    """Lock the row of ``change`` and read it anew; what was read of its history before is forgotten.

    Raises NotFound (404) where the request is another agency's, or gone.
    """
    session = session_of(change)
    session.flush()
    kind, change_id = type(change), change.id
    locked = select(kind).where(kind.id == change_id).with_for_update(of=kind).execution_options(populate_existing=True)
    found = session.scalars(locked).one_or_none()  # None: a draft that its requester has thrown away meanwhile
    if found is None or (actor.agency_id != change.agency_id and not actor.is_superadmin):
        raise NotFound(_("There is no such request."))


def read_case(
    change: ChangeRequest,
    actor: User,
    now: dt.datetime,
    *,
    delegation: Known = TO_BE_READ,
    visits: Sequence[Any] | None = None,
) -> CaseFile:
    """Put together what there is to know of ``change`` for ``actor`` without a lock, and without the open record.

    ``visits`` are the rows of its history, where they are read already.
    """
    session = session_of(actor)
    if visits is None:
        visits = session.connection().execute(_VISITS, {"change": change.id}).all()
    calendars, sops = load_calendars_and_sops(session, [change.agency])
    sop = sops[change.sop_id]
    rule = sop.rules.get(change.step)
    is_heads = rule is not None and rule.actor is Role.HEAD
    if delegation == TO_BE_READ:
        delegation = (
            load_active_delegation(session, actor, now) if is_heads and _is_of_the_office(change, actor) else None
        )
    position, person = position_of(change, visits), person_of(change, actor, delegation)
    return CaseFile(
        change=change,
        visits=visits,
        current=None,
        sop=sop,
        calendar=calendars[change.agency_id],
        position=position,
        actor=actor,
        person=person,
        delegation=delegation if is_heads else None,
        reason_cannot_act=reason_cannot_act(sop, position, person),
        now=now,
    )


def with_record(case: CaseFile) -> CaseFile:
    """Return ``case`` with the open step and its record, read anew; as it is where no step is open."""
    last = case.visits[-1] if case.visits else None
    if last is None or last.finished_at is not None:
        return case
    if not isinstance(last, Activity):  # a row of it
        last = session_of(case.actor).get_one(ACTIVITY_CLASSES[last.step], last.id, populate_existing=True)
    return replace(case, current=last)


def person_of(change: ChangeRequest, user: User, delegation: Delegation | None) -> Principal:
    """Return ``user`` as the rules see them on ``change``: without any role for whoever is of another agency."""
    if not _is_of_the_office(change, user):
        return Principal(user.id, frozenset())
    return Principal(user.id, user.roles, is_acting_head=delegation is not None)


def position_of(change: ChangeRequest, visits: Iterable[Any]) -> Position:
    """Return where ``change`` stands, as the rules see it.

    What bars a move is read from its history (steps, or rows of them), and not from the flags beside it, which only
    sort and filter.
    """
    position = Position(change.step, duties={Duty.REQUEST: frozenset({change.requester_id})})
    holder = None
    for visit in visits:
        if visit.outcome is not None:
            position = position_after(position, Move(visit.step, visit.outcome, visit.target), visit.actor_id)
        else:
            holder = visit.held_by_id
    return replace(
        position,
        step=change.step,
        urgency=change.urgency,
        requester_id=change.requester_id,
        conditions=conditions_of(change.on_behalf_of, change.kind, change.urgency),
        assignee_id=holder,
    )


def _is_of_the_office(change: ChangeRequest, user: User) -> bool:
    return user.agency_id == change.agency_id and user.is_active


_activity: Any = Activity.__table__.c
#: What the rules ask of a request's history.
_VISITS = (
    select(
        _activity.id,
        _activity.sequence,
        _activity.step,
        _activity.outcome,
        _activity.target,
        _activity.actor_id,
        _activity.held_by_id,
        _activity.finished_at,
        exists().where(Deviation.activity_id == _activity.id).label("deviates"),
    )
    .where(_activity.change_id == bindparam("change"))
    .order_by(_activity.sequence)
)
