"""The demo register as it would have come about: every event of three years in its order, at both LPSEs at once.

Requests begin, are taken up and moved on by whoever may, wait for an absent head or their delegate, and close or are
left waiting on the last day. As all happens in the order of time, numbers, ids and the trail are in it too. What is
made follows from the number of requests, the seed and the last day alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from lpse_admin.roles import Role
from lpse_admin.steps import Outcome, Result, Step, Urgency
from models.activity import Release
from models.audit import Circumstances
from models.delegation import Delegation
from models.demo import wording
from models.demo.bulk import inserted, updated
from models.demo.forms import asked
from models.demo.hours import DAY, MINUTE
from models.demo.journey import Journey
from models.demo.letters import decree
from models.demo.office import working_minutes
from models.demo.routes import any_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.demo.bulk import Ledger, Row
    from models.demo.office import Office, Player
    from models.demo.routes import Aim
    from models.demo.wording import Topic

#: Working minutes that a step takes where the paper sets none.
_USUAL_MINUTES = 45
#: How often a step takes longer than its standard.
_LATE = 0.08
#: Mean working minutes until a step is taken up, for a normal change and for an emergency; the head is busier.
_WAITING = {Role.REQUESTER: 240, Role.CHANGE_MANAGER: 120, Role.HEAD: 200}
_EMERGENCY_WAITING = 15
#: Working days before the end in which the requests begin that are still open at the end.
_TAIL_BEGINS, _TAIL_ENDS = 14, 4
#: Working days before the tail in which the last of the others begin.
_PAUSE = 6
#: How many of a hundred requests are still open at the end; at most so many at one office.
_OPEN_SHARE, _MOST_OPEN = 0.2, 600
#: How often a request that came to nothing is followed by another, linked to it.
_RETRIED = 0.4
#: How often the actual time of a release is added, and how often an open step is taken up already.
_ACTUAL, _TAKEN_UP = 0.5, 0.5

_FAILURES = frozenset({Result.REJECTED, Result.WITHDRAWN, Result.ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class _Beginning:
    """When a request begins, in the office's working seconds, and what it is to show."""

    place: int
    aim: Aim | None


@dataclass(frozen=True, slots=True)
class _Former:
    """A request that came to nothing, for the one that follows it."""

    id: int
    topic: Topic
    places: dict[str, str]


class Register:
    """Everything that happens, in the order in which it happens."""

    def __init__(self, ledger: Ledger, offices: list[Office], seed: int) -> None:
        """Take the offices; ``seed`` names the register in its own trail."""
        self._ledger = ledger
        self._offices = offices
        self._mark = f"demo-{seed}"
        self._events: list[tuple[dt.datetime, int, Callable[[dt.datetime], None]]] = []
        self._scheduled = 0
        self._live: dict[int, Journey] = {}
        self._former: dict[int, _Former] = {}

    def plan(self, office: Office, number: int) -> None:
        """Let ``number`` requests begin at ``office``, its delegations among them."""
        for delegation in office.planned:
            self._plan_delegation(office, delegation)
        self._begin_next(office, _beginnings(office, number))

    def enter_assets(self, office: Office) -> None:
        """Enter the first asset list where there is none."""
        managers = office.people[Role.CHANGE_MANAGER]
        if office.inventory.is_empty and managers:
            at = office.hours.at(0)
            told = office.inventory.enter(at, managers[0].id)
            self._tell(office, managers[0], at, "asset.enter", told)

    def run(self) -> None:
        """Let everything happen and hand it to the ledger."""
        while self._events:
            at, _order, event = heappop(self._events)
            event(at)
            self._ledger.make_room()
        for journey in self._live.values():
            journey.write()
        for office in self._offices:
            office.counters.write()

    def _at(self, moment: dt.datetime, event: Callable[[dt.datetime], None]) -> None:
        self._scheduled += 1
        heappush(self._events, (moment, self._scheduled, event))

    # -- delegations -------------------------------------------------------------------------------------------

    def _plan_delegation(self, office: Office, delegation: Delegation) -> None:
        place = max(office.hours.opening(delegation.from_date) - DAY // 2, 1)
        self._at(office.hours.at(place), lambda at: self._delegate(office, delegation, at))

    def _delegate(self, office: Office, delegation: Delegation, at: dt.datetime) -> None:
        head = next(player for player in office.people[Role.HEAD] if player.id == delegation.head_id)
        office.delegations.append(delegation)
        delegation.id, delegation.recorded_at = self._ledger.next_id("delegation"), at
        row = {column.name: getattr(delegation, column.name) for column in Delegation.__table__.columns}
        self._ledger.add("delegation", row)
        file = decree(delegation, office.agency.name)
        told = [inserted("delegation", row), *office.shelf.keep(file)]
        document = {
            "id": self._ledger.next_id("document"),
            "agency_id": office.agency.id,
            "change_id": None,
            "activity_id": None,
            "delegation_id": delegation.id,
            "item_key": None,
            "name": file.name,
            "media_type": file.media_type,
            "size": len(file.content),
            "sha256": file.sha256,
            "uploaded_by_id": head.id,
            "uploaded_at": at,
        }
        self._ledger.add("document", document)
        self._tell(office, head, at, "delegation.grant", [*told, inserted("document", document)])

    # -- requests ----------------------------------------------------------------------------------------------

    def _begin_next(self, office: Office, beginnings: Iterator[_Beginning]) -> None:
        beginning = next(beginnings, None)
        if beginning is not None:
            self._at(office.hours.at(beginning.place), lambda at: self._begin(office, beginning, at))
            self._at(office.hours.at(beginning.place), lambda _at: self._begin_next(office, beginnings))

    def _begin(self, office: Office, beginning: _Beginning, at: dt.datetime) -> None:
        random = office.random
        requester = random.choice(office.people[Role.REQUESTER])
        former = self._former.pop(requester.id, None)
        if former:
            topic, places = former.topic, former.places
        else:
            topic = random.choice(wording.topics())
            places = wording.values(random) | {"lpse": office.agency.name, "daerah": office.agency.region}
            places["judul"] = wording.fill(topic.texts["title"], places)
        journey = Journey(self._ledger, office, requester, topic, places, beginning.aim)
        said = asked(office, requester, topic, places, at)
        if former:
            said["linked_change_id"] = former.id
        told = journey.begin(said, at)
        self._tell(office, requester, at, "change.draft", told, journey.step)
        self._live[journey.id] = journey
        journey.arrived = beginning.place
        self._schedule(journey)

    def _schedule(self, journey: Journey) -> None:
        """Decide who will finish the present step and when, if it is to be finished before the end."""
        office, random = journey.office, journey.office.random
        rule = office.paper.rules[journey.step]
        waiting = _EMERGENCY_WAITING if journey.change["urgency"] is Urgency.EMERGENCY else _WAITING[rule.actor]
        is_hasty = journey.aim is not None and journey.aim.outcome is None
        mean = min(waiting, _EMERGENCY_WAITING) if is_hasty else waiting
        journey.taken_up = journey.arrived + MINUTE + round(random.expovariate(1 / mean) * MINUTE)
        minutes = min(rule.standard.minutes, DAY // MINUTE) if rule.standard else _USUAL_MINUTES
        taken = working_minutes(random, minutes, 0 if is_hasty else _LATE)
        self._choose_actor(journey, rule.actor)
        finished = journey.taken_up + taken
        if rule.actor is Role.HEAD:
            # Within the day, so that one delegation or none is good for the whole of it.
            finished = min(finished, (journey.taken_up // DAY + 1) * DAY - 1)
        if journey.actor is None or journey.taken_up >= office.end:
            return
        stays = is_hasty and journey.aim is not None and journey.aim.step is journey.step
        if stays or finished >= office.end:
            if random.random() < _TAKEN_UP:
                self._at(office.hours.at(journey.taken_up), lambda at: self._take_up(journey, at))
            return
        self._at(office.hours.at(finished), lambda at: self._finish(journey, finished, at))

    def _choose_actor(self, journey: Journey, role: Role) -> None:
        """Let the delegate act where the head is away and they may; else the request waits for the head."""
        office, position = journey.office, journey.position
        journey.actor = journey.delegation = None
        while role is Role.HEAD and journey.taken_up < office.end:
            delegation = office.delegation_on(office.hours.day(journey.taken_up))
            if delegation is None:
                break
            journey.actor = office.choose(role, position, standing_in=delegation.delegate_id)
            if journey.actor:
                journey.delegation = delegation
                return
            back = delegation.until_date + dt.timedelta(1)
            journey.taken_up = office.hours.opening(back) + round(office.random.random() * DAY / 2)
        if role is Role.REQUESTER:
            journey.actor = journey.requester
        else:
            journey.actor = office.choose(role, position)

    def _take_up(self, journey: Journey, at: dt.datetime) -> None:
        assert journey.actor is not None  # noqa: S101 - it was chosen when this was scheduled
        told = journey.take_up(at)
        self._tell(journey.office, journey.actor, at, "change.take-up", told, journey.step, journey.delegation)

    def _finish(self, journey: Journey, place: int, at: dt.datetime) -> None:
        office, actor = journey.office, journey.actor
        assert actor is not None  # noqa: S101 - it was chosen when this was scheduled
        options, step, delegation = journey.open_moves(), journey.step, journey.delegation
        move = office.routes.towards(journey.aim, options) if journey.aim else None
        if move is None:
            move = any_of(office.random, options, journey.taken, is_pressing=journey.topic.is_pressing)
        elif journey.aim and (move.origin, move.outcome) == (journey.aim.step, journey.aim.outcome):
            journey.aim = None
        told = journey.finish(move, at)
        reason = journey.activities[-1 if move.target is Step.CLOSED else -2]["reason"]
        self._tell(office, actor, at, f"change.{move.outcome}", told, step, delegation, reason)
        if move.outcome is Outcome.SCHEDULED:
            self._plan_release(journey, actor)
        if move.target is Step.CLOSED:
            self._close(journey)
        else:
            journey.arrived = place
            self._schedule(journey)

    def _close(self, journey: Journey) -> None:
        del self._live[journey.id]
        journey.write()
        if journey.change["result"] in _FAILURES and journey.random.random() < _RETRIED:
            self._former[journey.requester.id] = _Former(journey.id, journey.topic, journey.places)

    # -- what is added later -----------------------------------------------------------------------------------

    def _plan_release(self, journey: Journey, actor: Player) -> None:
        """Let the manager add the actual time once the window is over."""
        record = next(record for table, record in reversed(journey.records) if table == Release.__tablename__)
        over, last = record["window_end_at"], journey.office.hours.at(journey.office.end - 1)
        if record["actual_at"] is None and over < last and journey.random.random() < _ACTUAL:
            self._at(over, lambda at: self._release(journey, record, actor, at))

    def _release(self, journey: Journey, record: Row, actor: Player, at: dt.datetime) -> None:
        values = {"actual_at": record["window_start_at"]}
        told = updated("release", record["id"], record, values, change=journey.id)
        if journey.is_written:
            self._ledger.alter("release", record["id"], values)
        else:
            record.update(values)
        self._tell(journey.office, actor, at, "release.actual", [told])

    # -- the trail ---------------------------------------------------------------------------------------------

    def _tell(  # noqa: PLR0913, PLR0917 - what an entry says
        self,
        office: Office,
        player: Player,
        at: dt.datetime,
        action: str,
        told: list[Row],
        step: Step | None = None,
        delegation: Delegation | None = None,
        reason: str | None = None,
    ) -> None:
        circumstances = Circumstances(
            at=at,
            actor_id=player.id,
            actor_name=player.name,
            action=action,
            capacity=office.capacity(step, delegation) if step else None,
            address=player.address,
            request_id=self._mark,
            reason=reason,
        )
        self._ledger.tell(office.agency.id, circumstances, told)


def _beginnings(office: Office, number: int) -> Iterator[_Beginning]:
    """Yield ``number`` beginnings in order: most over the years, each move shown once, the last ones to stay open."""
    random, moves, waits = office.random, office.routes.moves, office.routes.waits
    open_ = min(number // 2, max(round(number * _OPEN_SHARE), len(waits)), _MOST_OPEN)
    others = number - open_
    shown = {(2 * place + 1) * others // (2 * len(moves)): move for place, move in enumerate(moves)}
    tail = office.end - _TAIL_BEGINS * DAY
    places = sorted(random.randrange(DAY, tail - _PAUSE * DAY) for _ in range(others))
    yield from (_Beginning(place, shown.get(number)) for number, place in enumerate(places))
    aims = [waits[place % len(waits)] for place in range(open_)]
    random.shuffle(aims)
    places = sorted(random.randrange(tail, office.end - _TAIL_ENDS * DAY) for _ in range(open_))
    yield from (_Beginning(place, aim) for place, aim in zip(places, aims, strict=True))
