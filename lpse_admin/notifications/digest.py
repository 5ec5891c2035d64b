"""The daily digest of mail: when it goes out."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

DEFAULT_DIGEST_TIME = dt.time(7, 30)

#: Holidays do not last longer: after so many days the next one counts, whatever the calendar says.
_MAX_DAYS = 60
_TIME = re.compile(r"(?:pukul\s*)?([01]?[0-9]|2[0-3])\s*[.:]\s*([0-5][0-9])(?::00)?", re.IGNORECASE)


def parse_digest_time(text: str) -> dt.time | None:
    """Return the time that is written as 07.30 or 7:30, None for anything else."""
    match = _TIME.fullmatch(text.strip())
    return None if match is None else dt.time(int(match[1]), int(match[2]))


def next_digest(
    now: dt.datetime, digest_time: dt.time, zone: ZoneInfo, is_working_day: Callable[[dt.date], bool]
) -> dt.datetime:
    """Return the first moment after ``now`` that is ``digest_time`` of a working day."""
    today = now.astimezone(zone).date()
    days = (today + dt.timedelta(days=number) for number in range(_MAX_DAYS))
    moments = [(day, dt.datetime.combine(day, digest_time, zone)) for day in days]
    ahead = [(day, moment) for day, moment in moments if moment > now]
    return next((moment for day, moment in ahead if is_working_day(day)), ahead[-1][1])
