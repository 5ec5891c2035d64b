"""A closed request as the trial of an SOP reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from lpse_admin.accounts.roles import Role
    from lpse_admin.sop import Sop
    from lpse_admin.sop.steps import Outcome, Step
    from lpse_admin.workflow.record_fields import ChangeKind
    from lpse_admin.worktime.step_timing import StepTimestamps


@dataclass(frozen=True, slots=True)
class PastStep:
    """A finished step: its outcome, its times, who finished it, and what its record has.

    ``actor_role`` is the role that its SOP gave the step; ``own_values`` are the values of the fields that an SOP asks
    for, by the keys of ``record_fields``; ``equipment`` are the keys that were ticked.
    """

    step: Step
    outcome: Outcome
    target: Step
    timestamps: StepTimestamps
    actor_id: int
    actor: str
    actor_role: Role
    has_reason: bool = False
    equipment: frozenset[str] = frozenset()
    own_values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def arrived_at(self) -> dt.datetime:
        """When the request arrived at the step."""
        return self.timestamps.arrived_at

    @property
    def finished_at(self) -> dt.datetime | None:
        """When the step was finished."""
        return self.timestamps.finished_at


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A closed request with its finished steps in order, and the SOP that it followed (``former``).

    ``documents`` are the keys of the requirements that a file of the request meets.
    """

    id: int
    number: str
    title: str
    closed_at: dt.datetime
    requester_id: int
    former: Sop
    steps: Sequence[PastStep]
    on_behalf_of: str | None = None
    kinds: tuple[ChangeKind, ...] = ()
    documents: frozenset[str] = frozenset()
