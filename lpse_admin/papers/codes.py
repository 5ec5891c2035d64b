"""The code on a paper: which paper it is and what its record said, under a seal that only its office can make.

It is stored nowhere, holds nothing that can be read off, and cannot be guessed or counted up: without the seal of the
office the rest is worth nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass

from lpse_admin.papers.kinds import PaperKind

#: Office, kind, subject, version of the request, and the first bytes of the fingerprint.
_FIELDS = struct.Struct(">IBQI8s")
_SEAL_BYTES = 12
_KINDS = tuple(PaperKind)
_BLOCK = 8


@dataclass(frozen=True, slots=True)
class PaperCode:
    """What a code says: the office, the paper, the version of its request, and the start of its fingerprint (hex)."""

    agency_id: int
    kind: PaperKind
    subject_id: int
    version: int
    fingerprint: str

    def sealed(self, key: str) -> str:
        """Return the code as it stands in an address, sealed with the office's ``key``."""
        text = _FIELDS.pack(
            self.agency_id,
            _KINDS.index(self.kind),
            self.subject_id,
            self.version,
            bytes.fromhex(self.fingerprint)[:8],
        )
        masked = bytes(one ^ other for one, other in zip(text, _mask(_seal(text, key)), strict=True))
        return base64.b32encode(_seal(text, key) + masked).decode().rstrip("=").lower()

    def is_of(self, fingerprint: str) -> bool:
        """Whether it was made of a record with this fingerprint."""
        return fingerprint.startswith(self.fingerprint)


def read_code(text: str) -> tuple[PaperCode, bytes] | None:
    """Return what a code says and its seal, which ``has_seal`` compares; None for what is no code."""
    padded = text.upper() + "=" * (-len(text) % _BLOCK)
    try:
        raw = base64.b32decode(padded)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _SEAL_BYTES + _FIELDS.size:
        return None
    seal, masked = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    said = bytes(one ^ other for one, other in zip(masked, _mask(seal), strict=True))
    agency_id, kind, subject_id, version, fingerprint = _FIELDS.unpack(said)
    if kind >= len(_KINDS):
        return None
    return PaperCode(agency_id, _KINDS[kind], subject_id, version, fingerprint.hex()), seal


def has_seal(code: PaperCode, seal: bytes, key: str) -> bool:
    """Whether the office with this ``key`` has made the code."""
    text = _FIELDS.pack(
        code.agency_id, _KINDS.index(code.kind), code.subject_id, code.version, bytes.fromhex(code.fingerprint)
    )
    return hmac.compare_digest(_seal(text, key), seal)


def _seal(said: bytes, key: str) -> bytes:
    return hmac.digest(bytes.fromhex(key), said, "sha256")[:_SEAL_BYTES]


def _mask(seal: bytes) -> bytes:
    """Return bytes that make neighbouring codes look unlike one another."""
    return hashlib.sha256(b"paper" + seal).digest()[: _FIELDS.size]
