"""The events of a demo office apart from its requests: assets, absences, freezes, and reading of notifications."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.agency.hours import DAY, MINUTE
from demo.requests.planning import within_half_a_day
from lpse_admin.accounts.roles import Role
from models.releases.freeze import FreezeValues

if TYPE_CHECKING:
    from demo.agency.office import Deputy, Office
    from demo.agency.people import People
    from demo.cast import Player
    from demo.scenario import Timeline

#: Working seconds between two times that somebody reads their notifications, and from the last one to the end.
_READS_EVERY, _READS_LAST = (30 * DAY, 60 * DAY), (20 * MINUTE, 90 * MINUTE)
#: The freeze at the end of a budget year: month and day of its first and of its last day.
_YEAR_END = ((12, 18), (12, 31))
#: Days before a freeze on which it is entered; days after the end on which one begins.
_ENTERED_BEFORE, _FREEZE_AHEAD = 30, 12


@dataclass(frozen=True, slots=True)
class _Freeze:
    """A freeze of every environment between two dates, inclusive."""

    name: str
    first: dt.date
    last: dt.date
    reason: str

    def window(self, office: Office) -> tuple[dt.datetime, dt.datetime]:
        """Return start and end in UTC."""
        days = (self.first, self.last + dt.timedelta(1))
        begin, end = (dt.datetime.combine(day, dt.time.min, office.zone).astimezone(dt.UTC) for day in days)
        return begin, end


class OfficeLife:
    """Plans the events of an office on a timeline."""

    def __init__(self, timeline: Timeline, people: People) -> None:
        self._timeline = timeline
        self._people = people

    def plan(self, office: Office, administrator: Player | None) -> None:
        """Plan all events; ``administrator`` enters the freezes and changes the e-mail addresses."""
        if office.people[Role.CHANGE_MANAGER] and office.inventory.is_empty():
            manager = office.people[Role.CHANGE_MANAGER][0]
            self._timeline.add(office, 0, lambda at: self._people.enter_assets(office, manager, at))
        for number, deputy in enumerate(office.planned, 1):
            self._plan_deputy(office, deputy, number)
        if administrator is not None:
            self._plan_freezes(office, administrator)
            self._plan_addresses(office, administrator)
        for player in _readers(office):
            self._plan_reading(office, player)
        self._timeline.add(office, office.end - 1, lambda at: self._people.sweep(office, at))

    def _plan_deputy(self, office: Office, deputy: Deputy, number: int) -> None:
        known = min(office.hours.opening(deputy.first), office.end)
        second = max(known - within_half_a_day(office.random), 1)
        self._timeline.add(office, second, lambda at: self._delegate(office, deputy, number, at))

    def _delegate(self, office: Office, deputy: Deputy, number: int, at: dt.datetime) -> None:
        self._people.delegate(office, deputy, office.people[Role.HEAD][0], number, at)
        office.deputies.append(deputy)

    # -- freezes -----------------------------------------------------------------------------------------------

    def _plan_freezes(self, office: Office, administrator: Player) -> None:
        """Plan a freeze at the end of each year, one for a tender that is lifted after three days, and one ahead."""
        if office.freezes:
            return
        first, last = office.hours.day(0), office.hours.day(office.end - 1)
        for year in range(first.year, last.year):
            from_day, until_day = (dt.date(year, *day) for day in _YEAR_END)
            if from_day - dt.timedelta(_ENTERED_BEFORE) > first:
                freeze = _Freeze(f"Akhir tahun anggaran {year}", from_day, until_day, _YEAR_END_REASON)
                self._plan_freeze(office, administrator, freeze)
        middle = office.hours.day(office.end // 2)
        tender = _Freeze("Tender strategis", middle, middle + dt.timedelta(9), _TENDER_REASON)
        self._plan_freeze(office, administrator, tender, lifted_on=middle + dt.timedelta(3))
        ahead = last + dt.timedelta(_FREEZE_AHEAD)
        coming = _Freeze("Pemasukan penawaran tender", ahead, ahead + dt.timedelta(4), _TENDER_REASON)
        self._plan_freeze(office, administrator, coming)

    def _plan_freeze(
        self, office: Office, administrator: Player, freeze: _Freeze, lifted_on: dt.date | None = None
    ) -> None:
        window = freeze.window(office)

        def enter(at: dt.datetime) -> None:
            entry = FreezeValues(freeze.name, *window, None, freeze.reason)
            freeze_id = self._people.freeze(office, administrator, entry, at)
            office.freezes.append(window)
            if lifted_on is not None:
                self._timeline.add(office, self._on(office, lifted_on), lambda at: lift(freeze_id, at))

        def lift(freeze_id: int, at: dt.datetime) -> None:
            self._people.lift(freeze_id, administrator, _LIFTED, at)
            office.freezes.remove(window)

        self._timeline.add(office, self._on(office, freeze.first - dt.timedelta(_ENTERED_BEFORE)), enter)

    @staticmethod
    def _on(office: Office, day: dt.date) -> int:
        """Return a random working second on ``day``, or on the next working day."""
        return office.hours.opening(day) + within_half_a_day(office.random)

    # -- notifications -----------------------------------------------------------------------------------------

    def _plan_addresses(self, office: Office, administrator: Player) -> None:
        """Remove the e-mail addresses until the end, so that no mail is sent about past events."""
        addresses = {player.id: player.email for player in _readers(office)}
        no_addresses = dict.fromkeys(addresses)
        self._timeline.add(office, 0, lambda at: self._people.change_addresses(administrator, no_addresses, at))
        last = office.end - 1
        self._timeline.add(office, last, lambda at: self._people.change_addresses(administrator, addresses, at))

    def _plan_reading(self, office: Office, player: Player) -> None:
        random = office.random
        last = max(office.end - random.randrange(*_READS_LAST), 0)
        second = random.randrange(*_READS_EVERY)
        while second < last:
            self._timeline.add(office, second, lambda at: self._people.read_notifications(player, at))
            second += random.randrange(*_READS_EVERY)
        self._timeline.add(office, last, lambda at: self._people.read_notifications(player, at))


def _readers(office: Office) -> list[Player]:
    """Return the people who get notifications."""
    roles = (Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)
    return [player for role in roles for player in office.people[role]]


_YEAR_END_REASON = "Penutupan tahun anggaran: paket yang berjalan tidak boleh terganggu."
_TENDER_REASON = "Pemasukan penawaran tender strategis sedang berlangsung."
_LIFTED = "Tender dibatalkan; perubahan dapat dirilis kembali."
