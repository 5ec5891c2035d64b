"""Office hours as a row of seconds: a moment of the demo register is a second in that row.

The row is made of the spans of the office's own calendar, so that nothing happens on a holiday or outside hours, and
so that the seconds between two of them are the working time that the program shows.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpse_admin.worktime.working_calendar import WorkCalendar

MINUTE = 60
#: Working seconds of a usual day, and of half of any: the shortest one, on a Friday of Ramadan, has 390 minutes.
DAY, HALF_DAY = 450 * MINUTE, 190 * MINUTE

_SECOND = dt.timedelta(seconds=1)


class OfficeHours:
    """The working time of one office between two dates, counted in seconds from its first opening."""

    def __init__(self, calendar: WorkCalendar, first: dt.date, last: dt.date) -> None:
        """Count the working days from ``first`` to ``last``, both included."""
        self.days: list[dt.date] = []
        self._closings: list[dt.datetime] = []
        self._begins = [0]
        self._openings: list[dt.datetime] = []
        self._span_starts: list[int] = []
        second = 0
        for day in (first + dt.timedelta(days) for days in range((last - first).days + 1)):
            spans = calendar.spans(day)
            for opens, closes in spans:
                self._openings.append(opens)
                self._span_starts.append(second)
                second += (closes - opens) // _SECOND
            if spans:
                self.days.append(day)
                self._begins.append(second)
                self._closings.append(spans[-1][1])

    def day(self, second: int) -> dt.date:
        """Return the office's own date at a second in the row."""
        return self.days[self._number(second)]

    def at(self, second: int) -> dt.datetime:
        """Return the moment, in UTC, at a second in the row."""
        span = bisect_right(self._span_starts, second) - 1
        return self._openings[span] + dt.timedelta(0, second - self._span_starts[span])

    def opening(self, day: dt.date) -> int:
        """Return the second at which ``day`` opens, or the next working day where it is none."""
        return self._begins[bisect_left(self.days, day)]

    def last_of_day(self, second: int) -> int:
        """Return the last second on the day of ``second``."""
        return self._begins[self._number(second) + 1] - 1

    def days_before(self, second: int, days: int) -> int:
        """Return the opening that is ``days`` working days before the day of ``second``; the first one at most."""
        return self._begins[max(bisect_right(self._begins, second) - 1 - days, 0)]

    def until(self, moment: dt.datetime) -> int:
        """Return the working seconds of the days that are over at ``moment``."""
        return self._begins[bisect_right(self._closings, moment)]

    def _number(self, second: int) -> int:
        return bisect_right(self._begins, second) - 1
