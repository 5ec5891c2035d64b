"""The form fields of what an SOP asks for, one for each kind, and what their values are read as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select
from wtforms import Field, FieldList, FormField, SelectField, StringField
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice

from lpse_admin.parsing.blank import is_blank
from lpse_admin.parsing.choices import YES_NO_WORDS, read_choice
from lpse_admin.parsing.durations import read_duration, write_duration
from lpse_admin.parsing.numbers import read_money, read_number, write_number
from lpse_admin.sop.fields import NO, YES
from lpse_admin.sop.steps import REQUESTER_STEPS
from lpse_admin.workflow.field_values import MAX_ROWS
from lpse_admin.workflow.record_fields import FieldKind, RecordField
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.database import db
from views.changes.assets.lookup import AssetField, LookupField
from views.forms.base import CheckboxListField
from views.forms.fields import ParsedField
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MIN_ROWS = 3
_MAX_SUGGESTIONS = 300


def make_input(field: RecordField, change: ChangeRequest) -> Field:
    """Return the form field of a kind that only SOPs ask for."""
    return _INPUTS[field.kind](tr(field.label), field, change)


def input_value(field: RecordField, form_field: Field) -> object:
    """Return the value of a form field of ``make_input``. Raises ValidationFailed if it names no asset."""
    if isinstance(form_field, AssetField) and form_field.refusal is not None:
        raise form_field.refusal
    match field.kind:
        case FieldKind.ROWS:
            rows = (tuple(text or "" for text in row.values()) for row in form_field.data)
            return [row for row in rows if not all(map(is_blank, row))]
        case FieldKind.SEVERAL_OF:  # an empty value stands for none: boxes that are not ticked are not sent
            return tuple(one for one in form_field.data or () if one) or None
        case _:
            return form_field.data if form_field.data != "" else None


def input_data(field: RecordField, value: object) -> object:
    """Return a stored ``value`` as the form field of ``field`` takes it."""
    if isinstance(value, list):
        return [dict(zip(_cell_names(field), row, strict=False)) for row in value]
    return list(value) if isinstance(value, tuple) else value


def user_suggestions(fields: Sequence[RecordField], change: ChangeRequest) -> list[tuple[str, str]] | None:
    """Return (name as it is entered, position) of users of the office; None where no field asks for one.

    Requesters are not offered names of accounts.
    """
    if not any(field.kind is FieldKind.USER for field in fields):
        return None
    rows = db.session.execute(
        select(User.full_name, User.username, User.position)
        .where(User.agency_id == change.agency_id, User.is_active)
        .order_by(User.full_name)
        .limit(_MAX_SUGGESTIONS)
    )
    write = _user_writer(change)
    return [(write(name, username, position), position or "") for name, username, position in rows]


def _parsed(read: Callable[[str], Any], write: Callable[[Any], str], keyboard: str) -> _MakeInput:
    def make(label: str, _field: RecordField, _change: ChangeRequest) -> Field:
        return ParsedField(label, read=read, write=write, render_kw={"inputmode": keyboard})

    return make


def _yes_no(label: str, _field: RecordField, _change: ChangeRequest) -> Field:
    return SelectField(label, choices=_options((YES, NO)), coerce=_to_yes_no)


def _to_yes_no(value: object) -> bool | None:
    return value if isinstance(value, bool) else read_choice(str(value or ""), YES_NO_WORDS)


def _one_of(label: str, field: RecordField, _change: ChangeRequest) -> Field:
    return SelectField(label, choices=_options(field.options), coerce=lambda value: value or "")


def _several_of(label: str, field: RecordField, _change: ChangeRequest) -> Field:
    return CheckboxListField(label, choices=[SelectChoice(one, one) for one in field.options])


def _options(words: Sequence[str]) -> list[SelectChoice]:
    return [SelectChoice("", "–"), *(SelectChoice(one, one) for one in words)]


def _user(label: str, _field: RecordField, change: ChangeRequest) -> Field:
    write = _user_writer(change)
    return LookupField(
        label,
        find_id=lambda text: _find_user_id(change.agency_id, text),
        name_of=lambda id_: _name_of_user(id_, write),
    )


def _find_user_id(agency_id: int, text: str) -> int | None:
    """Return the id of the user that ``text`` names.

    That is "Ani Lestari (pemohon)", the user name, or the name, alone or with the position in brackets, if one has it.
    """
    username = text.rpartition("(")[2].removesuffix(")").strip() if text.endswith(")") else text
    result = select(User.id).where(User.agency_id == agency_id, User.is_active)
    by_username = db.session.scalar(result.where(User.username == username.lower()))
    name = func.lower(User.full_name)
    is_named = or_(name == text.lower(), name + " (" + func.lower(User.position) + ")" == text.lower())
    by_name = db.session.scalars(result.where(is_named)).all()
    return by_username or (by_name[0] if len(by_name) == 1 else None)


def _name_of_user(user_id: int, write: _WriteUser) -> str:
    user = db.session.get(User, user_id)
    return write(user.full_name, user.username, user.position) if user else ""


def _user_writer(change: ChangeRequest) -> _WriteUser:
    """Return what writes a user by name, user name and position, for who has the step of ``change``."""
    return _with_position if change.step in REQUESTER_STEPS else _with_username


def _with_username(name: str, username: str, _position: str | None) -> str:
    return f"{name} ({username})"


def _with_position(name: str, _username: str, position: str | None) -> str:
    return f"{name} ({position})" if position else name


def _asset(label: str, _field: RecordField, change: ChangeRequest) -> Field:
    return AssetField(label, agency_id=change.agency_id)


def _request(label: str, _field: RecordField, change: ChangeRequest) -> Field:
    number, of_office = ChangeRequest.number, ChangeRequest.agency_id == change.agency_id
    return LookupField(
        label,
        find_id=lambda text: db.session.scalar(select(ChangeRequest.id).where(of_office, number == text)),
        name_of=lambda id_: db.session.scalar(select(number).where(ChangeRequest.id == id_)) or "",
    )


def _rows(label: str, field: RecordField, _change: ChangeRequest) -> Field:
    cells = {name: StringField(heading) for name, heading in zip(_cell_names(field), field.columns, strict=True)}
    row_form = type("RowForm", (PlainForm,), cells)
    return FieldList(FormField(row_form), label, min_entries=_MIN_ROWS, max_entries=MAX_ROWS)


def _cell_names(field: RecordField) -> list[str]:
    return [f"column{number}" for number, _heading in enumerate(field.columns, 1)]


if TYPE_CHECKING:
    _MakeInput = Callable[[str, RecordField, ChangeRequest], Field]
    _WriteUser = Callable[[str, str, str | None], str]

_INPUTS: dict[FieldKind, _MakeInput] = {
    FieldKind.NUMBER: _parsed(read_number, write_number, "decimal"),
    FieldKind.MONEY: _parsed(read_money, write_number, "decimal"),
    FieldKind.DURATION: _parsed(read_duration, write_duration, "text"),
    FieldKind.YES_NO: _yes_no,
    FieldKind.ONE_OF: _one_of,
    FieldKind.SEVERAL_OF: _several_of,
    FieldKind.USER: _user,
    FieldKind.ASSET: _asset,
    FieldKind.REQUEST: _request,
    FieldKind.ROWS: _rows,
}
