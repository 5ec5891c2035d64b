"""What may be attached: a short list of kinds, told apart by their content and not by their name.

Archives (DOCX, XLSX, ODT, ODS) are judged by their table of contents alone: nothing is ever unpacked.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, NoReturn

from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpse_admin.i18n import Message

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_NAME_LENGTH = 150
_FALLBACK_NAME = "file"

# Far above what office programs write, far below what would hurt whoever opens the file.
_MAX_MEMBERS = 2_000
_MAX_DIRECTORY_BYTES = 512 * 1024
_MAX_MEMBER_BYTES = 256 * 1024 * 1024
_MAX_UNPACKED_BYTES = 512 * 1024 * 1024


class FileType(StrEnum):
    """A kind of file that may be attached."""

    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    DOCX = "docx"
    XLSX = "xlsx"
    ODT = "odt"
    ODS = "ods"
    TXT = "txt"

    @property
    def media_type(self) -> str:
        """Return the media type under which the file is served."""
        return _MEDIA_TYPES[self]

    @property
    def extensions(self) -> tuple[str, ...]:
        """Return the endings of a name, without the dot, that stand for this kind; the usual one first."""
        return ("jpg", "jpeg") if self is FileType.JPEG else (self.value,)

    @property
    def label(self) -> str:
        """Return the kind's name as people know it, the same in every language."""
        return self.value.upper()


_MEDIA_TYPES = {
    FileType.PDF: "application/pdf",
    FileType.PNG: "image/png",
    FileType.JPEG: "image/jpeg",
    FileType.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    FileType.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileType.ODT: "application/vnd.oasis.opendocument.text",
    FileType.ODS: "application/vnd.oasis.opendocument.spreadsheet",
    FileType.TXT: "text/plain",
}
_TYPE_BY_EXTENSION = {extension: kind for kind in FileType for extension in kind.extensions}
#: The endings of the names of what is taken, without the dot.
EXTENSIONS = tuple(_TYPE_BY_EXTENSION)


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file that may be kept: its cleaned name, and what it is."""

    name: str
    type: FileType


def inspect_file(name: str, content: bytes) -> InspectedFile:
    """Return the cleaned name and the kind of a file, or say why it is not taken.

    A name without an extension gets the one of its content. Raises TooLarge above MOST_BYTES, and
    Incomplete where the file is empty, of no kind on the list, not what its name says, damaged,
    two kinds at once, locked, or carries macros.
    """
    cleaned = clean_name(name)
    if not content:
        raise ValidationFailed(_("%(name)s is empty.", name=cleaned))
    if len(content) > MAX_FILE_BYTES:
        raise FileTooLarge(_("%(name)s is larger than %(most)s MB.", name=cleaned, most=MAX_FILE_BYTES // 1024**2))
    stem, extension = _split_extension(cleaned)
    said = _TYPE_BY_EXTENSION.get(extension.casefold())
    if extension and said is None:
        raise ValidationFailed(_unsupported(cleaned))
    found = _detect_type(cleaned, content)
    if said is not None and found is not said:
        _raise_type_mismatch(cleaned, extension, content, found)
    if found is None:
        raise ValidationFailed(_unsupported(cleaned))
    if problem := _find_damage(found, content):
        raise ValidationFailed(_("%(name)s is not accepted: %(problem)s", name=cleaned, problem=problem))
    return InspectedFile(cleaned if extension else f"{stem}.{found.extensions[0]}", found)


def viewable_type(content: bytes) -> FileType | None:
    """Return what a kept file is, if a browser can show it by itself: a whole PDF, PNG or JPEG. None for the rest."""
    found = next((kind for kind, mark in _VIEWABLE_SIGNATURES.items() if content.startswith(mark)), None)
    return None if found is None or _find_damage(found, content) else found


# --- names -----------------------------------------------------------------------------------------------

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{device}{number}" for device in ("COM", "LPT") for number in "0123456789¹²³"}
)


def clean_name(name: str) -> str:
    """Return a file's name that is safe on every system: no folders, nothing invisible, 1 to 150 characters."""
    # Tabs and line ends part words, as blanks do; what is invisible otherwise (bidi overrides too) parts nothing.
    spaced = re.sub(r"[\t\r\n]", " ", name)
    visible = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE)
    parts = [part for part in re.split(r"[\\/]", visible) if part.strip(" .")]
    last = re.sub(r'[<>:"|?*]', "_", unicodedata.normalize("NFC", parts[-1] if parts else ""))
    plain = re.sub(r"\s+", " ", last).lstrip(" .").rstrip(" .") or _FALLBACK_NAME
    if plain.partition(".")[0].strip().upper() in _RESERVED:
        plain = f"_{plain}"
    if len(plain) <= MAX_NAME_LENGTH:
        return plain
    stem, extension = _split_extension(plain)
    ending = f".{extension}" if extension else ""
    return stem[: MAX_NAME_LENGTH - len(ending)].rstrip(" .") + ending


def _split_extension(name: str) -> tuple[str, str]:
    """Return a cleaned name's stem and its extension without the dot, the latter empty where there is none."""
    found = re.fullmatch(r"(.+)\.([^. ]{1,16})", name)
    return (found[1], found[2]) if found else (name, "")


# --- what it is ------------------------------------------------------------------------------------------

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PDF = b"%PDF-"
_ZIP = b"PK\x03\x04"
_VIEWABLE_SIGNATURES = {FileType.PDF: _PDF, FileType.PNG: _PNG, FileType.JPEG: _JPEG}
#: The media types of what ``viewable`` finds, so that nothing else is offered or read for it.
VIEWABLE_TYPES = frozenset(kind.media_type for kind in _VIEWABLE_SIGNATURES)
_MARKUP = re.compile(
    r"\s*<[!?/a-z]|.{0,4096}?<(?:!doctype|html|svg|script|iframe|body|object|embed)\b", re.IGNORECASE | re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_UNSUPPORTED_SIGNATURES: Sequence[tuple[bytes, Message]] = (
    (b"MZ", _("a Windows program")),
    (b"\x7fELF", _("a program")),
    (b"#!", _("a script")),
    (b"{\\rtf", _("an RTF document")),
    (b"%!PS", _("a PostScript document")),
    (b"GIF8", _("a GIF image")),
    (b"BM", _("a BMP image")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _("an encrypted or old-format Office document")),
    (b"Rar!", _("a RAR archive")),
    (b"7z\xbc\xaf", _("a 7z archive")),
    (_ZIP, _("a ZIP archive")),
)


def _detect_type(name: str, content: bytes) -> FileType | None:
    """Return which kind on the list the content begins as; None for any other."""
    for kind, mark in _VIEWABLE_SIGNATURES.items():
        if content.startswith(mark):
            return kind
    if content.startswith(_ZIP):
        return _office_type(name, content)
    return FileType.TXT if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    """Tell whether this is plain text in UTF-8, neither markup nor anything a program would run."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    foreign = any(content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(mark) for mark in _TEXT_SIGNATURES)
    return not (foreign or _MARKUP.match(text) or _CONTROL.search(text))


#: Foreign kinds that can be written in plain letters alone; "BM" and "MZ" also begin words.
_TEXT_SIGNATURES = (b"#!", b"{\\rtf", b"%!PS", b"%PDF-")


def _describe_content(content: bytes, file_type: FileType | None) -> Message | str:
    """Return in words what the content seems to be."""
    if file_type is not None:
        return file_type.label
    for mark, title in _UNSUPPORTED_SIGNATURES:
        if content.startswith(mark):
            return title
    if b"%PDF-" in content[:1024]:
        return _("a PDF with other content before it")
    if _MARKUP.match(content[:8192].decode("utf-8-sig", "replace")):
        return _("a web page or drawing (HTML, SVG, XML)")
    return _("something else")


def _unsupported(name: str) -> Message:
    kinds = ", ".join(kind.label for kind in FileType)
    return _("%(name)s has a file type that is not accepted. Accepted types: %(kinds)s.", name=name, kinds=kinds)


def _raise_type_mismatch(name: str, extension: str, content: bytes, file_type: FileType | None) -> NoReturn:
    values = {"name": name, "extension": extension, "found": _describe_content(content, file_type)}
    if extension.casefold() == FileType.TXT:
        text = _("%(name)s is named .%(extension)s, but its content is %(found)s. Save the text as UTF-8.", **values)
        raise ValidationFailed(text)
    raise ValidationFailed(_("%(name)s is named .%(extension)s, but its content is %(found)s.", **values))


# --- whether it is whole, and nothing besides --------------------------------------------------------------


def _find_damage(kind: FileType, content: bytes) -> Message | None:
    """Return what is wrong with a file of this kind, or None."""
    if kind is FileType.PDF and not _ends_as_pdf(content):
        return _("the PDF is damaged, or has content after its end.")
    if kind is FileType.PNG and not _ends_as_png(content):
        return _("the image is damaged, or has content after its end.")
    # Some telephones write notes of their own, closed by SEFT, behind a photograph.
    if kind is FileType.JPEG and not content.rstrip(b"\x00\r\n ").endswith((b"\xff\xd9", b"SEFT")):
        return _("the image is damaged, or has content after its end.")
    if not content.startswith(_ZIP) and _find_directory(content) is not None:
        return _("it is also an archive.")
    return None


def _ends_as_pdf(content: bytes) -> bool:
    _before, mark, behind = content.rpartition(b"%%EOF")
    return bool(mark) and not behind.strip(b"\x00\t\n\x0c\r ")


def _ends_as_png(content: bytes) -> bool:
    """Tell whether the image's chunks, first to last, fill the file exactly."""
    place, chunk = len(_PNG), b""
    while chunk != b"IEND" and place + 12 <= len(content):
        length, following = struct.unpack_from(">I4s", content, place)
        if not chunk and following != b"IHDR":
            return False
        place, chunk = place + 12 + length, following
    return chunk == b"IEND" and place == len(content)


# --- office documents ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _CentralDirectory:
    """Where an archive's table of contents lies, as its last record says."""

    entries: int
    size: int
    start: int
    end: int
    is_large: bool


def _find_directory(content: bytes) -> _CentralDirectory | None:
    """Return the last record of an archive whose comment reaches to the end of the file; None for other files."""
    place = len(content)
    while (place := content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557), place)) != -1:
        if place + 22 <= len(content):
            _disk, _first, _here, entries, size, start, comment = struct.unpack_from("<4H2IH", content, place + 4)
            if place + 22 + comment == len(content):
                is_large = content[max(0, place - 20) : place].startswith(b"PK\x06\x07")
                return _CentralDirectory(entries, size, start, place, is_large)
    return None


def _office_type(name: str, content: bytes) -> FileType | None:
    """Return which office document an archive is, None where it is another archive; refuse a dangerous one."""
    members = _archive_members(name, content)
    names = {member.filename for member in members}
    if "[Content_Types].xml" in names and ("word/document.xml" in names) != ("xl/workbook.xml" in names):
        kind = FileType.DOCX if "word/document.xml" in names else FileType.XLSX
    elif members[0].filename == "mimetype" and members[0].compress_type == zipfile.ZIP_STORED:
        # ODF demands this member first and unpacked, so that it can be read in its place.
        skipped = 30 + sum(struct.unpack_from("<2H", content, 26))
        media_type = content[skipped : skipped + min(100, members[0].file_size)].decode("ascii", "replace")
        matching = [kind for kind in (FileType.ODT, FileType.ODS) if kind.media_type == media_type]
        if not matching:
            return None
        kind = matching[0]
    else:
        return None
    if any(_is_macro(member) for member in names):
        raise ValidationFailed(_("%(name)s contains macros. Save it without macros and attach it again.", name=name))
    return kind


def _archive_members(name: str, content: bytes) -> list[zipfile.ZipInfo]:
    """Return an archive's table of contents, at least one entry long, or refuse what no office program writes."""
    broken = ValidationFailed(_("%(name)s is not accepted: the document is damaged.", name=name))
    directory = _find_directory(content)
    if directory is None or directory.start + directory.size != directory.end:
        raise broken
    if directory.is_large or directory.entries > _MAX_MEMBERS or directory.size > _MAX_DIRECTORY_BYTES:
        raise ValidationFailed(_("%(name)s is not accepted: it contains too many parts.", name=name))
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        raise broken from None
    different = {member.filename for member in members}
    if not members or not len(different) == len(members) == directory.entries or members[0].header_offset != 0:
        raise broken
    if any(member.flag_bits & 1 for member in members):
        raise ValidationFailed(_("%(name)s is protected by a password. Attach it without one.", name=name))
    sizes = [member.file_size for member in members]
    # Parts that lie on one another are how a small archive unpacks to a huge one.
    overlap = sum(member.compress_size for member in members) > len(content)
    if overlap or max(sizes) > _MAX_MEMBER_BYTES or sum(sizes) > _MAX_UNPACKED_BYTES:
        raise ValidationFailed(_("%(name)s is not accepted: it would be too large when unpacked.", name=name))
    return members


def _is_macro(member: str) -> bool:
    """Tell whether a part of an office document holds something to be run."""
    path = member.casefold()
    return path.endswith(("vbaproject.bin", "vbadata.xml")) or path.startswith(
        ("xl/macrosheets/", "xl/activex/", "word/activex/", "basic/", "scripts/")
    )
