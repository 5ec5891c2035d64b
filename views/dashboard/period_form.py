"""The period of the figures, parsed from the address: ``?period=quarter``, or two dates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from lpse_admin.worktime.periods import PeriodKind, ReportPeriod, report_period

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIN_DATE, _MAX_DATE = dt.date(1900, 1, 1), dt.date(2999, 12, 30)
#: The most months in a chart.
MAX_MONTHS = 36


@dataclass(frozen=True, slots=True)
class PeriodForm:
    """The submitted values, the period that they mean, and their error."""

    kind: PeriodKind
    from_text: str
    until_text: str
    period: ReportPeriod
    error: Message | None = None

    @classmethod
    def from_args(cls, args: Mapping[str, str], today: dt.date) -> PeriodForm:
        """Return the period in ``args``; the last twelve months, with an error, if they are invalid."""
        default = report_period(PeriodKind.TWELVE_MONTHS, today)
        typed = args.get("from", "")[:20], args.get("until", "")[:20]
        try:
            kind = PeriodKind(args.get("period") or PeriodKind.TWELVE_MONTHS)
        except ValueError:
            return cls(
                PeriodKind.TWELVE_MONTHS, *typed, default, _("There is no such period: choose one from the list.")
            )
        if kind is not PeriodKind.DATES:
            return cls(kind, *typed, report_period(kind, today))
        dates = _parse_date(typed[0]), _parse_date(typed[1])
        if dates[0] is None or dates[1] is None:
            return cls(kind, *typed, default, _("Enter both dates of the period."))
        period = ReportPeriod(dates[0], dates[1])
        if period.last < period.first:
            return cls(kind, *typed, default, _("The period ends before it starts."))
        if len(period.months()) > MAX_MONTHS:
            return cls(kind, *typed, default, _("Choose a period of at most %(most)s months.", most=MAX_MONTHS))
        return cls(kind, *typed, period)


def _parse_date(text: str) -> dt.date | None:
    try:
        date = read_date(text)
    except UnreadableError:
        return None
    return date if date is not None and _MIN_DATE <= date <= _MAX_DATE else None
