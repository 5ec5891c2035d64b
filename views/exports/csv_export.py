"""Lists as CSV, in which no spreadsheet finds a formula."""

from __future__ import annotations

import re
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

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
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from views.exports.columns import Cells, Converter, ExportColumn, Rows


def csv_stream(columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield a CSV in UTF-8, the headings before the first row is read.

    Commas and CRLF as RFC 4180 has them, since programs read CSV more often than people, who get the
    XLSX; the byte order mark tells Excel of the UTF-8. Dates and moments are ISO, in ``zone``.
    """
    yield b"\xef\xbb\xbf" + _csv_lines([tuple(map(_escape_text, headings(columns, zone)))])
    moments = DatetimeConverter(zone)
    for converted in convert_in_batches(rows, [_csv_converter(column, moments) for column in columns]):
        yield _csv_lines(converted)


def _csv_converter(column: ExportColumn, moments: DatetimeConverter) -> Converter:
    match column.kind:
        case CellKind.CHOICE | CellKind.BOOLEAN | CellKind.DATE:
            word = value_labeller(column)
            return CachedConverter(lambda value: _escape_text(word(value))).convert
        case CellKind.DATETIME:
            return lambda cells: moments.convert(cells, _escape_text)
        case CellKind.NUMBER | CellKind.MONEY:
            return lambda cells: list(map(_plain_number, cells))
        case _:
            return _escape_texts


def _plain_number(cell: object) -> str:
    """Return a number as a CSV holds it: all its digits, no exponent; nothing for what is not finite."""
    if cell is None or type(cell) is int:
        return "" if cell is None else str(cell)
    number = to_decimal(cell)
    if number is not None:
        return format(number, "f")
    return "" if isinstance(cell, float | Decimal) else _escape_text(str(cell))


# Python 3.11's csv.writer looks at every character by itself and took four fifths of the time of an export;
# a batch of texts is searched here for what makes quotes necessary, and cells are joined as they are.
_NEEDS_QUOTES = re.compile('[",\r\n]')


def _escape_texts(cells: Cells) -> list[str]:
    """Return a batch of texts as a CSV holds them; one in which nothing has to be done is only looked over."""
    texts = to_texts(cells)
    together = "\x00".join(texts)
    if not _is_harmless(texts, together):
        texts = [escape_formula(text) for text in texts]
    if any(mark in together for mark in ('"', ",", "\r", "\n")):
        texts = [_quote(text) for text in texts]
    return texts


def _escape_text(text: str) -> str:
    """Return one text as a CSV holds it."""
    return _quote(escape_formula(text))


def _quote(text: str) -> str:
    """Put a text between quotes where RFC 4180 wants it."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _csv_lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return rows of finished cells as lines; half letters, which UTF-8 cannot hold, become "?"."""
    # A row of one empty cell would be an empty line, which readers skip.
    lines = (",".join(row) if row != ("",) else '""' for row in rows)
    return "".join([f"{line}\r\n" for line in lines]).encode("utf-8", "replace")


# What a spreadsheet skips before it looks whether a cell is a formula, and what then makes it one
# (also in the full-width and small forms that an East Asian Excel reads alike).
_BLANK = "\\s\x00-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_FORMULA_START = re.compile(f"[\t\r\n]|[{_BLANK}]*[{_FORMULA}]")
# Where Excel parts cells at semicolons, as it does in Indonesia, a comma's quotes mean nothing to it: what
# stands behind a semicolon or line end within a text then begins a cell. A plain "- point" of a list may stand.
_INNER_FORMULA = re.compile(f"([;\r\n][{_BLANK}]*)(?=[{_FORMULA}])(?!- [^|!=(;\r\n]*(?:[;\r\n]|\\Z))")
_INNER_SEPARATORS = (";", "\n", "\r")
_SUSPICIOUS_START = re.compile(f"[{_BLANK}{_FORMULA}]")


def escape_formula(text: str) -> str:
    """Return ``text`` such that no spreadsheet that opens a CSV takes it, or a part of it, for a formula.

    An apostrophe goes before a text that begins with = + - @ (behind blanks too), a tab or a line end,
    and before such a sign behind a semicolon or line end within the text.
    """
    inside = _INNER_FORMULA.sub(r"\1'", text.lstrip())
    leading = text[: len(text) - len(text.lstrip())]
    return f"'{leading}{inside}" if _FORMULA_START.match(text) else leading + inside


def _is_harmless(texts: Sequence[str], joined: str) -> bool:
    """Tell whether nothing in a batch can be meant as a formula, without looking at each text."""
    if any(map(_SUSPICIOUS_START.match, set(map(_first_character, texts)))):
        return False
    return not (any(mark in joined for mark in _INNER_SEPARATORS) and _INNER_FORMULA.search(joined))


_first_character: Callable[[str], str] = itemgetter(slice(1))
