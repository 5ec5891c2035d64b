"""PDF files: where they begin and end, and whether one opens without a password.

The security handlers are those of ISO 32000-2, 7.6.4: a file that only restricts printing or copying opens with an
empty password and is accepted; one that asks for a password is of no use to whoever reads the record.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lpse_admin.documents.pdf_values import PdfValues, read_value

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What programs, mail gateways and web servers put before a PDF, and readers skip.
_PREFIX = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n\x0c\x1a]|<!--(?:(?!-->).){0,900}-->){0,200}(?=%PDF-)", re.DOTALL)
#: More revisions than any PDF has.
_MAX_TRAILERS = 500
#: How far from the beginning readers look for the header.
_HEADER_RANGE = 1024
#: The same behind the end.
_SUFFIX = re.compile(rb"(?:\xef\xbb\xbf|[\x00 \t\r\n\x0c\x1a]|<!--(?:(?!-->).){0,4096}-->)*+", re.DOTALL)


def has_pdf_header(content: bytes) -> bool:
    """Whether it begins as a PDF, behind what readers skip."""
    return _PREFIX.match(content, 0, _HEADER_RANGE) is not None


def is_whole_pdf(content: bytes) -> bool:
    """Whether it has its end, and nothing behind that but what readers skip."""
    end = content.rfind(b"%%EOF")
    return end != -1 and _SUFFIX.fullmatch(content, end + 5) is not None


def needs_password(content: bytes) -> bool:
    """Whether it is encrypted so that it does not open without a password."""
    for trailer in _trailers(content):
        reference = trailer.get("Encrypt")
        if reference is None:
            continue
        encryption = reference if isinstance(reference, dict) else _object_value(content, reference)
        return not (isinstance(encryption, dict) and _opens_without_password(encryption, trailer.get("ID")))
    return False


def _trailers(content: bytes) -> Iterator[PdfValues]:
    """Yield the dictionaries that say where objects are, the last first: trailers, and those of XRef streams."""
    starts = [match.end() for match in re.finditer(rb"\btrailer\s*(?=<<)", content)]
    for match in re.finditer(rb"/XRef\b", content):
        start = content.rfind(b"obj", max(0, match.start() - 4096), match.start())
        if start != -1:
            starts.append(start + 3)
    for start in sorted(starts, reverse=True)[:_MAX_TRAILERS]:
        value = read_value(content, start)
        if isinstance(value, dict):
            yield value


def _object_value(content: bytes, reference: object) -> object:
    """Return the value of an object that is referred to as (number, generation); None without it."""
    if not isinstance(reference, tuple):
        return None
    number, generation = reference
    results = [*re.finditer(rb"(?<!\d)%d\s+%d\s+obj\b" % (number, generation), content)]
    return read_value(content, results[-1].end()) if results else None


def _opens_without_password(encryption: PdfValues, file_id: object) -> bool:
    """Whether the empty password is the user's (ISO 32000-2, algorithms 6 and 11)."""
    revision, user = encryption.get("R"), encryption.get("U")
    if encryption.get("Filter") != "Standard" or not isinstance(user, bytes):
        return False
    if revision == _AES256_DRAFT:
        return hashlib.sha256(user[32:40]).digest() == user[:32]
    if revision == _AES256:
        return _hardened_hash(user[32:40]) == user[:32]
    owner, permissions = encryption.get("O"), encryption.get("P")
    if revision not in {2, 3, 4} or not isinstance(owner, bytes) or not isinstance(permissions, int):
        return False
    identifier = file_id[0] if isinstance(file_id, list) and file_id and isinstance(file_id[0], bytes) else b""
    is_metadata_plain = revision == _CRYPT_FILTERS and encryption.get("EncryptMetadata") is False
    seed = _PAD + owner[:32] + (permissions & 0xFFFFFFFF).to_bytes(4, "little") + identifier
    key = _md5(seed + (b"\xff" * 4 if is_metadata_plain else b""))
    if revision == _RC4_40_BITS:
        return _rc4(key[:5], _PAD) == user[:32]
    length = _key_length(encryption)
    for _round in range(50):
        key = _md5(key[:length])
    check = _md5(_PAD + identifier)
    for mask in range(20):
        check = _rc4(bytes(byte ^ mask for byte in key[:length]), check)
    return check == user[:16]


def _key_length(encryption: PdfValues) -> int:
    """Return the length of the key in bytes."""
    bits = encryption.get("Length")
    if encryption.get("V") == _VERSION_OF_CRYPT_FILTERS:
        return 16
    return min(max(bits // 8, 5), 16) if isinstance(bits, int) else 5


def _hardened_hash(salt: bytes) -> bytes:
    """Return the hash of revision 6 of the empty password (ISO 32000-2, algorithm 2.B)."""
    key, number = hashlib.sha256(salt).digest(), 0
    while True:
        encryptor = Cipher(algorithms.AES128(key[:16]), modes.CBC(key[16:32])).encryptor()
        encrypted = encryptor.update(key * 64) + encryptor.finalize()
        digest = (hashlib.sha256, hashlib.sha384, hashlib.sha512)[sum(encrypted[:16]) % 3]
        key, number = digest(encrypted).digest(), number + 1
        if number >= _MIN_ROUNDS and encrypted[-1] <= number - 32:
            return key[:32]


#: Revisions of the standard security handler (ISO 32000-2, table 21), and the version whose keys have 128 bits.
_RC4_40_BITS, _CRYPT_FILTERS, _AES256_DRAFT, _AES256 = 2, 4, 5, 6
_VERSION_OF_CRYPT_FILTERS = 4
#: The least rounds of the hash of revision 6.
_MIN_ROUNDS = 64
_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def _rc4(key: bytes, content: bytes) -> bytes:
    """Return ``content`` under RC4, which old files use; Python's libraries no longer have it everywhere."""
    state = list(range(256))
    second = 0
    for first in range(256):
        second = (second + state[first] + key[first % len(key)]) % 256
        state[first], state[second] = state[second], state[first]
    first = second = 0
    result = bytearray()
    for byte in content:
        first = (first + 1) % 256
        second = (second + state[first]) % 256
        state[first], state[second] = state[second], state[first]
        result.append(byte ^ state[(state[first] + state[second]) % 256])
    return bytes(result)
