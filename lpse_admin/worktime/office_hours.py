"""Office hours: the working spans of each weekday, without breaks."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

#: The days of a week, in the order in which hours are given.
WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
DAYS_IN_WEEK = len(WEEKDAYS)

_SPAN = re.compile(r"(\d{1,2})[.:](\d{2})\s*(?:-|\u2013|s/d|s\.d\.)\s*(\d{1,2})[.:](\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A span of one day, in the office's local time; ``end`` is exclusive."""

    start: dt.time
    end: dt.time

    def __post_init__(self) -> None:
        """Raise ValidationFailed if the span ends before it starts; spans do not pass midnight."""
        if self.end <= self.start:
            raise ValidationFailed(_("%(span)s ends before it starts", span=str(self)))

    def __str__(self) -> str:
        """Return the span as "07.30–12.00", which ``parse_spans`` reads."""
        return f"{self.start:%H.%M}–{self.end:%H.%M}"


def require_in_order(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return ``spans``; raises ValidationFailed if they overlap or are out of order."""
    for earlier, later in pairwise(spans):
        if later.start < earlier.end:
            raise ValidationFailed(_("%(later)s is not after %(earlier)s", later=str(later), earlier=str(earlier)))
    return spans


def parse_spans(text: str) -> tuple[Span, ...]:
    """Parse the hours of one day, "07.30–12.00, 13.00–16.00"; empty for a day without work.

    Raises ValidationFailed if they cannot be parsed, overlap or are out of order.
    """
    return require_in_order(tuple(_parse_span(part.strip()) for part in re.split(r"[,;]", text) if part.strip()))


def _parse_span(text: str) -> Span:
    figures = _SPAN.fullmatch(text)
    try:
        if figures is not None:
            from_hour, from_minute, to_hour, to_minute = map(int, figures.groups())
            return Span(dt.time(from_hour, from_minute), dt.time(to_hour, to_minute))
    except ValueError:
        pass  # such as 25.00
    raise ValidationFailed(_("“%(span)s” is not a time span; write 07.30–12.00", span=text))


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The working spans of each weekday, Monday first."""

    week: tuple[tuple[Span, ...], ...]

    def __post_init__(self) -> None:
        """Raise ValidationFailed unless there are seven days, each with its spans in order."""
        if len(self.week) != DAYS_IN_WEEK:
            raise ValidationFailed(_("A week has seven days, not %(days)s", days=len(self.week)))
        for day in self.week:
            require_in_order(day)

    @classmethod
    def from_texts(cls, *days: str) -> WeeklyHours:
        """Parse a week from the texts of its days, Monday first; missing days have no work."""
        return cls(tuple(map(parse_spans, days)) + ((),) * (DAYS_IN_WEEK - len(days)))

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each day, as ``from_texts`` takes them."""
        return tuple(", ".join(map(str, day)) for day in self.week)

    def spans_on(self, day: dt.date) -> tuple[Span, ...]:
        """Return the spans of the weekday of ``day``."""
        return self.week[day.weekday()]

    @property
    def first_working_day(self) -> tuple[Span, ...]:
        """The spans of the first weekday that has any."""
        return next(filter(None, self.week), ())

    @property
    def weekly_total(self) -> dt.timedelta:
        """The working time of the whole week."""
        return sum((span_length(span) for day in self.week for span in day), dt.timedelta())


def span_length(span: Span) -> dt.timedelta:
    """Return the length of ``span`` on a day without a clock change."""
    return dt.datetime.combine(dt.date.min, span.end) - dt.datetime.combine(dt.date.min, span.start)


#: 37.5 hours. Perpres 21/2023, article 4: from 07.30, a break of 60 minutes, on Fridays of 90. It does not say when
#: the break is; Keppres 68/1995, article 1, which it replaced, says 12.00–13.00 and on Fridays 11.30–13.00, and so
#: until 16.00 and 16.30. Both agree otherwise, so these hours also apply to the years before 2023.
DEFAULT_HOURS = WeeklyHours.from_texts(*["07.30–12.00, 13.00–16.00"] * 4, "07.30–11.30, 13.00–16.30")

#: 32.5 hours. Perpres 21/2023, article 4: from 08.00, a break of 30 minutes, on Fridays of 60. When the break is, and
#: that it ends at 15.00 and 15.30, say the ministry's circulars for five working days (SE Menteri PANRB 7/2013,
#: 336/2018 and 6/2023, the same each year): 12.00–12.30, on Fridays 11.30–12.30.
RAMADAN_HOURS = WeeklyHours.from_texts(*["08.00–12.00, 12.30–15.00"] * 4, "08.00–11.30, 12.30–15.30")


@dataclass(frozen=True, slots=True)
class Timetable:
    """Office hours from the day ``since`` on; earlier days keep their hours."""

    since: dt.date
    hours: WeeklyHours = DEFAULT_HOURS
    ramadan_hours: WeeklyHours = RAMADAN_HOURS
