"""Periods of days, as reports are asked for: this month, this quarter, this year, the last twelve months."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lpse_admin.i18n import Word, _

_MONTHS_OF_A_YEAR = 12
_MONTHS_OF_A_QUARTER = 3


class PeriodKind(Word):
    """Which period is asked for."""

    TWELVE_MONTHS = "12-months", _("Last 12 months")
    MONTH = "month", _("This month")
    QUARTER = "quarter", _("This quarter")
    YEAR = "year", _("This year")
    DATES = "dates", _("From – until")


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``first`` to ``last``, both included."""

    first: dt.date
    last: dt.date

    def months(self) -> list[Period]:
        """Return its months in order, the first and the last cut where it begins and ends."""
        found, begin = [], self.first
        while begin <= self.last:
            after = _months_on(begin, 1)
            found.append(Period(begin, min(after - dt.timedelta(1), self.last)))
            begin = after
        return found


def period(kind: PeriodKind, today: dt.date) -> Period:
    """Return the period of ``kind`` (any but DATES) that ends today."""
    back = {
        PeriodKind.MONTH: 0,
        PeriodKind.QUARTER: (today.month - 1) % _MONTHS_OF_A_QUARTER,
        PeriodKind.YEAR: today.month - 1,
        PeriodKind.TWELVE_MONTHS: _MONTHS_OF_A_YEAR - 1,
    }[kind]
    return Period(_months_on(today, -back), today)


def _months_on(day: dt.date, months: int) -> dt.date:
    """Return the first day of the month that is so many months after that of ``day``."""
    number = day.year * _MONTHS_OF_A_YEAR + day.month - 1 + months
    return dt.date(number // _MONTHS_OF_A_YEAR, number % _MONTHS_OF_A_YEAR + 1, 1)
