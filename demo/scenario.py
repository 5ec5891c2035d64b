"""The events of the demo over three years in chronological order: requests, and everything related to them.

Each event is an operation of the program (``demo.agency.people``), at a random working second. Requests are created,
taken up and moved by users who may act, wait for an absent head or the acting head, and are closed or still open at
the end. The result depends only on the number of requests, the seed and the end.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from demo.agency.hours import DAY
from demo.content import forms, wording
from demo.requests.aftermath import Aftermath
from demo.requests.journey import Journey
from demo.requests.planning import choose_actor, plan_of, standard_seconds, steady_time
from demo.requests.routes import any_of
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Result, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from demo.agency.office import Office
    from demo.agency.people import People
    from demo.content.wording import Topic
    from demo.requests.routes import Aim

#: Working days before the end from which on only requests are created that stay open.
_TAIL_BEGINS = 14
#: Working days without new requests before that.
_PAUSE = 6
#: Of so many open requests one is late, by at most so many working seconds.
_ONE_IN, _LATE_BY = 5, 3 * DAY
#: Share of requests that are open at the end.
_OPEN_SHARE = 0.2
#: Probability that an unsuccessful request is followed by another one, linked to it.
_RETRIED = 0.4

_FAILURES = frozenset({Result.REJECTED, Result.WITHDRAWN, Result.ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The working second at which a request is created, and its aim."""

    second: int
    aim: Aim | None
    #: The step on its way that is finished late, if there is one.
    late_step: Step | None = None


@dataclass(frozen=True, slots=True)
class _Earlier:
    """An unsuccessful request, for the one that is linked to it."""

    id: int
    topic: Topic
    texts: dict[str, str]


class Timeline:
    """Events in chronological order; simultaneous events in the order in which they were added."""

    def __init__(self) -> None:
        self._events: list[tuple[dt.datetime, int, Callable[[dt.datetime], None]]] = []
        self._added = 0

    def add(self, office: Office, second: int, event: Callable[[dt.datetime], None]) -> bool:
        """Add ``event`` at a working second of the office; return False if that is not before the end."""
        if second >= office.end:
            return False
        self._added += 1
        heappush(self._events, (office.hours.at(second), self._added, event))
        return True

    def run(self) -> None:
        """Run all events."""
        while self._events:
            at, _order, event = heappop(self._events)
            event(at)


class Scenario:
    """Plans and runs the requests of the demo."""

    def __init__(self, timeline: Timeline, people: People) -> None:
        self._timeline = timeline
        self._people = people
        self._aftermath = Aftermath(timeline, people)
        self._earlier: dict[int, _Earlier] = {}

    def plan(self, office: Office, number: int) -> None:
        """Plan ``number`` requests at ``office``."""
        self._begin_next(office, _beginnings(office, number))

    def _begin_next(self, office: Office, beginnings: Iterator[_Beginning]) -> None:
        beginning = next(beginnings, None)
        if beginning is not None:
            self._timeline.add(office, beginning.second, lambda at: self._begin(office, beginning, at))
            self._timeline.add(office, beginning.second, lambda _at: self._begin_next(office, beginnings))

    def _begin(self, office: Office, beginning: _Beginning, at: dt.datetime) -> None:
        random = office.random
        requester = random.choice(office.people[Role.REQUESTER])
        topics = _topics_for(beginning.aim)
        earlier = self._earlier.pop(requester.id, None) if topics is wording.topics() else None
        if earlier:
            topic, texts = earlier.topic, earlier.texts
        else:
            topic = random.choice(topics)
            texts = wording.values(random) | {"lpse": office.name, "daerah": office.region}
            texts["judul"] = wording.fill(topic.texts["title"], texts)
        journey = Journey(
            office, requester, topic, texts, beginning.aim, late_step=beginning.late_step, arrived=beginning.second
        )
        values = forms.request(office, requester, topic, texts, at)
        if earlier:
            values["linked_change_id"] = earlier.id
        self._people.begin(journey, values, at)
        self._schedule(journey)

    def _schedule(self, journey: Journey) -> None:
        """Plan who finishes the current step and when, if it finishes before the end."""
        plan = plan_of(journey)
        plan = choose_actor(journey, plan)
        plan = plan.before_the_end(journey)
        journey.taken_up = plan.taken_up
        self._aftermath.plan_step(journey, plan)
        if (finished := plan.finished) is not None:
            self._timeline.add(journey.office, finished, lambda at: self._finish(journey, finished, at))

    def _finish(self, journey: Journey, second: int, at: dt.datetime) -> None:
        office = journey.office
        options = journey.open_moves()
        move = office.routes.towards(journey.aim, options) if journey.aim else None
        if move is None:
            move = any_of(office.random, options, journey.taken, is_pressing=journey.topic.is_pressing)
        elif journey.aim and (move.origin, move.outcome) == (journey.aim.step, journey.aim.outcome):
            journey.aim = None
        self._people.finish(journey, move.outcome, at)
        self._aftermath.plan_rest(journey, move.outcome, second)
        if journey.step is not Step.CLOSED:
            journey.arrived = second
            self._schedule(journey)
        elif journey.result in _FAILURES and journey.random.random() < _RETRIED:
            self._earlier[journey.requester.id] = _Earlier(journey.id, journey.topic, journey.texts)


def _topics_for(aim: Aim | None) -> Sequence[Topic]:
    """Return the topics that a request with this aim can be about: what is to be an emergency is a pressing one."""
    is_emergency = aim is not None and (aim.step is Step.APPROVAL or aim.outcome is Outcome.EMERGENCY)
    return [topic for topic in wording.topics() if topic.is_pressing] if is_emergency else wording.topics()


def _beginnings(office: Office, number: int) -> Iterator[_Beginning]:
    """Yield ``number`` beginnings in order: most over the years, with each move as an aim once; the last stay open."""
    random, moves, waits = office.random, office.routes.moves, office.routes.waits
    open_ = min(number // 2, max(round(number * _OPEN_SHARE), len(waits)))
    others = number - open_
    shown = {(2 * index + 1) * others // (2 * len(moves)): move for index, move in enumerate(moves)}
    hours, tail = office.hours, office.hours.days_before(office.end, _TAIL_BEGINS)
    last = hours.days_before(tail, _PAUSE)
    seconds = sorted(random.randrange(DAY, last) for _ in range(others))
    yield from (_Beginning(second, shown.get(index)) for index, second in enumerate(seconds))
    aims = [waits[index % len(waits)] for index in range(open_)]
    random.shuffle(aims)
    tails = [_tail(office, aim, number, last) for number, aim in enumerate(aims)]
    yield from sorted(tails, key=lambda beginning: beginning.second)


def _tail(office: Office, aim: Aim, number: int, earliest: int) -> _Beginning:
    """Return when a request begins that is open at the step of ``aim`` at the end.

    As on a usual day, most have been there for a part of the standard time; of every five one is late there, and
    another was late in an earlier step.
    """
    random, allowed = office.random, standard_seconds(office, aim.step)
    waited = random.uniform(0.1, 0.8) * allowed
    if number % _ONE_IN == 0:
        waited = allowed + random.randrange(1, _LATE_BY)
    route = office.routes.steps_to(aim.step)
    measured = [step for step in route if step is not Step.REQUEST and office.sop.rules[step].standard]
    late_step = random.choice(measured) if measured and number % _ONE_IN == 1 else None
    length = sum(steady_time(office, step, is_late=step is late_step) for step in route)
    return _Beginning(max(office.end - length - round(waited) - 1, earliest), aim, late_step)
