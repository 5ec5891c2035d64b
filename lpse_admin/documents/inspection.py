"""Check uploaded files: the type by content and not by name, and whether the file is whole."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lpse_admin.documents.file_names import clean_name, split_extension
from lpse_admin.documents.file_types import (
    MAX_FILE_BYTES,
    PNG_SIGNATURE,
    TYPE_BY_EXTENSION,
    VIEWABLE_SIGNATURES,
    ZIP_SIGNATURE,
    FileType,
)
from lpse_admin.documents.office_documents import find_directory, office_type
from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpse_admin.i18n import Message


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """An accepted file: its cleaned name and its type."""

    name: str
    type: FileType


def inspect_file(name: str, content: bytes) -> InspectedFile:
    """Return the cleaned name and the type of a file.

    A name without an extension gets the one of its type. Raises FileTooLarge above MAX_FILE_BYTES, and ValidationFailed
    if the file is empty, of a type that is not accepted, of another type than its name, damaged, of two types at once,
    encrypted, or has macros.
    """
    cleaned = clean_name(name)
    if not content:
        raise ValidationFailed(_("%(name)s is empty.", name=cleaned))
    if len(content) > MAX_FILE_BYTES:
        raise FileTooLarge(_("%(name)s is larger than %(most)s MB.", name=cleaned, most=MAX_FILE_BYTES // 1024**2))
    stem, extension = split_extension(cleaned)
    named_type = TYPE_BY_EXTENSION.get(extension.casefold())
    if extension and named_type is None:
        raise ValidationFailed(_unsupported(cleaned))
    file_type = _detect_type(cleaned, content)
    if named_type is not None and file_type is not named_type:
        _raise_type_mismatch(cleaned, extension, content, file_type)
    if file_type is None:
        raise ValidationFailed(_unsupported(cleaned))
    if problem := _find_damage(file_type, content):
        raise ValidationFailed(_("%(name)s is not accepted: %(problem)s", name=cleaned, problem=problem))
    return InspectedFile(cleaned if extension else f"{stem}.{file_type.extensions[0]}", file_type)


def viewable_type(content: bytes) -> FileType | None:
    """Return the type of a stored file if browsers can show it (an undamaged PDF, PNG or JPEG), else None."""
    file_type = _signed_type(content)
    return None if file_type is None or _find_damage(file_type, content) else file_type


# --- type ------------------------------------------------------------------------------------------------------------

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
    (ZIP_SIGNATURE, _("a ZIP archive")),
)


def _detect_type(name: str, content: bytes) -> FileType | None:
    """Return the accepted type of the content, or None."""
    if file_type := _signed_type(content):
        return file_type
    if content.startswith(ZIP_SIGNATURE):
        return office_type(name, content)
    return FileType.TXT if _is_text(content) else None


def _signed_type(content: bytes) -> FileType | None:
    """Return the type by the signature at the start of the content: PDF, PNG or JPEG, else None."""
    return next((kind for kind, signature in VIEWABLE_SIGNATURES.items() if content.startswith(signature)), None)


def _is_text(content: bytes) -> bool:
    """Whether the content is plain UTF-8 text, and not markup, a script or another text-based format."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    is_other_format = content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_TEXT_SIGNATURES)
    return not (is_other_format or _MARKUP.match(text) or _CONTROL.search(text))


#: Signatures of other text-based formats ("BM" and "MZ" are left out, since words start with them).
_TEXT_SIGNATURES = (b"#!", b"{\\rtf", b"%!PS", b"%PDF-")


def _describe_content(content: bytes, file_type: FileType | None) -> Message | str:
    """Return a description of what the content seems to be."""
    if file_type is not None:
        return file_type.label
    for signature, title in _UNSUPPORTED_SIGNATURES:
        if content.startswith(signature):
            return title
    if b"%PDF-" in content[:1024]:
        return _("a PDF with other content before it")
    if _MARKUP.match(content[:8192].decode("utf-8-sig", "replace")):
        return _("a web page or drawing (HTML, SVG, XML)")
    return _("something else")


def _unsupported(name: str) -> Message:
    kinds = ", ".join(file_type.label for file_type in FileType)
    return _("%(name)s has a file type that is not accepted. Accepted types: %(kinds)s.", name=name, kinds=kinds)


def _raise_type_mismatch(name: str, extension: str, content: bytes, file_type: FileType | None) -> NoReturn:
    values = {"name": name, "extension": extension, "found": _describe_content(content, file_type)}
    if extension.casefold() == FileType.TXT:
        text = _("%(name)s is named .%(extension)s, but its content is %(found)s. Save the text as UTF-8.", **values)
        raise ValidationFailed(text)
    raise ValidationFailed(_("%(name)s is named .%(extension)s, but its content is %(found)s.", **values))


# --- damage ----------------------------------------------------------------------------------------------------------


def _find_damage(file_type: FileType, content: bytes) -> Message | None:
    """Return why a file of this type is damaged or ambiguous, or None."""
    if file_type is FileType.PDF and not _ends_as_pdf(content):
        return _("the PDF is damaged, or has content after its end.")
    if file_type is FileType.PNG and not _ends_as_png(content):
        return _("the image is damaged, or has content after its end.")
    # Some phones append data of their own, ending in SEFT, to a photograph.
    if file_type is FileType.JPEG and not content.rstrip(b"\x00\r\n ").endswith((b"\xff\xd9", b"SEFT")):
        return _("the image is damaged, or has content after its end.")
    if not content.startswith(ZIP_SIGNATURE) and find_directory(content) is not None:
        return _("it is also an archive.")
    return None


def _ends_as_pdf(content: bytes) -> bool:
    _before, marker, after = content.rpartition(b"%%EOF")
    return bool(marker) and not after.strip(b"\x00\t\n\x0c\r ")


def _ends_as_png(content: bytes) -> bool:
    """Whether the image's chunks, from IHDR to IEND, fill the file exactly."""
    offset, chunk = len(PNG_SIGNATURE), b""
    while chunk != b"IEND" and offset + 12 <= len(content):
        length, following = struct.unpack_from(">I4s", content, offset)
        if not chunk and following != b"IHDR":
            return False
        offset, chunk = offset + 12 + length, following
    return chunk == b"IEND" and offset == len(content)
