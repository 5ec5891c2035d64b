"""The clocks of a request's steps, read by its paper's standard and its office's calendar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpse_admin.workflow.deviations import DeviationKind, Lateness, LatenessBasis, lateness_deviation
from lpse_admin.worktime.step_timing import measure_step, round_up_to_minutes, standard_time_of
from models.base import session_of
from models.deviations import deviation
from models.office.calendars import load_calendar

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.sop import StandardTime
    from lpse_admin.workflow.deviations import DetectedDeviation
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.changes.activity import Activity
    from models.changes.change import ChangeRequest


def measure_activity(
    change: ChangeRequest, activity: Activity, now: dt.datetime, calendar: WorkCalendar | None = None
) -> StepTiming:
    """Return how long ``activity`` waited and was handled, and what its standard says to that.

    Whoever reads many clocks of one request asks for the office's ``calendar`` once and gives it.
    """
    if calendar is None:
        calendar = load_calendar(session_of(change), change.agency)
    return measure_step(calendar, change.sop, activity.step, activity.timestamps, now)


def lateness(change: ChangeRequest, activity: Activity, now: dt.datetime) -> Lateness | None:
    """Return how late ``activity`` is at this moment, or None while it is not."""
    times = measure_activity(change, activity, now)
    standard = standard_time_of(change.sop, activity.step)
    if not times.is_late or standard is None:
        return None
    return _lateness_from(times, standard)


def _lateness_from(times: StepTiming, standard: StandardTime) -> Lateness:
    allowed = round_up_to_minutes(times.allowed_time) if times.allowed_time is not None else 0
    return Lateness(LatenessBasis(times.basis), standard.text, allowed, round_up_to_minutes(times.measured_time))


def raise_overdue(change: ChangeRequest, now: dt.datetime) -> list[deviation.Deviation]:
    """Raise that the open step is overdue, if its paper knows deviations; return what is new."""
    current = change.current_activity
    if current is None or not change.sop.switches.deviations:
        return []
    lateness_ = lateness(change, current, now)
    return deviation.raise_deviations(change, current, [lateness_deviation(lateness_)], now=now) if lateness_ else []


def judged_minutes(times: StepTiming, subject: str) -> int | None:
    """Return the working minutes that ``times`` show of ``subject``; None where the step is not judged by it."""
    if subject == times.basis:
        return round_up_to_minutes(times.measured_time)
    # It was overdue before anybody took it up; from then on its handling was judged.
    return round_up_to_minutes(times.waiting_time) if subject == LatenessBasis.ARRIVAL else None


def time_deviations(
    change: ChangeRequest, activity: Activity, now: dt.datetime, calendar: WorkCalendar | None = None
) -> list[DetectedDeviation]:
    """Return the deviations in time of the open ``activity`` that its executor has to account for, as measured now."""
    if not change.sop.switches.deviations:
        return []
    times = measure_activity(change, activity, now, calendar)
    found = [
        replace(one.detected, measured_minutes=_updated_measure(one, times))
        for one in activity.deviations
        if one.kind is DeviationKind.TIME and one.account is None
    ]
    standard = standard_time_of(change.sop, activity.step)
    if times.is_late and standard is not None and times.basis not in {one.subject for one in found}:
        found.append(lateness_deviation(_lateness_from(times, standard)))
    return found


def remeasure(change: ChangeRequest, activity: Activity, now: dt.datetime) -> None:
    """Bring the measures of those deviations in time up to date that were raised while ``activity`` was open."""
    raised = [one for one in activity.deviations if one.kind is DeviationKind.TIME and one.account is None]
    if raised:
        times = measure_activity(change, activity, now)
        for one in raised:
            one.measured_minutes = _updated_measure(one, times)


def _updated_measure(one: deviation.Deviation, times: StepTiming) -> int | None:
    """Return the measure of a deviation by now; what a later holiday took away again stays as it was raised."""
    return max(judged_minutes(times, one.subject) or 0, one.measured_minutes or 0)


def is_obsolete(change: ChangeRequest, one: deviation.Deviation, now: dt.datetime, calendar: WorkCalendar) -> bool:
    """Whether a deviation in time is none any more by the calendar as it is set today."""
    if one.kind is not DeviationKind.TIME:
        return False
    measured = judged_minutes(measure_activity(change, one.activity, now, calendar), one.subject)
    return measured is not None and measured <= (one.allowed_minutes or 0)
