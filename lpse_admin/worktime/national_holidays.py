"""Indonesia's national holidays, joint leave (cuti bersama) and the months of Ramadan, year by year.

They are what is decreed for past years and the current one, and a calculation for later ones: such a holiday has
"(perkiraan)" in its name until the joint decree of the three ministers is out and the library has been renewed.
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

#: The years in which the library knows every movable holiday; after the last one it knows no Nyepi any more.
FIRST_YEAR, LAST_YEAR = 1990, 2050

#: First days of Ramadan that the minister decreed and the library's calculation (for Singapore) puts a day later.
#: 1431 H: KMA 94/2010. 1446 H: the session (sidang isbat) of 28 February 2025, on a moon seen in Aceh.
_DECREED_FIRST_DAYS = MappingProxyType(
    {dt.date(2010, 8, 12): dt.date(2010, 8, 11), dt.date(2025, 3, 2): dt.date(2025, 3, 1)}
)

_ONE_DAY = dt.timedelta(days=1)
#: No Ramadan is longer, and none begins that near to the one before.
_MAX_RAMADAN_LENGTH = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day off for the whole country; ``is_joint_leave`` where it is cuti bersama and no holiday by itself."""

    name: str
    is_joint_leave: bool


@dataclass(frozen=True, slots=True, order=True)
class DateRange:
    """A run of days, its first and its last included."""

    first: dt.date
    last: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    def overlaps(self, other: DateRange) -> bool:
        """Whether the two have a day in common."""
        return self.first <= other.last and other.first <= self.last


@cache
def national_holidays(year: int) -> Mapping[dt.date, Holiday]:
    """Return the days off of ``year`` (FIRST_YEAR to LAST_YEAR) under their Indonesian names."""
    # Cuti bersama stands in the category "government" alone. The language is named, as it follows the host otherwise.
    joint = holidays.country_holidays("ID", years=year, expand=False, language="id", categories=("government",))
    public = holidays.country_holidays("ID", years=year, expand=False, language="id", categories=("public",))
    found = {day: Holiday(name, is_joint_leave=True) for day, name in joint.items()}
    return MappingProxyType(found | {day: Holiday(name, is_joint_leave=False) for day, name in public.items()})


@cache
def ramadan_periods(year: int) -> tuple[DateRange, ...]:
    """Return the months of Ramadan of which a day is in ``year``: one, or two at either end of it."""
    islamic = IndonesiaIslamicHolidays()
    # A Ramadan that ends in January began in the year before.
    years = (year - 1, year, year + 1)
    begins = {day for near in years for day, _ in islamic.ramadan_beginning_dates(near)}
    feasts = {day for near in years for day, _ in islamic.eid_al_fitr_dates(near)}
    months = (
        DateRange(_DECREED_FIRST_DAYS.get(begin, begin), feast - _ONE_DAY)
        for begin in begins
        for feast in feasts
        if begin < feast <= begin + _MAX_RAMADAN_LENGTH
    )
    return tuple(sorted(month for month in months if year in {month.first.year, month.last.year}))
