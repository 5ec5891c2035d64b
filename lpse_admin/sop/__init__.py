"""An SOP as data: its steps, their actors, standard times, required items and the moves between them.

``model`` has the dataclasses, ``reading`` parses a TOML file into them (with ``toml_parser``, ``toml_values``,
``toml_scanner`` and ``durations``), ``validation`` checks the moves, ``export`` writes TOML, JSON and text. Other
packages import from here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpse_admin.i18n import _
from lpse_admin.sop.durations import MINUTES_PER_WORKDAY, WORKDAYS_PER_WEEK, parse_standard_time
from lpse_admin.sop.export import digest, spaced_nip, to_json, to_text, to_toml
from lpse_admin.sop.model import (
    ConsentRule,
    ExtraRow,
    GlossaryTerm,
    InvalidSopError,
    ItemKind,
    LineError,
    Move,
    RequiredItem,
    RequirementCondition,
    RowKind,
    Signatory,
    Sop,
    SopActor,
    SopAgency,
    StandardTime,
    StepRule,
    Switches,
    TimeLimit,
    TimingBasis,
)
from lpse_admin.sop.reading import read_sop
from lpse_admin.sop.remarks import dead_ends, time_readings
from lpse_admin.sop.toml.scanner import find_line_numbers, line_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.i18n import Message

__all__ = [
    "MINUTES_PER_WORKDAY",
    "WORKDAYS_PER_WEEK",
    "ConsentRule",
    "ExtraRow",
    "GlossaryTerm",
    "InvalidSopError",
    "ItemKind",
    "LineError",
    "Move",
    "RequiredItem",
    "RequirementCondition",
    "RowKind",
    "Signatory",
    "Sop",
    "SopActor",
    "SopAgency",
    "StandardTime",
    "StepRule",
    "Switches",
    "TimeLimit",
    "TimingBasis",
    "bundled_sops",
    "check",
    "dead_ends",
    "digest",
    "key_error",
    "key_of_file",
    "parse",
    "parse_standard_time",
    "spaced_nip",
    "time_readings",
    "to_json",
    "to_text",
    "to_toml",
    "with_switches",
]  # fmt: skip

_SOP_FOLDER = Path(__file__).parent / "papers"
#: The first bytes of files that are not plain text: ZIP (Office), PDF, old Office.
_DOCUMENT_SIGNATURES = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_NO_NUMBERS_IN_USE: Mapping[str, str] = MappingProxyType({})


def parse(text: str, key: str) -> Sop:
    """Return the SOP in the TOML ``text`` under ``key``; raises InvalidSopError with every error in it."""
    sop, errors = read_sop(text, key)
    if sop is None:
        raise InvalidSopError(tuple(errors))
    return sop


def check(text: str | bytes, key: str, *, numbers_in_use: Mapping[str, str] = _NO_NUMBERS_IN_USE) -> list[LineError]:
    """Return the errors of the file ``text``, by line; empty if the SOP is valid.

    ``numbers_in_use`` maps each SOP number in use to the digest of its content.
    """
    if isinstance(text, bytes):
        if text.startswith(_DOCUMENT_SIGNATURES):
            return [LineError(1, _("this is a Word, Excel or PDF file; an SOP is a plain text file"))]
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            return [LineError(line, _("the file is not in UTF-8; save it as UTF-8 and try again"))]
    sop, errors = read_sop(text, key)
    if sop is not None and sop.number is not None and numbers_in_use.get(sop.number, "") not in {"", digest(sop)}:
        line = line_of(find_line_numbers(text.removeprefix("\ufeff")), ("number",))
        return [
            LineError(line, _("the number %(number)s already belongs to an SOP with other content", number=sop.number))
        ]
    return errors


def key_of_file(stem: str) -> str:
    """Return the key of an SOP from the name of its file: blanks become hyphens."""
    return "-".join(stem.split())


def key_error(key: str) -> Message | None:
    """Return the error of the key of an SOP, in the browser and in the terminal; None if it is valid."""
    if _KEY.fullmatch(key):
        return None
    return _("The key has 1 to 100 letters, digits, full stops, hyphens or underscores, such as SOP-KAMI.")


def with_switches(sop: Sop, switches: Switches) -> Sop:
    """Return ``sop`` with other switches; raises InvalidSopError if it is not valid with them."""
    return parse(to_toml(replace(sop, switches=switches)), sop.key)


def bundled_sops() -> tuple[tuple[str, str], ...]:
    """Return key and TOML text of each SOP that comes with the program, sorted by key."""
    return tuple((path.stem, path.read_text(encoding="utf-8")) for path in sorted(_SOP_FOLDER.glob("*.toml")))
