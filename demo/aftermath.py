"""What happens to a demo request beside its moves: take-ups, hand-overs, sweeps, disposals, the time of a release."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import deviations
from demo.bulk import updated
from demo.hours import DAY, HALF_DAY, MINUTE
from demo.office import person
from demo.wording import say
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import Disposal
from lpse_admin.workflow.transitions import reason_not_eligible
from models.changes.activity import Release

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.bulk import Row
    from demo.journey import Journey
    from demo.office import Player
    from demo.teller import Teller

#: Working seconds within which the sweep comes by.
_SWEEP = 15 * MINUTE
#: How often a step is handed over, and by its giver rather than by the taker; shorter ones are not.
_HANDED_OVER, _BY_THE_GIVER, _SHORT = 0.03, 0.75, 10 * MINUTE
#: How often the actual time of a release is added.
_ACTUAL = 0.5
#: Working seconds until the head disposes of what the verification did not.
_DISPOSED = (DAY // 2, 2 * DAY)
#: How often what was to be followed up is followed up in time.
_FOLLOWED_UP = 0.8


@dataclass(frozen=True, slots=True)
class Plan:
    """When the present step is taken up and finished and overdue, in the office's working seconds; None is never."""

    taken_up: int | None
    finished: int | None
    overdue: int | None


class Aftermath:
    """Lets it happen, each thing at its moment; a request is not let go before."""

    def __init__(
        self, at: Callable[[dt.datetime, Callable[[dt.datetime], None]], None], teller: Teller,
        let_go: Callable[[Journey], None],
    ) -> None:  # fmt: skip
        """Take what calls back at a moment, what tells the trail, and what takes a request that is through."""
        self._at = at
        self._teller = teller
        self._let_go = let_go

    def _later(self, journey: Journey, place: int, event: Callable[[dt.datetime], None]) -> bool:
        """Let ``event`` happen at ``place``, if that is before the end, and return whether it will."""
        if place >= journey.office.end:
            return False
        journey.pending += 1

        def happen(at: dt.datetime) -> None:
            event(at)
            journey.pending -= 1
            self._let_go(journey)

        self._at(journey.office.hours.at(place), happen)
        return True

    # -- while a step is open ----------------------------------------------------------------------------------

    def plan_step(self, journey: Journey, plan: Plan, role: Role) -> None:
        """Let the present step be taken up, handed over and, once it is overdue, found by the sweep."""
        random, last = journey.random, journey.office.end if plan.finished is None else plan.finished
        if plan.taken_up is not None:
            self._later(journey, plan.taken_up, lambda at: self._take_up(journey, at))
            length = last - plan.taken_up
            if role is Role.CHANGE_MANAGER and length > _SHORT and random.random() < _HANDED_OVER:
                place = plan.taken_up + random.randrange(MINUTE, min(length, DAY) - MINUTE)
                self._later(journey, place, lambda at: self._hand_over(journey, at))
        if plan.overdue is not None:
            place = plan.overdue + random.randrange(1, _SWEEP)
            if place < last:
                self._later(journey, place, lambda at: self._sweep(journey, at))

    def _take_up(self, journey: Journey, at: dt.datetime) -> None:
        assert journey.actor is not None  # noqa: S101 - chosen when this was planned
        told = journey.take_up(at)
        self._teller.tell(
            journey.office, journey.actor, at, "change.take-up", told, journey.step, journey.delegation
        )  # fmt: skip

    def _hand_over(self, journey: Journey, at: dt.datetime) -> None:
        office, position, giver = journey.office, journey.position, journey.actor
        colleagues = [
            player
            for player in office.people[Role.CHANGE_MANAGER]
            if player != giver and reason_not_eligible(office.paper, position, person(player, stands_in=False)) is None
        ]
        if giver is None or not colleagues:
            return
        to = journey.random.choice(colleagues)
        by = giver if journey.random.random() < _BY_THE_GIVER else to
        reason = say(journey.random, "handover", "reason", journey.places)
        told = journey.hand_over(to, by, reason, at)
        self._teller.tell(office, by, at, "change.hand-over", told, journey.step, None, reason)

    def _sweep(self, journey: Journey, at: dt.datetime) -> None:
        if told := journey.sweep(at):
            self._teller.tell_of_program(journey.office, at, "deadline.sweep", told)

    # -- after a step ------------------------------------------------------------------------------------------

    def plan_rest(self, journey: Journey, outcome: Outcome, place: int, actor: Player) -> None:
        """Let come what a step that ended at ``place`` with ``outcome`` leaves to be done."""
        if outcome is Outcome.VERIFIED:
            for row in journey.deviations:
                self._plan_follow_up(journey, row, place)
        # No verification comes any more that would take them along.
        if journey.taken[Outcome.VERIFIED] or journey.step is Step.CLOSED:
            for row in deviations.undisposed(journey):
                if row["id"] not in journey.awaited:
                    journey.awaited.add(row["id"])
                    self._plan_disposal(journey, row, place + journey.random.randrange(*_DISPOSED))
        if outcome is Outcome.SCHEDULED:
            self._plan_release(journey, actor)

    def _plan_disposal(self, journey: Journey, row: Row, place: int) -> None:
        self._later(journey, place, lambda at: self._dispose(journey, row, place, at))

    def _dispose(self, journey: Journey, row: Row, place: int, at: dt.datetime) -> None:
        office = journey.office
        day = office.hours.day(place)
        head = office.head_on(day, row["executor_id"], row["accounted_by_id"])
        if head is None:
            # It is the delegate's own: it waits for another day.
            self._plan_disposal(journey, row, office.hours.last_of_day(place) + journey.random.randrange(1, HALF_DAY))
            return
        by, delegation = head
        told = deviations.dispose(journey, row, by, delegation, at)
        self._teller.tell(office, by, at, "deviation.dispose", told, Step.VERIFICATION, delegation)
        self._plan_follow_up(journey, row, place)

    def _plan_follow_up(self, journey: Journey, row: Row, place: int) -> None:
        is_awaited = row["disposal"] is Disposal.FOLLOW_UP and row["followed_up_at"] is None
        if is_awaited and journey.random.random() < _FOLLOWED_UP:
            last = journey.office.hours.opening(row["follow_up_until"])
            place = journey.random.randrange(place + MINUTE, max(last, place + 2 * MINUTE))
            self._later(journey, place, lambda at: self._follow_up(journey, row, at))

    def _follow_up(self, journey: Journey, row: Row, at: dt.datetime) -> None:
        by = journey.office.player(row["follow_up_by_id"])
        told = deviations.follow_up(journey, row, at)
        self._teller.tell(journey.office, by, at, "deviation.follow-up", told)

    def _plan_release(self, journey: Journey, actor: Player) -> None:
        """Let the manager add the actual time on the working day after the window."""
        office, record = journey.office, journey.records_of(Release.__tablename__)[-1]
        if record["actual_at"] is None and journey.random.random() < _ACTUAL:
            place = office.hours.opening(office.agency.local_date(record["window_end_at"]) + dt.timedelta(1))
            place += journey.random.randrange(HALF_DAY)
            self._later(journey, place, lambda at: self._release(journey, record, actor, at))

    def _release(self, journey: Journey, record: Row, actor: Player, at: dt.datetime) -> None:
        values = {"actual_at": record["window_start_at"]}
        told = updated("release", record["id"], record, values, change=journey.id)
        record.update(values)
        self._teller.tell(journey.office, actor, at, "release.actual", told)
