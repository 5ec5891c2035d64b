"""Routes through an SOP: the next outcome of a demo request, at random or towards an aim.

Everything is computed from the moves of the SOP; the order of the steps is not hard-coded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.sop.steps import Outcome, Step

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from random import Random

    from lpse_admin.sop import Move, Sop

#: Weights of the outcomes among those of their step (default 10).
_WEIGHTS: Mapping[Outcome, float] = {
    Outcome.ACCEPTED: 82,
    Outcome.RETURNED: 11,
    Outcome.REJECTED: 7,
    Outcome.RESUBMITTED: 85,
    Outcome.WITHDRAWN: 15,
    Outcome.EMERGENCY: 5,
    Outcome.NORMAL: 95,
    Outcome.APPROVED: 85,
    Outcome.REFUSED: 15,
    Outcome.PASSED: 92,
    Outcome.FAILED: 8,
    Outcome.VERIFIED: 92,
    Outcome.REVISE: 8,
    Outcome.SCHEDULED: 75,
    Outcome.NO_RELEASE: 25,
    Outcome.CHANGED: 25,
    Outcome.UNCHANGED: 75,
}
#: Factor of the weight of an emergency for a pressing topic.
_PRESSING = 30.0
#: Factor of the weight of an outcome for each time that it was taken before, so that every request ends.
_AGAIN = 0.3


@dataclass(frozen=True, slots=True)
class Aim:
    """What a request must reach: a move of its SOP or, without an outcome, a step in which it waits."""

    step: Step
    outcome: Outcome | None = None


class Routes:
    """The distances between the steps of an SOP, in moves."""

    def __init__(self, sop: Sop) -> None:
        """Compute the distances."""
        self._moves = sop.moves
        self._distances = {step: self._to(step) for step in sop.steps}
        self.moves = tuple(Aim(move.origin, move.outcome) for move in self._moves)
        self.waits = tuple(Aim(step) for step in sop.steps)

    def _to(self, goal: Step) -> Mapping[Step, int]:
        """Return the minimum number of moves to ``goal`` from every step that leads there."""
        distances = {goal: 0}
        frontier = [goal]
        while frontier:
            frontier = [move.origin for move in self._moves if move.target in frontier and move.origin not in distances]
            distances |= dict.fromkeys(frontier, max(distances.values()) + 1)
        return distances

    def steps_to(self, goal: Step) -> list[Step]:
        """Return the steps on the shortest route from the first step to ``goal``, without it."""
        step, route = Step.REQUEST, []
        while step is not goal:
            route.append(step)
            distances = self._distances[goal]
            targets = [move.target for move in self._moves if move.origin is step and move.target in distances]
            step = min(targets, key=lambda target: distances[target])
        return route

    def towards(self, aim: Aim, open_moves: Sequence[Move]) -> Move | None:
        """Return the open move on the shortest route to ``aim``, or None if there is none."""
        for move in open_moves:
            if (move.origin, move.outcome) == (aim.step, aim.outcome):
                return move
        distances = self._distances[aim.step]
        leading = [move for move in open_moves if move.target in distances]
        return min(leading, key=lambda move: distances[move.target], default=None)


def any_of(random: Random, open_moves: Sequence[Move], taken: Counter[Outcome], *, is_pressing: bool) -> Move:
    """Return a random open move, by weight."""
    if len(open_moves) == 1:
        return open_moves[0]
    weights = [
        _WEIGHTS.get(move.outcome, 10)
        * (_PRESSING if is_pressing and move.outcome is Outcome.EMERGENCY else 1)
        * _AGAIN ** taken[move.outcome]
        for move in open_moves
    ]
    return random.choices(open_moves, weights)[0]
