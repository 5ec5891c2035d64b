"""What waits for whom: the open steps that are a reader's to take, and those they sent on to somebody else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select

from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.sop.steps import CONFLICTING_DUTIES, STEP_DUTIES, Duty, Result, Step, Urgency
from lpse_admin.workflow.transitions import Position, Principal, holds_post
from lpse_admin.worktime.step_timing import StepTimestamps, measure_step, round_up_to_minutes
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.moves.consent import Consent
from models.changes.steps.activity import Activity, Approval
from models.changes.steps.assessments import last_ground, last_risk
from models.changes.steps.durations import late_now
from models.deviations.deviation import Deviation, DeviationState, in_state, not_own_deviation_of
from models.office.agency import Agency
from models.reports.totals import DeviationTotal, RequesterTotal
from models.scope import visible
from models.sops.appointment import load_appointments
from models.sops.clocks import load_calendars_and_sops
from models.sops.sop import load_sops
from models.step_types import is_of_kind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from lpse_admin.sop import Sop
    from lpse_admin.workflow.deviations import DeviationKind
    from lpse_admin.workflow.record_fields import EmergencyGround, Risk
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.changes.loading import StepShown
    from models.delegation.delegation import Delegation


_activity: Any = Activity.__table__.c
_change: Any = ChangeRequest.__table__.c
#: Another step of the same request, which somebody finished.
_taken: Any = Activity.__table__.alias("taken").c
#: The step that led to this one.
_previous: Any = Activity.__table__.alias("previous").c


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Steps by the id of their SOP: of posts that others hold, of pairs that are kept apart, and to agree to.

    ``asked`` has with each step whether the reader is asked as the requester of the request.
    """

    barred: tuple[tuple[int, Step], ...] = ()
    apart: tuple[tuple[int, Step, Step], ...] = ()
    asked: tuple[tuple[int, Step, bool], ...] = ()


NO_NARROWING = Narrowing()


def load_narrowing(session: Session, user: User, delegation: Delegation | None, now: dt.datetime) -> Narrowing:
    """Return what narrows and widens the steps of ``user``, who acts for the head by ``delegation``."""
    agency = user.agency
    if agency is None or not agency.narrows_actors:
        return NO_NARROWING
    appointments = load_appointments(session, agency, now)
    acts_for = delegation.head_id if delegation is not None else None
    barred = appointments.barred(user.id, acts_for=acts_for, is_acting_head=delegation is not None)
    principal = Principal(user.id, user.roles, is_acting_head=delegation is not None, barred_actors=barred)
    steps = [
        (sop_id, sop, rule) for sop_id, sop in load_sops(session, agency.id).items() for rule in sop.rules.values()
    ]
    return Narrowing(
        barred=tuple((sop_id, rule.step) for sop_id, _sop, rule in steps if rule.actor_key in barred),
        apart=tuple(
            (sop_id, rule.step, other) for sop_id, sop, rule in steps for other in sop.steps_apart_from(rule.step)
        ),
        asked=tuple(
            (sop_id, rule.step, one.actor is Role.REQUESTER)
            for sop_id, _sop, rule in steps
            for one in rule.consents
            if holds_post(one.actor, one.actor_key, Position(rule.step, requester_id=user.id), principal)
        ),
    )


@dataclass(frozen=True, slots=True)
class ActingUser:
    """Whose home it is, and whether they may decide in the head's place at this moment.

    ``narrowing`` is what the SOPs and appointments of their office say of who takes which step.
    """

    user: User
    is_acting_head: bool = False
    narrowing: Narrowing = NO_NARROWING

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
    #: Who asks, and what the evaluation and the urgency assessment said.
    requester: str | None = None
    risk: Risk | None = None
    ground: EmergencyGround | None = None
    #: Why it was sent here: of a returned request.
    reason: str | None = None
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
    #: Whether these minutes are of the clock, and not working time.
    by_clock: bool = False
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
    .where(
        is_of_kind(Activity.step, Step.APPROVAL),
        Activity.finished_at.is_(None),
        ChangeRequest.urgency == Urgency.EMERGENCY,
    )
)


def waits_for(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the open steps that wait for the reader, on the columns of ``activity``.

    What a colleague has taken up is in that colleague's hands, and what the reader may not take because of a part that
    they took before waits for others.
    """
    return and_(_activity.finished_at.is_(None), _can_act_or_agree(reader), reader.visible_steps())


def waits_for_others(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the open steps of requests of the reader's, and of those that they took a step of.

    They wait for somebody else than the reader.
    """
    of_reader = or_(
        _activity.requester_id == reader.user.id,
        exists().where(_taken.change_id == _activity.change_id, _taken.actor_id == reader.user.id),
    )
    return and_(_activity.finished_at.is_(None), of_reader, ~_can_act_or_agree(reader), reader.visible_steps())


def waiting_for_user(session: Session, acting_user: ActingUser, limit: int, now: dt.datetime) -> list[WaitingStep]:
    """Return what waits for the reader, emergencies first and then the oldest, drafts last; at most ``limit``."""
    return _load(session, acting_user, waits_for(acting_user), limit, now)


def waiting_for_others(session: Session, acting_user: ActingUser, limit: int, now: dt.datetime) -> list[WaitingStep]:
    """Return the reader's own requests, and those that they took a step of, while they wait for somebody else."""
    return _load(session, acting_user, waits_for_others(acting_user), limit, now)


def late_requests(session: Session, acting_user: ActingUser, limit: int, now: dt.datetime) -> list[WaitingStep]:
    """Return the reader's own requests that wait longer than the standard of their step; at most ``limit``."""
    agency = acting_user.user.agency
    if agency is None:
        return []
    return _load(
        session,
        acting_user,
        # Not by the bare column: together with the scope's the same criterion stands twice, and misleads SQLite.
        and_(
            _activity.finished_at.is_(None),
            _activity.requester_id + 0 == acting_user.user.id,
            late_now(session, [agency], now),
            acting_user.visible_steps(),
        ),
        limit,
        now,
    )


def count_waiting(session: Session, reader: ActingUser) -> Counter[Step]:
    """Return how many open steps wait for the reader, by step."""
    rows = session.connection().execute(
        select(_activity.step, func.count()).where(waits_for(reader)).group_by(_activity.step)
    )
    return Counter({row[0]: row[1] for row in rows})


def count_waiting_for_others(session: Session, reader: ActingUser) -> int:
    """Return how many of the reader's requests, and of those that they took a step of, wait for somebody else."""
    statement = select(func.count()).select_from(Activity.__table__).where(waits_for_others(reader))
    return session.connection().scalar(statement) or 0


def count_late_requests(session: Session, reader: ActingUser, now: dt.datetime) -> int:
    """Return how many of the reader's own requests wait longer than the standard of their step."""
    if reader.user.agency is None:
        return 0
    statement = select(func.count()).where(
        _activity.requester_id == reader.user.id, late_now(session, [reader.user.agency], now)
    )
    return session.connection().scalar(statement) or 0


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Where a step is among those that wait for the reader at the same step of the procedure.

    ``next_id`` is the request after it, or the first where it is the last; None where no other waits.
    """

    place: int
    total: int
    next_id: int | None


def position_in_queue(session: Session, reader: ActingUser, activity: Activity | StepShown) -> QueuePosition:
    """Return the position of ``activity``, open or just finished, in the order in which the steps arrived.

    ``place`` is where it is, or would be: from 1 on; ``total`` counts what waits now.
    """
    rows = (
        session.connection()
        .execute(
            select(_activity.change_id, _activity.arrived_at, _activity.id)
            .where(waits_for(reader), _activity.step == activity.step)
            .order_by(_activity.arrived_at, _activity.id)
            .limit(MAX_IN_QUEUE)
        )
        .all()
    )
    key = (activity.arrived_at, activity.id)
    before = sum((row.arrived_at, row.id) < key for row in rows)
    others = [row.change_id for row in (*rows[before:], *rows[:before]) if row.id != activity.id]
    return QueuePosition(before + 1, len(rows), others[0] if others else None)


#: So many are looked at for a position; whoever has more waiting does not count them.
MAX_IN_QUEUE = 500


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


def waits_for_disposal_by(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the deviations that wait for the reader's disposal."""
    if not reader.decides_as_head:
        return false()
    waiting = and_(Deviation.agency_id == reader.user.agency_id, in_state(DeviationState.ACCOUNTED))
    return waiting if Role.HEAD in reader.user.roles else and_(waiting, not_own_deviation_of(reader.user))


def count_undisposed(session: Session, acting_user: ActingUser) -> int:
    """Return how many deviations wait for the head's disposal, for those who may dispose of them; else 0."""
    if not acting_user.decides_as_head:
        return 0
    if Role.HEAD not in acting_user.user.roles:
        return session.scalar(select(func.count(Deviation.id)).where(waits_for_disposal_by(acting_user))) or 0
    accounted = select(func.sum(DeviationTotal.number)).where(
        DeviationTotal.agency_id == acting_user.user.agency_id,
        DeviationTotal.month.is_(None),
        DeviationTotal.state == DeviationState.ACCOUNTED,
    )
    return session.scalar(accounted) or 0


def _can_act_or_agree(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the steps that are the reader's to take, or to agree or object to."""
    asked = reader.narrowing.asked
    return or_(_can_act(reader), _is_asked(reader)) if asked else _can_act(reader)


def _is_asked(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the open steps on which the reader has not spoken yet, and is asked to."""
    spoke: ColumnElement[bool] = Consent.user_id == reader.user.id
    if reader.user.nip is not None:  # with another account too
        spoke = or_(spoke, Consent.user_nip == reader.user.nip)
    spoken = exists().where(Consent.activity_id == _activity.id, spoke)
    as_requester = [(sop_id, step) for sop_id, step, is_requester in reader.narrowing.asked if is_requester]
    by_post = [(sop_id, step) for sop_id, step, is_requester in reader.narrowing.asked if not is_requester]
    is_own = and_(_is_one_of(as_requester), _activity.requester_id == reader.user.id)
    return and_(or_(is_own, and_(_is_one_of(by_post), ~_is_barred(reader))), ~spoken)


def _is_one_of(steps: Collection[tuple[int, Step]]) -> ColumnElement[bool]:
    """Return the criterion for the steps of these SOPs."""
    by_sop: dict[int, list[Step]] = {}
    for sop_id, step in steps:
        by_sop.setdefault(sop_id, []).append(step)
    return or_(false(), *(and_(_activity.sop_id == id_, _activity.step.in_(their)) for id_, their in by_sop.items()))


def _is_barred(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the steps that the reader may not take because of one that they took."""
    apart = (
        and_(_activity.sop_id == sop_id, _activity.step == step, _taken.step == other)
        for sop_id, step, other in reader.narrowing.apart
    )
    conflicts = or_(_CONFLICTS, *apart)
    of_request = _taken.change_id == _activity.change_id
    by_reader: ColumnElement[bool] = _taken.actor_id == reader.user.id
    spoke: ColumnElement[bool] = Consent.user_id == reader.user.id
    if reader.user.nip is not None:  # with another account too
        by_reader = or_(by_reader, _taken.actor_nip == reader.user.nip)
        spoke = or_(spoke, Consent.user_nip == reader.user.nip)
    barred = exists().where(of_request, by_reader, conflicts)
    if not reader.narrowing.asked:
        return barred
    spoken = exists().where(spoke, Consent.activity_id == _taken.id, of_request, conflicts)
    return or_(barred, and_(spoken, _activity.actor_role != Role.REQUESTER))


def _can_act(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the steps that are the reader's to take, and in nobody else's hands.

    Those of a colleague whose account is disabled, or who is no change manager any more, can be taken over.
    """
    lost_role = and_(_activity.actor_role == Role.CHANGE_MANAGER, ~User.is_change_manager)
    left = exists().where(User.id == _activity.held_by_id, or_(~User.is_active, lost_role))
    free = or_(_activity.held_by_id.is_(None), _activity.held_by_id == reader.user.id, left)
    own = and_(_has_acting_role(reader), ~_is_barred(reader), free)
    return and_(own, ~_is_one_of(reader.narrowing.barred)) if reader.narrowing.barred else own


def _has_acting_role(reader: ActingUser) -> ColumnElement[bool]:
    """Return the criterion for the open steps whose actor the reader is."""
    roles = {role for role in reader.user.roles if role in ACTOR_ROLES}
    if reader.is_acting_head:
        roles.add(Role.HEAD)
    parts: list[ColumnElement[bool]] = [_activity.actor_role.in_(sorted(roles - {Role.REQUESTER}))]
    if Role.REQUESTER in roles:
        parts.append(and_(_activity.actor_role == Role.REQUESTER, _activity.requester_id == reader.user.id))
    return or_(*parts)


def _steps_of(parts: Collection[Duty]) -> list[Step]:
    return [step for step, part in STEP_DUTIES.items() if part in parts]


#: Between an open step and one that was taken: who took the latter may not take the former.
_CONFLICTS = or_(
    *(
        and_(
            is_of_kind(_activity.step, *_steps_of({part})),
            is_of_kind(_taken.step, *_steps_of(CONFLICTING_DUTIES[part])),
        )
        for part in Duty
    )
)

#: Emergencies before all else, what came back to be mended before what is the reader's own to begin.
_PRIORITY = case(
    (_change.urgency == Urgency.EMERGENCY, 0),
    (_activity.step == Step.RETURNED, 1),
    (_activity.step == Step.REQUEST, 3),
    else_=2,
)

_WAITING_STEPS = (
    select(
        _change.number,
        _change.title,
        _change.urgency,
        _activity.change_id,
        _activity.agency_id,
        _activity.sop_id,
        _activity.step,
        _activity.actor_role,
        _activity.arrived_at,
        _activity.taken_up_at,
        _activity.held_by_id,
        _activity.held_by_name,
        _change.requester_name,
        case((_activity.step == Step.RETURNED, _previous.reason)).label("reason"),
        last_risk(_activity.change_id).label("risk"),
        last_ground(_activity.change_id).label("ground"),
    )
    .join_from(Activity.__table__, ChangeRequest.__table__, _change.id == _activity.change_id)
    .outerjoin(
        _previous.id.table,
        and_(
            _previous.change_id == _activity.change_id,
            _previous.sequence == _activity.previous_sequence,
            _activity.step == Step.RETURNED,
        ),
    )
    .order_by(_PRIORITY, _activity.arrived_at, _activity.id)
)


def _load(
    session: Session, reader: ActingUser, criterion: ColumnElement[bool], limit: int, now: dt.datetime
) -> list[WaitingStep]:
    rows = session.connection().execute(_WAITING_STEPS.where(criterion).limit(limit)).all()
    if not rows:
        return []
    agencies = _agencies_of(session, {row.agency_id for row in rows}, reader)
    calendars, sops = load_calendars_and_sops(session, agencies)
    return [_waiting_step(row, sops, calendars, reader, now) for row in rows]


def _agencies_of(session: Session, ids: set[int], reader: ActingUser) -> Sequence[Agency]:
    """Return the agencies of these ids; the reader's own is there already."""
    if reader.user.agency is not None and ids == {reader.user.agency.id}:
        return [reader.user.agency]
    return session.scalars(select(Agency).where(Agency.id.in_(ids))).all()


def _waiting_step(
    row: Row[*tuple[Any, ...]],
    sops: dict[int, Sop],
    calendars: dict[int, WorkCalendar],
    reader: ActingUser,
    now: dt.datetime,
) -> WaitingStep:
    sop = sops[row.sop_id]
    timestamps = StepTimestamps(row.arrived_at, row.taken_up_at, None)
    times = measure_step(calendars[row.agency_id], sop, row.step, timestamps, now)
    return WaitingStep(
        id=row.change_id,
        number=row.number,
        title=row.title,
        step=row.step,
        actor=str(sop.actor_title(row.step)),
        urgency=row.urgency,
        arrived_at=row.arrived_at,
        requester=row.requester_name,
        risk=row.risk,
        ground=row.ground,
        reason=row.reason,
        is_for_head=row.actor_role is Role.HEAD,
        assignee=row.held_by_name,
        taken_up_at=row.taken_up_at,
        is_assigned_to_user=row.held_by_id == reader.user.id,
        due=times.due,
        is_late=times.is_late,
        used_minutes=None if times.allowed_time is None else round_up_to_minutes(times.measured_time),
        allowed_minutes=None if times.allowed_time is None else round_up_to_minutes(times.allowed_time),
        by_clock=times.by_clock,
    )
