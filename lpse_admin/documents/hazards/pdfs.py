"""What a PDF does when it is opened: runs a script, starts a program, carries other files.

Names are looked for in the file as it stands and in its object streams, which are unpacked up to a limit. A name may be
written with codes (#4a for J). A PDF is refused if one of its object streams cannot be read, because it is packed
otherwise than offices' programs do; what is in encrypted ones cannot be read.
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
_STREAM = re.compile(b"/" + b"".join(b"(?:%c|(?i:#%02x))" % (letter, letter) for letter in b"ObjStm") + _NAME_END)
#: Where an object begins, on a line of its own, so that it is in no comment.
_OBJECT = re.compile(rb"(?:\A|[\r\n])[ \t\f\0]*\d{1,10}\s+\d{1,5}\s+obj\Z")
#: The dictionary of an object stream has no texts or comments, in which it might seem to begin or end.
_PLAIN_DICTIONARY = re.compile(rb"\s*<<[^()%]*>>\s*")
_ENCRYPTED = re.compile(rb"/Encrypt" + _NAME_END)
_PACKING = re.compile(rb"/(?:Filter|Predictor|F|FFilter)" + _NAME_END)
_DEFLATED = re.compile(rb"/Filter\s*(?:/FlateDecode|\[\s*/FlateDecode\s*\])" + _NAME_END)
_BODY = re.compile(rb"stream\r?\n")
_PAGE = re.compile(rb"/Type\s*/Page" + _NAME_END)
_IMAGE = re.compile(rb"/Subtype\s*/Image" + _NAME_END)
_SIDE = {side: re.compile(rb"/" + side + rb"\s+(\d{1,9})") for side in (b"Width", b"Height")}
_MAX_STREAMS, _MAX_UNPACKED = 20_000, 64 * 1024 * 1024
_DICTIONARY = 2048
_OBJECT_HEAD, _LONGEST_DICTIONARY, _CHUNK = 64, 64 * 1024, 64 * 1024


def hazard_of_pdf(content: bytes) -> Message | None:
    """Return what the PDF does that it must not, or None."""
    try:
        texts = list(_texts(content))
    except (OverflowError, ValueError):
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
    """Yield where names are looked for: the file, its coded names, its object streams.

    Raises OverflowError if that is too much, and ValueError if an object stream cannot be read.
    """
    yield content
    yield _without_codes(content)
    left, is_encrypted = _MAX_UNPACKED, bool(_ENCRYPTED.search(content))
    for number, stream in enumerate(_STREAM.finditer(content)):
        if number >= _MAX_STREAMS:
            raise OverflowError
        dictionary, start = _object_stream(content, stream)
        if not _PACKING.search(dictionary):
            continue  # it stands in the file
        text = _inflate(content, start, left, may_fail=is_encrypted)
        left -= len(text)
        yield text
        yield _without_codes(text)


def _object_stream(content: bytes, name: re.Match[bytes]) -> tuple[bytes, int]:
    """Return the dictionary around ``name``, without codes, and where its stream begins.

    Raises ValueError if there is no stream, or one that is not packed by FlateDecode alone.
    """
    begin = content.rfind(b"obj", 0, name.start()) + len(b"obj")
    body = _BODY.search(content, name.end(), name.end() + _LONGEST_DICTIONARY)
    if body is None or not _OBJECT.search(content[max(begin - _OBJECT_HEAD, 0) : begin]):
        raise ValueError(name)
    dictionary = _decoded(content[begin : body.start()])
    packings = _PACKING.findall(dictionary)
    is_known = not packings or (len(packings) == 1 and _DEFLATED.search(dictionary))
    if not is_known or not _PLAIN_DICTIONARY.fullmatch(dictionary):
        raise ValueError(name)
    return dictionary, body.end()


def _inflate(content: bytes, start: int, left: int, *, may_fail: bool) -> bytes:
    """Return what is unpacked from ``start`` on; nothing of what does not unpack where it ``may_fail``.

    Raises OverflowError if that is more than is ``left``, and ValueError if it does not unpack.
    """
    inflater, pieces = zlib.decompressobj(), []
    while not inflater.eof:
        chunk = content[start : start + _CHUNK]
        start += _CHUNK
        try:
            piece = inflater.decompress(chunk, left + 1)
        except zlib.error as error:
            if may_fail:
                return b""
            raise ValueError(start) from error
        left -= len(piece)
        if left < 0:
            raise OverflowError
        if not chunk:
            raise ValueError(start)
        pieces.append(piece)
    return b"".join(pieces)


def _without_codes(text: bytes) -> bytes:
    """Return the names that are written with codes, each as it reads without, in one text."""
    return b" ".join(map(_decoded, _CODED_NAME.findall(text)))


def _decoded(text: bytes) -> bytes:
    """Return ``text`` with the letters that its codes stand for."""
    return _CODE.sub(lambda code: bytes([int(code[1], 16)]), text)


def _is_huge(text: bytes, place: int) -> bool:
    """Whether the picture whose dictionary is at ``place`` unfolds to more than ``MAX_PIXELS``."""
    start = max(text.rfind(b"obj", 0, place), place - _DICTIONARY, 0)
    end = text.find(b"stream", place, place + _DICTIONARY)
    dictionary = text[start : end if end != -1 else place + _DICTIONARY]
    sides = [max(map(int, pattern.findall(dictionary)), default=0) for pattern in _SIDE.values()]
    return max(sides) > MAX_SIDE or sides[0] * sides[1] > MAX_PIXELS
