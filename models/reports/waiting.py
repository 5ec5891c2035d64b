"""What waits for whom: the open steps that are a reader's to take, and those they sent on to somebody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, raiseload

from lpse_admin.accounts.roles import ACTING, Role
from lpse_admin.sop.steps import CHECKS_ANOTHER, PARTS, Part, Result, Step, Urgency
from lpse_admin.worktime.step_timing import minutes, reading, standard_of
from models.accounts.user import User
from models.changes.activity import Activity, Approval
from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation, DeviationState, in_state, not_own_of
from models.office.agency import Agency
from models.office.calendars import calendars_of
from models.scope import visible
from models.sops.sop import papers as papers_of
from models.worktime.step_durations import late_now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from lpse_admin.sop import Sop
    from lpse_admin.workflow.deviations import DeviationKind
    from lpse_admin.worktime.working_calendar import WorkCalendar


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose home it is, and whether they may decide in the head's place at this moment."""

    user: User
    stands_in_for_head: bool = False

    @property
    def decides(self) -> bool:
        """Whether emergencies are theirs to decide."""
        return Role.HEAD in self.user.roles or self.stands_in_for_head

    def sees(self) -> ColumnElement[bool]:
        """Return the criterion for the steps that they may see."""
        return visible(Activity, self.user, stands_in_for_head=self.stands_in_for_head)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits; ``actor`` is whom it waits for, in its paper's words."""

    id: int
    number: str | None
    title: str | None
    step: Step
    actor: str
    urgency: Urgency | None
    since: dt.datetime
    #: Who has taken it up, and since when.
    held_by: str | None = None
    taken_up_at: dt.datetime | None = None
    is_mine: bool = False
    #: When it is due by its standard; None where the paper lays none down.
    due: dt.datetime | None = None
    is_late: bool = False
    #: Working minutes that its standard has judged so far, and how many it allows; None where there is no standard.
    used: int | None = None
    allowed: int | None = None
    #: Whether it is the head whom it waits for.
    waits_for_head: bool = False


def emergencies(session: Session, reader: Reader) -> tuple[int, dt.datetime | None]:
    """Return the number of emergencies that wait for the head, and the arrival of the oldest."""
    theirs = visible(Approval, reader.user, stands_in_for_head=reader.stands_in_for_head)
    row = session.connection().execute(_EMERGENCIES.where(theirs)).one()
    return row[0], row[1]


_EMERGENCIES = (
    select(func.count(), func.min(Activity.arrived_at))
    .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
    .where(Activity.step == Step.APPROVAL, Activity.finished_at.is_(None), ChangeRequest.urgency == Urgency.EMERGENCY)
)


def for_reader(session: Session, reader: Reader, most: int, now: dt.datetime) -> list[Waiting]:
    """Return what waits for the reader, emergencies first and then the oldest, drafts last; at most ``most``.

    What a colleague has taken up is in that colleague's hands.
    """
    return _read(session, reader, _theirs(reader), most, now)


def sent_on(session: Session, reader: Reader, most: int, now: dt.datetime) -> list[Waiting]:
    """Return the reader's own requests, and those that they took a step of, while they wait for somebody else."""
    taken = aliased(Activity)
    theirs = or_(
        Activity.requester_id == reader.user.id,
        exists().where(taken.change_id == Activity.change_id, taken.actor_id == reader.user.id),
    )
    return _read(session, reader, theirs & ~_theirs(reader), most, now)


def late(session: Session, reader: Reader, most: int, now: dt.datetime) -> list[Waiting]:
    """Return the reader's own requests that wait longer than the standard of their step; at most ``most``."""
    agency = reader.user.agency
    if agency is None:
        return []
    return _read(
        session, reader, (Activity.requester_id == reader.user.id) & late_now(session, [agency], now), most, now
    )


@dataclass(frozen=True, slots=True)
class OwnRequests:
    """How many requests somebody has, by where they stand; ``with_office`` are open and not with themselves."""

    drafts: int = 0
    returned: int = 0
    with_office: int = 0
    results: Mapping[Result, int] = field(default_factory=dict)


def own_requests(session: Session, user: User) -> OwnRequests:
    """Return the requests of ``user`` by where they stand."""
    place = case(
        (ChangeRequest.submitted_at.is_(None), "drafts"),
        (ChangeRequest.step == Step.RETURNED, "returned"),
        (ChangeRequest.closed_at.is_(None), "with_office"),
    )
    rows = session.execute(
        select(place.label("place"), ChangeRequest.result, func.count())
        .where(ChangeRequest.requester_id == user.id)
        .group_by("place", ChangeRequest.result)
    )
    open_, results = {}, {}
    for where, result, number in rows:
        if result is None:
            open_[where] = number
        else:
            results[result] = number
    return OwnRequests(results=results, **open_)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A deviation that somebody is to follow up; ``number`` is its request's."""

    id: int
    number: str
    kind: DeviationKind
    until: dt.date


def follow_ups(session: Session, reader: Reader, most: int) -> list[FollowUp]:
    """Return what the reader is to follow up, the most pressing first; at most ``most``."""
    rows: Sequence[Any] = session.execute(
        select(Deviation.id, ChangeRequest.number, Deviation.kind, Deviation.follow_up_until)
        .join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
        .where(Deviation.follow_up_by_id == reader.user.id, in_state(DeviationState.FOLLOW_UP))
        .order_by(Deviation.follow_up_until, Deviation.id)
        .limit(most)
    ).all()
    return [FollowUp(*row) for row in rows]


def undisposed(session: Session, reader: Reader) -> int:
    """Return how many deviations wait for the head's disposal, for those who may dispose of them; else 0."""
    if not reader.decides:
        return 0
    waiting = select(func.count()).where(
        Deviation.agency_id == reader.user.agency_id, in_state(DeviationState.ACCOUNTED)
    )
    if Role.HEAD not in reader.user.roles:
        waiting = waiting.where(not_own_of(reader.user))
    return session.scalar(waiting) or 0


def _theirs(reader: Reader) -> ColumnElement[bool]:
    """Return the criterion for the open steps that wait for the reader and for nobody else's hands."""
    free = or_(Activity.held_by_id.is_(None), Activity.held_by_id == reader.user.id)
    return _mine(reader) & ~_barred(reader.user) & free


def _mine(reader: Reader) -> ColumnElement[bool]:
    """Return the criterion for the open steps whose actor the reader is."""
    roles = {role for role in reader.user.roles if role in ACTING}
    if reader.stands_in_for_head:
        roles.add(Role.HEAD)
    parts: list[ColumnElement[bool]] = [Activity.actor_role.in_(sorted(roles - {Role.REQUESTER}))]
    if Role.REQUESTER in roles:
        parts.append(and_(Activity.actor_role == Role.REQUESTER, Activity.requester_id == reader.user.id))
    return or_(*parts)


def _barred(user: User) -> ColumnElement[bool]:
    """Return the criterion for the steps that ``user`` may not take because of a part they took before."""
    taken = aliased(Activity)
    pairs = [
        and_(Activity.step.in_(_steps_of({part})), taken.step.in_(_steps_of(CHECKS_ANOTHER[part]))) for part in Part
    ]
    return exists().where(taken.change_id == Activity.change_id, taken.actor_id == user.id, or_(*pairs))


def _steps_of(parts: Collection[Part]) -> list[Step]:
    return [step for step, part in PARTS.items() if part in parts]


def _read(
    session: Session, reader: Reader, criterion: ColumnElement[bool], most: int, now: dt.datetime
) -> list[Waiting]:
    holder = aliased(User)
    rows: Sequence[Any] = session.execute(
        select(ChangeRequest.number, ChangeRequest.title, ChangeRequest.urgency, Activity, holder.full_name)
        .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
        .outerjoin(holder, holder.id == Activity.held_by_id)
        .options(raiseload("*"))
        .where(Activity.finished_at.is_(None), criterion, reader.sees())
        .order_by(_PRESSING, Activity.arrived_at, Activity.id)
        .limit(most)
    ).all()
    papers = papers_of(session, reader.user.agency_id) if rows else {}
    calendars = _calendars(session, {row.Activity.agency_id for row in rows})
    return [_waiting(row, papers, calendars, reader, now) for row in rows]


#: Emergencies before all else, what came back to be mended before what is the reader's own to begin.
_PRESSING = case(
    (ChangeRequest.urgency == Urgency.EMERGENCY, 0),
    (Activity.step == Step.RETURNED, 1),
    (Activity.step == Step.REQUEST, 3),
    else_=2,
)


def _calendars(session: Session, ids: set[int]) -> dict[int, WorkCalendar]:
    """Return the calendars of the agencies of these ids."""
    agencies = session.scalars(select(Agency).where(Agency.id.in_(ids))) if ids else ()
    return calendars_of(session, list(agencies))


def _waiting(
    row: Any,  # noqa: ANN401 - a row of the statement above
    papers: dict[int, Sop],
    calendars: dict[int, WorkCalendar],
    reader: Reader,
    now: dt.datetime,
) -> Waiting:
    activity: Activity = row.Activity
    paper = papers[activity.sop_id]
    standard = standard_of(paper, activity.step)
    times = reading(calendars[activity.agency_id], standard, paper.switches.clock, activity.clock, now)
    return Waiting(
        id=activity.change_id,
        number=row.number,
        title=row.title,
        step=activity.step,
        actor=str(paper.actor_title(activity.step)),
        urgency=row.urgency,
        since=activity.arrived_at,
        waits_for_head=activity.actor_role is Role.HEAD,
        held_by=row.full_name,
        taken_up_at=activity.taken_up_at,
        is_mine=activity.held_by_id == reader.user.id,
        due=times.due,
        is_late=times.is_late,
        used=None if times.allowed is None else minutes(times.measured),
        allowed=None if times.allowed is None else minutes(times.allowed),
    )
