"""The printed sheets of an asset list: equal items in one row, headings, and the changes of a half-year."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lpse_admin.inventory.cards import CARD_COLUMNS, Card
from lpse_admin.inventory.codes import register_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    State = Mapping[str, Any]

#: What a group of columns has above them on the printed card, by its first and last column.
HEADING_GROUPS: Mapping[Card, tuple[tuple[str, str, str], ...]] = {
    Card.A: (("code", "register", "Nomor"), ("right", "certificate_number", "Status tanah")),
    Card.B: (("factory_number", "ownership_book", "Nomor"),),
    Card.C: (("code", "register", "Nomor"), ("multi_storey", "concrete", "Konstruksi bangunan"),
             ("document_date", "document_number", "Dokumen gedung")),
    Card.D: (("code", "register", "Nomor"), ("document_date", "document_number", "Dokumen")),
    Card.E: (("code", "register", "Nomor"), ("book_title", "specification", "Buku / perpustakaan"),
             ("region_of_origin", "material", "Barang bercorak kesenian / kebudayaan"),
             ("species", "size", "Hewan / ternak dan tumbuhan")),
    Card.F: (("multi_storey", "concrete", "Konstruksi bangunan"), ("document_date", "document_number", "Dokumen")),
    Card.INTANGIBLE: (),
}  # fmt: skip
#: What may differ between equal items that are printed in one row.
_OWN_OF_EACH = frozenset({"register", "nibar"})


@dataclass(slots=True)
class SheetRow:
    """Equal items in one row: what they have in common, their register numbers, and how many they are."""

    state: State
    registers: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many items they are."""
        return len(self.registers)

    @property
    def register_text(self) -> str:
        """Their register numbers: 0001, or 0001 s/d 0015."""
        first, last = self.registers[0], self.registers[-1]
        return first if first == last else f"{first} s/d {last}"

    @property
    def price(self) -> Decimal:
        """The sum of their prices."""
        return price_of(self.state) * self.count


def price_of(state: State | None) -> Decimal:
    """Return the price of an item; nothing counts as zero."""
    return Decimal(str((state or {}).get("price") or 0))


def group_equal(states: Iterable[State]) -> list[SheetRow]:
    """Return items in the order given, those that are equal and follow one another in one row."""
    rows: list[SheetRow] = []
    last_key = None
    for state in states:
        key = _common(state)
        if rows and key == last_key and _follows(rows[-1].registers[-1], str(state["register"])):
            rows[-1].registers.append(str(state["register"]))
        else:
            rows.append(SheetRow(state, [str(state["register"])]))
        last_key = key
    return rows


def _common(state: State) -> str:
    return json.dumps(
        {key: value for key, value in state.items() if key not in _OWN_OF_EACH}, sort_keys=True, default=str
    )


def _follows(register: str, following: str) -> bool:
    one, two = register_number(register), register_number(following)
    return one is not None and two == one + 1


@dataclass(frozen=True, slots=True)
class Movement:
    """An item in a half-year: before it, after it, and why it changed. One that is not on the list is None."""

    before: State | None
    after: State | None
    note: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is something to report."""
        return self.before != self.after


@dataclass(slots=True)
class MovementRow:
    """Equal items with the same change in one row."""

    state: State
    note: str
    registers: list[str]
    #: (items, price of all) at the beginning, taken off, added, and at the end.
    start: tuple[int, Decimal]
    minus: tuple[int, Decimal]
    plus: tuple[int, Decimal]
    end: tuple[int, Decimal]

    @property
    def register_text(self) -> str:
        """Their register numbers."""
        return SheetRow(self.state, self.registers).register_text


_NONE = (0, Decimal(0))


def movement_rows(movements: Sequence[Movement]) -> list[MovementRow]:
    """Return the changes of a half-year, equal ones of items that follow one another in one row."""
    rows: list[MovementRow] = []
    last_key = None
    for one in movements:
        state = one.after or one.before
        if not one.changed or state is None:
            continue
        key = (_common(one.before or {}), _common(one.after or {}), one.note)
        register = str(state["register"])
        if rows and key == last_key and _follows(rows[-1].registers[-1], register):
            rows[-1] = _sum(rows[-1], _row(one, state, register))
        else:
            rows.append(_row(one, state, register))
        last_key = key
    return rows


def _row(one: Movement, state: State, register: str) -> MovementRow:
    before, after = price_of(one.before), price_of(one.after)
    start = (1, before) if one.before else _NONE
    end = (1, after) if one.after else _NONE
    minus = plus = _NONE
    if one.before is None:
        plus = end
    elif one.after is None:
        minus = start
    elif before != after:
        minus, plus = (0, max(before - after, Decimal(0))), (0, max(after - before, Decimal(0)))
    return MovementRow(state, one.note, [register], start, minus, plus, end)


def _sum(one: MovementRow, other: MovementRow) -> MovementRow:
    pairs = zip(
        (one.start, one.minus, one.plus, one.end), (other.start, other.minus, other.plus, other.end), strict=True
    )
    start, minus, plus, end = ((a[0] + b[0], a[1] + b[1]) for a, b in pairs)
    return MovementRow(one.state, one.note, [*one.registers, *other.registers], start, minus, plus, end)


def totals(rows: Sequence[MovementRow]) -> tuple[tuple[int, Decimal], ...]:
    """Return the sums at the beginning, taken off, added and at the end."""
    return tuple(
        (sum(pair[0] for pair in pairs), sum((pair[1] for pair in pairs), Decimal(0)))
        for pairs in (
            [row.start for row in rows],
            [row.minus for row in rows],
            [row.plus for row in rows],
            [row.end for row in rows],
        )
    )


def heading_rows(card: Card) -> tuple[list[tuple[str, int, int, str]], list[str]]:
    """Return the upper headings of a card (key, columns, rows, text of a group) and the keys of the lower ones."""
    upper: list[tuple[str, int, int, str]] = []
    lower: list[str] = []
    keys = [column.key for column in CARD_COLUMNS[card]]
    groups = {first: (last, title) for first, last, title in HEADING_GROUPS[card]}
    location = 0
    while location < len(keys):
        key = keys[location]
        if key in groups:
            last, title = groups[key]
            span = keys.index(last) - location + 1
            upper.append((key, span, 1, title))
            lower += keys[location : location + span]
            location += span
        else:
            upper.append((key, 1, 2, ""))
            location += 1
    return upper, lower
