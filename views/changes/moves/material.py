"""What the head decides on at approval and at verification, gathered from the request and the steps before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lpse_admin.i18n import LabelledEnum, _, join_messages
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import REQUEST_FIELDS, fields_of_step
from views.changes.own_fields.facts import own_facts
from views.forms.folding import collapsible_text, short_text
from views.i18n.language import format_date, format_datetime, tr
from views.listing.page.cells import EMPTY_CELL, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.changes.change import ChangeRequest
    from models.changes.loading import ChangeDetails, StepShown

#: The fields of the request that an approval is decided on; the evaluation's answer stands in place of the request's.
_REQUEST_KEYS = (
    "description",
    "purpose",
    "impact",
    "risk_if_not_done",
    "wanted_by",
    "resources",
    "rollback_plan",
    "test_plan",
)
#: The records that a report is verified by, the latest of each step.
_REPORT_KEYS: tuple[tuple[Step, tuple[str, ...]], ...] = (
    (Step.REPORT, ("summary", "follow_up")),
    (Step.TEST, ("documentation", "cases")),
    (Step.ROLLBACK, ("cause", "state_restored", "verified_how")),
    (Step.IMPLEMENTATION, ("steps_taken", "participants")),
)


@dataclass(frozen=True, slots=True)
class Material:
    """The facts for a decision; ``request_keys`` are the fields of the request among them."""

    facts: tuple[Fact, ...] = ()
    request_keys: frozenset[str] = frozenset()


def decision_material(change: ChangeRequest, details: ChangeDetails) -> Material:
    """Return the material for the current step; nothing at a step that is not the head's."""
    if change.step.kind is Step.APPROVAL:
        return Material(tuple(_for_approval(change, details)), frozenset(_REQUEST_KEYS))
    if change.step.kind is Step.VERIFICATION:
        return Material(tuple(_for_verification(details)))
    return Material()


def _for_approval(change: ChangeRequest, details: ChangeDetails) -> Iterator[Fact]:
    evaluation = _latest(details, Step.EVALUATION)
    urgency = _latest(details, Step.URGENCY)
    if urgency is not None and urgency.outcome is Outcome.EMERGENCY:
        ground = urgency.record["ground"]
        reason = " – ".join(text for text in (tr(ground.title) if ground else "", urgency.reason or "") if text)
        yield Fact(_("Reason for the emergency"), short_text(reason))
    record: dict[str, Any] = dict(evaluation.record) if evaluation is not None else {}
    yield from _filled(Step.EVALUATION, ("risk", "findings"), record)
    yield from own_facts(evaluation) if evaluation is not None else ()
    labels = {field.key: field.label for field in REQUEST_FIELDS}
    for key in _REQUEST_KEYS:
        if value := record.get(key) or getattr(change, key):
            yield Fact(labels[key], _short(value))
    refusals = [one for one in details.steps if one.step.kind is Step.APPROVAL and one.outcome is Outcome.REFUSED]
    if refusals:
        yield Fact(_("Reason for the last refusal"), short_text(refusals[-1].reason or ""))
        yield from _filled(Step.EVALUATION, ("answer_to_refusal",), record)


def _for_verification(details: ChangeDetails) -> Iterator[Fact]:
    for step, keys in _REPORT_KEYS:
        result = _latest(details, step)
        if result is not None:
            if step is Step.TEST and result.outcome is not None:
                yield Fact(_("Test result"), tr(result.outcome.title))
            yield from _filled(step, keys, result.record)
            yield from own_facts(result)


def _latest(details: ChangeDetails, step: Step) -> StepShown | None:
    """Return the last finished visit of ``step``."""
    return next((one for one in reversed(details.steps) if one.step.kind is step and not one.is_open), None)


def _filled(step: Step, keys: tuple[str, ...], record: dict[str, Any]) -> Iterator[Fact]:
    labels = {field.key: field.label for field in fields_of_step(step)}
    for key in keys:
        if (value := record.get(key)) not in (None, "", []):
            yield Fact(labels[key], _short(value))


def _short(value: object) -> Markup | str:
    return (
        short_text(value)
        if isinstance(value, str) and not isinstance(value, LabelledEnum)
        else format_field_value(value)
    )


def format_field_value(value: object) -> Markup | str:  # noqa: PLR0911 - one for each type
    """Return the value of a record's field, formatted for the page."""
    if value in (None, "", [], ()):
        return EMPTY_CELL
    match value:
        case dt.datetime():
            return format_datetime(value)
        case dt.date():
            return format_date(value)
        case LabelledEnum():
            return tr(value)
        case tuple():
            return tr(join_messages([one.title for one in value], ", "))
        case list():
            return Markup("<br>").join(_row_text(row) for row in value)
        case _:
            return collapsible_text(str(value))


def _row_text(row: dict[str, Any]) -> str:
    if "expected" in row:
        return tr(_("%(name)s: expected %(expected)s; actual %(actual)s", **row))
    return " · ".join(str(value) for value in row.values() if value not in (None, ""))
