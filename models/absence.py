"""The head's absence: from when until when and why, and whether anybody decides meanwhile (SOP page, silences 4).

An absence tells, and bars nobody: a head who is there after all decides as the head, and what lets somebody else
decide is a delegation alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, and_, bindparam, case, exists, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, contains_eager, mapped_column, relationship

from lpse_admin.errors import Incomplete, NoSuchMove, NotAllowed
from lpse_admin.message import Message, _
from lpse_admin.roles import Role
from lpse_admin.word import Word
from models.agency import Agency, lock
from models.audit import AuditEntry, AuditRow
from models.base import Base, Identity, Moment, PrimaryKey, Prose
from models.delegation import Delegation
from models.typed import fault_of
from models.user import User

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from zoneinfo import ZoneInfo

    from sqlalchemy import BindParameter, Select

#: How far back an absence may be said to have begun.
_LONGEST_AGO = dt.timedelta(days=366)

#: How many of the entries that tell of somebody are looked through for when they ceased.
_MOST_ENTRIES = 50


class AbsenceState(Word):
    """What an absence means on a day."""

    NOW = "now", _("Absent now")
    COMING = "coming", _("Absent later")
    OVER = "over", _("Back again")


class AbsenceCause(Word):
    """From what it is known that no head is there."""

    RECORDED = "recorded", _("The absence is recorded")
    DELEGATED = "delegated", _("A delegation is in force")
    DISABLED = "disabled", _("The head's account is disabled")
    VACANT = "vacant", _("Nobody holds the role of head")


class Absence(Base):
    """A head's absence between two dates of the LPSE's own zone, or from one on until it is ended."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("until_date IS NULL OR from_date <= until_date", name="dates_in_order"),
        CheckConstraint("recorded_by_id = head_id OR recorded_because IS NOT NULL", name="recorded_with_a_reason"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended_by_somebody"),
        CheckConstraint(
            "ended_by_id IS NULL OR ended_by_id = head_id OR ended_because IS NOT NULL", name="ended_with_a_reason"
        ),
        CheckConstraint("ended_because IS NULL OR ended_at IS NOT NULL", name="reason_of_an_end"),
        CheckConstraint("recorded_at <= ended_at", name="ended_afterwards"),
        Index(None, "agency_id", "from_date", "id"),
        Index(None, "head_id", "from_date"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    head_id: Mapped[int] = mapped_column(Identity, ForeignKey("user_account.id"))
    from_date: Mapped[dt.date]
    #: The last day of it; None until it is known.
    until_date: Mapped[dt.date | None]
    reason: Mapped[Prose]
    recorded_by_id: Mapped[int] = mapped_column(Identity, ForeignKey("user_account.id"))
    recorded_at: Mapped[Moment]
    #: Why somebody else records it than the head.
    recorded_because: Mapped[Prose | None]
    ended_at: Mapped[Moment | None]
    ended_by_id: Mapped[int | None] = mapped_column(Identity, ForeignKey("user_account.id"))
    ended_because: Mapped[Prose | None]

    agency: Mapped[Agency] = relationship()
    head: Mapped[User] = relationship(foreign_keys=head_id)
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)

    def state(self, today: dt.date) -> AbsenceState:
        """Return what it means on the day ``today`` of the LPSE's own zone."""
        if self.ended_at is not None or (self.until_date is not None and self.until_date < today):
            return AbsenceState.OVER
        return AbsenceState.COMING if self.from_date > today else AbsenceState.NOW

    def end(self, *, now: dt.datetime, by: User, because: str | None = None) -> None:
        """End the absence at this moment, or call one off that has not begun.

        Raises NotAllowed for anybody who may not record it, NoSuchMove where it is over, Incomplete where somebody
        other than the head does not say why they end it ("because").
        """
        _may_record(self.head, by)
        if self.state(self.agency.date_of(now)) is AbsenceState.OVER:
            raise NoSuchMove(_("This absence is over already."))
        faults: dict[str, Message] = {}
        said = _said("because", _BECAUSE, because, faults, is_needed=by.id != self.head_id)
        if faults:
            raise Incomplete(_("The absence cannot be ended like this."), fields=faults)
        self.ended_at, self.ended_by_id, self.ended_because = now, by.id, said


_BECAUSE = _("Why you do this in the head's place")


def may_be_recorded_by(user: User, head: User) -> bool:
    """Whether ``user`` may record and end absences of ``head``: the head, a manager or an administrator of theirs."""
    if not user.is_active or head.agency_id is None:
        return False
    if user.id == head.id or (Role.CHANGE_MANAGER in user.roles and user.agency_id == head.agency_id):
        return True
    return Role.ADMINISTRATOR in user.roles and user.agency_id in {None, head.agency_id}


def record(  # noqa: PLR0913 - an absence has this many parts
    session: Session,
    *,
    head: User,
    from_date: dt.date,
    until_date: dt.date | None,
    reason: str,
    by: User,
    now: dt.datetime,
    because: str | None = None,
) -> Absence:
    """Record that ``head`` is absent from one day until another (None: not known), both included.

    ``because`` is why somebody other than the head records it. Raises NotAllowed where that is not theirs to do,
    Incomplete with a sentence beside each wrong field.
    """
    _may_record(head, by)
    if head.agency is not None:
        session.flush()
        lock(session, head.agency.id)  # two records at once would not see one another
    faults: dict[str, Message] = {}
    said = _said("reason", _("Reason of the absence"), reason, faults, is_needed=True)
    said_because = _said("because", _BECAUSE, because, faults, is_needed=by.id != head.id)
    faults |= _faults(session, head, from_date, until_date, now)
    if faults:
        raise Incomplete(_("The absence cannot be recorded like this."), fields=faults)
    absence = Absence(
        agency=head.agency,
        head=head,
        from_date=from_date,
        until_date=until_date,
        reason=said,
        recorded_by=by,
        recorded_at=now,
        recorded_because=said_because,
    )
    session.add(absence)
    session.flush()
    return absence


def _may_record(head: User, by: User) -> None:
    if not may_be_recorded_by(by, head):
        raise NotAllowed(
            _("Only the head records or ends an absence, or a change manager or an administrator who says why.")
        )


def _said(key: str, label: Message, text: str | None, faults: dict[str, Message], *, is_needed: bool) -> str | None:
    """Return what was said, or None; what is wrong with it goes into ``faults``."""
    said = (text or "").strip()
    if fault := fault_of(said, needed_as=label if is_needed else None):
        faults[key] = fault
    return said or None


def _faults(
    session: Session, head: User, from_date: dt.date, until_date: dt.date | None, now: dt.datetime
) -> dict[str, Message]:
    zone = head.agency.zone if head.agency is not None else None
    today = now.astimezone(zone).date()
    if Role.HEAD not in head.roles:
        return {"head_id": _("Only the absence of a head is recorded.")}
    if until_date is not None and until_date < from_date:
        return {"until_date": _("The last day is before the first.")}
    if until_date is not None and until_date < today:
        return {"until_date": _("The last day is past already.")}
    if from_date < today - _LONGEST_AGO:
        return {"from_date": _("The first day is more than a year ago.")}
    # One that was ended counts no more: the head may leave again the same day, and what was recorded wrongly is
    # ended and recorded anew.
    overlapping = select(Absence.id).where(
        Absence.head_id == head.id,
        Absence.ended_at.is_(None),
        Absence.from_date <= (until_date or dt.date.max),
        or_(Absence.until_date.is_(None), Absence.until_date >= from_date),
    )
    if session.scalars(overlapping.limit(1)).one_or_none() is not None:
        return {"from_date": _("Another absence is recorded on some of these days.")}
    return {}


def in_state(state: AbsenceState, today: dt.date) -> ColumnElement[bool]:
    """Return the criterion for the absences that are in ``state`` on the day ``today``."""
    stands = and_(Absence.ended_at.is_(None), or_(Absence.until_date.is_(None), Absence.until_date >= today))
    match state:
        case AbsenceState.OVER:
            return ~stands
        case AbsenceState.COMING:
            return and_(stands, Absence.from_date > today)
        case _:
            return and_(stands, Absence.from_date <= today)


def state_on(today: dt.date) -> ColumnElement[str]:
    """Return the expression for the state of an absence on the day ``today``."""
    return case(*((in_state(state, today), state.value) for state in AbsenceState))


@dataclass(frozen=True, slots=True)
class HeadAbsence:
    """That no head of an agency is there at a moment.

    Dates are of the LPSE's own zone; moments are known of accounts. ``since`` is None where nothing tells it: then
    what waits has waited since it arrived.
    """

    cause: AbsenceCause
    #: The first day of it, or the moment.
    since: dt.date | None
    #: The last day of it, as far as it is known.
    until: dt.date | None = None
    reason: str | None = None
    #: The record of it, where there is one.
    absence: Absence | None = None
    #: The delegation in force, under which somebody decides meanwhile.
    delegation: Delegation | None = None
    #: Without one: since when nobody has stood in for the head; None like ``since``.
    uncovered_since: dt.date | None = None


def _lent_or_away(today: BindParameter[dt.date]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the criteria for a head's absence on ``today`` and for a delegation of theirs in force then."""
    is_absent = and_(
        Absence.head_id == User.id,
        Absence.ended_at.is_(None),
        Absence.from_date <= today,
        or_(Absence.until_date.is_(None), Absence.until_date >= today),
    )
    has_delegated = and_(
        Delegation.head_id == User.id,
        Delegation.agency_id == User.agency_id,
        Delegation.withdrawn_at.is_(None),
        Delegation.from_date <= today,
        Delegation.until_date >= today,
    )
    return is_absent, has_delegated


@cache
def _heads() -> Select[User, Absence | None, Delegation | None]:
    """Return the statement for one row each head: their absence of today, and their delegation in force.

    Put together once, and not before every table is mapped.
    """
    delegate = aliased(User, name="delegate_of_head")
    is_absent, has_delegated = _lent_or_away(bindparam("today"))
    return (
        select(User, Absence, Delegation)
        .outerjoin(Absence, is_absent)
        .outerjoin(Delegation, has_delegated)
        .outerjoin(delegate, delegate.id == Delegation.delegate_id)
        .options(contains_eager(Delegation.delegate.of_type(delegate)))
        .where(User.agency_id == bindparam("agency"), User.is_head)
        .order_by(User.id)
    )


@cache
def _present() -> Select[int]:
    """Return the statement for a head who is there: not recorded as absent, not disabled, nobody in their place.

    It is asked on nearly every page, and answers most of them.
    """
    delegate = aliased(User, name="delegate_of_head")
    is_absent, has_delegated = _lent_or_away(bindparam("today"))
    stands_in = exists().where(has_delegated, delegate.id == Delegation.delegate_id, delegate.is_active)
    return (
        select(User.id)
        .where(User.agency_id == bindparam("agency"), User.is_head, User.is_active)
        .where(~exists().where(is_absent), ~stands_in)
        .limit(1)
    )


def head_absence(session: Session, agency: Agency, now: dt.datetime) -> HeadAbsence | None:
    """Return since when and why no head of ``agency`` is there, and who stands in; None while one is there.

    A head is absent who is recorded so, who has delegated for today, or whose account is disabled; so is the head
    of an agency that has none. Of several heads the one counts who left last. One statement while one is there.
    """
    today = agency.date_of(now)
    asked = {"agency": agency.id, "today": today}
    if session.scalar(_present(), asked):
        return None
    heads = session.execute(_heads(), asked).all()
    found = [_absence_of(session, head, absence, delegation) for head, absence, delegation in heads]
    if not found:
        people = session.scalars(select(User.id).where(User.agency_id == agency.id)).all()
        found.append(HeadAbsence(AbsenceCause.VACANT, since=_ceased(session, people, "is_head")))
    delegation = next((granted for _head, _absence, granted in heads if granted is not None), None)
    last = max(found, key=lambda one: _moment(one.since, agency.zone))
    covered = delegation is not None and delegation.delegate.is_active
    return HeadAbsence(
        cause=last.cause,
        since=last.since,
        until=min((one.until for one in found if one.until is not None), default=None),
        reason=last.reason,
        absence=last.absence,
        delegation=delegation if covered else None,
        uncovered_since=None if covered else _uncovered_since(session, agency, last.since, today, delegation),
    )


def _absence_of(session: Session, head: User, absence: Absence | None, delegation: Delegation | None) -> HeadAbsence:
    """Return since when this head, who is not there, is absent."""
    if absence is not None:
        first, last = _run(session, absence)
        last = last if head.is_active else None
        return HeadAbsence(AbsenceCause.RECORDED, since=first, until=last, reason=absence.reason, absence=absence)
    if not head.is_active:
        return HeadAbsence(AbsenceCause.DISABLED, since=_ceased(session, [head.id], "is_active"))
    assert delegation is not None  # noqa: S101 - the one reason that is left
    return HeadAbsence(
        AbsenceCause.DELEGATED, since=delegation.from_date, until=delegation.until_date, reason=delegation.reason
    )


def _run(session: Session, absence: Absence) -> tuple[dt.date, dt.date | None]:
    """Return first and last day of the absences that follow one another without a day between."""
    rows = session.execute(
        select(Absence.from_date, Absence.until_date)
        .where(Absence.head_id == absence.head_id, Absence.ended_at.is_(None))
        .order_by(Absence.from_date)
    )
    first, last = absence.from_date, absence.until_date
    others = list(rows)
    for _first, until in reversed(others):
        if until == first - _DAY:
            first = _first
    for begins, until in others:
        if last is not None and begins - _DAY == last:
            last = until
    return first, last


_DAY = dt.timedelta(days=1)


def _ceased(session: Session, user_ids: Collection[int], flag: str) -> dt.datetime | None:
    """Return the moment at which the trail tells that the last of these users ceased to have ``flag``, if it does."""
    people = {str(id_) for id_ in user_ids}
    entries = session.scalars(
        select(AuditEntry)
        .join(AuditRow, AuditRow.entry_id == AuditEntry.id)
        .where(
            AuditRow.table_name == User.__tablename__,
            AuditRow.row_id.in_(sorted(people)),
            AuditEntry.rows.contains(f'"{flag}":false'),
            AuditEntry.rows.contains(f'"{flag}":true'),
        )
        .order_by(AuditEntry.id.desc())
        .limit(_MOST_ENTRIES)
    )
    for entry in entries:
        for row in entry.told:
            is_theirs = row["table"] == User.__tablename__ and row["id"] in people
            if is_theirs and row["before"].get(flag) is True and row["after"].get(flag) is False:
                return entry.at
    return None


def _uncovered_since(
    session: Session, agency: Agency, since: dt.date | None, today: dt.date, asleep: Delegation | None
) -> dt.date | None:
    """Return since when nobody has stood in: since the absence began, or since the last delegation in it ended.

    ``asleep`` is one that is in force and whose delegate's account is disabled.
    """
    ended: list[dt.date | None]
    if asleep is not None:
        ended = [_ceased(session, [asleep.delegate_id], "is_active")]
    else:
        latest = (
            select(Delegation)
            .where(
                Delegation.agency_id == agency.id,
                or_(Delegation.withdrawn_at.is_not(None), Delegation.until_date < today),
            )
            .order_by(Delegation.until_date.desc(), Delegation.id.desc())
            .limit(_MOST_ENTRIES)
        )
        ended = [_ended(delegation, agency.zone) for delegation in session.scalars(latest)]
    return _latest([since, *ended], agency.zone)


def _ended(delegation: Delegation, zone: ZoneInfo) -> dt.date | None:
    """Return the day or the moment from which a delegation was not in force any more; None where it never was."""
    if delegation.withdrawn_at is None:
        return delegation.until_date + _DAY
    withdrawn_on = delegation.withdrawn_at.astimezone(zone).date()
    if withdrawn_on < delegation.from_date:
        return None
    return delegation.until_date + _DAY if withdrawn_on > delegation.until_date else delegation.withdrawn_at


def _latest(moments: Iterable[dt.date | None], zone: ZoneInfo) -> dt.date | None:
    return max(moments, key=lambda at: _moment(at, zone))


def _moment(at: dt.date | None, zone: ZoneInfo) -> dt.datetime:
    """Return a day's first moment, or the moment itself; what is not known comes before everything."""
    if at is None:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    return at if isinstance(at, dt.datetime) else dt.datetime.combine(at, dt.time.min, zone)


__all__ = [
    "Absence",
    "AbsenceCause",
    "AbsenceState",
    "HeadAbsence",
    "head_absence",
    "in_state",
    "may_be_recorded_by",
    "record",
    "state_on",
]
