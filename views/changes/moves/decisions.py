"""The outcomes offered below the form of a step, with the fields that belong to one of them alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.workflow.consequences import consequence, needs_confirmation
from lpse_admin.workflow.record_fields import ROW_KINDS

if TYPE_CHECKING:
    from lpse_admin.i18n import Message
    from lpse_admin.sop import Move, Sop
    from lpse_admin.sop.steps import Outcome
    from lpse_admin.workflow.record_fields import RecordField
    from views.changes.steps.form import StepForm

#: An outcome with more fields of its own than these has them in the form and not beside its button.
_MAX_FIELDS = 2


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome's button; if ``unfolds``, it is behind a line that unfolds to the consequence and ``fields``."""

    move: Move
    unfolds: bool
    consequence: tuple[Message, ...]
    fields: tuple[RecordField, ...]

    @property
    def outcome(self) -> Outcome:
        """The outcome of the move."""
        return self.move.outcome


def outcomes_of_field(field: RecordField, moves: tuple[Move, ...]) -> frozenset[Outcome]:
    """Return the outcomes of ``moves`` that ``field`` belongs to; empty if it belongs to all of them."""
    offered = {move.outcome for move in moves}
    own = offered & (field.only_for or field.required_for)
    return frozenset() if own == offered else frozenset(own)


def decisions(sop: Sop, moves: tuple[Move, ...], form: StepForm) -> tuple[Decision, ...]:
    """Return the offered outcomes in the SOP's order."""
    declared = [field for field, _input in form.record_fields()]
    if form.reason is not None:
        declared.append(form.reason)
    results = []
    for move in moves:
        own = tuple(field for field in declared if outcomes_of_field(field, moves) == {move.outcome})
        is_short = len(own) <= _MAX_FIELDS and not any(field.kind in ROW_KINDS for field in own)
        unfolds = needs_confirmation(move) or (len(moves) > 1 and sop.rules[move.origin].needs_reason(move.outcome))
        results.append(Decision(move, unfolds, consequence(sop, move), own if unfolds and is_short else ()))
    return tuple(results)
