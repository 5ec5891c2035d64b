"""Rules of retention: one for each class of records, set by the office."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.retention.rules import EVENTS, MAX_YEARS, Disposition, RecordClass, RetentionEvent, rule_errors
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, PrimaryKey, ShortText, Timestamp, enum_type, session_of
from models.office.agency import Agency, lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from models.accounts.user import User

_SET = AuditAction("retention.set", _("Set a rule of retention"))
_NOT_ALLOWED = _("Only the head or an administrator sets how long records are kept.")


class RetentionRule(Base):
    """How long a class of records is kept, and what then."""

    __tablename__ = "retention_rule"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "record_class"),
        CheckConstraint(f"active_years BETWEEN 0 AND {MAX_YEARS}", name="active_years"),
        CheckConstraint(f"inactive_years BETWEEN 0 AND {MAX_YEARS}", name="inactive_years"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    record_class: Mapped[RecordClass] = mapped_column(enum_type(RecordClass, "record_class"))
    event: Mapped[RetentionEvent] = mapped_column(enum_type(RetentionEvent, "event"))
    active_years: Mapped[int]
    inactive_years: Mapped[int]
    disposition: Mapped[Disposition] = mapped_column(enum_type(Disposition, "disposition"))
    #: What it rests on: the schedule of the region, by its number.
    basis: Mapped[ShortText]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()

    def alter(
        self,
        *,
        by: User,
        now: dt.datetime,
        active_years: int,
        inactive_years: int,
        disposition: Disposition,
        basis: str,
    ) -> None:
        """Change the rule; raises as ``set_rule`` does."""
        require_permission(by, Verb.EDIT, Resource.RETENTION, self.agency_id, _NOT_ALLOWED)
        _require_valid(self.record_class, active_years, inactive_years, disposition, basis)
        self.active_years, self.inactive_years, self.disposition = active_years, inactive_years, disposition
        self.basis, self.set_by_id, self.set_at = basis.strip(), by.id, now
        _SET.describe(session_of(self))

    def __str__(self) -> str:
        """Return the class in English, for logs."""
        return str(self.record_class.title)


def set_rule(
    session: Session, *, by: User, now: dt.datetime, record_class: RecordClass, **values: object
) -> RetentionRule:
    """Set the rule of a class that has none; raises NotAllowed, and ValidationFailed with an error for each field."""
    require_permission(by, Verb.CREATE, Resource.RETENTION, by.agency_id, _NOT_ALLOWED)
    if by.agency is None:
        error = _("Only somebody of an LPSE sets its retention.")
        raise ValidationFailed(error, field_errors={"record_class": error})
    lock_agency(session, by.agency.id)
    known = RetentionRule.agency_id == by.agency.id, RetentionRule.record_class == record_class
    if session.scalar(select(RetentionRule.id).where(*known)) is not None:
        error = _("There is a rule for these records already; change that one.")
        raise ValidationFailed(error, field_errors={"record_class": error})
    rule = RetentionRule(agency_id=by.agency.id, record_class=record_class, event=EVENTS[record_class])
    with session.no_autoflush:
        rule.agency = by.agency
        session.add(rule)
        rule.alter(by=by, now=now, **values)  # type: ignore[arg-type]
    session.flush()
    return rule


def _require_valid(
    record_class: RecordClass, active_years: int | None, inactive_years: int | None, then: Disposition, basis: str
) -> None:
    errors = rule_errors(record_class, active_years, inactive_years, then)
    if error := text_error(basis, required_label=_("Basis"), max_length=SHORT_TEXT_LENGTH):
        errors["basis"] = error
    if errors:
        raise ValidationFailed(_("The rule cannot be saved with these values."), field_errors=errors)
