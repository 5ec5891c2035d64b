"""Periods that move with the day on which they are read."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.worktime.relative_periods import RelativePeriod

DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2090, 1, 1))


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("today", "2026-11-25", "2026-11-25", "2026-11-25"),
        ("yesterday", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("this-week", "2026-11-29", "2026-11-23", "2026-11-29"),
        ("last-week", "2026-01-01", "2025-12-22", "2025-12-28"),
        ("next-week", "2026-12-31", "2027-01-04", "2027-01-10"),
        ("last-7-days", "2026-11-25", "2026-11-19", "2026-11-25"),
        ("next-7-days", "2026-11-25", "2026-11-25", "2026-12-01"),
        ("last-30-days", "2026-03-01", "2026-01-31", "2026-03-01"),
        ("next-30-days", "2026-12-31", "2026-12-31", "2027-01-29"),
        ("this-month", "2026-11-25", "2026-11-01", "2026-11-30"),
        ("this-month", "2026-12-02", "2026-12-01", "2026-12-31"),
        ("this-month", "2028-02-29", "2028-02-01", "2028-02-29"),
        ("last-month", "2026-03-31", "2026-02-01", "2026-02-28"),
        ("last-month", "2026-01-15", "2025-12-01", "2025-12-31"),
        ("next-month", "2026-12-15", "2027-01-01", "2027-01-31"),
        ("this-quarter", "2026-11-25", "2026-10-01", "2026-12-31"),
        ("last-quarter", "2026-02-25", "2025-10-01", "2025-12-31"),
        ("this-semester", "2026-06-30", "2026-01-01", "2026-06-30"),
        ("last-semester", "2026-06-30", "2025-07-01", "2025-12-31"),
        ("this-year", "2026-11-25", "2026-01-01", "2026-12-31"),
        ("last-year", "2026-01-01", "2025-01-01", "2025-12-31"),
    ],
)
def test_a_period_is_as_seen_from_the_day(period: str, day: str, first: str, last: str) -> None:
    days = RelativePeriod(period).days(dt.date.fromisoformat(day))
    assert [one.isoformat() for one in days] == [first, last]


@given(DAYS)
def test_last_this_and_next_follow_one_another_without_a_gap(day: dt.date) -> None:
    for unit in ("week", "month"):
        last, this, following = (RelativePeriod(f"{which}-{unit}").days(day) for which in ("last", "this", "next"))
        assert last[1] + dt.timedelta(1) == this[0] <= day <= this[1] == following[0] - dt.timedelta(1)
    for unit in ("quarter", "semester", "year"):
        last, this = (RelativePeriod(f"{which}-{unit}").days(day) for which in ("last", "this"))
        assert last[0] < last[1] < this[0] <= day <= this[1]
        assert last[1] + dt.timedelta(1) == this[0]


@given(DAYS, st.sampled_from(RelativePeriod))
def test_no_period_ends_before_it_begins(day: dt.date, period: RelativePeriod) -> None:
    first, last = period.days(day)
    assert first <= last
    assert period.is_ahead == (last > day and period.value.startswith("next"))
