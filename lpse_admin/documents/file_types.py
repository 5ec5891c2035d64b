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
        return _EXTENSIONS.get(self, (self.value,))

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
#: Where a type has more extensions than one. Plain text comes under many names, and is text under all of them.
_EXTENSIONS = {
    FileType.JPEG: ("jpg", "jpeg", "jpe", "jfif"),
    FileType.TXT: ("txt", "log", "csv", "tsv", "eml"),
}
#: The type of each accepted file name extension (without the dot).
TYPE_BY_EXTENSION = {extension: file_type for file_type in FileType for extension in file_type.extensions}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Extensions that are no part of a name: they are replaced where the content is of another type.
REPLACED_EXTENSIONS = frozenset(TYPE_BY_EXTENSION) | _words(
    "doc docm dot dotx dotm xls xlsm xlsb xlt xltx xltm ppt pptx pptm pps ppsx rtf wps et heic heif hif avif webp gif"
    " bmp tif tiff pjpeg pjp zip rar 7z bin tmp dat part crdownload download"
)

#: Extensions under which a computer runs or renders a file; never accepted, whatever the content.
EXECUTED_EXTENSIONS = _words(
    "exe com bat cmd msi msp scr pif cpl dll sys lnk url scf inf reg hta chm jar jnlp apk app deb rpm run sh bash csh"
    " ps1 ps1xml psm1 psd1 vbs vbe vb js jse mjs wsf wsh ws py pyc pyw pl php php3 php5 phtml asp aspx jsp cgi html"
    " htm xhtml shtml mht mhtml svg svgz xml xsl xslt xht swf desktop iso img vhd vhdx gadget application"
)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
PDF_SIGNATURE = b"%PDF-"
ZIP_SIGNATURE = b"PK\x03\x04"
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The types that a browser can show by itself.
VIEWABLE_TYPES = frozenset(kind.media_type for kind in (FileType.PDF, FileType.PNG, FileType.JPEG))
