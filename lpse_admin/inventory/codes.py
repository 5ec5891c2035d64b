"""Item codes and register numbers, in the notations of cards and lists, stored in one form.

A code has seven levels under Permendagri 108/2016 (1.3.2.10.01.02.002) or five under Permendagri 17/2007
(02.06.01.04.06); the register number is not a part of it. A register number is stored with four digits: 1, 01 and 0001
are one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.i18n import _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_dash, normalize, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping


class CodeScheme(StrEnum):
    """The regulation that an item code follows."""

    PERMENDAGRI_108_2016 = "Permendagri 108/2016"
    PERMENDAGRI_17_2007 = "Permendagri 17/2007"


#: The digits of each level.
_LEVELS: Mapping[CodeScheme, tuple[int, ...]] = {
    CodeScheme.PERMENDAGRI_108_2016: (1, 1, 1, 2, 2, 2, 3),
    CodeScheme.PERMENDAGRI_17_2007: (2, 2, 2, 2, 2),
}
_REGISTER_DIGITS = 4
#: Longer than any code with its register.
_MAX_REFERENCE_DIGITS = 24
#: The most characters of a register number, as many as its column has.
MAX_REGISTER_LENGTH = 8
#: The most items that a range of register numbers makes.
MAX_RANGE = 1000

_SEPARATOR = re.compile(r"[.\s/_-]+")
_REFERENCE = re.compile(r"[\d.\s/_-]+", re.ASCII)
_RANGE = re.compile(
    r"(\d+)\s*(?:s\s*[./]?\s*d\s*[./]?|sampai(?:\s+dengan)?|to|hingga|-|\.\.+|…)\s*(\d+)", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class AssetCode:
    """A code in its levels, the scheme that it follows, and the register number that was written behind it, if any."""

    code: str
    scheme: CodeScheme
    register: str | None = None


def read_code(text: str) -> AssetCode:
    """Return the code in ``text``, with or without separators, and with its register number behind or not.

    Raises UnreadableError if it follows neither scheme.
    """
    written = normalize(text)
    found = _split(written) if _REFERENCE.fullmatch(written) else None
    if found is None:
        raise UnreadableError(
            _(
                "“%(value)s” is not an item code: it has 12 digits in 7 levels, such as 1.3.2.10.01.02.002 (Permendagri"
                " 108/2016), or 10 digits in 5 levels, such as 02.06.01.04.06 (Permendagri 17/2007).",
                value=shorten(text),
            )
        )
    return found


def read_reference(text: str) -> AssetCode | None:
    """Return the code at the beginning of ``text``, with its register number; None if there is none.

    Reads what the lists show: "1.3.2.10.01.02.002.0004 Laptop" and "02.03.01.01.01 0004".
    """
    found = _REFERENCE.match(normalize(text))
    return _split(found[0]) if found else None


def code_scheme(code: str) -> CodeScheme | None:
    """Return the scheme of an item code, in any notation; None if it follows neither."""
    try:
        return read_code(code).scheme
    except UnreadableError:
        return None


def format_code(code: str) -> str:
    """Return an item code with dots between its levels, without a register: 132100102002 is 1.3.2.10.01.02.002."""
    try:
        return read_code(code).code
    except UnreadableError:
        return code


def code_prefixes(text: str) -> tuple[str, ...]:
    """Return how a code may begin that is searched by its beginning ``text``, with or without dots."""
    written = ".".join(_groups(normalize(text)))
    if not written.isdigit():
        return (written or normalize(text),)
    levels = (_levels(written, lengths) for lengths in _LEVELS.values())
    return tuple(dict.fromkeys(".".join(level) for level in levels if level))


def read_register(text: str) -> str | None:
    """Return a register number in its stored form; None if it is blank, a dash or zeros. Raises UnreadableError."""
    written = normalize(text)
    if not written or is_dash(written):
        return None
    if not (written.isascii() and written.isdigit()):
        if len(written) > MAX_REGISTER_LENGTH:
            raise _no_register(text)
        return written
    number = int(written)
    if len(str(number)) > MAX_REGISTER_LENGTH:
        raise _no_register(text)
    return f"{number:0{_REGISTER_DIGITS}}" if number else None


def read_registers(text: str) -> tuple[str, ...]:
    """Return the register numbers in ``text``: one, or all of a range such as "0001 s/d 0015"; none if it is blank.

    Raises UnreadableError.
    """
    found = _RANGE.fullmatch(normalize(text))
    if found is None:
        register = read_register(text)
        return () if register is None else (register,)
    first, last = (read_register(part) for part in found.groups())
    if first is None or last is None or int(last) < int(first):
        raise UnreadableError(_("“%(value)s”: write the lower register number first.", value=shorten(text)))
    if int(last) - int(first) >= MAX_RANGE:
        raise UnreadableError(_("“%(value)s”: at most %(most)s items at once.", value=shorten(text), most=MAX_RANGE))
    return tuple(f"{number:0{_REGISTER_DIGITS}}" for number in range(int(first), int(last) + 1))


def register_spellings(register: str) -> tuple[str, ...]:
    """Return all forms in which ``register`` may have been stored: 1, 01, 001 and so on."""
    if not (register.isascii() and register.isdigit()):
        return (register,)
    digits = str(int(register))
    return tuple(digits.zfill(length) for length in range(len(digits), MAX_REGISTER_LENGTH + 1))


def code_spellings(code: str, register: str) -> tuple[str, ...]:
    """Return all forms in which ``code`` may have been stored: under Permendagri 17/2007 once with its register."""
    if code_scheme(code) is CodeScheme.PERMENDAGRI_17_2007:
        return (code, f"{code}.{register}")
    return (code,)


def _no_register(text: str) -> UnreadableError:
    return UnreadableError(
        _(
            "“%(value)s” is not a register number: write it as on the card, such as 0001, or several as 0001 s/d 0015.",
            value=shorten(text),
        )
    )


def _groups(text: str) -> list[str]:
    return [group for group in _SEPARATOR.split(text) if group]


def _split(text: str) -> AssetCode | None:
    groups = _groups(text)
    if sum(map(len, groups)) > _MAX_REFERENCE_DIGITS:
        return None
    for scheme, lengths in _LEVELS.items():
        if (split := _split_by(groups, lengths)) is not None:
            code, registers = split
            if len({int(register) for register in registers}) <= 1:
                return AssetCode(".".join(code), scheme, read_register(registers[0]) if registers else None)
    return None


def _split_by(groups: list[str], lengths: tuple[int, ...]) -> tuple[list[str], list[str]] | None:
    """Return the levels of a code and the register numbers behind it; None if the groups are not such a code."""
    levels, rest = groups[: len(lengths)], groups[len(lengths) :]
    if list(map(len, levels)) == list(lengths):
        return levels, rest
    if groups and len(groups[0]) in {sum(lengths), sum(lengths) + _REGISTER_DIGITS}:
        levels = _levels(groups[0], lengths)
        return levels[: len(lengths)], [*levels[len(lengths) :], *groups[1:]]
    return None


def _levels(digits: str, lengths: tuple[int, ...]) -> list[str]:
    """Return ``digits`` cut into levels, and what is left over behind them."""
    levels = []
    for length in lengths:
        levels.append(digits[:length])
        digits = digits[length:]
    return [level for level in (*levels, digits) if level]
