"""Identify and check office documents (DOCX, XLSX, ODT, ODS) by their central directory; nothing is unpacked."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from io import BytesIO

from lpse_admin.documents.file_types import FileType
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

# Limits far above those of real documents, and far below what harms the reader of the file.
_MAX_MEMBERS = 2_000
_MAX_DIRECTORY_BYTES = 512 * 1024
_MAX_MEMBER_BYTES = 256 * 1024 * 1024
_MAX_UNPACKED_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _CentralDirectory:
    """The end-of-central-directory record of a ZIP archive."""

    entries: int
    size: int
    start: int
    end: int
    is_large: bool


def find_directory(content: bytes) -> _CentralDirectory | None:
    """Return the archive's last record, whose comment ends at the end of the file; None for other files."""
    offset = len(content)
    while (offset := content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557), offset)) != -1:
        if offset + 22 <= len(content):
            _disk, _first, _here, entries, size, start, comment = struct.unpack_from("<4H2IH", content, offset + 4)
            if offset + 22 + comment == len(content):
                is_large = content[max(0, offset - 20) : offset].startswith(b"PK\x06\x07")
                return _CentralDirectory(entries, size, start, offset, is_large)
    return None


def office_type(name: str, content: bytes) -> FileType | None:
    """Return the type of the office document, or None for another archive.

    Raises ValidationFailed if it is damaged, encrypted, has macros, or would be too large when unpacked.
    """
    members = _archive_members(name, content)
    names = {member.filename for member in members}
    if "[Content_Types].xml" in names and ("word/document.xml" in names) != ("xl/workbook.xml" in names):
        file_type = FileType.DOCX if "word/document.xml" in names else FileType.XLSX
    elif members[0].filename == "mimetype" and members[0].compress_type == zipfile.ZIP_STORED:
        # ODF requires this member to be the first and uncompressed, so that it can be read at a fixed offset.
        start = 30 + sum(struct.unpack_from("<2H", content, 26))
        media_type = content[start : start + min(100, members[0].file_size)].decode("ascii", "replace")
        matching = [one for one in (FileType.ODT, FileType.ODS) if one.media_type == media_type]
        if not matching:
            return None
        file_type = matching[0]
    else:
        return None
    if any(_is_macro(member) for member in names):
        raise ValidationFailed(_("%(name)s contains macros. Save it without macros and attach it again.", name=name))
    return file_type


def _archive_members(name: str, content: bytes) -> list[zipfile.ZipInfo]:
    """Return the members of an archive, at least one; raises ValidationFailed for what no office program writes."""
    damaged = ValidationFailed(_("%(name)s is not accepted: the document is damaged.", name=name))
    directory = find_directory(content)
    if directory is None or directory.start + directory.size != directory.end:
        raise damaged
    if directory.is_large or directory.entries > _MAX_MEMBERS or directory.size > _MAX_DIRECTORY_BYTES:
        raise ValidationFailed(_("%(name)s is not accepted: it contains too many parts.", name=name))
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        raise damaged from None
    names = {member.filename for member in members}
    if not members or not len(names) == len(members) == directory.entries or members[0].header_offset != 0:
        raise damaged
    if any(member.flag_bits & 1 for member in members):
        raise ValidationFailed(_("%(name)s is protected by a password. Attach it without one.", name=name))
    sizes = [member.file_size for member in members]
    # A ZIP bomb has overlapping members.
    overlap = sum(member.compress_size for member in members) > len(content)
    if overlap or max(sizes) > _MAX_MEMBER_BYTES or sum(sizes) > _MAX_UNPACKED_BYTES:
        raise ValidationFailed(_("%(name)s is not accepted: it would be too large when unpacked.", name=name))
    return members


def _is_macro(member: str) -> bool:
    """Whether a member of an office document contains macros."""
    path = member.casefold()
    return path.endswith(("vbaproject.bin", "vbadata.xml")) or path.startswith(
        ("xl/macrosheets/", "xl/activex/", "word/activex/", "basic/", "scripts/")
    )
