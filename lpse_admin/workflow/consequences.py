"""Which moves are confirmed before they are made, and what is said of their consequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import HEAD_STEPS, Outcome, Step

if TYPE_CHECKING:
    from lpse_admin.sop import Move, Sop

#: What an outcome means beyond the step that it leads to.
_MEANINGS: dict[Outcome, Message] = {
    Outcome.RETURNED: _("The requester is told the reason, and may correct the request or withdraw it."),
    Outcome.REJECTED: _("The requester is told the reason."),
    Outcome.EMERGENCY: _("The requester is told the reason."),
    Outcome.APPROVED: _("The change may then be implemented."),
    Outcome.REFUSED: _("Until it is approved, the change cannot be implemented. The requester is told the reason."),
    Outcome.FAILED: _("The change cannot be released any more; it has to be rolled back."),
    Outcome.NO_RELEASE: _("The requester is told the reason."),
    Outcome.UPDATED: _("The mutations are entered in the asset list."),
}


def needs_confirmation(move: Move) -> bool:
    """Whether ``move`` is confirmed: it closes the request, is a decision of the head, or ends in a roll back."""
    return move.target is Step.CLOSED or move.origin.kind in HEAD_STEPS or move.outcome is Outcome.FAILED


def consequence(sop: Sop, move: Move) -> tuple[Message, ...]:
    """Return the sentences on what follows from ``move``."""
    if move.target is Step.CLOSED:
        where = _("The request is closed. A closed request is not reopened; another try is a new request.")
    else:
        where = _(
            "The request goes to “%(step)s” (%(actor)s).",
            step=move.target.title,
            actor=sop.actor_title(move.target),
        )
    meaning = _MEANINGS.get(move.outcome)
    final = _("This cannot be undone.")
    return (where, *((meaning,) if meaning else ()), *((final,) if needs_confirmation(move) else ()))
