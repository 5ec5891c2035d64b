"""Values of the fields that an SOP asks for: a row for each field of a step that is filled in.

A row has the label, the kind and the words of its value: it can be read whatever later revisions of the SOP ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, TypeDecorator, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship
from typing_extensions import override

from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import is_blank, strip_blank
from lpse_admin.sop.fields import SopFieldKind
from lpse_admin.sop.steps import REQUESTER_STEPS
from lpse_admin.workflow.field_values import (
    REFERENCES,
    comparable_number,
    in_words,
    stored_text,
    stored_value,
    value_error,
)
from lpse_admin.workflow.record_fields import SOP_FIELD_PREFIX, FieldKind, is_empty
from models.accounts.user import User
from models.audit.erasure import ERASED_TEXT
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, enum_type, is_id, is_storable, session_of
from models.changes.steps.activity import Activity, frozen_when_finished
from models.inventory.asset import Asset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Dialect, ScalarSelect, SQLColumnExpression

    from lpse_admin.workflow.record_fields import RecordField
    from models.changes.change import ChangeRequest
    from models.immutability import RowRules


class FieldValue(Base):
    """What one field of a step says."""

    __tablename__ = "field_value"
    belongs_to_change = True
    __table_args__ = (
        UniqueConstraint("activity_id", "key"),
        CheckConstraint("value <> '' AND words <> ''", name="says_something"),
        # A list is narrowed by the values of one field, and a request asked for its own.
        Index(None, "key", "activity_id"),
        Index(None, "change_id"),
    )

    row_rules: ClassVar[RowRules] = frozen_when_finished("activity_id")

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"value", "words", "number"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    position: Mapped[int]
    key: Mapped[ShortText]
    label: Mapped[ShortText]
    kind: Mapped[SopFieldKind] = mapped_column(enum_type(SopFieldKind, "kind"))
    #: As ``lpse_admin.workflow.field_values`` stores it, and as people read it.
    value: Mapped[LongText]
    words: Mapped[LongText]
    #: What numbers, amounts and durations are compared by, in ten-thousandths.
    number: Mapped[int | None] = mapped_column(BigInteger)

    activity: Mapped[Activity] = relationship(back_populates="field_values")
    change: Mapped[ChangeRequest] = relationship()


def read_field_values(activity: Activity, fields: Sequence[RecordField]) -> dict[str, object]:
    """Return the stored values of ``fields`` by their keys; a step that asks for none is not looked up."""
    if not fields:
        return {}
    kinds = {field.key: field.kind for field in fields}
    values: dict[str, object] = dict.fromkeys(kinds)
    for row in activity.field_values:
        key = SOP_FIELD_PREFIX + row.key
        if kinds.get(key) == row.kind.value:
            values[key] = _value_of(kinds[key], row.value)
    return values


def _value_of(kind: FieldKind, text: str) -> object:
    """Return the value that is stored as ``text``; None for one that was erased."""
    is_text = kind in {FieldKind.SINGLE_LINE, FieldKind.MULTI_LINE}  # in which anybody may write what stands for it
    return None if text == ERASED_TEXT and not is_text else stored_value(kind, text)


def copy_field_values(former: Activity, activity: Activity) -> None:
    """Let ``activity``, which is new, begin with what ``former`` says in the fields of its SOP."""
    kept = ("agency_id", "position", "key", "label", "kind", "value", "words", "number")
    for row in former.field_values:
        copy = FieldValue(change=activity.change, **{name: getattr(row, name) for name in kept})
        activity.field_values.append(copy)


def store_field_values(
    change: ChangeRequest, activity: Activity, fields: Sequence[RecordField], values: Mapping[str, object]
) -> None:
    """Write those of ``values`` that are of ``fields``, and remove what is empty; they must have been checked."""
    given = [(position, field) for position, field in enumerate(fields) if field.key in values]
    rows = {SOP_FIELD_PREFIX + row.key: row for row in (activity.field_values if given else ())}
    for position, field in given:
        value, row = _tidied(field, values[field.key]), rows.get(field.key)
        if not is_empty(value):
            _write(row or _new_row(change, activity, field), position, field, value)
        elif row is not None:
            activity.field_values.remove(row)


def _new_row(change: ChangeRequest, activity: Activity, field: RecordField) -> FieldValue:
    row = FieldValue(agency_id=change.agency_id, change=change, key=field.key.removeprefix(SOP_FIELD_PREFIX))
    activity.field_values.append(row)
    return row


def _write(row: FieldValue, position: int, field: RecordField, value: object) -> None:
    row.position, row.label, row.kind = position, str(field.label), SopFieldKind(field.kind.value)
    row.value, row.words = stored_text(value), _words(row.change, field, value)
    row.number = comparable_number(field.kind, value)


def _tidied(field: RecordField, value: object) -> object:
    match field.kind:
        case FieldKind.SINGLE_LINE:
            return " ".join(strip_blank(str(value or "")).split())
        case FieldKind.MULTI_LINE:
            return strip_blank(str(value or ""))
        case FieldKind.SEVERAL_OF if isinstance(value, tuple):
            return tuple(one for one in field.options if one in value)
        case FieldKind.ROWS if isinstance(value, list):
            return [tuple(strip_blank(cell) for cell in row) for row in value if not all(map(is_blank, row))]
        case _:
            return value


def field_value_error(field: RecordField, value: object, change: ChangeRequest, activity: Activity) -> Message | None:
    """Return why ``value`` of a kind that only SOPs ask for cannot be stored, or None."""
    if field.kind in REFERENCES:
        known = is_id(value) and _may_be_named(change, activity, field.kind, value)
        return None if known else _NOT_FOUND[field.kind]
    if error := value_error(field, value):
        return error
    cells = [cell for row in value for cell in row] if isinstance(value, list) else []
    return None if all(map(is_storable, cells)) else _("This text has a character that cannot be stored.")


def _may_be_named(change: ChangeRequest, activity: Activity, kind: FieldKind, id_: object) -> bool:
    """Whether the office has this record; a requester names requests of their own alone."""
    if _name_of(change, kind, id_) is None:
        return False
    if kind is not FieldKind.REQUEST or activity.step not in REQUESTER_STEPS:
        return True
    return session_of(change.agency).get_one(type(change), id_).requester_id == change.requester_id


_NOT_FOUND = {
    FieldKind.USER: _("There is no such user in this office. Choose a name from the list."),
    FieldKind.ASSET: _("There is no such asset."),
    FieldKind.REQUEST: _("There is no such request, or you may not see it."),
}


def _words(change: ChangeRequest, field: RecordField, value: object) -> str:
    if field.kind in REFERENCES:
        return _name_of(change, field.kind, value) or str(value)
    return in_words(field, value, change.agency.zone)


def _name_of(change: ChangeRequest, kind: FieldKind, id_: object) -> str | None:
    """Return what a user, an asset or a request of the office of ``change`` is called; None if there is none."""
    session, agency_id = session_of(change.agency), change.agency_id
    match kind:
        case FieldKind.USER:
            user = session.get(User, id_)
            return user.full_name if user is not None and user.agency_id == agency_id else None
        case FieldKind.ASSET:
            asset = session.get(Asset, id_)
            return str(asset) if asset is not None and asset.agency_id == agency_id else None
        case _:
            other = session.get(type(change), id_)
            is_there = other is not None and other.agency_id == agency_id and other.number is not None
            return other.number if other is not None and is_there else None


class StoredAs(TypeDecorator[object]):
    """The text of a stored value of one kind, as its value; so that it is compared by values too."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: FieldKind) -> None:
        """Store the kind."""
        super().__init__()
        self.kind = kind

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        """Return the value; None for one that was erased."""
        return None if value is None else _value_of(self.kind, value)

    @override
    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Return the text."""
        return None if value is None else stored_text(value)


def value_of_step(
    activity_id: SQLColumnExpression[int], key: str, kind: SopFieldKind, column: str
) -> ScalarSelect[Any]:
    """Return a ``column`` of what a step says in a field of its SOP; NULL for nothing, or for another kind of field."""
    result = select(_rows[column]).where(_rows.activity_id == activity_id, _rows.key == key, _rows.kind == kind)
    return result.scalar_subquery()


def value_of_request(
    change_id: SQLColumnExpression[int], key: str, kind: SopFieldKind, column: str
) -> ScalarSelect[Any]:
    """Return a ``column`` of what a request says in a field of its SOP, as last saved by its requester."""
    visits = select(_visit.id).where(_visit.change_id == change_id, _visit.step.in_(REQUESTER_STEPS))
    last = visits.order_by(_visit.sequence.desc()).limit(1).correlate_except(_visit.id.table)
    return value_of_step(last.scalar_subquery(), key, kind, column)


_rows: Any = FieldValue.__table__.c
_visit: Any = Activity.__table__.alias("own_visit").c
