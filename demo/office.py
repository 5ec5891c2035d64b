"""One LPSE while its demo register is written: its paper, its people, its hours and who stood in for the head when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from demo.bulk import inserted, updated
from demo.hours import MINUTE, OfficeHours
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome
from lpse_admin.workflow.transitions import Principal, reason_cannot_act
from models.accounts.user import User
from models.changes.activity import Release, ReleaseAsset
from models.delegation.delegation import Delegation, DelegationKind, capacity
from models.office.agency import NumberCounter
from models.sops.sop import SopRevision, SopState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from sqlalchemy.orm import Session

    from demo.attachments import Attachment
    from demo.bulk import Ledger, Row, Told
    from demo.inventory import Inventory
    from demo.letters import Shelf
    from demo.routes import Routes
    from lpse_admin.sop import Sop
    from lpse_admin.sop.steps import Step
    from lpse_admin.workflow.record_fields import Environment
    from lpse_admin.workflow.transitions import Position
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.office.agency import Agency

#: How often each of several people of one role is the one who acts: the first most, the last seldom.
_SHARES = (6, 4, 1)
#: Days between two delegations, and days that one lasts; the second of an office is an acting head's.
_APART = (35, 70)
_LASTS = (4, 12)
_ACTING_LASTS = (25, 40)


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody of the cast as the register needs them."""

    id: int
    username: str
    name: str
    roles: frozenset[Role]
    address: str


class Counters:
    """The numbers of one agency's requests, gapless within a year."""

    def __init__(self, ledger: Ledger, agency_id: int) -> None:
        """Go on from the numbers that are given out already."""
        self._ledger = ledger
        self._agency_id = agency_id
        table = NumberCounter.__table__
        rows = ledger.connection.execute(select(table).where(table.c.agency_id == agency_id))
        self._rows: dict[int, Row] = {row.year: dict(row._mapping) for row in rows}
        self._stored = frozenset(self._rows)
        self._told: list[Told] = []

    def next(self, year: int) -> int:
        """Return the next serial of ``year``."""
        row = self._rows.get(year)
        if row is None:
            row = {"id": self._ledger.next_id("number_counter"), "agency_id": self._agency_id, "year": year, "last": 1}
            self._rows[year] = row
            self._told = inserted("number_counter", row)
        else:
            self._told = updated("number_counter", row["id"], row, {"last": row["last"] + 1})
            row["last"] += 1
        serial: int = row["last"]
        return serial

    def told(self) -> list[Told]:
        """Return what the trail says of the serial that was given out last."""
        return self._told

    def write(self) -> None:
        """Hand the last numbers to the ledger."""
        for year, row in self._rows.items():
            if year in self._stored:
                self._ledger.alter("number_counter", row["id"], {"last": row["last"]})
            else:
                self._ledger.add("number_counter", row)


@dataclass(slots=True)
class Office:
    """What is the same for every request of one agency."""

    agency: Agency
    sop_id: int
    paper: Sop
    calendar: WorkCalendar
    hours: OfficeHours
    #: The place in the row of working seconds after which nothing happens any more.
    end: int
    random: Random
    people: dict[Role, tuple[Player, ...]]
    inventory: Inventory
    letters: dict[str, tuple[Attachment, ...]]
    extras: dict[Step, tuple[tuple[str, float], ...]]
    shelf: Shelf
    counters: Counters
    routes: Routes
    #: Those that are recorded, and those that are still to come.
    delegations: list[Delegation]
    planned: list[Delegation]
    #: Day and what it shares, of each release that is planned: an environment or an asset.
    releases: set[tuple[dt.date, Environment | int]]
    _capacities: dict[tuple[Step, DelegationKind | None], str] = field(default_factory=dict)

    def delegation_on(self, day: dt.date) -> Delegation | None:
        """Return the delegation that is in force on ``day``, if any."""
        return next((found for found in self.delegations if found.from_date <= day <= found.until_date), None)

    def choose(self, role: Role, position: Position, *, standing_in: int | None = None) -> Player | None:
        """Return somebody who may act at ``position``; ``standing_in`` is the delegate's id where the head is away."""
        players = self.people[Role.CHANGE_MANAGER] if standing_in else self.people[role]
        left = [player for player in players if standing_in in {None, player.id}]
        while left:
            chosen = self.random.choices(left, _SHARES[: len(left)] if len(left) <= len(_SHARES) else None)[0]
            if reason_cannot_act(self.paper, position, person(chosen, stands_in=standing_in is not None)) is None:
                return chosen
            left.remove(chosen)
        return None

    def plan_release(self, day: dt.date, *uses: Environment | int) -> bool:
        """Note a release of ``day`` and whether another one of that day uses the same environment or asset."""
        keys = {(day, used) for used in uses}
        shares = not self.releases.isdisjoint(keys)
        self.releases |= keys
        return shares

    def head_on(self, day: dt.date, *but: int | None) -> tuple[Player, Delegation | None] | None:
        """Return who decides as the head on ``day``, and under which delegation; None where it is one of ``but``."""
        delegation = self.delegation_on(day)
        players = self.people[Role.HEAD] if delegation is None else self.people[Role.CHANGE_MANAGER]
        found = next((player for player in players if delegation is None or player.id == delegation.delegate_id), None)
        return None if found is None or (delegation and found.id in but) else (found, delegation)

    def player(self, id_: int) -> Player:
        """Return the one whose id this is."""
        return next(player for players in self.people.values() for player in players if player.id == id_)

    def capacity(self, step: Step, delegation: Delegation | None) -> str:
        """Return in what capacity a step is taken, as ``models.delegation.delegation.capacity`` has it."""
        key = (step, delegation.kind if delegation else None)
        if key not in self._capacities:
            self._capacities[key] = capacity(self.paper, step, delegation)
        return self._capacities[key]

    def plan_delegations(self, begin: dt.date, until: dt.date) -> list[Delegation]:
        """Return delegations of the head to the last of the managers, spread over the days from ``begin``."""
        heads, managers = self.people[Role.HEAD], self.people[Role.CHANGE_MANAGER]
        planned: list[Delegation] = []
        day = begin + dt.timedelta(self.random.randrange(*_APART))
        while heads and managers:
            is_acting = len(planned) == 1
            last = day + dt.timedelta(self.random.randrange(*(_ACTING_LASTS if is_acting else _LASTS)))
            if last >= until:
                break
            planned.append(
                Delegation(
                    agency_id=self.agency.id,
                    head_id=heads[0].id,
                    delegate_id=managers[-1].id,
                    kind=DelegationKind.PLT if is_acting else DelegationKind.PLH,
                    decree_number=f"800/{len(planned) + 1:03d}/SPT-LPSE/{day.year}",
                    from_date=day,
                    until_date=last,
                    reason="Kepala LPSE cuti panjang" if is_acting else "Kepala LPSE dinas luar",
                    recorded_by_id=heads[0].id,
                )
            )
            day = last + dt.timedelta(self.random.randrange(*_APART))
        return planned


def person(player: Player, *, stands_in: bool) -> Principal:
    """Return the player as the rules see them."""
    return Principal(player.id, player.roles, is_acting_head=stands_in)


def players(session: Session, agency: Agency) -> dict[Role, tuple[Player, ...]]:
    """Return the active people of an agency by role, in the order in which their accounts were made."""
    users = session.scalars(select(User).where(User.agency_id == agency.id, User.is_active).order_by(User.id)).all()
    everybody = [
        Player(user.id, user.username, user.full_name, user.roles, f"192.0.2.{place}")
        for place, user in enumerate(users, start=10)
    ]
    return {role: tuple(player for player in everybody if role in player.roles) for role in Role}


def planned_releases(session: Session, agency: Agency) -> set[tuple[dt.date, Environment | int]]:
    """Return day and environment or asset of each release that is planned already."""
    scheduled = select(Release.id, Release.environment, Release.window_start_at, Release.window_end_at).where(
        Release.agency_id == agency.id, Release.outcome == Outcome.SCHEDULED
    )
    days: dict[int, list[dt.date]] = {}
    found: set[tuple[dt.date, Environment | int]] = set()
    rows: Iterable[Any] = session.execute(scheduled)
    for release_id, environment, start, end in rows:
        first, last = (agency.local_date(moment) for moment in (start, end))
        days[release_id] = [first + dt.timedelta(number) for number in range((last - first).days + 1)]
        found |= {(day, environment) for day in days[release_id]}
    for release_id, asset_id in session.execute(select(ReleaseAsset.release_id, ReleaseAsset.asset_id)):
        found |= {(day, asset_id) for day in days.get(release_id, ())}
    return found


def papers_with_requesters(session: Session) -> list[SopRevision]:
    """Return the papers in force of the agencies that somebody can ask something of, by agency."""
    papers = session.scalars(
        select(SopRevision).where(SopRevision.state == SopState.IN_FORCE).order_by(SopRevision.agency_id)
    ).all()
    return [paper for paper in papers if players(session, paper.agency)[Role.REQUESTER]]


def working_seconds(random: Random, most: int, *, is_late: bool) -> int:
    """Return working seconds for something that takes ``most`` at most, or longer where it ``is_late``."""
    factor = 1.05 + random.random() * 1.5 if is_late else 0.3 + random.random() * 0.65
    return max(MINUTE // 2, round(most * factor))


__all__ = [
    "Office",
    "Player",
    "papers_with_requesters",
    "person",
    "planned_releases",
    "players",
    "working_seconds",
]
