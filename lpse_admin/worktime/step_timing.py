"""How long a step waited and was handled, and what its standard time says to that: one reading for everybody."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.sop.durations import MINUTES_PER_DAY
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    from lpse_admin.sop.model import Clock as Judged
    from lpse_admin.sop.model import Sop, Standard
    from lpse_admin.worktime.working_calendar import WorkCalendar

_MINUTE = dt.timedelta(minutes=1)
_TICK = dt.timedelta(microseconds=1)
_LONG_AGO = dt.timedelta(days=60)
_MINUTES_OF_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of one visit to a step, as the program wrote them; what has not happened yet is None."""

    arrived: dt.datetime
    taken_up: dt.datetime | None
    finished: dt.datetime | None

    def end(self, now: dt.datetime) -> dt.datetime:
        """Return until when this is counted: the finish, or ``now`` while the step is open.

        A ``now`` before what has happened already (a server's clock that was put back) counts as that moment.
        """
        return self.finished or max(now, self.taken_up or self.arrived)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock shows, in working time.

    ``waiting`` ends when the step was taken up (else at its finish, or now); ``handling`` is None until then.
    ``basis`` is the time that the standard judges, from ``since`` on; ``measured`` is its length so far. Without a
    standard ``due`` and ``allowed`` are None, and nothing is late (SOP page, steps: T).
    """

    waiting: dt.timedelta
    handling: dt.timedelta | None
    basis: Judged
    since: dt.datetime
    end: dt.datetime
    measured: dt.timedelta
    due: dt.datetime | None
    allowed: dt.timedelta | None

    @property
    def is_late(self) -> bool:
        """Whether more working time than the standard's is over (as ``WorkCalendar.is_late`` judges)."""
        return self.allowed is not None and self.measured > self.allowed

    @property
    def share(self) -> float | None:
        """Which part of the standard is used up: 1.0 is all of it; None where there is nothing to judge by."""
        return self.measured / self.allowed if self.allowed else None


def reading(
    calendar: WorkCalendar, standard: Standard | None, judged: Judged, times: Clock, now: dt.datetime
) -> Reading:
    """Return what ``times`` come to at ``now``, by a paper's ``standard`` and its switch ``judged``.

    Handling is judged only where the step was taken up; one that was not is judged from its arrival (SOP page,
    silences 12). Raises OutsideCalendar for times in years whose holidays nobody knows.
    """
    end = times.end(now)
    waiting = calendar.elapsed(times.arrived, times.taken_up or end)
    handling = None if times.taken_up is None else calendar.elapsed(times.taken_up, end)
    basis: Judged
    if judged == "handling" and times.taken_up is not None and handling is not None:
        basis, since, measured = "handling", times.taken_up, handling
    else:
        basis, since, measured = "arrival", times.arrived, waiting + (handling or dt.timedelta())
    due = calendar.deadline(since, standard) if standard else None
    allowed = calendar.elapsed(since, due) if due else None
    return Reading(waiting, handling, basis, since, end, measured, due, allowed)


def standard_of(paper: Sop, step: Step) -> Standard | None:
    """Return the standard time by which a visit to ``step`` is judged, or None where there is none.

    The requester's own first step is never judged: a draft is begun and left as they like, and no work of the office
    (the SOP page leaves S1 out of its sums too).
    """
    return None if step is Step.REQUEST else paper.rules[step].standard


def late_before(calendar: WorkCalendar, standard: Standard, now: dt.datetime) -> dt.datetime:
    """Return the moment before which everything is late at ``now`` that has been counted since then; nothing after is.

    So a whole queue is judged by comparing its moments with this one: what came earlier is never due later. Two months
    and the standard itself are looked back on, which no office is closed for in one go.
    """
    late, in_time = now - _LONG_AGO - dt.timedelta(days=2 * standard.minutes // MINUTES_PER_DAY), now
    while in_time - late > _TICK:
        middle = late + (in_time - late) // 2
        if calendar.is_late(middle, standard, now):
            late = middle
        else:
            in_time = middle
    return in_time


def minutes(length: dt.timedelta) -> int:
    """Return working time in minutes, for showing: a minute begun is a minute, so what is late also looks late."""
    return -(-length // _MINUTE)


def hours_and_minutes(whole: int) -> Message:
    """Return a number of minutes in words: 2 h 5 min."""
    hours, rest = divmod(whole, _MINUTES_OF_AN_HOUR)
    if not hours:
        return _("%(minutes)s min", minutes=rest)
    return _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest) if rest else _("%(hours)s h", hours=hours)
