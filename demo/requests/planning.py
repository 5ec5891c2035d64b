"""When a step of a demo request is taken up and finished, and by whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from demo.agency.hours import DAY, HALF_DAY, MINUTE
from demo.agency.office import working_seconds
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    from random import Random

    from demo.requests.journey import Journey

#: Working minutes that a step takes where the SOP sets none.
_USUAL_MINUTES = 45
#: How often a step takes longer than its standard, and how often because nobody took it up.
_LATE, _LEFT_LYING = 0.08, 0.25
#: Mean working minutes until a step is taken up, for a normal change and for an emergency; the head is busier.
_WAITING = {Role.REQUESTER: 240, Role.CHANGE_MANAGER: 120, Role.HEAD: 200}
_EMERGENCY_WAITING = 15
#: How often a step is done without having been taken up before, and how often an open one is taken up already.
_AT_ONCE = 0.5
_TAKEN_UP = 0.5

_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """When the present step is taken up, finished and overdue, in the office's working seconds; None is never."""

    taken_up: int | None
    finished: int | None
    overdue: int | None

    def before_the_end(self, journey: Journey) -> Plan:
        """Return the plan without what will not have happened by the end."""
        plan, aim = self, journey.aim
        if aim is not None and aim.outcome is None and aim.step is journey.step:
            plan = replace(plan, finished=None)
        if journey.actor is not None and plan.finished is not None and plan.finished < journey.office.end:
            return plan
        is_begun = journey.actor is not None and journey.random.random() < _TAKEN_UP
        plan = replace(plan, finished=None, taken_up=plan.taken_up if is_begun else None)
        if plan.taken_up is None and plan.overdue is not None:
            plan = replace(plan, overdue=journey.arrived + _allowed(journey, journey.arrived))
        return plan


def plan_of(journey: Journey) -> Plan:
    """Return when the present step is taken up and finished.

    Under an SOP that knows deviations nothing waits for longer than its standard, or it was late and was not taken
    up at all: the sweep, which comes by all the time, would have found it.
    """
    office, random, arrived = journey.office, journey.random, journey.arrived
    rule = office.sop.rules[journey.step]
    is_hasty = journey.aim is not None and journey.aim.outcome is None
    is_pressing = is_hasty or journey.is_emergency
    mean = min(_WAITING[rule.actor], _EMERGENCY_WAITING) if is_pressing else _WAITING[rule.actor]
    waiting = MINUTE + round(random.expovariate(1 / mean) * MINUTE)
    standard = rule.standard
    is_judged = standard is not None and office.sop.switches.deviations and journey.step is not Step.REQUEST
    is_late = random.random() < _LATE and (is_judged or not is_hasty)
    if not is_judged:
        minutes = min(standard.minutes, DAY // MINUTE) if standard else _USUAL_MINUTES
        finished = arrived + waiting + working_seconds(random, minutes * MINUTE, is_late=is_late)
        is_at_once = rule.actor is Role.REQUESTER or (not is_hasty and random.random() < _AT_ONCE)
        return Plan(None if is_at_once else arrived + waiting, finished, None)
    allowed = _allowed(journey, arrived)
    if not is_hasty and random.random() < (_LEFT_LYING if is_late else _AT_ONCE):
        return Plan(None, arrived + working_seconds(random, allowed, is_late=is_late), arrived + allowed)
    taken_up = arrived + min(waiting, round(allowed * (0.2 + 0.7 * random.random())))
    allowed = _allowed(journey, taken_up)
    return Plan(taken_up, taken_up + working_seconds(random, allowed, is_late=is_late), taken_up + allowed)


def _allowed(journey: Journey, second: int) -> int:
    """Return the working seconds that the present step's standard leaves from ``second`` on."""
    office, standard = journey.office, journey.office.sop.rules[journey.step].standard
    assert standard is not None  # noqa: S101 - asked only where there is one
    if not standard.days:
        return standard.minutes * MINUTE
    return office.calendar.allowed_time(office.hours.at(second), standard) // _SECOND if second < office.end else DAY


def choose_actor(journey: Journey, plan: Plan) -> Plan:
    """Choose who acts, the delegate where the head is away and they may; else it waits for the head."""
    office, role = journey.office, journey.office.sop.rules[journey.step].actor
    journey.actor = journey.deputy = None
    if role is Role.REQUESTER:
        journey.actor = journey.requester
        return plan
    if role is not Role.HEAD:
        journey.actor = office.choose(role, journey.position)
        return plan
    begins = plan.finished if plan.taken_up is None else plan.taken_up
    while begins is not None and begins < office.end:
        # Within the day, so that one delegation or none is good for the whole of it.
        finished = min(plan.finished or begins, office.hours.last_of_day(begins))
        plan = replace(plan, taken_up=None if plan.taken_up is None else begins, finished=finished)
        deputy = office.deputy_on(office.hours.day(begins))
        if deputy is None:
            break
        if not journey.has_deviated(deputy.delegate_id):
            journey.actor = office.choose(role, journey.position, standing_in=deputy.delegate_id)
        if journey.actor:
            journey.deputy = deputy
            return plan
        length = finished - begins
        begins = office.hours.opening(deputy.last + dt.timedelta(1)) + within_half_a_day(office.random)
        plan = _put_off(journey, plan, begins, begins + length)
    journey.actor = office.choose(role, journey.position)
    return plan


def _put_off(journey: Journey, plan: Plan, begins: int, finished: int) -> Plan:
    """Return ``plan`` put off until the head is back; what is judged and late by then is not taken up first."""
    if plan.overdue is None:
        return Plan(begins, finished, None)
    return Plan(None, finished, journey.arrived + _allowed(journey, journey.arrived))


def within_half_a_day(random: Random) -> int:
    """Return working seconds within half a day."""
    return random.randrange(1, HALF_DAY)
