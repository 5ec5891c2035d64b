"""The page of the release calendar: a month or a week as a table of days, or a month as a list."""

from __future__ import annotations

import datetime as dt
from calendar import Calendar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar
from urllib.parse import urlencode

from flask import url_for

from lpse_admin.errors import Malformed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from lpse_admin.workflow.record_fields import Environment
from lpse_admin.worktime.working_calendar import TimeKind
from models.database import db
from models.office.calendars import load_calendar
from models.releases.calendar import CalendarEntry, CalendarEntryKind, calendar_entries, entries_by_day
from views.i18n.language import current_locale, format_date, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from models.accounts.user import User
    from models.releases.calendar import DayEntries
    from models.reports.waiting import ActingUser

_MIN_DATE, _MAX_DATE = dt.date(1900, 2, 1), dt.date(2199, 12, 1)
_ONE_DAY = dt.timedelta(days=1)
_DAYS_PER_WEEK = 7
#: The most entries of a day in the month view, and of the list.
_MAX_PER_DAY, _MAX_IN_LIST = 4, 400
#: So many entries beyond those of a month are in its page too, for paper; more are on paper with ``all=1``.
_MAX_BEYOND = 150
_CALENDAR = Calendar()


MemberT = TypeVar("MemberT", bound=LabelledEnum)


class CalendarMode(LabelledEnum):
    """The view of the calendar."""

    MONTH = "month", _("Month")
    WEEK = "week", _("Week")
    LIST = "list", _("List")


@dataclass(frozen=True, slots=True)
class CalendarItem:
    """An entry in a day or in the list: its kind and time as text, and the address of its page."""

    entry: CalendarEntry
    kind: CalendarEntryKind
    kind_text: str
    #: When it begins, and the rest of the time.
    time_text: tuple[str, str]
    url: str
    #: Whether it is shown on paper only.
    is_beyond: bool = False


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day: its entries, the number of those not shown, and its holiday."""

    date: dt.date
    date_text: str
    is_today: bool
    is_other_month: bool
    #: Kind and name of the holiday; empty strings if there is none.
    holiday: tuple[str, str]
    is_frozen: bool
    entries: tuple[CalendarItem, ...]
    #: How many are not shown at first, and of those the number that is not there at all.
    more: int
    missing: int
    more_url: str


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """The page's content: ``weeks`` for the grids, ``list_items`` for the list. Addresses are query strings."""

    view: CalendarMode
    heading: str
    weekdays: tuple[str, ...]
    weeks: tuple[tuple[CalendarDay, ...], ...]
    list_items: tuple[CalendarItem, ...]
    is_truncated: bool
    environment: Environment | None
    views: tuple[tuple[CalendarMode, str], ...]
    date: dt.date
    earlier_query: str
    later_query: str
    today_query: str
    all_query: str
    zone: str
    shows_agency: bool

    #: Its kinds of entries, for the legend.
    kinds: ClassVar = CalendarEntryKind

    @property
    def leaves_out(self) -> bool:
        """Whether a day has entries that are not in the page at all."""
        return any(day.missing for week in self.weeks for day in week)

    @property
    def environment_names(self) -> dict[Environment, str]:
        """The names of the environments."""
        return {one: tr(one.title) for one in Environment}

    @property
    def environments(self) -> tuple[Environment, ...]:
        """The choices of the environment filter."""
        return tuple(Environment)

    @classmethod
    def from_args(cls, args: Mapping[str, str], reader: ActingUser, now: dt.datetime, zone: ZoneInfo) -> CalendarPage:
        """Return the page for ``args`` in ``zone``. Raises Malformed for an invalid view, date or environment."""
        today = now.astimezone(zone).date()
        view = _parse_member(CalendarMode, args.get("view") or CalendarMode.MONTH)
        date = _parse_date(args.get("date"), today)
        environment = _parse_member(Environment, args["environment"]) if args.get("environment") else None
        shows_all = args.get("all") == "1"
        query = _CalendarQuery(view, date, environment)
        first, last = query.date_range()
        formatter = _CalendarFormatter(zone, today, _holiday_lookup(reader.user), query)
        days = [first + dt.timedelta(number) for number in range((last - first).days + 1)]
        midnights = [_midnight(day, zone) for day in (*days, last + _ONE_DAY)]
        most = _MAX_PER_DAY if view is CalendarMode.MONTH and not shows_all else None
        entries = _list_entries(reader, midnights, environment) if view is CalendarMode.LIST else None
        weeks = _weeks(reader, formatter, days, midnights, environment, most) if entries is None else ()
        earlier, later = query.adjacent_dates()
        return cls(
            view=view,
            heading=query.heading(),
            weekdays=tuple(current_locale().days["format"]["wide"][number] for number in range(_DAYS_PER_WEEK)),
            weeks=weeks,
            list_items=tuple(formatter.item(entry) for entry in (entries or ())[:_MAX_IN_LIST]),
            is_truncated=len(entries or ()) > _MAX_IN_LIST,
            environment=environment,
            views=tuple((other, query.query_string(view=other)) for other in CalendarMode),
            date=date,
            earlier_query=query.query_string(date=earlier),
            later_query=query.query_string(date=later),
            today_query=query.query_string(date=today),
            all_query=f"{query.query_string(view=CalendarMode.MONTH)}&all=1",
            zone=now.astimezone(zone).tzname() or "",
            shows_agency=reader.user.is_superadmin,
        )


def _list_entries(
    reader: ActingUser, midnights: Sequence[dt.datetime], environment: Environment | None
) -> list[CalendarEntry]:
    """Return the entries of the list, one more than it shows at the most."""
    with_void = calendar_entries(
        db.session(),
        reader.user,
        (midnights[0], midnights[-1]),
        is_acting_head=reader.is_acting_head,
        environment=environment,
        limit=_MAX_IN_LIST + 1,
    )
    return [entry for entry in with_void if not entry.is_void]


def _weeks(
    reader: ActingUser,
    formatter: _CalendarFormatter,
    days: Sequence[dt.date],
    midnights: Sequence[dt.datetime],
    environment: Environment | None,
    most: int | None,
) -> tuple[tuple[CalendarDay, ...], ...]:
    """Return the days of the grid, a week each, with ``most`` entries a day."""
    by_day = entries_by_day(db.session(), reader, midnights, most=most, spare=_MAX_BEYOND, environment=environment)
    cells = [formatter.day(day, of_day) for day, of_day in zip(days, by_day, strict=True)]
    return tuple(tuple(cells[start : start + _DAYS_PER_WEEK]) for start in range(0, len(cells), _DAYS_PER_WEEK))


@dataclass(frozen=True, slots=True)
class _CalendarQuery:
    """The arguments of the address."""

    view: CalendarMode
    date: dt.date
    environment: Environment | None

    def date_range(self) -> tuple[dt.date, dt.date]:
        """Return the first and the last day of the page; whole weeks in a grid."""
        if self.view is CalendarMode.WEEK:
            monday = self.date - dt.timedelta(self.date.weekday())
            return monday, monday + dt.timedelta(_DAYS_PER_WEEK - 1)
        if self.view is CalendarMode.LIST:
            first = self.date.replace(day=1)
            return first, _next_month(first) - _ONE_DAY
        days = list(_CALENDAR.itermonthdates(self.date.year, self.date.month))
        return days[0], days[-1]

    def adjacent_dates(self) -> tuple[dt.date, dt.date]:
        """Return a date in the previous and one in the next week or month."""
        if self.view is CalendarMode.WEEK:
            return self.date - dt.timedelta(_DAYS_PER_WEEK), self.date + dt.timedelta(_DAYS_PER_WEEK)
        first = self.date.replace(day=1)
        return (first - _ONE_DAY).replace(day=1), _next_month(first)

    def heading(self) -> str:
        """Return the month, or Monday and Sunday of the week, as text."""
        if self.view is CalendarMode.WEEK:
            first, last = self.date_range()
            return f"{format_date(first)} – {format_date(last)}"
        return f"{current_locale().months['stand-alone']['wide'][self.date.month]} {self.date.year}"

    def query_string(self, *, view: CalendarMode | None = None, date: dt.date | None = None) -> str:
        """Return the query string for this page with another view or date."""
        parts = {"view": (view or self.view).value, "date": (date or self.date).isoformat()}
        return urlencode(parts | ({"environment": self.environment.value} if self.environment else {}))


@dataclass(frozen=True, slots=True)
class _CalendarFormatter:
    """Formats entries and days in ``zone``."""

    zone: ZoneInfo
    today: dt.date
    holiday_on: Callable[[dt.date], tuple[str, str]]
    query: _CalendarQuery
    #: The names of the kinds, and the addresses of their pages up to the id.
    kind_texts: Mapping[CalendarEntryKind, str] = field(
        default_factory=lambda: {kind: tr(kind.title) for kind in CalendarEntryKind}
    )
    weekdays: Mapping[int, str] = field(default_factory=lambda: current_locale().days["format"]["wide"])
    #: Between hours and minutes.
    separator: str = field(default_factory=lambda: "." if current_locale().language == "id" else ":")
    change_url: str = field(default_factory=lambda: url_for("change.details_view", id=""))
    freeze_url: str = field(default_factory=lambda: url_for("freeze.details_view", id=""))

    def day(self, date: dt.date, found: DayEntries) -> CalendarDay:
        return CalendarDay(
            date=date,
            date_text=f"{self.weekdays[date.weekday()]}, {format_date(date)}",
            is_today=date == self.today,
            is_other_month=self.query.view is CalendarMode.MONTH and date.month != self.query.date.month,
            holiday=self.holiday_on(date),
            is_frozen=any(entry.kind is CalendarEntryKind.FREEZE for entry in found.entries),
            entries=tuple(
                self.item(entry, date, is_beyond=index >= found.visible) for index, entry in enumerate(found.entries)
            ),
            more=found.more,
            missing=found.total - len(found.entries),
            more_url=self.query.query_string(view=CalendarMode.WEEK, date=date) if found.more else "",
        )

    def item(self, entry: CalendarEntry, date: dt.date | None = None, *, is_beyond: bool = False) -> CalendarItem:
        """Return an entry with its times: on ``date``, or in full without one."""
        kind = CalendarEntryKind.ACTUAL if entry.actual_at is not None else entry.kind
        time_text = self._time_on_day(entry, date) if date else (self._full_time(entry), "")
        url = (
            f"{self.freeze_url}{entry.id}"
            if kind is CalendarEntryKind.FREEZE
            else f"{self.change_url}{entry.change_id}"
        )
        return CalendarItem(entry, kind, self.kind_texts[kind], time_text, url, is_beyond)

    def _format_time(self, moment: dt.datetime) -> str:
        return f"{moment.hour:02}{self.separator}{moment.minute:02}"

    def _end_date_and_time(self, end: dt.datetime) -> tuple[dt.date, str]:
        """Return day and time of an end; midnight is 24.00 of the day before."""
        if not end.hour and end.time() == dt.time.min:
            return end.date() - _ONE_DAY, f"24{self.separator}00"
        return end.date(), self._format_time(end)

    def _time_on_day(self, entry: CalendarEntry, date: dt.date) -> tuple[str, str]:
        """Return the time of an entry on a day: 17.00–18.00, from 17.00, until 18.00, or all day."""
        start = entry.starts_at.astimezone(self.zone)
        if entry.ends_at is None:
            return self._format_time(start), ""
        end = entry.ends_at.astimezone(self.zone)
        midnight, next_midnight = _midnight(date, self.zone), _midnight(date + _ONE_DAY, self.zone)
        if start <= midnight and end >= next_midnight:
            return tr(_("all day")), ""
        if end > next_midnight:
            return tr(_("from %(time)s", time=self._format_time(start))), ""
        if start < midnight:
            return tr(_("until %(time)s", time=self._format_time(end))), ""
        return self._format_time(start), f"–{self._end_date_and_time(end)[1]}"

    def _full_time(self, entry: CalendarEntry) -> str:
        start = entry.starts_at.astimezone(self.zone)
        if entry.ends_at is None:
            return f"{format_date(start.date())}, {self._format_time(start)}"
        end = entry.ends_at.astimezone(self.zone)
        date, clock = self._end_date_and_time(end)
        last = clock if date == start.date() else f"{format_date(date)}, {clock}"
        return f"{format_date(start.date())}, {self._format_time(start)}–{last}"


def _holiday_lookup(user: User) -> Callable[[dt.date], tuple[str, str]]:
    """Return a function from a date to kind and name of the agency's holiday; empty strings without an agency."""
    if user.agency is None:
        return lambda _date: ("", "")
    calendar = load_calendar(db.session(), user.agency)

    def name(date: dt.date) -> tuple[str, str]:
        try:
            day = calendar.day(date)
        except ValidationFailed:  # beyond the years whose holidays are known
            return "", ""
        if day.kind not in {TimeKind.HOLIDAY, TimeKind.JOINT_LEAVE}:
            return "", ""
        kind = tr(day.kind.title)
        return "" if day.name.casefold().startswith(kind.casefold()) else kind, day.name

    return name


def _midnight(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.min, zone)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(32)).replace(day=1)


def _parse_date(text: str | None, today: dt.date) -> dt.date:
    if not text:
        return today
    try:
        date = read_date(text)
    except UnreadableError:
        raise _malformed(text) from None
    if date is None:
        return today
    if not _MIN_DATE <= date <= _MAX_DATE:
        raise _malformed(text)
    return date


def _parse_member(kind: type[MemberT], text: str) -> MemberT:
    member = next((member for member in kind if member.value == text), None)
    if member is None:
        raise _malformed(text)
    return member


def _malformed(text: str) -> Malformed:
    message: Message = _("The calendar cannot show “%(value)s”.", value=text[:60])
    return Malformed(message)


__all__ = ["CalendarPage"]
