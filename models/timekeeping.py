"""The clocks of a request's steps, read by its paper's standard and its office's calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.clock import minutes, standard_of
from lpse_admin.clock import reading as read
from lpse_admin.deviation import DeviationKind, Lateness, Subject, late
from models import deviation
from models.base import session_of
from models.working_time import calendar_of

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.calendar import WorkCalendar
    from lpse_admin.clock import Reading
    from models.activity import Activity
    from models.change import ChangeRequest


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
    if not times.is_late or standard is None or times.allowed is None:
        return None
    return Lateness(Subject(times.basis), standard.text, minutes(times.allowed), minutes(times.measured))


def raise_overdue(change: ChangeRequest, now: dt.datetime) -> list[deviation.Deviation]:
    """Raise that the open step is overdue, if its paper knows deviations; return what is new."""
    current = change.current
    if current is None or not change.paper.switches.deviations:
        return []
    lateness_ = lateness(change, current, now)
    return deviation.raise_on(change, current, [late(lateness_)], now=now) if lateness_ else []


def remeasure(change: ChangeRequest, activity: Activity, now: dt.datetime) -> None:
    """Bring the measures of those deviations in time up to date that were raised while ``activity`` was open."""
    raised = [one for one in activity.deviations if one.kind is DeviationKind.TIME and one.account is None]
    if not raised:
        return
    times = reading(change, activity, now)
    for one in raised:
        if one.subject == times.basis:
            one.measured_minutes = minutes(times.measured)
        elif one.subject == Subject.ARRIVAL:
            # It was overdue before anybody took it up; from then on its handling was judged.
            one.measured_minutes = minutes(times.waiting)
