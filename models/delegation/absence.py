"""Absences of the head: dates and reason (procedure.md, reading 4).

An absence changes no permissions: the head may still decide, and only a delegation lets somebody else decide.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, or_, select
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.parsing.blank import strip_blank
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, session_of
from models.hybrids import first_true, is_null, lasts_until
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency, lock_agency
from models.validation import text_error

#: Maximum time between the first day of an absence and the day on which it is recorded.
_MAX_BACKDATING = dt.timedelta(days=366)


_RECORDED = AuditAction("absence.record", _("Recorded an absence of the head"))
_ENDED = AuditAction("absence.end", _("Ended an absence of the head"))
_PROXY_REASON_LABEL = _("Why you act in the head's place")


class AbsenceState(LabelledEnum):
    """State of an absence on a day."""

    NOW = "now", _("Absent")
    UPCOMING = "coming", _("Absence planned")
    OVER = "over", _("Returned to work")


class Absence(Base):
    """A head's absence between two dates in the LPSE's time zone; without ``until_date``, until it is ended."""

    __tablename__ = "absence"
    is_office_record = True
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

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "absence_stands",
            "an absence can only be ended, once",
            (
                Immutable(mutable=("ended_at", "ended_by_id", "ended_because")),
                Immutable("OLD.ended_at IS NOT NULL"),
            ),
        ),
        DeleteRule("absence_kept", "an absence is ended, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    head_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    head_name: Mapped[str | None] = snapshot_of("head_id")
    head_title: Mapped[str | None] = snapshot_of("head_id", "position")
    from_date: Mapped[dt.date]
    #: The last day; None if not known.
    until_date: Mapped[dt.date | None]
    reason: Mapped[LongText]
    recorded_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    recorded_by_name: Mapped[str | None] = snapshot_of("recorded_by_id")
    recorded_by_title: Mapped[str | None] = snapshot_of("recorded_by_id", "position")
    recorded_by_capacity: Mapped[str | None] = snapshot_of("recorded_by_id", "capacity")
    recorded_at: Mapped[Timestamp]
    #: Why somebody other than the head recorded it.
    recorded_because: Mapped[LongText | None]
    ended_at: Mapped[Timestamp | None]
    ended_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    ended_by_name: Mapped[str | None] = snapshot_of("ended_by_id")
    ended_by_title: Mapped[str | None] = snapshot_of("ended_by_id", "position")
    ended_by_capacity: Mapped[str | None] = snapshot_of("ended_by_id", "capacity")
    ended_because: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    head: Mapped[User] = relationship(foreign_keys=head_id)
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)
    ended_by: Mapped[User | None] = relationship(foreign_keys=ended_by_id)

    @hybrid_method
    def is_current(self, today: dt.date) -> bool:
        """Whether the head is absent on the day ``today`` of the LPSE's time zone."""
        return is_null(self.ended_at) & (self.from_date <= today) & lasts_until(self.until_date, today)

    @hybrid_method
    def state(self, today: dt.date) -> AbsenceState:
        """Return the state on the day ``today`` of the LPSE's time zone."""
        return first_true(
            (self.is_current(today), AbsenceState.NOW),
            (is_null(self.ended_at) & (self.from_date > today), AbsenceState.UPCOMING),
            default=AbsenceState.OVER,
        )

    def can_be_ended_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it has not ended, and ``user`` may end it."""
        is_over = self.state(self.agency.local_date(now)) is AbsenceState.OVER
        return not is_over and can_record_absence(user, self.head)

    def end(self, *, now: dt.datetime, by: User, because: str | None = None) -> None:
        """End the absence now, or cancel one that has not begun.

        Raises NotAllowed if ``by`` may not record it, NoSuchMove if it has ended, ValidationFailed if somebody other
        than the head gives no reason (``because``).
        """
        _require_can_record(self.head, by)
        if self.state(self.agency.local_date(now)) is AbsenceState.OVER:
            raise NoSuchMove(_("This absence has already ended."))
        errors: dict[str, Message] = {}
        reason = _clean_text("because", _PROXY_REASON_LABEL, because, errors, is_required=by.id != self.head_id)
        if errors:
            raise ValidationFailed(_("The absence cannot be ended with these values."), field_errors=errors)
        self.ended_at, self.ended_by_id, self.ended_because = now, by.id, reason
        _ENDED.describe(session_of(self), reason=reason)


def can_record_absence(user: User, head: User) -> bool:
    """Whether ``user`` may record and end absences of ``head``.

    The head may, and users to whom the permission table grants it by a role other than head.
    """
    if not user.is_active or head.agency_id is None:
        return False
    if user.id == head.id:
        return True
    is_granted_as_other = is_granted(user.roles - {Role.HEAD}, Verb.CREATE, Resource.ABSENCE)
    return is_granted_as_other and user.agency_id in {None, head.agency_id}


def record_absence(  # noqa: PLR0913 - the columns of an absence
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

    ``because`` is why somebody other than the head records it. Raises NotAllowed if ``by`` may not record it,
    ValidationFailed with an error for each wrong field.
    """
    _require_can_record(head, by)
    if head.agency is not None:
        session.flush()
        lock_agency(session, head.agency.id)  # otherwise concurrent records would not see each other
    errors: dict[str, Message] = {}
    clean_reason = _clean_text("reason", _("Reason for the absence"), reason, errors, is_required=True)
    clean_because = _clean_text("because", _PROXY_REASON_LABEL, because, errors, is_required=by.id != head.id)
    errors |= _field_errors(session, head, from_date, until_date, now)
    if errors:
        raise ValidationFailed(_("The absence cannot be recorded with these values."), field_errors=errors)
    absence = Absence(
        agency=head.agency,
        head=head,
        from_date=from_date,
        until_date=until_date,
        reason=clean_reason,
        recorded_by=by,
        recorded_at=now,
        recorded_because=clean_because,
    )
    session.add(absence)
    _RECORDED.describe(session, reason=absence.reason)
    session.flush()
    return absence


def _require_can_record(head: User, by: User) -> None:
    if not can_record_absence(by, head):
        raise NotAllowed(
            _("Only the head, or a change manager or administrator who gives a reason, records or ends an absence.")
        )


def _clean_text(
    key: str, label: Message, text: str | None, errors: dict[str, Message], *, is_required: bool
) -> str | None:
    """Return ``text`` stripped, or None if empty; an error is added to ``errors``."""
    clean = strip_blank(text or "")
    if error := text_error(clean, required_label=label if is_required else None):
        errors[key] = error
    return clean or None


def _field_errors(
    session: Session, head: User, from_date: dt.date, until_date: dt.date | None, now: dt.datetime
) -> dict[str, Message]:
    zone = head.agency.zone if head.agency is not None else None
    today = now.astimezone(zone).date()
    if Role.HEAD not in head.roles:
        return {"head_id": _("Only an absence of a head is recorded.")}
    if until_date is not None and until_date < from_date:
        return {"until_date": _("The last day is before the first.")}
    if until_date is not None and until_date < today:
        return {"until_date": _("The last day is in the past.")}
    if from_date < today - _MAX_BACKDATING:
        return {"from_date": _("The first day is more than a year ago.")}
    # Ended absences do not count: the head may leave again the same day, and a wrong record is ended and recorded
    # again.
    overlapping = select(Absence.id).where(
        Absence.head_id == head.id,
        Absence.ended_at.is_(None),
        Absence.from_date <= (until_date or dt.date.max),
        or_(Absence.until_date.is_(None), Absence.until_date >= from_date),
    )
    if session.scalars(overlapping.limit(1)).one_or_none() is not None:
        return {"from_date": _("Another absence is recorded on some of these days.")}
    return {}
