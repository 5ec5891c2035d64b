"""Words of the procedure: stored values that know what they are called on screen."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message

if TYPE_CHECKING:
    from typing import Self


class Word(StrEnum):
    """An enum whose members are declared as ``NAME = value, title``: what is stored, and what people read."""

    _heading: Message  # set by __new__

    def __new__(cls, value: str, heading: Message | None = None) -> Self:
        """Make a member that is its value, and keep its title beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member._heading = heading or Message(value)  # noqa: SLF001 - this is the member being made
        return member

    @property
    def title(self) -> Message:  # type: ignore[override] # a word's name on screen, not str.title's capitals
        """The word as it is shown."""
        return self._heading
