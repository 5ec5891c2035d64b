"""Identify and check office documents: DOCX, XLSX, ODT, ODS.

What a package is its own lists say, and not the names of its parts: [Content_Types].xml and _rels/.rels (ECMA-376-2),
META-INF/manifest.xml (ODF 1.3, part 2). Only these are unpacked, up to a limit; of the rest the central directory is
read.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from lpse_admin.documents import unaccepted
from lpse_admin.documents.file_types import FileType
from lpse_admin.documents.package_lists import InvalidListError, PackageLists, root_media_type
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from lpse_admin.documents.unaccepted import Unaccepted

# Limits far above those of real documents, and far below what harms the reader of the file.
_MAX_MEMBERS = 2_000
_MAX_DIRECTORY_BYTES = 512 * 1024
_MAX_MEMBER_BYTES = 256 * 1024 * 1024
_MAX_UNPACKED_BYTES = 512 * 1024 * 1024
_MAX_LIST_BYTES = 2 * 1024 * 1024

#: What programs of former days and web servers put behind a file.
_PADDING = b"\x00\t\n\r \x1a"


@dataclass(frozen=True, slots=True)
class _CentralDirectory:
    """The end-of-central-directory record of a ZIP archive."""

    entries: int
    size: int
    start: int
    end: int
    is_large: bool
    #: Where the archive ends; behind it is only padding.
    file_end: int


def find_directory(content: bytes) -> _CentralDirectory | None:
    """Return the archive's last record, whose comment ends with the file or its padding; None for other files."""
    offset = len(content)
    while (offset := content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557), offset)) != -1:
        if offset + 22 <= len(content):
            _disk, _first, _here, entries, size, start, comment = struct.unpack_from("<4H2IH", content, offset + 4)
            end = offset + 22 + comment
            if end <= len(content) and not content[end:].strip(_PADDING):
                is_large = content[max(0, offset - 20) : offset].startswith(b"PK\x06\x07")
                return _CentralDirectory(entries, size, start, offset, is_large, end)
    return None


def office_type(name: str, content: bytes) -> FileType | Unaccepted:
    """Return the type of the office document, or what other archive it is.

    Raises ValidationFailed if it is damaged, encrypted, has macros, or would be too large when unpacked.
    """
    members, end = archive_members(name, content)
    names = frozenset(_part_name(member) for member in members)
    with zipfile.ZipFile(BytesIO(content[:end])) as archive:
        package = _Package(name, archive, members)
        result = package.ooxml_type(names) if "[content_types].xml" in names else package.odf_type(content)
    if isinstance(result, FileType) and any(map(_is_macro, names)):
        raise _has_macros(name)
    return result


def _part_name(member: zipfile.ZipInfo) -> str:
    """Return the name of a part as it is compared: letters of either case, and the slashes of either system."""
    return member.filename.replace("\\", "/").casefold()


class _Package:
    """The lists of a package, unpacked as far as they are asked for."""

    def __init__(self, name: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
        self._name, self._archive = name, archive
        self._members = {_part_name(member): member for member in members}
        self._first = members[0]

    def ooxml_type(self, names: frozenset[str]) -> FileType | Unaccepted:
        """Return the type by the main part that the package's relations name, and its content type."""
        try:
            lists = PackageLists(self._read("[content_types].xml"), self._read("_rels/.rels"))
        except InvalidListError:
            raise _damaged(self._name) from None
        if lists.has_macros:
            raise _has_macros(self._name)
        main = lists.main_part or _usual_main_part(names)
        if main is None:
            return unaccepted.ARCHIVE
        if main not in names:
            raise _damaged(self._name)
        return _main_type(lists.content_type(main) or main)

    def odf_type(self, content: bytes) -> FileType | Unaccepted:
        """Return the type by the first member, which is uncompressed, or else by the manifest."""
        manifest = self._read("meta-inf/manifest.xml")
        try:
            media_type, is_encrypted = root_media_type(manifest) if manifest else ("", False)
        except InvalidListError:
            raise _damaged(self._name) from None
        if is_encrypted:
            raise _is_locked(self._name)
        if self._first.filename == "mimetype" and self._first.compress_type == zipfile.ZIP_STORED:
            start = 30 + sum(struct.unpack_from("<2H", content, 26))
            media_type = content[start : start + min(100, self._first.file_size)].decode("ascii", "replace")
        return _odf_type(media_type)

    def _read(self, part: str) -> bytes:
        """Return the content of a part, up to the limit; empty without it. Raises ValidationFailed."""
        member = self._members.get(part)
        if member is None:
            return b""
        try:
            with self._archive.open(member) as opened:
                content = opened.read(_MAX_LIST_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, struct.error):
            raise _damaged(self._name) from None
        if len(content) > _MAX_LIST_BYTES:
            raise _is_too_large(self._name)
        return content


def _usual_main_part(names: frozenset[str]) -> str | None:
    """Return the main part under its usual name, for a package without relations; None for none, or several."""
    result = names & {"word/document.xml", "xl/workbook.xml"}
    return next(iter(result)) if len(result) == 1 else None


#: By a part of the content type of the main part, or of its usual name; the first that is found.
_MAIN_TYPES: tuple[tuple[str, FileType | Unaccepted], ...] = (
    ("template.main+xml", unaccepted.TEMPLATE),
    ("wordprocessingml.document.main+xml", FileType.DOCX),
    ("spreadsheetml.sheet.main+xml", FileType.XLSX),
    ("presentationml.", unaccepted.PRESENTATION),
    ("sheet.binary", unaccepted.BINARY_WORKBOOK),
    ("visio", unaccepted.DRAWING),
    ("word/document.xml", FileType.DOCX),
    ("xl/workbook.xml", FileType.XLSX),
)


def _main_type(content_type: str) -> FileType | Unaccepted:
    return next((result for part, result in _MAIN_TYPES if part in content_type), unaccepted.ARCHIVE)


def _odf_type(media_type: str) -> FileType | Unaccepted:
    for accepted in (FileType.ODT, FileType.ODS):
        if media_type == accepted.media_type:
            return accepted
    if not media_type.startswith("application/vnd.oasis.opendocument."):
        return unaccepted.ARCHIVE
    if media_type.endswith("-template"):
        return unaccepted.TEMPLATE
    return unaccepted.PRESENTATION if "presentation" in media_type else unaccepted.DRAWING


def archive_members(name: str, content: bytes) -> tuple[list[zipfile.ZipInfo], int]:
    """Return the members of an archive, at least one, and its end; raises for what no office program writes."""
    directory = find_directory(content)
    if directory is None or directory.start + directory.size != directory.end:
        raise _damaged(name)
    if directory.is_large or directory.entries > _MAX_MEMBERS or directory.size > _MAX_DIRECTORY_BYTES:
        raise ValidationFailed(_("%(name)s is not accepted: it contains too many parts.", name=name))
    try:
        with zipfile.ZipFile(BytesIO(content[: directory.file_end])) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        raise _damaged(name) from None
    names = {member.filename for member in members}
    if not members or not len(names) == len(members) == directory.entries or members[0].header_offset != 0:
        raise _damaged(name)
    if any(member.flag_bits & 1 for member in members):
        raise _is_locked(name)
    sizes = [member.file_size for member in members]
    # A ZIP bomb has overlapping members.
    overlap = sum(member.compress_size for member in members) > len(content)
    if overlap or max(sizes) > _MAX_MEMBER_BYTES or sum(sizes) > _MAX_UNPACKED_BYTES:
        raise _is_too_large(name)
    return members, directory.file_end


def _is_macro(part: str) -> bool:
    """Whether a part of an office document contains macros, by its usual name."""
    return part.endswith(("vbaproject.bin", "vbadata.xml")) or part.startswith(
        ("xl/macrosheets/", "xl/activex/", "word/activex/", "basic/", "scripts/")
    )


def _damaged(name: str) -> ValidationFailed:
    return ValidationFailed(
        _("%(name)s is not accepted: the document is damaged. Open it, save it again and attach that.", name=name)
    )


def _has_macros(name: str) -> ValidationFailed:
    return ValidationFailed(_("%(name)s contains macros. Save it without macros and attach it again.", name=name))


def _is_locked(name: str) -> ValidationFailed:
    return ValidationFailed(_("%(name)s is protected by a password. Attach it without one.", name=name))


def _is_too_large(name: str) -> ValidationFailed:
    return ValidationFailed(_("%(name)s is not accepted: it would be too large when unpacked.", name=name))
