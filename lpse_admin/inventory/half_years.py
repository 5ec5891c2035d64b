"""The half-years in which changes of an asset list are reported: which there are, and which can be locked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterator

_JULY = 7


@dataclass(frozen=True, slots=True, order=True)
class HalfYear:
    """A half of a year: 1 from January, 2 from July."""

    year: int
    half: int

    @classmethod
    def of(cls, day: dt.date) -> HalfYear:
        """Return the half-year of a day."""
        return cls(day.year, 1 if day.month < _JULY else 2)

    @property
    def first_day(self) -> dt.date:
        """Its first day."""
        return dt.date(self.year, 1 if self.half == 1 else _JULY, 1)

    @property
    def last_day(self) -> dt.date:
        """Its last day."""
        return dt.date(self.year, 6, 30) if self.half == 1 else dt.date(self.year, 12, 31)

    @property
    def previous(self) -> HalfYear:
        """The one before it."""
        return HalfYear(self.year, 1) if self.half != 1 else HalfYear(self.year - 1, 2)

    @property
    def key(self) -> str:
        """How addresses and commands name it: 2026-1."""
        return f"{self.year}-{self.half}"

    @property
    def title(self) -> Message:
        """How people name it."""
        return _("Half-year %(half)s of %(year)s", half="I" if self.half == 1 else "II", year=str(self.year))


def read_half_year(text: str) -> HalfYear | None:
    """Return the half-year of a key such as 2026-1; None for anything else."""
    year, _dash, half = text.partition("-")
    is_year = len(year) == len("2026") and year.isascii() and year.isdigit() and year >= "1900"
    return HalfYear(int(year), int(half)) if is_year and half in {"1", "2"} else None


def half_years(first: dt.date, today: dt.date) -> Iterator[HalfYear]:
    """Yield the half-years from ``first`` to ``today``, the newest first."""
    one, oldest = HalfYear.of(today), HalfYear.of(first)
    while one >= oldest:
        yield one
        one = one.previous
