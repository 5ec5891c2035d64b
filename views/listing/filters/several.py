"""Columns that hold several members of an enum (``models.base.EnumSet``): their cells, and a filter for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, type_coerce

from lpse_admin.i18n import LabelledEnum, Message, join_messages
from models.base import enum_set_texts
from views.listing.filters.kinds import ChoiceFilter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import QueryableAttribute


@dataclass(frozen=True, slots=True)
class Several:
    """A choice of several members: the text that is stored, and the titles that are shown."""

    value: str
    title: Message


def several_of(members: type[LabelledEnum]) -> tuple[Several, ...]:
    """Return what a column of several ``members`` may hold, as ``Column.choices`` takes it."""
    titles = {member.value: member.title for member in members}
    texts = enum_set_texts(members)
    return tuple(Several(text, join_messages([titles[one] for one in text.split()], ", ")) for text in texts)


def stored_text(column: ColumnElement[Any] | QueryableAttribute[Any]) -> ColumnElement[str]:
    """Return ``column`` as the text that it stores, which is what cells and exports are made of."""
    return type_coerce(column, String())


@dataclass(frozen=True, slots=True)
class MemberFilter(ChoiceFilter):
    """Rows whose column has a member, alone or among others: ``?kind=application``."""

    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return that the stored text is one with the chosen member."""
        if ChoiceFilter.criterion(self, values, zone) is None:
            return None
        member = next(one for one in self._choices() if one.value == values[self.key])
        result: ColumnElement[bool] = stored_text(self.column).in_(enum_set_texts(type(member), member))
        return result
