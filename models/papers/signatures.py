"""What pyHanko says of the signatures in a PDF: whole, intact, whose, and whether the office trusts the certificate.

Nothing is fetched: neither certificates nor lists of revoked ones. What an office trusts is its own list alone.
"""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from asn1crypto import pem
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError, ValidationInfoReadingError
from pyhanko_certvalidator import ValidationContext

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pyhanko.sign.validation import EmbeddedPdfSignature
    from pyhanko.sign.validation.status import PdfSignatureStatus

# It logs what is wrong with a signature, which is what is told here.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

#: What pyHanko raises of a PDF or a signature that it cannot read.
_UNREADABLE = (
    PdfError, SigningError, SignatureValidationError, ValidationInfoReadingError, ValueError, KeyError, TypeError,
    IndexError, AttributeError, NotImplementedError, RecursionError,
)  # fmt: skip
_NOT_READABLE = _("This file cannot be read as a PDF. Choose the signed PDF as it came from the signing program.")


@dataclass(frozen=True, slots=True)
class SignatureFinding:
    """One signature: of whom, when as it says itself, and what it is worth."""

    signer: str
    issuer: str
    #: In ISO 8601; empty if the signature does not say.
    signed_at: str
    #: Whether it covers the file to its end, and whether what it covers is as it was signed.
    covers_all: bool
    is_intact: bool
    #: Whether the office's list vouches for the certificate, and whether its time is over or not come.
    is_trusted: bool
    is_in_time: bool

    @property
    def is_good(self) -> bool:
        """Whether there is nothing against it."""
        return self.covers_all and self.is_intact and self.is_trusted and self.is_in_time

    def as_data(self) -> dict[str, Any]:
        """Return it for storage."""
        return asdict(self)


def check_signatures(content: bytes, trusted: Iterable[str], now: dt.datetime) -> list[SignatureFinding]:
    """Return what the signatures in a PDF are, in their order; ``trusted`` are certificates in PEM.

    Raises ValidationFailed ("file") for what is no PDF.
    """
    try:
        signatures = list(PdfFileReader(io.BytesIO(content), strict=False).embedded_regular_signatures)
    except _UNREADABLE:
        raise ValidationFailed(_NOT_READABLE, field_errors={"file": _NOT_READABLE}) from None
    roots = [Certificate.load(pem.unarmor(text.encode())[2]) for text in trusted]
    # pyHanko runs an event loop. In a thread of its own there is none yet, whoever asks.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return list(thread.map(lambda one: _finding(one, roots, now), signatures))


def _finding(signature: EmbeddedPdfSignature, roots: list[Certificate], now: dt.datetime) -> SignatureFinding:
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=now, revocation_mode="soft-fail")
    try:
        status = validate_pdf_signature(signature, signer_validation_context=context)
    except _UNREADABLE:
        return _broken(signature, now)
    return _described(status, now)


def _described(status: PdfSignatureStatus, now: dt.datetime) -> SignatureFinding:
    certificate = status.signing_cert
    signed_at = status.signer_reported_dt
    return SignatureFinding(
        certificate.subject.human_friendly,
        certificate.issuer.human_friendly,
        signed_at.isoformat() if signed_at else "",
        status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        bool(status.intact and status.valid),
        bool(status.trusted),
        _is_in_time(certificate, now),
    )


def _broken(signature: EmbeddedPdfSignature, now: dt.datetime) -> SignatureFinding:
    """Return a signature that cannot be read to its end."""
    try:
        certificate = signature.signer_cert
    except _UNREADABLE:
        return SignatureFinding("", "", "", covers_all=False, is_intact=False, is_trusted=False, is_in_time=False)
    return SignatureFinding(
        certificate.subject.human_friendly,
        certificate.issuer.human_friendly,
        "",
        covers_all=False,
        is_intact=False,
        is_trusted=False,
        is_in_time=_is_in_time(certificate, now),
    )


def _is_in_time(certificate: Certificate, now: dt.datetime) -> bool:
    return bool(certificate.not_valid_before <= now <= certificate.not_valid_after)
