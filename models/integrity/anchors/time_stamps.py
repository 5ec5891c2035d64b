"""Time stamps (RFC 3161): a time-stamp server signs what it was shown, and when."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from asn1crypto import pem
from asn1crypto.cms import SignedData
from asn1crypto.tsp import TimeStampResp
from asn1crypto.x509 import Certificate
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import handle_tsp_response
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

if TYPE_CHECKING:
    import datetime as dt

_TIMEOUT = 20
#: An answer is a few kilobytes; more is not read.
_MAX_ANSWER = 256 * 1024
_QUERY = "application/timestamp-query"
_MAX_ERROR = 300

#: What pyHanko raises of an answer that it cannot read.
_UNREADABLE = (
    OSError, SigningError, SignatureValidationError, ValueError, KeyError, TypeError, IndexError, AttributeError,
    NotImplementedError, RecursionError,
)  # fmt: skip


class TimeStampError(Exception):
    """Why there is no time stamp, or why one does not hold; for the trail and the screen."""


@dataclass(frozen=True, slots=True)
class TimeStampServer:
    """The address of a time-stamp server, and the file with the certificates that its own leads to."""

    url: str
    ca_file: str


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """The answer of a time-stamp server: its address, the time that it says, and the answer as text."""

    server: str
    at: dt.datetime
    encoded: str


def request_stamp(server: TimeStampServer, text: str) -> TimeStamp:
    """Have ``text`` stamped, and return the stamp; raises TimeStampError unless it holds."""
    nonce, query = TimeStamper().request_cms(hashlib.sha256(text.encode()).digest(), "sha256")
    content = _post(server.url, query.dump())
    at = _verified(content, text, server.ca_file, nonce)
    return TimeStamp(server.url[:300], at, base64.b64encode(content).decode())


def verify_stamp(encoded: str, text: str, ca_file: str) -> dt.datetime:
    """Return the time that a stored stamp says of ``text``; raises TimeStampError unless it holds."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise TimeStampError("it is no time stamp") from None
    return _verified(content, text, ca_file)


def _post(url: str, query: bytes) -> bytes:
    """Return what the server answers; raises TimeStampError."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)) as connection:
            connection.request("POST", path, query, {"Content-Type": _QUERY})
            answer = connection.getresponse()
            content = answer.read(_MAX_ANSWER)
    except (OSError, HTTPException, ValueError) as error:
        raise TimeStampError(f"{type(error).__name__}: {error}") from None
    if answer.status != HTTPStatus.OK:
        raise TimeStampError(f"HTTP {answer.status}")
    return content


def _verified(content: bytes, text: str, ca_file: str, nonce: bytes | None = None) -> dt.datetime:
    """Return the time of an answer that holds: signed by whom the authority names, of this text and this query."""
    roots = _certificates(ca_file)
    try:
        signed = handle_tsp_response(TimeStampResp.load(content), nonce)["content"]
        stamped_at: dt.datetime = signed["encap_content_info"]["content"].parsed["gen_time"].native
        # pyHanko runs an event loop. In a thread of its own there is none yet, whoever asks.
        with ThreadPoolExecutor(max_workers=1) as thread:
            status = thread.submit(_status, signed, text, roots, stamped_at).result()
    except _UNREADABLE as error:
        raise TimeStampError(f"the answer is no time stamp: {error}"[:_MAX_ERROR]) from None
    for holds, why in (
        (status.intact and status.valid, "the time stamp is not of this text, or was altered"),
        (status.trusted, "the certificate of the time stamp is not trusted by LPSE_TSA_CA"),
    ):
        if not holds:
            raise TimeStampError(why)
    return stamped_at


def _status(signed: SignedData, text: str, roots: list[Certificate], moment: dt.datetime) -> TimestampSignatureStatus:
    # Certificates need to be good at the time of the stamp: it is looked at for years.
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=moment, revocation_mode="soft-fail")
    validation = validate_tst_signed_data(signed, context, lambda name: hashlib.new(name, text.encode()).digest())
    return TimestampSignatureStatus(**asyncio.run(validation))


def _certificates(ca_file: str) -> list[Certificate]:
    try:
        parts = pem.unarmor(Path(ca_file).read_bytes(), multiple=True)
        return [Certificate.load(content) for _kind, _headers, content in parts]
    except (OSError, ValueError):
        raise TimeStampError(f"{ca_file} has no certificate") from None
