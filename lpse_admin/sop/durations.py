"""Parse standard times as SOPs write them: "2 jam", "15 menit", "1 hari", "1 jam 30 menit", "1,5 jam"."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil

from lpse_admin.sop.model import StandardTime

#: 37.5 hours in five days (Perpres 21/2023).
MINUTES_PER_WORKDAY = 450
WORKDAYS_PER_WEEK = 5
#: The longest standard time of a step: one year.
MAX_STANDARD_MINUTES = 52 * WORKDAYS_PER_WEEK * MINUTES_PER_WORKDAY

_MINUTES_BY_UNIT = {
    "detik": Fraction(1, 60),
    "menit": Fraction(1),
    "mnt": Fraction(1),
    "jam": Fraction(60),
    "hari": Fraction(MINUTES_PER_WORKDAY),
    "minggu": Fraction(WORKDAYS_PER_WEEK * MINUTES_PER_WORKDAY),
    "pekan": Fraction(WORKDAYS_PER_WEEK * MINUTES_PER_WORKDAY),
}
#: The same by the clock, where the SOP says "kalender".
_CLOCK_MINUTES_BY_UNIT = _MINUTES_BY_UNIT | {
    "hari": Fraction(24 * 60),
    "minggu": Fraction(7 * 24 * 60),
    "pekan": Fraction(7 * 24 * 60),
}
_MAX_CLOCK_MINUTES = 366 * 24 * 60
_BY_CLOCK = re.compile(r"\s*\bkalender\b")
_WORKING = re.compile(r"\bkerja\b")
#: Words that make a limit of the figure after them; a standard time is a limit anyway.
_LIMIT_WORDS = re.compile(
    r"^(?:±|≤|<=?|\+/-|maks(?:imal|imum)?\b\.?|paling (?:lama|lambat)\b|sekitar\b|kurang lebih\b)\s*"
)
#: "1 (satu) hari": the figure in words.
_FIGURE_IN_WORDS = re.compile(r"\(\s*[a-z ]+\)")
#: "1 x 24 jam" means one day.
_ROUND_THE_CLOCK = re.compile(r"\b([0-9]{1,3})\s*[x\u00d7]\s*24\s*jam\b")
_HALF = re.compile(r"^(?:½|setengah\b)")
_FIGURE = r"[0-9]{1,6}(?:[.,][0-9]{1,2})?"
_UNIT = "|".join(_MINUTES_BY_UNIT)
_RANGE_WORDS = r"(?:-|\u2013|s[/.]?d\.?|sampai(?: dengan)?|hingga)"
_QUANTITY = (
    rf"(?:(?P<least>{_FIGURE})\s*(?P<of>{_UNIT})?\s*{_RANGE_WORDS}\s*)?(?P<most>{_FIGURE})"
    rf"\s*(?P<unit>{_UNIT})\b(?:\s*kerja\b)?"
)
_FIRST_QUANTITY = re.compile(_QUANTITY)
_NEXT_QUANTITY = re.compile(rf"\s*(?:,|\+|dan\b)?\s*{_QUANTITY}")


def _parse_figure(text: str) -> Fraction:
    return Fraction(text.replace(",", "."))


def parse_standard_time(text: str) -> StandardTime | None:
    """Return the standard time in ``text``, or None if it is not a standard time or out of range.

    Days and weeks are working time, unless it says "kalender": then all of it is time by the clock.
    Of a range ("5-10 menit") the upper end counts; "±" and "maks." are ignored.
    """
    rest = _LIMIT_WORDS.sub("", _FIGURE_IN_WORDS.sub(" ", _HALF.sub("0,5", text.lower())).strip().removesuffix("."))
    by_clock = _BY_CLOCK.search(rest) is not None
    if by_clock:
        if _WORKING.search(rest):
            return None
        rest = _ROUND_THE_CLOCK.sub(r"\1 hari", _BY_CLOCK.sub("", rest).strip())
    else:
        rest = _ROUND_THE_CLOCK.sub(r"\1 hari", rest)
    minutes = Fraction(0)
    whole_days = Fraction(0)
    seen: set[Fraction] = set()
    while rest:
        part = (_NEXT_QUANTITY if seen else _FIRST_QUANTITY).match(rest)
        if part is None:
            return None
        minutes_of = _CLOCK_MINUTES_BY_UNIT if by_clock else _MINUTES_BY_UNIT
        unit, most = minutes_of[part["unit"]], _parse_figure(part["most"])
        if unit in seen or (
            part["least"] and _parse_figure(part["least"]) * minutes_of.get(part["of"], unit) >= most * unit
        ):
            return None
        seen.add(unit)
        minutes += most * unit
        if unit >= MINUTES_PER_WORKDAY and not by_clock:
            whole_days += most * unit / MINUTES_PER_WORKDAY
        rest = rest[part.end() :]
    if not 0 < minutes <= (_MAX_CLOCK_MINUTES if by_clock else MAX_STANDARD_MINUTES):
        return None
    return StandardTime(text=text.strip(), minutes=ceil(minutes), days=int(whole_days), by_clock=by_clock)


def is_by_clock(text: str) -> bool:
    """Whether the standard time in ``text`` is time of the clock: "24 jam kalender"."""
    standard = parse_standard_time(text)
    return standard is not None and standard.by_clock
