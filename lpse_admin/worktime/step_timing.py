"""The timing of a step: waiting time, handling time, due time, and whether it is late."""

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
_MINUTES_PER_DAY = 24 * _MINUTES_PER_HOUR
#: From so many working days on, a duration is told in whole ones.
_WHOLE_DAYS_FROM = 10


@dataclass(frozen=True, slots=True)
class StepTimestamps:
    """The timestamps of one visit to a step; None for what has not happened yet."""

    arrived_at: dt.datetime
    taken_up_at: dt.datetime | None
    finished_at: dt.datetime | None

    def end_or(self, now: dt.datetime) -> dt.datetime:
        """Return the finish, or ``now`` while the step is open, but never before the last timestamp.

        (The server's clock may have been set back.)
        """
        return self.finished_at or max(now, self.taken_up_at or self.arrived_at)


@dataclass(frozen=True, slots=True)
class StepTiming:
    """The timing of a step, in working time; what is compared with a standard by the clock is time by the clock.

    ``waiting_time`` ends when the step is taken up (else at its finish, or now); ``handling_time`` is None until then.
    ``basis`` says which time is compared with the standard; it starts at ``measured_from`` and is ``measured_time``
    long so far. Without a standard ``due`` and ``allowed_time`` are None, and the step is never late (procedure.md,
    steps: T).
    """

    waiting_time: dt.timedelta
    handling_time: dt.timedelta | None
    basis: Judged
    measured_from: dt.datetime
    measured_until: dt.datetime
    measured_time: dt.timedelta
    due: dt.datetime | None
    allowed_time: dt.timedelta | None
    #: Whether the standard, and so the measured time, is of the clock, day and night.
    by_clock: bool = False

    @property
    def is_late(self) -> bool:
        """Whether the measured time exceeds the allowed time (the same as ``WorkCalendar.is_late``)."""
        return self.allowed_time is not None and self.measured_time > self.allowed_time

    @property
    def fraction_used(self) -> float | None:
        """The used fraction of the allowed time (1.0 is all of it); None without a standard."""
        return self.measured_time / self.allowed_time if self.allowed_time else None


def measure_timing(
    calendar: WorkCalendar,
    standard: StandardTime | None,
    timing_basis: Judged,
    timestamps: StepTimestamps,
    now: dt.datetime,
) -> StepTiming:
    """Return the timing at ``now``, by the SOP's ``standard`` and its switch ``timing_basis``.

    The handling time is compared with the standard only if the step was taken up, otherwise the time since arrival
    (procedure.md, reading 12). Raises OutsideCalendar for years whose holidays are unknown.
    """
    end = timestamps.end_or(now)
    waiting = calendar.elapsed(timestamps.arrived_at, timestamps.taken_up_at or end)
    handling = None if timestamps.taken_up_at is None else calendar.elapsed(timestamps.taken_up_at, end)
    basis: Judged
    if timing_basis == "handling" and timestamps.taken_up_at is not None and handling is not None:
        basis, since, measured = "handling", timestamps.taken_up_at, handling
    else:
        basis, since, measured = "arrival", timestamps.arrived_at, waiting + (handling or dt.timedelta())
    by_clock = standard is not None and standard.by_clock
    if by_clock:
        measured = end - since
    due = calendar.deadline(since, standard) if standard else None
    allowed = calendar.allowed_time(since, standard) if standard else None
    return StepTiming(waiting, handling, basis, since, end, measured, due, allowed, by_clock)


def standard_time_of(sop: Sop, step: Step) -> StandardTime | None:
    """Return the standard time of ``step``, or None.

    The request step has none: a draft is not work of the office (procedure.md leaves it out of its totals too).
    """
    return None if step is Step.REQUEST else sop.rules[step].standard


def measure_step(
    calendar: WorkCalendar, sop: Sop, step: Step, timestamps: StepTimestamps, now: dt.datetime
) -> StepTiming:
    """Return the timing at ``now`` of a visit to ``step``, by the standard time and the timing basis of ``sop``.

    Raises OutsideCalendar for times in years whose holidays nobody knows.
    """
    return measure_timing(calendar, standard_time_of(sop, step), sop.switches.timing_basis, timestamps, now)


def exceeds_standard(calendar: WorkCalendar, sop: Sop, step: Step, timestamps: StepTimestamps) -> bool:
    """Whether a finished visit to ``step`` is late by ``sop``: ``measure_step(…).is_late``, and no more than that."""
    standard = standard_time_of(sop, step)
    if standard is None or timestamps.finished_at is None:
        return False
    is_handling = sop.switches.timing_basis == "handling"
    since = (timestamps.taken_up_at if is_handling else None) or timestamps.arrived_at
    return calendar.is_late(since, standard, timestamps.finished_at)


def late_threshold(calendar: WorkCalendar, standard: StandardTime, now: dt.datetime) -> dt.datetime:
    """Return the latest start at which work with ``standard`` is not late at ``now``; every earlier start is late.

    A whole queue is judged by comparing its start times with this one. The search goes back by two months and twice
    the standard, longer than any office is closed at a stretch. It ends at a full minute (an opening), or full minutes
    before ``now``, since hours and standards are in minutes.
    """
    late, on_time = now - _LOOKBACK - dt.timedelta(days=2 * standard.minutes // MINUTES_PER_WORKDAY), now
    while on_time - late > _MINUTE:
        middle = late + (on_time - late) // 2
        if calendar.is_late(middle, standard, now):
            late = middle
        else:
            on_time = middle
    opening = on_time.replace(second=0, microsecond=0)
    is_on_time = late < opening and not calendar.is_late(opening, standard, now)
    if is_on_time and calendar.is_late(opening - _MICROSECOND, standard, now):
        return opening
    return now + (on_time - now) // _MINUTE * _MINUTE


def round_up_to_minutes(duration: dt.timedelta) -> int:
    """Return ``duration`` in minutes, rounded up, so that a late step shows more minutes than its standard."""
    return -(-duration // _MINUTE)


def duration_message(minutes: int, *, by_clock: bool = False) -> Message:
    """Return working time as a text: "2 h 5 min", "3 working days 2 h", "15 working days".

    From a day on it is rounded up to hours, from ten on to days. With ``by_clock`` it is time of the clock, day and
    night: "1 calendar day 2 h".
    """
    per_day, name_days = (_MINUTES_PER_DAY, _calendar_days) if by_clock else (MINUTES_PER_WORKDAY, _working_days)
    days, rest = divmod(minutes, per_day)
    if days >= _WHOLE_DAYS_FROM:
        return name_days(days + bool(rest))
    if not days:
        return _hours_message(rest)
    hours = -(-rest // _MINUTES_PER_HOUR)
    if hours * _MINUTES_PER_HOUR >= per_day:
        days, hours = days + 1, 0
    if not hours:
        return name_days(days)
    return _("%(days)s %(hours)s h", days=name_days(days), hours=hours)


def _working_days(days: int) -> Message:
    return _("1 working day") if days == 1 else _("%(days)s working days", days=days)


def _calendar_days(days: int) -> Message:
    return _("1 calendar day") if days == 1 else _("%(days)s calendar days", days=days)


def _hours_message(minutes: int) -> Message:
    hours, rest = divmod(minutes, _MINUTES_PER_HOUR)
    if not hours:
        return _("%(minutes)s min", minutes=rest)
    return _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest) if rest else _("%(hours)s h", hours=hours)
