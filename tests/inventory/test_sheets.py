"""Sheets put equal items in one row, and say of a half-year what was there, what left and what came."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.inventory.cards import CARD_COLUMNS, Card
from lpse_admin.inventory.code_list import first_unknown_level, read_code_list, unknown_code
from lpse_admin.inventory.codes import read_registers
from lpse_admin.inventory.half_years import HalfYear, half_years, read_half_year
from lpse_admin.inventory.sheets import Movement, group_equal, heading_rows, movement_rows, totals


def item(register: str, **values: Any) -> dict[str, Any]:
    return {"code": "02.06.01.04.06", "register": register, "name": "Genset", "price": "10.00", **values}


def test_equal_items_in_sequence_are_one_row() -> None:
    rows = group_equal(
        [item("0001"), item("0002", nibar="1" * 45), item("0003"), item("0005"), item("0006", name="Pompa")]
    )
    assert [(row.register_text, row.count, row.price) for row in rows] == [
        ("0001 s/d 0003", 3, Decimal(30)), ("0005", 1, Decimal(10)), ("0006", 1, Decimal(10)),
    ]  # fmt: skip
    assert [row.register_text for row in group_equal([item("A-1"), item("A-1")])] == ["A-1", "A-1"]


@given(st.integers(9000, 10_500), st.integers(0, 500))
def test_any_range_that_is_printed_is_the_range_that_was_entered(first: int, more: int) -> None:
    registers = read_registers(f"{first} s/d {first + more}")
    (row,) = group_equal(item(register) for register in registers)
    assert read_registers(row.register_text) == registers


def test_a_half_year_says_what_came_left_and_changed_its_price() -> None:
    one, other = item("0001"), item("0001", price="25.00")
    rows = movement_rows([
        Movement(None, item("0001"), "Pencatatan"), Movement(None, item("0002"), "Pencatatan"),
        Movement(item("0003"), None, "Dihapus"), Movement(item("0004"), item("0004"), ""),
        Movement(one, other, "Diubah"), Movement(other, one, "Diubah"), Movement(None, None, ""),
        Movement(one, item("0001", condition="good"), "Koreksi"),
    ])  # fmt: skip
    ten, none = Decimal(10), (0, Decimal(0))
    assert [(row.register_text, row.start, row.minus, row.plus, row.end) for row in rows] == [
        ("0001 s/d 0002", none, none, (2, 2 * ten), (2, 2 * ten)),
        ("0003", (1, ten), (1, ten), none, none),
        ("0001", (1, ten), none, (0, Decimal(15)), (1, Decimal(25))),
        ("0001", (1, Decimal(25)), (0, Decimal(15)), none, (1, ten)),
        ("0001", (1, ten), none, none, (1, ten)),
    ]
    start, minus, plus, end = totals(rows)
    assert (start[0] - minus[0] + plus[0], start[1] - minus[1] + plus[1]) == end


@pytest.mark.parametrize("card", list(Card))
def test_the_headings_of_a_card_cover_all_its_columns(card: Card) -> None:
    upper, lower = heading_rows(card)
    keys = [column.key for column in CARD_COLUMNS[card]]
    assert sum(span for _key, span, _depth, _title in upper) == len(keys)
    assert {key for key, _span, depth, _title in upper if depth == 2} | set(lower) == set(keys)


def test_half_years_follow_one_another() -> None:
    first, second = HalfYear(2026, 1), HalfYear(2026, 2)
    assert (HalfYear.of(dt.date(2026, 6, 30)), HalfYear.of(dt.date(2026, 7, 1))) == (first, second)
    assert (first.first_day, first.last_day) == (dt.date(2026, 1, 1), dt.date(2026, 6, 30))
    assert (second.first_day, second.last_day) == (dt.date(2026, 7, 1), dt.date(2026, 12, 31))
    assert list(half_years(dt.date(2025, 12, 1), dt.date(2026, 7, 1))) == [second, first, HalfYear(2025, 2)]
    assert [read_half_year(text) for text in (second.key, "2026-3", "x", "26-1", "1800-1")] == [second, *[None] * 4]
    assert [str(one.title) for one in (first, second)] == ["Half-year I of 2026", "Half-year II of 2026"]


def test_a_list_of_codes_is_read_with_its_levels_and_both_names_of_a_code() -> None:
    rows = [
        ("Daftar kode",), ("Kode Barang", "Uraian"), ("1.3.2", "Peralatan"), ("132100102002", "Laptop"), ("", ""),
        ("1.3.2.10.01.02.002", "Notebook"), ("1.3.2.10.01.02.002", "Laptop"), ("02.06", "Alat kantor"),
    ]  # fmt: skip
    result = read_code_list(rows)
    assert result.errors == ()
    assert [(one.code, one.name) for one in result.codes] == [
        ("1.3.2", "Peralatan"), ("1.3.2.10.01.02.002", "Laptop / Notebook"), ("02.06", "Alat kantor"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("a", "b")], "no columns “Kode barang”"),
        ([("Kode", "Nama")], "has no rows"),
        ([("Kode", "Nama"), ("x", "y")], "Row 2: “x” is not a code"),
        ([("Kode", "Nama"), ("1.3.2",)], "Row 2: The name of a code"),
    ],
)
def test_what_is_wrong_in_a_list_of_codes_is_said_by_its_row(rows: list[tuple[str, ...]], sentence: str) -> None:
    assert sentence in str(read_code_list(rows).errors[0])


def test_an_unknown_code_is_named_by_the_first_level_that_is_unknown() -> None:
    known = {"1", "1.3", "1.3.2", "1.3.2.10"}
    code = "1.3.2.10.09.02.002"
    level = first_unknown_level(code, known.__contains__)
    assert level == "1.3.2.10.09"
    assert "level 5, 1.3.2.10.09, is unknown" in str(unknown_code(code, level))
    assert str(unknown_code(code, code)).endswith("is not on the imported list of codes.")
    assert first_unknown_level("1.3.2", known.__contains__) is None
