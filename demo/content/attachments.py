"""Small valid files: letters as PDF, minutes as DOCX, screenshots as PNG, logs as TXT.

They are built without libraries and without compression, so that the same text gives the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

PDF = "application/pdf"
PNG = "image/png"
TXT = "text/plain"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_LINE = 88
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to attach: name, media type, content and SHA-256."""

    name: str
    media_type: str
    content: bytes
    sha256: str

    @classmethod
    def of(cls, name: str, media_type: str, content: bytes) -> Attachment:
        """Return the attachment with its hash."""
        return cls(name, media_type, content, hashlib.sha256(content).hexdigest())


def letter(name: str, paragraphs: Sequence[str]) -> Attachment:
    """Return a one-page PDF (A4, Helvetica) with ``paragraphs``; the first is set as its heading."""
    text = _page(paragraphs)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    return Attachment.of(name, PDF, _pdf(objects))


def _page(paragraphs: Sequence[str]) -> bytes:
    lines = [b"BT /F1 13 Tf 60 780 Td 18 TL (%s) Tj T* /F1 10 Tf 15 TL" % _pdf_text(paragraphs[0])]
    for paragraph in paragraphs[1:]:
        lines += [b"T*"] + [b"(%s) Tj T*" % _pdf_text(line) for line in _wrapped(paragraph)]
    return b"\n".join([*lines, b"ET"])


def _pdf_text(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return escaped.encode("cp1252", "replace")


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _pdf(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def screenshot(name: str, shade: int) -> Attachment:
    """Return a PNG of 64 by 40 grey points: a bar in ``shade`` (0 to 255) over a light background."""
    width, height, bar = 64, 40, 8
    rows = b"".join(b"\0" + bytes([shade if row < bar else 240]) * width for row in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 0)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return Attachment.of(name, PNG, b"\x89PNG\r\n\x1a\n" + body)


def log(name: str, lines: Sequence[str]) -> Attachment:
    """Return a plain text in UTF-8."""
    return Attachment.of(name, TXT, "".join(f"{line}\n" for line in lines).encode())


def minutes(name: str, paragraphs: Sequence[str]) -> Attachment:
    """Return a Word document with ``paragraphs``."""
    body = "".join(f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>" for text in paragraphs)
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _RELATIONS,
        "word/document.xml": f'{_XML}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>',
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, text in parts.items():
            archive.writestr(zipfile.ZipInfo(path, _EARLIEST), text.encode())
    return Attachment.of(name, DOCX, out.getvalue())


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org"
_WORD = f"{_OFFICE}/wordprocessingml/2006/main"
_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_OFFICE}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{DOCX}.main+xml"/></Types>'
)
_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document.xml"/></Relationships>'
)
