"""The working calendar of an office: due times, and the working time between two datetimes.

All datetimes are timezone-aware; results are in UTC. Time is counted in whole microseconds.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.durations import MINUTES_PER_WORKDAY
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, DateRange, national_holidays, ramadan_periods
from lpse_admin.worktime.office_hours import (
    DEFAULT_HOURS,
    RAMADAN_HOURS,
    Span,
    Timetable,
    WeeklyHours,
    require_in_order,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from lpse_admin.i18n import Message
    from lpse_admin.sop.model import StandardTime

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_MINUTE = dt.timedelta(minutes=1)
_MICROSECONDS_PER_MINUTE = 60_000_000
_ONE_DAY = dt.timedelta(days=1)


class TimeKind(LabelledEnum):
    """The kind of a time segment or of a day."""

    WORK = "work", _("Working time")
    BREAK = "break", _("Break")
    CLOSED = "closed", _("Outside office hours")
    DAY_OFF = "day-off", _("Not a working day")
    HOLIDAY = "holiday", _("Holiday")
    JOINT_LEAVE = "joint-leave", _("Joint leave")


class DayOverrideKind(LabelledEnum):
    """The kind of a day that the office overrides."""

    HOLIDAY = "holiday", _("Holiday")
    JOINT_LEAVE = "joint-leave", _("Joint leave")
    WORKDAY = "workday", _("Working day")

    @property
    def time_kind(self) -> TimeKind:
        """The kind of the overridden day."""
        return TimeKind.WORK if self is DayOverrideKind.WORKDAY else TimeKind(self.value)


@dataclass(frozen=True, slots=True)
class DayOverride:
    """A day set by the office: off, or a working day, which may have its own hours (such as a half day).

    A working day without its own hours has those of its weekday, or of the week's first working day.
    """

    kind: DayOverrideKind
    name: str = ""
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        """Refuse hours on a day off, and those that overlap or are out of order."""
        if self.spans and self.kind is not DayOverrideKind.WORKDAY:
            raise ValidationFailed(_("Only a working day has its own hours"))
        require_in_order(self.spans)


class OutsideCalendar(ValidationFailed):
    """A datetime outside the years whose holidays are known."""

    def __init__(self) -> None:
        super().__init__(
            _("The calendar covers only the years %(first)s to %(last)s", first=str(FIRST_YEAR), last=str(LAST_YEAR))
        )


@dataclass(frozen=True, slots=True)
class WorkCalendarDay:
    """A date in the office's calendar; ``name`` is the holiday's, ``spans`` are in local time."""

    date: dt.date
    kind: TimeKind
    spans: tuple[Span, ...] = ()
    name: str = ""
    in_ramadan: bool = False
    is_override: bool = False


@dataclass(frozen=True, slots=True)
class TimeSegment:
    """A segment of a time breakdown, with its kind."""

    day: WorkCalendarDay
    start: dt.datetime
    end: dt.datetime
    kind: TimeKind

    @property
    def working_time(self) -> dt.timedelta:
        """The working time in it: all or nothing."""
        return self.end - self.start if self.kind is TimeKind.WORK else dt.timedelta()

    @property
    def explanation(self) -> Message:
        """Why it counts as working time or not."""
        remark = self.kind.title
        if self.kind is self.day.kind and self.day.name:
            remark = _("%(kind)s: %(name)s", kind=remark, name=self.day.name)
        if self.kind is TimeKind.WORK and self.day.in_ramadan and not self.day.is_override:
            remark = _("%(kind)s in Ramadan", kind=remark)
        if self.day.is_override:
            remark = _("%(remark)s (day set by the office)", remark=remark)
        return remark


@dataclass(frozen=True, slots=True)
class _YearTable:
    """The working time of one year.

    ``start``, ``end``, ``openings`` and ``closings`` are in microseconds since 1970. Offsets are in microseconds of
    working time since New Year: ``cumulative_work`` has that of each opening, ``day_offsets`` that of each working day;
    both end with the year's total. ``day_spans`` maps each working day to its half-open range of span indexes.
    """

    start: int
    end: int
    openings: list[int]
    closings: list[int]
    cumulative_work: list[int]
    day_spans: dict[dt.date, tuple[int, int]]
    day_offsets: list[int]

    @property
    def total(self) -> int:
        """The working time of the whole year."""
        return self.cumulative_work[-1]

    def offset_at(self, moment: int) -> int:
        """Return the offset at ``moment``."""
        number = bisect_right(self.openings, moment) - 1
        if number < 0:
            return 0
        return self.cumulative_work[number] + min(moment, self.closings[number]) - self.openings[number]

    def moment_at(self, offset: int) -> dt.datetime:
        """Return the first moment with this ``offset``, which must be positive."""
        number = bisect_left(self.cumulative_work, offset) - 1
        return _from_microseconds(self.openings[number] + offset - self.cumulative_work[number])


def _to_microseconds(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _from_microseconds(ticks: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(0, 0, ticks)


@dataclass(frozen=True)
class WorkCalendar:
    """The immutable working calendar of one office, in its ``time_zone``.

    ``overrides`` are the days set by the office; each of ``ramadans`` replaces the calculated month that it overlaps;
    ``later_timetables`` replace ``hours`` and ``ramadan_hours`` from their day on, in any order.

    The methods raise OutsideCalendar for datetimes before FIRST_YEAR or after LAST_YEAR, and ValueError for naive ones.
    """

    time_zone: ZoneInfo
    hours: WeeklyHours = DEFAULT_HOURS
    ramadan_hours: WeeklyHours = RAMADAN_HOURS
    overrides: Mapping[dt.date, DayOverride] = field(default_factory=dict, hash=False)
    ramadans: tuple[DateRange, ...] = ()
    later_timetables: tuple[Timetable, ...] = ()
    _years: dict[int, _YearTable] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Copy the mutable arguments and sort the timetables."""
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))
        later = sorted(self.later_timetables, key=lambda timetable: timetable.since)
        object.__setattr__(self, "later_timetables", tuple(later))

    # Days

    def day(self, date: dt.date) -> WorkCalendarDay:
        """Return the calendar day of ``date``."""
        if not FIRST_YEAR <= date.year <= LAST_YEAR:
            raise OutsideCalendar
        in_ramadan = self._in_ramadan(date)
        hours = self._hours_on(date, in_ramadan=in_ramadan)
        if override := self.overrides.get(date):
            kind = override.kind.time_kind
            spans = override.spans or hours.spans_on(date) or hours.first_working_day if kind is TimeKind.WORK else ()
            return WorkCalendarDay(date, kind, spans, override.name, in_ramadan, is_override=True)
        if holiday := national_holidays(date.year).get(date):
            kind = TimeKind.JOINT_LEAVE if holiday.is_joint_leave else TimeKind.HOLIDAY
            return WorkCalendarDay(date, kind, (), holiday.name, in_ramadan)
        spans = hours.spans_on(date)
        return WorkCalendarDay(date, TimeKind.WORK if spans else TimeKind.DAY_OFF, spans, "", in_ramadan)

    def _in_ramadan(self, date: dt.date) -> bool:
        if any(date in period for period in self.ramadans):
            return True
        calculated = next((period for period in ramadan_periods(date.year) if date in period), None)
        return calculated is not None and not any(calculated.overlaps(period) for period in self.ramadans)

    def _hours_on(self, date: dt.date, *, in_ramadan: bool) -> WeeklyHours:
        first = Timetable(dt.date.min, self.hours, self.ramadan_hours)
        timetable = next((later for later in reversed(self.later_timetables) if later.since <= date), first)
        return timetable.ramadan_hours if in_ramadan else timetable.hours

    def spans(self, date: dt.date) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
        """Return the working spans of ``date`` as (opening, closing) in UTC."""
        year = self._year(date.year)
        first, after = year.day_spans.get(date, (0, 0))
        return tuple(
            (_from_microseconds(year.openings[number]), _from_microseconds(year.closings[number]))
            for number in range(first, after)
        )

    def _year(self, year: int) -> _YearTable:
        """Return the table of ``year``, built on first use."""
        if year not in self._years:
            if not FIRST_YEAR <= year <= LAST_YEAR:
                raise OutsideCalendar
            self._years[year] = self._build_year(year)
        return self._years[year]

    def _build_year(self, year_number: int) -> _YearTable:
        year = _YearTable(
            self._microseconds_at(dt.date(year_number, 1, 1), dt.time()),
            self._microseconds_at(dt.date(year_number + 1, 1, 1), dt.time()),
            [],
            [],
            [0],
            {},
            [0],
        )
        latest = 0
        for date in (dt.date(year_number, 1, 1) + day * _ONE_DAY for day in range(366)):
            if date.year != year_number:
                break
            first = len(year.openings)
            for span in self.day(date).spans:
                # When clocks are set forward within office hours, an hour of them does not exist.
                opens = max(self._microseconds_at(date, span.start), latest)
                latest = max(self._microseconds_at(date, span.end), opens)
                if opens < latest:
                    year.openings.append(opens)
                    year.closings.append(latest)
                    year.cumulative_work.append(year.cumulative_work[-1] + latest - opens)
            if first < len(year.openings):
                year.day_spans[date] = (first, len(year.openings))
                year.day_offsets.append(year.cumulative_work[-1])
        return year

    def _microseconds_at(self, date: dt.date, time: dt.time) -> int:
        return _to_microseconds(dt.datetime.combine(date, time, self.time_zone))

    def _locate(self, moment: dt.datetime) -> tuple[int, int]:
        """Return the local year of ``moment``, and its offset in that year."""
        if moment.tzinfo is None:
            raise ValueError("datetime must be timezone-aware")
        number = moment.year
        if not FIRST_YEAR - 1 <= number <= LAST_YEAR + 1:
            raise OutsideCalendar
        ticks = _to_microseconds(moment)
        year = self._years.get(number)
        # The year in the zone of ``moment`` is nearly always the local one, and faster to get.
        if year is None or not year.start <= ticks < year.end:
            number = moment.astimezone(self.time_zone).year
            year = self._year(number)
        return number, year.offset_at(ticks)

    # Measures

    def elapsed(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Return the working time from ``start`` to ``end``; negative if ``end`` is earlier.

        ``elapsed(a, c) == elapsed(a, b) + elapsed(b, c)`` for any three datetimes.
        """
        (first, before), (last, after) = self._locate(start), self._locate(end)
        if first < last:
            after += sum(self._year(year).total for year in range(first, last))
        elif last < first:
            before += sum(self._year(year).total for year in range(last, first))
        return dt.timedelta(0, 0, after - before)

    def working_minutes(self, start: dt.datetime, end: dt.datetime) -> int:
        """Return the working minutes from ``start`` to ``end``, rounded up.

        A step that took longer than its standard thus shows more minutes than the standard has.
        """
        return -(-self.elapsed(start, end) // _MINUTE)

    def add_working_time(self, arrival: dt.datetime, minutes: int | dt.timedelta, days: int = 0) -> dt.datetime:
        """Return the first moment at which ``days`` working days and then ``minutes`` have passed since ``arrival``.

        Between two spans this is the closing, not the next opening. A working day is one office day of any length:
        after an arrival on Monday at 10.00 it ends on Tuesday at the same offset, or at the closing if Tuesday is
        shorter; after an arrival before opening or after closing, at the closing of the next working day. So "1 hari"
        is one day in Ramadan too, although that has fewer than 450 minutes.
        """
        amount = minutes * _MICROSECONDS_PER_MINUTE if isinstance(minutes, int) else minutes // _MICROSECOND
        if amount < 0 or days < 0:
            raise ValueError("minutes and days must not be negative")
        number, offset = self._locate(arrival)
        if not (amount or days):
            return arrival.astimezone(dt.UTC)
        if days:
            number, offset = self._add_days(number, offset, days)
        offset += amount
        year = self._year(number)
        while offset > year.total:
            offset -= year.total
            number += 1
            year = self._year(number)
        return year.moment_at(offset)

    def _add_days(self, year_number: int, offset: int, days: int) -> tuple[int, int]:
        """Return the year and the offset in it that are ``days`` working days after ``offset`` of ``year_number``."""
        year = self._year(year_number)
        day = bisect_right(year.day_offsets, offset) - 1
        done = offset - year.day_offsets[day]
        # A day that is started at its opening ends at its closing, not at the next opening.
        day += days if done else days - 1
        while day >= len(year.day_spans):
            day -= len(year.day_spans)
            year_number += 1
            year = self._year(year_number)
        whole = year.day_offsets[day + 1] - year.day_offsets[day]
        return year_number, year.day_offsets[day] + (min(done, whole) or whole)

    def deadline(self, arrival: dt.datetime, standard: StandardTime) -> dt.datetime:
        """Return the due time for an arrival and a standard time."""
        if standard.by_clock:
            return arrival + standard.minutes * _MINUTE
        return self.add_working_time(arrival, standard.minutes - standard.days * MINUTES_PER_WORKDAY, standard.days)

    def allowed_time(self, arrival: dt.datetime, standard: StandardTime) -> dt.timedelta:
        """Return the time that ``standard`` allows from ``arrival`` on, of the kind that it is measured in."""
        return self.elapsed_for(standard, arrival, self.deadline(arrival, standard))

    def elapsed_for(self, standard: StandardTime | None, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Return what has passed of the time that ``standard`` is measured in: by the clock, or working time."""
        return end - start if standard is not None and standard.by_clock else self.elapsed(start, end)

    def is_late(self, arrival: dt.datetime, standard: StandardTime, moment: dt.datetime) -> bool:
        """Whether more time than ``standard`` allows has passed at ``moment``.

        This differs from ``moment > deadline``: an evening after a deadline at closing adds no working time.
        """
        return self.elapsed_for(standard, arrival, moment) > self.allowed_time(arrival, standard)

    # Breakdown

    def breakdown(self, start: dt.datetime, end: dt.datetime) -> tuple[TimeSegment, ...]:
        """Return the time segments from ``start`` to ``end``, in order and without gaps, day by day.

        Their ``working_time`` adds up to ``elapsed(start, end)``. Raises ValueError if ``end`` is earlier.
        """
        if end < start:
            raise ValueError("end must not be before start")
        self._locate(start)  # raises OutsideCalendar before any day is built
        self._locate(end)
        start, end = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
        first, last = start.astimezone(self.time_zone).date(), end.astimezone(self.time_zone).date()
        return tuple(
            TimeSegment(day, max(opens, start), min(closes, end), kind)
            for day in (self.day(first + number * _ONE_DAY) for number in range((last - first).days + 1))
            for kind, opens, closes in self._segments(day)
            if max(opens, start) < min(closes, end)
        )

    def _segments(self, day: WorkCalendarDay) -> Iterator[tuple[TimeKind, dt.datetime, dt.datetime]]:
        """Yield the segments of a whole day, from midnight to midnight local time."""
        around = TimeKind.CLOSED if day.kind is TimeKind.WORK else day.kind
        kind, since = around, self._midnight(day.date)
        for opens, closes in self.spans(day.date):
            yield kind, since, opens
            yield TimeKind.WORK, opens, closes
            kind, since = TimeKind.BREAK, closes
        yield around, since, self._midnight(day.date + _ONE_DAY)

    def _midnight(self, date: dt.date) -> dt.datetime:
        return dt.datetime.combine(date, dt.time(), self.time_zone).astimezone(dt.UTC)
