"""Durations by the clock as people write them: "90 menit", "2 jam 30 menit", "1,5 jam", "1 hari"."""

from __future__ import annotations

import re

from lpse_admin.i18n import _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_dash, normalize, shorten
from lpse_admin.parsing.numbers import read_number

#: A year, in minutes.
MAX_DURATION_MINUTES = 366 * 24 * 60

#: By the clock: a day has 24 hours.
_MINUTES_BY_UNIT = {
    **dict.fromkeys(("menit", "mnt", "minute", "minutes", "min", "m"), 1),
    **dict.fromkeys(("jam", "j", "hour", "hours", "h"), 60),
    **dict.fromkeys(("hari", "day", "days", "d"), 24 * 60),
    **dict.fromkeys(("minggu", "pekan", "week", "weeks"), 7 * 24 * 60),
}
_PART = re.compile(rf"([\d.,]+)\s*({'|'.join(sorted(_MINUTES_BY_UNIT, key=len, reverse=True))})\b\.?", re.ASCII)
_BETWEEN = re.compile(r"^(?:\s|,|dan\b|and\b)*$")


def read_duration(text: str) -> int | None:
    """Return the minutes of the duration in ``text``; None if it is blank or a dash.

    A figure without a unit means minutes. Raises UnreadableError with a sentence that says how to write it.
    """
    written, original = normalize(text).lower(), shorten(text)
    if not written or is_dash(written):
        return None
    if re.fullmatch(r"[\d.,]+", written, re.ASCII):
        written += " menit"
    result = list(_PART.finditer(written))
    minutes = sum((read_number(part[1]) or 0) * _MINUTES_BY_UNIT[part[2]] for part in result)
    if not result or not _BETWEEN.match(_PART.sub("", written)):
        raise UnreadableError(_("“%(value)s” is not a duration: write it as 2 jam 30 menit.", value=original))
    if minutes != int(minutes) or minutes > MAX_DURATION_MINUTES:
        raise UnreadableError(_("“%(value)s” is not a number of whole minutes, up to a year.", value=original))
    return int(minutes)


def write_duration(minutes: int) -> str:
    """Return ``minutes`` as people write them: 1 hari 2 jam 30 menit."""
    days, rest = divmod(minutes, 24 * 60)
    hours, rest = divmod(rest, 60)
    parts = [f"{figure} {unit}" for figure, unit in ((days, "hari"), (hours, "jam"), (rest, "menit")) if figure]
    return " ".join(parts) or "0 menit"
