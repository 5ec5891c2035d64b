"""The clocks of a request's steps, read by its paper's standard and its office's calendar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpse_admin.workflow.deviations import DeviationKind, Lateness, Subject, late
from lpse_admin.worktime.step_timing import minutes, standard_of
from lpse_admin.worktime.step_timing import reading as read
from models.base import session_of
from models.deviations import deviation
from models.office.calendars import calendar_of

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.sop import Standard
    from lpse_admin.workflow.deviations import Found
    from lpse_admin.worktime.step_timing import Reading
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.changes.activity import Activity
    from models.changes.change import ChangeRequest


def reading(
    change: ChangeRequest, activity: Activity, now: dt.datetime, calendar: WorkCalendar | None = None
) -> Reading:
    """Return how long ``activity`` waited and was handled, and what its standard says to that.

    Whoever reads many clocks of one request asks for the office's ``calendar`` once and gives it.
    """
    if calendar is None:
        calendar = calendar_of(session_of(change), change.agency)
    paper = change.paper
    return read(calendar, standard_of(paper, activity.step), paper.switches.clock, activity.clock, now)


def lateness(change: ChangeRequest, activity: Activity, now: dt.datetime) -> Lateness | None:
    """Return how late ``activity`` is at this moment, or None while it is not."""
    times = reading(change, activity, now)
    standard = standard_of(change.paper, activity.step)
    if not times.is_late or standard is None:
        return None
    return _lateness(times, standard)


def _lateness(times: Reading, standard: Standard) -> Lateness:
    allowed = minutes(times.allowed) if times.allowed is not None else 0
    return Lateness(Subject(times.basis), standard.text, allowed, minutes(times.measured))


def raise_overdue(change: ChangeRequest, now: dt.datetime) -> list[deviation.Deviation]:
    """Raise that the open step is overdue, if its paper knows deviations; return what is new."""
    current = change.current
    if current is None or not change.paper.switches.deviations:
        return []
    lateness_ = lateness(change, current, now)
    return deviation.raise_on(change, current, [late(lateness_)], now=now) if lateness_ else []


def measure(times: Reading, subject: str) -> int | None:
    """Return the working minutes that ``times`` show of ``subject``; None where the step is not judged by it."""
    if subject == times.basis:
        return minutes(times.measured)
    # It was overdue before anybody took it up; from then on its handling was judged.
    return minutes(times.waiting) if subject == Subject.ARRIVAL else None


def delays(
    change: ChangeRequest, activity: Activity, now: dt.datetime, calendar: WorkCalendar | None = None
) -> list[Found]:
    """Return the deviations in time of the open ``activity`` that its executor has to account for, as measured now."""
    if not change.paper.switches.deviations:
        return []
    times = reading(change, activity, now, calendar)
    found = [
        replace(one.found, measured_minutes=_grown(one, times))
        for one in activity.deviations
        if one.kind is DeviationKind.TIME and one.account is None
    ]
    standard = standard_of(change.paper, activity.step)
    if times.is_late and standard is not None and times.basis not in {one.subject for one in found}:
        found.append(late(_lateness(times, standard)))
    return found


def remeasure(change: ChangeRequest, activity: Activity, now: dt.datetime) -> None:
    """Bring the measures of those deviations in time up to date that were raised while ``activity`` was open."""
    raised = [one for one in activity.deviations if one.kind is DeviationKind.TIME and one.account is None]
    if raised:
        times = reading(change, activity, now)
        for one in raised:
            one.measured_minutes = _grown(one, times)


def _grown(one: deviation.Deviation, times: Reading) -> int | None:
    """Return the measure of a deviation by now; what a later holiday took away again stays as it was raised."""
    return max(measure(times, one.subject) or 0, one.measured_minutes or 0)


def is_overtaken(change: ChangeRequest, one: deviation.Deviation, now: dt.datetime, calendar: WorkCalendar) -> bool:
    """Whether a deviation in time is none any more by the calendar as it is set today."""
    if one.kind is not DeviationKind.TIME:
        return False
    measured = measure(reading(change, one.activity, now, calendar), one.subject)
    return measured is not None and measured <= (one.allowed_minutes or 0)
