"""What people type, read as they mean it: numbers, dates, identity numbers, choices, and texts that show nothing.

Forms, imports, filters and searches read with these functions, and pages and forms write with them, so that what was
written is read back as itself. A text with more than one meaning raises ``UnreadableError``, whose sentence says how to
write it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpse_admin.i18n import Message


class UnreadableError(ValueError):
    """A text that cannot be read, or not in one way only; ``message`` says to its writer how to write it."""

    def __init__(self, message: Message) -> None:
        """Store the message."""
        super().__init__(str(message))
        self.message = message
