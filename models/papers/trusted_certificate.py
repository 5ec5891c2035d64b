"""The office's own list of certificates that it trusts: who they belong to, and whom they vouch for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import _
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH, Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, session_of
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.setting import authorize_and_lock, validate_with_reason
from models.office.upload import count_upload

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

_ADDED = AuditAction("certificate.trust", _("Trusted a certificate"))
_REMOVED = AuditAction("certificate.distrust", _("Removed a certificate from those that are trusted"))
#: The most bytes and certificates of one file.
_MAX_BYTES, _MAX_CERTIFICATES = 200_000, 50


class TrustedCertificate(Base):
    """A certificate that an office trusts until it is removed from the list."""

    __tablename__ = "trusted_certificate"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("(removed_at IS NULL) = (removed_by_id IS NULL)", name="removed_by_somebody"),
        Index(None, "agency_id", "id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "trusted_certificate_removed_once",
            "a trusted certificate can only be removed, once",
            (Immutable(mutable=("removed_at", "removed_by_id")), Immutable("OLD.removed_at IS NOT NULL")),
        ),
        DeleteRule("trusted_certificate_kept", "a trusted certificate is kept"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    subject: Mapped[ShortText]
    issuer: Mapped[ShortText]
    #: The SHA-256 of the certificate.
    fingerprint: Mapped[str] = mapped_column(String(64))
    not_before: Mapped[Timestamp]
    not_after: Mapped[Timestamp]
    pem: Mapped[LongText]
    added_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    added_by_name: Mapped[str | None] = snapshot_of("added_by_id")
    added_by_title: Mapped[str | None] = snapshot_of("added_by_id", "position")
    added_at: Mapped[Timestamp]
    removed_at: Mapped[Timestamp | None]
    removed_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    removed_by_name: Mapped[str | None] = snapshot_of("removed_by_id")
    removed_by_title: Mapped[str | None] = snapshot_of("removed_by_id", "position")

    agency: Mapped[Agency] = relationship()
    added_by: Mapped[User] = relationship(foreign_keys=added_by_id)
    removed_by: Mapped[User | None] = relationship(foreign_keys=removed_by_id)

    def remove(self, *, by: User, now: dt.datetime, reason: str) -> None:
        """Trust it no longer; raises NotAllowed, NoSuchMove, and ValidationFailed without a reason."""
        session = session_of(self)
        authorize_and_lock(session, self.agency_id, by, Verb.EDIT, Resource.PAPER_SETTING)
        if self.removed_at is not None:
            raise NoSuchMove(_("This certificate is removed already."))
        validate_with_reason(session, reason, {}, _REMOVED)
        self.removed_at, self.removed_by_id = now, by.id


def load_trusted(session: Session, agency_id: int | None) -> Sequence[TrustedCertificate]:
    """Return the certificates that an office trusts now."""
    of_office = TrustedCertificate.agency_id == agency_id, TrustedCertificate.removed_at.is_(None)
    return session.scalars(select(TrustedCertificate).where(*of_office).order_by(TrustedCertificate.id)).all()


def trust_certificates(
    session: Session, agency: Agency, content: bytes, *, by: User, now: dt.datetime, reason: str
) -> list[TrustedCertificate]:
    """Trust the certificates of a PEM or DER file; those that are on the list stay as they are.

    Raises NotAllowed, and ValidationFailed ("file", "reason").
    """
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.PAPER_SETTING)
    count_upload(session, agency.id, len(content), by=by, now=now, field="file")
    certificates = read_certificates(content)
    known = {row.fingerprint for row in load_trusted(session, agency.id)}
    new = {print_: one for one in certificates if (print_ := one.fingerprint(SHA256()).hex()) not in known}
    error = None
    if not certificates:
        error = _("This file has no certificate. Choose one in PEM (.pem, .crt) or DER (.cer).")
    elif not new:
        error = _("These certificates are on the list already.")
    validate_with_reason(session, reason, {"file": error} if error else {}, _ADDED)
    rows = [_row(agency, fingerprint, one, by, now) for fingerprint, one in new.items()]
    session.add_all(rows)
    session.flush()
    return rows


def read_certificates(content: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM or DER file; none if it is neither, or too large."""
    if len(content) > _MAX_BYTES:
        return []
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            return x509.load_pem_x509_certificates(content)[:_MAX_CERTIFICATES]
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        return []


def _row(
    agency: Agency, fingerprint: str, certificate: x509.Certificate, by: User, now: dt.datetime
) -> TrustedCertificate:
    return TrustedCertificate(
        agency_id=agency.id,
        subject=certificate.subject.rfc4514_string()[:SHORT_TEXT_LENGTH],
        issuer=certificate.issuer.rfc4514_string()[:SHORT_TEXT_LENGTH],
        fingerprint=fingerprint,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        added_by_id=by.id,
        added_at=now,
    )
