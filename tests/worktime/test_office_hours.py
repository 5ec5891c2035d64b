"""Office hours: parsing, formatting and order, and the statutory defaults."""

from __future__ import annotations

import datetime as dt

import pytest

from lpse_admin.errors import ValidationFailed
from lpse_admin.worktime.office_hours import DEFAULT_HOURS, RAMADAN_HOURS, Span, WeeklyHours, parse_spans

MORNING = Span(dt.time(7, 30), dt.time(12))
AFTERNOON = Span(dt.time(13), dt.time(16))


def test_a_week_has_37_and_a_half_hours_and_32_and_a_half_in_ramadan() -> None:
    assert DEFAULT_HOURS.weekly_total == dt.timedelta(hours=37.5)
    assert RAMADAN_HOURS.weekly_total == dt.timedelta(hours=32.5)


@pytest.mark.parametrize(
    ("hours", "opening", "breaks"),
    [(DEFAULT_HOURS, dt.time(7, 30), [60] * 4 + [90]), (RAMADAN_HOURS, dt.time(8), [30] * 4 + [60])],
)
def test_the_opening_and_the_breaks_are_those_of_perpres_21_of_2023(
    hours: WeeklyHours, opening: dt.time, breaks: list[int]
) -> None:
    assert {day[0].start for day in hours.week[:5]} == {opening}
    assert [
        (afternoon.start.hour - morning.end.hour) * 60 + afternoon.start.minute - morning.end.minute
        for morning, afternoon in hours.week[:5]
    ] == breaks
    assert hours.week[5:] == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "07.30–12.00, 13.00–16.00",
        "7:30-12:00;13:00-16:00",
        " 07.30 s/d 12.00 , 13.00 s.d. 16.00, ",
    ],
)
def test_hours_are_read_as_people_write_them(text: str) -> None:
    assert parse_spans(text) == (MORNING, AFTERNOON)


def test_what_was_written_is_read_back_the_same() -> None:
    assert WeeklyHours.from_texts(*DEFAULT_HOURS.texts) == DEFAULT_HOURS
    assert DEFAULT_HOURS.texts[4:] == ("07.30–11.30, 13.00–16.30", "", "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pagi", "“pagi” is not a time span; write 07.30–12.00"),
        ("07.30–25.00", "“07.30–25.00” is not a time span; write 07.30–12.00"),
        ("07.30", "“07.30” is not a time span; write 07.30–12.00"),
        ("12.00–07.30", "12.00–07.30 ends before it starts"),
        ("07.30–07.30", "07.30–07.30 ends before it starts"),
        ("07.30–12.00, 11.59–16.00", "11.59–16.00 is not after 07.30–12.00"),
        ("13.00–16.00, 07.30–12.00", "07.30–12.00 is not after 13.00–16.00"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_a_sentence(text: str, complaint: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        parse_spans(text)
    assert str(refusal.value.message) == complaint


def test_spans_may_touch() -> None:
    assert len(parse_spans("07.30–12.00, 12.00–16.00")) == 2


def test_a_week_has_seven_days_in_each_of_which_the_spans_follow_one_another() -> None:
    with pytest.raises(ValidationFailed, match="A week has seven days, not 1"):
        WeeklyHours(((),))
    with pytest.raises(ValidationFailed, match="is not after"):
        WeeklyHours(((AFTERNOON, MORNING),) + ((),) * 6)


def test_the_first_hours_of_a_week_are_those_of_its_first_working_day() -> None:
    assert DEFAULT_HOURS.first_working_day == (MORNING, AFTERNOON)
    assert WeeklyHours.from_texts("", "08.00–09.00").first_working_day == (Span(dt.time(8), dt.time(9)),)
    assert WeeklyHours.from_texts().first_working_day == ()
