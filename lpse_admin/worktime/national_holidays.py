"""Indonesia's national holidays, joint leave (cuti bersama) and the months of Ramadan, year by year.

Past years and the current one are as decreed, later ones are calculated: a calculated holiday has "(perkiraan)" in its
name until the joint decree of the three ministers is published and the library is updated.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import holidays
from holidays.countries.indonesia import IndonesiaIslamicHolidays

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The years for which the library has every movable holiday; it has no Nyepi after 2050.
FIRST_YEAR, LAST_YEAR = 1990, 2050
CALENDAR_YEARS = range(FIRST_YEAR, LAST_YEAR + 1)

#: First days of Ramadan that the minister decreed and the library's calculation (for Singapore) puts a day later.
#: 1431 H: KMA 94/2010. 1446 H: the session (sidang isbat) of 28 February 2025, on a moon seen in Aceh.
_DECREED_FIRST_DAYS = MappingProxyType(
    {dt.date(2010, 8, 12): dt.date(2010, 8, 11), dt.date(2025, 3, 2): dt.date(2025, 3, 1)}
)

_ONE_DAY = dt.timedelta(days=1)
#: The longest Ramadan.
_MAX_RAMADAN_LENGTH = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A national day off; ``is_joint_leave`` if it is cuti bersama and not a holiday."""

    name: str
    is_joint_leave: bool


@dataclass(frozen=True, slots=True, order=True)
class DateRange:
    """The days from ``first`` to ``last``, both inclusive."""

    first: dt.date
    last: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    def overlaps(self, other: DateRange) -> bool:
        """Whether the two ranges share a day."""
        return self.first <= other.last and other.first <= self.last


# Takes 0.5 ms; every calendar of every page needs some years.
@cache
def national_holidays(year: int) -> Mapping[dt.date, Holiday]:
    """Return the days off of ``year`` (FIRST_YEAR to LAST_YEAR) under their Indonesian names."""
    # Cuti bersama is in the category "government" only. Without ``language`` the host's locale would be used.
    joint = holidays.country_holidays("ID", years=year, expand=False, language="id", categories=("government",))
    public = holidays.country_holidays("ID", years=year, expand=False, language="id", categories=("public",))
    joint_leave = {day: Holiday(name, is_joint_leave=True) for day, name in joint.items()}
    return MappingProxyType(joint_leave | {day: Holiday(name, is_joint_leave=False) for day, name in public.items()})


# Takes 26 µs, for each day of the years that a calendar works out.
@cache
def ramadan_periods(year: int) -> tuple[DateRange, ...]:
    """Return the months of Ramadan that overlap ``year``: one or two."""
    islamic = IndonesiaIslamicHolidays()
    # A Ramadan that ends in January started in the previous year.
    years = (year - 1, year, year + 1)
    starts = {day for near in years for day, _ in islamic.ramadan_beginning_dates(near)}
    feasts = {day for near in years for day, _ in islamic.eid_al_fitr_dates(near)}
    months = (
        DateRange(_DECREED_FIRST_DAYS.get(start, start), feast - _ONE_DAY)
        for start in starts
        for feast in feasts
        if start < feast <= start + _MAX_RAMADAN_LENGTH
    )
    return tuple(sorted(month for month in months if year in {month.first.year, month.last.year}))
