"""Drafts of papers that were printed to be signed, and the signed files that came back."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.papers.kinds import PaperKind
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, PrimaryKey, ShortText, Timestamp, enum_type
from models.changes.change import ChangeRequest
from models.documents.document import FileContent, store_content
from models.immutability import RowRules, no_update_or_delete
from models.office.agency import Agency
from models.office.upload import count_upload

PRINTED = AuditAction("paper.print", _("Printed a paper"))
_FILED = AuditAction("paper.file", _("Filed a signed paper"))


class SignedForm(LabelledEnum):
    """In which form a signed paper came back."""

    ELECTRONIC = "electronic", _("Electronically signed PDF")
    SCAN = "scan", _("Scan of a paper signed by hand")


class PaperPrint(Base):
    """A draft that was printed: which paper, what its record said then, and the file."""

    __tablename__ = "paper_print"
    belongs_to_change = True
    __table_args__ = (
        CheckConstraint("(change_id IS NULL) <> (sop_id IS NULL)", name="of_one_thing"),
        Index(None, "change_id"),
        Index(None, "sop_id"),
        Index(None, "sha256"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("what was printed stays as it is")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    sop_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("sop.id"))
    kind: Mapped[PaperKind] = mapped_column(enum_type(PaperKind, "kind"))
    #: The id of what the paper is about: the step, the request or the SOP.
    subject_id: Mapped[int] = mapped_column(IdType)
    number: Mapped[ShortText]
    #: The SHA-256 of what the record said (``PaperContent.fingerprint``), and that of the file.
    fingerprint: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64), ForeignKey("file_content.sha256"))
    size: Mapped[int]
    printed_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    printed_by_name: Mapped[str | None] = snapshot_of("printed_by_id")
    printed_by_title: Mapped[str | None] = snapshot_of("printed_by_id", "position")
    printed_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    change: Mapped[ChangeRequest | None] = relationship(viewonly=True)
    printed_by: Mapped[User] = relationship()
    file: Mapped[FileContent] = relationship()
    signed: Mapped[list[SignedPaper]] = relationship(order_by="SignedPaper.id", back_populates="draft")


class SignedPaper(Base):
    """A signed file that came back, beside its draft, with what was found in it when it was filed."""

    __tablename__ = "signed_paper"
    belongs_to_change = True
    __table_args__ = (Index(None, "print_id"), Index(None, "change_id"), Index(None, "sha256"))

    row_rules: ClassVar[RowRules] = no_update_or_delete("a signed paper stays as it was filed")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"name"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    print_id: Mapped[int] = mapped_column(IdType, ForeignKey("paper_print.id"))
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    form: Mapped[SignedForm] = mapped_column(enum_type(SignedForm, "form"))
    name: Mapped[ShortText]
    media_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), ForeignKey("file_content.sha256"))
    #: What the signatures in it were found to be, as JSON; empty for a scan.
    findings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    filed_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    filed_by_name: Mapped[str | None] = snapshot_of("filed_by_id")
    filed_by_title: Mapped[str | None] = snapshot_of("filed_by_id", "position")
    filed_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    draft: Mapped[PaperPrint] = relationship(back_populates="signed")
    filed_by: Mapped[User] = relationship()
    file: Mapped[FileContent] = relationship()


def record_print(session: Session, row: PaperPrint, content: bytes) -> PaperPrint:
    """Keep what was printed: ``row`` without its file, and the file."""
    file = store_content(session, content)
    row.sha256, row.size = file.sha256, file.size
    session.add(row)
    PRINTED.describe(session)
    session.flush()
    return row


def file_signed(session: Session, draft: PaperPrint, row: SignedPaper, content: bytes, *, by: User) -> SignedPaper:
    """File a signed paper beside its draft, by ``by``.

    Raises ValidationFailed for the draft itself and for one filed before, UploadLimitReached.
    """
    count_upload(session, draft.agency_id, len(content), by=by, now=row.filed_at, field="file")
    row.filed_by_id = by.id
    file = store_content(session, content)
    if file.sha256 == draft.sha256:
        error = _("This is the draft itself, unsigned.")
    elif any(other.sha256 == file.sha256 for other in draft.signed):
        error = _("This file is filed already.")
    else:
        error = None
    if error is not None:
        raise ValidationFailed(error, field_errors={"file": error})
    row.agency_id, row.change_id, row.draft = draft.agency_id, draft.change_id, draft
    row.sha256, row.size = file.sha256, file.size
    session.add(row)
    _FILED.describe(session)
    session.flush()
    return row
