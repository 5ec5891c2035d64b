"""Timing of a request's steps by the standards of its SOP and the calendar of its agency."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpse_admin.workflow.deviations import (
    DeviationKind,
    Lateness,
    LatenessBasis,
    lateness_deviation,
    limit_deviation,
)
from lpse_admin.worktime.limits import measure_stretches
from lpse_admin.worktime.step_timing import measure_step, round_up_to_minutes, standard_time_of
from models.base import session_of
from models.deviations import deviation
from models.office.calendars import load_calendar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from lpse_admin.sop import Sop, StandardTime
    from lpse_admin.workflow.deviations import DetectedDeviation
    from lpse_admin.worktime.limits import Visit
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.changes.change import ChangeRequest
    from models.changes.moves.case_file import CaseFile
    from models.changes.steps.activity import Activity


def measure_activity(
    change: ChangeRequest, activity: Activity, now: dt.datetime, calendar: WorkCalendar | None = None
) -> StepTiming:
    """Return the waiting and handling time of ``activity``, measured against its standard.

    Callers that measure many steps of one request load the agency's ``calendar`` once and pass it.
    """
    if calendar is None:
        calendar = load_calendar(session_of(change), change.agency)
    return measure_step(calendar, change.sop, activity.step, activity.timestamps, now)


def lateness(change: ChangeRequest, activity: Activity, now: dt.datetime) -> Lateness | None:
    """Return the lateness of ``activity`` at ``now``, or None if it is not late."""
    return lateness_of(measure_activity(change, activity, now), standard_time_of(change.sop, activity.step))


def lateness_of(times: StepTiming, standard: StandardTime | None) -> Lateness | None:
    """Return the lateness of a step with ``times``, or None if it is not late."""
    if not times.is_late or standard is None:
        return None
    allowed = round_up_to_minutes(times.allowed_time) if times.allowed_time is not None else 0
    return Lateness(LatenessBasis(times.basis), standard.text, allowed, round_up_to_minutes(times.measured_time))


def raise_overdue(change: ChangeRequest, now: dt.datetime) -> list[deviation.Deviation]:
    """Raise a deviation if the open step is overdue and its SOP has deviations; return the new ones."""
    current = change.current_activity
    if current is None or not change.sop.switches.deviations:
        return []
    calendar = load_calendar(session_of(change), change.agency)
    lateness_ = lateness_of(
        measure_activity(change, current, now, calendar), standard_time_of(change.sop, current.step)
    )
    detected = [lateness_deviation(lateness_)] if lateness_ else []
    detected += _not_raised(change, passed_limits(change.sop, change.activities, calendar, now))
    return deviation.raise_deviations(change, current, detected, now=now)


def passed_limits(
    sop: Sop, visits: Iterable[Visit], calendar: WorkCalendar, now: dt.datetime
) -> list[DetectedDeviation]:
    """Return the limits on stretches of steps that a request is in and has passed; ``visits`` are all that it made."""
    if not sop.limits:
        return []
    stretches = measure_stretches(calendar, sop, visits, now)
    return [limit_deviation(stretch) for stretch in stretches if stretch.is_open and stretch.is_late]


def unraised_limits(case: CaseFile) -> list[DetectedDeviation]:
    """Return the limits that the request of ``case`` has passed and for which it has no deviation yet."""
    if case.change.is_draft or not case.sop.switches.deviations:
        return []
    return _not_raised(case.change, passed_limits(case.sop, case.visits, case.calendar, case.now))


def _not_raised(change: ChangeRequest, passed: list[DetectedDeviation]) -> list[DetectedDeviation]:
    """Return those of ``passed`` that no step of the request has: a stretch is accounted for once."""
    known = {one.subject for one in change.deviations} if passed else set()
    return [one for one in passed if one.subject not in known]


def raise_overdue_in(case: CaseFile) -> list[deviation.Deviation]:
    """Like ``raise_overdue``, for the request of ``case``."""
    current = case.require_open()
    lateness_ = lateness_of(case.timing(current), case.standard) if case.sop.switches.deviations else None
    detected = [lateness_deviation(lateness_)] if lateness_ else []
    detected += unraised_limits(case)
    return deviation.raise_deviations(case.change, current, detected, now=case.now)


def judged_minutes(times: StepTiming, subject: str) -> int | None:
    """Return the working minutes of ``times`` for ``subject``; None if the step is not measured by it."""
    if subject == times.basis:
        return round_up_to_minutes(times.measured_time)
    # It was overdue before it was taken up; since then its handling time is measured.
    return round_up_to_minutes(times.waiting_time) if subject == LatenessBasis.ARRIVAL else None


def time_deviations(case: CaseFile, times: StepTiming) -> list[DetectedDeviation]:
    """Return the time deviations of the open step that need an account, with the measures of ``times``."""
    if case.current is None or not case.sop.switches.deviations:
        return []
    limits = _measures_of_limits(case)
    deviations = [
        replace(one.detected, measured_minutes=_updated_measure(one, times, limits))
        for one in case.current.deviations
        if one.kind is DeviationKind.TIME and one.account is None
    ]
    lateness_ = lateness_of(times, case.standard)
    if lateness_ is not None and times.basis not in {one.subject for one in deviations}:
        deviations.append(lateness_deviation(lateness_))
    return [*deviations, *unraised_limits(case)]


def remeasure(case: CaseFile, activity: Activity, times: StepTiming) -> None:
    """Update the measures of the time deviations that were raised while ``activity`` was open."""
    limits = _measures_of_limits(case)
    for one in activity.deviations:
        if one.kind is DeviationKind.TIME and one.account is None:
            one.measured_minutes = _updated_measure(one, times, limits)


def _measures_of_limits(case: CaseFile) -> dict[str, int | None]:
    """Return the present measure of each limit that is passed, by what identifies its deviation."""
    passed = passed_limits(case.sop, case.visits, case.calendar, case.now)
    return {one.subject: one.measured_minutes for one in passed}


def _updated_measure(one: deviation.Deviation, times: StepTiming, limits: Mapping[str, int | None]) -> int | None:
    """Return the current measure of a deviation; never less than before, even if a holiday was added later."""
    return max(judged_minutes(times, one.subject) or limits.get(one.subject) or 0, one.measured_minutes or 0)


def is_obsolete(one: deviation.Deviation, times: StepTiming) -> bool:
    """Whether a time deviation no longer exceeds its standard by the current calendar; ``times`` of its step."""
    measured = judged_minutes(times, one.subject)
    return measured is not None and measured <= (one.allowed_minutes or 0)
