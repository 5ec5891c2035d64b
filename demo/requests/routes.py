"""Ways through a sop: which outcome a demo request takes next, at random or towards something it is to show.

All is worked out from the sop's own moves; nothing here knows the order of the steps.
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

#: How often an outcome comes about, beside the other outcomes of its step (10 where it is not named).
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
#: A pressing topic makes an emergency of most of its requests.
_PRESSING = 30.0
#: What has happened to a request already is less likely to happen to it again, so that every walk ends.
_AGAIN = 0.3


@dataclass(frozen=True, slots=True)
class Aim:
    """What a request is to show: a move of its sop or, without an outcome, waiting in a step."""

    step: Step
    outcome: Outcome | None = None


class Routes:
    """How far it is from each step of a sop to each other."""

    def __init__(self, sop: Sop) -> None:
        """Measure the sop."""
        self._moves = sop.moves
        self._distances = {step: self._to(step) for step in sop.steps}
        self.moves = tuple(Aim(move.origin, move.outcome) for move in self._moves)
        self.waits = tuple(Aim(step) for step in sop.steps)

    def _to(self, goal: Step) -> Mapping[Step, int]:
        """Return the least number of moves to ``goal`` from every step that leads there."""
        distances = {goal: 0}
        edge = [goal]
        while edge:
            edge = [move.origin for move in self._moves if move.target in edge and move.origin not in distances]
            distances |= dict.fromkeys(edge, max(distances.values()) + 1)
        return distances

    def towards(self, aim: Aim, open_moves: Sequence[Move]) -> Move | None:
        """Return the open move that leads to ``aim`` the shortest way, or None where none does."""
        for move in open_moves:
            if (move.origin, move.outcome) == (aim.step, aim.outcome):
                return move
        distances = self._distances[aim.step]
        leading = [move for move in open_moves if move.target in distances]
        return min(leading, key=lambda move: distances[move.target], default=None)


def any_of(random: Random, open_moves: Sequence[Move], taken: Counter[Outcome], *, is_pressing: bool) -> Move:
    """Return one of the open moves, the likely ones more often."""
    if len(open_moves) == 1:
        return open_moves[0]
    weights = [
        _WEIGHTS.get(move.outcome, 10)
        * (_PRESSING if is_pressing and move.outcome is Outcome.EMERGENCY else 1)
        * _AGAIN ** taken[move.outcome]
        for move in open_moves
    ]
    return random.choices(open_moves, weights)[0]
