"""The form of a step: fields from the record's declaration, files and checkboxes from the SOP's requirements.

The form only parses the submitted values. The transition (``models.changes.moves.transition``) validates them; its
errors are added to the fields here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from wtforms import (
    BooleanField,
    Field,
    MultipleFileField,
    SelectField,
    SelectMultipleField,
    TextAreaField,
)
from wtforms.form import BaseForm

from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import is_blank
from lpse_admin.sop import ItemKind
from lpse_admin.workflow.record_fields import (
    REQUEST_FIELDS,
    REQUEST_FIELDSETS,
    FieldKind,
    RecordField,
    fields_not_asked_for,
    fields_of_step,
    is_empty,
    reason_field,
)
from lpse_admin.workflow.transitions import letters_of_the_type
from models.changes.assets import affected
from models.changes.change import ChangeRequest
from models.changes.steps import record_store
from models.changes.steps.activity import AssetUpdate
from models.database import db
from models.inventory.asset import Asset
from models.office.options import load_accepted_types
from views.changes.assets.rows import row_summaries
from views.changes.own_fields.inputs import input_data, user_suggestions
from views.changes.steps.fields import ASSET_FIELD_KINDS, field_value, make_field, mutation_rows, parse_error
from views.deviations.fields import deviation_fields, deviation_values, saved_deviation_values
from views.forms.base import Form
from views.forms.fields import (
    describe_accepted_files,
    file_input_attributes,
)
from views.forms.uploads import kept_files
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from werkzeug.datastructures import FileStorage, MultiDict

    from lpse_admin.documents.file_types import FileType
    from lpse_admin.sop import RequiredItem
    from models.changes.moves.case_file import CaseFile
    from views.changes.page import ChangePage

#: Maximal number of suggestions; other values can still be entered.
_MAX_SUGGESTIONS = 300


_ASSET_KINDS = ASSET_FIELD_KINDS | {FieldKind.ASSET}
#: Above the fields that the SOP itself asks for.
OWN_FIELDS_TITLE = _("Asked for by the SOP")
_NOT_OFFERED = _("Choose an item from the list.")


def build_step_form(case: CaseFile, formdata: MultiDict[str, str] | None = None) -> StepForm:
    """Return the form of the open step, filled with ``formdata`` or else with the saved values."""
    change, activity, rule = case.change, case.require_open(), case.sop.rules[case.position.step]
    own_fields = case.own_fields
    fields: dict[str, Any] = {
        field.key: make_field(field, change) for field in (*fields_of_step(activity.step), *own_fields)
    }
    if (reason := reason_field(rule)) is not None:
        fields[reason.key] = make_field(reason, change)
    for item in _askable_items(case):
        name = f"{item.kind}-{item.key}"
        if item.kind is ItemKind.DOCUMENT:
            fields[name] = MultipleFileField(item.label)
        elif item.kind is ItemKind.EQUIPMENT:
            fields[name] = BooleanField(item.label)
    if activity.step in affected.STEPS:
        fields[affected.FIELD] = TextAreaField(
            tr(_("Assets and services affected")),
            description=tr(_("One on a line: the code of an asset and its register number, or the name of a service.")),
        )
    fields["document"] = MultipleFileField(tr(_("Other files")))
    fields |= deviation_fields(case)
    saved = record_store.read_record(change, activity, own_fields)
    saved |= {field.key: input_data(field, saved[field.key]) for field in own_fields}
    if activity.step in affected.STEPS:
        saved[affected.FIELD] = "\n".join(affected.named_lines(change, activity))
    for key in ("assets", "touched_assets"):
        if key in saved:
            saved[key] = [{**row, "asset": row["asset_id"]} for row in saved[key]]
    if "mutations" in saved:
        saved |= mutation_rows(saved["mutations"])
    saved |= {f"{ItemKind.EQUIPMENT}-{key}": True for key in activity.equipment or ()}
    saved |= saved_deviation_values(activity.declared or {})
    return StepForm(case, fields, formdata, saved)


def _askable_items(case: CaseFile) -> tuple[RequiredItem, ...]:
    """Return the items of the step, and in an evaluation the letters that a type of change may require."""
    return (*case.sop.rules[case.position.step].requires, *letters_of_the_type(case.sop, case.position))


class _Meta(Form.Meta):
    """As for all forms; the CSRF token is checked for every request before."""

    csrf = False


class StepForm(BaseForm):
    """A step's form; ``build_step_form`` selects its fields."""

    def __init__(
        self,
        case: CaseFile,
        fields: Mapping[str, Any],
        formdata: MultiDict[str, str] | None,
        saved: dict[str, Any],
    ) -> None:
        """Fill the form with ``formdata``, or else with the ``saved`` values."""
        super().__init__(fields, meta=_Meta())
        self.change, self.activity = case.change, case.require_open()
        self.own_fields = case.own_fields
        self.rule = case.sop.rules[case.position.step]
        self.reason = reason_field(self.rule)
        self.items = _askable_items(case)
        self.process(formdata, data=saved)

    # A statement, asked for with each input of files.
    @cached_property
    def accepted_types(self) -> frozenset[FileType]:
        """The kinds of files that the office takes."""
        return load_accepted_types(db.session(), self.change.agency_id)

    @property
    def file_attributes(self) -> dict[str, str]:
        """The attributes of the form's file inputs."""
        return file_input_attributes(self.accepted_types)

    @property
    def accepted_files(self) -> str:
        """The sentence that says which files are accepted."""
        return describe_accepted_files(self.accepted_types)

    def field_groups(self) -> list[tuple[Message | None, list[tuple[RecordField, Field]]]]:
        """Return the record's fields in groups with headings; only a request has more than one group."""
        if fields_of_step(self.activity.step) is not REQUEST_FIELDS:
            return [(None, self.record_fields())]
        fields = {field.key: (field, self[field.key]) for field in REQUEST_FIELDS}
        groups: list[tuple[Message | None, list[tuple[RecordField, Field]]]]
        groups = [(title, [fields[key] for key in keys]) for title, keys in REQUEST_FIELDSETS]
        own = [(field, self[field.key]) for field in self.own_fields]
        return [*groups, (OWN_FIELDS_TITLE, own)] if own else groups

    def record_fields(self) -> list[tuple[RecordField, Field]]:
        """Return the record's fields with their form fields, in the declared order."""
        return [(field, self[field.key]) for field in (*fields_of_step(self.activity.step), *self.own_fields)]

    def is_filled(self, field: RecordField) -> bool:
        """Whether this field has a value, valid or not."""
        form_field = self[field.key]
        if form_field.raw_data:
            return not all(is_blank(str(text)) for text in form_field.raw_data)
        try:
            return not is_empty(field_value(field, form_field))
        except ValidationFailed:
            return True

    def asks_for(self, field: RecordField) -> bool:
        """Whether the condition of ``field`` is fulfilled by what the form says so far."""
        return field.key not in self._not_asked_for

    # Asked for with each field that an SOP asks for.
    @cached_property
    def _not_asked_for(self) -> frozenset[str]:
        values = {field.key: self[field.key].data for field in self.own_fields}
        chosen = {key: tuple(one) if isinstance(one, list) else one for key, one in values.items()}
        return frozenset(fields_not_asked_for(self.own_fields, chosen))

    def has_field(self, name: str) -> bool:
        """Whether the form has a field of this name."""
        return name in self._fields

    def conditional_documents(self, page: ChangePage) -> list[tuple[str, RequiredItem]]:
        """Return (field name, item) of the documents whose condition in the SOP is not met by this request so far."""
        required = {requirement.field_name for requirement in page.requirements}
        items = [(f"{item.kind}-{item.key}", item) for item in self.items if item.kind is ItemKind.DOCUMENT]
        return [(name, item) for name, item in items if name not in required]

    def values(self, form_data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the fields in ``form_data``. Raises InvalidFieldValues if some cannot be parsed."""
        fields = [field for field, _input in self.record_fields()]
        fields += [self.reason] if self.reason is not None else []
        values: dict[str, Any] = {}
        errors: dict[str, Message] = {}
        for field in fields:
            form_field = self[field.key]
            if not _is_in(form_data, form_field.name):
                continue
            if form_field.process_errors and not all(map(is_blank, form_field.raw_data or ())):
                errors[field.key] = parse_error(field, form_field)
                continue
            try:
                values[field.key] = field_value(field, form_field)
            except ValidationFailed as refusal:
                errors[field.key] = refusal.message
        errors |= {name: _NOT_OFFERED for name in self._unoffered(form_data) if name not in errors}
        values |= {key: value for key, value in deviation_values(self, form_data).items() if key not in errors}
        if errors:
            raise InvalidFieldValues(values, errors)
        return values

    def _unoffered(self, form_data: Mapping[str, Any]) -> list[str]:
        """Return the names of the choices that were sent with something that their field does not offer."""
        return [
            str(name)
            for name, field in self._fields.items()
            if name in form_data
            and isinstance(field, SelectField | SelectMultipleField)
            and not {str(one).strip() for one in field.raw_data or () if not is_blank(str(one))}
            <= {str(choice.value) for choice in field.choices or ()}
        ]

    def mutation_rows(self) -> list[dict[str, Any]]:
        """Return the rows of an asset update so far, in words."""
        return row_summaries(self.activity) if isinstance(self.activity, AssetUpdate) else []

    def request_suggestions(self) -> list[tuple[str, str]] | None:
        """Return (number, title) of the requester's earlier requests, newest first, at most 300.

        None if the step has no such field.
        """
        if not any(field.kind is FieldKind.LINKED_CHANGE for field in fields_of_step(self.activity.step)):
            return None
        rows = db.session.execute(
            select(ChangeRequest.number, ChangeRequest.title)
            .where(
                ChangeRequest.requester_id == self.change.requester_id,
                ChangeRequest.agency_id == self.change.agency_id,
                ChangeRequest.submitted_at.is_not(None),
                ChangeRequest.id != (self.change.id or 0),
            )
            .order_by(ChangeRequest.submitted_at.desc(), ChangeRequest.id.desc())
            .limit(_MAX_SUGGESTIONS)
        )
        return [(number or "", title or "") for number, title in rows]

    def user_suggestions(self) -> list[tuple[str, str]] | None:
        """Return (name, position) of the users of the office; None if the step has no such field."""
        return user_suggestions(self.own_fields, self.change)

    def asset_suggestions(self) -> list[tuple[str, str]] | None:
        """Return (code.register, name) of the agency's assets, at most 300; None if the step has no such field."""
        if not any(field.kind in _ASSET_KINDS for field, _input in self.record_fields()):
            return None
        rows = db.session.execute(
            select(Asset.code, Asset.register, Asset.name)
            .where(Asset.agency_id == self.change.agency_id, Asset.is_retired.is_(False))
            .order_by(Asset.code, Asset.register)
            .limit(_MAX_SUGGESTIONS)
        )
        return [(f"{code}.{register}", name) for code, register, name in rows]

    def ticked_equipment(self) -> list[str]:
        """Return the keys of the equipment that is ticked."""
        prefix = f"{ItemKind.EQUIPMENT}-"
        return [name.removeprefix(prefix) for name in self._fields if name.startswith(prefix) and self[name].data]

    def files(self, uploaded: MultiDict[str, FileStorage]) -> list[SentFile]:
        """Return the submitted files, and those that were sent with the form before and are kept for it."""
        prefix = f"{ItemKind.DOCUMENT}-"
        sent = []
        for field in self._fields:
            if field == "document" or field.startswith(prefix):
                key = field.removeprefix(prefix) if field.startswith(prefix) else None
                chosen = (one for one in uploaded.getlist(field) if one.filename)
                sent += [SentFile(field, key, one.filename or "", _read_file(one)) for one in chosen]
                sent += [SentFile(field, key, saved.name, saved.content) for saved in kept_files(field)]
        return sent

    def kept_names(self, field: str) -> list[str]:
        """Return the names of the files of ``field`` that are kept for this form, which came back."""
        return [saved.name for saved in kept_files(field)]

    def add_field_errors(self, errors: Mapping[str, Message]) -> None:
        """Append each error to its field."""
        for name, message in errors.items():
            if name in self._fields:
                field = self[name]
                field.errors = [*(field.errors or ()), str(tr(message))]


def _is_in(form_data: Iterable[str], name: str) -> bool:
    """Whether the form has a field ``name``, or a cell of its rows: ``name-0-column``."""
    is_cell = re.compile(rf"{re.escape(name)}-\d+-").match
    return any(one == name or is_cell(one) for one in form_data)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A submitted file: its field, the key of the item it is for (None: another file), its name and content."""

    field: str
    item_key: str | None
    name: str
    content: bytes


def _read_file(file: FileStorage) -> bytes:
    content: bytes = file.read(MAX_FILE_BYTES + 1)
    file.seek(0)
    return content


class InvalidFieldValues(ValidationFailed):
    """Some submitted values cannot be parsed; ``valid_values`` are the others."""

    def __init__(self, valid_values: dict[str, Any], errors: Mapping[str, Message]) -> None:
        """Store the parsed values, and the errors of the others by field."""
        super().__init__(_("Some of the values entered cannot be saved."), field_errors=errors)
        self.valid_values = valid_values
