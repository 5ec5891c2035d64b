"""Office hours as a row of seconds: a moment of the demo register is a place in that row.

Every working day has 450 minutes (Perpres 21/2023: 37.5 hours in five days), so that day and time of day follow
from one number. Public holidays with a fixed date are left out; movable ones are a matter of the calendar.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MINUTE = 60
#: Working seconds of a day, the same on every weekday.
DAY = 450 * MINUTE

_OPENING = dt.time(7, 30)
_FRIDAY = 4
#: Seconds before the break, and the break itself: on Fridays it is earlier and longer.
_BREAK = (270 * MINUTE, 60 * MINUTE)
_FRIDAY_BREAK = (240 * MINUTE, 90 * MINUTE)
#: The longest day, breaks included (Friday).
_FROM_OPENING_TO_CLOSING = dt.timedelta(hours=9)
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (6, 1), (8, 17), (12, 25)})


class OfficeHours:
    """The working time of one office between two dates, counted in seconds from its first opening."""

    def __init__(self, zone: ZoneInfo, first: dt.date, last: dt.date) -> None:
        """Count the working days from ``first`` to ``last``, both included, in the office's ``zone``."""
        days = (first + dt.timedelta(days) for days in range((last - first).days + 1))
        self.days = [day for day in days if day.weekday() <= _FRIDAY and (day.month, day.day) not in _FIXED_HOLIDAYS]
        self._openings = [dt.datetime.combine(day, _OPENING, zone).astimezone(dt.UTC) for day in self.days]

    def __len__(self) -> int:
        """Return the number of working seconds there are."""
        return len(self.days) * DAY

    def day(self, seconds: int) -> dt.date:
        """Return the office's own date at a place in the row."""
        return self.days[seconds // DAY]

    def at(self, seconds: int) -> dt.datetime:
        """Return the moment, in UTC, at a place in the row."""
        number, rest = divmod(seconds, DAY)
        morning, pause = _FRIDAY_BREAK if self.days[number].weekday() == _FRIDAY else _BREAK
        return self._openings[number] + dt.timedelta(seconds=rest + (pause if rest >= morning else 0))

    def opening(self, day: dt.date) -> int:
        """Return the place at which ``day`` opens, or the next working day where it is none."""
        return bisect_left(self.days, day) * DAY

    def until(self, moment: dt.datetime) -> int:
        """Return the working seconds of the days that are over at ``moment``."""
        return bisect_right(self._openings, moment - _FROM_OPENING_TO_CLOSING) * DAY
