"""The daily digest: when it goes out."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.notifications.digest import next_digest, parse_digest_time

WIT = ZoneInfo("Asia/Jayapura")
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
SEVEN_THIRTY = dt.time(7, 30)


def is_weekday(day: dt.date) -> bool:
    return day.weekday() < 5


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("07.30", dt.time(7, 30)),
        (" 7:05 ", dt.time(7, 5)),
        ("16.00", dt.time(16)),
        ("07:30:00", dt.time(7, 30)),
        ("pukul 7.30", dt.time(7, 30)),
        ("24.00", None),
        ("7", None),
        ("7.60", None),
        ("pagi", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_indonesians_and_browsers_write_it(text: str, time: dt.time | None) -> None:
    assert parse_digest_time(text) == time


def test_the_digest_goes_out_the_same_morning_or_else_the_next_working_day() -> None:
    friday = dt.date(2026, 3, 6)
    before, after = (dt.datetime.combine(friday, dt.time(7, minute), WIT) for minute in (0, 30))
    assert next_digest(before, SEVEN_THIRTY, WIT, is_weekday) == dt.datetime.combine(friday, SEVEN_THIRTY, WIT)
    monday = dt.datetime(2026, 3, 9, 7, 30, tzinfo=WIT)
    assert next_digest(after, SEVEN_THIRTY, WIT, is_weekday) == monday


def test_an_office_that_never_opens_gets_its_digest_in_the_end() -> None:
    now = dt.datetime(2026, 3, 6, tzinfo=WIT)
    assert next_digest(now, SEVEN_THIRTY, WIT, lambda _day: False) - now < dt.timedelta(days=61)


@given(
    st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: START + dt.timedelta(minutes=minutes)),
    st.times().map(lambda time: time.replace(second=0, microsecond=0)),
)
def test_it_is_always_ahead_within_four_days_and_at_its_time(now: dt.datetime, time: dt.time) -> None:
    moment = next_digest(now, time, WIT, is_weekday)
    assert now < moment <= now + dt.timedelta(days=4)
    assert moment.astimezone(WIT).time() == time
    assert is_weekday(moment.date())
