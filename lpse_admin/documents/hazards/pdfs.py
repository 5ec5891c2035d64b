"""What a PDF does when it is opened: runs a script, starts a program, carries other files.

Names are looked for in the file as it stands and in its object streams, which are unpacked up to a limit. A name may be
written with codes (#4a for J). What is in encrypted object streams cannot be read.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from lpse_admin.documents.hazards.contents import HUGE_PICTURE, MAX_PIXELS, MAX_SIDE
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpse_admin.i18n import Message

SCRIPT = _("the PDF has a script in it. Print it to PDF again, and attach that.")
LAUNCH = _("the PDF starts another program. Print it to PDF again, and attach that.")
CARRIES_FILES = _("the PDF has other files in it. Attach those one by one, and print the PDF to PDF again.")
MEDIA = _("the PDF plays embedded media. Print it to PDF again, and attach that.")
FORM_PROGRAM = _("the PDF is a form with a program (XFA). Print it to PDF, and attach that.")
UNREADABLE = _("the PDF holds more than can be examined. Print it to PDF again, and attach that.")

#: Longer names come by no chance in a compressed stream.
_HAZARDS = (
    (b"JavaScript", SCRIPT),
    (b"Launch", LAUNCH),
    (b"EmbeddedFile", CARRIES_FILES),
    (b"EmbeddedFiles", CARRIES_FILES),
    (b"GoToE", CARRIES_FILES),
    (b"RichMedia", MEDIA),
    (b"XFA", FORM_PROGRAM),
)
_CODED_NAME = re.compile(rb"/[^\s/<>\[\](){}%]{0,127}#[0-9A-Fa-f]{2}[^\s/<>\[\](){}%]{0,127}")
_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME_END = rb"(?![A-Za-z0-9#])"
_NAMES = re.compile(rb"/(" + b"|".join(name for name, _why in _HAZARDS) + rb")" + _NAME_END)
_STREAM = re.compile(rb"/ObjStm" + _NAME_END)
_BODY = re.compile(rb"stream\r?\n")
_PAGE = re.compile(rb"/Type\s*/Page" + _NAME_END)
_IMAGE = re.compile(rb"/Subtype\s*/Image" + _NAME_END)
_SIDE = {side: re.compile(rb"/" + side + rb"\s+(\d{1,9})") for side in (b"Width", b"Height")}
_MAX_STREAMS, _MAX_UNPACKED = 20_000, 64 * 1024 * 1024
_DICTIONARY = 2048


def hazard_of_pdf(content: bytes) -> Message | None:
    """Return what the PDF does that it must not, or None."""
    try:
        texts = list(_texts(content))
    except OverflowError:
        return UNREADABLE
    for text in texts:
        if match := _NAMES.search(text):
            return dict(_HAZARDS)[match[1]]
        if any(_is_huge(text, image.start()) for image in _IMAGE.finditer(text)):
            return HUGE_PICTURE
    return None


def has_pages(content: bytes) -> bool:
    """Whether the PDF has a page; it has passed ``hazard_of_pdf``."""
    return any(_PAGE.search(text) for text in _texts(content))


def _texts(content: bytes) -> Iterator[bytes]:
    """Yield where names are looked for: the file, its coded names, its object streams. Raises OverflowError."""
    yield content
    yield _without_codes(content)
    left = _MAX_UNPACKED
    for number, stream in enumerate(_STREAM.finditer(content)):
        body = _BODY.search(content, stream.end(), stream.end() + _DICTIONARY)
        if number >= _MAX_STREAMS:
            raise OverflowError
        text = _inflate(content, body.end(), left) if body else b""
        left -= len(text)
        if left < 0:
            raise OverflowError
        yield text
        yield _without_codes(text)


def _inflate(content: bytes, start: int, left: int) -> bytes:
    """Return what is unpacked from ``start`` on, up to one byte more than is ``left``.

    What does not unpack is encrypted, or not compressed: then it stands in the file.
    """
    end = content.find(b"endstream", start)
    try:
        return zlib.decompressobj().decompress(content[start : end if end != -1 else len(content)], left + 1)
    except zlib.error:
        return b""


def _without_codes(text: bytes) -> bytes:
    """Return the names that are written with codes, each as it reads without, in one text."""
    names = (_CODE.sub(lambda code: bytes([int(code[1], 16)]), name) for name in _CODED_NAME.findall(text))
    return b" ".join(names)


def _is_huge(text: bytes, place: int) -> bool:
    """Whether the picture whose dictionary is at ``place`` unfolds to more than ``MAX_PIXELS``."""
    start = max(text.rfind(b"obj", 0, place), place - _DICTIONARY, 0)
    end = text.find(b"stream", place, place + _DICTIONARY)
    dictionary = text[start : end if end != -1 else place + _DICTIONARY]
    sides = [max(map(int, pattern.findall(dictionary)), default=0) for pattern in _SIDE.values()]
    return max(sides) > MAX_SIDE or sides[0] * sides[1] > MAX_PIXELS
