"""Days that an office sets itself: a holiday of the region, joint leave given or withdrawn, a half day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.errors import Incomplete, NoSuchMove
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.office_hours import spans
from lpse_admin.worktime.working_calendar import OverrideKind
from models.accounts.user import User
from models.base import LINE_LENGTH, Base, Identity, Line, Moment, PrimaryKey, session_of, stored
from models.office.agency import Agency
from models.office.setting import begin, conclude, date_faults
from models.validation import fault_of

if TYPE_CHECKING:
    from collections.abc import Sequence


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

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    date: Mapped[dt.date]
    kind: Mapped[OverrideKind] = mapped_column(stored(OverrideKind, "kind"))
    name: Mapped[Line]
    #: The hours of a working day that has its own, as ``lpse_admin.worktime.office_hours.spans`` reads them.
    hours: Mapped[Line | None]
    set_by_id: Mapped[int] = mapped_column(Identity, ForeignKey("user_account.id"))
    set_at: Mapped[Moment]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    def alter(  # noqa: PLR0913 - as many parts as it was set with
        self, *, kind: OverrideKind, name: str, hours: str, by: User, now: dt.datetime, reason: str
    ) -> None:
        """Make something else of this day; raises as ``set_day`` does, NoSuchMove where it is gone."""
        session = session_of(self)
        begin(session, self.agency_id, by)
        self._still_there(session)
        faults, own = _read(kind, name, hours)
        conclude(session, reason, faults)
        self.kind, self.name, self.hours = kind, name.strip(), own
        self.set_by_id, self.set_at = by.id, now
        session.flush()

    def remove(self, *, by: User, reason: str) -> None:
        """Let the national list say again what this day is; raises as ``alter`` does."""
        session = session_of(self)
        begin(session, self.agency_id, by)
        self._still_there(session)
        conclude(session, reason, {})
        session.delete(self)
        session.flush()

    def _still_there(self, session: Session) -> None:
        if session.scalar(select(OfficeDay.id).where(OfficeDay.id == self.id)) is None:
            raise NoSuchMove(_("Somebody else has removed this in the meantime."))


def set_day(  # noqa: PLR0913 - a day set by an office has this many parts
    session: Session,
    agency: Agency,
    *,
    date: dt.date,
    kind: OverrideKind,
    name: str,
    hours: str = "",
    by: User,
    now: dt.datetime,
    reason: str,
) -> OfficeDay:
    """Set what ``date`` is to the office; ``hours`` are those of a working day that has its own.

    Raises NotAllowed for anybody but an administrator, Incomplete with a sentence beside each wrong field.
    """
    begin(session, agency.id, by)
    faults, own = _read(kind, name, hours)
    faults |= date_faults(date=date)
    if not faults and day_of(session, agency.id, date) is not None:
        faults["date"] = _("This day is set already; what is set can be altered.")
    conclude(session, reason, faults)
    day = OfficeDay(
        agency_id=agency.id, date=date, kind=kind, name=name.strip(), hours=own, set_by_id=by.id, set_at=now
    )
    session.add(day)
    session.flush()
    return day


def day_of(session: Session, agency_id: int, date: dt.date) -> OfficeDay | None:
    """Return what the office has set ``date`` to be, if it has."""
    return session.scalars(
        select(OfficeDay).where(OfficeDay.agency_id == agency_id, OfficeDay.date == date)
    ).one_or_none()


def days_of_year(session: Session, agency_id: int, year: int) -> Sequence[OfficeDay]:
    """Return the days that the office has set in ``year``, in order."""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    return session.scalars(
        select(OfficeDay)
        .where(OfficeDay.agency_id == agency_id, OfficeDay.date.between(first, last))
        .order_by(OfficeDay.date)
    ).all()


def _read(kind: OverrideKind, name: str, hours: str) -> tuple[dict[str, Message], str | None]:
    """Return what is wrong with the parts of a day, and its own hours in the one way that they are stored."""
    faults: dict[str, Message] = {}
    if fault := fault_of(name, needed_as=_("Name of the day"), most=LINE_LENGTH):
        faults["name"] = fault
    own = ""
    try:
        own = ", ".join(map(str, spans(hours)))
    except Incomplete as refusal:
        faults["hours"] = refusal.message
    if own and kind is not OverrideKind.WORKDAY:
        faults["hours"] = _("Only a working day has hours of its own")
    elif fault := fault_of(own, most=LINE_LENGTH):
        faults["hours"] = fault
    return faults, own or None
