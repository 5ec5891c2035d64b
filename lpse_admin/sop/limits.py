"""Limits on the time of a whole request, or of a stretch of its steps: ``[[limits]]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import _
from lpse_admin.sop.durations import parse_standard_time
from lpse_admin.sop.model import StandardTime, TimeLimit
from lpse_admin.sop.steps import Step
from lpse_admin.sop.toml.values import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.sop.model import StepRule
    from lpse_admin.sop.toml.values import Table

#: The length of the database column that keeps the text of a standard.
MAX_TITLE_LENGTH, MAX_TIME_LENGTH = 200, 100
MAX_LIMITS = 20

_LIMIT_KEYS = ("title", "from", "to", "time")


def read_limits(table: Table, rules: Mapping[Step, StepRule]) -> tuple[TimeLimit, ...]:
    """Return the limits of an SOP with these steps; adds an error for each wrong value."""
    limits: list[TimeLimit] = []
    for entry in table.tables("limits", _LIMIT_KEYS):
        title = entry.text("title", is_required=True, max_length=MAX_TITLE_LENGTH)
        if title and any(title == other.title for other in limits):
            entry.add_error(_("another limit has the same title"), "title")
        first, last = _step(entry, "from", rules), _step(entry, "to", rules)
        if last is Step.REQUEST:
            entry.add_error(_("no limit ends with the request: a draft is not work of the office"), "to")
        elif last is not None and last not in _reachable(first or Step.REQUEST, rules):
            entry.add_error(
                _("%(last)s cannot be reached from %(first)s", last=last, first=first or Step.REQUEST), "to"
            )
        standard = _standard(entry)
        limits.append(TimeLimit(title, standard or StandardTime("", 0), first, last))
    if len(limits) > MAX_LIMITS:
        table.add_error(_("an SOP has at most %(most)s limits", most=MAX_LIMITS), "limits")
    return tuple(limits)


def _step(entry: Table, key: str, rules: Mapping[Step, StepRule]) -> Step | None:
    name = entry.text(key)
    step = next((step for step in rules if step.value == name), None)
    if name and step is None:
        entry.add_error(
            _("%(step)s is not a step of this SOP; its steps are %(known)s", step=printable(name),
              known=", ".join(rules)), key,
        )  # fmt: skip
    return step


def _standard(entry: Table) -> StandardTime | None:
    text = entry.text("time", is_required=True, max_length=MAX_TIME_LENGTH)
    standard = parse_standard_time(text) if text else None
    if text and standard is None:
        entry.add_error(
            _("%(time)s is not a standard time; write it like 2 jam, 15 menit or 1 hari, up to a year",
              time=printable(text)), "time",
        )  # fmt: skip
    return standard


def _reachable(first: Step, rules: Mapping[Step, StepRule]) -> frozenset[Step]:
    """Return ``first`` and every step that a request can reach from it."""
    reached: set[Step] = set()
    pending = [first]
    while pending:
        step = pending.pop()
        if step not in reached:
            reached.add(step)
            pending += rules[step].leads_to.values() if step in rules else ()
    return frozenset(reached)
