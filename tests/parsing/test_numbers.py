"""Numbers are read as they are written in Indonesia, and what is written is read back as itself."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.numbers import read_money, read_number, read_whole_number, read_year, write_number

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = st.decimals(min_value=-(10**16), max_value=10**16, allow_nan=False, allow_infinity=False, places=6)


@given(_NUMBERS)
def test_any_number_written_in_indonesian_is_read_back_as_itself(number: Decimal) -> None:
    written = write_number(number)
    assert read_number(written) == read_money(written) == number
    assert read_money(f"Rp {written}") == read_money(f"Rp. {written}") == number
    assert write_number(number) == write_number(Decimal(str(number) + "00"))


@given(st.integers(min_value=-(10**18), max_value=10**18), st.sampled_from(["", ",-", ",00", ".-", " ,-", ",="]))
def test_any_amount_is_read_with_and_without_sen(amount: int, sen: str) -> None:
    assert read_money(f"Rp {write_number(amount)}{sen}") == amount
    assert read_money(f"{write_number(amount)}{sen}") == amount


@given(st.integers(min_value=0, max_value=10**18))
def test_any_whole_number_is_read_with_and_without_its_groups(number: int) -> None:
    assert read_whole_number(str(number)) == read_whole_number(write_number(number)) == number
    assert read_whole_number(f"{number:,}".replace(",", "\u00a0")) == number


@given(st.text(max_size=30), st.sampled_from([read_number, read_money, read_whole_number, read_year]))
def test_no_text_makes_the_reader_fail(text: str, read: Callable[[str], object]) -> None:
    with suppress(UnreadableError):
        read(text)


@given(st.text(st.sampled_from("0123456789.,- eERrPp±\u00a0\u2212+"), max_size=12))
def test_what_looks_like_a_number_is_read_as_it_is_shown_afterwards_or_refused(text: str) -> None:
    try:
        number = read_money(text)
    except UnreadableError:
        return
    assert number is None or read_money(write_number(number)) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2.446", "2446"), ("1.250,5", "1250.5"), ("1,250", "1.25"), ("1.000", "1000"), ("700", "700"), ("0", "0"),
        ("12.500.000", "12500000"), ("12.500.000,25", "12500000.25"), ("0,125", "0.125"), ("0.125", "0.125"),
        ("0.5", "0.5"), ("-12", "-12"), ("\u221212,5", "-12.5"), ("- 5", "-5"), ("+5", "5"), ("007", "7"),
        (" 2.446 ", "2446"), ("\u00a02.446\u00a0", "2446"), ("\u200b5", "5"), ("1 250 000", "1250000"),
        ("1\u202f250,5", "1250.5"), ("1,250.5", "1250.5"), ("12,500,000", "12500000"), ("12,500,000.00", "12500000"),
        ("406736000.00", "406736000"), ("1234.5", "1234.5"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written_in_indonesia(text: str, number: str) -> None:
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Rp 12.500.000,-", 12_500_000), ("12.500.000,-", 12_500_000), ("Rp. 630.000.000", 630_000_000),
        ("Rp12.500.000,00", 12_500_000), ("rp 5.000,--", 5_000), ("IDR 5.000", 5_000), ("14.900.000", 14_900_000),
        ("Rp\u00a05.000,\u2013", 5_000), ("15000000.00", 15_000_000), ("-Rp5.000", -5_000), ("Rp -5.000", -5_000),
        ("Rp. 5.000.-", 5_000), ("Rp 0,-", 0), ("5000,=", 5_000),
    ],
)  # fmt: skip
def test_an_amount_is_read_with_its_currency_and_without_sen(text: str, amount: int) -> None:
    assert read_money(text) == amount


@pytest.mark.parametrize("text", ["", " ", "-", "\u2013", "--", "\u200b", "\u3164"])
def test_a_blank_or_a_dash_is_no_number(text: str) -> None:
    assert all(read(text) is None for read in (read_number, read_money, read_whole_number, read_year))


@pytest.mark.parametrize("text", ["Rp -", "Rp. -", "Rp -,-", "-,-", "Rp", "Rp. - ,-"])
def test_a_currency_before_a_dash_is_no_amount(text: str) -> None:
    assert read_money(text) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("± 700", "Write “700” only: “±” belongs in the remarks."),
        ("+/- 2.446", "Write “2.446” only: “+/-” belongs in the remarks."),
        ("kurang lebih 700", "Write “700” only: “kurang lebih” belongs in the remarks."),
        ("sekitar 1.250,50", "Write “1.250,5” only: “sekitar” belongs in the remarks."),
        ("~ banyak", "Write “banyak” only: “~” belongs in the remarks."),
        ("> 5", "Write “5” only: “>” belongs in the remarks."),
        ("1e3", "Write “1e3” in full: 1.000."),
        ("1,5E+3", "Write “1,5E+3” in full: 1.500."),
        ("2.44", "“2.44” can be read in two ways: write 2,44 with a comma"),
        ("12.5", "“12.5” can be read in two ways: write 12,5 with a comma"),
        ("1500.500", "“1500.500” can be read in two ways: write 1500,500 with a comma"),
        ("012.500", "“012.500” can be read in two ways"),
        ("1e99", "“1e99” is not a number"),
        ("1.2.3e5", "“1.2.3e5” is not a number"),
        ("12.500.00", "“12.500.00” is not a number"),
        ("1,2,3", "“1,2,3” is not a number"),
        ("seratus", "“seratus” is not a number"),
        ("５", "“５” is not a number"),
        ("NaN", "“NaN” is not a number"),
        ("5\u00b2", "“5\u00b2” is not a number"),
        ("Rp 5", "“Rp 5” is not a number"),
        ("+", "“+” is not a number"),
        ("9" * 29, "“" + "9" * 29 + "” is not a number"),
    ],
)
def test_what_is_not_a_number_is_refused_with_the_way_out(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_number(text)
    assert str(refusal.value).startswith(sentence)


def test_a_whole_number_has_no_decimals() -> None:
    assert read_whole_number("5,0") == 5
    with pytest.raises(UnreadableError, match="“5,5” is not a whole number"):
        read_whole_number("5,5")


@pytest.mark.parametrize(
    ("text", "year"), [("2021", 2021), (" 2021 ", 2021), ("0000", None), ("Tahun 2015", 2015), ("th. 2015", 2015)]
)
def test_a_year_has_four_digits_and_four_zeros_are_not_known(text: str, year: int | None) -> None:
    assert read_year(text) == year


@pytest.mark.parametrize("text", ["21", "2.021", "２０２６", "20211", "x", "2020/2021"])
def test_another_year_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="is not a year"):
        read_year(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal(2446), "2.446"), (Decimal("1.250"), "1,25"), (Decimal("1250.50"), "1.250,5"), (1000, "1.000"),
        (Decimal("1E+3"), "1.000"), (Decimal("0.125"), "0,125"), (Decimal("-12.00"), "-12"), (Decimal("-0"), "0"),
        (0, "0"), (999, "999"), (Decimal("12500000.25"), "12.500.000,25"),
    ],
)  # fmt: skip
def test_a_number_is_written_with_full_stops_before_thousands_and_a_comma_before_decimals(
    number: Decimal | int, text: str
) -> None:
    assert write_number(number) == text
