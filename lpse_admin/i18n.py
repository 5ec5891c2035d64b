"""Translatable messages and enum labels.

The rules and models do not know the user's language. They return a ``Message``: the English msgid and its values. The
screens translate it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from typing import Self


@dataclass(frozen=True, slots=True)
class Message:
    """An English msgid with ``%(name)s`` placeholders, and their values (which may be Messages)."""

    text: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        """Return the English text, for logs and the terminal."""
        return self.text % self.values if self.values else self.text

    def __hash__(self) -> int:
        """Hash the text alone, since values may be unhashable."""
        return hash(self.text)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A value of a Message: from ``start`` until ``end``, in the time zone in which both are shown."""

    start: dt.datetime
    end: dt.datetime


def _(text: str, **values: object) -> Message:
    """Mark ``text`` for translation; ``values`` are inserted when it is translated."""
    return Message(text, MappingProxyType(values))


def own_words(text: str) -> Message:
    """Return an SOP's own text as a Message, which no catalogue translates."""
    return Message("%(text)s", MappingProxyType({"text": text}))


def join_messages(parts: list[Message | str], separator: str = "; ") -> Message:
    """Return a Message that joins ``parts``, each translated separately."""
    text = separator.join(f"%(part{number})s" for number in range(len(parts)))
    return Message(text, MappingProxyType({f"part{number}": part for number, part in enumerate(parts)}))


class LabelledEnum(StrEnum):
    """An enum whose members are declared as ``NAME = value, title``: the stored value and its label."""

    _title: Message

    def __new__(cls, value: str, _title: Message | None = None) -> Self:
        """Create a member from its value; ``__init__`` sets its title."""
        member = str.__new__(cls, value)
        member._value_ = value
        return member

    def __init__(self, value: str, title: Message | None = None) -> None:
        self._title = title or Message(value)

    @property
    def title(self) -> Message:  # type: ignore[override] # replaces str.title
        """The label of the member."""
        return self._title
