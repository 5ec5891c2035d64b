"""Check uploaded files: the type by content and not by name, and whether the file is whole.

The content decides; the name is corrected where its extension is not one of the content's type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.documents import images, pdf, unaccepted
from lpse_admin.documents.file_names import MAX_NAME_LENGTH, clean_name, split_extension
from lpse_admin.documents.file_types import (
    ALL_FILE_TYPES,
    EXECUTED_EXTENSIONS,
    JPEG_SIGNATURE,
    MAX_FILE_BYTES,
    PNG_SIGNATURE,
    REPLACED_EXTENSIONS,
    TYPE_BY_EXTENSION,
    ZIP_SIGNATURE,
    FileType,
)
from lpse_admin.documents.hazards.contents import hazard_of_bytes
from lpse_admin.documents.hazards.packages import hazard_of_package
from lpse_admin.documents.hazards.pdfs import hazard_of_pdf
from lpse_admin.documents.office_documents import archive_members, find_directory, office_type
from lpse_admin.documents.unaccepted import Unaccepted, describe_unaccepted
from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """An accepted file: its cleaned and corrected name, and its type."""

    name: str
    type: FileType


def inspect_file(name: str, content: bytes, accepted: Collection[FileType] = ALL_FILE_TYPES) -> InspectedFile:
    """Return the cleaned name and the type of a file.

    A name whose extension is not one of the type gets the right one. Raises FileTooLarge above MAX_FILE_BYTES, and
    ValidationFailed if the file is empty, of a type that is not ``accepted``, damaged, of two types at once, locked by
    a password, or has macros, or if its name is that of a program.
    """
    cleaned = clean_name(name)
    if not content:
        raise ValidationFailed(_("%(name)s is empty.", name=cleaned))
    if len(content) > MAX_FILE_BYTES:
        raise FileTooLarge(_("%(name)s is larger than %(most)s MB.", name=cleaned, most=MAX_FILE_BYTES // 1024**2))
    extension = split_extension(cleaned)[1].casefold()
    if extension in EXECUTED_EXTENSIONS:
        raise ValidationFailed(_unsupported(cleaned, accepted))
    result = _detect_type(cleaned, content, extension)
    if isinstance(result, Unaccepted):
        raise ValidationFailed(_refusal(cleaned, result, accepted))
    if result is FileType.TXT and TYPE_BY_EXTENSION.get(extension, result) is not result:
        # What says to be a picture or a document and is text is a failed download, or damaged.
        raise ValidationFailed(_mismatch(cleaned, _("plain text (TXT)")))
    if result not in accepted:
        raise ValidationFailed(_unsupported(cleaned, accepted))
    if problem := _find_damage(result, content) or hazard_of(result, content):
        raise ValidationFailed(_("%(name)s is not accepted: %(problem)s", name=cleaned, problem=problem))
    return InspectedFile(_corrected_name(cleaned, result), result)


def viewable_type(content: bytes) -> FileType | None:
    """Return the type of a stored file if browsers can show it (an undamaged PDF, PNG or JPEG), else None."""
    file_type = _signed_type(content)
    return None if file_type is None or _find_damage(file_type, content) else file_type


def _corrected_name(name: str, file_type: FileType) -> str:
    """Return ``name`` with an extension of its type, in place of that of another one, or behind a number."""
    stem, extension = split_extension(name)
    if extension.casefold() in file_type.extensions:
        return name
    stem = stem if extension.casefold() in REPLACED_EXTENSIONS else name
    ending = f".{file_type.extensions[0]}"
    return stem[: MAX_NAME_LENGTH - len(ending)].rstrip(" .") + ending


# --- type ------------------------------------------------------------------------------------------------------------

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
#: Signatures of other text-based formats ("BM" and "MZ" are left out, since words start with them).
_TEXT_SIGNATURES = (b"#!", b"{\\rtf", b"%!PS", b"%PDF-")
#: Logs, tables and mails quote markup; only what begins with it is a page.
_QUOTING_EXTENSIONS = frozenset({"log", "csv", "tsv", "eml"})
_BEGINS_AS_MARKUP = re.compile(r"\s*<[!?/a-z]", re.IGNORECASE)


def _detect_type(name: str, content: bytes, extension: str) -> FileType | Unaccepted:
    """Return the accepted type of the content, or what else it is."""
    if file_type := _signed_type(content):
        return file_type
    if content.startswith(ZIP_SIGNATURE):
        return office_type(name, content)
    return FileType.TXT if _is_text(content, extension) else describe_unaccepted(content)


def _signed_type(content: bytes) -> FileType | None:
    """Return the type by the signature at the start of the content: PDF, PNG or JPEG, else None."""
    if content.startswith(PNG_SIGNATURE):
        return FileType.PNG
    if content.startswith(JPEG_SIGNATURE):
        return FileType.JPEG
    return FileType.PDF if pdf.has_pdf_header(content) else None


def _is_text(content: bytes, extension: str) -> bool:
    """Whether the content is plain UTF-8 text, and not markup, a script or another text-based format."""
    try:
        text = content.rstrip(b"\x1a").decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    is_other_format = content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_TEXT_SIGNATURES)
    markup = _BEGINS_AS_MARKUP if extension in _QUOTING_EXTENSIONS else unaccepted.IS_MARKUP
    return not (is_other_format or markup.match(text) or _CONTROL.search(text))


# --- refusals --------------------------------------------------------------------------------------------------------


def _refusal(name: str, found: Unaccepted, accepted: Collection[FileType]) -> Message:
    """Return what is said of a content that is not accepted, with the way out."""
    extension = split_extension(name)[1]
    is_named_as_accepted = extension.casefold() in TYPE_BY_EXTENSION
    if found is unaccepted.SOMETHING_ELSE and not is_named_as_accepted:
        return _unsupported(name, accepted)
    advice = found.advice
    if advice is None and TYPE_BY_EXTENSION.get(extension.casefold()) is FileType.TXT:
        advice = _("Save the text as UTF-8.")
    if is_named_as_accepted:
        sentence = _mismatch(name, found.found)
    else:
        sentence = _("%(name)s has a file type that is not accepted: %(found)s.", name=name, found=found.found)
    return sentence if advice is None else _("%(sentence)s %(advice)s", sentence=sentence, advice=advice)


def _mismatch(name: str, found: Message) -> Message:
    extension = split_extension(name)[1]
    return _("%(name)s is named .%(extension)s, but its content is %(found)s.",
             name=name, extension=extension, found=found)  # fmt: skip


def _unsupported(name: str, accepted: Collection[FileType]) -> Message:
    kinds = ", ".join(file_type.label for file_type in FileType if file_type in accepted)
    return _("%(name)s has a file type that is not accepted. Accepted types: %(kinds)s.", name=name, kinds=kinds)


# --- hazards ---------------------------------------------------------------------------------------------------------


def hazard_of(file_type: FileType, content: bytes) -> Message | None:
    """Return what a file of this type would do to who opens it, or None."""
    if content.startswith(ZIP_SIGNATURE):
        members, end = archive_members("", content)
        return hazard_of_package(content[:end], members)
    return hazard_of_bytes(content) or (hazard_of_pdf(content) if file_type is FileType.PDF else None)


# --- damage ----------------------------------------------------------------------------------------------------------

_DAMAGED_PDF = _("the PDF is damaged, or has content after its end. Open it and print it to PDF again.")
_DAMAGED_IMAGE = _("the image is damaged, or has content after its end. Open it and save it again.")
_LOCKED_PDF = _("it opens with a password only. Remove the password, or print it to PDF again.")


def _find_damage(file_type: FileType, content: bytes) -> Message | None:
    """Return why a file of this type is damaged, locked or ambiguous, or None."""
    if file_type is FileType.PDF and not pdf.is_whole_pdf(content):
        return _DAMAGED_PDF
    if file_type is FileType.PDF and pdf.needs_password(content):
        return _LOCKED_PDF
    if file_type is FileType.PNG and not images.is_whole_png(content):
        return _DAMAGED_IMAGE
    if not content.startswith(ZIP_SIGNATURE) and find_directory(content) is not None:
        return _("it is also an archive.")
    if file_type is FileType.JPEG and not images.is_whole_jpeg(content):
        return _DAMAGED_IMAGE
    return None
