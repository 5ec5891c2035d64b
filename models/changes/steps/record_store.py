"""The record store: validates and writes the record of the open activity, and applies asset mutations.

The fields are defined in ``lpse_admin.workflow.record_fields``; this module maps them to columns and tables.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import REQUESTER_STEPS, Outcome, Step
from lpse_admin.workflow.field_values import MAX_TEXT_LENGTH
from lpse_admin.workflow.record_fields import (
    EVALUATED_FIELDS,
    REASON_FIELD,
    FieldKind,
    RecordField,
    fields_of_step,
    is_empty,
)
from models.base import SHORT_TEXT_LENGTH, is_id, is_storable
from models.changes.steps.activity import (
    Activity,
    AssetReview,
    AssetReviewItem,
    AssetUpdate,
    Evaluation,
    Release,
    ReleaseAsset,
    TestCase,
    TestRun,
)
from models.changes.steps.field_value import field_value_error, read_field_values, store_field_values
from models.inventory import mutation
from models.validation import is_plausible_date, text_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.accounts.user import User
    from models.changes.change import ChangeRequest

#: Limits of single fields, in characters; other single-line fields have SHORT_TEXT_LENGTH.
_MAX_LINE_LENGTHS = {"version": 80}
_MAX_MINUTES = 60 * 24 * 365

#: The sequence number of a request's first evaluation.
FIRST_EVALUATION = 2

_TEST_CASE_FIELDS = ("name", "expected", "actual")


def read_record(change: ChangeRequest, activity: Activity, own_fields: Sequence[RecordField] = ()) -> dict[str, Any]:
    """Return the stored values of the record by field key; ``own_fields`` are those that its SOP asks for."""
    owner = change if activity.step in REQUESTER_STEPS else activity
    record = {field.key: _read_field(owner, field) for field in fields_of_step(activity.step)}
    record |= read_field_values(activity, own_fields)
    return _with_request(record, change, activity) if isinstance(activity, Evaluation) else record


def _with_request(record: dict[str, Any], change: ChangeRequest, activity: Evaluation) -> dict[str, Any]:
    """Return the record of an evaluation; what it leaves empty is as in the former evaluation, or the request.

    A former evaluation of this revision comes first, and one of an earlier revision last.
    """
    if not activity.is_open or not any(is_empty(record[key]) for key in EVALUATED_FIELDS):
        return record
    former = _former_evaluation(change, activity) if activity.sequence > FIRST_EVALUATION else None
    sources: list[Any] = [change] if former is None else [change, former]
    if former is not None and former.revision == activity.revision:
        sources.reverse()
    for key in EVALUATED_FIELDS:
        result = (getattr(source, key) for source in sources)
        record[key] = next((value for value in (record[key], *result) if not is_empty(value)), record[key])
    return record


def _former_evaluation(change: ChangeRequest, activity: Evaluation) -> Evaluation | None:
    before = (one for one in reversed(change.activities) if one.sequence < activity.sequence)
    return next((one for one in before if isinstance(one, Evaluation)), None)


def write_record(change: ChangeRequest, activity: Activity, values: Mapping[str, object], now: dt.datetime) -> None:
    """Check ``values`` and write those that are fields of the step's record. Raises what ``check`` raises."""
    check(change, activity, values, now)
    store(change, activity, values)


def check(
    change: ChangeRequest,
    activity: Activity,
    values: Mapping[str, object],
    now: dt.datetime,
    own_fields: Sequence[RecordField] = (),
) -> dict[str, object]:
    """Return the record as it will be with ``values`` in it; a reason is checked here and written by the move.

    Raises ValidationFailed with an error for each field whose value is of the wrong type, too long or impossible.
    """
    record, errors = examine(change, activity, values, now, own_fields)
    if errors:
        raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=errors)
    return record


def examine(
    change: ChangeRequest,
    activity: Activity,
    values: Mapping[str, object],
    now: dt.datetime,
    own_fields: Sequence[RecordField] = (),
) -> tuple[dict[str, Any], dict[str, Message]]:
    """Return the record as it will be with ``values`` in it, and an error for each value that cannot be in it."""
    fields = [field for field in (*fields_of_step(activity.step), *own_fields) if field.key in values]
    errors: dict[str, Message] = {}
    for field in fields:
        value = values[field.key]
        if error := _field_error(field, value, change, activity, now):
            errors[field.key] = error
    if error := _field_error(REASON_FIELD, values.get(REASON_FIELD.key), change, activity, now):
        errors[REASON_FIELD.key] = error
    record = {**read_record(change, activity, own_fields), **values}
    errors |= _cross_field_errors(activity.step, {key: value for key, value in record.items() if key not in errors})
    return record, errors


def store(
    change: ChangeRequest, activity: Activity, values: Mapping[str, object], own_fields: Sequence[RecordField] = ()
) -> None:
    """Write those of ``values`` that are fields of the step's record; ``check`` must have passed."""
    owner: Any = change if activity.step in REQUESTER_STEPS else activity
    for field in fields_of_step(activity.step):
        if field.key in values:
            _write_field(owner, field, values[field.key])
    store_field_values(change, activity, own_fields, values)


def apply_asset_mutations(
    change: ChangeRequest, activity: Activity, outcome: Outcome, actor: User, now: dt.datetime
) -> None:
    """Apply the mutations of an asset update to the asset list; does nothing for other outcomes."""
    if outcome is Outcome.UPDATED and isinstance(activity, AssetUpdate):
        mutation.apply_mutations(change, activity, actor, now)


def _read_field(owner: ChangeRequest | Activity, field: RecordField) -> object:
    match field.kind:
        case FieldKind.TEST_CASES if isinstance(owner, TestRun):
            return [{part: getattr(case, part) for part in _TEST_CASE_FIELDS} for case in owner.cases]
        case FieldKind.ASSETS if isinstance(owner, AssetReview):
            return [{"asset_id": item.asset_id, "finding": item.finding} for item in owner.items]
        case FieldKind.TOUCHED_ASSETS if isinstance(owner, Release):
            return [{"asset_id": item.asset_id} for item in owner.release_assets]
        case FieldKind.MUTATIONS if isinstance(owner, AssetUpdate):
            return list((owner.draft or {}).get("rows", []))
        case _:
            return getattr(owner, field.key)


def _write_field(owner: Any, field: RecordField, value: Any) -> None:  # noqa: ANN401 - texts, datetimes, enums and lists
    match field.kind:
        case FieldKind.TEST_CASES:
            _replace_rows(
                owner, "cases", [TestCase(position=index, **case) for index, case in enumerate(value or [], 1)]
            )
        case FieldKind.ASSETS:
            _replace_rows(
                owner, "items", [AssetReviewItem(position=index, **item) for index, item in enumerate(value or [], 1)]
            )
        case FieldKind.TOUCHED_ASSETS:
            _replace_rows(
                owner,
                "release_assets",
                [ReleaseAsset(position=index, **item) for index, item in enumerate(value or [], 1)],
            )
        case FieldKind.MUTATIONS:
            owner.draft = {"rows": list(value or [])}
        case FieldKind.SINGLE_LINE:
            setattr(owner, field.key, " ".join(strip_blank(value or "").split()) or None)
        case FieldKind.MULTI_LINE:
            setattr(owner, field.key, strip_blank(value or "") or None)
        case FieldKind.CHOICES:
            setattr(owner, field.key, tuple(one for one in field.choices or () if one in (value or ())) or None)
        case _:
            setattr(owner, field.key, value)


def _replace_rows(owner: TestRun | Release | AssetReview, name: str, rows: list[Any]) -> None:
    """Replace the rows; the old ones are deleted first, because positions are unique."""
    session = Session.object_session(owner)
    if getattr(owner, name) and session is not None:
        setattr(owner, name, [])
        session.flush()
    setattr(owner, name, rows)


def _field_error(  # noqa: C901, PLR0911 - one branch for each kind of field
    field: RecordField, value: object, change: ChangeRequest, activity: Activity, now: dt.datetime
) -> Message | None:
    if value is None:
        return None
    match field.kind:
        case FieldKind.SINGLE_LINE | FieldKind.MULTI_LINE:
            return _text_field_error(field, value)
        case FieldKind.DATETIME:
            return _datetime_error(field, value, change, now)
        case FieldKind.DATE:
            return None if type(value) is dt.date and is_plausible_date(value) else _("This is not a date.")
        case FieldKind.MINUTES:
            fits = type(value) is int and 0 <= value <= _MAX_MINUTES
            return None if fits else _("Enter a number of minutes, 0 or more.")
        case FieldKind.CHOICE:
            fits = field.choices is not None and isinstance(value, field.choices)
            return None if fits else _("Choose an item from the list.")
        case FieldKind.CHOICES:
            fits = isinstance(value, tuple) and all(type(one) is field.choices for one in value)
            return None if fits else _("Choose an item from the list.")
        case FieldKind.TEST_CASES:
            return _test_cases_error(value)
        case FieldKind.LINKED_CHANGE:
            return _linked_change_error(value, change)
        case FieldKind.ASSETS | FieldKind.TOUCHED_ASSETS | FieldKind.MUTATIONS:
            return _ASSET_ERRORS[field.kind](value, activity)
        case _:
            return field_value_error(field, value, change, activity)


_ASSET_ERRORS = {
    FieldKind.ASSETS: mutation.findings_error,
    FieldKind.TOUCHED_ASSETS: mutation.touched_assets_error,
    FieldKind.MUTATIONS: mutation.mutations_error,
}


def _text_field_error(field: RecordField, value: object) -> Message | None:
    if not isinstance(value, str):
        return _("This is not text.")
    max_length = (
        _MAX_LINE_LENGTHS.get(field.key, SHORT_TEXT_LENGTH) if field.kind is FieldKind.SINGLE_LINE else MAX_TEXT_LENGTH
    )
    return text_error(value, max_length=max_length)


def _datetime_error(field: RecordField, value: object, change: ChangeRequest, now: dt.datetime) -> Message | None:
    if not isinstance(value, dt.datetime) or value.tzinfo is None or not is_plausible_date(value):
        return _("This is not a date and time.")
    if field.must_be_past and value > now:
        return _("The actual time cannot be in the future.")
    if field.is_before_request and value >= request_minute(change, now):
        return _("This was not before the request: leave it empty, or correct it.")
    if field.must_be_past and not field.may_precede_request and value < request_minute(change, now):
        return _("The actual time cannot be before the request. Work that was done before has a field of its own.")
    return None


def request_minute(change: ChangeRequest, now: dt.datetime) -> dt.datetime:
    """Return the minute in which ``change`` was submitted, now for one that is not: forms have no seconds."""
    return (change.submitted_at or now).replace(second=0, microsecond=0)


def _test_cases_error(value: object) -> Message | None:
    if not isinstance(value, list) or len(value) > mutation.MAX_ROWS:
        return _("This is not a list of test cases.")
    for case in value:
        parts = list(case.values()) if isinstance(case, dict) and set(case) == set(_TEST_CASE_FIELDS) else []
        if not parts or not all(_is_text(part) for part in parts):
            return _("Each test case needs a name, the expected result and the actual result.")
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(strip_blank(value)) <= MAX_TEXT_LENGTH and is_storable(value)


def _linked_change_error(value: object, change: ChangeRequest) -> Message | None:
    session = Session.object_session(change)
    earlier = session.get(type(change), value) if session is not None and is_id(value) else None
    if (
        earlier is None
        or earlier.agency_id != change.agency_id
        or earlier.requester_id != change.requester_id
        or earlier.id == change.id
        or earlier.is_draft
    ):
        return _("You have no such earlier request.")
    return None


def _cross_field_errors(step: Step, values: Mapping[str, Any]) -> dict[str, Message]:
    """Return the cross-field errors: ends before starts."""
    first, last = {
        Step.IMPLEMENTATION: ("claimed_start_at", "claimed_end_at"),
        Step.RELEASE: ("window_start_at", "window_end_at"),
    }.get(step.kind, (None, None))
    if first is None or last is None:
        return {}
    start, end = values.get(first), values.get(last)
    if not (isinstance(start, dt.datetime) and isinstance(end, dt.datetime)):
        return {}
    if end < start:
        return {last: _("The end is before the start.")}
    if end == start and step.kind is Step.RELEASE:  # an empty window would overlap with nothing
        return {last: _("The window end must be after its start.")}
    return {}
