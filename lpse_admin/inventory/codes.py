"""Item codes and register numbers, in the notations of cards and lists, stored in one form.

A code has seven levels under Permendagri 108/2016 (1.3.2.10.01.02.002) or five under Permendagri 17/2007
(02.06.01.04.06); the register number is not a part of it. A register number is stored in four places: 1, 01 and 0001
are one, and 9999 is followed by A000. A NIBAR is a text of digits that an item has for life.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_dash, normalize, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping


class CodeScheme(LabelledEnum):
    """The regulation that an item code follows."""

    PERMENDAGRI_108_2016 = "Permendagri 108/2016", _("Permendagri 108/2016")
    PERMENDAGRI_17_2007 = "Permendagri 17/2007", _("Permendagri 17/2007")


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
    r"([a-z]?\d+)\s*(?:s\s*[./]?\s*d\s*[./]?|sampai(?:\s+dengan)?|to|hingga|-|\.\.+|…)\s*([a-z]?\d+)",
    re.ASCII | re.IGNORECASE,
)
#: Register numbers above 9999: a letter for the thousand, and three digits.
_LETTER_REGISTER = re.compile(r"([A-Z])(\d{3})", re.ASCII)
_FIRST_LETTER_NUMBER = 10_000
_PER_LETTER = 1000
_LETTERS = 26
#: The digits of a NIBAR: 45, of earlier years 43.
NIBAR_LENGTHS = (45, 43)
_NUMBER_OF_A_SPREADSHEET = re.compile(r"\d[.,]\d+e\+?\d+", re.ASCII | re.IGNORECASE)


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
    result = _split(written) if _REFERENCE.fullmatch(written) else None
    if result is None:
        raise UnreadableError(
            _(
                "“%(value)s” is not an item code: it has 12 digits in 7 levels, such as 1.3.2.10.01.02.002 (Permendagri"
                " 108/2016), or 10 digits in 5 levels, such as 02.06.01.04.06 (Permendagri 17/2007).",
                value=shorten(text),
            )
        )
    return result


def read_reference(text: str) -> AssetCode | None:
    """Return the code at the beginning of ``text``, with its register number; None if there is none.

    Reads what the lists show: "1.3.2.10.01.02.002.0004 Laptop" and "02.03.01.01.01 0004".
    """
    result = _REFERENCE.match(normalize(text))
    return _split(result[0]) if result else None


def code_levels(code: str) -> tuple[str, ...]:
    """Return a code and the levels above it, the highest first: 1, 1.3, 1.3.2 and so on."""
    parts = code.split(".")
    return tuple(".".join(parts[:length]) for length in range(1, len(parts) + 1))


def read_level(text: str) -> tuple[str, CodeScheme] | None:
    """Return a code or a level above one with its scheme: 1.3.2.10 and 02.06; None if it is neither."""
    groups = _groups(normalize(text))
    if len(groups) == 1 and (result := _split(groups[0])) and result.register is None:
        return result.code, result.scheme
    for scheme, lengths in _LEVELS.items():
        if groups and list(map(len, groups)) == list(lengths[: len(groups)]) and "".join(groups).isascii():
            return (".".join(groups), scheme) if all(map(str.isdigit, groups)) else None
    return None


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
    written = normalize(text).upper()
    if not written or is_dash(written):
        return None
    if written.isascii() and written.isdigit():
        digits = written.lstrip("0")
        if len(digits) > MAX_REGISTER_LENGTH:
            raise _no_register(text)
        return write_register(int(digits)) if digits else None
    if len(written) > MAX_REGISTER_LENGTH:
        raise _no_register(text)
    return written if _LETTER_REGISTER.fullmatch(written) else normalize(text)


def write_register(number: int) -> str:
    """Return the register number of the item number ``number``: 0001, 9999, A000 for 10000, and so on to Z999.

    Beyond that it is written in digits.
    """
    letter, rest = divmod(number - _FIRST_LETTER_NUMBER, _PER_LETTER)
    if 0 <= letter < _LETTERS:
        return f"{chr(ord('A') + letter)}{rest:03d}"
    return f"{number:0{_REGISTER_DIGITS}}"


def register_number(register: str) -> int | None:
    """Return where a stored register number is in the sequence; None for one of another kind."""
    if match := _LETTER_REGISTER.fullmatch(register):
        return _FIRST_LETTER_NUMBER + (ord(match[1]) - ord("A")) * _PER_LETTER + int(match[2])
    return int(register) if register.isascii() and register.isdigit() else None


def read_registers(text: str) -> tuple[str, ...]:
    """Return the register numbers in ``text``: one, or all of a range such as "0001 s/d 0015"; none if it is blank.

    Raises UnreadableError.
    """
    match = _RANGE.fullmatch(normalize(text))
    if match is None:
        register = read_register(text)
        return () if register is None else (register,)
    first, last = (register_number(read_register(part) or "") for part in match.groups())
    if first is None or last is None or last < first:
        raise UnreadableError(_("“%(value)s”: write the lower register number first.", value=shorten(text)))
    if last - first >= MAX_RANGE:
        raise UnreadableError(_("“%(value)s”: at most %(most)s items at once.", value=shorten(text), most=MAX_RANGE))
    return tuple(map(write_register, range(first, last + 1)))


def extend_registers(text: str, count: int) -> str:
    """Return the register numbers of ``count`` equal items, of which ``text`` names the first, or all.

    Raises UnreadableError.
    """
    registers = read_registers(text)
    if not 1 <= count <= MAX_RANGE:
        raise UnreadableError(_("“%(value)s”: at most %(most)s items at once.", value=count, most=MAX_RANGE))
    if not registers or len(registers) == count:
        return text
    first = register_number(registers[0])
    if first is None or len(registers) > 1:
        raise UnreadableError(
            _("The register numbers “%(value)s” are not %(count)s.", value=shorten(text), count=count)
        )
    return f"{write_register(first)} s/d {write_register(first + count - 1)}"


def register_spellings(register: str) -> tuple[str, ...]:
    """Return all forms in which ``register`` may have been stored: 1, 01, 001 and so on; A000 and 10000."""
    number = register_number(register)
    if number is None:
        return (register,)
    digits = str(number)
    padded = (digits.zfill(length) for length in range(len(digits), MAX_REGISTER_LENGTH + 1))
    return tuple(dict.fromkeys((*padded, write_register(number))))


def read_nibar(text: str) -> str | None:
    """Return a NIBAR as its digits; None if it is blank, a dash or zeros. Raises UnreadableError."""
    digits = "".join(_groups(normalize(text)))
    if not digits or is_dash(text) or set(digits) == {"0"}:
        return None
    if digits.isascii() and digits.isdigit() and len(digits) in NIBAR_LENGTHS:
        return digits
    if _NUMBER_OF_A_SPREADSHEET.fullmatch(normalize(text)):
        raise UnreadableError(
            _(
                "“%(value)s” has lost digits of the NIBAR: format the column as text and enter it again.",
                value=shorten(text),
            )
        )
    raise UnreadableError(
        _(
            "A NIBAR has 45 digits, or 43 in earlier years; “%(value)s” has %(count)s.",
            value=shorten(text),
            count=len(digits),
        )
    )


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
            if len({read_register(register) for register in registers}) <= 1:
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
