"""Contents that are not accepted: what they are, and what whoever attaches one can do instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.documents.file_types import OLE_SIGNATURE, PDF_SIGNATURE, ZIP_SIGNATURE
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from lpse_admin.i18n import Message


@dataclass(frozen=True, slots=True)
class Unaccepted:
    """A content that is not accepted, with the way out where there is one."""

    found: Message
    advice: Message | None = None


_SAVE_AS_DOCX = _("Open it and save it as .docx or as PDF.")
_SAVE_AS_XLSX = _("Open it and save it as .xlsx.")
_SAVE_AS_PDF = _("Open it and save it as PDF.")
_SAVE_AS_JPEG = _("Open it and save it as JPEG or PNG.")
_PRINT_AGAIN = _("Open it and print it to PDF again.")
_ONE_BY_ONE = _("Unpack it and attach its files one by one.")
_WITHOUT_PASSWORD = _("Open it, remove the password, and save it again.")

TEMPLATE = Unaccepted(_("a template"), _SAVE_AS_DOCX)
PRESENTATION = Unaccepted(_("a presentation"), _SAVE_AS_PDF)
DRAWING = Unaccepted(_("a drawing"), _SAVE_AS_PDF)
BINARY_WORKBOOK = Unaccepted(_("a binary Excel workbook (XLSB)"), _SAVE_AS_XLSX)
ARCHIVE = Unaccepted(_("a ZIP archive"), _ONE_BY_ONE)
PDF_WITH_PREFIX = Unaccepted(_("a PDF with other content before it"), _PRINT_AGAIN)
MARKUP = Unaccepted(_("a web page or drawing (HTML, SVG, XML)"), _SAVE_AS_PDF)
SOMETHING_ELSE = Unaccepted(_("something else"))

_HEIC = Unaccepted(
    _("a photograph in Apple's format (HEIC)"),
    _(
        "On the iPhone choose Settings › Camera › Formats › Most Compatible and take it again, or send the photograph"
        " as JPEG."
    ),
)
_AVIF = Unaccepted(_("an AVIF image"), _SAVE_AS_JPEG)
_VIDEO = Unaccepted(_("a video or sound recording"), _("Attach a photograph or a document instead."))
_WEBP = Unaccepted(_("a WebP image"), _SAVE_AS_JPEG)

#: By the first bytes of the content.
_SIGNATURES: tuple[tuple[bytes, Unaccepted], ...] = (
    (b"MZ", Unaccepted(_("a Windows program"))),
    (b"\x7fELF", Unaccepted(_("a program"))),
    (b"#!", Unaccepted(_("a script"))),
    (b"{\\rtf", Unaccepted(_("an RTF document"), _SAVE_AS_DOCX)),
    (b"%!PS", Unaccepted(_("a PostScript document"), _SAVE_AS_PDF)),
    (b"GIF8", Unaccepted(_("a GIF image"), _SAVE_AS_JPEG)),
    (b"BM", Unaccepted(_("a BMP image"), _SAVE_AS_JPEG)),
    (b"II*\x00", Unaccepted(_("a TIFF image"), _SAVE_AS_JPEG)),
    (b"MM\x00*", Unaccepted(_("a TIFF image"), _SAVE_AS_JPEG)),
    (b"Rar!", Unaccepted(_("a RAR archive"), _ONE_BY_ONE)),
    (b"7z\xbc\xaf", Unaccepted(_("a 7z archive"), _ONE_BY_ONE)),
    (b"\x1f\x8b", Unaccepted(_("a compressed file"), _ONE_BY_ONE)),
    (ZIP_SIGNATURE, ARCHIVE),
)

#: By the name of a stream of the old format of Microsoft Office (in UTF-16), the first that is found.
_OLE_STREAMS: tuple[tuple[str, Unaccepted], ...] = (
    ("EncryptedPackage", Unaccepted(_("a document protected by a password"), _WITHOUT_PASSWORD)),
    ("WordDocument", Unaccepted(_("a document in Word's old format (.doc)"), _SAVE_AS_DOCX)),
    ("PowerPoint Document", Unaccepted(_("a presentation in PowerPoint's old format (.ppt)"), _SAVE_AS_PDF)),
    ("__substg1.0_", Unaccepted(_("a message of Outlook (.msg)"), _SAVE_AS_PDF)),
    ("Workbook", Unaccepted(_("a workbook in Excel's old format (.xls)"), _SAVE_AS_XLSX)),
    ("Book", Unaccepted(_("a workbook in Excel's old format (.xls)"), _SAVE_AS_XLSX)),
)
_OLD_OFFICE = Unaccepted(_("an encrypted or old-format Office document"), _SAVE_AS_DOCX)

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

IS_MARKUP = re.compile(
    r"\s*<[!?/a-z]|.{0,4096}?<(?:!doctype|html|svg|script|iframe|body|object|embed)\b", re.IGNORECASE | re.DOTALL
)


def describe_unaccepted(content: bytes) -> Unaccepted:
    """Return what a content seems to be that is none of the accepted types."""
    if content[4:8] == b"ftyp":
        return _describe_media(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _WEBP
    if content.startswith(OLE_SIGNATURE):
        return _describe_old_office(content)
    for signature, described in _SIGNATURES:
        if content.startswith(signature):
            return described
    if PDF_SIGNATURE in content[:1024]:
        return PDF_WITH_PREFIX
    return MARKUP if IS_MARKUP.match(content[:8192].decode("utf-8-sig", "replace")) else SOMETHING_ELSE


def _describe_media(content: bytes) -> Unaccepted:
    """Return which of the formats in boxes it is, by its main brand or else by one that it is compatible with."""
    size = min(max(int.from_bytes(content[:4], "big"), 16), 256)
    brands = [content[8:12], *(content[offset : offset + 4] for offset in range(16, size, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return _AVIF
        if brand in _HEIC_BRANDS and _AVIF_BRANDS.isdisjoint(brands):
            return _HEIC
    return _VIDEO


def _describe_old_office(content: bytes) -> Unaccepted:
    for stream, described in _OLE_STREAMS:
        if stream.encode("utf-16-le") in content:
            return described
    return _OLD_OFFICE
