"""One LPSE of the demo: its SOP, people, working hours and acting heads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from demo.agency.hours import MINUTE, OfficeHours
from demo.agency.inventory import Inventory
from demo.cast import players
from demo.content.letters import letters_of, unasked
from demo.requests.routes import Routes
from lpse_admin.accounts.roles import Role
from lpse_admin.workflow.transitions import Principal, reason_cannot_act
from models.delegation.delegation import Delegation, DelegationKind
from models.office.calendars import load_calendar
from models.releases.freeze import Freeze
from models.sops.sop import SopRevision, SopState

if TYPE_CHECKING:
    from random import Random
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from demo.cast import Player
    from demo.content.attachments import Attachment
    from lpse_admin.sop import Sop
    from lpse_admin.sop.steps import Step
    from lpse_admin.workflow.transitions import Position
    from lpse_admin.worktime.working_calendar import WorkCalendar

#: Weights by which an actor is chosen from the people of a role, in order.
_SHARES = (6, 4, 1)
#: Days between two delegations, and days that one lasts; the second one of an office is for a vacancy (Plt.).
_APART = (70, 120)
_LASTS = (4, 12)
_ACTING_LASTS = (25, 40)
#: Days after the end on which the head will be absent.
_DAYS_AHEAD = 6


@dataclass(frozen=True, slots=True)
class Deputy:
    """An acting head between two dates, inclusive."""

    delegate_id: int
    kind: DelegationKind
    first: dt.date
    last: dt.date

    @property
    def reason(self) -> str:
        """Why the head is absent."""
        return "Kepala LPSE cuti panjang" if self.kind is DelegationKind.PLT else "Kepala LPSE dinas luar"


@dataclass(slots=True)
class Office:
    """The data that all demo requests of one agency share."""

    agency_id: int
    name: str
    region: str
    zone: ZoneInfo
    sop: Sop
    calendar: WorkCalendar
    hours: OfficeHours
    #: The working second at which the demo ends.
    end: int
    random: Random
    people: dict[Role, tuple[Player, ...]]
    inventory: Inventory
    letters: dict[str, tuple[Attachment, ...]]
    extras: dict[Step, tuple[tuple[str, float], ...]]
    routes: Routes
    #: Acting heads that are recorded, and that are planned.
    deputies: list[Deputy]
    planned: list[Deputy] = field(default_factory=list)
    #: Start and end of each freeze.
    freezes: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)

    def date_of(self, moment: dt.datetime) -> dt.date:
        """Return the date of ``moment`` in the time zone of the office."""
        return moment.astimezone(self.zone).date()

    def deputy_on(self, day: dt.date) -> Deputy | None:
        """Return the acting head on ``day``, if there is one."""
        return next((deputy for deputy in self.deputies if deputy.first <= day <= deputy.last), None)

    def is_frozen(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Whether a window overlaps one of the freezes."""
        return any(start < until and from_ < end for from_, until in self.freezes)

    def choose(self, role: Role, position: Position, *, standing_in: int | None = None) -> Player | None:
        """Return somebody who may act at ``position``; ``standing_in`` is the id of the acting head or None."""
        candidates = self.people[Role.CHANGE_MANAGER] if standing_in else self.people[role]
        rest = [player for player in candidates if standing_in in {None, player.id}]
        while rest:
            chosen = self.random.choices(rest, _SHARES[: len(rest)] if len(rest) <= len(_SHARES) else None)[0]
            person = Principal(chosen.id, chosen.roles, is_acting_head=standing_in is not None)
            if reason_cannot_act(self.sop, position, person) is None:
                return chosen
            rest.remove(chosen)
        return None

    def head_on(self, day: dt.date) -> Player | None:
        """Return the head or acting head on ``day``."""
        deputy = self.deputy_on(day)
        if deputy is None:
            return next(iter(self.people[Role.HEAD]), None)
        return self.player(deputy.delegate_id)

    def player(self, id_: int) -> Player:
        """Return the player with this id."""
        return next(player for group in self.people.values() for player in group if player.id == id_)

    def plan_deputies(self, begin: dt.date, until: dt.date) -> None:
        """Plan delegations of the head to the last of the managers between ``begin`` and ``until``, and one ahead."""
        managers = self.people[Role.CHANGE_MANAGER]
        day = begin + dt.timedelta(self.random.randrange(*_APART))
        while self.people[Role.HEAD] and managers:
            is_acting = len(self.planned) == 1
            last = day + dt.timedelta(self.random.randrange(*(_ACTING_LASTS if is_acting else _LASTS)))
            if last >= until:
                break
            kind = DelegationKind.PLT if is_acting else DelegationKind.PLH
            self.planned.append(Deputy(managers[-1].id, kind, day, last))
            day = last + dt.timedelta(self.random.randrange(*_APART))
        if self.people[Role.HEAD] and managers:
            # A journey of next week, recorded already.
            first = self.hours.day(self.hours.opening(self.hours.day(self.end - 1) + dt.timedelta(_DAYS_AHEAD)))
            self.planned.append(Deputy(managers[-1].id, DelegationKind.PLH, first, first + dt.timedelta(2)))


def office_of(session: Session, revision: SopRevision, begin: dt.datetime, end: dt.datetime, random: Random) -> Office:
    """Return the office of an SOP between two datetimes, with its recorded delegations and freezes."""
    agency, sop = revision.agency, revision.sop
    calendar = load_calendar(session, agency)
    hours = OfficeHours(calendar, agency.local_date(begin) + dt.timedelta(1), agency.local_date(end) + dt.timedelta(60))
    delegations = session.scalars(select(Delegation).where(Delegation.agency_id == agency.id).order_by(Delegation.id))
    freezes = session.scalars(
        select(Freeze).where(Freeze.agency_id == agency.id, Freeze.lifted_at.is_(None)).order_by(Freeze.id)
    )
    return Office(
        agency_id=agency.id,
        name=agency.name,
        region=agency.region,
        zone=agency.zone,
        sop=sop,
        calendar=calendar,
        hours=hours,
        end=hours.until(end),
        random=random,
        people=players(session, agency),
        inventory=Inventory(session, agency.id, random),
        letters=letters_of(sop, agency.name),
        extras=unasked(sop),
        routes=Routes(sop),
        deputies=[Deputy(one.delegate_id, one.kind, one.from_date, one.until_date) for one in delegations],
        freezes=[(one.from_at, one.until_at) for one in freezes],
    )


def sops_with_requesters(session: Session) -> list[SopRevision]:
    """Return the SOPs in force of the agencies that have requesters, by agency id."""
    revisions = session.scalars(
        select(SopRevision).where(SopRevision.state == SopState.IN_FORCE).order_by(SopRevision.agency_id)
    ).all()
    return [revision for revision in revisions if players(session, revision.agency)[Role.REQUESTER]]


def working_seconds(random: Random, most: int, *, is_late: bool) -> int:
    """Return a random duration in working seconds: less than ``most``, or more if it ``is_late``."""
    factor = 1.05 + random.random() * 1.5 if is_late else 0.3 + random.random() * 0.65
    return max(MINUTE // 2, round(most * factor))
