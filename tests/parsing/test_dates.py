"""Dates are read day, month, year, with figures or the month's name; two digits are no year."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date, read_datetime

_JAKARTA = ZoneInfo("Asia/Jakarta")
_MONTHS = (
    ("Januari", "Jan"), ("Februari", "Feb"), ("Maret", "Mar"), ("April", "Apr"), ("Mei", "Mei"), ("Juni", "Jun"),
    ("Juli", "Jul"), ("Agustus", "Agu"), ("September", "Sep"), ("Oktober", "Okt"), ("November", "Nov"),
    ("Desember", "Des"),
)  # fmt: skip
_DATES = st.dates(min_value=dt.date(1000, 1, 1))


@given(_DATES, st.sampled_from("-/. "))
def test_any_date_is_read_back_in_every_notation(date: dt.date, separator: str) -> None:
    name, short = _MONTHS[date.month - 1]
    numbers = (f"{date.day:02}", f"{date.month:02}", f"{date.year:04}")
    assert read_date(separator.join(numbers)) == date
    assert read_date(separator.join(reversed(numbers))) == date
    assert read_date(f"{date.day}{separator}{date.month}{separator}{date.year}") == date
    for month in (name, name.upper(), short, short.lower(), f"{short}.", f"{date:%B}", f"{date:%b}"):
        assert read_date(f"{date.day} {month} {date.year}") == date
    assert read_date(f"{date.day}-{short}-{date.year}") == date
    assert read_date(date.isoformat()) == date


@given(_DATES, st.times())
def test_any_time_is_read_back(date: dt.date, time: dt.time) -> None:
    time = time.replace(second=0, microsecond=0, tzinfo=None)
    moment = dt.datetime.combine(date, time, _JAKARTA)
    for text in (
        f"{date.isoformat()}T{time:%H:%M}",
        f"{date.day}-{date.month}-{date.year} {time:%H.%M}",
        f"{date.day} {_MONTHS[date.month - 1][0]} {date.year} pukul {time:%H.%M} WIB",
    ):
        assert read_datetime(text, _JAKARTA) == moment


@given(st.text(max_size=25))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for read in (read_date, lambda text: read_datetime(text, _JAKARTA)):
        with suppress(UnreadableError):
            read(text)


@pytest.mark.parametrize(
    "text",
    ["31-12-2025", "31/12/2025", "31.12.2025", "31 12 2025", "31 Desember 2025", "31 desember 2025", "31 Des 2025",
     "31-Des-2025", "31 Des. 2025", "2025-12-31", "2025/12/31", "31 December 2025", "December 31, 2025",
     "Rabu, 31 Desember 2025", "Wednesday 31 December 2025", "31-XII-2025", " 31-12-2025\u00a0", "31\u201312\u20132025",
     "tgl. 31-12-2025", "Tanggal 31 Desember 2025", "2025-12-31 00:00:00", "2025-12-31T00:00"],
)  # fmt: skip
def test_a_date_is_read_as_it_is_written_in_indonesia(text: str) -> None:
    assert read_date(text) == dt.date(2025, 12, 31)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("5/6/2026", dt.date(2026, 6, 5)), ("1 Pebruari 2026", dt.date(2026, 2, 1)),
        ("2 Nopember 2026", dt.date(2026, 11, 2)), ("29-02-2024", dt.date(2024, 2, 29)),
        ("17 Agt 2026", dt.date(2026, 8, 17)), ("1 Mei 2026", dt.date(2026, 5, 1)),
        ("Jum'at, 2 Januari 2026", dt.date(2026, 1, 2)),
    ],
)  # fmt: skip
def test_the_day_comes_before_the_month(text: str, date: dt.date) -> None:
    assert read_date(text) == date


@pytest.mark.parametrize("text", ["", " ", "-", "\u200b", "0000-00-00", "00-00-0000", "00/00/0000", "0000"])
def test_a_blank_a_dash_or_zeros_are_no_date(text: str) -> None:
    assert read_date(text) is read_datetime(text, _JAKARTA) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("31-12-25", "“31-12-25”: write the year with four digits"),
        ("31 Des 25", "“31 Des 25”: write the year with four digits"),
        ("12/31/2025", "There is no day “12/31/2025”"),
        ("29-02-2025", "There is no day “29-02-2025”"),
        ("31 Dezember 2025", "“31 Dezember 2025” is not a date"),
        ("Desember 2025", "“Desember 2025” is not a date"),
        ("20251231", "“20251231” is not a date"),
        ("kemarin", "“kemarin” is not a date"),
        ("2025-12-31 14:30", "“2025-12-31 14:30” is not a date"),
        ("Kamis, 31 Desember 2025", "“Kamis, 31 Desember 2025”: this date is another day of the week"),
    ],
)
def test_what_is_not_a_date_is_refused_with_the_way_out(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_date(text)
    assert str(refusal.value).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2025-12-31T14:30", "07:30"), ("2025-12-31T14:30:15.000", "07:30"), ("31-12-2025 14.30", "07:30"),
        ("31/12/2025, 14:30", "07:30"), ("31 Desember 2025 pukul 14.30 WIB", "07:30"),
        ("31 Desember 2025 pkl. 14.30", "07:30"), ("31-12-2025 14.30 WITA", "06:30"), ("31-12-2025 14.30 wit", "05:30"),
    ],
)  # fmt: skip
def test_a_time_is_that_of_the_zone_unless_it_names_another(text: str, clock: str) -> None:
    moment = read_datetime(text, _JAKARTA)
    assert moment is not None
    assert f"{moment.astimezone(dt.UTC):%d %H:%M}" == f"31 {clock}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("31-12-2025", "“31-12-2025” lacks the time"),
        ("31-12-2025 24.00", "“31-12-2025 24.00” has no such time"),
        ("besok 14.30", "“besok 14.30” is not a date"),
        ("besok", "“besok” is not a date and time"),
    ],
)
def test_what_is_not_a_time_is_refused_with_the_way_out(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_datetime(text, _JAKARTA)
    assert str(refusal.value).startswith(sentence)


def test_zeros_before_a_time_are_no_time() -> None:
    assert read_datetime("0000-00-00 00:00:00", _JAKARTA) is None
