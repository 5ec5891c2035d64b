"""Writers of exported lists, CSV and XLSX: rows in, bytes out, at constant memory, with no knowledge of screens.

Rows are tuples, in the order of the columns, and may come straight from the database driver: a moment
as an aware datetime, as a naive one in UTC or as SQLite's text, a date as a date or as text. They are
turned a batch and a column at a time, so that Python runs for a cell only where something has to be done.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import chain, islice
from operator import attrgetter, itemgetter
from tempfile import NamedTemporaryFile
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from rustpy_xlsxwriter import Format, write_worksheets

from lpse_admin.errors import TooLarge
from lpse_admin.message import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    Rows = Iterable[Sequence[object]]
    Cells = Sequence[object]
    Converter = Callable[[Cells], Cells]

_Cell = TypeVar("_Cell")

_BATCH = 1_000
_MOST_REMEMBERED = 30_000  # the hours of three years, or 6 MB


class CellKind(StrEnum):
    """What the cells of a column hold, and so how they are written."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of an export.

    ``labels`` gives the words for the values of a CHOICE; a YES_NO needs those for "yes" and "no".
    """

    heading: str
    kind: CellKind = CellKind.TEXT
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


_ZONE_NAMES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Ujung_Pandang": "WITA",
    "Asia/Jayapura": "WIT",
}


def zone_name(zone: ZoneInfo) -> str:
    """Return what people call the zone: WIB, WITA, WIT, or else its key."""
    return _ZONE_NAMES.get(zone.key, zone.key)


def _headings(columns: Sequence[ExportColumn], zone: ZoneInfo) -> list[str]:
    """Return the headings, the zone named in those above moments."""
    behind = f" ({zone_name(zone)})"
    return [column.heading + (behind if column.kind is CellKind.MOMENT else "") for column in columns]


# --- formulas --------------------------------------------------------------------------------------------

# What a spreadsheet skips before it looks whether a cell is a formula, and what then makes it one
# (also in the full-width and small forms that an East Asian Excel reads alike).
_BLANK = "\\s\x00-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_AT_START = re.compile(f"[\t\r\n]|[{_BLANK}]*[{_FORMULA}]")
# Where Excel parts cells at semicolons, as it does in Indonesia, a comma's quotes mean nothing to it: what
# stands behind a semicolon or line end within a text then begins a cell. A plain "- point" of a list may stand.
_INSIDE = re.compile(f"([;\r\n][{_BLANK}]*)(?=[{_FORMULA}])(?!- [^|!=(;\r\n]*(?:[;\r\n]|\\Z))")
_INNER_MARKS = (";", "\n", "\r")
_FIRST = re.compile(f"[{_BLANK}{_FORMULA}]")


def neutral(text: str) -> str:
    """Return ``text`` such that no spreadsheet that opens a CSV takes it, or a part of it, for a formula.

    An apostrophe goes before a text that begins with = + - @ (behind blanks too), a tab or a line end,
    and before such a sign behind a semicolon or line end within the text.
    """
    inside = _INSIDE.sub(r"\1'", text.lstrip())
    leading = text[: len(text) - len(text.lstrip())]
    return f"'{leading}{inside}" if _AT_START.match(text) else leading + inside


def _is_harmless(texts: Sequence[str], together: str) -> bool:
    """Tell whether nothing in a batch can be meant as a formula, without looking at each text."""
    if any(map(_FIRST.match, set(map(_first, texts)))):
        return False
    return not (any(mark in together for mark in _INNER_MARKS) and _INSIDE.search(together))


_first: Callable[[str], str] = itemgetter(slice(1))


def _texts(cells: Cells) -> list[str]:
    """Return a batch as texts, nothing as the empty text."""
    return [cell if type(cell) is str else "" if cell is None else str(cell) for cell in cells]


# --- words for values ------------------------------------------------------------------------------------


class _Written(dict[object, _Cell], Generic[_Cell]):
    """What is written for a column's values, worked out once for each value and remembered."""

    def __init__(self, write: Callable[[object], _Cell]) -> None:
        """Write each value by ``write``."""
        super().__init__()
        self._write = write

    def __missing__(self, value: object) -> _Cell:
        """Write a value that is new, and remember it unless there are very many."""
        cell = self._write(value)
        if len(self) < _MOST_REMEMBERED:
            self[value] = cell
        return cell

    def column(self, cells: Cells) -> list[_Cell]:
        """Return what is written for a batch."""
        return list(map(self.__getitem__, cells))


def _word(column: ExportColumn) -> Callable[[object], str]:
    """Return the function that gives the word for a value; what has no label stands as it is, nothing is empty."""
    labels: Mapping[Any, str] = column.labels
    if column.kind is CellKind.YES_NO:
        labels = {True: labels.get("yes", "yes"), False: labels.get("no", "no")}
    return lambda value: "" if value is None else labels.get(value, str(value))


# --- dates and moments -----------------------------------------------------------------------------------


class _UnevenHourError(LookupError):
    """In this hour the zone is not a whole number of hours from UTC, or changes."""


class _Hours(dict[str, str]):
    """The zone's "2026-03-31 14" for UTC's "2026-03-31 07": one reckoning an hour, instead of one a cell."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Reckon for ``zone``."""
        super().__init__()
        self._zone = zone

    def __missing__(self, hour: str) -> str:
        """Reckon an hour. Raises ValueError where it is none, _UnevenHourError."""
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        moment = dt.datetime.fromisoformat(hour).replace(tzinfo=dt.UTC)
        start, end = moment.astimezone(self._zone), (moment + dt.timedelta(hours=1)).astimezone(self._zone)
        if start.utcoffset() != end.utcoffset() or start.minute or start.second:
            raise _UnevenHourError(hour)
        self[hour] = start.isoformat(" ")[:13]
        return self[hour]


# "2026-03-31 07:30:00", with or without SQLite's six decimals: a text of any other length may name a zone.
_PLAIN_LENGTHS = frozenset({19, 26})
_UTC_ZONES = frozenset({None, dt.UTC})


class _Moments:
    """Writes moments as "2026-03-31 14:30:00" in the zone, as much of a batch at once as can be."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Write for ``zone``."""
        self._zone = zone
        self._hours = _Hours(zone)

    def column(self, cells: Cells, write: Callable[[str], str] = str) -> list[str]:
        """Return a batch's moments as texts, nothing as the empty one; ``write`` is for what is no moment."""
        hours = self._hours
        try:
            return [hours[text[:13]] + text[13:19] if text else "" for text in self._in_utc(cells)]
        except (ValueError, LookupError, OverflowError):
            return [self._single(cell, write) for cell in cells]

    @staticmethod
    def _in_utc(cells: Cells) -> Iterable[str | None]:
        """Return a batch as texts in UTC, if it is known to be one. Raises ValueError where it is not."""
        present = [cell for cell in cells if cell is not None]
        kinds = set(map(type, present))
        if kinds <= {str} and _PLAIN_LENGTHS.issuperset(map(len, present)):  # type: ignore[arg-type]
            return cells  # type: ignore[return-value]
        if kinds == {dt.datetime} and _UTC_ZONES.issuperset(map(_zone_of, present)):
            return ["" if cell is None else str(cell) for cell in cells]
        raise ValueError

    def _single(self, cell: object, write: Callable[[str], str]) -> str:
        """Return one moment as text, from any form."""
        try:
            moment = cell if isinstance(cell, dt.datetime) else dt.datetime.fromisoformat(str(cell or ""))
            aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
            return aware.astimezone(self._zone).isoformat(" ")[:19]
        except (ValueError, OverflowError):
            return "" if cell is None else write(str(cell))


_zone_of = attrgetter("tzinfo")

# --- numbers ---------------------------------------------------------------------------------------------


def _decimal(cell: object) -> Decimal | None:
    """Return a number, or a text that is one, exactly; None for what is none."""
    try:
        number = Decimal(int(cell) if isinstance(cell, bool) else str(cell))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _plain_number(cell: object) -> str:
    """Return a number as a CSV holds it: all its digits, no exponent; nothing for what is not finite."""
    if cell is None or type(cell) is int:
        return "" if cell is None else str(cell)
    number = _decimal(cell)
    if number is not None:
        return format(number, "f")
    return "" if isinstance(cell, float | Decimal) else _csv_text(str(cell))


# --- CSV -------------------------------------------------------------------------------------------------


def csv_stream(columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield a CSV in UTF-8, the headings before the first row is asked for.

    Commas and CRLF as RFC 4180 has them, since programs read CSV more often than people, who get the
    XLSX; the byte order mark tells Excel of the UTF-8. Dates and moments are ISO, in ``zone``.
    """
    yield b"\xef\xbb\xbf" + _csv_lines([tuple(map(_csv_text, _headings(columns, zone)))])
    moments = _Moments(zone)
    for converted in _converted(rows, [_csv_converter(column, moments) for column in columns]):
        yield _csv_lines(converted)


def _csv_converter(column: ExportColumn, moments: _Moments) -> Converter:
    match column.kind:
        case CellKind.CHOICE | CellKind.YES_NO | CellKind.DATE:
            word = _word(column)
            return _Written(lambda value: _csv_text(word(value))).column
        case CellKind.MOMENT:
            return lambda cells: moments.column(cells, _csv_text)
        case CellKind.NUMBER | CellKind.MONEY:
            return lambda cells: list(map(_plain_number, cells))
        case _:
            return _csv_texts


# Python 3.11's csv.writer looks at every character by itself and took four fifths of the time of an export;
# a batch of texts is searched here for what makes quotes necessary, and cells are joined as they are.
_TO_QUOTE = re.compile('[",\r\n]')


def _csv_texts(cells: Cells) -> list[str]:
    """Return a batch of texts as a CSV holds them; one in which nothing has to be done is only looked over."""
    texts = _texts(cells)
    together = "\x00".join(texts)
    if not _is_harmless(texts, together):
        texts = [neutral(text) for text in texts]
    if any(mark in together for mark in ('"', ",", "\r", "\n")):
        texts = [_quoted(text) for text in texts]
    return texts


def _csv_text(text: str) -> str:
    """Return one text as a CSV holds it."""
    return _quoted(neutral(text))


def _quoted(text: str) -> str:
    """Put a text between quotes where RFC 4180 wants it."""
    return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text


def _converted(rows: Rows, converters: Sequence[Converter]) -> Iterator[Iterable[tuple[Any, ...]]]:
    """Yield the rows, a batch at a time, each column through its converter."""
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        cells = zip(*batch, strict=True)
        yield zip(*(convert(column) for convert, column in zip(converters, cells, strict=True)), strict=True)


def _csv_lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return rows of finished cells as lines; half letters, which UTF-8 cannot hold, become "?"."""
    # A row of one empty cell would be an empty line, which readers skip.
    lines = (",".join(row) if row != ("",) else '""' for row in rows)
    return "".join([f"{line}\r\n" for line in lines]).encode("utf-8", "replace")


# --- XLSX ------------------------------------------------------------------------------------------------

MOST_SHEET_ROWS = 1_048_575  # below the headings
_MOST_CELL_UNITS = 32_767  # of UTF-16, as Excel counts
_CUT = " […]"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EARLIEST = "1900"  # Excel's calendar begins there
_MOST_DIGITS = 15  # that a number of Excel's holds exactly

_FORMATS = {CellKind.MONEY: "[$Rp-421]#,##0.00", CellKind.DATE: "yyyy-mm-dd", CellKind.MOMENT: "yyyy-mm-dd hh:mm:ss"}
_WIDTHS = {CellKind.TEXT: 32, CellKind.CHOICE: 20, CellKind.MONEY: 20, CellKind.MOMENT: 20}


def xlsx_file(
    columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo, sheet: str, *, expected: int = 0
) -> IO[bytes]:
    """Return an opened temporary file with the rows as a workbook, at its beginning; closing deletes it.

    Numbers, dates and moments (in ``zone``, without one of their own) are typed, and text is never a
    formula. Texts are cut, visibly, where a cell of Excel's ends. ``expected`` is how many rows are
    expected: above a sheet's 1,048,575, further sheets are made ready. Raises TooLarge if they do not
    suffice.
    """
    sheets = max(1, -(-expected // MOST_SHEET_ROWS))
    names = [_sheet_name(sheet, number) for number in range(1, sheets + 1)]
    keys = [_Heading(heading) for heading in _headings(columns, zone)]
    moments = _Moments(zone)
    formats = [_format(column.kind) for column in columns]
    widths = [_width(column.kind, key) for column, key in zip(columns, keys, strict=True)]
    typed = chain.from_iterable(_converted(rows, [_xlsx_converter(column, moments) for column in columns]))
    parts: list[tuple[str, Iterable[dict[str, Any]]]] = [
        (name, _sheet_rows(keys, typed, is_last=name == names[-1])) for name in names
    ]
    file = NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the caller closes it
    try:
        write_worksheets(
            parts,
            file.name,
            freeze_panes={"general": {"row": 1, "col": 0}},
            header_format={name: Format().set_bold() for name in names},
            column_formats=dict.fromkeys(names, formats),
            column_widths=dict.fromkeys(names, widths),
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
    for row in islice(rows, MOST_SHEET_ROWS):
        count += 1
        yield dict(zip(keys, row, strict=True))
    if not count:
        yield dict.fromkeys(keys)
    if is_last and next(rows, None) is not None:
        raise TooLarge(_("These are more rows than an Excel sheet holds. Narrow the list, or export it as CSV."))


def _sheet_name(name: str, number: int) -> str:
    """Return a name that Excel allows: 31 characters at most, no brackets, slashes, : * ?, no apostrophe at an end."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip("' ")
    # Excel keeps "History" for itself.
    plain = "Data" if plain.casefold() in {"", "history"} else plain
    ending = f" ({number})" if number > 1 else ""
    return plain[: 31 - len(ending)].rstrip("' ") + ending


def _format(kind: CellKind) -> Format:
    """Return how a column's cells look; text stays text, also when somebody edits it in Excel."""
    if kind in {CellKind.TEXT, CellKind.CHOICE, CellKind.YES_NO}:
        return Format().set_quote_prefix()
    return Format().set_num_format(_FORMATS.get(kind, "General"))


def _width(kind: CellKind, heading: str) -> float:
    """Return a column's width in characters: room for its values, and for its heading with the filter's arrow."""
    return float(max(_WIDTHS.get(kind, 12), min(len(heading) + 4, 40)))


def _xlsx_converter(column: ExportColumn, moments: _Moments) -> Converter:
    match column.kind:
        case CellKind.CHOICE | CellKind.YES_NO:
            word = _word(column)
            return _Written(lambda value: _writable(word(value))).column
        case CellKind.DATE:
            return _Written(_typed_date).column
        case CellKind.MOMENT:
            return lambda cells: _typed_moments(moments.column(cells))
        case CellKind.NUMBER | CellKind.MONEY:
            return lambda cells: list(map(_typed_number, cells))
        case _:
            return _writable_texts


def _writable_texts(cells: Cells) -> Cells:
    """Return a batch of texts as cells can hold them; one in which all can is only looked over."""
    texts = _texts(cells)
    if max(map(len, texts)) * 2 <= _MOST_CELL_UNITS:
        together = " ".join(texts)
        if together.isprintable() or not _UNWRITABLE.search(together):
            return texts
    return [_writable(text) for text in texts]


def _writable(text: str) -> str:
    """Return a text as a cell can hold it: what XML cannot say shown as a sign for it, what is too long cut."""
    plain = _UNWRITABLE.sub("\ufffd", text)
    units = plain.encode("utf-16-le")
    if len(units) // 2 <= _MOST_CELL_UNITS:
        return plain
    return units[: 2 * (_MOST_CELL_UNITS - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def _typed_date(cell: object) -> object:
    """Return a date, or the text of one, as a date; as text where Excel's calendar does not reach."""
    try:
        day = cell if cell is None or type(cell) is dt.date else dt.date.fromisoformat(str(cell)[:10])
    except ValueError:
        return _writable(str(cell))
    return day if day is None or str(day) >= _EARLIEST else str(day)


def _typed_moments(texts: Sequence[str]) -> list[object]:
    """Return a batch of local times as datetimes without a zone, which is all that a cell can hold."""
    read = dt.datetime.fromisoformat
    try:
        if min(filter(None, texts), default=_EARLIEST) >= _EARLIEST:
            return [read(text) if text else None for text in texts]
    except ValueError:
        pass
    return [_typed_moment(text) for text in texts]


def _typed_moment(text: str) -> object:
    try:
        return dt.datetime.fromisoformat(text) if text >= _EARLIEST else text or None
    except ValueError:
        return _writable(text)


def _typed_number(cell: object) -> object:
    """Return a number as Excel holds it; as text where it would lose digits."""
    if cell is None or (type(cell) is int and -(10**_MOST_DIGITS) < cell < 10**_MOST_DIGITS):
        return cell
    number = _decimal(cell)
    if number is None:
        return None if isinstance(cell, float | Decimal) else _writable(str(cell))
    if isinstance(cell, float) or len(number.normalize().as_tuple().digits) <= _MOST_DIGITS:
        return float(number)
    return format(number, "f")
