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
    from models.changes.case_file import CaseFile
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
    return lateness_of(measure_activity(change, activity, now), standard_time_of(change.sop, activity.step))


def lateness_of(times: StepTiming, standard: StandardTime | None) -> Lateness | None:
    """Return how late a step is whose clock shows ``times``, or None where it is not."""
    if not times.is_late or standard is None:
        return None
    allowed = round_up_to_minutes(times.allowed_time) if times.allowed_time is not None else 0
    return Lateness(LatenessBasis(times.basis), standard.text, allowed, round_up_to_minutes(times.measured_time))


def raise_overdue(change: ChangeRequest, now: dt.datetime) -> list[deviation.Deviation]:
    """Raise that the open step is overdue, if its paper knows deviations; return what is new."""
    current = change.current_activity
    if current is None or not change.sop.switches.deviations:
        return []
    lateness_ = lateness(change, current, now)
    return deviation.raise_deviations(change, current, [lateness_deviation(lateness_)], now=now) if lateness_ else []


def raise_overdue_in(case: CaseFile) -> list[deviation.Deviation]:
    """Do what ``raise_overdue`` does for the request of ``case``."""
    current = case.require_open()
    lateness_ = lateness_of(case.timing(current), case.standard) if case.sop.switches.deviations else None
    return (
        deviation.raise_deviations(case.change, current, [lateness_deviation(lateness_)], now=case.now)
        if lateness_
        else []
    )


def judged_minutes(times: StepTiming, subject: str) -> int | None:
    """Return the working minutes that ``times`` show of ``subject``; None where the step is not judged by it."""
    if subject == times.basis:
        return round_up_to_minutes(times.measured_time)
    # It was overdue before anybody took it up; from then on its handling was judged.
    return round_up_to_minutes(times.waiting_time) if subject == LatenessBasis.ARRIVAL else None


def time_deviations(case: CaseFile, times: StepTiming) -> list[DetectedDeviation]:
    """Return the deviations in time of the open step that its executor has to account for, as ``times`` shows them."""
    if case.current is None or not case.sop.switches.deviations:
        return []
    found = [
        replace(one.detected, measured_minutes=_updated_measure(one, times))
        for one in case.current.deviations
        if one.kind is DeviationKind.TIME and one.account is None
    ]
    late_ = lateness_of(times, case.standard)
    if late_ is not None and times.basis not in {one.subject for one in found}:
        found.append(lateness_deviation(late_))
    return found


def remeasure(activity: Activity, times: StepTiming) -> None:
    """Bring the measures of those deviations in time up to date that were raised while ``activity`` was open."""
    for one in activity.deviations:
        if one.kind is DeviationKind.TIME and one.account is None:
            one.measured_minutes = _updated_measure(one, times)


def _updated_measure(one: deviation.Deviation, times: StepTiming) -> int | None:
    """Return the measure of a deviation by now; what a later holiday took away again stays as it was raised."""
    return max(judged_minutes(times, one.subject) or 0, one.measured_minutes or 0)


def is_obsolete(one: deviation.Deviation, times: StepTiming) -> bool:
    """Whether a deviation in time is none any more by the calendar as it is set today: the step's ``times``."""
    measured = judged_minutes(times, one.subject)
    return measured is not None and measured <= (one.allowed_minutes or 0)
