"""Questions about values that are possible and yet hardly meant: a date out of reach, a plan that says nothing.

They come back with the form; who ticks "it is so" beside them is believed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import says_nothing, shorten
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import fields_of_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.workflow.record_fields import RecordField

#: How far from today a date is out of reach, in days.
_YEAR = 365
_FAR_AHEAD, _LONG_AGO = 3 * _YEAR, 2 * _YEAR
#: The same for what an office plans and sets: freezes, delegations, absences, holidays, windows of releases.
OFFICE_DAYS_AHEAD, OFFICE_DAYS_AGO = 2 * _YEAR, _LONG_AGO

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
    results = {field.key: _date_question(field, record.get(field.key), now, since) for field in fields_of_step(step)}
    questions = {key: question for key, question in results.items() if question}
    if outcome is Outcome.SCHEDULED and record.get("actual_at") is None:
        question = window_question(record.get("window_end_at"), now)
        questions |= {"window_end_at": question} if question else {}
    return questions


def window_question(end: object, now: dt.datetime) -> Message | None:
    """Return the question about a planned window that ends at ``end``, before ``now``."""
    if not isinstance(end, dt.datetime) or end > now:
        return None
    return _("The release window has passed already, and no actual time is given.")


def plan_question(outcome: Outcome, rollback_plan: str | None, *, is_emergency: bool) -> dict[str, Message]:
    """Return a question about the roll back plan of an emergency that says nothing, when it is judged or approved."""
    is_asked = outcome is Outcome.EMERGENCY or (outcome is Outcome.APPROVED and is_emergency)
    if not is_asked or not says_nothing(rollback_plan or ""):
        return {}
    plan = shorten(rollback_plan or "") or "–"
    return {"rollback_plan": _("The roll back plan of this emergency says only “%(plan)s”.", plan=plan)}


def reach_question(
    label: Message | str,
    value: dt.date,
    now: dt.datetime,
    *,
    ago: int = OFFICE_DAYS_AGO,
    ahead: int = OFFICE_DAYS_AHEAD,
) -> Message | None:
    """Return the question about a date or time more than ``ago`` days before ``now`` or ``ahead`` after it, or None."""
    days = (value - now).days if isinstance(value, dt.datetime) else (value - now.date()).days
    if -days > ago:
        return _("“%(field)s” is %(years)s years ago.", field=label, years=-days // _YEAR)
    if days > ahead:
        return _("“%(field)s” is %(years)s years ahead.", field=label, years=days // _YEAR)
    return None


def ask(question: Message) -> Message:
    """Return the sentence that stands beside the field: the question, and what to do."""
    return _("%(question)s Correct it, or confirm that it is so.", question=question)


def _date_question(field: RecordField, value: object, now: dt.datetime, since: dt.datetime) -> Message | None:
    match value:
        case dt.datetime():
            is_expected = value <= now and not field.may_precede_request
            is_past = False
        case dt.date():
            is_past = value < since.astimezone(now.tzinfo).date()
            is_expected = value <= now.date() and not is_past
        case _:
            return None
    if is_expected:
        return None
    past = _("“%(field)s” is a day in the past.", field=field.label) if is_past else None
    return reach_question(field.label, value, now, ago=_LONG_AGO, ahead=_FAR_AHEAD) or past
