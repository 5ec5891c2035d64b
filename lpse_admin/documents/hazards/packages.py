"""What the parts of an office document do: fetch from elsewhere, run, link to programs, unfold beyond what they say.

Every part is unpacked once, as far as its directory says that it goes; relations and texts are read up to a limit.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from contextlib import suppress
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING
from xml.parsers import expat

from lpse_admin.documents.file_types import ZIP_SIGNATURE
from lpse_admin.documents.hazards.contents import OLE, PROGRAM, hazard_of_bytes
from lpse_admin.documents.hazards.links import is_harmless_to_click, is_remote
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpse_admin.i18n import Message

LEADS_OUT = _("the name of a part leads out of the document. Open it, save it again and attach that.")
UNFOLDS = _("a part unfolds to more than it says. Open it, save it again and attach that.")
UNREADABLE = _("a part cannot be read. Open it, save it again and attach that.")
REMOTE_TEMPLATE = _("it fetches its template from another computer. Save it with the normal template, or as PDF.")
FETCHES = _("it fetches content from another computer when it is opened. Break the links, or save it as PDF.")
LINK_RUNS = _("a link in it runs a program. Remove the link and save it again.")
TOO_LONG = _("it holds more than can be examined. Save it as PDF, or split it.")
DDE = _("it takes data from a program (DDE). Replace the field or the link by its value and save it again.")
MACRO = _("it contains macros. Save it without macros and attach it again.")

_MAX_TEXT_BYTES, _CHUNK = 48 * 1024 * 1024, 256 * 1024
#: A part with none of these words cannot do anything; the sheets of a large workbook are not read element by element.
#: A text that is not in UTF-8 has no words to be found.
_WORDS = re.compile(
    rb"dde|instr|[|]|&#|href|ole|applet|plugin|listener|script|<!doctype|relationship|\x00", re.IGNORECASE
)
_LONGEST_WORD = 16
#: How XML begins, behind blanks: in UTF-8 and UTF-16, with a byte order mark or without.
_XML_BEGINNINGS = (b"<", b"\0<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HEAD_BYTES = 64 * 1024
_DRIVE = re.compile(r"[a-z]:", re.IGNORECASE)
#: Of relations and elements, by the end of their name in small letters.
_OLE_KINDS = ("/oleobject", "/control", "/activexcontrol", "/activexcontrolbinary")
_MACRO_KINDS = ("/vbaproject", "/wordvbadata", "/xlmacrosheet", "/xlintlmacrosheet", "/attachedtoolbars")
_LINKS_OF_SHEETS = {"ddelink": DDE, "olelink": OLE}
_ODF_OLE = frozenset({"object-ole", "applet", "plugin"})
_ODF_DDE = frozenset({"dde-source", "dde-connection-decl", "dde-connection", "dde-link"})
_ODF_MACRO = frozenset({"event-listener", "script"})
_DDE_FIELD = re.compile(r"\s*(?:=\s*)?DDE(?:AUTO)?\b", re.IGNORECASE)
_FETCHING_FIELD = re.compile(r"\s*(?:INCLUDETEXT|INCLUDEPICTURE|IMPORT|LINK)\b(.*)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r'"[^"]*"')
_DDE_FORMULA = re.compile(r"[\w.]+\|(?:'[^']{0,255}'|[\w.]{1,64})!")


def hazard_of_package(content: bytes, members: list[zipfile.ZipInfo]) -> Message | None:
    """Return what the document does that it must not, or None; ``members`` are those of its directory."""
    if any(_leads_out(member.filename) for member in members):
        return LEADS_OUT
    left = _MAX_TEXT_BYTES
    for member in members:
        part = _Part(content, member)
        try:
            problem = _hazard_of_part(part, left)
        except (zlib.error, struct.error, ValueError):
            return UNREADABLE
        if problem is not None:
            return problem
        left -= part.size if part.has_words else 0
    return None


def _hazard_of_part(part: _Part, left: int) -> Message | None:
    """Return what is wrong with a part; texts may have ``left`` bytes more. Raises zlib.error, ValueError."""
    head = part.read(_MAX_TEXT_BYTES if part.is_text else _HEAD_BYTES)
    if part.is_longer:
        return UNFOLDS
    if problem := hazard_of_bytes(head):
        return problem
    if part.has_words:
        return TOO_LONG if part.size > left else _hazard_of_text(part.name, head)
    return _hazard_inside(part.whole) if head.startswith(ZIP_SIGNATURE) else None


def _leads_out(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or bool(_DRIVE.match(plain)) or "\0" in name


class _Part:
    """A part that is unpacked as its directory says it is packed, whatever its own header says."""

    def __init__(self, content: bytes, member: zipfile.ZipInfo) -> None:
        self._member, self._content = member, content
        self.name = member.filename.replace("\\", "/").casefold()
        self.size = 0
        #: Whether it unfolds to more than its directory says, and has words that can do something.
        self.is_longer = self.has_words = False

    # Asked for with each piece of a part, and unfolds its beginning.
    @cached_property
    def is_text(self) -> bool:
        """Whether it is XML by its name or its beginning: its type may be said in another part. Raises zlib.error."""
        if self.name.endswith((".xml", ".rels", ".rdf")):
            return True
        beginning = next(self._chunks(), b"")
        text = beginning.lstrip(b" \t\r\n")
        return text.startswith(_XML_BEGINNINGS) if text else bool(beginning)

    def read(self, most: int) -> bytes:
        """Return the first ``most`` bytes, and look through the rest. Raises zlib.error, ValueError, struct.error."""
        saved, before = [], b""
        for chunk in self._chunks():
            if self.size < most:
                saved.append(chunk[: most - self.size])
            self.size += len(chunk)
            self.has_words = self.has_words or bool(self.is_text and _WORDS.search(before + chunk))
            before = chunk[-_LONGEST_WORD:]
            if self.size > self._member.file_size:
                self.is_longer = True
                break
        return b"".join(saved)

    @property
    def whole(self) -> bytes:
        """The whole part."""
        return b"".join(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        offset = self._member.header_offset
        start = offset + 30 + sum(struct.unpack_from("<2H", self._content, offset + 26))
        packed = self._content[start : start + self._member.compress_size]
        if self._member.compress_type == zipfile.ZIP_STORED:
            yield packed
            return
        if self._member.compress_type != zipfile.ZIP_DEFLATED:
            raise ValueError(self._member.compress_type)
        inflater, rest = zlib.decompressobj(-zlib.MAX_WBITS), packed
        while rest and not inflater.eof:
            yield inflater.decompress(rest, _CHUNK)
            rest = inflater.unconsumed_tail
        yield inflater.flush()


def _hazard_inside(content: bytes) -> Message | None:
    """Return what is wrong with a document within the document, such as the table behind a chart."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        return PROGRAM
    names = {member.filename.casefold() for member in members}
    if not names & {"[content_types].xml", "mimetype"} or any(_is_packed(content, one) for one in members):
        return PROGRAM
    return hazard_of_package(content, members)


def _is_packed(content: bytes, member: zipfile.ZipInfo) -> bool:
    """Whether a part is itself a document: one level is enough for a chart."""
    return _Part(content, member).read(len(ZIP_SIGNATURE)).startswith(ZIP_SIGNATURE)


class _Text:
    """The elements of a part, and the text of its fields and formulas."""

    def __init__(self, name: str) -> None:
        self._is_relations, self._is_picture = name.endswith(".rels"), name.endswith(".svg")
        self._field: list[str] = []
        self._inside = ""
        self.problem: Message | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Look at an element and its attributes."""
        element = name.rpartition(" ")[2].casefold()
        local = {key.rpartition(" ")[2].casefold(): value for key, value in attributes.items()}
        self._note(_hazard_of_relation(local) if self._is_relations else _hazard_of_element(element, local))
        if element in {"instrtext", "f"}:
            self._inside = element
        if element in _LINKS_OF_SHEETS:
            self._note(_LINKS_OF_SHEETS[element])
        if element == "fldchar" and local.get("fldchartype") == "begin":
            self._end_field()
        self._note(_hazard_of_field(local.get("instr", "")))

    def end(self, _name: str) -> None:
        """Leave an element."""
        if self._inside == "f":
            formula = _QUOTED.sub("", "".join(self._field))
            self._note(DDE if _DDE_FORMULA.search(formula) else None)
            self._field.clear()
        self._inside = ""

    def text(self, text: str) -> None:
        """Keep the text of a field, whose parts may stand in several elements, and of a formula."""
        if self._inside:
            self._field.append(text)

    def refuse(self, *declared: object) -> None:
        """Refuse a document type: entities are declared there, which fetch and unfold; pictures may name theirs."""
        *_names, has_declarations = declared
        if has_declarations or not self._is_picture:
            self._note(FETCHES)

    def finish(self) -> None:
        """Look at the last field."""
        self._end_field()

    def _end_field(self) -> None:
        self._note(_hazard_of_field("".join(self._field)))
        self._field.clear()

    def _note(self, problem: Message | None) -> None:
        self.problem = self.problem or problem


def _hazard_of_text(name: str, xml: bytes) -> Message | None:
    """Return what a part of XML does, or None; one that is not well-formed is left to the program that opens it."""
    text = _Text(name)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = text.start, text.end
    parser.CharacterDataHandler = text.text
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = text.refuse
    with suppress(expat.ExpatError, ValueError, LookupError):
        is_final = True  # the parser takes it by position only
        parser.Parse(xml, is_final)
    text.finish()
    return text.problem


def _hazard_of_relation(relation: Mapping[str, str]) -> Message | None:
    """Return what a relation of OOXML does: it names a part, or an address outside."""
    kind, target = relation.get("type", "").casefold(), relation.get("target", "")
    if kind.endswith(_MACRO_KINDS):
        return MACRO
    if kind.endswith(_OLE_KINDS):
        return OLE
    if kind.endswith("/hyperlink"):
        return None if is_harmless_to_click(target) else LINK_RUNS
    if relation.get("targetmode", "").casefold() != "external" or not is_remote(target):
        return None
    return REMOTE_TEMPLATE if kind.endswith("/attachedtemplate") else FETCHES


def _hazard_of_element(element: str, attributes: Mapping[str, str]) -> Message | None:
    """Return what an element of ODF does."""
    if element in _ODF_OLE:
        return OLE
    if element in _ODF_DDE:
        return DDE
    if element in _ODF_MACRO and {"event-name", "language"} & attributes.keys():
        return MACRO
    return _hazard_of_address(element, attributes.get("href", ""))


def _hazard_of_address(element: str, address: str) -> Message | None:
    """Return what an element does by the address that it names."""
    if element == "a":
        return None if is_harmless_to_click(address) else LINK_RUNS
    if not is_remote(address):
        return None
    return REMOTE_TEMPLATE if element == "template" else FETCHES


def _hazard_of_field(code: str) -> Message | None:
    """Return what a field of Word does, by its code."""
    if _DDE_FIELD.match(code):
        return DDE
    fetched = _FETCHING_FIELD.match(code)
    parts = fetched[1].replace("\\\\", "\\").split('"') if fetched else []
    return FETCHES if any(is_remote(part) for part in parts if part.strip()) else None
