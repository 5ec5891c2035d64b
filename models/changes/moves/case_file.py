"""The case file: everything that the rules need about a request and its actor, loaded once and passed on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm.attributes import set_committed_value

from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.same_person import PersonalData
from lpse_admin.errors import NoSuchMove, NotAllowed, NotFound
from lpse_admin.i18n import _
from lpse_admin.sop import Move
from lpse_admin.sop.steps import Duty, Step
from lpse_admin.workflow.consents import count_consents
from lpse_admin.workflow.record_fields import sop_fields
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
from models.accounts.person import OtherAccounts, accounts_among
from models.accounts.user import User
from models.base import session_of
from models.changes.moves.consent import holders_of_posts, last_words, load_given, takers_by_consent
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity
from models.changes.steps.waiting_time import waits_until
from models.delegation.delegation import capacity, load_active_delegation
from models.deviations.deviation import Deviation
from models.sops.appointment import load_appointments
from models.sops.clocks import load_calendars_and_sops

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Row

    from lpse_admin.i18n import Message
    from lpse_admin.sop import Sop, StandardTime, StepRule
    from lpse_admin.workflow.consents import ConsentCount
    from lpse_admin.workflow.record_fields import RecordField
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.changes.change import ChangeRequest
    from models.changes.loading import StepShown
    from models.delegation.delegation import Delegation
    from models.sops.appointment import Appointments

    #: The delegation, if the caller has loaded it already (None: there is none), or that it must be loaded.
    Known = Delegation | None | Literal["to be read"]

CLOCK_IS_WRONG = _(
    "The server's clock is wrong: by it, this step has not begun yet. Tell the administrator, who sets the clock"
    " right, or, if it was ahead before, corrects the times of this request. Nothing you have entered is lost."
)
TO_BE_READ: Literal["to be read"] = "to be read"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A request with the actor, SOP, calendar and history for one action at ``now``.

    ``visits`` are the history rows in order, including the open one; ``current`` is the open activity with its
    record, None if the request is closed or the record was not loaded (``with_record``); ``person`` is the actor as
    the rules see them; ``delegation`` makes the actor acting head for the current step, ``actor_delegation`` for a
    consent to it. ``given`` is what was said to all steps (``models.changes.moves.consent``), empty where the SOP asks
    for no consent.
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
    actor_delegation: Delegation | None
    appointments: Appointments
    given: Sequence[Row[Any]]
    #: Why the actor may not act on the current step; None if they may.
    reason_cannot_act: Message | None
    now: dt.datetime

    @property
    def rule(self) -> StepRule | None:
        """The SOP's rule for the current step; None if the request is closed."""
        return self.sop.rules.get(self.position.step)

    @property
    def own_fields(self) -> tuple[RecordField, ...]:
        """The fields that the SOP itself asks for in the current step."""
        return sop_fields(self.sop, self.position.step)

    @property
    def standard(self) -> StandardTime | None:
        """The standard time of the current step; None if the SOP has none."""
        return None if self.rule is None else standard_time_of(self.sop, self.position.step)

    @property
    def capacity(self) -> str:
        """The capacity in which the actor acts on the current step, in the SOP's wording: 'Plh. Kepala LPSE'."""
        is_appointed = self.rule is not None and self.rule.actor_key in self.appointments.posts
        return capacity(self.sop, self.position.step, self.actor, self.delegation, is_appointed=is_appointed)

    def consent_counts(self, *, finisher: Principal | None) -> tuple[ConsentCount, ...]:
        """Return how the consents that the current step needs stand, with what ``finisher`` agrees to by finishing."""
        if self.rule is None or not self.rule.consents or self.visits[-1].finished_at is not None:
            return ()
        words = last_words(self.given, self.visits[-1].id)
        holders = holders_of_posts(self, self.rule.consents)
        return count_consents(self.sop, self.position, words, finisher=finisher, holders=holders)

    def require_open(self) -> Activity:
        """Return the open activity. Raises NoSuchMove (409) if the request is closed."""
        if self.current is None:
            raise NoSuchMove(_("This request is closed; no further action is possible."))
        return self.current

    def require_actor(self) -> Activity:
        """Return the open activity. Raises NotAllowed (403) if the actor may not act, NoSuchMove (409) if closed."""
        current = self.require_open()
        if self.reason_cannot_act is not None:
            raise NotAllowed(self.reason_cannot_act)
        return current

    def reason_cannot_take(self, user: User) -> Message | None:
        """Return why ``user`` is not eligible for the current step, ignoring its assignee; None if eligible."""
        person = self.person
        if user.id != self.actor.id:
            is_heads = self.rule is not None and self.rule.actor is Role.HEAD
            delegation = load_active_delegation(session_of(self.change), user, self.now) if is_heads else None
            person = person_of(self.change, user, delegation, self.appointments)
        return reason_not_eligible(self.sop, self.position, person)

    def open_moves(self) -> tuple[Move, ...]:
        """Return the moves that the actor may make."""
        return available_moves(self.sop, self.position, self.person)

    def timing(self, visit: Activity | StepShown) -> StepTiming:
        """Return the waiting and handling time of a step, measured against its standard."""
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
    """Lock ``change`` and return its case file for ``actor``, loaded under the lock.

    ``version`` is the version that the actor's form was rendered from; ``is_locked`` means that ``change`` was loaded
    under its lock already. Raises NotFound (404) if the request is of another agency or deleted, NoSuchMove (409) if
    its version is not ``version`` or it is closed.
    """
    if not is_locked:
        lock(change, actor)
    if version is not None and version != change.version:
        raise NoSuchMove(_("Conflict: this request has been moved or changed since you opened it."))
    case = with_record(read_case(change, actor, now, delegation=delegation))
    current = case.require_open()
    if now < max(current.arrived_at, current.taken_up_at or current.arrived_at):
        raise NoSuchMove(CLOCK_IS_WRONG)
    if not case.visits[-1].deviates:  # saves a query
        set_committed_value(current, "deviations", [])
    return case


def lock(change: ChangeRequest, actor: User) -> None:
    """Lock the row of ``change`` until the transaction ends, and refresh it.

    Raises NotFound (404) if the request is of another agency or deleted.
    """
    session = session_of(change)
    session.flush()
    kind, change_id = type(change), change.id
    locked = select(kind).where(kind.id == change_id).with_for_update(of=kind).execution_options(populate_existing=True)
    row = session.scalars(locked).one_or_none()  # None: a draft that its requester has discarded meanwhile
    if row is None or (actor.agency_id != change.agency_id and not actor.is_superadmin):
        raise NotFound(_("There is no such request."))


def read_case(
    change: ChangeRequest,
    actor: User,
    now: dt.datetime,
    *,
    delegation: Known = TO_BE_READ,
    visits: Sequence[Any] | None = None,
) -> CaseFile:
    """Return the case file of ``change`` for ``actor``, without a lock and without the open activity's record.

    ``visits`` are its history rows, if they are loaded already.
    """
    session = session_of(actor)
    rows: Sequence[Row[Any]] = ()
    if visits is None:
        visits = rows = session.connection().execute(_VISITS, {"change": change.id}).all()
    calendars, sops = load_calendars_and_sops(session, [change.agency])
    sop, calendar = sops[change.sop_id], calendars[change.agency_id]
    rule = sop.rules.get(change.step)
    is_heads = rule is not None and rule.actor is Role.HEAD
    asks_head = rule is not None and (is_heads or any(one.actor is Role.HEAD for one in rule.consents))
    if delegation == TO_BE_READ:
        delegation = (
            load_active_delegation(session, actor, now) if asks_head and _is_active_in_agency(change, actor) else None
        )
    appointments = load_appointments(session, change.agency, now)
    given = load_given(session, change.id) if sop.asks_for_consent else ()
    position = position_of(change, visits, takers_by_consent(sop, given))
    person = person_of(change, actor, delegation, appointments)
    if rows and not given:  # all who took part are in these rows: nobody else need be looked up
        person = replace(person, accounts=accounts_among(actor, _people_of(rows)))
    if change.step.kind is Step.WAITING and rule is not None:
        end = waits_until(session, change, rule, visits[-1].arrived_at, calendar, now)
        position = replace(position, waits_until=end)
    return CaseFile(
        change=change,
        visits=visits,
        current=None,
        sop=sop,
        calendar=calendar,
        position=position,
        actor=actor,
        person=person,
        delegation=delegation if is_heads else None,
        actor_delegation=delegation,
        appointments=appointments,
        given=given,
        reason_cannot_act=reason_cannot_act(sop, position, person),
        now=now,
    )


def with_record(case: CaseFile) -> CaseFile:
    """Return ``case`` with the open activity and its record loaded; unchanged if no step is open."""
    last = case.visits[-1] if case.visits else None
    if last is None or last.finished_at is not None:
        return case
    if not isinstance(last, Activity):  # a plain row
        last = session_of(case.actor).get_one(ACTIVITY_CLASSES[last.step.record], last.id, populate_existing=True)
    return replace(case, current=last)


def _people_of(rows: Sequence[Row[Any]]) -> Iterator[tuple[int | None, PersonalData]]:
    """Yield the accounts that took part in a request, with what tells whose they are."""
    for row in rows:
        yield row.actor_id, PersonalData(row.nip, row.email, row.phone)
        yield row.requester_id, PersonalData(row.requester_nip, row.requester_email, row.requester_phone)


def person_of(
    change: ChangeRequest, user: User, delegation: Delegation | None, appointments: Appointments
) -> Principal:
    """Return the principal of ``user`` on ``change``: without roles if inactive or of another agency."""
    if not _is_active_in_agency(change, user):
        return Principal(user.id, frozenset())
    acts_for = delegation.head_id if delegation is not None else None
    barred = appointments.barred(user.id, acts_for=acts_for, is_acting_head=delegation is not None)
    accounts = OtherAccounts(session_of(user), user)
    return Principal(
        user.id, user.roles, is_acting_head=delegation is not None, accounts=accounts, barred_actors=barred
    )


def position_of(
    change: ChangeRequest, visits: Iterable[Any], consenters: Mapping[int, frozenset[int]] | None = None
) -> Position:
    """Return the position of ``change`` for the rules; ``consenters`` spoke on the activities of these ids.

    It is computed from its history (activities or their rows), and not from the flag columns of the request, which
    only serve sorting and filters.
    """
    position = Position(change.step, duties={Duty.REQUEST: frozenset({change.requester_id})})
    assignee_id = None
    for visit in visits:
        if visit.outcome is not None:
            move = Move(visit.step, visit.outcome, visit.target)
            others = consenters.get(visit.id, frozenset()) if consenters else frozenset()
            position = position_after(position, move, visit.actor_id, others)
        else:
            assignee_id = visit.held_by_id
    return replace(
        position,
        step=change.step,
        urgency=change.urgency,
        requester_id=change.requester_id,
        conditions=conditions_of(change.on_behalf_of, change.kind, change.urgency),
        assignee_id=assignee_id,
    )


def _is_active_in_agency(change: ChangeRequest, user: User) -> bool:
    return user.agency_id == change.agency_id and user.is_active


_activity: Any = Activity.__table__.c
_taker: Any = User.__table__.alias("taker").c
_requester: Any = User.__table__.alias("requester").c
#: What tells whose an account is.
_PERSONAL = ("nip", "email", "phone")
#: The history rows of a request, with the columns that the rules need.
_VISITS = (
    select(
        _activity.id,
        _activity.sequence,
        _activity.step,
        _activity.arrived_at,
        _activity.outcome,
        _activity.target,
        _activity.actor_id,
        _activity.held_by_id,
        _activity.finished_at,
        exists().where(Deviation.activity_id == _activity.id).label("deviates"),
        _activity.requester_id,
        *(getattr(_taker, key) for key in _PERSONAL),
        *(getattr(_requester, key).label(f"requester_{key}") for key in _PERSONAL),
    )
    .join_from(Activity.__table__, _requester.id.table, _requester.id == _activity.requester_id)
    .outerjoin(_taker.id.table, _taker.id == _activity.actor_id)
    .where(_activity.change_id == bindparam("change"))
    .order_by(_activity.sequence)
)
