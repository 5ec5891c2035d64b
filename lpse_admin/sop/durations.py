"""Standard times as papers write them: "2 jam", "15 menit", "1 hari", "1 jam 30 menit", "1,5 jam"."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil

from lpse_admin.sop.model import Standard

#: 37.5 hours in five days (Perpres 21/2023).
MINUTES_PER_DAY = 450
DAYS_PER_WEEK = 5
#: Nothing that one person does in one step has a standard time of more than a year.
LONGEST_MINUTES = 52 * DAYS_PER_WEEK * MINUTES_PER_DAY

_MINUTES = {
    "detik": Fraction(1, 60),
    "menit": Fraction(1),
    "mnt": Fraction(1),
    "jam": Fraction(60),
    "hari": Fraction(MINUTES_PER_DAY),
    "minggu": Fraction(DAYS_PER_WEEK * MINUTES_PER_DAY),
    "pekan": Fraction(DAYS_PER_WEEK * MINUTES_PER_DAY),
}
#: Words before a figure that make a limit of it, which it is for us anyway.
_LIMIT = re.compile(r"^(?:±|≤|<=?|\+/-|maks(?:imal|imum)?\b\.?|paling (?:lama|lambat)\b|sekitar\b|kurang lebih\b)\s*")
#: "1 (satu) hari": the figure in words.
_IN_WORDS = re.compile(r"\(\s*[a-z ]+\)")
#: "1 x 24 jam" is a day, in every office.
_ROUND_THE_CLOCK = re.compile(r"\b([0-9]{1,3})\s*[x\u00d7]\s*24\s*jam\b")
_HALF = re.compile(r"^(?:½|setengah\b)")
_FIGURE = r"[0-9]{1,6}(?:[.,][0-9]{1,2})?"
_UNIT = "|".join(_MINUTES)
_UP_TO = r"(?:-|\u2013|s[/.]?d\.?|sampai(?: dengan)?|hingga)"
_PART = (
    rf"(?:(?P<least>{_FIGURE})\s*(?P<of>{_UNIT})?\s*{_UP_TO}\s*)?(?P<most>{_FIGURE})"
    rf"\s*(?P<unit>{_UNIT})\b(?:\s*kerja\b)?"
)
_FIRST = re.compile(_PART)
_NEXT = re.compile(rf"\s*(?:,|\+|dan\b)?\s*{_PART}")


def _figure(text: str) -> Fraction:
    return Fraction(text.replace(",", "."))


def parse_time(text: str) -> Standard | None:
    """Return the standard time that ``text`` means, or None where it means none, or an impossible one.

    A day or week is of working time. Of "5-10 menit" the longer counts; "±" and "maks." change nothing.
    """
    rest = _LIMIT.sub("", _IN_WORDS.sub(" ", _HALF.sub("0,5", text.lower())).strip().removesuffix("."))
    rest = _ROUND_THE_CLOCK.sub(r"\1 hari", rest)
    minutes = Fraction(0)
    whole_days = Fraction(0)
    seen: set[Fraction] = set()
    while rest:
        part = (_NEXT if seen else _FIRST).match(rest)
        if part is None:
            return None
        unit, most = _MINUTES[part["unit"]], _figure(part["most"])
        if unit in seen or (part["least"] and _figure(part["least"]) * _MINUTES.get(part["of"], unit) >= most * unit):
            return None
        seen.add(unit)
        minutes += most * unit
        if unit >= MINUTES_PER_DAY:
            whole_days += most * unit / MINUTES_PER_DAY
        rest = rest[part.end() :]
    if not 0 < minutes <= LONGEST_MINUTES:
        return None
    return Standard(text=text.strip(), minutes=ceil(minutes), days=int(whole_days))
