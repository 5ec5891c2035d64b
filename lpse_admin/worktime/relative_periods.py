"""Periods that move with the day: a filter "this month" that was saved in November shows December in December."""

from __future__ import annotations

import datetime as dt

from lpse_admin.i18n import LabelledEnum, _

_DAY = dt.timedelta(days=1)
#: The length in months of the periods of the calendar, by the last part of their keys.
_MONTHS = {"month": 1, "quarter": 3, "semester": 6, "year": 12}


class RelativePeriod(LabelledEnum):
    """A period as seen from a day."""

    TODAY = "today", _("Today")
    YESTERDAY = "yesterday", _("Yesterday")
    THIS_WEEK = "this-week", _("This week")
    LAST_WEEK = "last-week", _("Last week")
    NEXT_WEEK = "next-week", _("Next week")
    LAST_7_DAYS = "last-7-days", _("Last 7 days")
    NEXT_7_DAYS = "next-7-days", _("Next 7 days")
    LAST_30_DAYS = "last-30-days", _("Last 30 days")
    NEXT_30_DAYS = "next-30-days", _("Next 30 days")
    THIS_MONTH = "this-month", _("This month")
    LAST_MONTH = "last-month", _("Last month")
    NEXT_MONTH = "next-month", _("Next month")
    THIS_QUARTER = "this-quarter", _("This quarter")
    LAST_QUARTER = "last-quarter", _("Last quarter")
    THIS_SEMESTER = "this-semester", _("This semester")
    LAST_SEMESTER = "last-semester", _("Last semester")
    THIS_YEAR = "this-year", _("This year")
    LAST_YEAR = "last-year", _("Last year")

    @property
    def is_ahead(self) -> bool:
        """Whether it lies in the future."""
        return self.value.startswith("next-")

    def days(self, today: dt.date) -> tuple[dt.date, dt.date]:
        """Return the first and the last day as seen from ``today``; weeks begin on Monday."""
        which, _hyphen, unit = self.value.partition("-")
        if not unit:
            day = today if self is RelativePeriod.TODAY else today - _DAY
            return day, day
        if unit.endswith("-days"):
            length = dt.timedelta(days=int(unit.removesuffix("-days")) - 1)
            return (today - length, today) if which == "last" else (today, today + length)
        offset = {"last": -1, "this": 0, "next": 1}[which]
        if unit == "week":
            monday = today - dt.timedelta(days=today.weekday()) + dt.timedelta(weeks=offset)
            return monday, monday + dt.timedelta(days=6)
        return _of_calendar(today, _MONTHS[unit], offset)


def _of_calendar(today: dt.date, months: int, place: int) -> tuple[dt.date, dt.date]:
    """Return the period of ``months`` that ``today`` is in, or one before or after it."""
    start = today.year * 12 + (today.month - 1) // months * months + place * months
    return _first_of(start), _first_of(start + months) - _DAY


def _first_of(months: int) -> dt.date:
    """Return the first day of a month, counted from the year 0."""
    return dt.date(months // 12, months % 12 + 1, 1)
