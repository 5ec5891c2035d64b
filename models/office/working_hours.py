"""Office hours from a day on, and the months in which those of Ramadan hold, as an office sets them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar, cast

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, exists, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.worktime.national_holidays import DateRange, ramadan_periods
from lpse_admin.worktime.office_hours import Timetable, WeeklyHours, parse_spans
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, PrimaryKey, ShortText, Timestamp, session_of
from models.hybrids import first_true
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.setting import authorize_and_lock, date_errors, validate_with_reason
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The columns of a week, Monday first, and those of a week in Ramadan; they are also the fields of a form.
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RAMADAN_WEEK = tuple(f"ramadan_{day}" for day in WEEK)
#: A month of the Islamic calendar has so many days.
_MIN_RAMADAN_DAYS, _MAX_RAMADAN_DAYS = 29, 30


_HOURS_SET = AuditAction("setting.hours", _("Set the working hours"))
_HOURS_ALTERED = AuditAction("setting.hours.alter", _("Changed the working hours"))
_HOURS_REMOVED = AuditAction("setting.hours.remove", _("Removed the working hours"))
_RAMADAN_SET = AuditAction("setting.ramadan", _("Set the month of Ramadan"))
_RAMADAN_REMOVED = AuditAction("setting.ramadan.remove", _("Removed a month of Ramadan"))


class HoursState(LabelledEnum):
    """What working hours are on a day: those in force, those before, those to come."""

    PRESENT = "present", _("In force")
    COMING = "coming", _("Not yet effective")
    FORMER = "former", _("Replaced")


class WorkingHours(Base):
    """The office's hours from ``since`` on, each day's as ``worktime.office_hours.spans`` reads them ("" for none)."""

    __tablename__ = "working_hours"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "since"),
        Index(None, "since", "id"),
        # No number twice: the trail of a row that was removed is not another's.
        {"sqlite_autoincrement": True},
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "working_hours_of_its_office",
            "what an office sets stays with its office and its day",
            (Immutable(mutable=(*WEEK, *RAMADAN_WEEK, "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    since: Mapped[dt.date]
    monday: Mapped[ShortText]
    tuesday: Mapped[ShortText]
    wednesday: Mapped[ShortText]
    thursday: Mapped[ShortText]
    friday: Mapped[ShortText]
    saturday: Mapped[ShortText]
    sunday: Mapped[ShortText]
    ramadan_monday: Mapped[ShortText]
    ramadan_tuesday: Mapped[ShortText]
    ramadan_wednesday: Mapped[ShortText]
    ramadan_thursday: Mapped[ShortText]
    ramadan_friday: Mapped[ShortText]
    ramadan_saturday: Mapped[ShortText]
    ramadan_sunday: Mapped[ShortText]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    @property
    def timetable(self) -> Timetable:
        """These hours as the calendar takes them."""
        week, ramadan = ([getattr(self, day) for day in days] for days in (WEEK, RAMADAN_WEEK))
        return Timetable(self.since, WeeklyHours.from_texts(*week), WeeklyHours.from_texts(*ramadan))

    @classmethod
    def state_on(cls, today: dt.date) -> ColumnElement[HoursState]:
        """Return the expression for what hours are on the day ``today``."""
        later = aliased(cls)
        is_replaced = exists().where(later.agency_id == cls.agency_id, later.since > cls.since, later.since <= today)
        state = first_true(
            (cast("bool", cls.since > today), HoursState.COMING),
            (cast("bool", is_replaced), HoursState.FORMER),
            default=HoursState.PRESENT,
        )
        return cast("ColumnElement[HoursState]", state)

    def alter(self, texts: Mapping[str, str], *, by: User, now: dt.datetime, reason: str) -> None:
        """Set other hours from the same day on; raises as ``set_hours`` does, NoSuchMove where they are gone."""
        session = session_of(self)
        authorize_and_lock(session, self.agency_id, by, Verb.EDIT, Resource.SETTING)
        _require_exists(session, WorkingHours, self.id)
        week, errors = _validate_week(texts)
        validate_with_reason(session, reason, errors, _HOURS_ALTERED)
        self.set_week(week, by, now)
        session.flush()

    def remove(self, *, by: User, reason: str) -> None:
        """Let the hours before these hold on; raises as ``alter`` does."""
        session = session_of(self)
        authorize_and_lock(session, self.agency_id, by, Verb.DELETE, Resource.SETTING)
        _require_exists(session, WorkingHours, self.id)
        validate_with_reason(session, reason, {}, _HOURS_REMOVED)
        session.delete(self)
        session.flush()

    def set_week(self, week: Mapping[str, str], by: User, now: dt.datetime) -> None:
        """Write the hours of each weekday, and who set them when."""
        for day, hours in week.items():
            setattr(self, day, hours)
        self.set_by_id, self.set_at = by.id, now


class RamadanMonth(Base):
    """A month of Ramadan as it was decreed; it replaces the calculated one that it overlaps."""

    __tablename__ = "ramadan_month"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "first_day"),
        CheckConstraint("first_day <= last_day", name="days_in_order"),
        {"sqlite_autoincrement": True},
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "ramadan_month_of_its_office",
            "what an office sets stays with its office and its day",
            (Immutable(mutable=("set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    @property
    def period(self) -> DateRange:
        """The month as the calendar takes it."""
        return DateRange(self.first_day, self.last_day)

    def remove(self, *, by: User, reason: str) -> None:
        """Let the calculated month hold again; raises as ``WorkingHours.remove`` does."""
        session = session_of(self)
        authorize_and_lock(session, self.agency_id, by, Verb.DELETE, Resource.SETTING)
        _require_exists(session, RamadanMonth, self.id)
        validate_with_reason(session, reason, {}, _RAMADAN_REMOVED)
        session.delete(self)
        session.flush()


def set_hours(  # noqa: PLR0913 - who, where, when and why, beside the hours themselves
    session: Session,
    agency: Agency,
    since: dt.date,
    texts: Mapping[str, str],
    *,
    by: User,
    now: dt.datetime,
    reason: str,
) -> WorkingHours:
    """Set the office's hours from ``since`` on; ``texts`` are texts by the names of ``WEEK`` and ``RAMADAN_WEEK``.

    What lies before ``since`` is not judged anew. Raises NotAllowed for anybody but an administrator, ValidationFailed
    with an error for each wrong field.
    """
    authorize_and_lock(session, agency.id, by, Verb.CREATE, Resource.SETTING)
    week, errors = _validate_week(texts)
    errors |= date_errors(since=since)
    taken = select(WorkingHours.id).where(WorkingHours.agency_id == agency.id, WorkingHours.since == since)
    if session.scalar(taken) is not None:
        errors["since"] = _("Working hours from this day already exist; change those.")
    validate_with_reason(session, reason, errors, _HOURS_SET)
    hours = WorkingHours(agency_id=agency.id, since=since)
    hours.set_week(week, by, now)
    session.add(hours)
    session.flush()
    return hours


def set_ramadan(  # noqa: PLR0913 - as above
    session: Session, agency: Agency, first_day: dt.date, last_day: dt.date, *, by: User, now: dt.datetime, reason: str
) -> RamadanMonth:
    """Set a month of Ramadan in the calculated one's place; raises as ``set_hours`` does."""
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.SETTING)
    errors = date_errors(first_day=first_day, last_day=last_day)
    length = (last_day - first_day).days + 1
    if not errors and not _MIN_RAMADAN_DAYS <= length <= _MAX_RAMADAN_DAYS:
        errors["last_day"] = _("A month of Ramadan has 29 or 30 days; this period has %(days)s.",
                               days=length)  # fmt: skip
    if not errors:
        errors |= _month_errors(session, agency.id, DateRange(first_day, last_day))
    validate_with_reason(session, reason, errors, _RAMADAN_SET)
    month = RamadanMonth(agency_id=agency.id, first_day=first_day, last_day=last_day, set_by_id=by.id, set_at=now)
    session.add(month)
    session.flush()
    return month


def load_ramadan_months(session: Session, agency_id: int) -> Sequence[RamadanMonth]:
    """Return the months of Ramadan that the office has set, the latest first."""
    return session.scalars(
        select(RamadanMonth).where(RamadanMonth.agency_id == agency_id).order_by(RamadanMonth.first_day.desc())
    ).all()


def _month_errors(session: Session, agency_id: int, month: DateRange) -> dict[str, Message]:
    if not any(month.overlaps(calculated) for calculated in ramadan_periods(month.first.year)):
        return {"first_day": _("No Ramadan is calculated for any of these days.")}
    if any(month.overlaps(other.period) for other in load_ramadan_months(session, agency_id)):
        return {"first_day": _("Another month of Ramadan that is set overlaps these days.")}
    return {}


def _validate_week(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Message]]:
    """Return the hours of both weeks in the one way that they are stored, and what is wrong with which."""
    week: dict[str, str] = {}
    errors: dict[str, Message] = {}
    for day in (*WEEK, *RAMADAN_WEEK):
        try:
            week[day] = ", ".join(map(str, parse_spans(texts.get(day, ""))))
        except ValidationFailed as refusal:
            errors[day] = refusal.message
        else:
            if error := text_error(week[day], max_length=SHORT_TEXT_LENGTH):
                errors[day] = error
    for days in (WEEK, RAMADAN_WEEK):
        # Nothing would ever be due in an office that never works.
        if not any(week.get(day) or day in errors for day in days):
            errors[days[0]] = _("At least one day of the week must have working hours.")
    return week, errors


def _require_exists(session: Session, table: type[WorkingHours | RamadanMonth], id_: int) -> None:
    if session.scalar(select(table.id).where(table.id == id_)) is None:
        raise NoSuchMove(_("This was removed by somebody else in the meantime."))
