"""The columns and filters of what the SOPs of the reader's office ask for, in the lists of steps and of requests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import type_coerce
from typing_extensions import override

from lpse_admin.i18n import own_words
from lpse_admin.parsing.durations import read_duration
from lpse_admin.parsing.numbers import read_money, read_number
from lpse_admin.sop.fields import NO, YES, SopField, SopFieldKind
from lpse_admin.workflow.field_values import NUMBER_FACTOR
from lpse_admin.workflow.record_fields import SOP_FIELD_PREFIX, FieldKind
from models.changes.steps.field_value import StoredAs
from views.exports.columns import CellKind
from views.listing.filters.kinds import (
    ChoiceFilter,
    DateRangeFilter,
    NumberRangeFilter,
    OptionFilter,
    WordsFilter,
    contains,
)
from views.listing.lists import Column
from views.sops.named_steps import sops_of_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, ScalarSelect

    from lpse_admin.i18n import Message
    from lpse_admin.sop.steps import Step
    from views.listing.filters.kinds import Filter
    from views.listing.lists import ListSpec

    #: Reads a column of what a field says, by the field; or by a row's id, key and kind.
    Read = Callable[[SopField, str], ScalarSelect[Any]]
    ValueOf = Callable[[ColumnElement[int], str, SopFieldKind, str], ScalarSelect[Any]]

#: The kinds that are read from their value and not from its words, so that exports have figures and dates.
_CELL_KINDS = {
    SopFieldKind.NUMBER: CellKind.NUMBER,
    SopFieldKind.MONEY: CellKind.MONEY,
    SopFieldKind.DURATION: CellKind.MINUTES,
    SopFieldKind.DATE: CellKind.DATE,
    SopFieldKind.MOMENT: CellKind.DATETIME,
}
_NUMBER_READERS: dict[SopFieldKind, Callable[[str], Any]] = {
    SopFieldKind.NUMBER: read_number,
    SopFieldKind.MONEY: read_money,
    SopFieldKind.DURATION: read_duration,
}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a list, as a filter offers it."""

    value: str
    title: Message


def with_own_fields(spec: ListSpec, step: Step, value_of: ValueOf, row_id: ColumnElement[int]) -> ListSpec:
    """Return ``spec`` with what the SOPs of the reader's office ask for in ``step``, read by ``value_of`` a row's id.

    Fields that a later revision dropped stay, the newest revision first; one that changed its kind counts as it is now.
    """
    result: dict[str, SopField] = {}
    for sop in sops_of_reader():
        for of_sop in (step, *(one for one in sop.steps if one.record is step and one is not step)):
            for field in sop.fields_of(of_sop):
                result.setdefault(field.key, field)
    return _extended(spec, value_of, row_id, tuple(result.values())) if result else spec


@lru_cache(maxsize=256)
def _extended(spec: ListSpec, value_of: ValueOf, row_id: ColumnElement[int], fields: tuple[SopField, ...]) -> ListSpec:
    """Return ``spec`` with the columns and filters of ``fields``; the same one again, as its statements are kept."""

    def read(field: SopField, column: str) -> ScalarSelect[Any]:
        return value_of(row_id, field.key, field.kind, column)

    columns = [_column(field, read) for field in fields]
    filters = [one for field in fields if (one := _filter(field, read)) is not None]
    index = next((index for index, one in enumerate(spec.column_list) if one.key == "reason"), len(spec.column_list))
    return replace(
        spec,
        column_list=(*spec.column_list[:index], *columns, *spec.column_list[index:]),
        column_filters=(*spec.column_filters, *filters),
    )


def _column(field: SopField, read: Read) -> Column:
    kind = _CELL_KINDS.get(field.kind, CellKind.TEXT)
    is_text = kind is CellKind.TEXT
    return Column(
        SOP_FIELD_PREFIX + field.key,
        own_words(field.label),
        read(field, "words") if is_text else _value(field, read),
        kind,
        in_list=field.is_listed,
        in_list_while_open=False,
        wide=field.kind in {SopFieldKind.TEXT, SopFieldKind.ROWS},
    )


def _value(field: SopField, read: Read) -> ColumnElement[Any]:
    return type_coerce(read(field, "value"), StoredAs(FieldKind(field.kind.value)))


def _filter(field: SopField, read: Read) -> Filter | None:
    key, label = SOP_FIELD_PREFIX + field.key, own_words(field.label)
    words = (YES, NO) if field.kind is SopFieldKind.YES_NO else field.choices
    choices = tuple(Word(word, own_words(word)) for word in words)
    match field.kind:
        case SopFieldKind.YES_NO | SopFieldKind.ONE_OF:
            return ChoiceFilter(key, label, column=read(field, "value"), choices=choices)
        case SopFieldKind.SEVERAL_OF:
            return _MemberFilter(key, label, column=read(field, "value"), choices=choices)
        case SopFieldKind.DATE | SopFieldKind.MOMENT:
            is_moment = field.kind is SopFieldKind.MOMENT
            return DateRangeFilter(key, label, column=_value(field, read), is_datetime=is_moment, is_planned=True)
        case SopFieldKind.NUMBER | SopFieldKind.MONEY | SopFieldKind.DURATION:
            reader = _NUMBER_READERS[field.kind]
            return NumberRangeFilter(key, label, column=read(field, "number"), read=reader, factor=NUMBER_FACTOR)
        case _:
            return WordsFilter(key, label, columns=(read(field, "words"),))


@dataclass(frozen=True, slots=True)
class _MemberFilter(OptionFilter):
    """Rows whose list of words has one of them: ``?field-scope=Keamanan``."""

    column: Any = None
    choices: Sequence[Word] = ()

    @override
    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the words."""
        return [(one.value, one.title) for one in self.choices]

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return that the stored list has the chosen word."""
        value = values.get(self.key)
        if not value:
            return None
        if value not in {one.value for one in self.choices}:
            raise self._malformed(value)
        return contains(self.column, json.dumps(value, ensure_ascii=False))
