"""A list of assets as a file: which column is which, and the text of each row.

Takes XLSX, XLS, ODS and CSV as spreadsheets and other programs write them. The card of a row follows from its code,
unless it is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import CARD_COLUMNS, Card, CardColumnKind, card_columns
from lpse_admin.inventory.codes import CodeScheme, read_code
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_blank, is_dash, shorten, strip_blank
from lpse_admin.takeover.layout import IGNORED, Layout, find_layout, join_code
from lpse_admin.takeover.spreadsheet import number_of_a_program, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpse_admin.inventory.cards import CardColumn
    from lpse_admin.takeover.spreadsheet import Table

#: The most rows of a file.
MAX_ROWS = 20_000
#: A number of which a spreadsheet has kept the first digits only.
_CUT_NUMBER = re.compile(r"-?\d[.,]\d+E\+?\d+", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"\d[\d.]*(?:,\d+)?", re.ASCII)
#: The card by the beginning of the code.
_CARD_BY_CODE: Mapping[CodeScheme, Mapping[str, Card]] = {
    CodeScheme.PERMENDAGRI_108_2016: {
        "1.3.1": Card.A, "1.3.2": Card.B, "1.3.3": Card.C, "1.3.4": Card.D, "1.3.5": Card.E, "1.3.6": Card.F,
        "1.5.3": Card.INTANGIBLE,
    },
    CodeScheme.PERMENDAGRI_17_2007: {
        "01": Card.A, "02": Card.B, "03": Card.C, "04": Card.D, "05": Card.E, "06": Card.F, "07": Card.INTANGIBLE,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong with a cell, a row (without a column) or the file (without a row); numbers count from 1."""

    message: Message
    row: int | None = None
    column: int | None = None
    heading: str = ""

    def __str__(self) -> str:
        """Return the sentence in English."""
        return str(self.full_message)

    @property
    def full_message(self) -> Message:
        """The sentence with row and column before it."""
        if self.row is None:
            return self.message
        if self.column is None:
            return _("Row %(row)s: %(error)s", row=self.row, error=self.message)
        return _(
            "Row %(row)s, column %(column)s (%(heading)s): %(error)s",
            row=self.row,
            column=self.column,
            heading=self.heading,
            error=self.message,
        )


@dataclass(frozen=True, slots=True)
class CardRow:
    """A row of the file: its number as a spreadsheet counts it, its card, and its texts by column key."""

    number: int
    card: Card
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CardFile:
    """What was read of a file: its rows, what is wrong with it, and where each column stands."""

    rows: tuple[CardRow, ...]
    errors: tuple[CellError, ...]
    layout: Layout | None = None
    table: Table | None = None

    def error_at(self, row: CardRow, key: str, message: Message) -> CellError:
        """Return the error of the column ``key`` in ``row``; of the whole row where the file has no such column."""
        layout = self.layout
        keys = layout.keys(row.card) if layout else {}
        position = next((location for location, name in keys.items() if name == key), None)
        if key == "code" and layout and layout.code_columns:
            position = layout.code_columns[0]
        if position is None or layout is None:
            return CellError(message, row.number)
        return CellError(message, row.number, position, shorten(layout.heading(position)))


def read_card_file(content: bytes, card: Card | None = None, layout: Mapping[str, object] | None = None) -> CardFile:
    """Read a list; ``card`` is given where the codes do not say which, ``layout`` where the headings do not say it."""
    try:
        sheet = layout["sheet"] if layout else 1
        table = read_table(content, int(str(sheet)) - 1)
    except UnreadableError as refusal:
        return CardFile((), (CellError(refusal.message),))
    if all(is_blank(cell) for row in table.rows for cell in row):
        return CardFile((), (CellError(_("The file has no rows.")),), table=table)
    result = Layout.from_json(layout, table) if layout else find_layout(table)
    if result is None:
        message = _("The headings of the columns were not found: say in which row they are, and which column is which.")
        return CardFile((), (CellError(message),), table=table)
    return _read_rows(table, result, card)


def _read_rows(table: Table, layout: Layout, card: Card | None) -> CardFile:
    errors = list(_heading_errors(layout))
    numbered = [
        (number, row) for number, row in enumerate(table.rows, 1)
        if number >= layout.first_row and not all(map(is_blank, row))
    ]  # fmt: skip
    if len(numbered) > MAX_ROWS:
        errors.append(CellError(_("The file has more than %(most)s rows: split it.", most=MAX_ROWS)))
    if errors:
        return CardFile((), tuple(errors), layout, table)
    rows = []
    is_over = False
    for number, line in numbered:
        rest = _without_number(line, layout)
        is_over = is_over or _is_total(rest)
        if _is_row_of_numbers(line) or rest == "" or (is_over and rest is not None):
            continue
        row, wrong = _read_row(number, line, layout, card, is_from_program=table.is_from_program)
        errors += wrong
        if row is not None:
            rows.append(row)
    return CardFile(tuple(rows), tuple(errors), layout, table)


def _heading_errors(layout: Layout) -> Iterator[CellError]:
    for position, key in layout.columns.items():
        if not key:
            heading = shorten(layout.heading(position))
            yield CellError(_("This is not a column of a KIB card."), layout.heading_row, position, heading)
    for column in CARD_COLUMNS[Card.B]:
        if column.key in {"code", "name"} and not layout.has(column.key):
            yield CellError(_("The file has no column “%(column)s”.", column=column.label), layout.heading_row)


def _is_row_of_numbers(line: tuple[str, ...]) -> bool:
    """Whether the row numbers the columns, as printed cards do below their headings: 1 2 3 4."""
    cells = [strip_blank(cell) for cell in line]
    return len(cells) > 1 and cells == [str(number) for number in range(1, len(cells) + 1)]


def _without_number(line: tuple[str, ...], layout: Layout) -> str | None:
    """Return the name in a row that has neither code nor register number; None for a row of the list."""
    numbers = [
        *layout.code_columns,
        *(location for location, key in layout.columns.items() if key in {"code", "register"}),
    ]
    if any(location <= len(line) and not is_blank(line[location - 1]) for location in numbers):
        return None
    names = (line[location - 1] for location, key in layout.columns.items() if key == "name" and location <= len(line))
    return next(map(strip_blank, names), "")


def _is_total(name: str | None) -> bool:
    """Whether the sums begin, behind which there are signatures and remarks."""
    return name is not None and name.casefold().startswith(("jumlah", "total", "subtotal", "sub total"))


def _read_row(
    number: int, line: tuple[str, ...], layout: Layout, card: Card | None, *, is_from_program: bool
) -> tuple[CardRow | None, list[CellError]]:
    code = _code_of(line, layout)
    result = card or _card_of(number, code, layout)
    if isinstance(result, CellError):
        return None, [result]
    keys, columns = layout.keys(result), card_columns(result)
    texts: dict[str, str] = {"code": code} if layout.code_columns else {}
    errors: list[CellError] = []
    for position, cell in enumerate(line, 1):
        heading, key = shorten(layout.heading(position)), keys.get(position)
        if key is not None:
            texts[key], error = _text_of(columns[key], cell, layout, is_from_program=is_from_program)
            if error is not None:
                errors.append(CellError(error, number, position, heading))
        elif not is_blank(cell) and not is_dash(cell) and position not in layout.code_columns:
            if position > len(layout.headings):
                message = _("This row has more columns than the first row.")
                errors.append(CellError(message, number, position, heading))
            elif layout.columns.get(position, IGNORED) != IGNORED:
                errors.append(
                    CellError(_("“%(card)s” has no such column.", card=result.title), number, position, heading)
                )
    return CardRow(number, result, texts), errors


def _code_of(line: tuple[str, ...], layout: Layout) -> str:
    places = layout.code_columns or tuple(location for location, key in layout.columns.items() if key == "code")
    return join_code([line[location - 1] if location <= len(line) else "" for location in places])


def _card_of(number: int, code: str, layout: Layout) -> Card | CellError:
    """Return the card that the code of a row belongs to, or what is wrong with it."""
    places = layout.code_columns or tuple(location for location, key in layout.columns.items() if key == "code")
    heading = shorten(layout.heading(places[0]))
    try:
        result = read_code(code)
    except UnreadableError as refusal:
        return CellError(refusal.message, number, places[0], heading)
    for beginning, card in _CARD_BY_CODE[result.scheme].items():
        if result.code.startswith(f"{beginning}."):
            return card
    return CellError(_("The code belongs to no KIB card: say which one with --card."), number, places[0], heading)


def _text_of(column: CardColumn, cell: str, layout: Layout, *, is_from_program: bool) -> tuple[str, Message | None]:
    """Return the text of a cell as the card's column reads it, and what is wrong with it."""
    is_number = column.kind in {CardColumnKind.NUMBER, CardColumnKind.MONEY}
    if is_number and is_from_program:
        cell = number_of_a_program(cell)
    if column.kind is CardColumnKind.MONEY and layout.is_in_thousands:
        cell = _in_full(cell)
    if column.kind is CardColumnKind.TEXT and _CUT_NUMBER.fullmatch(strip_blank(cell)):
        return cell, _("The spreadsheet has lost digits of this number: format the column as text and enter it again.")
    return cell, None


def _in_full(cell: str) -> str:
    """Return an amount in thousands of rupiah as rupiah; what is no plain number stays as it is."""
    text = strip_blank(cell)
    if not _THOUSANDS.fullmatch(text):
        return cell
    whole, _comma, decimals = text.partition(",")
    digits = f"{decimals}000"
    return f"{whole.replace('.', '')}{digits[:3]}" + (f",{decimals[3:]}" if decimals[3:] else "")
