"""Questions about values that are possible and yet hardly meant: a date out of reach, a plan that says nothing.

They come back with the form; who ticks "it is so" beside them is believed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import says_nothing, shorten
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import RECORD_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.workflow.record_fields import RecordField

#: How far from today a date is out of reach, in days.
_YEAR = 365
_FAR_AHEAD, _LONG_AGO = 3 * _YEAR, 2 * _YEAR

#: Outcomes that leave the record as it was.
_WITHOUT_QUESTIONS = frozenset({Outcome.WITHDRAWN})


def date_questions(
    step: Step, outcome: Outcome, record: Mapping[str, Any], *, now: dt.datetime, since: dt.datetime
) -> dict[str, Message]:
    """Return a question for each date or time in ``record`` that is out of reach, by field key.

    ``now`` is in the agency's zone; ``since`` is when the request was submitted, or now for one that is not.
    """
    if outcome in _WITHOUT_QUESTIONS:
        return {}
    found = {field.key: _date_question(field, record.get(field.key), now, since) for field in RECORD_FIELDS[step]}
    questions = {key: question for key, question in found.items() if question}
    if outcome is Outcome.SCHEDULED and record.get("actual_at") is None:
        end = record.get("window_end_at")
        if isinstance(end, dt.datetime) and end <= now:
            questions["window_end_at"] = _("The release window has passed already, and no actual time is given.")
    return questions


def plan_question(outcome: Outcome, rollback_plan: str | None, *, is_emergency: bool) -> dict[str, Message]:
    """Return a question about the roll back plan of an emergency that says nothing, when it is judged or approved."""
    is_asked = outcome is Outcome.EMERGENCY or (outcome is Outcome.APPROVED and is_emergency)
    if not is_asked or not says_nothing(rollback_plan or ""):
        return {}
    plan = shorten(rollback_plan or "") or "–"
    return {"rollback_plan": _("The roll back plan of this emergency says only “%(plan)s”.", plan=plan)}


def _date_question(field: RecordField, value: object, now: dt.datetime, since: dt.datetime) -> Message | None:
    match value:
        case dt.datetime():
            days = (value - now).days
            is_past = field.may_precede_request and -days > _LONG_AGO
        case dt.date():
            days = (value - now.date()).days
            is_past = value < since.astimezone(now.tzinfo).date()
        case _:
            return None
    if is_past and -days > _LONG_AGO:
        return _("“%(field)s” is %(years)s years ago.", field=field.label, years=-days // _YEAR)
    if is_past:
        return _("“%(field)s” is a day in the past.", field=field.label)
    if days > _FAR_AHEAD:
        return _("“%(field)s” is %(years)s years ahead.", field=field.label, years=days // _YEAR)
    return None
