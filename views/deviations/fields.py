"""The fields of a step's form for deviations: explanations, the state of outputs, and the head's disposals.

Explanations and outputs exist only if the SOP counts deviations. The transition decides which fields are required.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.i18n import _
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.deviations import (
    ACCOUNT_PREFIX,
    OUTPUT_LACKING,
    OUTPUT_PREFIX,
    DeviationKind,
    Disposal,
    account_field,
    output_field,
)
from models.accounts.user import User
from models.changes.steps.undisposed import undisposed
from models.database import db
from models.deviations.deviation import DISPOSALS, disposal_field
from views.forms.fields import DateField
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wtforms.form import BaseForm

    from models.changes.moves.case_file import CaseFile
    from views.changes.steps.form import StepForm

_DISPOSAL_FIELDS = ("disposal", "note", "follow_up_by", "follow_up_until")
_NO_CHOICE = SelectChoice("", "–")
_DELAY_ACCOUNT = account_field(DeviationKind.TIME, "")


def deviation_fields(case: CaseFile) -> dict[str, Any]:
    """Return the fields for deviations in the open step and, at verification, for those to be disposed of."""
    fields: dict[str, Any] = {}
    rule = case.sop.rules[case.position.step]
    if case.sop.switches.deviations:
        fields[_DELAY_ACCOUNT] = TextAreaField(tr(_("Explanation of the delay")))
        for item in rule.requires:
            if item.kind is not ItemKind.RECORD:
                name = f"{ACCOUNT_PREFIX}{item.kind}-{item.key}"
                fields[name] = TextAreaField(tr(_("Why this is missing: %(item)s", item=item.label)))
        for index, output in enumerate(rule.outputs):
            choices = [
                SelectChoice("", tr(_("as the SOP requires"))),
                SelectChoice(OUTPUT_LACKING, tr(_("missing or different"))),
            ]
            fields[output_field(index)] = SelectField(output, choices=choices)
            fields[f"{ACCOUNT_PREFIX}{output_field(index)}"] = TextAreaField(
                tr(_("Explanation: %(output)s", output=output))
            )
    if rule.step.kind is Step.VERIFICATION and (waiting := undisposed(case.change)):
        colleagues = colleagues_of(case.change.agency_id)
        for deviation in waiting:
            fields |= disposal_fields(colleagues, deviation.id)
    return fields


def disposal_fields(colleagues: Iterable[tuple[int, str]], deviation_id: int) -> dict[str, Any]:
    """Return the fields of the disposal of one deviation by their names in the form.

    ``colleagues`` are the choices for its follow-up (``colleagues_of``).
    """
    disposals = [_NO_CHOICE, *(SelectChoice(one.value, tr(one.title)) for one in Disposal)]
    people = [_NO_CHOICE, *(SelectChoice(str(id_), name) for id_, name in colleagues)]
    fields = {
        "disposal": SelectField(tr(_("Decision")), choices=disposals),
        "note": TextAreaField(tr(_("Note by the head"))),
        "follow_up_by": SelectField(tr(_("Responsible for the follow-up")), choices=people),
        "follow_up_until": DateField(tr(_("Until"))),
    }
    return {disposal_field(name, deviation_id): field for name, field in fields.items()}


def disposal_values(form: BaseForm, deviation_id: int) -> dict[str, object]:
    """Return the submitted disposal of one deviation, as ``Deviation.dispose`` takes it."""
    values = {name: form[disposal_field(name, deviation_id)].data for name in _DISPOSAL_FIELDS}
    by = str(values["follow_up_by"] or "")
    # What is no number is nobody, whom the rule refuses; None is where nobody was chosen.
    return {**values, "follow_up_by": (int(by) if by.isascii() and by.isdecimal() else 0) if by else None}


def colleagues_of(agency_id: int) -> list[tuple[int, str]]:
    """Return (id, name) of the users of the agency who can be responsible for a follow-up."""
    rows = db.session.execute(
        select(User.id, User.full_name)
        .where(User.agency_id == agency_id, User.is_active, User.is_change_manager | User.is_head)
        .order_by(User.full_name, User.id)
    )
    return [(id_, name) for id_, name in rows]


def deviation_values(form: StepForm, form_data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the submitted values for deviations, as ``advance`` takes them."""
    names = [name for name in form._fields if name.startswith((ACCOUNT_PREFIX, OUTPUT_PREFIX)) and name in form_data]
    values: dict[str, Any] = {name: form[name].data or "" for name in names}
    disposals = {
        str(one.id): disposal_values(form, one.id)
        for one in (undisposed(form.change) if form.activity.step.kind is Step.VERIFICATION else [])
        if disposal_field("disposal", one.id) in form_data
    }
    return values | ({DISPOSALS: disposals} if disposals else {})


def saved_deviation_values(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the saved values for a step's deviations, by the names of the form's fields."""
    saved = {key: value for key, value in declared.items() if key != DISPOSALS}
    for id_, disposal in declared.get(DISPOSALS, {}).items():
        for name, value in disposal.items():
            saved[disposal_field(name, int(id_))] = _parse_date(value) if name == "follow_up_until" else value
    return saved


def _parse_date(value: object) -> dt.date | None:
    with suppress(ValueError, TypeError):
        return dt.date.fromisoformat(str(value))
    return None
