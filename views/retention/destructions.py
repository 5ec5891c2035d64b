"""Proposals of destruction, and the head's decision."""

from __future__ import annotations

from typing import Any

from typing_extensions import override
from wtforms import TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from lpse_admin.retention.rules import DAYS_BEFORE_DESTRUCTION
from models.database import db
from models.retention.destruction import Destruction, DestructionState, destructible, propose_destruction
from views.app.access import get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import CheckboxListField, Form, Required
from views.i18n.language import format_date, tr
from views.listing.actions import action
from views.listing.filters.kinds import ChoiceFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView


class ProposalForm(Form):
    """What is to be destroyed, and why."""

    record_ids = CheckboxListField(_("Requests that have come due"), [Required()], coerce=int)
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})

    @override
    def set_up(self, record: object) -> None:
        """Offer what has come due and is not under a hold."""
        agency = get_current_user().agency
        due = destructible(db.session(), agency, now()) if agency else []
        self.record_ids.choices = [
            SelectChoice(one.record_id, f"{one.name} ({format_date(one.due_on)})") for one in due
        ]
        if not due:
            self.record_ids.description = tr(
                _(
                    "Nothing has come due: there is no rule that lets requests be destroyed, the rule was set or"
                    " changed less than %(days)s days ago, or no request is old enough.",
                    days=DAYS_BEFORE_DESTRUCTION,
                )
            )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``propose_destruction``."""
        return {"record_ids": self.record_ids.data or [], "reason": self.reason.data or ""}


class DecisionForm(Form):
    """What the head notes on a decision."""

    note = TextAreaField(_("Note"), render_kw={"rows": 2})


class DestructionView(RecordView):
    """The proposals of the reader's office."""

    resource = Resource.DESTRUCTION
    model = Destruction
    title = _("Destructions")
    create_label = _("New proposal")
    create_submit = _("Propose")
    empty_message = _("No proposal yet. What has come due is proposed as a list, and destroyed when the head approves.")
    details_template = "retention/destruction.html"
    column_list = (
        Column("proposed", _("Proposed"), Destruction.proposed_at, CellKind.DATETIME, is_link=True),
        Column("state", _("State"), Destruction.state, CellKind.CHOICE, DestructionState),
        Column("reason", _("Reason"), Destruction.reason, wide=True),
        Column("proposed_by", _("Proposed by"), Destruction.proposed_by_name),
        Column("decided", _("Decided"), Destruction.decided_at, CellKind.DATETIME),
        Column("decided_by", _("Decided by"), Destruction.decided_by_name),
        Column("note", _("Note"), Destruction.note, in_list=False),
    )
    column_filters = (ChoiceFilter("state", _("State"), column=Destruction.state, choices=DestructionState),)

    form = ProposalForm
    create = propose_destruction

    @override
    def record_context(self, record: Destruction) -> dict[str, Any]:
        """Return the listed requests."""
        return {"items": record.items, "destruction": record}

    @action(
        "approve",
        _("Approve and destroy"),
        form=DecisionForm,
        when=Destruction.can_be_decided_by,
        explanation=_("The texts and files of the listed requests are erased for good; numbers, times, outcomes, names"
                      " of those who acted, and the hashes of files stay."),
        success=_("Destroyed as listed."),
    )  # fmt: skip
    def approve(self, destruction: Destruction, form: DecisionForm) -> None:
        """Approve a proposal, which destroys what it lists."""
        destruction.approve(by=get_current_user(), now=now(), note=form.note.data or "")

    @action("refuse", _("Refuse"), form=DecisionForm, when=Destruction.can_be_decided_by, success=_("Refused."))
    def refuse(self, destruction: Destruction, form: DecisionForm) -> None:
        """Refuse a proposal, with the reason."""
        destruction.refuse(by=get_current_user(), now=now(), note=form.note.data or "")
