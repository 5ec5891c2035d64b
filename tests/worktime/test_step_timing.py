"""The timing of a step: waiting, handling, and what the SOP's standard says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpse_admin.sop.durations import parse_standard_time
from lpse_admin.worktime.periods import PeriodKind, ReportPeriod, report_period
from lpse_admin.worktime.step_timing import StepTimestamps, duration_message, late_threshold, measure_timing
from lpse_admin.worktime.step_timing import round_up_to_minutes as whole_minutes
from lpse_admin.worktime.working_calendar import DayOverride, DayOverrideKind, WorkCalendar
from tests.support.present import present

if TYPE_CHECKING:
    from lpse_admin.sop.model import StandardTime, TimingBasis

WIB = ZoneInfo("Asia/Jakarta")
OFFICE = WorkCalendar(WIB)
TWO_HOURS = parse_standard_time("2 jam")
ONE_DAY = parse_standard_time("1 hari")
NOTHING = dt.timedelta()

MOMENTS = st.datetimes(dt.datetime(2025, 12, 20), dt.datetime(2026, 4, 5), timezones=st.sampled_from([dt.UTC, WIB]))  # noqa: DTZ001 - zones are drawn
STANDARDS = st.sampled_from(
    [None, parse_standard_time("5 menit"), TWO_HOURS, ONE_DAY, parse_standard_time("2 hari 30 menit")]
)
JUDGED = st.sampled_from(["handling", "arrival"])
exact = settings(deadline=None, max_examples=100)


@st.composite
def clocks(draw: st.DrawFn) -> tuple[StepTimestamps, dt.datetime]:
    """Draw times in order, taken up or not, finished or not, and the moment at which they are read."""
    arrived, taken_up, finished = sorted(draw(st.tuples(MOMENTS, MOMENTS, MOMENTS)))
    return StepTimestamps(
        arrived, draw(st.sampled_from([None, taken_up])), draw(st.sampled_from([None, finished]))
    ), draw(MOMENTS)


def wib(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """Return a moment of March 2026, of which the 2nd is a Monday in Ramadan, with hours from 08.00."""
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=WIB)


def minutes(number: int) -> dt.timedelta:
    return dt.timedelta(minutes=number)


@exact
@given(clocks(), STANDARDS, JUDGED)
def test_waiting_and_handling_are_all_the_time_there_was(
    drawn: tuple[StepTimestamps, dt.datetime], standard: StandardTime | None, judged: TimingBasis
) -> None:
    times, now = drawn
    read = measure_timing(OFFICE, standard, judged, times, now)
    assert read.waiting_time + (read.handling_time or NOTHING) == OFFICE.elapsed(times.arrived_at, times.end_or(now))
    assert read.waiting_time >= NOTHING
    assert (read.handling_time is None) == (times.taken_up_at is None)
    assert read.handling_time is None or read.handling_time >= NOTHING


@exact
@given(clocks(), STANDARDS, JUDGED)
def test_the_judgement_is_the_calendar_s_own_of_the_time_that_is_judged(
    drawn: tuple[StepTimestamps, dt.datetime], standard: StandardTime | None, judged: TimingBasis
) -> None:
    times, now = drawn
    read = measure_timing(OFFICE, standard, judged, times, now)
    is_handling = judged == "handling" and times.taken_up_at is not None
    since = times.taken_up_at if is_handling else times.arrived_at
    assert (read.basis, read.measured_from) == ("handling" if is_handling else "arrival", since)
    assert read.measured_time == OFFICE.elapsed(present(since), times.end_or(now))
    if standard is None:
        assert (read.due, read.allowed_time, read.fraction_used, read.is_late) == (None, None, None, False)
    else:
        assert read.due == OFFICE.deadline(present(since), standard)
        assert read.allowed_time == OFFICE.allowed_time(present(since), standard)
        assert read.is_late is OFFICE.is_late(present(since), standard, times.end_or(now))
        assert read.is_late is (present(read.fraction_used) > 1)


@exact
@given(clocks(), STANDARDS, JUDGED, MOMENTS)
def test_what_is_finished_reads_the_same_whenever_it_is_read(
    drawn: tuple[StepTimestamps, dt.datetime], standard: StandardTime | None, judged: TimingBasis, later: dt.datetime
) -> None:
    times, now = drawn
    finished = StepTimestamps(times.arrived_at, times.taken_up_at, times.end_or(now))
    assert measure_timing(OFFICE, standard, judged, finished, now) == measure_timing(
        OFFICE, standard, judged, finished, later
    )


def test_the_handling_is_judged_from_its_taking_up_however_long_the_step_had_waited() -> None:
    times = StepTimestamps(wib(2, 9), wib(3, 9), wib(3, 11))
    read = measure_timing(OFFICE, TWO_HOURS, "handling", times, wib(9, 9))
    assert (read.waiting_time, read.handling_time) == (minutes(6 * 60 + 30), minutes(120))
    assert (read.basis, read.due, read.fraction_used, read.is_late) == ("handling", wib(3, 11), 1.0, False)
    read = measure_timing(OFFICE, TWO_HOURS, "arrival", times, wib(9, 9))
    assert (read.basis, read.due, read.measured_time, read.is_late) == ("arrival", wib(2, 11), minutes(510), True)


@pytest.mark.parametrize("judged", ["handling", "arrival"])
def test_what_nobody_took_up_is_judged_from_its_arrival(judged: TimingBasis) -> None:
    finished = measure_timing(OFFICE, TWO_HOURS, judged, StepTimestamps(wib(2, 9), None, wib(2, 12)), wib(9, 9))
    assert (finished.waiting_time, finished.handling_time, finished.basis) == (minutes(180), None, "arrival")
    assert (finished.due, finished.is_late) == (wib(2, 11), True)
    still_open = measure_timing(OFFICE, TWO_HOURS, judged, StepTimestamps(wib(2, 9), None, None), wib(2, 10))
    assert (still_open.waiting_time, still_open.fraction_used, still_open.is_late) == (minutes(60), 0.5, False)


def test_an_open_step_is_counted_until_now_and_never_backwards() -> None:
    times = StepTimestamps(wib(2, 9), wib(2, 10), None)
    assert measure_timing(OFFICE, TWO_HOURS, "handling", times, wib(2, 11)).handling_time == minutes(60)
    before = measure_timing(OFFICE, TWO_HOURS, "handling", times, wib(2, 8))
    assert (before.waiting_time, before.handling_time, before.measured_until) == (minutes(60), NOTHING, wib(2, 10))
    assert (
        measure_timing(OFFICE, TWO_HOURS, "arrival", StepTimestamps(wib(2, 9), None, None), wib(2, 8)).measured_time
        == NOTHING
    )


def test_a_paper_without_times_judges_nothing() -> None:
    read = measure_timing(OFFICE, None, "handling", StepTimestamps(wib(2, 9), wib(2, 10), None), wib(20, 9))
    assert (read.due, read.allowed_time, read.fraction_used, read.is_late) == (None, None, None, False)
    assert read.waiting_time == minutes(60)


@exact
@given(MOMENTS, STANDARDS.filter(bool))
def test_a_queue_is_parted_at_the_very_moment_whenever_it_is_asked(now: dt.datetime, standard: StandardTime) -> None:
    limit, tick = late_threshold(OFFICE, standard, now), dt.timedelta(microseconds=1)
    assert OFFICE.is_late(limit - tick, standard, now)
    assert not OFFICE.is_late(limit, standard, now)


def test_a_holiday_put_in_after_the_fact_changes_what_was_late() -> None:
    times = StepTimestamps(wib(2, 14), None, wib(4, 9))
    assert measure_timing(OFFICE, TWO_HOURS, "handling", times, wib(9, 9)).is_late
    decreed = WorkCalendar(WIB, overrides={wib(3, 0).date(): DayOverride(DayOverrideKind.HOLIDAY, "Libur daerah")})
    read = measure_timing(decreed, TWO_HOURS, "handling", times, wib(9, 9))
    assert (read.measured_time, read.due, read.is_late) == (minutes(120), wib(4, 9), False)


def test_a_minute_begun_is_a_minute() -> None:
    assert [whole_minutes(dt.timedelta(seconds=seconds)) for seconds in (0, 1, 60, 61)] == [0, 1, 1, 2]


@pytest.mark.parametrize(("whole", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (449, "7 h 29 min")])
def test_minutes_are_written_in_hours_and_minutes(whole: int, words: str) -> None:
    assert str(duration_message(whole)) == words


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        (450, "1 working day"),
        (451, "1 working day 1 h"),
        (900, "2 working days"),
        (1021, "2 working days 3 h"),
        (450 + 421, "2 working days"),
        (10 * 450, "10 working days"),
        (14 * 450 + 1, "15 working days"),
    ],
)
def test_a_working_day_and_more_is_written_in_working_days_rounded_up(whole: int, words: str) -> None:
    assert str(duration_message(whole)) == words


def test_periods_end_today_and_fall_into_their_months() -> None:
    today = dt.date(2026, 5, 17)
    assert [report_period(kind, today).first.isoformat() for kind in PeriodKind if kind is not PeriodKind.DATES] == [
        "2025-06-01", "2026-05-01", "2026-04-01", "2026-01-01",
    ]  # fmt: skip
    months = ReportPeriod(dt.date(2025, 11, 10), dt.date(2026, 1, 5)).months()
    assert [(month.first.day, month.last.day) for month in months] == [(10, 30), (1, 31), (1, 5)]


def test_one_moment_parts_what_is_late_from_what_is_not() -> None:
    now, tick = dt.datetime(2026, 3, 4, 3, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
    for standard in (parse_standard_time("5 menit"), TWO_HOURS, ONE_DAY):
        limit = late_threshold(OFFICE, present(standard), now)
        assert OFFICE.is_late(limit - tick, present(standard), now)
        assert not OFFICE.is_late(limit, present(standard), now)
