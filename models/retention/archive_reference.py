"""The number and the classification code under which a request is filed in the archive application."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, PrimaryKey, ShortText, Timestamp, session_of
from models.changes.change import ChangeRequest
from models.immutability import Immutable, RowRules, UpdateRule
from models.retention.request_number import find_request
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from models.accounts.user import User

_FILED = AuditAction("archive.reference", _("Noted a number of the archive application"))
_NOT_ALLOWED = _("Only a change manager or an administrator notes numbers of the archive application.")
_CODE_LENGTH = 80


class ArchiveReference(Base):
    """Where a request with its papers is found in the archive application."""

    __tablename__ = "archive_reference"
    is_office_record = True
    __table_args__ = (
        Index(None, "change_id", unique=True),
        Index(None, "agency_id", "classification_code", "id"),
        CheckConstraint("reference_number IS NOT NULL OR classification_code IS NOT NULL", name="says_something"),
    )
    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "archive_reference_of_its_request",
            "it stays with its request",
            (Immutable(mutable=("reference_number", "classification_code", "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    reference_number: Mapped[ShortText | None]
    classification_code: Mapped[str | None] = mapped_column(String(_CODE_LENGTH))
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_at: Mapped[Timestamp]

    change: Mapped[ChangeRequest] = relationship()

    def correct(self, *, by: User, now: dt.datetime, reference_number: str, classification_code: str) -> None:
        """Change number and code; raises NotAllowed and ValidationFailed."""
        require_permission(by, Verb.EDIT, Resource.ARCHIVE_REFERENCE, self.agency_id, _NOT_ALLOWED)
        form_values = {"reference_number": reference_number.strip(), "classification_code": classification_code.strip()}
        lengths = {"reference_number": SHORT_TEXT_LENGTH, "classification_code": _CODE_LENGTH}
        results = {key: text_error(text, max_length=lengths[key]) for key, text in form_values.items()}
        errors = {key: error for key, error in results.items() if error}
        if not any(form_values.values()):
            errors["classification_code"] = _("Enter the number, the code, or both.")
        if errors:
            raise ValidationFailed(_("This cannot be saved."), field_errors=errors)
        self.reference_number = form_values["reference_number"] or None
        self.classification_code = form_values["classification_code"] or None
        self.set_by_id, self.set_at = by.id, now
        _FILED.describe(session_of(self))

    def __str__(self) -> str:
        """Return the number of the request."""
        return self.change.number or ""


def reference_of(session: Session, change_id: int) -> ArchiveReference | None:
    """Return where a request is filed, or None where nothing was noted."""
    return session.scalars(select(ArchiveReference).where(ArchiveReference.change_id == change_id)).one_or_none()


def enter_reference(
    session: Session, *, by: User, now: dt.datetime, number: str, reference_number: str, classification_code: str
) -> ArchiveReference:
    """Note where a request is filed; raises NotAllowed and ValidationFailed with an error for each field."""
    require_permission(by, Verb.CREATE, Resource.ARCHIVE_REFERENCE, by.agency_id, _NOT_ALLOWED)
    change = find_request(session, by, number)
    with session.no_autoflush:
        if session.query(ArchiveReference.id).filter_by(change_id=change.id).first() is not None:
            error = _("This request has its entry already; change that one.")
            raise ValidationFailed(error, field_errors={"number": error})
        created = ArchiveReference(agency_id=change.agency_id, change=change)
        session.add(created)
        created.correct(by=by, now=now, reference_number=reference_number, classification_code=classification_code)
    session.flush()
    return created
