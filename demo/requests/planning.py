"""Planning of a step of a demo request: when it is taken up and finished, and by whom."""

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

    from demo.agency.office import Office
    from demo.requests.journey import Journey

#: Maximum working minutes of a step without a standard.
_USUAL_MINUTES = 45
#: Probability that a step is late, and that a late one was never taken up.
_LATE, _LEFT_LYING = 0.08, 0.25
#: Mean working minutes until a step is taken up, by role for a normal change, and for an emergency.
_WAITING = {Role.REQUESTER: 240, Role.CHANGE_MANAGER: 120, Role.HEAD: 200}
_EMERGENCY_WAITING = 15
#: Of a request that will be open at the end: working seconds until a step is taken up, and multiples of its standard
#: until it is finished, in time and late.
_STEADY_WAITING, _STEADY_SHARE, _STEADY_LATE = 5 * MINUTE, 0.5, 1.4
#: Probability that a step is finished without being taken up first, and that a step open at the end is taken up.
_AT_ONCE = 0.5
_TAKEN_UP = 0.5

_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """Working seconds at which the current step is taken up, finished and overdue; None for never."""

    taken_up: int | None
    finished: int | None
    overdue: int | None

    def before_the_end(self, journey: Journey) -> Plan:
        """Return the plan without the events after the end of the demo."""
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
    """Return when the current step is taken up and finished.

    Under an SOP with deviations a step does not wait longer than its standard, unless it is late and never taken up,
    because the sweep would have raised it.
    """
    office, random, arrived = journey.office, journey.random, journey.arrived
    rule = office.sop.rules[journey.step]
    if journey.aim is not None and journey.aim.outcome is None:
        return _steady_plan(journey)
    mean = min(_WAITING[rule.actor], _EMERGENCY_WAITING) if journey.is_emergency else _WAITING[rule.actor]
    waiting = MINUTE + round(random.expovariate(1 / mean) * MINUTE)
    standard = rule.standard
    is_judged = standard is not None and office.sop.switches.deviations and journey.step is not Step.REQUEST
    is_late = random.random() < _LATE
    if not is_judged:
        minutes = min(standard.minutes, DAY // MINUTE) if standard else _USUAL_MINUTES
        finished = arrived + waiting + working_seconds(random, minutes * MINUTE, is_late=is_late)
        is_at_once = rule.actor is Role.REQUESTER or random.random() < _AT_ONCE
        return Plan(None if is_at_once else arrived + waiting, finished, None)
    allowed = _allowed(journey, arrived)
    if random.random() < (_LEFT_LYING if is_late else _AT_ONCE):
        return Plan(None, arrived + working_seconds(random, allowed, is_late=is_late), arrived + allowed)
    taken_up = arrived + min(waiting, round(allowed * (0.2 + 0.7 * random.random())))
    allowed = _allowed(journey, taken_up)
    return Plan(taken_up, taken_up + working_seconds(random, allowed, is_late=is_late), taken_up + allowed)


def _steady_plan(journey: Journey) -> Plan:
    """Return the plan of a request that will be open at the end: without chance, so that it arrives there in time."""
    rule = journey.office.sop.rules[journey.step]
    taken_up = None if rule.actor is Role.REQUESTER else journey.arrived + _STEADY_WAITING
    finished = journey.arrived + steady_time(journey.office, journey.step, is_late=journey.step is journey.late_step)
    is_judged = rule.standard is not None and journey.office.sop.switches.deviations
    overdue = None
    if is_judged and journey.step is not Step.REQUEST:
        overdue = (taken_up or journey.arrived) + _allowed(journey, taken_up or journey.arrived)
    return Plan(taken_up, finished, overdue)


def steady_time(office: Office, step: Step, *, is_late: bool) -> int:
    """Return the working seconds that ``step`` takes a request which will be open at the end."""
    return _STEADY_WAITING + round(standard_seconds(office, step) * (_STEADY_LATE if is_late else _STEADY_SHARE))


def standard_seconds(office: Office, step: Step) -> int:
    """Return about how many working seconds the SOP allows for ``step``; a usual time where it sets no standard."""
    standard = office.sop.rules[step].standard
    if standard is None:
        return _USUAL_MINUTES * MINUTE
    return standard.days * DAY if standard.days else standard.minutes * MINUTE


def _allowed(journey: Journey, second: int) -> int:
    """Return the working seconds that the standard of the current step allows from ``second``."""
    office, standard = journey.office, journey.office.sop.rules[journey.step].standard
    if standard is None:
        raise ValueError("the step has no standard time")
    if not standard.days:
        return standard.minutes * MINUTE
    return office.calendar.allowed_time(office.hours.at(second), standard) // _SECOND if second < office.end else DAY


def choose_actor(journey: Journey, plan: Plan) -> Plan:
    """Choose the actor: the acting head if there is one who may act, else wait for the head."""
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
        # Within one day, so that the delegation does not change during the step.
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
        plan = _postpone(journey, plan, begins, begins + length)
    journey.actor = office.choose(role, journey.position)
    return plan


def _postpone(journey: Journey, plan: Plan, begins: int, finished: int) -> Plan:
    """Return ``plan`` postponed until the head is back; a step with a standard is then not taken up first."""
    if plan.overdue is None:
        return Plan(begins, finished, None)
    return Plan(None, finished, journey.arrived + _allowed(journey, journey.arrived))


def within_half_a_day(random: Random) -> int:
    """Return a random number of working seconds below half a day."""
    return random.randrange(1, HALF_DAY)
