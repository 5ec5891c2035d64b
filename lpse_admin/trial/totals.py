"""The figures of a trial: of all requests, of each step, and of each person who would have been barred."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpse_admin.i18n import Message
    from lpse_admin.sop import Sop
    from lpse_admin.sop.steps import Step
    from lpse_admin.trial.judging import JudgedRequest, JudgedStep, Obstacle


@dataclass(slots=True)
class StepTotals:
    """What a step came to. ``actor`` is whom the SOP has take it; empty for a step that it does not have."""

    step: Step
    title: Message
    actor: str | Message
    visits: int = 0
    stops: int = 0
    missing: int = 0
    late: int = 0
    was_late: int = 0
    other_actor: int = 0
    barred: int = 0

    def add(self, visit: JudgedStep) -> None:
        """Count a visit to the step."""
        self.visits += 1
        self.missing += bool(visit.missing)
        self.late += visit.is_late
        self.was_late += visit.was_late
        self.other_actor += visit.is_other_actor
        self.barred += bool(visit.barred)


#: What is counted of a step, in the order of the table.
STEP_COUNTS = ("visits", "stops", "missing", "late", "was_late", "other_actor", "barred")


@dataclass(slots=True)
class TrialTotals:
    """What a trial came to; ``steps`` are those of the SOP in its order, and behind them those that it does not have.

    ``barred`` counts visits by name and title of the step.
    """

    requests: int = 0
    unchanged: int = 0
    stopped: int = 0
    missing: int = 0
    late: int = 0
    was_late: int = 0
    limits: int = 0
    other_actor: int = 0
    barred_requests: int = 0
    obstacles: Counter[Obstacle] = field(default_factory=Counter)
    steps: dict[Step, StepTotals] = field(default_factory=dict)
    barred: Counter[tuple[str, Step]] = field(default_factory=Counter)

    @classmethod
    def of(cls, sop: Sop) -> TrialTotals:
        """Return totals of nothing, with the steps of ``sop``."""
        steps = {step: StepTotals(step, sop.step_title(step), sop.actor_title(step)) for step in sop.steps}
        return cls(steps=steps)

    def add(self, request: JudgedRequest) -> None:
        """Count a request."""
        self.requests += 1
        self.unchanged += request.is_without_remark
        self.missing += bool(request.missing)
        self.late += bool(request.late)
        self.was_late += any(step.was_late for step in request.steps)
        self.limits += bool(request.passed_limits)
        self.other_actor += bool(request.other_actors)
        self.barred_requests += bool(request.barred)
        for visit in request.steps:
            self.steps.setdefault(visit.step, StepTotals(visit.step, visit.title, "")).add(visit)
            if visit.barred:
                self.barred[visit.barred, visit.step] += 1
        if request.stop is not None:
            self.stopped += 1
            self.obstacles[request.stop.obstacle] += 1
            self.steps[request.stop.step].stops += 1

    def sum_of(self, count: str) -> int:
        """Return the sum of one of ``STEP_COUNTS`` over all steps."""
        return sum(getattr(totals, count) for totals in self.steps.values())

    def acts(self) -> list[tuple[str | Message, int]]:
        """Return how many steps each actor of the SOP would have had to take, the most first."""
        counts: Counter[str] = Counter()
        titles: dict[str, str | Message] = {}
        for totals in self.steps.values():
            if totals.actor:
                counts[str(totals.actor)] += totals.visits
                titles[str(totals.actor)] = totals.actor
        return [(titles[name], number) for name, number in counts.most_common() if number]
