"""Days that an office sets itself: a holiday of the region, joint leave given or withdrawn, a half day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.worktime.office_hours import parse_spans
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, PrimaryKey, ShortText, Timestamp, enum_type, session_of
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.setting import authorize_and_lock, date_errors, validate_with_reason
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Sequence


_SET = AuditAction("holiday.set", _("Set a calendar day"))
_ALTERED = AuditAction("holiday.alter", _("Changed a calendar day"))
_REMOVED = AuditAction("holiday.remove", _("Removed a calendar day"))


class OfficeDay(Base):
    """A day as the office sets it, whatever the national list says; it can be altered and removed, with a reason."""

    __tablename__ = "office_day"
    __table_args__ = (
        UniqueConstraint("agency_id", "date"),
        CheckConstraint("hours IS NULL OR kind = 'workday'", name="hours_of_a_workday"),
        CheckConstraint("name <> ''", name="has_a_name"),
        Index(None, "date", "id"),
        # No number twice: the trail of a row that was removed is not another's.
        {"sqlite_autoincrement": True},
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "office_day_of_its_office",
            "what an office sets stays with its office and its day",
            (Immutable(mutable=("kind", "name", "hours", "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    date: Mapped[dt.date]
    kind: Mapped[DayOverrideKind] = mapped_column(enum_type(DayOverrideKind, "kind"))
    name: Mapped[ShortText]
    #: The hours of a working day that has its own, as ``lpse_admin.worktime.office_hours.spans`` reads them.
    hours: Mapped[ShortText | None]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    def alter(self, *, kind: DayOverrideKind, name: str, hours: str, by: User, now: dt.datetime, reason: str) -> None:
        """Make something else of this day; raises as ``set_day`` does, NoSuchMove where it is gone."""
        session = session_of(self)
        authorize_and_lock(session, self.agency_id, by, Verb.EDIT, Resource.HOLIDAY)
        self._require_exists(session)
        errors, own = _validate(kind, name, hours)
        validate_with_reason(session, reason, errors, _ALTERED)
        self.kind, self.name, self.hours = kind, strip_blank(name), own
        self.set_by_id, self.set_at = by.id, now
        session.flush()

    def remove(self, *, by: User, reason: str) -> None:
        """Let the national list say again what this day is; raises as ``alter`` does."""
        session = session_of(self)
        authorize_and_lock(session, self.agency_id, by, Verb.DELETE, Resource.HOLIDAY)
        self._require_exists(session)
        validate_with_reason(session, reason, {}, _REMOVED)
        session.delete(self)
        session.flush()

    def _require_exists(self, session: Session) -> None:
        if session.scalar(select(OfficeDay.id).where(OfficeDay.id == self.id)) is None:
            raise NoSuchMove(_("This was removed by somebody else in the meantime."))


def set_day(  # noqa: PLR0913 - a day set by an office has this many parts
    session: Session,
    agency: Agency,
    *,
    date: dt.date,
    kind: DayOverrideKind,
    name: str,
    hours: str = "",
    by: User,
    now: dt.datetime,
    reason: str,
) -> OfficeDay:
    """Set what ``date`` is to the office; ``hours`` are those of a working day that has its own.

    Raises NotAllowed for anybody but an administrator, ValidationFailed with an error for each wrong field.
    """
    authorize_and_lock(session, agency.id, by, Verb.CREATE, Resource.HOLIDAY)
    errors, own = _validate(kind, name, hours)
    errors |= date_errors(date=date)
    if not errors and load_office_day(session, agency.id, date) is not None:
        errors["date"] = _("This day is already set; change the existing entry.")
    validate_with_reason(session, reason, errors, _SET)
    day = OfficeDay(
        agency_id=agency.id, date=date, kind=kind, name=strip_blank(name), hours=own, set_by_id=by.id, set_at=now
    )
    session.add(day)
    session.flush()
    return day


def load_office_day(session: Session, agency_id: int, date: dt.date) -> OfficeDay | None:
    """Return what the office has set ``date`` to be, if it has."""
    return session.scalars(
        select(OfficeDay).where(OfficeDay.agency_id == agency_id, OfficeDay.date == date)
    ).one_or_none()


def load_office_days(session: Session, agency_id: int, year: int) -> Sequence[OfficeDay]:
    """Return the days that the office has set in ``year``, in order."""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    return session.scalars(
        select(OfficeDay)
        .where(OfficeDay.agency_id == agency_id, OfficeDay.date.between(first, last))
        .order_by(OfficeDay.date)
    ).all()


def _validate(kind: DayOverrideKind, name: str, hours: str) -> tuple[dict[str, Message], str | None]:
    """Return what is wrong with the parts of a day, and its own hours in the one way that they are stored."""
    errors: dict[str, Message] = {}
    if error := text_error(name, required_label=_("Name of the day"), max_length=SHORT_TEXT_LENGTH):
        errors["name"] = error
    own = ""
    try:
        own = ", ".join(map(str, parse_spans(hours)))
    except ValidationFailed as refusal:
        errors["hours"] = refusal.message
    if own and kind is not DayOverrideKind.WORKDAY:
        errors["hours"] = _("Only a working day has its own hours")
    elif error := text_error(own, max_length=SHORT_TEXT_LENGTH):
        errors["hours"] = error
    return errors, own or None
