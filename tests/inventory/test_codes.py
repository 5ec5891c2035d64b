"""Item codes of both schemes and register numbers are read in the notations of cards, and stored in one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.inventory.codes import (
    AssetCode,
    CodeScheme,
    code_levels,
    code_prefixes,
    code_scheme,
    code_spellings,
    extend_registers,
    format_code,
    read_code,
    read_level,
    read_nibar,
    read_reference,
    read_register,
    read_registers,
    register_number,
    register_spellings,
    write_register,
)
from lpse_admin.parsing import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

_NEW, _OLD = CodeScheme.PERMENDAGRI_108_2016, CodeScheme.PERMENDAGRI_17_2007
_LEVELS = {_NEW: (1, 1, 1, 2, 2, 2, 3), _OLD: (2, 2, 2, 2, 2)}


@pytest.mark.parametrize(
    ("text", "code", "register"),
    [
        pytest.param("02.06.01.04.06", "02.06.01.04.06", None, id="five levels of the older scheme"),
        pytest.param("02.06.01.04.06\t", "02.06.01.04.06", None, id="a tab behind"),
        pytest.param("0206010406", "02.06.01.04.06", None, id="no dots, older scheme"),
        pytest.param("02 06 01 04 06", "02.06.01.04.06", None, id="blanks between the levels"),
        pytest.param("02.06.01.04.06.0001", "02.06.01.04.06", "0001", id="the register number behind"),
        pytest.param("02060302010001", "02.06.03.02.01", "0001", id="the register number behind, no dots"),
        pytest.param("02.03.01.01.01.0004 0004", "02.03.01.01.01", "0004", id="the register number twice"),
        pytest.param("1.3.2.10.01.02.002", "1.3.2.10.01.02.002", None, id="seven levels of the newer scheme"),
        pytest.param("1.3.2.10.01.02.002.", "1.3.2.10.01.02.002", None, id="a full stop behind"),
        pytest.param("132100102002", "1.3.2.10.01.02.002", None, id="no dots, newer scheme"),
        pytest.param("1.3.2.10.01.02.002.0007", "1.3.2.10.01.02.002", "0007", id="newer scheme with register"),
        pytest.param("1.3.2.10.01.02.002 7", "1.3.2.10.01.02.002", "0007", id="a short register number behind"),
        pytest.param("1321001020020007", "1.3.2.10.01.02.002", "0007", id="newer scheme with register, no dots"),
        pytest.param("1.3.2.10.01.02.002\u00a0\u200b", "1.3.2.10.01.02.002", None, id="invisible characters behind"),
        pytest.param("1-3-2-10-01-02-002", "1.3.2.10.01.02.002", None, id="hyphens between the levels"),
    ],
)  # fmt: skip
def test_a_code_is_read_in_the_notations_of_cards(text: str, code: str, register: str | None) -> None:
    scheme = _NEW if code.startswith("1.") else _OLD
    assert read_code(text) == AssetCode(code, scheme, register)
    assert (code_scheme(text), format_code(text)) == (scheme, code)


@given(st.sampled_from([_NEW, _OLD]), st.data(), st.sampled_from([".", " ", "-", "", "\u00a0", ". "]))
def test_any_code_is_read_back_with_any_separator(scheme: CodeScheme, data: st.DataObject, separator: str) -> None:
    levels = [f"{data.draw(st.integers(0, 10**length - 1)):0{length}}" for length in _LEVELS[scheme]]
    register = f"{data.draw(st.integers(1, 9999)):04}"
    code = ".".join(levels)
    assert read_code(separator.join(levels)) == AssetCode(code, scheme)
    assert read_code(separator.join([*levels, register])) == AssetCode(code, scheme, register)
    assert read_reference(f"{separator.join(levels)} {register} Laptop") == AssetCode(code, scheme, register)


@pytest.mark.parametrize(
    "text",
    ["1.3.2", "1.3.2.10.01", "1321001020021", "Laptop", "02.03.01.01.01.0004 0005", "1.3.2.10.01.02.002 Laptop",
     "1" * 30, "1.3.2.10.01.02.00２", "", "."],
)  # fmt: skip
def test_what_is_no_code_is_refused_with_what_a_code_looks_like(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"12 digits in 7 levels.*10 digits in 5 levels"):
        read_code(text)
    assert (code_scheme(text), format_code(text)) == (None, text)


def test_a_name_is_no_reference() -> None:
    assert read_reference("Laptop 0001") is None
    assert read_reference("12 kursi") is None


@pytest.mark.parametrize(
    ("text", "register"),
    [("1", "0001"), ("01", "0001"), ("0001", "0001"), (" 0001\t", "0001"), ("00000001", "0001"), ("12345", "C345"),
     ("A-1", "A-1"), ("", None), ("-", None), ("0000", None)],
)  # fmt: skip
def test_a_register_number_is_stored_with_four_digits(text: str, register: str | None) -> None:
    assert read_register(text) == register
    assert read_registers(text) == (() if register is None else (register,))


@pytest.mark.parametrize(
    ("text", "register"),
    [("9999", "9999"), ("10000", "A000"), ("a000", "A000"), ("A999", "A999"), ("11000", "B000"), ("Z999", "Z999"),
     ("36000", "36000"), ("0000A001", "0000A001")],
)  # fmt: skip
def test_register_numbers_above_9999_go_on_with_a_letter(text: str, register: str) -> None:
    assert read_register(text) == register
    assert {"10000", "A000"} <= set(register_spellings("A000"))


def test_a_range_may_cross_9999() -> None:
    assert read_registers("9998 s/d A001") == ("9998", "9999", "A000", "A001")


@given(st.integers(1, 99_999_999))
def test_any_number_of_an_item_is_read_back_from_its_register_number(number: int) -> None:
    register = write_register(number)
    assert read_register(register) == register
    assert register_number(register) == number


def test_a_register_number_of_another_kind_is_in_no_sequence() -> None:
    assert register_number("A-1") is None


@pytest.mark.parametrize(
    "text", ["1" * 45, "1" * 43, f" {'1' * 45}\t", ".".join("1" * 45), "12 " * 22 + "1", f"{'1' * 20}-{'1' * 25}"]
)
def test_a_nibar_is_the_digits_of_a_text(text: str) -> None:
    assert read_nibar(text) == "".join(one for one in text if one.isdigit())


@pytest.mark.parametrize("text", ["", "-", " ", "0000", "0" * 45])
def test_no_nibar_is_none(text: str) -> None:
    assert read_nibar(text) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("1" * 44, "45 digits, or 43 in earlier years.*has 44"), ("1,20112E+44", "has lost digits"),
     ("1.2e44", "has lost digits"), ("Laptop", "45 digits")],
)  # fmt: skip
def test_what_is_no_nibar_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableError, match=sentence):
        read_nibar(text)


@pytest.mark.parametrize(
    ("text", "level"),
    [("1.3.2", ("1.3.2", _NEW)), ("1", ("1", _NEW)), ("02", ("02", _OLD)), ("02.06", ("02.06", _OLD)),
     ("1.3.2.10.01.02.002", ("1.3.2.10.01.02.002", _NEW)), ("132100102002", ("1.3.2.10.01.02.002", _NEW)),
     ("0206010406", ("02.06.01.04.06", _OLD)), ("1.3.02", None), ("Laptop", None), ("", None), ("1.x", None),
     ("1.3.2.10.01.02.002.0001", None), ("é", None)],
)  # fmt: skip
def test_a_level_above_a_code_is_read_by_the_digits_of_its_levels(text: str, level: object) -> None:
    assert read_level(text) == level


def test_the_levels_of_a_code_are_those_above_it_and_itself() -> None:
    assert code_levels("02.06.01") == ("02", "02.06", "02.06.01")


@given(st.integers(min_value=1, max_value=99_999_999), st.integers(min_value=0, max_value=8))
def test_all_spellings_of_a_register_number_are_one(number: int, length: int) -> None:
    spelling = str(number).zfill(length)
    assert read_register(spelling) == read_register(str(number))
    assert spelling in register_spellings(f"{number:04}")


@given(
    st.integers(1, 9000),
    st.integers(0, 999),
    st.sampled_from([" s/d ", "s/d", " s.d. ", " S/D ", " sd ", " sampai ", " sampai dengan ", "-", " – ", ".."]),
)
def test_any_range_of_register_numbers_is_all_of_them(first: int, more: int, between: str) -> None:
    registers = read_registers(f"{first:04}{between}{first + more}")
    assert [register_number(register) for register in registers] == list(range(first, first + more + 1))


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_registers, "15 s/d 1", "write the lower register number first"),
        (read_registers, "0000 s/d 0003", "write the lower register number first"),
        (read_registers, "1 s/d 1001", "at most 1000 items at once"),
        (read_registers, "123456789", "is not a register number"),
        (read_register, "satu dan dua", "is not a register number"),
    ],
)
def test_what_is_no_register_number_is_refused(read: Callable[[str], object], text: str, sentence: str) -> None:
    with pytest.raises(UnreadableError, match=sentence):
        read(text)


def test_a_code_is_searched_by_its_beginning_with_dots_and_without() -> None:
    assert code_prefixes("1.3.2.10") == code_prefixes("1.3.2.10.") == ("1.3.2.10",)
    assert code_prefixes("13210") == ("1.3.2.10", "13.21.0")
    assert code_prefixes("02060") == ("0.2.0.60", "02.06.0")
    assert code_prefixes("Laptop") == ("Laptop",)
    assert code_prefixes("") == ("",)


def test_older_versions_stored_the_register_number_behind_the_code() -> None:
    assert code_spellings("02.06.01.04.06", "0001") == ("02.06.01.04.06", "02.06.01.04.06.0001")
    assert code_spellings("1.3.2.10.01.02.002", "0001") == ("1.3.2.10.01.02.002",)
    assert register_spellings("A-1") == ("A-1",)


@given(st.integers(1, 25_000), st.integers(1, 1000))
def test_as_many_equal_items_as_are_said_have_register_numbers_in_sequence(first: int, count: int) -> None:
    registers = read_registers(extend_registers(write_register(first), count))
    assert len(registers) == count
    assert registers[0] == write_register(first)
    assert read_registers(extend_registers(f"{write_register(first)} s/d {registers[-1]}", count)) == registers


@pytest.mark.parametrize(
    ("text", "count", "sentence"),
    [
        ("0001 s/d 0003", 5, "are not 5"),
        ("0001", 0, "at most 1000 items"),
        ("0001", 1001, "at most 1000 items"),
    ],
)
def test_a_number_of_items_that_does_not_fit_is_refused(text: str, count: int, sentence: str) -> None:
    with pytest.raises(UnreadableError, match=sentence):
        extend_registers(text, count)


def test_without_a_register_number_none_is_made_up() -> None:
    assert extend_registers(" ", 3) == " "
