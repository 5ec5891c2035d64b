"""The demo register as it would have come about: every event of three years in its order, at both LPSEs at once.

Requests begin, are taken up and moved on by whoever may, wait for an absent head or their delegate, and close or are
left waiting on the last day. As all happens in the order of time, numbers, ids and the trail are in it too. What is
made follows from the number of requests, the seed and the last day alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from demo import wording
from demo.aftermath import Aftermath, Plan
from demo.bulk import inserted
from demo.forms import asked
from demo.hours import DAY, HALF_DAY, MINUTE
from demo.journey import Journey
from demo.letters import decree
from demo.office import working_seconds
from demo.routes import any_of
from demo.teller import Teller
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Result, Step, Urgency
from models.delegation.delegation import Delegation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from demo.bulk import Ledger
    from demo.office import Office
    from demo.routes import Aim
    from demo.wording import Topic

#: Working minutes that a step takes where the paper sets none.
_USUAL_MINUTES = 45
#: How often a step takes longer than its standard, and how often because nobody took it up.
_LATE, _LEFT_LYING = 0.08, 0.25
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
#: How often a step is done without having been taken up before.
_AT_ONCE = 0.5
#: How often an open step is taken up already.
_TAKEN_UP = 0.5

_SECOND = dt.timedelta(seconds=1)

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
        self._teller = Teller(ledger, f"demo-{seed}")
        self._aftermath = Aftermath(self._at, self._teller, self._let_go)
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
            self._teller.tell(office, managers[0], at, "asset.enter", told)

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
        place = max(office.hours.opening(delegation.from_date) - _within_half_a_day(office.random), 1)
        self._at(office.hours.at(place), lambda at: self._delegate(office, delegation, at))

    def _delegate(self, office: Office, delegation: Delegation, at: dt.datetime) -> None:
        head = next(player for player in office.people[Role.HEAD] if player.id == delegation.head_id)
        office.delegations.append(delegation)
        delegation.id, delegation.recorded_at = self._ledger.next_id("delegation"), at
        row = {column.name: getattr(delegation, column.name) for column in Delegation.__table__.columns}
        self._ledger.add("delegation", row)
        file = decree(delegation, office.agency.name)
        told = inserted("delegation", row) + office.shelf.keep(file)
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
        self._teller.tell(office, head, at, "delegation.grant", told + inserted("document", document))

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
        self._teller.tell(office, requester, at, "change.draft", told, journey.step)
        self._live[journey.id] = journey
        journey.arrived = beginning.place
        self._schedule(journey)

    def _schedule(self, journey: Journey) -> None:
        """Decide who will finish the present step and when, if it is to be finished before the end."""
        office, random = journey.office, journey.office.random
        role = office.paper.rules[journey.step].actor
        is_hasty = journey.aim is not None and journey.aim.outcome is None
        plan = self._plan_of(journey, role, is_hasty=is_hasty)
        plan = self._choose_actor(journey, role, plan)
        journey.taken_up = plan.taken_up
        if is_hasty and journey.aim is not None and journey.aim.step is journey.step:
            plan = replace(plan, finished=None)
        if journey.actor is None or plan.finished is None or plan.finished >= office.end:
            is_begun = journey.actor is not None and random.random() < _TAKEN_UP
            plan = replace(plan, finished=None, taken_up=plan.taken_up if is_begun else None)
            if plan.taken_up is None and plan.overdue is not None:
                plan = replace(plan, overdue=journey.arrived + self._allowed(journey, journey.arrived))
        self._aftermath.plan_step(journey, plan, role)
        if (finished := plan.finished) is not None:
            self._at(office.hours.at(finished), lambda at: self._finish(journey, finished, at))

    def _plan_of(self, journey: Journey, role: Role, *, is_hasty: bool) -> Plan:
        """Return when the present step is taken up and finished.

        Where the paper knows deviations nothing waits for longer than its standard, or it was late and was not taken
        up at all: the sweep, which comes by all the time, would have found it.
        """
        office, random, arrived = journey.office, journey.office.random, journey.arrived
        standard = office.paper.rules[journey.step].standard
        is_pressing = is_hasty or journey.change["urgency"] is Urgency.EMERGENCY
        mean = min(_WAITING[role], _EMERGENCY_WAITING) if is_pressing else _WAITING[role]
        waiting = MINUTE + round(random.expovariate(1 / mean) * MINUTE)
        is_judged = standard is not None and office.paper.switches.deviations and journey.step is not Step.REQUEST
        is_late = random.random() < _LATE and (is_judged or not is_hasty)
        if not is_judged:
            minutes = min(standard.minutes, DAY // MINUTE) if standard else _USUAL_MINUTES
            finished = arrived + waiting + working_seconds(random, minutes * MINUTE, is_late=is_late)
            is_at_once = role is Role.REQUESTER or (not is_hasty and random.random() < _AT_ONCE)
            return Plan(None if is_at_once else arrived + waiting, finished, None)
        allowed = self._allowed(journey, arrived)
        if not is_hasty and random.random() < (_LEFT_LYING if is_late else _AT_ONCE):
            return Plan(None, arrived + working_seconds(random, allowed, is_late=is_late), arrived + allowed)
        taken_up = arrived + min(waiting, round(allowed * (0.2 + 0.7 * random.random())))
        allowed = self._allowed(journey, taken_up)
        return Plan(taken_up, taken_up + working_seconds(random, allowed, is_late=is_late), taken_up + allowed)

    @staticmethod
    def _allowed(journey: Journey, place: int) -> int:
        """Return the working seconds that the present step's standard leaves from ``place`` on."""
        office, standard = journey.office, journey.office.paper.rules[journey.step].standard
        assert standard is not None  # noqa: S101 - asked only where there is one
        if not standard.days:
            return standard.minutes * MINUTE
        return office.calendar.allowed_time(office.hours.at(place), standard) // _SECOND if place < office.end else DAY

    def _choose_actor(self, journey: Journey, role: Role, plan: Plan) -> Plan:
        """Choose who acts, the delegate where the head is away and they may; else it waits for the head."""
        office, position = journey.office, journey.position
        journey.actor = journey.delegation = None
        if role is Role.REQUESTER:
            journey.actor = journey.requester
            return plan
        if role is not Role.HEAD:
            journey.actor = office.choose(role, position)
            return plan
        begins = plan.finished if plan.taken_up is None else plan.taken_up
        while begins is not None and begins < office.end:
            # Within the day, so that one delegation or none is good for the whole of it.
            finished = min(plan.finished or begins, office.hours.last_of_day(begins))
            plan = replace(plan, taken_up=None if plan.taken_up is None else begins, finished=finished)
            delegation = office.delegation_on(office.hours.day(begins))
            if delegation is None:
                break
            if not journey.has_deviated(delegation.delegate_id):
                journey.actor = office.choose(role, position, standing_in=delegation.delegate_id)
            if journey.actor:
                journey.delegation = delegation
                return plan
            length = finished - begins
            begins = office.hours.opening(delegation.until_date + dt.timedelta(1)) + _within_half_a_day(office.random)
            plan = self._waited(journey, plan, begins, begins + length)
        journey.actor = office.choose(role, position)
        return plan

    def _waited(self, journey: Journey, plan: Plan, begins: int, finished: int) -> Plan:
        """Return ``plan`` put off until the head is back; what is judged and late by then is not taken up first."""
        if plan.overdue is None:
            return Plan(begins, finished, None)
        overdue = journey.arrived + self._allowed(journey, journey.arrived)
        return Plan(None, finished, overdue)

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
        self._teller.tell(office, actor, at, f"change.{move.outcome}", told, step, delegation, reason)
        self._aftermath.plan_rest(journey, move.outcome, place, actor)
        if move.target is not Step.CLOSED:
            journey.arrived = place
            self._schedule(journey)
        self._let_go(journey)

    def _let_go(self, journey: Journey) -> None:
        """Write a request down of which nothing will change any more."""
        if journey.step is not Step.CLOSED or journey.pending:
            return
        del self._live[journey.id]
        journey.write()
        if journey.change["result"] in _FAILURES and journey.random.random() < _RETRIED:
            self._former[journey.requester.id] = _Former(journey.id, journey.topic, journey.places)


def _beginnings(office: Office, number: int) -> Iterator[_Beginning]:
    """Yield ``number`` beginnings in order: most over the years, each move shown once, the last ones to stay open."""
    random, moves, waits = office.random, office.routes.moves, office.routes.waits
    open_ = min(number // 2, max(round(number * _OPEN_SHARE), len(waits)), _MOST_OPEN)
    others = number - open_
    shown = {(2 * place + 1) * others // (2 * len(moves)): move for place, move in enumerate(moves)}
    hours, tail = office.hours, office.hours.days_before(office.end, _TAIL_BEGINS)
    last = hours.days_before(tail, _PAUSE)
    places = sorted(random.randrange(DAY, last) for _ in range(others))
    yield from (_Beginning(place, shown.get(number)) for number, place in enumerate(places))
    aims = [waits[place % len(waits)] for place in range(open_)]
    random.shuffle(aims)
    last = hours.days_before(office.end, _TAIL_ENDS)
    places = sorted(random.randrange(tail, last) for _ in range(open_))
    yield from (_Beginning(place, aim) for place, aim in zip(places, aims, strict=True))


def _within_half_a_day(random: Random) -> int:
    """Return working seconds within half a day."""
    return random.randrange(1, HALF_DAY)
