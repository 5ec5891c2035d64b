"""The working calendar: exact due times, elapsed times and breakdowns."""

from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpse_admin.errors import Refused, ValidationFailed
from lpse_admin.sop.durations import parse_standard_time
from lpse_admin.worktime.national_holidays import DateRange, national_holidays
from lpse_admin.worktime.office_hours import DEFAULT_HOURS, Span, Timetable, WeeklyHours, parse_spans
from lpse_admin.worktime.working_calendar import DayOverride, DayOverrideKind, TimeKind, WorkCalendar

if TYPE_CHECKING:
    from lpse_admin.sop.model import StandardTime
    from lpse_admin.worktime.working_calendar import WorkCalendarDay

WIB = ZoneInfo("Asia/Jakarta")
WITA = ZoneInfo("Asia/Makassar")
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = WorkCalendar(WIB)
NOTHING = dt.timedelta()
MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)
TICK = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)
HOLIDAY = DayOverride(DayOverrideKind.HOLIDAY, "Libur daerah")


def wib(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=WIB)


def hours(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def paper(text: str) -> StandardTime:
    standard = parse_standard_time(text)
    assert standard is not None
    return standard


# Anything that an administrator might enter, around a year's end, a Ramadan and the night of summer time in Europe.

WINDOW = (dt.datetime(2025, 12, 10), dt.datetime(2026, 4, 5))  # noqa: DTZ001 - the zone is drawn below
DATES = st.dates(WINDOW[0].date(), WINDOW[1].date())
MOMENTS = st.datetimes(*WINDOW, timezones=st.sampled_from([dt.UTC, WIB, WITA, BERLIN]))
MINUTES = st.integers(0, 3 * 450)
DAYS = st.integers(0, 6)
PAIRS = st.tuples(MOMENTS, MOMENTS).map(sorted)
exact = settings(deadline=None, max_examples=60)


@st.composite
def days_of_spans(draw: st.DrawFn, least: int = 0) -> tuple[Span, ...]:
    edges = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=2 * least, max_size=6)))
    times = [dt.time(*divmod(edge, 60)) for edge in edges]
    return tuple(Span(start, end) for start, end in zip(times[::2], times[1::2], strict=False))


# Two days to choose from are enough to make a week of, and quick to draw; the first is worked.
WEEKS = st.one_of(
    st.just(DEFAULT_HOURS),
    st.builds(
        lambda one, other: WeeklyHours((one, other, one, one, other, (), other)),
        days_of_spans(least=1),
        days_of_spans(),
    ),
)
OVERRIDES = st.one_of(
    st.builds(
        DayOverride, st.sampled_from([DayOverrideKind.HOLIDAY, DayOverrideKind.JOINT_LEAVE]), st.text(max_size=5)
    ),
    st.builds(DayOverride, st.just(DayOverrideKind.WORKDAY), st.text(max_size=5), days_of_spans()),
)
CALENDARS = st.one_of(
    st.sampled_from([OFFICE, WorkCalendar(WITA), WorkCalendar(BERLIN)]),
    st.builds(
        WorkCalendar,
        st.sampled_from([WIB, WITA, BERLIN]),
        WEEKS,
        WEEKS,
        st.dictionaries(DATES, OVERRIDES, max_size=5),
        st.lists(st.builds(lambda day, length: DateRange(day, day + length * DAY), DATES, st.integers(0, 40))).map(
            tuple
        ),
        st.lists(st.builds(Timetable, DATES, WEEKS, WEEKS), max_size=2).map(tuple),
    ),
)


# Laws


@exact
@given(CALENDARS, MOMENTS, MOMENTS, MOMENTS)
def test_time_adds_up_whatever_the_order_of_the_moments(
    office: WorkCalendar, one: dt.datetime, two: dt.datetime, three: dt.datetime
) -> None:
    assert office.elapsed(one, three) == office.elapsed(one, two) + office.elapsed(two, three)


@exact
@given(CALENDARS, PAIRS)
def test_later_is_never_less_and_never_more_than_the_clock_says(
    office: WorkCalendar, stretch: list[dt.datetime]
) -> None:
    start, end = stretch
    assert NOTHING <= office.elapsed(start, end) <= end - start
    assert office.elapsed(end, start) == -office.elapsed(start, end)


@exact
@given(CALENDARS, MOMENTS, st.integers(0, 5 * 450 * 60 * 10**6))
def test_what_is_due_is_as_far_away_as_it_was_given_and_not_a_moment_further(
    office: WorkCalendar, arrival: dt.datetime, ticks: int
) -> None:
    amount = ticks * TICK
    due = office.add_working_time(arrival, amount)
    assert due.tzinfo is dt.UTC
    assert office.elapsed(arrival, due) == amount
    if amount:
        assert office.elapsed(arrival, due - TICK) == amount - TICK
    else:
        assert due == arrival


@exact
@given(CALENDARS, PAIRS, st.tuples(MINUTES, MINUTES).map(sorted), st.tuples(DAYS, DAYS).map(sorted))
def test_who_comes_later_or_has_more_time_is_due_no_earlier(
    office: WorkCalendar, arrivals: list[dt.datetime], minutes: list[int], days: list[int]
) -> None:
    (earlier, later), (few, many), (near, far) = arrivals, minutes, days
    assert office.add_working_time(earlier, few, near) <= office.add_working_time(later, few, near)
    assert office.add_working_time(earlier, few, near) <= office.add_working_time(earlier, many, near)
    assert office.add_working_time(earlier, 0, near) <= office.add_working_time(earlier, 0, far)


@exact
@given(CALENDARS, DATES)
def test_nothing_is_counted_outside_the_hours_and_everything_within_them(office: WorkCalendar, date: dt.date) -> None:
    days = [office.spans(date + number * DAY) for number in range(-1, 2)]
    moments = [moment for day in days for span in day for moment in span]
    assert moments == sorted(moments)
    for closing, opening in pairwise(moments[1:]):
        if closing in {end for day in days for _, end in day}:
            assert office.elapsed(closing, opening) == NOTHING
    for opens, closes in days[1]:
        assert opens.astimezone(office.time_zone).date() == date
        assert office.elapsed(opens, closes) == closes - opens


@exact
@given(CALENDARS, MOMENTS, st.timedeltas(NOTHING, 20 * DAY))
def test_an_account_has_no_gap_and_adds_up(office: WorkCalendar, start: dt.datetime, length: dt.timedelta) -> None:
    end = (start.astimezone(dt.UTC) + length).astimezone(start.tzinfo)
    account = office.breakdown(start, end)
    assert sum((entry.working_time for entry in account), NOTHING) == office.elapsed(start, end)
    assert [entry.end for entry in account[:-1]] == [entry.start for entry in account[1:]]
    assert [account[0].start, account[-1].end] == [start, end] if account else start == end
    for entry in account:
        assert entry.start < entry.end
        assert entry.start.astimezone(office.time_zone).date() == entry.day.date


@exact
@given(CALENDARS, DATES, PAIRS, MINUTES, DAYS)
def test_a_holiday_put_in_after_the_fact_takes_its_own_hours_and_no_others(
    office: WorkCalendar, date: dt.date, stretch: list[dt.datetime], minutes: int, days: int
) -> None:
    start, end = stretch
    before = office.elapsed(start, end)
    decreed = WorkCalendar(
        office.time_zone,
        office.hours,
        office.ramadan_hours,
        {**office.overrides, date: HOLIDAY},
        office.ramadans,
        office.later_timetables,
    )
    lost = (max(min(closes, end) - max(opens, start), NOTHING) for opens, closes in office.spans(date))
    assert decreed.elapsed(start, end) == before - sum(lost, NOTHING)
    assert decreed.add_working_time(start, minutes, days) >= office.add_working_time(start, minutes, days)
    assert office.elapsed(start, end) == before


@exact
@given(CALENDARS, MOMENTS, st.integers(1, 8))
def test_working_days_from_an_opening_are_those_days_from_end_to_end(
    office: WorkCalendar, arrival: dt.datetime, days: int
) -> None:
    dates = (arrival.astimezone(office.time_zone).date() + number * DAY for number in range(1, 400))
    working = list(islice(filter(None, map(office.spans, dates)), days))
    assert office.add_working_time(working[0][0][0], 0, days) == working[-1][-1][1]


@exact
@given(st.datetimes(dt.datetime(2026, 4, 1), dt.datetime(2026, 12, 1), timezones=st.just(WIB)), st.integers(1, 20))  # noqa: DTZ001
def test_a_working_day_is_450_minutes_while_all_days_have_as_many(arrival: dt.datetime, days: int) -> None:
    assert OFFICE.add_working_time(arrival, 0, days) == OFFICE.add_working_time(arrival, 450 * days)


@exact
@given(MOMENTS, st.timedeltas(-20 * DAY, 20 * DAY), MINUTES, st.integers(0, 3))
def test_an_hour_further_east_everything_is_an_hour_earlier(
    moment: dt.datetime, length: dt.timedelta, minutes: int, days: int
) -> None:
    east, hour = WorkCalendar(WITA), hours(1)
    moment = moment.astimezone(dt.UTC)
    assert east.elapsed(moment - hour, moment + length - hour) == OFFICE.elapsed(moment, moment + length)
    assert east.add_working_time(moment - hour, minutes, days) == OFFICE.add_working_time(moment, minutes, days) - hour


# Somebody who looks at a clock and at the wall calendar, minute by minute

RAMADAN_2026 = (dt.date(2026, 2, 19), dt.date(2026, 3, 20))
BY_THE_WALL = {
    # in Ramadan, on Friday: minutes of the day
    (False, False): [(450, 720), (780, 960)],
    (False, True): [(450, 690), (780, 990)],
    (True, False): [(480, 720), (750, 900)],
    (True, True): [(480, 690), (750, 930)],
}


def is_worked(minute: dt.datetime) -> bool:
    date = minute.date()
    if date.weekday() > 4 or date in national_holidays(date.year):
        return False
    key = (RAMADAN_2026[0] <= date <= RAMADAN_2026[1], date.weekday() == 4)
    return any(opens <= minute.hour * 60 + minute.minute < closes for opens, closes in BY_THE_WALL[key])


WHOLE_MINUTES = st.datetimes(*WINDOW, timezones=st.just(WIB)).map(lambda at: at.replace(second=0, microsecond=0))


@settings(deadline=None, max_examples=40)
@given(WHOLE_MINUTES, st.integers(0, 6 * 24 * 60))
def test_it_counts_what_somebody_counts_minute_by_minute(start: dt.datetime, length: int) -> None:
    counted = sum(is_worked(start + number * MINUTE) for number in range(length))
    assert OFFICE.elapsed(start, start + length * MINUTE) == counted * MINUTE
    assert OFFICE.working_minutes(start, start + length * MINUTE) == counted


@settings(deadline=None, max_examples=40)
@given(WHOLE_MINUTES, st.integers(1, 1000))
def test_it_is_due_when_somebody_has_counted_as_many_minutes(arrival: dt.datetime, minutes: int) -> None:
    minute, counted = arrival, 0
    while counted < minutes:
        counted += is_worked(minute)
        minute += MINUTE
    assert OFFICE.add_working_time(arrival, minutes) == minute


# Cases


@pytest.mark.parametrize(
    ("arrival", "minutes", "due"),
    [
        (wib(2018, 4, 2, 9), 120, wib(2018, 4, 2, 11)),
        (wib(2018, 4, 2, 11, 59) + 30 * SECOND, 1, wib(2018, 4, 2, 13) + 30 * SECOND),  # over the break, to the second
        (wib(2018, 4, 2, 11), 60, wib(2018, 4, 2, 12)),  # at the break, not after it
        (wib(2018, 4, 2, 15), 60, wib(2018, 4, 2, 16)),  # at closing, not at the next opening
        (wib(2018, 4, 6, 11), 60, wib(2018, 4, 6, 13, 30)),  # Friday's longer break
        (wib(2018, 4, 6, 16), 60, wib(2018, 4, 9, 8)),  # over the weekend
        (wib(2018, 4, 7, 3), 15, wib(2018, 4, 9, 7, 45)),  # came on a Saturday night
        (wib(2018, 3, 29, 15, 30), 60, wib(2018, 4, 2, 8)),  # Good Friday, and the weekend
        (wib(2018, 6, 8, 15), 60, wib(2018, 6, 21, 8)),  # Idul Fitri and its joint leave; until 15.30 in Ramadan
        (wib(2026, 12, 31, 15, 30), 60, wib(2027, 1, 4, 8)),  # a year's end, a holiday and a weekend
        (wib(2026, 2, 18, 15), 120, wib(2026, 2, 19, 9)),  # the eve of Ramadan, and its first day from 08.00
        (wib(2018, 4, 2, 6), 0, wib(2018, 4, 2, 6)),  # no time at all is over at once
    ],
)
def test_due(arrival: dt.datetime, minutes: int, due: dt.datetime) -> None:
    assert OFFICE.add_working_time(arrival, minutes) == due
    assert OFFICE.elapsed(arrival, due) == minutes * MINUTE


@pytest.mark.parametrize(
    ("arrival", "days", "due"),
    [
        (wib(2018, 4, 2, 10), 1, wib(2018, 4, 3, 10)),
        (wib(2018, 4, 2, 7, 30), 1, wib(2018, 4, 2, 16)),  # came with the day, due with its end
        (wib(2018, 4, 2, 6), 1, wib(2018, 4, 2, 16)),
        (wib(2018, 4, 2, 16), 1, wib(2018, 4, 3, 16)),  # came at closing
        (wib(2018, 4, 2, 20), 1, wib(2018, 4, 3, 16)),
        (wib(2018, 4, 2, 12, 30), 1, wib(2018, 4, 3, 12)),  # came in the break
        (wib(2018, 4, 5, 12), 1, wib(2018, 4, 6, 13, 30)),  # 4.5 hours into Friday, whose break is earlier
        (wib(2018, 4, 6, 10), 1, wib(2018, 4, 9, 10)),
        (wib(2018, 4, 7, 10), 1, wib(2018, 4, 9, 16)),  # came on a Saturday
        (wib(2018, 4, 2, 10), 5, wib(2018, 4, 9, 10)),
        (wib(2026, 2, 18, 15), 1, wib(2026, 2, 19, 15)),  # 6.5 hours into the first day of Ramadan, its last moment
        (wib(2026, 2, 18, 15, 59), 1, wib(2026, 2, 19, 15)),  # which has no more of them
        (wib(2026, 2, 19, 9), 1, wib(2026, 2, 20, 9)),  # one day in Ramadan too, where 450 minutes would be more
        (wib(2026, 12, 31, 10), 1, wib(2027, 1, 4, 10)),
        (wib(2026, 12, 31, 17), 1, wib(2027, 1, 4, 16)),
    ],
)
def test_due_in_working_days(arrival: dt.datetime, days: int, due: dt.datetime) -> None:
    assert OFFICE.add_working_time(arrival, 0, days) == due


def test_minutes_come_after_the_days() -> None:
    assert OFFICE.add_working_time(wib(2018, 4, 2, 15), 120, 1) == wib(2018, 4, 4, 8, 30)
    assert OFFICE.add_working_time(wib(2018, 4, 2, 15), 2 * 60 * MINUTE, 1) == wib(2018, 4, 4, 8, 30)


def test_a_minute_begun_is_shown_as_a_minute() -> None:
    start = wib(2018, 4, 2, 9)
    assert OFFICE.working_minutes(start, start) == 0
    assert OFFICE.working_minutes(start, start + 120 * MINUTE) == 120
    assert OFFICE.working_minutes(start, start + 120 * MINUTE + TICK) == 121


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2 jam", wib(2018, 4, 3, 8, 30)),
        ("1 hari", wib(2018, 4, 3, 15)),
        ("1 hari 2 jam", wib(2018, 4, 4, 8, 30)),
        ("1,5 hari", wib(2018, 4, 4, 10, 15)),
    ],
)
def test_a_paper_s_standard_is_applied_with_its_days_as_days(text: str, due: dt.datetime) -> None:
    arrival = wib(2018, 4, 2, 15)
    standard = paper(text)
    assert OFFICE.deadline(arrival, standard) == due
    assert OFFICE.allowed_time(arrival, standard) == OFFICE.elapsed(arrival, due)


def test_the_evening_after_a_deadline_at_closing_is_not_late_the_next_morning_is() -> None:
    arrival, standard = wib(2018, 4, 2, 14), paper("2 jam")
    assert OFFICE.deadline(arrival, standard) == wib(2018, 4, 2, 16)
    assert not OFFICE.is_late(arrival, standard, wib(2018, 4, 2, 23))
    assert not OFFICE.is_late(arrival, standard, wib(2018, 4, 3, 7, 30))
    assert OFFICE.is_late(arrival, standard, wib(2018, 4, 3, 7, 30) + SECOND)


# What an office sets itself


def test_a_day_set_as_holiday_has_no_hours_and_says_why() -> None:
    office = WorkCalendar(WIB, overrides={dt.date(2018, 4, 3): HOLIDAY})
    assert office.spans(dt.date(2018, 4, 3)) == ()
    assert office.day(dt.date(2018, 4, 3)).kind is TimeKind.HOLIDAY
    assert office.add_working_time(wib(2018, 4, 2, 15), 120) == wib(2018, 4, 4, 8, 30)


def test_joint_leave_that_is_withdrawn_is_a_working_day_again() -> None:
    day = dt.date(2018, 12, 24)
    office = WorkCalendar(WIB, overrides={day: DayOverride(DayOverrideKind.WORKDAY, "Cuti bersama dicabut")})
    assert OFFICE.day(day).kind is TimeKind.JOINT_LEAVE
    assert office.day(day).spans == DEFAULT_HOURS.spans_on(day)


def test_a_working_saturday_has_its_own_hours_or_those_of_a_monday() -> None:
    saturday = dt.date(2018, 4, 7)
    half = parse_spans("08.00–11.00")
    assert (
        WorkCalendar(WIB, overrides={saturday: DayOverride(DayOverrideKind.WORKDAY)}).day(saturday).spans
        == (DEFAULT_HOURS.week[0])
    )
    own = WorkCalendar(WIB, overrides={saturday: DayOverride(DayOverrideKind.WORKDAY, "Piket", half)})
    assert own.elapsed(wib(2018, 4, 7), wib(2018, 4, 8)) == hours(3)


def test_a_half_day_is_a_working_day_at_whose_closing_things_are_due() -> None:
    office = WorkCalendar(
        WIB, overrides={dt.date(2018, 4, 3): DayOverride(DayOverrideKind.WORKDAY, "", parse_spans("07.30–10.00"))}
    )
    assert office.add_working_time(wib(2018, 4, 2, 14), 0, 1) == wib(2018, 4, 3, 10)
    assert office.add_working_time(wib(2018, 4, 2, 9), 0, 1) == wib(2018, 4, 3, 9)


def test_a_day_off_with_hours_is_refused_and_so_are_hours_out_of_order() -> None:
    with pytest.raises(ValidationFailed, match="Only a working day has its own hours"):
        DayOverride(DayOverrideKind.HOLIDAY, "", parse_spans("07.30–10.00"))
    with pytest.raises(ValidationFailed, match="is not after"):
        DayOverride(DayOverrideKind.WORKDAY, "", parse_spans("07.30–10.00") * 2)


def test_a_ramadan_that_begins_a_day_later_replaces_the_calculated_one() -> None:
    later = DateRange(dt.date(2026, 2, 20), dt.date(2026, 3, 20))
    office = WorkCalendar(WIB, ramadans=(later,))
    first = dt.date(2026, 2, 19)
    assert OFFICE.day(first).in_ramadan
    assert not office.day(first).in_ramadan
    assert office.day(first + DAY).in_ramadan
    assert office.day(dt.date(2027, 2, 9)).in_ramadan  # which it does not touch


def test_new_hours_change_nothing_of_the_time_before_them() -> None:
    new = WeeklyHours.from_texts(*["08.00–12.00"] * 5)
    office = WorkCalendar(
        WIB, later_timetables=(Timetable(dt.date(2026, 9, 1), new, new), Timetable(dt.date(2026, 6, 2)))
    )
    assert office.elapsed(wib(2026, 8, 3), wib(2026, 8, 8)) == OFFICE.elapsed(wib(2026, 8, 3), wib(2026, 8, 8))
    assert office.elapsed(wib(2026, 9, 7), wib(2026, 9, 12)) == hours(20)


def test_a_calendar_cannot_be_changed_and_equals_another_of_the_same_settings() -> None:
    entered = {dt.date(2018, 4, 3): HOLIDAY}
    office = WorkCalendar(WIB, overrides=entered)
    same = WorkCalendar(WIB, overrides=dict(entered))
    entered.clear()
    assert office == same
    assert hash(office) == hash(same)
    assert office != OFFICE
    assert office.day(dt.date(2018, 4, 3)).is_override


# Clocks that are put forward and back


def test_a_week_has_its_hours_also_when_clocks_change_at_night() -> None:
    office = WorkCalendar(BERLIN)
    for monday, office_free in (
        (dt.datetime(2026, 3, 23, tzinfo=BERLIN), 3),  # two days of joint leave and Good Friday
        (dt.datetime(2026, 10, 19, tzinfo=BERLIN), 0),
    ):
        assert office.elapsed(monday, monday + 14 * DAY) == hours(75) - office_free * hours(7.5)


def test_an_hour_that_a_zone_skips_is_not_counted_twice() -> None:
    night = WeeklyHours.from_texts(*["02.00–02.30, 03.00–03.30"] * 7)
    office = WorkCalendar(BERLIN, night, night)
    assert office.elapsed(dt.datetime(2026, 3, 29, tzinfo=BERLIN), dt.datetime(2026, 3, 30, tzinfo=BERLIN)) == hours(
        0.5
    )
    assert office.elapsed(dt.datetime(2026, 3, 28, tzinfo=BERLIN), dt.datetime(2026, 3, 29, tzinfo=BERLIN)) == hours(1)


# The account


def test_an_account_says_of_every_stretch_what_it_was() -> None:
    office = WorkCalendar(
        WIB,
        overrides={
            dt.date(2026, 2, 20): DayOverride(DayOverrideKind.JOINT_LEAVE),
            dt.date(2026, 2, 21): DayOverride(DayOverrideKind.WORKDAY, "Pengganti", parse_spans("08.00–10.00")),
        },
    )
    account = office.breakdown(wib(2026, 2, 13, 15), wib(2026, 2, 21, 9))
    messages = [
        (
            entry.day.date.day,
            f"{entry.start.astimezone(WIB):%H.%M}",
            entry.working_time // MINUTE,
            str(entry.explanation),
        )
        for entry in account
    ]
    assert messages == [
        (13, "15.00", 90, "Working time"),
        (13, "16.30", 0, "Outside office hours"),
        (14, "00.00", 0, "Not a working day"),
        (15, "00.00", 0, "Not a working day"),
        (16, "00.00", 0, "Joint leave: Cuti Bersama Tahun Baru Imlek"),
        (17, "00.00", 0, "Holiday: Tahun Baru Imlek"),
        (18, "00.00", 0, "Outside office hours"),
        (18, "07.30", 270, "Working time"),
        (18, "12.00", 0, "Break"),
        (18, "13.00", 180, "Working time"),
        (18, "16.00", 0, "Outside office hours"),
        (19, "00.00", 0, "Outside office hours"),
        (19, "08.00", 240, "Working time in Ramadan"),
        (19, "12.00", 0, "Break"),
        (19, "12.30", 150, "Working time in Ramadan"),
        (19, "15.00", 0, "Outside office hours"),
        (20, "00.00", 0, "Joint leave (day set by the office)"),
        (21, "00.00", 0, "Outside office hours (day set by the office)"),
        (21, "08.00", 60, "Working time: Pengganti (day set by the office)"),
    ]
    assert {entry.start.tzinfo for entry in account} == {dt.UTC}


def test_every_kind_has_a_title() -> None:
    assert len({str(kind.title) for kind in TimeKind}) == len(TimeKind)
    assert len({str(kind.title) for kind in DayOverrideKind}) == len(DayOverrideKind)


# Limits


@pytest.mark.parametrize("year", [1, 1989, 2051, 9998])
def test_a_year_whose_holidays_nobody_knows_is_refused(year: int) -> None:
    known, unknown = wib(2018, 4, 2), dt.datetime(year, 6, 1, tzinfo=WIB)
    for question in (
        lambda: OFFICE.day(unknown.date()),
        lambda: OFFICE.spans(unknown.date()),
        lambda: OFFICE.elapsed(*sorted([known, unknown])),
        lambda: OFFICE.breakdown(*sorted([known, unknown])),
        lambda: OFFICE.add_working_time(unknown, 5),
    ):
        with pytest.raises(Refused, match="The calendar covers only the years 1990 to 2050"):
            question()


def test_the_first_and_the_last_moment_of_the_calendar_are_those_of_the_office_s_own_zone() -> None:
    first = dt.datetime(1989, 12, 31, 17, tzinfo=dt.UTC)
    last = dt.datetime(2050, 12, 31, 17, tzinfo=dt.UTC) - TICK
    assert OFFICE.elapsed(first, last) > 60 * 240 * hours(7)
    for outside in (first - TICK, last + TICK, dt.datetime.max.replace(tzinfo=dt.UTC)):
        with pytest.raises(Refused):
            OFFICE.elapsed(first, outside)


def test_what_would_be_due_after_the_last_year_is_refused() -> None:
    for minutes, days in ((10**6, 0), (0, 10**6), (10**6 * MINUTE, 0)):
        with pytest.raises(Refused):
            OFFICE.add_working_time(wib(2050, 12, 1), minutes, days)


def test_an_office_without_any_hours_never_has_anything_done() -> None:
    office = WorkCalendar(
        WIB,
        WeeklyHours.from_texts(),
        WeeklyHours.from_texts(),
        {dt.date(2018, 4, 2): DayOverride(DayOverrideKind.WORKDAY)},
    )
    assert office.elapsed(wib(2018, 1, 1), wib(2019, 1, 1)) == NOTHING
    for minutes, days in ((1, 0), (0, 1)):
        with pytest.raises(Refused):
            office.add_working_time(wib(2018, 4, 2), minutes, days)


def test_a_moment_without_a_zone_is_a_fault_of_the_program_and_so_is_an_account_backwards() -> None:
    naive = dt.datetime(2018, 4, 2, 9)  # noqa: DTZ001 - that is the point
    start = wib(2018, 4, 2)
    for question in (
        lambda: OFFICE.elapsed(start, naive),
        lambda: OFFICE.add_working_time(naive, 5),
        lambda: OFFICE.add_working_time(start, -1),
        lambda: OFFICE.add_working_time(start, 0, -1),
        lambda: OFFICE.breakdown(start, start - MINUTE),
    ):
        with pytest.raises(ValueError, match=r"timezone-aware|negative|before start"):
            question()


def test_a_whole_register_is_judged_by_looking_at_each_day_of_its_years_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    day = WorkCalendar.day

    def looked(office: WorkCalendar, date: dt.date) -> WorkCalendarDay:
        looked_at.append(date)
        return day(office, date)

    monkeypatch.setattr(WorkCalendar, "day", looked)
    standard = paper("2 jam")

    def judged(office: WorkCalendar) -> list[bool]:
        start = wib(2025, 1, 2)
        arrivals = (start + number * 250 * MINUTE for number in range(4_000))
        return [
            office.is_late(arrival, standard, arrival + hours(number % 90)) for number, arrival in enumerate(arrivals)
        ]

    office = WorkCalendar(WIB)
    first = judged(office)
    assert True in first
    assert False in first
    assert judged(office) == first
    assert len(looked_at) == len(set(looked_at)) <= 3 * 366
    assert judged(WorkCalendar(WIB)) == first
