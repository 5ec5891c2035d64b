"""The fields of a record as facts and tables of a paper, drawn from their declaration."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.inventory.cards import AssetCondition, CardColumnKind, card_columns
from lpse_admin.papers.content import PaperFact, PaperTable
from lpse_admin.parsing.numbers import write_number
from lpse_admin.workflow.record_fields import SOP_FIELD_PREFIX, FieldKind, RecordField, is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lpse_admin.inventory.cards import CardColumn
    from models.changes.loading import StepShown
    from models.inventory.asset import AssetMutation
    from views.papers.contents.wording import Words

#: The columns of fields that consist of rows: keys of a row, with headings and shares of the width.
_ROW_COLUMNS: Mapping[FieldKind, tuple[tuple[str, Message, float], ...]] = {
    FieldKind.TEST_CASES: (
        ("name", _("Test case"), 3),
        ("expected", _("Expected result"), 3),
        ("actual", _("Actual result"), 3),
    ),
    FieldKind.ASSETS: (("asset", _("Asset"), 4), ("finding", _("Finding"), 5)),
    FieldKind.TOUCHED_ASSETS: (("asset", _("Asset"), 1),),
}
_MUTATION_HEADINGS = (_("Asset"), _("Mutation"), _("Column"), _("Before"), _("After"))
_MUTATION_WIDTHS = (3.0, 1.5, 2.0, 2.0, 2.0)
_NOTHING = "–"


def fact(key: str, label: object, value: object, words: Words) -> PaperFact:
    """Return a labelled value."""
    return PaperFact(key, words.text(label), value_text(value, words), raw_text(value))


def facts_of(fields: Iterable[RecordField], values: Mapping[str, Any], words: Words) -> tuple[PaperFact, ...]:
    """Return the fields that are filled and are not rows, in their order."""
    return tuple(
        PaperFact(
            field.key,
            words.text(field.label),
            _minutes(values[field.key], words)
            if field.kind is FieldKind.MINUTES
            else value_text(values[field.key], words),
            raw_text(values[field.key]),
        )
        for field in fields
        if not _has_rows(field) and not is_empty(values.get(field.key))
    )


def tables_of(fields: Iterable[RecordField], values: Mapping[str, Any], words: Words) -> tuple[PaperTable, ...]:
    """Return the fields that consist of rows and have some, in their order."""
    return tuple(
        _mutation_table(field, values[field.key], words)
        if field.kind is FieldKind.MUTATIONS
        else _row_table(field, values[field.key], words)
        for field in fields
        if _has_rows(field) and not is_empty(values.get(field.key))
    )


def own_facts(step: StepShown | None) -> tuple[PaperFact, ...]:
    """Return what ``step`` says in the fields that its SOP asks for, in the order of the SOP."""
    values = step.own_values if step is not None else ()
    return tuple(PaperFact(SOP_FIELD_PREFIX + one.key, one.label, one.words, one.value) for one in values)


def _has_rows(field: RecordField) -> bool:
    return field.kind is FieldKind.MUTATIONS or field.kind in _ROW_COLUMNS


def value_text(value: object, words: Words) -> str:
    """Return a value as it stands on paper."""
    match value:
        case None | "":
            return _NOTHING
        case dt.datetime():
            return words.moment(value)
        case dt.date():
            return words.day(value)
        case bool():
            return words.text(_("Yes") if value else _("No"))
        case tuple() | list():
            return ", ".join(value_text(one, words) for one in value)
        case _:
            return words.text(value)


def raw_text(value: object) -> str:
    """Return a value as it is stored, which no change of wording, zone or language alters."""
    match value:
        case None:
            return ""
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dt.date():
            return value.isoformat()
        case LabelledEnum():
            return value.value
        case tuple() | list():
            return " ".join(raw_text(one) for one in value)
        case _:
            return str(value)


def _minutes(value: object, words: Words) -> str:
    return words.text(_("%(minutes)s minutes", minutes=str(value)))


def _row_table(field: RecordField, rows: Sequence[Mapping[str, Any]], words: Words) -> PaperTable:
    columns = _ROW_COLUMNS[field.kind]
    return PaperTable(
        field.key,
        words.text(field.label),
        tuple(words.text(heading) for _key, heading, _width in columns),
        tuple(tuple(value_text(row.get(key), words) for key, _heading, _width in columns) for row in rows),
        tuple(width for _key, _heading, width in columns),
        tuple(tuple(raw_text(row.get(key)) for key, _heading, _width in columns) for row in rows),
    )


def _mutation_table(field: RecordField, mutations: Sequence[AssetMutation], words: Words) -> PaperTable:
    rows = [row for mutation in mutations for row in _mutation_rows(mutation, words)]
    return PaperTable(
        field.key,
        words.text(field.label),
        tuple(words.text(heading) for heading in _MUTATION_HEADINGS),
        tuple(rows),
        _MUTATION_WIDTHS,
        tuple(
            (str(mutation.asset_id), mutation.kind.value, mutation.before or "", mutation.after)
            for mutation in mutations
        ),
    )


def _mutation_rows(mutation: AssetMutation, words: Words) -> list[tuple[str, ...]]:
    """Return a row for each column that a mutation changed; the item and the kind stand in the first alone."""
    before = json.loads(mutation.before) if mutation.before else {}
    after = json.loads(mutation.after)
    changed = [
        (
            words.text(column.label),
            _card_value(column, before.get(key), words),
            _card_value(column, after.get(key), words),
        )
        for key, column in card_columns(mutation.asset.card).items()
        if before.get(key) != after.get(key)
    ] or [(_NOTHING, _NOTHING, _NOTHING)]
    names = [(str(mutation.asset), words.text(mutation.kind)), *[("", "")] * (len(changed) - 1)]
    return [(*name, *cells) for name, cells in zip(names, changed, strict=True)]


def _card_value(column: CardColumn, value: object, words: Words) -> str:
    if value in (None, ""):
        return _NOTHING
    formatter = _CARD_VALUES.get(column.kind)
    return words.text(value) if formatter is None else formatter(value, words)


_CARD_VALUES: Mapping[CardColumnKind, Callable[[object, Words], str]] = {
    CardColumnKind.CONDITION: lambda value, words: words.text(AssetCondition(str(value))),
    CardColumnKind.YES_NO: lambda value, words: words.text(_("Yes") if value else _("No")),
    CardColumnKind.DATE: lambda value, words: words.day(dt.date.fromisoformat(str(value))),
    CardColumnKind.NUMBER: lambda value, _words: write_number(Decimal(str(value))),
    CardColumnKind.MONEY: lambda value, _words: f"Rp{format_decimal(Decimal(str(value)), '#,##0.00', locale='id')}",
}
