"""Office hours from a day on, and the months in which those of Ramadan hold, as an office sets them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.errors import Incomplete, NoSuchMove
from lpse_admin.i18n import Message, Word, _
from lpse_admin.worktime.national_holidays import Period, ramadans
from lpse_admin.worktime.office_hours import Hours, Timetable, spans
from models.accounts.user import User
from models.base import LINE_LENGTH, Base, Identity, Line, Moment, PrimaryKey, session_of
from models.office.agency import Agency
from models.office.setting import begin, conclude, date_faults
from models.validation import fault_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The columns of a week, Monday first, and those of a week in Ramadan; they are also the fields of a form.
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RAMADAN_WEEK = tuple(f"ramadan_{day}" for day in WEEK)
#: A month of the Islamic calendar has so many days.
_SHORTEST, _LONGEST = 29, 30


class HoursState(Word):
    """What working hours are on a day: those in force, those before, those to come."""

    PRESENT = "present", _("In force")
    COMING = "coming", _("From its day on")
    FORMER = "former", _("Replaced")


class WorkingHours(Base):
    """The office's hours from ``since`` on, each day's as ``worktime.office_hours.spans`` reads them ("" for none)."""

    __tablename__ = "working_hours"
    __table_args__ = (
        UniqueConstraint("agency_id", "since"),
        Index(None, "since", "id"),
        # No number twice: the trail of a row that was removed is not another's.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    since: Mapped[dt.date]
    monday: Mapped[Line]
    tuesday: Mapped[Line]
    wednesday: Mapped[Line]
    thursday: Mapped[Line]
    friday: Mapped[Line]
    saturday: Mapped[Line]
    sunday: Mapped[Line]
    ramadan_monday: Mapped[Line]
    ramadan_tuesday: Mapped[Line]
    ramadan_wednesday: Mapped[Line]
    ramadan_thursday: Mapped[Line]
    ramadan_friday: Mapped[Line]
    ramadan_saturday: Mapped[Line]
    ramadan_sunday: Mapped[Line]
    set_by_id: Mapped[int] = mapped_column(Identity, ForeignKey("user_account.id"))
    set_at: Mapped[Moment]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    @property
    def timetable(self) -> Timetable:
        """These hours as the calendar takes them."""
        week, ramadan = ([getattr(self, day) for day in days] for days in (WEEK, RAMADAN_WEEK))
        return Timetable(self.since, Hours.read(*week), Hours.read(*ramadan))

    def alter(self, typed: Mapping[str, str], *, by: User, now: dt.datetime, reason: str) -> None:
        """Set other hours from the same day on; raises as ``set_hours`` does, NoSuchMove where they are gone."""
        session = session_of(self)
        begin(session, self.agency_id, by)
        _still_there(session, WorkingHours, self.id)
        week, faults = _read(typed)
        conclude(session, reason, faults)
        self._take(week, by, now)
        session.flush()

    def remove(self, *, by: User, reason: str) -> None:
        """Let the hours before these hold on; raises as ``alter`` does."""
        session = session_of(self)
        begin(session, self.agency_id, by)
        _still_there(session, WorkingHours, self.id)
        conclude(session, reason, {})
        session.delete(self)
        session.flush()

    def _take(self, week: Mapping[str, str], by: User, now: dt.datetime) -> None:
        for day, hours in week.items():
            setattr(self, day, hours)
        self.set_by_id, self.set_at = by.id, now


class RamadanMonth(Base):
    """A month of Ramadan as it was decreed; it replaces the calculated one that it overlaps."""

    __tablename__ = "ramadan_month"
    __table_args__ = (
        UniqueConstraint("agency_id", "first_day"),
        CheckConstraint("first_day <= last_day", name="days_in_order"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    set_by_id: Mapped[int] = mapped_column(Identity, ForeignKey("user_account.id"))
    set_at: Mapped[Moment]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    @property
    def period(self) -> Period:
        """The month as the calendar takes it."""
        return Period(self.first_day, self.last_day)

    def remove(self, *, by: User, reason: str) -> None:
        """Let the calculated month hold again; raises as ``WorkingHours.remove`` does."""
        session = session_of(self)
        begin(session, self.agency_id, by)
        _still_there(session, RamadanMonth, self.id)
        conclude(session, reason, {})
        session.delete(self)
        session.flush()


def set_hours(  # noqa: PLR0913 - who, where, when and why, beside the hours themselves
    session: Session,
    agency: Agency,
    since: dt.date,
    typed: Mapping[str, str],
    *,
    by: User,
    now: dt.datetime,
    reason: str,
) -> WorkingHours:
    """Set the office's hours from ``since`` on; ``typed`` are texts by the names of ``WEEK`` and ``RAMADAN_WEEK``.

    What lies before ``since`` is not judged anew. Raises NotAllowed for anybody but an administrator, Incomplete
    with a sentence beside each wrong field.
    """
    begin(session, agency.id, by)
    week, faults = _read(typed)
    faults |= date_faults(since=since)
    taken = select(WorkingHours.id).where(WorkingHours.agency_id == agency.id, WorkingHours.since == since)
    if session.scalar(taken) is not None:
        faults["since"] = _("There are hours from this day on already; those can be altered.")
    conclude(session, reason, faults)
    hours = WorkingHours(agency_id=agency.id, since=since)
    hours._take(week, by, now)  # noqa: SLF001 - of this module
    session.add(hours)
    session.flush()
    return hours


def set_ramadan(  # noqa: PLR0913 - as above
    session: Session, agency: Agency, first: dt.date, last: dt.date, *, by: User, now: dt.datetime, reason: str
) -> RamadanMonth:
    """Set a month of Ramadan in the calculated one's place; raises as ``set_hours`` does."""
    begin(session, agency.id, by)
    faults = date_faults(first_day=first, last_day=last)
    length = (last - first).days + 1
    if not faults and not _SHORTEST <= length <= _LONGEST:
        faults["last_day"] = _("A month of Ramadan has 29 or 30 days; from the first to the last these are %(days)s.",
                               days=length)  # fmt: skip
    if not faults:
        faults |= _place_faults(session, agency.id, Period(first, last))
    conclude(session, reason, faults)
    month = RamadanMonth(agency_id=agency.id, first_day=first, last_day=last, set_by_id=by.id, set_at=now)
    session.add(month)
    session.flush()
    return month


def months_of(session: Session, agency_id: int) -> Sequence[RamadanMonth]:
    """Return the months of Ramadan that the office has set, the latest first."""
    return session.scalars(
        select(RamadanMonth).where(RamadanMonth.agency_id == agency_id).order_by(RamadanMonth.first_day.desc())
    ).all()


def _place_faults(session: Session, agency_id: int, month: Period) -> dict[str, Message]:
    if not any(month.overlaps(calculated) for calculated in ramadans(month.first.year)):
        return {"first_day": _("No Ramadan is calculated for any of these days.")}
    if any(month.overlaps(other.period) for other in months_of(session, agency_id)):
        return {"first_day": _("Another month that is set has some of these days.")}
    return {}


def _read(typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Message]]:
    """Return the hours of both weeks in the one way that they are stored, and what is wrong with which."""
    week: dict[str, str] = {}
    faults: dict[str, Message] = {}
    for day in (*WEEK, *RAMADAN_WEEK):
        try:
            week[day] = ", ".join(map(str, spans(typed.get(day, ""))))
        except Incomplete as refusal:
            faults[day] = refusal.message
        else:
            if fault := fault_of(week[day], most=LINE_LENGTH):
                faults[day] = fault
    for days in (WEEK, RAMADAN_WEEK):
        # Nothing would ever be due in an office that never works.
        if not any(week.get(day) or day in faults for day in days):
            faults[days[0]] = _("At least one day of the week has working hours.")
    return week, faults


def _still_there(session: Session, table: type[WorkingHours | RamadanMonth], id_: int) -> None:
    if session.scalar(select(table.id).where(table.id == id_)) is None:
        raise NoSuchMove(_("Somebody else has removed this in the meantime."))
