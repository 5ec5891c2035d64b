"""What waits for whom: the open steps that are a reader's to take, and those they sent on to somebody else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, raiseload

from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.sop.steps import CONFLICTING_DUTIES, STEP_DUTIES, Duty, Result, Step, Urgency
from lpse_admin.worktime.step_timing import measure_step, round_up_to_minutes
from models.accounts.user import User
from models.changes.activity import Activity, Approval
from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation, DeviationState, in_state, not_own_deviation_of
from models.office.agency import Agency
from models.office.calendars import load_calendars
from models.reports.totals import RequesterTotal
from models.scope import visible
from models.sops.sop import load_sops as papers_of
from models.worktime.step_durations import late_now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Row

    from lpse_admin.sop import Sop
    from lpse_admin.workflow.deviations import DeviationKind
    from lpse_admin.worktime.working_calendar import WorkCalendar


@dataclass(frozen=True, slots=True)
class ActingUser:
    """Whose home it is, and whether they may decide in the head's place at this moment."""

    user: User
    is_acting_head: bool = False

    @property
    def decides_as_head(self) -> bool:
        """Whether emergencies are theirs to decide."""
        return Role.HEAD in self.user.roles or self.is_acting_head

    def visible_steps(self) -> ColumnElement[bool]:
        """Return the criterion for the steps that they may see."""
        return visible(Activity, self.user, is_acting_head=self.is_acting_head)


@dataclass(frozen=True, slots=True)
class WaitingStep:
    """A request that waits; ``actor`` is whom it waits for, in its paper's words."""

    id: int
    number: str | None
    title: str | None
    step: Step
    actor: str
    urgency: Urgency | None
    arrived_at: dt.datetime
    #: Who has taken it up, and since when.
    assignee: str | None = None
    taken_up_at: dt.datetime | None = None
    is_assigned_to_user: bool = False
    #: When it is due by its standard; None where the paper lays none down.
    due: dt.datetime | None = None
    is_late: bool = False
    #: Working minutes that its standard has judged so far, and how many it allows; None where there is no standard.
    used_minutes: int | None = None
    allowed_minutes: int | None = None
    #: Whether it is the head whom it waits for.
    is_for_head: bool = False


def count_emergencies(session: Session, acting_user: ActingUser) -> tuple[int, dt.datetime | None]:
    """Return the number of emergencies that wait for the head, and the arrival of the oldest."""
    theirs = visible(Approval, acting_user.user, is_acting_head=acting_user.is_acting_head)
    row = session.connection().execute(_EMERGENCIES.where(theirs)).one()
    return row[0], row[1]


_EMERGENCIES = (
    select(func.count(), func.min(Activity.arrived_at))
    .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
    .where(Activity.step == Step.APPROVAL, Activity.finished_at.is_(None), ChangeRequest.urgency == Urgency.EMERGENCY)
)


def waiting_for_user(session: Session, acting_user: ActingUser, limit: int, now: dt.datetime) -> list[WaitingStep]:
    """Return what waits for the reader, emergencies first and then the oldest, drafts last; at most ``limit``.

    What a colleague has taken up is in that colleague's hands.
    """
    return _load(session, acting_user, _can_act(acting_user), limit, now)


def waiting_for_others(session: Session, acting_user: ActingUser, limit: int, now: dt.datetime) -> list[WaitingStep]:
    """Return the reader's own requests, and those that they took a step of, while they wait for somebody else."""
    taken = aliased(Activity)
    theirs = or_(
        Activity.requester_id == acting_user.user.id,
        exists().where(taken.change_id == Activity.change_id, taken.actor_id == acting_user.user.id),
    )
    return _load(session, acting_user, theirs & ~_can_act(acting_user), limit, now)


def late_requests(session: Session, acting_user: ActingUser, limit: int, now: dt.datetime) -> list[WaitingStep]:
    """Return the reader's own requests that wait longer than the standard of their step; at most ``limit``."""
    agency = acting_user.user.agency
    if agency is None:
        return []
    return _load(
        session,
        acting_user,
        # Not by the bare column: together with the scope's the same criterion stands twice, and misleads SQLite.
        (Activity.requester_id + 0 == acting_user.user.id) & late_now(session, [agency], now),
        limit,
        now,
    )


@dataclass(frozen=True, slots=True)
class OwnRequestCounts:
    """How many requests somebody has, by where they stand; ``with_office`` are open and not with themselves."""

    drafts: int = 0
    returned: int = 0
    with_office: int = 0
    results: Mapping[Result, int] = field(default_factory=dict)


def count_own_requests(session: Session, user: User) -> OwnRequestCounts:
    """Return the requests of ``user`` by where they stand: open ones by their open step, closed ones by their total."""
    open_steps = (
        select(_activity.step, func.count())
        .where(_activity.requester_id == user.id, _activity.finished_at.is_(None))
        .group_by(_activity.step)
    )
    by_step: Counter[Step] = Counter()
    by_step.update({row[0]: row[1] for row in session.connection().execute(open_steps)})
    drafts, returned = by_step.pop(Step.REQUEST, 0), by_step.pop(Step.RETURNED, 0)
    totals = (
        select(RequesterTotal.result, func.sum(RequesterTotal.number))
        .where(RequesterTotal.requester_id == user.id)
        .group_by(RequesterTotal.result)
    )
    results = {result: number for result, number in session.execute(totals) if number}
    return OwnRequestCounts(drafts, returned, by_step.total(), results)


_activity: Any = Activity.__table__.c


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A deviation that somebody is to follow up; ``number`` is its request's."""

    id: int
    number: str
    kind: DeviationKind
    due_date: dt.date


def load_follow_ups(session: Session, acting_user: ActingUser, limit: int) -> list[FollowUp]:
    """Return what the reader is to follow up, the most pressing first; at most ``limit``."""
    rows: Sequence[Any] = session.execute(
        select(Deviation.id, ChangeRequest.number, Deviation.kind, Deviation.follow_up_until)
        .join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
        .where(Deviation.follow_up_by_id == acting_user.user.id, in_state(DeviationState.FOLLOW_UP))
        .order_by(Deviation.follow_up_until, Deviation.id)
        .limit(limit)
    ).all()
    return [FollowUp(*row) for row in rows]


def count_undisposed(session: Session, acting_user: ActingUser) -> int:
    """Return how many deviations wait for the head's disposal, for those who may dispose of them; else 0."""
    if not acting_user.decides_as_head:
        return 0
    waiting = select(func.count()).where(
        Deviation.agency_id == acting_user.user.agency_id, in_state(DeviationState.ACCOUNTED)
    )
    if Role.HEAD not in acting_user.user.roles:
        waiting = waiting.where(not_own_deviation_of(acting_user.user))
    return session.scalar(waiting) or 0


def _can_act(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the open steps that wait for the reader and for nobody else's hands."""
    free = or_(Activity.held_by_id.is_(None), Activity.held_by_id == reader.user.id)
    return _has_acting_role(reader) & ~_barred_by_duty(reader.user) & free


def _has_acting_role(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the open steps whose actor the reader is."""
    roles = {role for role in reader.user.roles if role in ACTOR_ROLES}
    if reader.is_acting_head:
        roles.add(Role.HEAD)
    parts: list[ColumnElement[bool]] = [Activity.actor_role.in_(sorted(roles - {Role.REQUESTER}))]
    if Role.REQUESTER in roles:
        parts.append(and_(Activity.actor_role == Role.REQUESTER, Activity.requester_id == reader.user.id))
    return or_(*parts)


def _barred_by_duty(user: User) -> ColumnElement[bool]:
    """Return the criterion for the steps that ``user`` may not take because of a part they took before."""
    taken = aliased(Activity)
    pairs = [
        and_(Activity.step.in_(_steps_of({part})), taken.step.in_(_steps_of(CONFLICTING_DUTIES[part]))) for part in Duty
    ]
    return exists().where(taken.change_id == Activity.change_id, taken.actor_id == user.id, or_(*pairs))


def _steps_of(parts: Collection[Duty]) -> list[Step]:
    return [step for step, part in STEP_DUTIES.items() if part in parts]


def _load(
    session: Session, reader: ActingUser, criterion: ColumnElement[bool], limit: int, now: dt.datetime
) -> list[WaitingStep]:
    rows: Sequence[Any] = session.execute(
        select(ChangeRequest.number, ChangeRequest.title, ChangeRequest.urgency, Activity)
        .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
        .options(raiseload("*"))
        .where(Activity.finished_at.is_(None), criterion, reader.visible_steps())
        .order_by(_PRIORITY, Activity.arrived_at, Activity.id)
        .limit(limit)
    ).all()
    papers = papers_of(session, reader.user.agency_id) if rows else {}
    calendars = _load_calendars(session, {row.Activity.agency_id for row in rows})
    return [_waiting_step(row, papers, calendars, reader, now) for row in rows]


#: Emergencies before all else, what came back to be mended before what is the reader's own to begin.
_PRIORITY = case(
    (ChangeRequest.urgency == Urgency.EMERGENCY, 0),
    (Activity.step == Step.RETURNED, 1),
    (Activity.step == Step.REQUEST, 3),
    else_=2,
)


def _load_calendars(session: Session, ids: set[int]) -> dict[int, WorkCalendar]:
    """Return the calendars of the agencies of these ids."""
    agencies = session.scalars(select(Agency).where(Agency.id.in_(ids))) if ids else ()
    return load_calendars(session, list(agencies))


def _waiting_step(
    row: Row[Any],
    sops: dict[int, Sop],
    calendars: dict[int, WorkCalendar],
    reader: ActingUser,
    now: dt.datetime,
) -> WaitingStep:
    activity: Activity = row.Activity
    paper = sops[activity.sop_id]
    times = measure_step(calendars[activity.agency_id], paper, activity.step, activity.timestamps, now)
    return WaitingStep(
        id=activity.change_id,
        number=row.number,
        title=row.title,
        step=activity.step,
        actor=str(paper.actor_title(activity.step)),
        urgency=row.urgency,
        arrived_at=activity.arrived_at,
        is_for_head=activity.actor_role is Role.HEAD,
        assignee=activity.held_by_name,
        taken_up_at=activity.taken_up_at,
        is_assigned_to_user=activity.held_by_id == reader.user.id,
        due=times.due,
        is_late=times.is_late,
        used_minutes=None if times.allowed_time is None else round_up_to_minutes(times.measured_time),
        allowed_minutes=None if times.allowed_time is None else round_up_to_minutes(times.allowed_time),
    )
