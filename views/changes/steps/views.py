"""The screens of the steps' records, one for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import and_
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import EmergencyGround, Environment, Risk
from models.changes.assets.affected import EVALUATED_TEXT
from models.changes.steps.activity import Activity
from models.changes.steps.assessments import last_risk
from models.changes.steps.field_value import value_of_step
from models.database import db
from models.reports import waiting
from views.app.access import get_current_user
from views.changes.own_fields.columns import with_own_fields
from views.changes.steps.asset_update import AssetUpdateView
from views.changes.steps.lists import ACTIVITY_COLUMNS, record_table_columns, step_spec
from views.changes.steps.record_view import StepRecordView
from views.changes.steps.release import ReleaseView
from views.changes.steps.times import TIMING_KEYS
from views.delegation.absent_head import absent_head
from views.listing.filters.kinds import ChoiceFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView, current_principal, url_builder

if TYPE_CHECKING:
    from collections.abc import Callable

    from views.listing.lists import ListQuery, ListSpec, Page


class EvaluationView(StepRecordView):
    """Evaluations of requests."""

    step = Step.EVALUATION
    resource = Resource.EVALUATION
    title = _("Evaluations")
    empty_message = _("No evaluation yet. One appears when a request is submitted.")
    spec = step_spec(
        Step.EVALUATION,
        "risk",
        filters=(ChoiceFilter("risk", _("Risk"), column=record_table_columns(Step.EVALUATION).risk, choices=Risk),),
        columns=(Column("affected", _("Assets and services affected"), EVALUATED_TEXT, in_list=False, wide=True),),
    )


#: The step that a request was returned from: it ended at the moment at which the requester's began.
_returning: Any = Activity.__table__.alias("returning_step")


class ReturnedView(RecordView):
    """Requests that were returned to their requesters: why, and whether they came back or were withdrawn."""

    resource = Resource.RETURNED
    title = _("Returned requests")
    empty_message = _("No request has been returned yet.")
    spec = step_spec(
        Step.RETURNED,
        unlisted=frozenset({"urgency", "actor", *TIMING_KEYS}),
        joins=(
            (
                _returning,
                and_(
                    _returning.c.change_id == ACTIVITY_COLUMNS.change_id,
                    _returning.c.outcome == Outcome.RETURNED,
                    _returning.c.finished_at == ACTIVITY_COLUMNS.arrived_at,
                ),
            ),
        ),
        columns=(
            Column("returned_because", _("Reason of the return"), _returning.c.reason, wide=True),
            Column("returned_by", _("Returned by"), _returning.c.actor_name),
        ),
    )

    @override
    def reader_spec(self) -> ListSpec:
        """Return the list with what the SOPs of the reader's office ask for in requests."""
        return with_own_fields(self.spec, Step.RETURNED, value_of_step, ACTIVITY_COLUMNS.id)

    def link_url_builder(self) -> Callable[[int], str]:
        """Return a function for the address of the request's page."""
        return url_builder("change.details_view")


class UrgencyView(StepRecordView):
    """Urgency assessments."""

    step = Step.URGENCY
    resource = Resource.URGENCY
    title = _("Urgency assessments")
    empty_message = _("No urgency assessment yet. One appears when a request is accepted.")
    spec = step_spec(
        Step.URGENCY,
        "ground",
        filters=(
            ChoiceFilter(
                "ground", _("Grounds"), column=record_table_columns(Step.URGENCY).ground, choices=EmergencyGround
            ),
        ),
    )


class ApprovalView(StepRecordView):
    """Emergency approvals by the head, the waiting ones first."""

    step = Step.APPROVAL
    resource = Resource.APPROVAL
    title = _("Approvals")
    actions = ()
    empty_message = _("No emergency has reached the head yet. One appears when a change is assessed as an emergency.")
    list_template = "changes/steps/approvals.html"
    spec = step_spec(
        Step.APPROVAL,
        filters=(ChoiceFilter("risk", _("Risk"), column=last_risk(ACTIVITY_COLUMNS.change_id), choices=Risk),),
    )

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return the number of waiting emergencies, and when the oldest arrived."""
        number, oldest = waiting.count_emergencies(db.session(), current_principal())
        return {
            "waiting": number,
            "oldest": oldest,
            "absent_head": absent_head(get_current_user().agency, arrived=oldest),
        }


class ImplementationView(StepRecordView):
    """Implementations of changes."""

    step = Step.IMPLEMENTATION
    resource = Resource.IMPLEMENTATION
    title = _("Implementations")
    empty_message = _("No implementation yet. One appears when a change may be implemented.")
    spec = step_spec(
        Step.IMPLEMENTATION,
        "environment",
        filters=(
            ChoiceFilter(
                "environment",
                _("Environment"),
                column=record_table_columns(Step.IMPLEMENTATION).environment,
                choices=Environment,
            ),
        ),
    )


class TestView(StepRecordView):
    """Documented tests."""

    __test__: ClassVar[bool] = False  # pytest would collect a class of this name
    step = Step.TEST
    resource = Resource.TEST
    title = _("Tests")
    empty_message = _("No test yet. One appears when a change was implemented.")
    spec = step_spec(Step.TEST, "documentation")


class RollbackView(StepRecordView):
    """Roll backs after a failed test."""

    step = Step.ROLLBACK
    resource = Resource.ROLLBACK
    title = _("Roll backs")
    empty_message = _("No roll back yet. One appears when a test has failed.")
    spec = step_spec(Step.ROLLBACK, "cause")


class ReportView(StepRecordView):
    """Reports to the head."""

    step = Step.REPORT
    resource = Resource.REPORT
    title = _("Change reports")
    empty_message = _("No report yet. One appears after a test or a roll back.")
    spec = step_spec(Step.REPORT, "summary")


class VerificationView(StepRecordView):
    """The head's verifications of reports."""

    step = Step.VERIFICATION
    resource = Resource.VERIFICATION
    title = _("Verifications")
    actions = ()
    empty_message = _("No verification yet. One appears when a report is submitted.")
    list_template = "changes/steps/verifications.html"
    spec = step_spec(Step.VERIFICATION, "notes")

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return the notice about an absent head."""
        return {"absent_head": absent_head(get_current_user().agency)}


class AssetReviewView(StepRecordView):
    """Reviews of the asset list."""

    step = Step.ASSET_REVIEW
    resource = Resource.ASSET_REVIEW
    title = _("Reviews of the asset list")
    empty_message = _("No review yet. One appears after a release is scheduled or declined.")
    spec = step_spec(Step.ASSET_REVIEW, "assessment")


class OwnStepView(StepRecordView):
    """Steps of SOPs' own: decisions, tasks, acknowledgements, acceptances and times of waiting."""

    step = Step.TASK
    resource = Resource.OWN_STEP
    title = _("Other steps of the SOP")
    empty_message = _("No step of this kind yet. The SOP says which there are.")
    spec = step_spec(Step.TASK, "notes")


#: The step screens in the order of the procedure.
STEP_VIEWS: tuple[type[StepRecordView], ...] = (
    EvaluationView,
    UrgencyView,
    ApprovalView,
    ImplementationView,
    TestView,
    RollbackView,
    ReportView,
    VerificationView,
    ReleaseView,
    AssetReviewView,
    AssetUpdateView,
    OwnStepView,
)
