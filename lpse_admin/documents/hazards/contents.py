"""What harms by its first bytes: programs, OLE, pictures that unfold, the test signature of virus scanners."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from lpse_admin.documents.file_types import JPEG_SIGNATURE, OLE_SIGNATURE, PNG_SIGNATURE
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from lpse_admin.i18n import Message

#: The harmless text by which scanners are tried (eicar.org), put together so that no scanner finds this file.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS" + b"-TEST-FILE!$H+H*"

#: The most that a picture may unfold to: a telephone's 200 megapixels, and a scan of a large plan.
MAX_PIXELS, MAX_SIDE = 400_000_000, 32_767

PROGRAM = _("it has a program in it. Remove that and save it again.")
OLE = _("it has an OLE object in it, which other programs open. Paste that as a picture, or save as PDF.")
HUGE_PICTURE = _("a picture in it is larger than any screen or printer takes. Make the picture smaller.")
VIRUS_TEST = _("it is the test file of virus scanners.")

_PROGRAMS = (b"\x7fELF", b"#!/", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MSCF", b"Rar!\x1a", b"7z\xbc\xaf\x27\x1c")
#: The beginning of a Windows program names where its header is; letters alone begin texts too.
_PE_OFFSET = 60
_SHORTCUT = b"L\x00\x00\x00\x01\x14\x02\x00"
#: Frames whose header has the size of a JPEG: SOF0 to SOF15 without DHT, JPG and DAC.
_JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")


def hazard_of_bytes(content: bytes) -> Message | None:
    """Return what is wrong with a file, or a part of one, by its first bytes; None for nothing."""
    if content.startswith(OLE_SIGNATURE):
        return OLE
    if content.startswith((*_PROGRAMS, _SHORTCUT)) or _is_windows_program(content):
        return PROGRAM
    size = picture_size(content)
    if size is not None and (max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS):
        return HUGE_PICTURE
    return VIRUS_TEST if EICAR in content else None


def _is_windows_program(content: bytes) -> bool:
    if not content.startswith(b"MZ") or len(content) < _PE_OFFSET + 4:
        return False
    (offset,) = struct.unpack_from("<I", content, _PE_OFFSET)
    return content[offset : offset + 4] == b"PE\x00\x00" or b"This program cannot be run in DOS mode" in content[:512]


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG as its header says; None for others, and where it says none."""
    if content.startswith(PNG_SIGNATURE) and len(content) >= len(PNG_SIGNATURE) + 16:
        width, height = struct.unpack_from(">2I", content, len(PNG_SIGNATURE) + 8)
        return width, height
    return _jpeg_size(content) if content.startswith(JPEG_SIGNATURE) else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    offset = 2
    while offset + 9 <= len(content) and content.startswith(b"\xff", offset):
        if content.startswith(b"\xff\xff", offset):
            offset += 1
            continue
        if _JPEG_FRAME.match(content, offset):
            height, width = struct.unpack_from(">2H", content, offset + 5)
            return width, height
        offset += 2 + max(int.from_bytes(content[offset + 2 : offset + 4], "big"), 2)
    return None
