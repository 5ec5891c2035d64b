"""The events of a demo request apart from its moves: assignment, sweeps, disposals, follow-ups, release times."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from demo.agency.hours import DAY, HALF_DAY, MINUTE
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.transitions import Principal, reason_not_eligible

if TYPE_CHECKING:
    from demo.agency.people import People
    from demo.requests.journey import FollowUp, Journey, Undisposed
    from demo.requests.planning import Plan
    from demo.scenario import Timeline

#: Maximum working seconds until the next sweep.
_SWEEP = 15 * MINUTE
#: Probability that a step is reassigned, and that its assignee does it; minimum length of such a step.
_HANDED_OVER, _BY_THE_GIVER, _SHORT = 0.03, 0.75, 10 * MINUTE
#: Probability that the actual time of a release is recorded.
_ACTUAL = 0.9
#: Working seconds until the head disposes of deviations after the verification.
_DISPOSED = (DAY // 2, 2 * DAY)
#: Probability that a follow-up is done in time.
_FOLLOWED_UP = 0.8


class Aftermath:
    """Plans these events on the timeline."""

    def __init__(self, timeline: Timeline, people: People) -> None:
        self._timeline = timeline
        self._people = people

    # -- while a step is open ----------------------------------------------------------------------------------

    def plan_step(self, journey: Journey, plan: Plan) -> None:
        """Plan that the current step is taken up, reassigned, and found by the sweep once it is overdue."""
        office, random = journey.office, journey.random
        last = office.end if plan.finished is None else plan.finished
        if plan.taken_up is not None:
            self._timeline.add(office, plan.taken_up, lambda at: self._people.take_up(journey, at))
            length = last - plan.taken_up
            is_manager_s = office.sop.rules[journey.step].actor is Role.CHANGE_MANAGER
            if is_manager_s and length > _SHORT and random.random() < _HANDED_OVER:
                second = plan.taken_up + random.randrange(MINUTE, min(length, DAY) - MINUTE)
                self._timeline.add(office, second, lambda at: self._reassign(journey, at))
        if plan.overdue is not None:
            second = plan.overdue + random.randrange(1, _SWEEP)
            if second < last:
                self._timeline.add(office, second, lambda at: self._people.sweep(office, at))

    def _reassign(self, journey: Journey, at: dt.datetime) -> None:
        office, assignee = journey.office, journey.actor
        colleagues = [
            player
            for player in office.people[Role.CHANGE_MANAGER]
            if player != assignee
            and reason_not_eligible(office.sop, journey.position, Principal(player.id, player.roles)) is None
        ]
        if assignee is None or not colleagues:
            return
        to = journey.random.choice(colleagues)
        by = assignee if journey.random.random() < _BY_THE_GIVER else to
        self._people.hand_over(journey, to, by, at)

    # -- after a step ------------------------------------------------------------------------------------------

    def plan_rest(self, journey: Journey, outcome: Outcome, second: int) -> None:
        """Plan the events after a step that finished at ``second`` with ``outcome``."""
        self._plan_follow_ups(journey, second)
        # No later verification will dispose of them.
        if journey.taken[Outcome.VERIFIED] or journey.step is Step.CLOSED:
            for one in journey.undisposed:
                if one.id not in journey.to_dispose:
                    journey.to_dispose.add(one.id)
                    self._plan_disposal(journey, one, second + journey.random.randrange(*_DISPOSED))
        if outcome is Outcome.SCHEDULED:
            self._plan_release(journey)

    def _plan_disposal(self, journey: Journey, one: Undisposed, second: int) -> None:
        self._timeline.add(journey.office, second, lambda at: self._dispose(journey, one, second, at))

    def _dispose(self, journey: Journey, one: Undisposed, second: int, at: dt.datetime) -> None:
        hours = journey.office.hours
        by = journey.office.head_on(hours.day(second))
        if by is None or (by.id == one.executor_id and Role.HEAD not in by.roles):
            # It is the acting head's own deviation: try again on another day.
            self._plan_disposal(journey, one, hours.last_of_day(second) + journey.random.randrange(1, HALF_DAY))
            return
        self._people.dispose(journey, one.id, by, at)
        self._plan_follow_ups(journey, second)

    def _plan_follow_ups(self, journey: Journey, second: int) -> None:
        for one in journey.follow_ups:
            if one.id not in journey.to_follow_up:
                journey.to_follow_up.add(one.id)
                self._plan_follow_up(journey, one, second)

    def _plan_follow_up(self, journey: Journey, one: FollowUp, second: int) -> None:
        if journey.random.random() < _FOLLOWED_UP:
            last = journey.office.hours.opening(one.until)
            when = journey.random.randrange(second + MINUTE, max(last, second + 2 * MINUTE))
            by = journey.office.player(one.by_id)
            self._timeline.add(journey.office, when, lambda at: self._people.follow_up(journey, one.id, by, at))

    def _plan_release(self, journey: Journey) -> None:
        """Plan that the manager records the actual time on the working day after the window."""
        office, release, manager = journey.office, journey.release, journey.actor
        if release is not None and manager is not None and journey.random.random() < _ACTUAL:
            second = office.hours.opening(office.date_of(release.window_end) + dt.timedelta(1))
            second += journey.random.randrange(HALF_DAY)
            self._timeline.add(office, second, lambda at: self._people.add_actual_time(release.id, manager, at))
