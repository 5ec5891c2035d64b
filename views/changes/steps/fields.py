"""The form fields of a step's record: one for each kind of record field, and what their values are read as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from wtforms import (
    Field,
    FieldList,
    FormField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import Card
from lpse_admin.inventory.cards import card_columns as asset_columns
from lpse_admin.parsing.blank import is_blank
from lpse_admin.workflow.field_values import MAX_ROWS
from lpse_admin.workflow.record_fields import (
    FieldKind,
    RecordField,
)
from models.changes.change import ChangeRequest
from models.database import db
from models.inventory.asset import MutationKind
from views.changes.assets.lookup import AssetField, LookupField
from views.changes.own_fields.inputs import input_value, make_input
from views.forms.base import CheckboxListField
from views.forms.fields import AwareDateTimeField, DateField, IntegerField, ParsedField
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum


#: Initial number of rows of a field that consists of rows.
_MIN_ROWS = 3


ASSET_FIELD_KINDS = frozenset({FieldKind.ASSETS, FieldKind.TOUCHED_ASSETS, FieldKind.MUTATIONS})


_NO_CHOICE = SelectChoice("", "–")


#: Fields with another name in the form: ``version`` is taken by the version of the request.
_FORM_FIELD_NAMES = {"version": "release_version"}


def field_key(name: str) -> str:
    """Return the key of the record's field that a form sends as ``name``."""
    return next((key for key, own in _FORM_FIELD_NAMES.items() if own == name), name)


def form_field_name(key: str) -> str:
    """Return the name under which a form sends the record's field ``key``."""
    return _FORM_FIELD_NAMES.get(key, key)


def make_field(field: RecordField, change: ChangeRequest) -> Field:  # noqa: C901, PLR0911 - one for each kind
    """Return the form field for one kind of record field."""
    label = tr(field.label)
    match field.kind:
        case FieldKind.SINGLE_LINE:
            return StringField(label, name=form_field_name(field.key))
        case FieldKind.MULTI_LINE:
            return TextAreaField(label)
        case FieldKind.DATETIME:
            return AwareDateTimeField(label)
        case FieldKind.DATE:
            return DateField(label)
        case FieldKind.MINUTES:
            return IntegerField(label)
        case FieldKind.CHOICE:
            return SelectField(label, choices=_choices(field.choices), coerce=_coerce_to(field.choices))
        case FieldKind.CHOICES:
            members = [SelectChoice(member.value, tr(member.title)) for member in field.choices or ()]
            return CheckboxListField(label, choices=members, coerce=_coerce_to(field.choices))
        case FieldKind.LINKED_CHANGE:
            return LookupField(label, find_id=lambda text: _find_change_id(change, text), name_of=_change_number)
        case FieldKind.TEST_CASES | FieldKind.ASSETS | FieldKind.TOUCHED_ASSETS:
            row = FormField(_ROW_FORMS[field.kind](change))
            return FieldList(row, label, min_entries=_MIN_ROWS, max_entries=MAX_ROWS)
        case FieldKind.MUTATIONS:
            return FieldList(FormField(_mutation_form(change)), label, max_entries=MAX_ROWS)
        case _:
            return make_input(field, change)


def field_value(field: RecordField, form_field: Field) -> object:
    """Return the value of a form field. Raises ValidationFailed if a row names no asset."""
    if isinstance(form_field, FieldList) and field.kind in ASSET_FIELD_KINDS:
        _require_assets_found(form_field)
    match field.kind:
        case FieldKind.TEST_CASES:
            return [row for row in form_field.data if not all(is_blank(text or "") for text in row.values())]
        case FieldKind.ASSETS:
            return [
                {"asset_id": row["asset"], "finding": row["finding"] or ""}
                for row in form_field.data
                if row["asset"] or not is_blank(row["finding"] or "")
            ]
        case FieldKind.TOUCHED_ASSETS:
            return [{"asset_id": row["asset"]} for row in form_field.data if row["asset"]]
        case FieldKind.MUTATIONS:
            return [row for row in map(_parse_mutation, form_field.data) if row]
        case FieldKind.CHOICES:  # an empty value stands for none: boxes that are not ticked are not sent
            return tuple(member for member in form_field.data or () if member is not None) or None
        case _:
            return input_value(field, form_field) if field.is_of_sop else form_field.data


def parse_error(field: RecordField, form_field: Field) -> Message:
    """Return the error for a value that cannot be parsed."""
    if isinstance(form_field, ParsedField) or field.kind in {FieldKind.DATETIME, FieldKind.DATE, FieldKind.MINUTES}:
        return _(str(form_field.process_errors[0]))  # a whole sentence, translated already
    return _("Choose an item from the list.")


def _choices(members: type[StrEnum] | None) -> list[SelectChoice]:
    return [_NO_CHOICE, *(SelectChoice(member.value, tr(member.title)) for member in members or ())]


def _coerce_to(members: type[StrEnum] | None) -> Callable[[object], object]:
    def coerce(value: object) -> object:
        if value in (None, "") or members is None:
            return None
        return members(str(value))

    return coerce


def _find_change_id(change: ChangeRequest, text: str) -> int | None:
    return db.session.scalar(
        select(ChangeRequest.id).where(
            ChangeRequest.agency_id == change.agency_id,
            ChangeRequest.requester_id == change.requester_id,
            ChangeRequest.number == text,
        )
    )


def _change_number(change_id: int) -> str:
    return db.session.scalar(select(ChangeRequest.number).where(ChangeRequest.id == change_id)) or ""


def _asset_field(change: ChangeRequest, label: Message) -> Field:
    return AssetField(tr(label), agency_id=change.agency_id)


def _require_assets_found(rows: FieldList) -> None:
    """Raise ValidationFailed, naming the row, if a row names no asset or more than one."""
    for number, entry in enumerate(rows, 1):
        field = entry.form["asset"]
        if isinstance(field, AssetField) and field.refusal is not None:
            raise ValidationFailed(_("Row %(row)s: %(error)s", row=number, error=field.refusal.message))


def _case_form(_change: ChangeRequest) -> type[PlainForm]:
    fields = {
        "name": StringField(tr(_("Case"))),
        "expected": StringField(tr(_("Expected"))),
        "actual": StringField(tr(_("Actual"))),
    }
    return type("CaseForm", (PlainForm,), fields)


def _finding_form(change: ChangeRequest) -> type[PlainForm]:
    fields = {
        "asset": _asset_field(change, _("Asset (code.register; empty for a new one)")),
        "finding": StringField(tr(_("Findings"))),
    }
    return type("FindingForm", (PlainForm,), fields)


def _touched_form(change: ChangeRequest) -> type[PlainForm]:
    return type("TouchedForm", (PlainForm,), {"asset": _asset_field(change, _("Asset (code.register)"))})


_ROW_FORMS = {
    FieldKind.TEST_CASES: _case_form,
    FieldKind.ASSETS: _finding_form,
    FieldKind.TOUCHED_ASSETS: _touched_form,
}


def _mutation_form(change: ChangeRequest) -> type[PlainForm]:
    """Return the form of one row: an asset with its mutation, or the fields of a new asset."""
    known = {column.key: str(tr(column.label)) for card in Card for column in asset_columns(card).values()}
    alterable = [SelectChoice(key, heading) for key, heading in known.items() if key not in {"code", "register"}]
    fields = {
        "kind": SelectField(tr(_("Type of mutation")), choices=_choices(MutationKind)),
        "asset": _asset_field(change, _("Asset (code.register)")),
        "column": SelectField(tr(_("Column that changes")), choices=[_NO_CHOICE, *alterable]),
        "value": StringField(tr(_("New value"))),
        "card": SelectField(tr(_("Card (new item)")), choices=_choices(Card)),
        "code": StringField(tr(_("Item code (new item)"))),
        "register": StringField(tr(_("Register number (new item)"))),
        "name": StringField(tr(_("Name (new item)"))),
    }
    return type("MutationForm", (PlainForm,), fields)


def _parse_mutation(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a row as ``models.inventory.mutation`` takes it; None for an empty row."""
    kind = row["kind"]
    if not any(value for value in row.values()):
        return None
    if kind == MutationKind.ADDED:
        extra = {row["column"]: row["value"]} if row["column"] and row["value"] else {}
        return {"kind": kind, **{key: row[key] for key in ("card", "code", "register", "name")}, **extra}
    if kind == MutationKind.ALTERED:
        return {"kind": kind, "asset_id": row["asset"], "column": row["column"], "value": row["value"]}
    return {"kind": kind, "asset_id": row["asset"], "value": row["value"]}


def mutation_rows(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return saved mutations as the form's rows."""
    return {"mutations": [{**row, "asset": row.get("asset_id")} for row in rows]}
