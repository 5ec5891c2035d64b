"""Lists as CSV, in which no spreadsheet finds a formula."""

from __future__ import annotations

import re
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

from views.exports.columns import CellKind, Moments, Written, as_texts, exact, headings, in_batches, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from views.exports.columns import Cells, Converter, ExportColumn, Rows


def csv_stream(columns: Sequence[ExportColumn], rows: Rows, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield a CSV in UTF-8, the headings before the first row is asked for.

    Commas and CRLF as RFC 4180 has them, since programs read CSV more often than people, who get the
    XLSX; the byte order mark tells Excel of the UTF-8. Dates and moments are ISO, in ``zone``.
    """
    yield b"\xef\xbb\xbf" + _csv_lines([tuple(map(_csv_text, headings(columns, zone)))])
    moments = Moments(zone)
    for converted in in_batches(rows, [_csv_converter(column, moments) for column in columns]):
        yield _csv_lines(converted)


def _csv_converter(column: ExportColumn, moments: Moments) -> Converter:
    match column.kind:
        case CellKind.CHOICE | CellKind.YES_NO | CellKind.DATE:
            word = wording(column)
            return Written(lambda value: _csv_text(word(value))).column
        case CellKind.MOMENT:
            return lambda cells: moments.column(cells, _csv_text)
        case CellKind.NUMBER | CellKind.MONEY:
            return lambda cells: list(map(_plain_number, cells))
        case _:
            return _csv_texts


def _plain_number(cell: object) -> str:
    """Return a number as a CSV holds it: all its digits, no exponent; nothing for what is not finite."""
    if cell is None or type(cell) is int:
        return "" if cell is None else str(cell)
    number = exact(cell)
    if number is not None:
        return format(number, "f")
    return "" if isinstance(cell, float | Decimal) else _csv_text(str(cell))


# Python 3.11's csv.writer looks at every character by itself and took four fifths of the time of an export;
# a batch of texts is searched here for what makes quotes necessary, and cells are joined as they are.
_TO_QUOTE = re.compile('[",\r\n]')


def _csv_texts(cells: Cells) -> list[str]:
    """Return a batch of texts as a CSV holds them; one in which nothing has to be done is only looked over."""
    texts = as_texts(cells)
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


def _csv_lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return rows of finished cells as lines; half letters, which UTF-8 cannot hold, become "?"."""
    # A row of one empty cell would be an empty line, which readers skip.
    lines = (",".join(row) if row != ("",) else '""' for row in rows)
    return "".join([f"{line}\r\n" for line in lines]).encode("utf-8", "replace")


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
