"""Lists as CSV, in which no spreadsheet finds a formula."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
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
    from views.exports.head import ExportHead


@dataclass(frozen=True)
class CsvDialect:
    """What stands between cells, and so which texts need quotes and where a text could be parted."""

    separator: str = ","

    # Asked for with each text of an export: 1.8 ms of one of 1,000 rows.
    @cached_property
    def needs_quotes(self) -> re.Pattern[str]:
        """What makes quotes necessary."""
        return re.compile(f'["{self.separator}\r\n]')

    @property
    def inner_formula(self) -> re.Pattern[str]:
        """A formula within a text, where a spreadsheet with another separator would begin a cell.

        Where Excel parts cells at semicolons, as it does in Indonesia, a comma's quotes mean nothing to it.
        A plain "- point" of a list may stand.
        """
        begins = f"[;\r\n][{_BLANK}]*(?=[{_FORMULA}])(?!{_HARMLESS} *(?:[;\r\n]|\\Z))(?!- [^|!=(;\r\n]*(?:[;\r\n]|\\Z))"
        if self.separator != ",":
            # Behind a comma, which parts most sentences, only what no sentence has.
            begins += f"|,[{_BLANK}]*(?=[{_ALWAYS_FORMULA}]|[{_FORMULA}][^\\d\\s,;-])"
        return re.compile(f"({begins})")

    @property
    def inner_separators(self) -> tuple[str, ...]:
        """The characters at which a text could be parted."""
        return (";", "\n", "\r") if self.separator == "," else (",", ";", "\n", "\r")


def csv_stream(
    columns: Sequence[ExportColumn],
    rows: Rows,
    zone: ZoneInfo,
    separator: str = ",",
    *,
    head: ExportHead | None = None,
) -> Iterator[bytes]:
    """Yield a CSV in UTF-8, the headings before the first row is read.

    ``head`` stands above the headings, with an empty line below it, for people: programs expect none.

    CRLF and quotes as RFC 4180 has them, with commas or, for an Excel that is set to Indonesia, semicolons; the byte
    order mark tells Excel of the UTF-8. Dates and moments are ISO, in ``zone``.
    """
    dialect = CsvDialect(separator)
    writer = _Writer(dialect)
    above = writer.lines(tuple(map(writer.escape_text, line)) for line in head.lines()) + b"\r\n" if head else b""
    yield b"\xef\xbb\xbf" + above + writer.lines([tuple(map(writer.escape_text, headings(columns, zone)))])
    moments = DatetimeConverter(zone)
    for converted in convert_in_batches(rows, [writer.converter(column, moments) for column in columns]):
        yield writer.lines(converted)


class _Writer:
    """Writes cells and lines of a dialect.

    Python 3.11's csv.writer looks at every character by itself and took four fifths of the time of an export; a batch
    of texts is searched here for what makes quotes necessary, and cells are joined as they are.
    """

    def __init__(self, dialect: CsvDialect) -> None:
        self._dialect = dialect

    def converter(self, column: ExportColumn, moments: DatetimeConverter) -> Converter:
        """Return what writes the cells of a column."""
        match column.kind:
            case CellKind.CHOICE | CellKind.BOOLEAN | CellKind.DATE:
                word = value_labeller(column)
                return CachedConverter(lambda value: self.escape_text(word(value))).convert
            case CellKind.DATETIME:
                return lambda cells: moments.convert(cells, self.escape_text)
            case CellKind.NUMBER | CellKind.MONEY | CellKind.MINUTES | CellKind.BYTES:
                return lambda cells: list(map(self._plain_number, cells))
            case _:
                return self._escape_texts

    def _plain_number(self, cell: object) -> str:
        """Return a number as a CSV holds it: all its digits, no exponent; nothing for what is not finite.

        With semicolons the decimals stand behind a comma, as an Excel that is set to Indonesia reads and writes them.
        """
        if cell is None or type(cell) is int:
            return "" if cell is None else str(cell)
        number = to_decimal(cell)
        if number is not None:
            text = format(number, "f")
            if self._dialect.separator == ";":
                return text.replace(".", ",")
            # Three digits behind a point are thousands in Indonesia: a fourth leaves no doubt to who reads it back.
            return f"{text}0" if _THREE_DECIMALS.search(text) else text
        return "" if isinstance(cell, float | Decimal) else self.escape_text(str(cell))

    def _escape_texts(self, cells: Cells) -> list[str]:
        """Return a batch of texts as a CSV holds them; one in which nothing has to be done is only looked over."""
        texts = to_texts(cells)
        together = "\x00".join(texts)
        if not self._is_harmless(texts, together):
            texts = [escape_formula(text, self._dialect) for text in texts]
        if any(mark in together for mark in ('"', self._dialect.separator, "\r", "\n")):
            texts = [self._quote(text) for text in texts]
        return texts

    def escape_text(self, text: str) -> str:
        """Return one text as a CSV holds it."""
        return self._quote(escape_formula(text, self._dialect))

    def _quote(self, text: str) -> str:
        """Put a text between quotes where RFC 4180 wants it."""
        return '"' + text.replace('"', '""') + '"' if self._dialect.needs_quotes.search(text) else text

    def lines(self, rows: Iterable[tuple[str, ...]]) -> bytes:
        """Return rows of finished cells as lines; half letters, which UTF-8 cannot hold, become "?"."""
        # A row of one empty cell would be an empty line, which readers skip.
        join = self._dialect.separator.join
        lines = (join(row) if row != ("",) else '""' for row in rows)
        return "".join([f"{line}\r\n" for line in lines]).encode("utf-8", "replace")

    def _is_harmless(self, texts: Sequence[str], joined: str) -> bool:
        """Tell whether nothing in a batch can be meant as a formula, without looking at each text."""
        if any(map(_SUSPICIOUS_START.match, set(map(_first_character, texts)))):
            return False
        is_parted = any(mark in joined for mark in self._dialect.inner_separators)
        return not (is_parted and self._dialect.inner_formula.search(joined))


# What a spreadsheet skips before it looks whether a cell is a formula, and what then makes it one
# (also in the full-width and small forms that an East Asian Excel reads alike).
_BLANK = "\\s\x00-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_ALWAYS_FORMULA = "=@\uff1d\uff20\ufe66\ufe6b"
# What begins so and is none: strokes alone, a number with its sign, a telephone number. They hold no name, no
# reference and no function, and are left as they are, since an apostrophe would be a part of them.
_HARMLESS = r"(?:-{1,3}|[-+] ?\d[\d.,]*(?: ?%)?|\+\d[\d ().-]*(?: ?/ ?\+?\d[\d ().-]*)*)"
_FORMULA_START = re.compile(f"[\t\r\n]|[{_BLANK}]*[{_FORMULA}]")
_HARMLESS_TEXT = re.compile(f" *{_HARMLESS} *")
_SUSPICIOUS_START = re.compile(f"[{_BLANK}{_FORMULA}]")
_RFC_4180 = CsvDialect()
_THREE_DECIMALS = re.compile(r"\.\d{3}\Z", re.ASCII)


def escape_formula(text: str, dialect: CsvDialect = _RFC_4180) -> str:
    """Return ``text`` such that no spreadsheet that opens a CSV takes it, or a part of it, for a formula.

    An apostrophe goes before a text that begins with = + - @ (behind blanks too), a tab or a line end, and before such
    a sign behind a separator or line end within the text; not before a lone stroke, a number or a telephone number.
    """
    if _HARMLESS_TEXT.fullmatch(text):
        return text
    inside = dialect.inner_formula.sub(r"\1'", text.lstrip())
    leading = text[: len(text) - len(text.lstrip())]
    return f"'{leading}{inside}" if _FORMULA_START.match(text) else leading + inside


_first_character: Callable[[str], str] = itemgetter(slice(1))
