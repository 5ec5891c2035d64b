"""Writing down a step: typed values into the record of the open activity, and what its outcome sets in motion.

The fields are those of ``lpse_admin.workflow.record_fields``; this module only knows where each is kept.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from lpse_admin.errors import Incomplete
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import OF_THE_REQUESTER, Outcome, Step
from lpse_admin.workflow.record_fields import REASON, RECORDS, Field, FieldKind
from models.base import LINE_LENGTH, is_id, is_storable
from models.changes.activity import (
    Activity,
    AssetReview,
    AssetReviewItem,
    AssetUpdate,
    Release,
    ReleaseAsset,
    TestCase,
    TestRun,
)
from models.inventory import mutation
from models.validation import fault_of, is_of_our_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.accounts.user import User
    from models.changes.change import ChangeRequest

#: Prose is bounded only by what a form may send.
_SHORT = {"version": 80}
_PROSE_LENGTH = 100_000
_MOST_MINUTES = 60 * 24 * 365

_CASE_PARTS = ("name", "expected", "actual")


def read(change: ChangeRequest, activity: Activity) -> dict[str, Any]:
    """Return the record's values by field key, as they are stored now."""
    holder: Any = change if activity.step in OF_THE_REQUESTER else activity
    return {field.key: _stored(holder, field) for field in RECORDS[activity.step]}


def write(change: ChangeRequest, activity: Activity, values: Mapping[str, object], now: dt.datetime) -> None:
    """Put those of ``values`` that the step's record has into it; a reason is judged here and kept by the move.

    Raises Incomplete with a sentence beside each field whose value is of the wrong kind, too long or impossible.
    """
    holder: Any = change if activity.step in OF_THE_REQUESTER else activity
    fields = [field for field in RECORDS[activity.step] if field.key in values]
    faults: dict[str, Message] = {}
    for field in fields:
        value = values[field.key]
        if fault := _fault(field, value, change, activity, now):
            faults[field.key] = fault
    if fault := _fault(REASON, values.get(REASON.key), change, activity, now):
        faults[REASON.key] = fault
    sound = {key: value for key, value in {**read(change, activity), **values}.items() if key not in faults}
    faults |= _faults_between(activity.step, sound)
    if faults:
        raise Incomplete(_("Some of what was typed in cannot be kept like this."), fields=faults)
    for field in fields:
        _store(holder, field, values[field.key])


def settle(change: ChangeRequest, activity: Activity, outcome: Outcome, actor: User, now: dt.datetime) -> None:
    """Do what ``outcome`` sets in motion beside the move: the asset list is brought up to date here."""
    if outcome is Outcome.UPDATED and isinstance(activity, AssetUpdate):
        mutation.apply(change, activity, actor, now)


def _stored(holder: Any, field: Field) -> Any:  # noqa: ANN401 - fields hold texts, moments, enums and lists
    match field.kind:
        case FieldKind.CASES:
            return [{part: getattr(case, part) for part in _CASE_PARTS} for case in holder.cases]
        case FieldKind.ASSETS:
            return [{"asset_id": item.asset_id, "finding": item.finding} for item in holder.items]
        case FieldKind.TOUCHED:
            return [{"asset_id": item.asset_id} for item in holder.touched]
        case FieldKind.MUTATIONS:
            return list((holder.draft or {}).get("rows", []))
        case _:
            return getattr(holder, field.key)


def _store(holder: Any, field: Field, value: Any) -> None:  # noqa: ANN401
    match field.kind:
        case FieldKind.CASES:
            _replace(holder, "cases", [TestCase(position=place, **case) for place, case in enumerate(value or [], 1)])
        case FieldKind.ASSETS:
            _replace(
                holder, "items", [AssetReviewItem(position=place, **item) for place, item in enumerate(value or [], 1)]
            )
        case FieldKind.TOUCHED:
            _replace(
                holder, "touched", [ReleaseAsset(position=place, **item) for place, item in enumerate(value or [], 1)]
            )
        case FieldKind.MUTATIONS:
            holder.draft = {"rows": list(value or [])}
        case FieldKind.LINE:
            setattr(holder, field.key, " ".join((value or "").split()) or None)
        case FieldKind.TEXT:
            setattr(holder, field.key, (value or "").strip() or None)
        case _:
            setattr(holder, field.key, value)


def _replace(holder: TestRun | Release | AssetReview, name: str, rows: list[Any]) -> None:
    """Put ``rows`` in place of the former ones, which leave first: their positions are unique."""
    session = Session.object_session(holder)
    if getattr(holder, name) and session is not None:
        setattr(holder, name, [])
        session.flush()
    setattr(holder, name, rows)


def _fault(  # noqa: C901, PLR0911 - one sentence for each kind of value
    field: Field, value: object, change: ChangeRequest, activity: Activity, now: dt.datetime
) -> Message | None:
    if value is None:
        return None
    match field.kind:
        case FieldKind.LINE | FieldKind.TEXT:
            return _fault_of_text(field, value)
        case FieldKind.MOMENT:
            return _fault_of_moment(field, value, change, now)
        case FieldKind.DATE:
            return None if type(value) is dt.date and is_of_our_times(value) else _("This is not a date.")
        case FieldKind.MINUTES:
            fits = type(value) is int and 0 <= value <= _MOST_MINUTES
            return None if fits else _("Give a number of minutes, 0 or more.")
        case FieldKind.CHOICE:
            fits = field.choices is not None and isinstance(value, field.choices)
            return None if fits else _("Choose one of the list.")
        case FieldKind.CASES:
            return _fault_of_cases(value)
        case FieldKind.CHANGE:
            return _fault_of_link(value, change)
        case FieldKind.ASSETS:
            return mutation.fault_of_findings(value, activity)
        case FieldKind.TOUCHED:
            return mutation.fault_of_touched(value, activity)
        case FieldKind.MUTATIONS:
            return mutation.fault(value, activity)


def _fault_of_text(field: Field, value: object) -> Message | None:
    if not isinstance(value, str):
        return _("This is not a text.")
    most = _SHORT.get(field.key, LINE_LENGTH) if field.kind is FieldKind.LINE else _PROSE_LENGTH
    return fault_of(value, most=most)


def _fault_of_moment(field: Field, value: object, change: ChangeRequest, now: dt.datetime) -> Message | None:
    if not isinstance(value, dt.datetime) or value.tzinfo is None or not is_of_our_times(value):
        return _("This is not a date and time.")
    if field.past_only and value > now:
        return _("A stated time cannot be in the future.")
    if field.past_only and value < (change.submitted_at or change.created_at):
        return _("A stated time cannot be before the request.")
    return None


def _fault_of_cases(value: object) -> Message | None:
    if not isinstance(value, list) or len(value) > mutation.MOST_ROWS:
        return _("This is not a list of test cases.")
    for case in value:
        parts = list(case.values()) if isinstance(case, dict) and set(case) == set(_CASE_PARTS) else []
        if not parts or not all(_is_a_text(part) for part in parts):
            return _("Each test case needs its name, what was expected and what was seen.")
    return None


def _is_a_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= _PROSE_LENGTH and is_storable(value)


def _fault_of_link(value: object, change: ChangeRequest) -> Message | None:
    session = Session.object_session(change)
    earlier = session.get(type(change), value) if session is not None and is_id(value) else None
    if (
        earlier is None
        or earlier.agency_id != change.agency_id
        or earlier.requester_id != change.requester_id
        or earlier.id == change.id
        or earlier.is_draft
    ):
        return _("There is no such earlier request of yours.")
    return None


def _faults_between(step: Step, values: Mapping[str, Any]) -> dict[str, Message]:
    """Return the faults that show only when two fields are read together."""
    first, last = {
        Step.IMPLEMENTATION: ("claimed_start_at", "claimed_end_at"),
        Step.RELEASE: ("window_start_at", "window_end_at"),
    }.get(step, (None, None))
    if first is None or last is None:
        return {}
    start, end = values.get(first), values.get(last)
    if not (isinstance(start, dt.datetime) and isinstance(end, dt.datetime)):
        return {}
    if end < start:
        return {last: _("The end is before the start.")}
    if end == start and step is Step.RELEASE:  # a window of no length would overlap with nothing
        return {last: _("The window has no length: its end must be after its start.")}
    return {}
