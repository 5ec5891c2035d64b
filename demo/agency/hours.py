"""Office hours as a continuous count of working seconds, in which the demo plans its events.

The count covers the working spans of the office's calendar, so that no event is on a holiday or outside office hours,
and the difference of two seconds is the working time that the program measures.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpse_admin.worktime.working_calendar import WorkCalendar

MINUTE = 60
#: Working seconds of a usual day, and of half of the shortest day (390 minutes, on a Friday of Ramadan).
DAY, HALF_DAY = 450 * MINUTE, 190 * MINUTE

_SECOND = dt.timedelta(seconds=1)


class OfficeHours:
    """The working time of one office between two dates, in seconds since it first opens."""

    def __init__(self, calendar: WorkCalendar, first: dt.date, last: dt.date) -> None:
        """Load the working days from ``first`` to ``last``, inclusive."""
        self.days: list[dt.date] = []
        self._day_starts = [0]
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
                self._day_starts.append(second)

    def day(self, second: int) -> dt.date:
        """Return the date of a working second in the office's time zone."""
        return self.days[self._day_index(second)]

    def at(self, second: int) -> dt.datetime:
        """Return the datetime, in UTC, of a working second."""
        span = bisect_right(self._span_starts, second) - 1
        return self._openings[span] + dt.timedelta(0, second - self._span_starts[span])

    def opening(self, day: dt.date) -> int:
        """Return the first second of ``day``, or of the next working day if it is none."""
        return self._day_starts[bisect_left(self.days, day)]

    def last_of_day(self, second: int) -> int:
        """Return the last second of the day of ``second``."""
        return self._day_starts[self._day_index(second) + 1] - 1

    def days_before(self, second: int, days: int) -> int:
        """Return the first second of the day that is ``days`` working days before ``second``, but at least 0."""
        return self._day_starts[max(bisect_right(self._day_starts, second) - 1 - days, 0)]

    def until(self, moment: dt.datetime) -> int:
        """Return the working seconds before ``moment``."""
        span = bisect_right(self._openings, moment) - 1
        if span < 0:
            return 0
        until = self._span_starts[span + 1] if span + 1 < len(self._span_starts) else self._day_starts[-1]
        return min(self._span_starts[span] + (moment - self._openings[span]) // _SECOND, until)

    def _day_index(self, second: int) -> int:
        return bisect_right(self._day_starts, second) - 1
