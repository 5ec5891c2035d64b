"""Numbers in Indonesian words, as minutes write the day and the year."""

from __future__ import annotations

_UNITS = (
    "nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas",
)  # fmt: skip
_TEEN, _TEN, _HUNDRED, _THOUSAND = 12, 10, 100, 1000


def number_words(number: int) -> str:
    """Return ``number`` (0 to 999,999) in words: 2026 is "dua ribu dua puluh enam"."""
    if number < _TEEN:
        return _UNITS[number]
    if number < 2 * _TEN:
        return f"{_UNITS[number - _TEN]} belas"
    if number < _HUNDRED:
        return _with_rest(f"{_UNITS[number // _TEN]} puluh", number % _TEN)
    if number < _THOUSAND:
        return _with_rest(_counted(number // _HUNDRED, "ratus"), number % _HUNDRED)
    return _with_rest(_counted(number // _THOUSAND, "ribu"), number % _THOUSAND)


def _counted(count: int, what: str) -> str:
    return f"se{what}" if count == 1 else f"{number_words(count)} {what}"


def _with_rest(words: str, rest: int) -> str:
    return f"{words} {number_words(rest)}" if rest else words
