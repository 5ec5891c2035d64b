"""The file types that may be attached, with their media types, extensions and signatures."""

from __future__ import annotations

from enum import StrEnum

MAX_FILE_BYTES = 20 * 1024 * 1024


class FileType(StrEnum):
    """A file type that may be attached."""

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
        """The media type under which the file is served."""
        return _MEDIA_TYPES[self]

    @property
    def extensions(self) -> tuple[str, ...]:
        """The file name extensions without the dot, the usual one first."""
        return ("jpg", "jpeg") if self is FileType.JPEG else (self.value,)

    @property
    def label(self) -> str:
        """The name of the type, the same in every language."""
        return self.value.upper()


#: All types, which an office takes that has chosen none.
ALL_FILE_TYPES = frozenset(FileType)

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
#: The type of each accepted file name extension (without the dot).
TYPE_BY_EXTENSION = {extension: file_type for file_type in FileType for extension in file_type.extensions}

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
PDF_SIGNATURE = b"%PDF-"
ZIP_SIGNATURE = b"PK\x03\x04"
#: The types that a browser can show by itself.
VIEWABLE_SIGNATURES = {
    FileType.PDF: PDF_SIGNATURE,
    FileType.PNG: PNG_SIGNATURE,
    FileType.JPEG: JPEG_SIGNATURE,
}
VIEWABLE_TYPES = frozenset(file_type.media_type for file_type in VIEWABLE_SIGNATURES)
