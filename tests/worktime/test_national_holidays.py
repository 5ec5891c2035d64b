"""National holidays, joint leave and months of Ramadan, against those that were decreed."""

from __future__ import annotations

import datetime as dt

import holidays
import pytest

from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, DateRange, national_holidays, ramadan_periods

YEARS = range(FIRST_YEAR, LAST_YEAR + 1)
MOVABLE = (
    "Hari Raya Idul Fitri",
    "Hari Raya Idul Adha",
    "Tahun Baru Islam",
    "Maulid Nabi Muhammad",
    "Hari Suci Nyepi",
    "Hari Raya Waisak",
    "Wafat Yesus Kristus",
)


def test_joint_leave_of_2024_is_that_of_the_joint_decree() -> None:
    results = {day for day, holiday in national_holidays(2024).items() if holiday.is_joint_leave}
    assert results == {
        dt.date(2024, month, day)
        for month, days in {2: [9], 3: [12], 4: [8, 9, 12, 15], 5: [10, 24], 6: [18], 12: [26]}.items()
        for day in days
    }


def test_a_national_holiday_is_no_joint_leave() -> None:
    independence = national_holidays(2018)[dt.date(2018, 8, 17)]
    assert not independence.is_joint_leave
    assert independence.name == "Hari Kemerdekaan Republik Indonesia"


def test_the_names_are_indonesian_whatever_the_host_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    national_holidays.cache_clear()
    for variable in ("LANG", "LANGUAGE", "LC_ALL"):
        monkeypatch.setenv(variable, "en_US.UTF-8")
    assert national_holidays(2026)[dt.date(2026, 1, 1)].name == "Tahun Baru Masehi"


def test_the_library_is_asked_once_for_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    before = national_holidays(2025)
    monkeypatch.setattr(holidays, "country_holidays", None)
    assert national_holidays(2025) is before


@pytest.mark.parametrize("year", YEARS)
def test_each_year_of_the_calendar_has_all_its_movable_holidays(year: int) -> None:
    names = " ".join(holiday.name for holiday in national_holidays(year).values())
    assert [name for name in MOVABLE if name not in names] == []


@pytest.mark.parametrize(
    "first",
    [
        (2010, 8, 11),
        (2015, 6, 18),
        (2016, 6, 6),
        (2017, 5, 27),
        (2018, 5, 17),
        (2019, 5, 6),
        (2020, 4, 24),
        (2021, 4, 13),
        (2022, 4, 3),
        (2023, 3, 23),
        (2024, 3, 12),
        (2025, 3, 1),
        (2026, 2, 19),
    ],
)
def test_ramadan_begins_when_the_minister_said(first: tuple[int, ...]) -> None:
    assert [month.first for month in ramadan_periods(first[0])] == [dt.date(*first)]


@pytest.mark.parametrize("year", YEARS)
def test_ramadan_has_29_or_30_days_and_ends_on_the_eve_of_idul_fitri(year: int) -> None:
    months = ramadan_periods(year)
    assert months
    for month in months:
        assert (month.last - month.first).days + 1 in {29, 30}
        feast = month.last + dt.timedelta(days=1)
        if feast.year in YEARS:
            assert national_holidays(feast.year)[feast].name.startswith("Hari Raya Idul Fitri")


def test_a_ramadan_over_the_turn_of_the_year_belongs_to_both_years() -> None:
    over = DateRange(dt.date(2030, 12, 26), dt.date(2031, 1, 24))
    assert ramadan_periods(2030) == (DateRange(dt.date(2030, 1, 6), dt.date(2030, 2, 3)), over)
    assert ramadan_periods(2031)[0] == over


def test_periods_include_both_their_ends() -> None:
    period = DateRange(dt.date(2026, 2, 19), dt.date(2026, 3, 20))
    assert dt.date(2026, 2, 19) in period
    assert dt.date(2026, 3, 20) in period
    assert dt.date(2026, 3, 21) not in period
    assert period.overlaps(DateRange(dt.date(2026, 3, 20), dt.date(2026, 4, 1)))
    assert not period.overlaps(DateRange(dt.date(2026, 3, 21), dt.date(2026, 4, 1)))
