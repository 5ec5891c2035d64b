"""Sentences for people, kept apart from the language they will be read in.

Nothing below the screens knows who reads. A rule therefore answers with a ``Message``: the English
text that is the key of the translation, and the values to be put into it. The screens translate it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


@dataclass(frozen=True, slots=True)
class Message:
    """An English text with ``%(name)s`` places, and what stands in them (Messages included)."""

    text: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        """Return the sentence in English, for logs and the terminal."""
        return self.text % self.values if self.values else self.text

    def __hash__(self) -> int:
        """Hash by the text alone, as values may be unhashable."""
        return hash(self.text)


def _(text: str, **values: object) -> Message:
    """Mark ``text`` for translation and fill it with ``values`` when it is read."""
    return Message(text, MappingProxyType(values))


def join_messages(parts: list[Message | str], separator: str = "; ") -> Message:
    """Return one Message that lists ``parts``, each translated on its own."""
    places = separator.join(f"%(part{number})s" for number in range(len(parts)))
    return Message(places, MappingProxyType({f"part{number}": part for number, part in enumerate(parts)}))


class LabelledEnum(StrEnum):
    """An enum whose members are declared as ``NAME = value, title``: what is stored, and what people read."""

    _title: Message  # set by __new__

    def __new__(cls, value: str, heading: Message | None = None) -> Self:
        """Make a member that is its value, and keep its title beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member._title = heading or Message(value)  # noqa: SLF001 - this is the member being made
        return member

    @property
    def title(self) -> Message:  # type: ignore[override] # a word's name on screen, not str.title's capitals
        """The word as it is shown."""
        return self._title
