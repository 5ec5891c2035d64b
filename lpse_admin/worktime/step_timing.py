"""How long a step waited and was handled, and what its standard time says to that: one reading for everybody."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.sop.durations import MINUTES_PER_WORKDAY
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    from lpse_admin.sop.model import Sop, StandardTime
    from lpse_admin.sop.model import TimingBasis as Judged
    from lpse_admin.worktime.working_calendar import WorkCalendar

_MINUTE = dt.timedelta(minutes=1)
_MICROSECOND = dt.timedelta(microseconds=1)
_LOOKBACK = dt.timedelta(days=60)
_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class StepTimestamps:
    """The times of one visit to a step, as the program wrote them; what has not happened yet is None."""

    arrived_at: dt.datetime
    taken_up_at: dt.datetime | None
    finished_at: dt.datetime | None

    def end_or(self, now: dt.datetime) -> dt.datetime:
        """Return until when this is counted: the finish, or ``now`` while the step is open.

        A ``now`` before what has happened already (a server's clock that was put back) counts as that moment.
        """
        return self.finished_at or max(now, self.taken_up_at or self.arrived_at)


@dataclass(frozen=True, slots=True)
class StepTiming:
    """What a clock shows, in working time.

    ``waiting`` ends when the step was taken up (else at its finish, or now); ``handling`` is None until then.
    ``basis`` is the time that the standard judges, from ``since`` on; ``measured`` is its length so far. Without a
    standard ``due`` and ``allowed`` are None, and nothing is late (procedure.md, steps: T).
    """

    waiting_time: dt.timedelta
    handling_time: dt.timedelta | None
    basis: Judged
    measured_from: dt.datetime
    measured_until: dt.datetime
    measured_time: dt.timedelta
    due: dt.datetime | None
    allowed_time: dt.timedelta | None

    @property
    def is_late(self) -> bool:
        """Whether more working time than the standard's is over (as ``WorkCalendar.is_late`` judges)."""
        return self.allowed_time is not None and self.measured_time > self.allowed_time

    @property
    def fraction_used(self) -> float | None:
        """Which part of the standard is used up: 1.0 is all of it; None where there is nothing to judge by."""
        return self.measured_time / self.allowed_time if self.allowed_time else None


def measure_timing(
    calendar: WorkCalendar,
    standard: StandardTime | None,
    timing_basis: Judged,
    timestamps: StepTimestamps,
    now: dt.datetime,
) -> StepTiming:
    """Return what ``timestamps`` come to at ``now``, by a paper's ``standard`` and its switch ``timing_basis``.

    Handling is judged only where the step was taken up; one that was not is judged from its arrival (procedure.md,
    reading 12). Raises OutsideCalendar for times in years whose holidays nobody knows.
    """
    end = timestamps.end_or(now)
    waiting = calendar.elapsed(timestamps.arrived_at, timestamps.taken_up_at or end)
    handling = None if timestamps.taken_up_at is None else calendar.elapsed(timestamps.taken_up_at, end)
    basis: Judged
    if timing_basis == "handling" and timestamps.taken_up_at is not None and handling is not None:
        basis, since, measured = "handling", timestamps.taken_up_at, handling
    else:
        basis, since, measured = "arrival", timestamps.arrived_at, waiting + (handling or dt.timedelta())
    due = calendar.deadline(since, standard) if standard else None
    allowed = calendar.elapsed(since, due) if due else None
    return StepTiming(waiting, handling, basis, since, end, measured, due, allowed)


def standard_time_of(sop: Sop, step: Step) -> StandardTime | None:
    """Return the standard time by which a visit to ``step`` is judged, or None where there is none.

    The requester's own first step is never judged: a draft is begun and left as they like, and no work of the office
    (procedure.md leaves the request step out of its totals too).
    """
    return None if step is Step.REQUEST else sop.rules[step].standard


def late_threshold(calendar: WorkCalendar, standard: StandardTime, now: dt.datetime) -> dt.datetime:
    """Return the moment before which everything is late at ``now`` that has been counted since then; nothing after is.

    So a whole queue is judged by comparing its moments with this one: what came earlier is never due later. Two months
    and the standard itself are looked back on, which no office is closed for in one go.
    """
    late, in_time = now - _LOOKBACK - dt.timedelta(days=2 * standard.minutes // MINUTES_PER_WORKDAY), now
    while in_time - late > _MICROSECOND:
        middle = late + (in_time - late) // 2
        if calendar.is_late(middle, standard, now):
            late = middle
        else:
            in_time = middle
    return in_time


def round_up_to_minutes(duration: dt.timedelta) -> int:
    """Return working time in minutes, for showing: a minute begun is a minute, so what is late also looks late."""
    return -(-duration // _MINUTE)


def duration_message(minutes: int) -> Message:
    """Return a number of minutes in words: 2 h 5 min."""
    hours, rest = divmod(minutes, _MINUTES_PER_HOUR)
    if not hours:
        return _("%(minutes)s min", minutes=rest)
    return _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest) if rest else _("%(hours)s h", hours=hours)
