"""The page of the release calendar: a month or a week as a table of days, or a month as a list."""

from __future__ import annotations

import datetime as dt
from calendar import Calendar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from flask import url_for
from flask_babel import get_locale

from lpse_admin.errors import Incomplete, Malformed
from lpse_admin.i18n import Message, Word, _
from lpse_admin.workflow.record_fields import Environment
from lpse_admin.worktime.working_calendar import Kind
from models.database import db
from models.office.calendars import calendar_of
from models.releases.calendar import Entry, EntryKind, entries
from views.i18n.language import day as written_day
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from models.accounts.user import User
    from models.reports.waiting import Reader

_FIRST, _LAST = dt.date(1900, 2, 1), dt.date(2199, 12, 1)
_ONE_DAY = dt.timedelta(days=1)
_WEEK = 7
#: What a day of a month shows before it leads to the list of that day, and how much a list shows.
_IN_A_CELL, _IN_A_LIST = 4, 400
_WEEKS = Calendar()


Member = TypeVar("Member", bound=Word)


class View(Word):
    """In what form the calendar is shown."""

    MONTH = "month", _("Month")
    WEEK = "week", _("Week")
    LIST = "list", _("List")


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as one day, or the list, shows it: when in words, and where it leads."""

    entry: Entry
    when: str
    url: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its entries, how many more there are, and what it is to the office."""

    date: dt.date
    written: str
    is_today: bool
    is_outside: bool
    #: The word for what kind of holiday it is, and its name; empty where there is nothing to say.
    holiday: tuple[str, str]
    entries: tuple[Shown, ...]
    more: int
    more_url: str


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """What the page shows; ``weeks`` for the grids, ``listed`` for the list. Addresses are query strings."""

    view: View
    heading: str
    weekdays: tuple[str, ...]
    weeks: tuple[tuple[Day, ...], ...]
    listed: tuple[Shown, ...]
    is_cut: bool
    environment: Environment | None
    views: tuple[tuple[View, str], ...]
    date: dt.date
    earlier: str
    later: str
    today: str
    zone: str
    names_agency: bool

    @property
    def environments(self) -> tuple[Environment, ...]:
        """What the calendar can be narrowed to."""
        return tuple(Environment)

    @classmethod
    def read(cls, args: Mapping[str, str], reader: Reader, now: dt.datetime, zone: ZoneInfo) -> CalendarPage:
        """Return the page that ``args`` ask for, in ``zone``; raises Malformed for a view, date or environment."""
        today = now.astimezone(zone).date()
        view, date = _member(View, args.get("view") or View.MONTH), _date(args.get("date"), today)
        environment = _member(Environment, args["environment"]) if args.get("environment") else None
        asked = _Asked(view, date, environment)
        first, last = asked.stretch()
        found = entries(
            db.session(),
            reader.user,
            (_midnight(first, zone), _midnight(last + _ONE_DAY, zone)),
            stands_in_for_head=reader.stands_in_for_head,
            environment=environment,
            most=_IN_A_LIST + 1 if view is View.LIST else None,
        )
        found = [entry for entry in found if not entry.is_void]
        pen = _Pen(zone, today, _holidays(reader.user), asked)
        days = (first + dt.timedelta(number) for number in range((last - first).days + 1))
        weeks: list[tuple[Day, ...]] = []
        if view is not View.LIST:
            cells = [pen.day(one, found) for one in days]
            weeks = [tuple(cells[start : start + _WEEK]) for start in range(0, len(cells), _WEEK)]
        earlier, later = asked.neighbours()
        return cls(
            view=view,
            heading=asked.heading(),
            weekdays=tuple(get_locale().days["format"]["wide"][number] for number in range(_WEEK)),
            weeks=tuple(weeks),
            listed=tuple(pen.shown(entry) for entry in found[:_IN_A_LIST]) if view is View.LIST else (),
            is_cut=view is View.LIST and len(found) > _IN_A_LIST,
            environment=environment,
            views=tuple((other, asked.address(view=other)) for other in View),
            date=date,
            earlier=asked.address(date=earlier),
            later=asked.address(date=later),
            today=asked.address(date=today),
            zone=now.astimezone(zone).tzname() or "",
            names_agency=reader.user.reaches_across,
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for."""

    view: View
    date: dt.date
    environment: Environment | None

    def stretch(self) -> tuple[dt.date, dt.date]:
        """Return the first and the last day that are shown: whole weeks in a grid."""
        if self.view is View.WEEK:
            monday = self.date - dt.timedelta(self.date.weekday())
            return monday, monday + dt.timedelta(_WEEK - 1)
        if self.view is View.LIST:
            first = self.date.replace(day=1)
            return first, _next_month(first) - _ONE_DAY
        days = list(_WEEKS.itermonthdates(self.date.year, self.date.month))
        return days[0], days[-1]

    def neighbours(self) -> tuple[dt.date, dt.date]:
        """Return a date in the stretch before and one in the stretch after."""
        if self.view is View.WEEK:
            return self.date - dt.timedelta(_WEEK), self.date + dt.timedelta(_WEEK)
        first = self.date.replace(day=1)
        return (first - _ONE_DAY).replace(day=1), _next_month(first)

    def heading(self) -> str:
        """Return the month, or the days from Monday to Sunday, in words."""
        if self.view is View.WEEK:
            first, last = self.stretch()
            return f"{written_day(first)} – {written_day(last)}"
        return f"{get_locale().months['stand-alone']['wide'][self.date.month]} {self.date.year}"

    def address(self, *, view: View | None = None, date: dt.date | None = None) -> str:
        """Return the query string for this page with another view or date."""
        parts = {"view": (view or self.view).value, "date": (date or self.date).isoformat()}
        return urlencode(parts | ({"environment": self.environment.value} if self.environment else {}))


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes entries and days in the office's own time."""

    zone: ZoneInfo
    today: dt.date
    holiday: Callable[[dt.date], tuple[str, str]]
    asked: _Asked

    def day(self, date: dt.date, found: list[Entry]) -> Day:
        window = _midnight(date, self.zone), _midnight(date + _ONE_DAY, self.zone)
        here = [entry for entry in found if entry.is_in(window)]
        most = _IN_A_CELL if self.asked.view is View.MONTH else len(here)
        if len(here) == most + 1:  # the line that leads on takes as much room
            most += 1
        return Day(
            date=date,
            written=f"{get_locale().days['format']['wide'][date.weekday()]}, {written_day(date)}",
            is_today=date == self.today,
            is_outside=self.asked.view is View.MONTH and date.month != self.asked.date.month,
            holiday=self.holiday(date),
            entries=tuple(self.shown(entry, date) for entry in here[:most]),
            more=len(here[most:]),
            more_url=self.asked.address(view=View.WEEK, date=date),
        )

    def shown(self, entry: Entry, date: dt.date | None = None) -> Shown:
        """Return an entry with its times: on ``date``, or in full without one."""
        return Shown(entry, self._within(entry, date) if date else self._whole(entry), _url(entry))

    def _within(self, entry: Entry, date: dt.date) -> str:
        """Return when on a day it is: 17.00–18.00, from 17.00, until 18.00, or all day."""
        start = entry.starts_at.astimezone(self.zone)
        if entry.ends_at is None:
            return _clock(start)
        end = entry.ends_at.astimezone(self.zone)
        midnight, next_midnight = _midnight(date, self.zone), _midnight(date + _ONE_DAY, self.zone)
        if start <= midnight and end >= next_midnight:
            return tr(_("all day"))
        if end > next_midnight:
            return tr(_("from %(time)s", time=_clock(start)))
        if start < midnight:
            return tr(_("until %(time)s", time=_clock(end)))
        return f"{_clock(start)}–{_last(end)[1]}"

    def _whole(self, entry: Entry) -> str:
        start = entry.starts_at.astimezone(self.zone)
        if entry.ends_at is None:
            return f"{written_day(start.date())}, {_clock(start)}"
        end = entry.ends_at.astimezone(self.zone)
        date, clock = _last(end)
        last = clock if date == start.date() else f"{written_day(date)}, {clock}"
        return f"{written_day(start.date())}, {_clock(start)}–{last}"


def _clock(moment: dt.datetime) -> str:
    return moment.strftime("%H.%M" if get_locale().language == "id" else "%H:%M")


def _last(end: dt.datetime) -> tuple[dt.date, str]:
    """Return the day and the time at which something ends: midnight is 24.00 of the day that it closes."""
    if end.time() == dt.time.min:
        return end.date() - _ONE_DAY, "24.00" if get_locale().language == "id" else "24:00"
    return end.date(), _clock(end)


def _url(entry: Entry) -> str:
    if entry.kind is EntryKind.FREEZE:
        return url_for("freeze.details_view", id=entry.id)
    return url_for("change.details_view", id=entry.change_id)


def _holidays(user: User) -> Callable[[dt.date], tuple[str, str]]:
    """Return what names the holidays of the reader's office; whoever belongs to none is shown none."""
    if user.agency is None:
        return lambda _date: ("", "")
    calendar = calendar_of(db.session(), user.agency)

    def name(date: dt.date) -> tuple[str, str]:
        try:
            found = calendar.day(date)
        except Incomplete:  # beyond the years whose holidays are known
            return "", ""
        if found.kind not in {Kind.HOLIDAY, Kind.JOINT_LEAVE}:
            return "", ""
        kind = tr(found.kind.title)
        return "" if found.name.casefold().startswith(kind.casefold()) else kind, found.name

    return name


def _midnight(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.min, zone)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(32)).replace(day=1)


def _date(text: str | None, today: dt.date) -> dt.date:
    if not text:
        return today
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        raise _malformed(text) from None
    if not _FIRST <= date <= _LAST:
        raise _malformed(text)
    return date


def _member(kind: type[Member], text: str) -> Member:
    member = next((member for member in kind if member.value == text), None)
    if member is None:
        raise _malformed(text)
    return member


def _malformed(text: str) -> Malformed:
    shown: Message = _("The calendar cannot show “%(value)s”.", value=text[:60])
    return Malformed(shown)


__all__ = ["CalendarPage"]
