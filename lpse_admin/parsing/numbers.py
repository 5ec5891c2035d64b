"""Numbers as they are written in Indonesia: a full stop between groups of three digits, a comma before the decimals."""

from __future__ import annotations

import re
from decimal import Decimal

from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_dash, normalize, shorten

#: The most digits of a number; Decimal computes with 28.
_MAX_DIGITS = 28
_YEAR_DIGITS = 4

_CURRENCY = re.compile(r"^(?:rp|idr)\s*\.?\s*", re.IGNORECASE)
#: ",-" behind an amount: without sen. Also ",--", ".-" and the older ",=".
_NO_SEN = re.compile(r"\s*[.,]\s*(?:[-=]\s*)+$")
_APPROXIMATE = re.compile(
    r"^(?:±|\+\s*/?\s*-|~|≈|≤|≥|<=?|>=?|(?:kurang\s+lebih|sekitar|ca\.?|kl\.?|k/l)(?=[\s\d]))\s*", re.IGNORECASE
)
_EXPONENT = re.compile(r"[+-]?\d[\d.,]*e[+-]?\d{1,3}", re.ASCII | re.IGNORECASE)
_YEAR_WORD = re.compile(r"^(?:tahun|thn|th|year)\b\s*\.?\s*", re.IGNORECASE)

_PLAIN = re.compile(r"\d+(?:,\d+)?", re.ASCII)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?", re.ASCII)
_GROUPED_BY_BLANKS = re.compile(r"[1-9]\d{0,2}(?: \d{3})+(?:,\d+)?", re.ASCII)
#: As written in English, where it cannot be anything else: 1,250.5 and 12,500,000.
_ENGLISH = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:,\d{3}){2,}", re.ASCII)
#: As programs write them, where the full stop cannot stand before a group: 0.5, 406736000.00 and 1234.5.
_POINT_AFTER_ZERO = re.compile(r"0\.\d+", re.ASCII)
_POINT_AFTER_DIGITS = re.compile(r"\d{4,}\.(?:\d{1,2}|\d{4,})", re.ASCII)
#: A full stop that is no such one: before decimals, or before a group that lacks a digit.
_AMBIGUOUS_POINT = re.compile(r"(\d+)\.(\d+)", re.ASCII)


def read_number(text: str) -> Decimal | None:
    """Return the number in ``text``; None if it is blank or a dash.

    Raises UnreadableError with a sentence that says how to write it.
    """
    return _read(text, shorten(text))


def read_money(text: str) -> Decimal | None:
    """Return the amount in ``text`` as ``read_number`` does; "Rp" before it and ",-" behind it may stand there."""
    original = shorten(text)
    amount = normalize(text)
    if is_dash(amount):
        return None
    sign = "-" if amount.startswith("-") else ""
    amount = _CURRENCY.sub("", amount.removeprefix("-").strip())
    shorter = _NO_SEN.sub("", amount)
    # What is left of "Rp -,-" is a dash.
    return None if not shorter and amount else _read(sign + shorter, original)


def read_whole_number(text: str) -> int | None:
    """Return the whole number in ``text``, as ``read_number`` reads it; raises UnreadableError if it has decimals."""
    number = read_number(text)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise UnreadableError(_("“%(value)s” is not a whole number.", value=shorten(text)))
    return int(number)


def read_year(text: str) -> int | None:
    """Return the year in ``text``; None if it is blank, a dash or "0000" (not known); raises UnreadableError."""
    year = normalize(text)
    if not year or is_dash(year):
        return None
    digits = _YEAR_WORD.sub("", year)
    if not (digits.isascii() and digits.isdigit() and len(digits) == _YEAR_DIGITS):
        raise UnreadableError(_("“%(value)s” is not a year: write its four digits, such as 2021.", value=shorten(text)))
    return int(digits) or None


def write_number(number: Decimal | int) -> str:
    """Return ``number`` as it is written in Indonesia, without zeros at the end: 2.446, 1.250,5 and 1,25."""
    whole, _point, decimals = f"{abs(Decimal(number)):f}".partition(".")
    decimals = decimals.rstrip("0")
    digits = f"{int(whole):,}".replace(",", ".") + (f",{decimals}" if decimals else "")
    return f"-{digits}" if number < 0 else digits


def _read(text: str, original: str) -> Decimal | None:
    digits = normalize(text)
    if not digits or is_dash(digits):
        return None
    sign = -1 if digits.startswith("-") else 1
    unsigned = digits[1:].strip() if digits[0] in "+-" else digits
    plain = _plain_form(unsigned)
    if plain is None or sum(map(str.isdigit, plain)) > _MAX_DIGITS:
        raise UnreadableError(_why_unreadable(digits, unsigned, original))
    return sign * Decimal(plain)


def _plain_form(text: str) -> str | None:
    """Return the digits with a point before the decimals; None if they have not exactly one meaning."""
    if _PLAIN.fullmatch(text) or _GROUPED.fullmatch(text) or _GROUPED_BY_BLANKS.fullmatch(text):
        return text.replace(".", "").replace(" ", "").replace(",", ".")
    if _ENGLISH.fullmatch(text):
        return text.replace(",", "")
    if _POINT_AFTER_ZERO.fullmatch(text) or _POINT_AFTER_DIGITS.fullmatch(text):
        return text
    return None


def _why_unreadable(text: str, unsigned: str, original: str) -> Message:
    if result := _APPROXIMATE.match(text):
        sign, rest = text[: result.end()].strip(), text[result.end() :]
        return _(
            "Write “%(number)s” only: “%(sign)s” belongs in the remarks.", number=_written(rest) or rest, sign=sign
        )
    if _EXPONENT.fullmatch(text):
        number = Decimal(text.replace(",", ".")) if text.count(".") + text.count(",") <= 1 else None
        if number is not None and abs(number.adjusted()) < _MAX_DIGITS:
            return _("Write “%(value)s” in full: %(number)s.", value=original, number=write_number(number))
    if result := _AMBIGUOUS_POINT.fullmatch(unsigned):
        whole, decimals = result.groups()
        return _(
            "“%(value)s” can be read in two ways: write %(decimal)s with a comma before the decimals, or the thousands"
            " with three digits behind the full stop.",
            value=original,
            decimal=f"{whole},{decimals}",
        )
    return _(
        "“%(value)s” is not a number: write digits only, a full stop before thousands and a comma before decimals, such"
        " as 1.250,5.",
        value=original,
    )


def _written(text: str) -> str | None:
    plain = _plain_form(text)
    return None if plain is None else write_number(Decimal(plain))
