"""What the trail calls the actions of the program. The operation that does something names its action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.audit.trail import describe_action

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lpse_admin.i18n import Message

#: Every action that has a title, in the order in which the modules declare them.
AUDIT_ACTIONS: list[AuditAction] = []


@dataclass(frozen=True, slots=True)
class AuditAction:
    """An action of the trail: the value that is stored, and the title that is shown. Making one registers it."""

    value: str
    title: Message

    def __post_init__(self) -> None:
        AUDIT_ACTIONS.append(self)

    def describe(self, session: Session, *, reason: str | None = None, capacity: str | None = None) -> None:
        """Make this the action of what ``session`` writes until its commit."""
        details = {"reason": reason, "capacity": capacity}
        describe_action(session, self.value, **{key: text for key, text in details.items() if text})
