"""The number of a paper, by the pattern that an office sets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    import datetime as dt

DEFAULT_PATTERN = "{permintaan}/{jenis}"

_PLACE = re.compile(r"\{([^{}]*)\}")
_ROMAN_MONTHS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
#: Separators that are left over where a part of the pattern is empty.
_LEFT_OVER = re.compile(r"([/.\-])(?:\s*[/.\-])+")


@dataclass(frozen=True, slots=True)
class NumberParts:
    """What a number is made of: the request's number and serial, the kind's code, how often there is one, its date."""

    request: str
    serial: int | None
    code: str
    occurrence: int
    date: dt.date
    classification: str = ""


#: What stands in a pattern in braces, and what it becomes.
PLACES: dict[str, Message] = {
    "permintaan": _("number of the request"),
    "urut": _("serial of the request in its year"),
    "jenis": _("abbreviation of the kind of paper"),
    "klasifikasi": _("classification code"),
    "tanggal": _("day of the month"),
    "bulan": _("month in Roman digits"),
    "tahun": _("year"),
}


def pattern_error(pattern: str) -> Message | None:
    """Return why a pattern cannot be used, or None."""
    unknown = [name for name in _PLACE.findall(pattern) if name not in PLACES]
    if unknown:
        return _("“{%(name)s}” is not known here.", name=unknown[0])
    if "{" in _PLACE.sub("", pattern) or "}" in _PLACE.sub("", pattern):
        return _("A brace has no counterpart.")
    if "{jenis}" not in pattern or not ("{permintaan}" in pattern or {"{urut}", "{tahun}"} <= set(_braced(pattern))):
        return _(
            "The pattern needs {jenis}, and {permintaan} or both {urut} and {tahun}, so that no two numbers are equal."
        )
    return None


def _braced(pattern: str) -> list[str]:
    return [f"{{{name}}}" for name in _PLACE.findall(pattern)]


def paper_number(pattern: str, parts: NumberParts) -> str:
    """Return the number of a paper; the second of its kind about a request has ``-2`` behind the abbreviation."""
    code = parts.code if parts.occurrence <= 1 else f"{parts.code}-{parts.occurrence}"
    values = {
        "permintaan": parts.request,
        "urut": "" if parts.serial is None else f"{parts.serial:04d}",
        "jenis": code,
        "klasifikasi": parts.classification,
        "tanggal": f"{parts.date.day:02d}",
        "bulan": _ROMAN_MONTHS[parts.date.month - 1],
        "tahun": str(parts.date.year),
    }
    text = _PLACE.sub(lambda place: values[place[1]], pattern)
    return _LEFT_OVER.sub(r"\1", text).strip("/.- ")
