"""Lists as Excel workbooks, with typed cells."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from itertools import chain, islice
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from rustpy_xlsxwriter import Format, write_worksheets

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

    from views.exports.columns import Cells, Converter, ExportColumn, Rows
    from views.exports.head import ExportHead

MAX_SHEET_ROWS = 1_048_575  # below the headings
_MAX_CELL_UNITS = 32_767  # of UTF-16, as Excel counts
_TRUNCATION_MARK = " […]"
_INVALID_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MIN_YEAR = "1900"  # Excel's calendar begins there
_MAX_DIGITS = 15  # that a number of Excel's holds exactly

_FORMATS = {CellKind.MONEY: "[$Rp-421]#,##0.00", CellKind.DATE: "yyyy-mm-dd", CellKind.DATETIME: "yyyy-mm-dd hh:mm:ss"}
_WIDTHS = {CellKind.TEXT: 32, CellKind.CHOICE: 20, CellKind.MONEY: 20, CellKind.DATETIME: 20}


def xlsx_file(
    columns: Sequence[ExportColumn],
    rows: Rows,
    zone: ZoneInfo,
    sheet: str,
    *,
    expected_rows: int = 0,
    head: ExportHead | None = None,
) -> IO[bytes]:
    """Return an opened temporary file with the rows as a workbook, at its beginning; closing deletes it.

    Numbers, dates and moments (in ``zone``, without one of their own) are typed, and text is never a
    formula. Texts are cut, visibly, where a cell of Excel's ends. ``expected_rows`` is how many rows are
    expected: above a sheet's 1,048,575, further sheets are made ready. Raises TooLarge if they do not
    suffice. ``head`` is a sheet of its own behind them.
    """
    sheets = max(1, -(-expected_rows // MAX_SHEET_ROWS))
    names = [_sheet_name(sheet, number) for number in range(1, sheets + 1)]
    keys = [_Heading(heading) for heading in headings(columns, zone)]
    moments = DatetimeConverter(zone)
    formats = [_format(column.kind) for column in columns]
    widths = [_width(column.kind, key) for column, key in zip(columns, keys, strict=True)]
    typed = chain.from_iterable(convert_in_batches(rows, [_xlsx_converter(column, moments) for column in columns]))
    parts: list[tuple[str, Iterable[dict[str, Any]]]] = [
        (name, _sheet_rows(keys, typed, is_last=name == names[-1])) for name in names
    ]
    column_formats: dict[str, dict[str, Format] | list[Format]] = dict.fromkeys(names, formats)
    column_widths: dict[str, dict[str, float] | list[float]] = dict.fromkeys(names, widths)
    if head is not None:
        sheet_name = _sheet_name(head.sheet, 1)
        parts.append((sheet_name, _head_rows(head)))
        column_formats[sheet_name] = [_format(CellKind.TEXT)] * 2
        column_widths[sheet_name] = [24.0, 80.0]
    file = NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the caller closes it
    try:
        write_worksheets(
            parts,
            file.name,
            freeze_panes={"general": {"row": 1, "col": 0}},
            header_format={name: Format().set_bold() for name, _rows in parts},
            column_formats=column_formats,
            column_widths=column_widths,
            autofilter=dict.fromkeys(names, True),
        )
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


class _Heading(str):
    """A heading that is equal to itself alone, so that two columns of one name stay two."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _sheet_rows(
    keys: Sequence[str], rows: Iterator[tuple[object, ...]], *, is_last: bool
) -> Iterator[dict[str, object]]:
    """Yield one sheet's rows as the writer takes them; headings stand over nothing too."""
    count = 0
    for row in islice(rows, MAX_SHEET_ROWS):
        count += 1
        yield dict(zip(keys, row, strict=True))
    if not count:
        yield dict.fromkeys(keys)
    if is_last and next(rows, None) is not None:
        raise FileTooLarge(_("There are more rows than an Excel sheet can hold. Narrow the list, or export it as CSV."))


def _head_rows(head: ExportHead) -> Iterator[dict[str, object]]:
    """Yield the rows of the sheet with the head, its title in the place of headings."""
    keys = [_Heading(_to_cell_text(head.title)), _Heading("")]
    for label, value in (*head.facts, *head.signing_lines()):
        yield dict(zip(keys, (_to_cell_text(label), _to_cell_text(value)), strict=True))


def _sheet_name(name: str, number: int) -> str:
    """Return a name that Excel allows: 31 characters at most, no brackets, slashes, : * ?, no apostrophe at an end."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip("' ")
    # Excel keeps "History" for itself.
    plain = "Data" if plain.casefold() in {"", "history"} else plain
    ending = f" ({number})" if number > 1 else ""
    return plain[: 31 - len(ending)].rstrip("' ") + ending


def _format(kind: CellKind) -> Format:
    """Return how a column's cells look; text stays text, also when somebody edits it in Excel."""
    if kind in {CellKind.TEXT, CellKind.CHOICE, CellKind.BOOLEAN}:
        return Format().set_quote_prefix()
    return Format().set_num_format(_FORMATS.get(kind, "General"))


def _width(kind: CellKind, heading: str) -> float:
    """Return a column's width in characters: room for its values, and for its heading with the filter's arrow."""
    return float(max(_WIDTHS.get(kind, 12), min(len(heading) + 4, 40)))


def _xlsx_converter(column: ExportColumn, moments: DatetimeConverter) -> Converter:
    match column.kind:
        case CellKind.CHOICE | CellKind.BOOLEAN:
            word = value_labeller(column)
            return CachedConverter(lambda value: _to_cell_text(word(value))).convert
        case CellKind.DATE:
            return CachedConverter(_to_date).convert
        case CellKind.DATETIME:
            return lambda cells: _to_datetimes(moments.convert(cells))
        case CellKind.NUMBER | CellKind.MONEY | CellKind.MINUTES | CellKind.BYTES:
            return lambda cells: list(map(_to_number, cells))
        case _:
            return _to_cell_texts


def _to_cell_texts(cells: Cells) -> Cells:
    """Return a batch of texts as cells can hold them; one in which all can is only looked over."""
    texts = to_texts(cells)
    if max(map(len, texts)) * 2 <= _MAX_CELL_UNITS:
        together = " ".join(texts)
        if together.isprintable() or not _INVALID_CHARACTERS.search(together):
            return texts
    return [_to_cell_text(text) for text in texts]


def _to_cell_text(text: str) -> str:
    """Return a text as a cell can hold it: what XML cannot say shown as a sign for it, what is too long cut."""
    plain = _INVALID_CHARACTERS.sub("\ufffd", text)
    units = plain.encode("utf-16-le")
    if len(units) // 2 <= _MAX_CELL_UNITS:
        return plain
    return units[: 2 * (_MAX_CELL_UNITS - len(_TRUNCATION_MARK))].decode("utf-16-le", "ignore") + _TRUNCATION_MARK


def _to_date(cell: object) -> object:
    """Return a date, or the text of one, as a date; as text where Excel's calendar does not reach."""
    try:
        day = cell if cell is None or type(cell) is dt.date else dt.date.fromisoformat(str(cell)[:10])
    except ValueError:
        return _to_cell_text(str(cell))
    return day if day is None or str(day) >= _MIN_YEAR else str(day)


def _to_datetimes(texts: Sequence[str]) -> list[object]:
    """Return a batch of local times as datetimes without a zone, which is all that a cell can hold."""
    read = dt.datetime.fromisoformat
    try:
        if min(filter(None, texts), default=_MIN_YEAR) >= _MIN_YEAR:
            return [read(text) if text else None for text in texts]
    except ValueError:
        pass
    return [_to_datetime(text) for text in texts]


def _to_datetime(text: str) -> object:
    try:
        return dt.datetime.fromisoformat(text) if text >= _MIN_YEAR else text or None
    except ValueError:
        return _to_cell_text(text)


def _to_number(cell: object) -> object:
    """Return a number as Excel holds it; as text where it would lose digits."""
    if cell is None or (type(cell) is int and -(10**_MAX_DIGITS) < cell < 10**_MAX_DIGITS):
        return cell
    number = to_decimal(cell)
    if number is None:
        return None if isinstance(cell, float | Decimal) else _to_cell_text(str(cell))
    if isinstance(cell, float) or len(number.normalize().as_tuple().digits) <= _MAX_DIGITS:
        return float(number)
    return format(number, "f")
