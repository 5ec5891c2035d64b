"""Lists as OpenDocument spreadsheets, with typed cells, written as a stream."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from stream_zip import NO_COMPRESSION_32, ZIP_32, stream_zip

from lpse_admin.errors import FileTooLarge
from lpse_admin.i18n import _
from views.exports.columns import (
    CachedConverter,
    CellKind,
    DatetimeConverter,
    convert_in_batches,
    headings,
    to_decimal,
    to_texts,
    value_labeller,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from stream_zip import MemberFile

    from views.exports.columns import Converter, ExportColumn, Rows
    from views.exports.head import ExportHead

MAX_SHEET_ROWS = 1_048_575  # below the headings
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"

_EMPTY = "<table:table-cell/>"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEWLINE = re.compile("\r\n|\r|\n")
_BLANKS = re.compile(" {2,}|^ | $|\t")
#: All parts of the archive have this time, so that the same rows are the same bytes.
_FIXED_TIME = dt.datetime.fromisoformat("2000-01-01")
_PERMISSIONS = 0o600
_WIDTHS = {CellKind.TEXT: "6cm", CellKind.CHOICE: "4cm", CellKind.MONEY: "4cm", CellKind.DATETIME: "4cm"}
_CELL_STYLES = {CellKind.DATE: "date", CellKind.DATETIME: "moment", CellKind.MONEY: "money"}

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("table", "table"),
        ("text", "text"),
        ("style", "style"),
        ("number", "datastyle"),
        ("fo", "xsl-fo-compatible"),
    )
)
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_MANIFEST = (
    f'{_XML}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    ' manifest:version="1.2">'
    f'<manifest:file-entry manifest:full-path="/" manifest:version="1.2" manifest:media-type="{MIMETYPE}"/>'
    '<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
_STYLES = f'{_XML}<office:document-styles {_NAMESPACES} office:version="1.2"/>'
_DAY = (
    '<number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/>'
    '<number:text>-</number:text><number:day number:style="long"/>'
)
_CLOCK = (
    '<number:text> </number:text><number:hours number:style="long"/><number:text>:</number:text>'
    '<number:minutes number:style="long"/><number:text>:</number:text><number:seconds number:style="long"/>'
)
_CELL_STYLE = '<style:style style:name="{0}" style:family="table-cell" style:data-style-name="{0}-data"/>'
_AUTOMATIC_STYLES = (
    f'<number:date-style style:name="date-data">{_DAY}</number:date-style>'
    f'<number:date-style style:name="moment-data">{_DAY}{_CLOCK}</number:date-style>'
    '<number:number-style style:name="money-data"><number:text>Rp</number:text>'
    '<number:number number:decimal-places="2" number:min-integer-digits="1" number:grouping="true"/>'
    "</number:number-style>"
    + "".join(map(_CELL_STYLE.format, ("date", "moment", "money")))
    + '<style:style style:name="heading" style:family="table-cell">'
    '<style:text-properties fo:font-weight="bold"/></style:style>'
    + "".join(
        f'<style:style style:name="width-{kind}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{_WIDTHS.get(kind, "3cm")}"/></style:style>'
        for kind in CellKind
    )
)


def ods_stream(
    columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo, sheet: str, *, head: ExportHead | None = None
) -> Iterator[bytes]:
    """Yield a spreadsheet of the rows, and of ``head`` on a second sheet.

    Numbers, dates and moments (in ``zone``) are typed, and text is never a formula. Raises FileTooLarge beyond the
    rows of a sheet.
    """
    parts: Iterator[MemberFile] = iter(
        (
            ("mimetype", _FIXED_TIME, _PERMISSIONS, NO_COMPRESSION_32, (MIMETYPE.encode(),)),
            ("META-INF/manifest.xml", _FIXED_TIME, _PERMISSIONS, ZIP_32, (_MANIFEST.encode(),)),
            ("styles.xml", _FIXED_TIME, _PERMISSIONS, ZIP_32, (_STYLES.encode(),)),
            ("content.xml", _FIXED_TIME, _PERMISSIONS, ZIP_32, _content(columns, rows, zone, sheet, head)),
        )
    )
    yield from stream_zip(parts, extended_timestamps=False)


def _content(
    columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo, sheet: str, head: ExportHead | None
) -> Iterator[bytes]:
    """Yield content.xml, a batch of rows at a time."""
    yield (
        f'{_XML}<office:document-content {_NAMESPACES} office:version="1.2">'
        f"<office:automatic-styles>{_AUTOMATIC_STYLES}</office:automatic-styles><office:body><office:spreadsheet>"
    ).encode()
    yield _table_start(sheet, [column.kind for column in columns], headings(columns, zone))
    moments = DatetimeConverter(zone)
    for batch in _limited(convert_in_batches(rows, [_converter(column, moments) for column in columns])):
        yield b"".join(_row(cells) for cells in batch)
    yield b"</table:table>"
    if head is not None:
        yield _table_start(head.sheet, [CellKind.TEXT, CellKind.TEXT], [head.title, ""])
        yield b"".join(_row(map(_text_cell, fact)) for fact in (*head.facts, *head.signing_lines()))
        yield b"</table:table>"
    yield b"</office:spreadsheet></office:body></office:document-content>"


def _limited(batches: Iterator[Iterable[tuple[str, ...]]]) -> Iterator[list[tuple[str, ...]]]:
    """Yield the batches as far as a sheet has rows."""
    rows, count = chain.from_iterable(batches), 0
    while batch := list(islice(rows, 1_000)):
        count += len(batch)
        if count > MAX_SHEET_ROWS:
            raise FileTooLarge(_("There are more rows than a sheet can hold. Narrow the list, or export it as CSV."))
        yield batch


def _table_start(name: str, kinds: Sequence[CellKind], texts: Sequence[str]) -> bytes:
    widths = "".join(f'<table:table-column table:style-name="width-{kind}"/>' for kind in kinds)
    cells = "".join(
        f'<table:table-cell table:style-name="heading" office:value-type="string">{_paragraphs(text)}'
        "</table:table-cell>"
        for text in texts
    )
    return (
        f"<table:table table:name={quoteattr(_UNWRITABLE.sub(' ', name))}>{widths}"
        f"<table:table-header-rows><table:table-row>{cells}</table:table-row></table:table-header-rows>"
    ).encode("utf-8", "replace")


def _row(cells: Iterable[str]) -> bytes:
    return f"<table:table-row>{''.join(cells)}</table:table-row>".encode("utf-8", "replace")


def _converter(column: ExportColumn, moments: DatetimeConverter) -> Converter:
    """Return what writes the cells of a column."""
    match column.kind:
        case CellKind.CHOICE | CellKind.BOOLEAN:
            word = value_labeller(column)
            return CachedConverter(lambda value: _text_cell(word(value))).convert
        case CellKind.DATE:
            return CachedConverter(_date_cell).convert
        case CellKind.DATETIME:
            return lambda cells: [_moment_cell(text) for text in moments.convert(cells)]
        case CellKind.NUMBER | CellKind.MONEY | CellKind.MINUTES | CellKind.BYTES:
            return lambda cells: [_number_cell(cell, column.kind) for cell in cells]
        case _:
            return lambda cells: [_text_cell(text) for text in to_texts(cells)]


def _text_cell(text: str) -> str:
    return f'<table:table-cell office:value-type="string">{_paragraphs(text)}</table:table-cell>' if text else _EMPTY


def _paragraphs(text: str) -> str:
    """Return a paragraph for each line, with the blanks that XML would join."""
    plain = escape(_UNWRITABLE.sub("\ufffd", text))
    lines = _NEWLINE.split(plain) if "\n" in plain or "\r" in plain else [plain]
    return "".join(f"<text:p>{_BLANKS.sub(_kept_blanks, line)}</text:p>" for line in lines)


def _kept_blanks(found: re.Match[str]) -> str:
    return "<text:tab/>" if found[0] == "\t" else f'<text:s text:c="{len(found[0])}"/>'


def _typed_cell(kind: CellKind, value_type: str, value: str, shown: str) -> str:
    style = f' table:style-name="{_CELL_STYLES[kind]}"' if kind in _CELL_STYLES else ""
    attribute = "date-value" if value_type == "date" else "value"
    return (
        f'<table:table-cell{style} office:value-type="{value_type}" office:{attribute}="{value}">'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )


def _date_cell(cell: object) -> str:
    try:
        day = cell if cell is None or type(cell) is dt.date else dt.date.fromisoformat(str(cell)[:10])
    except ValueError:
        return _text_cell(str(cell))
    return _EMPTY if day is None else _typed_cell(CellKind.DATE, "date", str(day), str(day))


def _moment_cell(text: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        return _text_cell(text)
    return _EMPTY if moment is None else _typed_cell(CellKind.DATETIME, "date", moment.isoformat(), text)


def _number_cell(cell: object, kind: CellKind) -> str:
    if cell is None:
        return _EMPTY
    number = to_decimal(cell)
    if number is None:
        return _EMPTY if isinstance(cell, float | Decimal) else _text_cell(str(cell))
    text = format(number, "f")
    return _typed_cell(kind, "float", text, text)
