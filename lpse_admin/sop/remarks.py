"""What a valid SOP leaves to ask: steps where a request can get stuck, and how its times are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lpse_admin.i18n import _
from lpse_admin.sop.durations import MINUTES_PER_WORKDAY
from lpse_admin.sop.model import LineError
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.sop.toml.scanner import find_line_numbers, line_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpse_admin.i18n import Message
    from lpse_admin.sop.model import Sop, StepRule

#: Decisions, with what they need besides the outcome that goes on.
_WAYS_OUT = {
    Step.APPROVAL: (Outcome.REFUSED,),
    Step.EVALUATION: (Outcome.RETURNED, Outcome.REJECTED),
}
_HOURS = re.compile(r"\bjam\b")


def dead_ends(sop: Sop, text: str) -> list[LineError]:
    """Return the steps of ``sop`` where a request can get stuck, by their line in the file ``text``."""
    return _remarks(sop, text, "outcomes", _dead_end)


def time_readings(sop: Sop, text: str) -> list[LineError]:
    """Return how the times are read that could be working time as well as time by the clock, by line."""
    return _remarks(sop, text, "time", _time_reading)


def _remarks(sop: Sop, text: str, key: str, remark_of: Callable[[StepRule], Message | None]) -> list[LineError]:
    lines = find_line_numbers(text.removeprefix("\ufeff"))
    return [
        LineError(line_of(lines, ("steps", index, key)), remark, ("steps", index, key))
        for index, rule in enumerate(sop.rules.values())
        if (remark := remark_of(rule)) is not None
    ]


def _dead_end(rule: StepRule) -> Message | None:
    ways_out = _WAYS_OUT.get(rule.step.kind)
    if ways_out is None or any(outcome in rule.leads_to for outcome in ways_out):
        return None
    return _(
        "%(step)s has no way to say no: a request that is not to go on would stay here for good; add %(outcomes)s",
        step=rule.step,
        outcomes=" / ".join(ways_out),
    )


def _time_reading(rule: StepRule) -> Message | None:
    standard = rule.standard
    if standard is None:
        return None
    if standard.by_clock:
        return _("“%(time)s” is read as time by the clock, day and night", time=standard.text)
    if standard.minutes < MINUTES_PER_WORKDAY or not _HOURS.search(standard.text.lower()):
        return None
    return _(
        "“%(time)s” is read as working time: %(minutes)s working minutes; for time by the clock write"
        " “%(time)s kalender”",
        time=standard.text,
        minutes=standard.minutes,
    )
