"""One demo request: the state that the scenario keeps between two events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpse_admin.sop import Move
from lpse_admin.sop.steps import Outcome, Step, Urgency
from lpse_admin.workflow.transitions import reason_move_blocked
from models.changes.steps.undisposed import undisposed

if TYPE_CHECKING:
    import datetime as dt
    from random import Random

    from demo.agency.inventory import Choice
    from demo.agency.office import Deputy, Office
    from demo.cast import Player
    from demo.content.wording import Topic
    from demo.requests.routes import Aim
    from lpse_admin.sop.steps import Result
    from lpse_admin.workflow.transitions import Position
    from models.changes.change import ChangeRequest


@dataclass(frozen=True, slots=True)
class Undisposed:
    """A deviation without a disposal."""

    id: int
    executor_id: int | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A deviation with an open follow-up."""

    id: int
    by_id: int
    until: dt.date


@dataclass(frozen=True, slots=True)
class PlannedRelease:
    """A scheduled release without an actual time."""

    id: int
    window_end: dt.datetime


@dataclass(slots=True)
class Journey:
    """A request of ``requester`` about ``topic``, with the move or step that it must reach (``aim``)."""

    office: Office
    requester: Player
    topic: Topic
    #: Values of the placeholders in the sentences.
    texts: dict[str, str]
    aim: Aim | None
    #: The step that it finishes late, where it will be open at the end.
    late_step: Step | None = None
    id: int = 0
    #: The position after the last event.
    position: Position = field(init=False)
    result: Result | None = None
    undisposed: list[Undisposed] = field(default_factory=list)
    follow_ups: list[FollowUp] = field(default_factory=list)
    #: Keys of the items with an attached file.
    attached: set[str] = field(default_factory=set)
    taken: Counter[Outcome] = field(default_factory=Counter)
    #: The findings of the asset review.
    choices: list[Choice] = field(default_factory=list)
    release: PlannedRelease | None = None
    #: Ids of the deviations whose disposal and whose follow-up are planned.
    to_dispose: set[int] = field(default_factory=set)
    to_follow_up: set[int] = field(default_factory=set)
    #: Working seconds at which the current step is reached and taken up.
    arrived: int = 0
    taken_up: int | None = None
    actor: Player | None = None
    deputy: Deputy | None = None

    @property
    def random(self) -> Random:
        """The random generator of the office."""
        return self.office.random

    @property
    def step(self) -> Step:
        """The current step."""
        return self.position.step

    @property
    def is_emergency(self) -> bool:
        """Whether its urgency is emergency."""
        return self.position.urgency is Urgency.EMERGENCY

    def update(self, change: ChangeRequest) -> None:
        """Copy the state of ``change``."""
        self.id = change.id
        self.position = change.position
        self.result = change.result
        self.update_deviations(change)

    def update_deviations(self, change: ChangeRequest) -> None:
        """Copy the undisposed deviations and open follow-ups of ``change``."""
        self.undisposed = [Undisposed(one.id, one.executor_id) for one in undisposed(change)]
        self.follow_ups = [
            FollowUp(one.id, one.follow_up_by_id, one.follow_up_until)
            for one in change.deviations
            if one.follow_up_by_id and one.follow_up_until and one.followed_up_at is None
        ]

    def has_deviated(self, user_id: int) -> bool:
        """Whether ``user_id`` would have to dispose of own deviations at this step, which an acting head may not."""
        is_verified_here = Outcome.VERIFIED in self.office.sop.rules[self.step].leads_to
        return is_verified_here and any(one.executor_id == user_id for one in self.undisposed)

    def open_moves(self) -> list[Move]:
        """Return the moves that the history does not block, for any actor."""
        step, position = self.step, self.position
        moves = (Move(step, outcome, target) for outcome, target in self.office.sop.rules[step].leads_to.items())
        return [move for move in moves if reason_move_blocked(move, position) is None]
