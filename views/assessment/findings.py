"""The findings of outside assessors, with the action on each and what the assessor says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import url_for
from sqlalchemy import Boolean, func, select, type_coerce

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from models.assessment.entry import correct_finding, enter_finding, record_action, record_agreement
from models.assessment.finding import AssessorFinding
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from models.inventory.asset import Asset
from models.sops.sop import SopRevision
from views.app.access import get_current_user
from views.app.clock import now
from views.assessment.forms import ActionForm, AgreementForm, FindingForm, subject_of
from views.listing.actions import action
from views.listing.filters.kinds import CaseFilter
from views.listing.lists import Column
from views.listing.parameters import TODAY
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from views.forms.base import Form

_OVERDUE = CaseFilter(
    "due",
    _("Target date"),
    cases=(("overdue", _("Overdue"), type_coerce(AssessorFinding.is_overdue(TODAY), Boolean)),),
)
_about = func.coalesce(
    select(ChangeRequest.number).where(ChangeRequest.id == AssessorFinding.change_id).scalar_subquery(),
    select(ChangeRequest.number)
    .join(Release, Release.change_id == ChangeRequest.id)
    .where(Release.id == AssessorFinding.release_id)
    .scalar_subquery(),
    select(Asset.name).where(Asset.id == AssessorFinding.asset_id).scalar_subquery(),
    select(func.coalesce(SopRevision.number, SopRevision.key))
    .where(SopRevision.id == AssessorFinding.sop_id)
    .scalar_subquery(),
)


class FindingView(RecordView):
    """The findings in the reader's office."""

    resource = Resource.FINDING
    model = AssessorFinding
    title = _("Findings of assessors")
    empty_message = _("No finding of an assessor was entered yet.")
    details_template = "assessment/details.html"

    column_list = (
        Column("number", _("Number of the finding"), AssessorFinding.number, is_link=True),
        "agency",
        "found_on",
        Column("finding", _("Finding"), AssessorFinding.finding, wide=True),
        Column("about", _("Is about"), _about),
        "priority",
        "due_on",
        Column("state", _("State"), AssessorFinding.state),
        Column("action_by", _("Carried out by"), AssessorFinding.action_by_name),
    )
    column_labels: ClassVar = {
        "found_on": _("Day of the finding"),
        "assessor": _("Assessor"),
        "clause": _("Standard and clause"),
        "improvement": _("Request for improvement"),
        "priority": _("Priority"),
        "due_on": _("Target date"),
        "action": _("Action"),
        "action_status": _("Status of the action"),
        "action_on": _("Carried out on"),
        "agreement": _("Answer of the assessor"),
        "agreement_note": _("Note of the assessor"),
        "agreed_by": _("Answered by"),
        "agreed_on": _("Day of the answer"),
        "entered_at": _("Entered"),
    }
    column_details_list = (
        *column_list[:3],
        "assessor",
        "clause",
        column_list[3],
        "improvement",
        *column_list[4:8],
        "action",
        column_list[8],
        "action_status",
        "action_on",
        "agreement",
        "agreement_note",
        "agreed_by",
        "agreed_on",
        Column("enterer", _("Entered by"), AssessorFinding.entered_by_name),
        "entered_at",
    )
    column_filters = ("state", "priority", _OVERDUE, "found_on", "due_on")
    column_searchable_list = (AssessorFinding.number, AssessorFinding.finding, AssessorFinding.action_by_name)
    search_hint = _("Number, finding, and who carries out the action.")
    column_sortable_list = ("found_on", "due_on")
    column_default_sort = ("found_on", True)

    form = FindingForm
    create, edit = enter_finding, correct_finding
    edit_when = AssessorFinding.can_be_corrected_by
    create_label = _("Enter a finding")
    create_success = _("The finding is saved.")
    edit_label = _("Correct")
    edit_heading = _("Correct the finding “%(name)s”")

    def record_context(self, record: AssessorFinding) -> dict[str, Any]:
        """Return the address of what a finding is about."""
        subject, name = subject_of(record)
        ids = {
            "change": record.change_id,
            "release": record.release_id,
            "asset": record.asset_id,
            "sop": record.sop_id,
        }
        id_ = ids.get(subject.value)
        return {"about_url": url_for(f"{subject.value}.details_view", id=id_) if id_ else None, "about": name}

    @action(
        "act",
        _("Save the action"),
        form=ActionForm,
        when=AssessorFinding.can_be_acted_on_by,
        summary=_("Record the action"),
        heading=_("Action on the finding “%(name)s”"),
        success=_("The action is saved."),
    )
    def act(self, finding: AssessorFinding, form: Form) -> None:
        """Record what is done about it, by whom, and how far it is."""
        record_action(finding, by=get_current_user(), now=now(), **form.arguments())

    @action(
        "agree",
        _("Save the answer"),
        form=AgreementForm,
        when=AssessorFinding.can_be_agreed_by,
        summary=_("Record the assessor's answer"),
        heading=_("Answer of the assessor to “%(name)s”"),
        success=_("The answer is saved."),
    )
    def agree(self, finding: AssessorFinding, form: Form) -> None:
        """Record what the assessor says of the action."""
        record_agreement(finding, by=get_current_user(), now=now(), **form.arguments())
