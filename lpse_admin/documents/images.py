"""Where a picture ends, and what may stand behind its end.

Telephones append to a JPEG: a film (motion photo), a second picture (depth, brightness), or a block of the maker's own.
A viewer of pictures does not look at it. What another program would run or open is refused there.
"""

from __future__ import annotations

import re
import struct

from lpse_admin.documents.file_types import OLE_SIGNATURE, PDF_SIGNATURE, PNG_SIGNATURE, ZIP_SIGNATURE

#: A marker that ends or begins something: not a stuffed byte, a restart, or one of the fill bytes.
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
_END_OF_IMAGE = 0xD9
#: What may fill the rest of a block.
_PADDING = b"\x00\t\n\r \x1a\xff"
_SAMSUNG_END = b"SEFT"
#: The beginnings of what other programs open or run.
_FOREIGN = (
    b"<", b"#!", b"MZ", b"\x7fELF", b"Rar!", b"7z\xbc\xaf", b"{\\rtf", b"%!PS", ZIP_SIGNATURE, PDF_SIGNATURE,
    OLE_SIGNATURE,
)  # fmt: skip


def is_whole_jpeg(content: bytes) -> bool:
    """Whether the picture has its end, and nothing behind it but what telephones write there."""
    end = _jpeg_end(content)
    if end is None:
        return False
    after = content[end:].lstrip(_PADDING + b"\xef\xbb\xbf")
    return not after.startswith(_FOREIGN)


def _jpeg_end(content: bytes) -> int | None:
    """Return where the picture ends, past the previews within its segments; None without an end."""
    offset = 2
    while match := _MARKER.search(content, offset):
        if content[match.end() - 1] == _END_OF_IMAGE:
            return match.end()
        length = int.from_bytes(content[match.end() : match.end() + 2], "big")
        offset = match.end() + max(length, 2)
    return None


def is_whole_png(content: bytes) -> bool:
    """Whether the chunks from IHDR to IEND fill the file, but for padding or a block of the telephone's maker."""
    offset, chunk = len(PNG_SIGNATURE), b""
    while chunk != b"IEND" and offset + 12 <= len(content):
        length, following = struct.unpack_from(">I4s", content, offset)
        if not chunk and following != b"IHDR":
            return False
        offset, chunk = offset + 12 + length, following
    if chunk != b"IEND" or offset > len(content):
        return False
    after = content[offset:].strip(_PADDING)
    return not after or (after.endswith(_SAMSUNG_END) and not after.startswith(_FOREIGN))
