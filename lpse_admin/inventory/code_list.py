"""A list of item codes with their names, as regions publish it: how its file is read, and what it says of a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.inventory.codes import CodeScheme, code_levels, read_level
from lpse_admin.parsing.blank import is_blank, normalize, shorten, strip_blank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: The most characters of a name.
MAX_NAME_LENGTH = 300
_CODE_HEADINGS = frozenset({"kode", "kodebarang", "kodebrg", "code", "kodeaset"})
_NAME_HEADINGS = frozenset({"nama", "namabarang", "uraian", "name", "jenisbarang", "namaaset", "uraianbarang"})
#: How many rows may stand above the headings.
_MAX_ROWS_ABOVE = 30


@dataclass(frozen=True, slots=True)
class NamedCode:
    """A code, or a level above one, with its name."""

    code: str
    scheme: CodeScheme
    name: str


@dataclass(frozen=True, slots=True)
class CodeList:
    """What was read of a file: each code once, and what is wrong, with the number of its row."""

    codes: tuple[NamedCode, ...]
    errors: tuple[Message, ...]


def read_code_list(rows: Iterable[Sequence[str]]) -> CodeList:
    """Read the rows of a file that has a column with codes and one with names, in any order, below their headings."""
    numbered = [(number, row) for number, row in enumerate(rows, 1) if not all(map(is_blank, row))]
    heading = next((index for index, (_n, row) in enumerate(numbered[:_MAX_ROWS_ABOVE]) if _columns(row)), None)
    if heading is None:
        return CodeList((), (_("The file has no columns “Kode barang” and “Nama barang”."),))
    code_column, name_column = _columns(numbered[heading][1]) or (0, 1)
    result: dict[str, NamedCode] = {}
    errors: list[Message] = []
    for number, row in numbered[heading + 1 :]:
        cells = [strip_blank(row[column]) if column < len(row) else "" for column in (code_column, name_column)]
        error = _read_row(cells[0], " ".join(cells[1].split()), result)
        if error is not None:
            errors.append(_("Row %(row)s: %(error)s", row=number, error=error))
    if not result and not errors:
        errors.append(_("The file has no rows."))
    return CodeList(tuple(result.values()), tuple(errors))


def _read_row(code: str, name: str, found: dict[str, NamedCode]) -> Message | None:
    """Add a row to ``found``, or return what is wrong with it."""
    level = read_level(code)
    if level is None:
        return _("“%(value)s” is not a code of one of the two schemes, nor a level above one.", value=shorten(code))
    if not name or len(name) > MAX_NAME_LENGTH:
        return _("The name of a code has 1 to %(most)s characters.", most=MAX_NAME_LENGTH)
    same = found.get(level[0])
    # Published lists have some codes twice, with two names.
    names = [name] if same is None else [*same.name.split(" / "), name]
    found[level[0]] = NamedCode(*level, " / ".join(dict.fromkeys(names))[:MAX_NAME_LENGTH])
    return None


def _columns(row: Sequence[str]) -> tuple[int, int] | None:
    """Return the positions of code and name if ``row`` has the headings."""
    keys = ["".join(one for one in normalize(cell).casefold() if one.isalnum()) for cell in row]
    code = next((index for index, key in enumerate(keys) if key in _CODE_HEADINGS), None)
    name = next((index for index, key in enumerate(keys) if key in _NAME_HEADINGS), None)
    return None if code is None or name is None else (code, name)


def first_unknown_level(code: str, is_known: Callable[[str], bool]) -> str | None:
    """Return the first level of ``code``, from the top, that the list does not have; None if it has the code."""
    return next((level for level in code_levels(code) if not is_known(level)), None)


def unknown_code(code: str, level: str) -> Message:
    """Return the sentence about a code of which ``level`` is the first level that the list does not have."""
    if level == code:
        return _("Code %(code)s is not on the imported list of codes.", code=code)
    number = level.count(".") + 1
    return _(
        "Code %(code)s is not on the imported list of codes: level %(number)s, %(level)s, is unknown.",
        code=code,
        number=number,
        level=level,
    )
