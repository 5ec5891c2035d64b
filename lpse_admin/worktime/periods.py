"""Report periods: this month, this quarter, this year, the last twelve months."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lpse_admin.i18n import LabelledEnum, _

_MONTHS_PER_YEAR = 12
_MONTHS_PER_QUARTER = 3


class PeriodKind(LabelledEnum):
    """The kind of a report period."""

    TWELVE_MONTHS = "12-months", _("Last 12 months")
    MONTH = "month", _("This month")
    QUARTER = "quarter", _("This quarter")
    YEAR = "year", _("This year")
    DATES = "dates", _("From – to")


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The days from ``first`` to ``last``, both inclusive."""

    first: dt.date
    last: dt.date

    def months(self) -> list[ReportPeriod]:
        """Return its months in order; the first and the last may be partial."""
        months, start = [], self.first
        while start <= self.last:
            following = _add_months(start, 1)
            months.append(ReportPeriod(start, min(following - dt.timedelta(1), self.last)))
            start = following
        return months


def report_period(kind: PeriodKind, today: dt.date) -> ReportPeriod:
    """Return the period of ``kind`` (any but DATES) that ends today."""
    back = {
        PeriodKind.MONTH: 0,
        PeriodKind.QUARTER: (today.month - 1) % _MONTHS_PER_QUARTER,
        PeriodKind.YEAR: today.month - 1,
        PeriodKind.TWELVE_MONTHS: _MONTHS_PER_YEAR - 1,
    }[kind]
    return ReportPeriod(_add_months(today, -back), today)


def _add_months(day: dt.date, months: int) -> dt.date:
    """Return the first day of the month ``months`` after the month of ``day``."""
    number = day.year * _MONTHS_PER_YEAR + day.month - 1 + months
    return dt.date(number // _MONTHS_PER_YEAR, number % _MONTHS_PER_YEAR + 1, 1)
