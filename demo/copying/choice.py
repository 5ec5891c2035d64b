"""Choice of the requests to copy, and of the weeks to which they are moved."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.office.agency import request_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from demo.agency.office import Office
    from demo.copying.templates import Template

#: Share of requests that are open at the end, and their maximum number at one office.
_OPEN_SHARE, _MOST_OPEN = 0.2, 600


@dataclass(slots=True)
class Copy:
    """One copy of a template: its shift in time, its ids and its number."""

    template: Template
    #: A multiple of 7; negative for earlier.
    days: int
    #: Additional seconds.
    seconds: int
    #: The first id of its rows by table (``COUNTED``).
    first_ids: dict[str, int] = field(default_factory=dict)
    year: int | None = None
    serial: int | None = None

    @property
    def later(self) -> dt.timedelta:
        """The shift in time from the template."""
        return dt.timedelta(self.days, self.seconds)

    @property
    def begins(self) -> dt.datetime:
        """When its draft is created."""
        return self.template.created_at + self.later

    @property
    def number(self) -> str | None:
        """Its number; None if it is not submitted."""
        return None if self.year is None or self.serial is None else request_number(self.year, self.serial)


def choose(
    offices: Sequence[Office], templates: Iterable[Template], requests: int, years: Collection[tuple[int, int]]
) -> list[Copy]:
    """Return ``requests`` copies, distributed evenly over ``offices``, by time of creation.

    ``years`` are the pairs of agency id and year that have a number counter; copies are submitted only in those.
    """
    copies: list[Copy] = []
    for index, office in enumerate(offices):
        own = [template for template in templates if template.agency_id == office.agency_id]
        number = requests // len(offices) + (index < requests % len(offices))
        copies += _choose(office, own, number, {year for agency_id, year in years if agency_id == office.agency_id})
    return sorted(copies, key=lambda copy: (copy.begins, copy.template.id))


def _choose(office: Office, templates: Sequence[Template], number: int, years: set[int]) -> Iterator[Copy]:
    """Yield ``number`` copies, first of open templates (``_OPEN_SHARE``) and then of closed ones."""
    random = office.random
    open_ = [template for template in templates if template.is_open]
    number_open = 0
    if open_:
        number_open = max(0, min(round(number * _OPEN_SHARE), _MOST_OPEN - len(open_)))
    for index in range(number_open):
        yield _copy(office, open_[index % len(open_)], 0)
    closed = [(template, days) for template in templates for days in _days_within(office, template, years)]
    for _number in range(number - number_open):
        yield _copy(office, *random.choice(closed))


def _copy(office: Office, template: Template, days: int) -> Copy:
    return Copy(template, days, office.random.randrange(template.most_seconds + 1))


def _days_within(office: Office, template: Template, years: set[int]) -> list[int]:
    """Return the shifts of ``template``, in days, with which it is submitted in one of ``years``."""
    if template.is_open or template.submitted_at is None:
        return []
    submitted = office.date_of(template.submitted_at)
    return [days for days in template.days if (submitted + dt.timedelta(days)).year in years]


def give_numbers(
    copies: Iterable[Copy], offices: Iterable[Office], given: Iterable[tuple[tuple[int, int], int]]
) -> Counter[tuple[int, int]]:
    """Assign numbers to the submitted copies by time of submission, and return the last ones by agency and year.

    ``given`` are the last numbers before.
    """
    last = Counter(dict(given))
    zones = {office.agency_id: office for office in offices}
    submitted = [(copy.template.submitted_at + copy.later, copy) for copy in copies if copy.template.submitted_at]
    for at, copy in sorted(submitted, key=lambda pair: pair[0]):
        agency_id = copy.template.agency_id
        copy.year = zones[agency_id].date_of(at).year
        last[agency_id, copy.year] += 1
        copy.serial = last[agency_id, copy.year]
    return last


def give_ids(copies: Iterable[Copy], last_ids: dict[str, int]) -> dict[str, int]:
    """Assign row ids to each copy, continuing from ``last_ids`` by table, and return the last ones."""
    last = dict(last_ids)
    for copy in copies:
        for table, last_id in last.items():
            copy.first_ids[table] = last_id + 1
            last[table] = last_id + len(copy.template.rows[table])
    return last
