"""The screens of the steps' records, one for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, jsonify, redirect, request
from flask_admin import expose
from flask_babel import gettext, lazy_gettext
from sqlalchemy import and_, func, select
from typing_extensions import override
from wtforms import TextAreaField

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import FileTooLarge, NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import Card
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import RECORD_FIELDS, EmergencyGround, Environment, Risk
from models.changes.change import ChangeRequest
from models.changes.moves.case_file import with_record
from models.changes.steps.activity import Activity, AssetReview, AssetUpdate, Release, ReleaseAsset, TestRun
from models.changes.steps.assessments import last_risk
from models.database import db
from models.inventory.asset import Asset
from models.releases.freeze import Freeze, FreezePermit
from models.releases.revising import can_correct, can_move, correct_actual_time, is_unrecorded, move_window, set_aside
from models.reports import waiting
from models.scope import visible
from views.app.access import can, get_current_user, is_acting_head
from views.app.clock import now
from views.app.errors import wants_json
from views.changes.assets import update as assets_update
from views.changes.moves.assignment import Reassign, TakeUp
from views.changes.moves.material import format_field_value
from views.changes.moves.submission import current_case, save_step_input, with_form_field_names
from views.changes.page import ChangePage
from views.changes.steps.form import build_step_form
from views.changes.steps.lists import ACTIVITY_COLUMNS, LIST_FIELD_KINDS, record_table_columns, step_spec
from views.changes.steps.times import TIMING_COLUMNS
from views.delegation.absent_head import absent_head
from views.forms.base import Form, Required
from views.forms.commit import commit_or_show_errors
from views.forms.fields import AwareDateTimeField
from views.forms.once import keep_submission
from views.forms.recovery import recoverable
from views.i18n.language import current_timezone, tr
from views.listing.actions import action
from views.listing.bulk import BulkAction, BulkView
from views.listing.filters.kinds import MAX_SEARCH_LENGTH, CaseFilter, ChoiceFilter, DateRangeFilter, TextFilter
from views.listing.lists import Column
from views.listing.page.cells import Fact
from views.listing.parameters import NOW
from views.listing.record_view import RecordView, current_principal, parse_id, url_builder
from views.releases.calendar import CalendarPage
from views.releases.conflicts import ReleaseConflicts
from views.releases.window import describe_conflicts, week_of_window

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from flask import Response
    from flask.typing import ResponseReturnValue

    from models.accounts.user import User
    from views.listing.lists import ListQuery, Page


class StepRecordView(BulkView):
    """The records of one step: created by moves, editable by the step's actor until the step is finished."""

    step: ClassVar[Step]
    details_template = "changes/steps/details.html"
    can_edit = True
    actions: ClassVar[tuple[BulkAction, ...]] = (TakeUp(), Reassign())

    def link_url_builder(self) -> Callable[[int], str]:
        """Return a function for the address of the request's page, where the step is acted on."""
        return url_builder("change.details_view")

    @staticmethod
    def change_url(change_id: int) -> str:
        """Return the address of the request's page, at its open step."""
        return url_builder("change.details_view", "#step")(change_id)

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the record with its list fields, and the address of its request."""
        activity = self.get_one(str(id))
        lists = [field for field in RECORD_FIELDS[self.step] if field.kind in LIST_FIELD_KINDS]
        return {
            "activity": activity,
            "lists": [Fact(field.label, format_field_value(_list_rows(activity))) for field in lists],
            "change_url": self.change_url(activity.change_id),
        }

    @expose("/edit/", methods=("GET", "POST"))
    @recoverable
    def edit_view(self) -> ResponseReturnValue:
        """Save the submitted values of an open step."""
        activity = self.get_one(request.args.get("id", ""))
        change_id, activity_id = activity.change_id, activity.id
        if not activity.is_open:
            raise NoSuchMove(_("This step is finished; its record can no longer be changed."))
        refusal = None
        scope = visible(ChangeRequest, get_current_user(), is_acting_head=is_acting_head())
        if request.method == "POST":
            try:
                save_step_input(change_id, scope, location=self.change_url(change_id))
            except (ValidationFailed, FileTooLarge, NoSuchMove) as error:
                if wants_json():
                    raise with_form_field_names(error) from None
                db.session.rollback()
                refusal = error
            else:
                flash(gettext("Saved. The step stays open until you finish it."), "success")
                return redirect(self.change_url(change_id), 303)
        page = ChangePage.read(change_id, scope, refusal=refusal, is_typed=refusal is not None)
        if page.current is None or page.current.id != activity_id:
            raise NoSuchMove(_("This step is finished; its record can no longer be changed."))
        if page.reason_cannot_act is not None:
            raise NotAllowed(page.reason_cannot_act)
        status = 200 if refusal is None else refusal.status
        return self.render("changes/steps/edit.html", view=self, page=page, change=page.change), status


def _list_rows(activity: Activity) -> list[dict[str, Any]]:
    match activity:
        case TestRun():
            return [{"name": case.name, "expected": case.expected, "actual": case.actual} for case in activity.cases]
        case Release():
            return [{"asset": str(item.asset)} for item in activity.release_assets]
        case AssetReview():
            return [{"asset": item.asset and str(item.asset), "finding": item.finding} for item in activity.items]
        case AssetUpdate():
            return [
                {"kind": tr(one.kind.title), "asset": str(one.asset), "reason": one.reason}
                for one in activity.mutations
            ]
        case _:
            return []


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
        unlisted=frozenset({"urgency", "actor", *(column.key for column in TIMING_COLUMNS)}),
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


class ActualTimeForm(Form):
    """The actual time of a release."""

    actual_at = AwareDateTimeField(lazy_gettext("Actual release time"))


class CorrectionForm(ActualTimeForm):
    """Another actual time than the recorded one, and why."""

    reason = TextAreaField(_("Reason"), [Required()])

    def set_up(self, record: Release) -> None:
        """Begin with the time that is recorded."""
        if request.method == "GET":
            self.actual_at.data = record.actual_at


class MoveForm(Form):
    """Another window for a release, and why."""

    window_start_at = AwareDateTimeField(_("Window start"), [Required()])
    window_end_at = AwareDateTimeField(_("Window end"), [Required()])
    overlap_reason = TextAreaField(
        _("Reason for the overlap"),
        description=_(
            "Only where another release is planned at the same time, in the same environment or on the same asset."
        ),
    )
    reason = TextAreaField(_("Reason"), [Required()])

    def set_up(self, record: Release) -> None:
        """Begin with the present plan."""
        if request.method == "GET":
            self.window_start_at.data, self.window_end_at.data = record.window_start_at, record.window_end_at


class SetAsideForm(Form):
    """Why the plan of a release is set aside."""

    reason = TextAreaField(_("Reason"), [Required()])


def _is_movable(release: Release, _by: User, _now: dt.datetime) -> bool:
    return can_move(release)


def _is_correctable(release: Release, _by: User, _now: dt.datetime) -> bool:
    return can_correct(release)


#: The assets that a release affects, and the freezes it is permitted in: rows of other tables joined to one text.
_TOUCHED_ASSETS = (
    select(func.aggregate_strings(Asset.code + "." + Asset.register + " " + Asset.name, "; "))
    .join(ReleaseAsset, ReleaseAsset.asset_id == Asset.id)
    .where(ReleaseAsset.release_id == ACTIVITY_COLUMNS.id)
    .scalar_subquery()
)
_FREEZE_PERMITS = (
    select(func.aggregate_strings(Freeze.name + " (" + FreezePermit.capacity + "): " + FreezePermit.reason, "; "))
    .join(FreezePermit, FreezePermit.freeze_id == Freeze.id)
    .where(FreezePermit.change_id == ACTIVITY_COLUMNS.change_id)
    .scalar_subquery()
)


class ReleaseView(StepRecordView):
    """Release schedules, with the actual time if it is known."""

    step = Step.RELEASE
    resource = Resource.RELEASE
    title = _("Release schedule")
    empty_message = _("No release yet. One appears when a report is verified.")
    list_template = "releases/list.html"
    details_template = "releases/details.html"
    spec = step_spec(
        Step.RELEASE,
        "version",
        "window_start_at",
        "window_end_at",
        "environment",
        "actual_at",
        unlisted=frozenset({"arrived", "handled", "judged", "actor"}),
        link_id=ACTIVITY_COLUMNS.id,
        filters=(
            ChoiceFilter(
                "environment",
                _("Environment"),
                column=record_table_columns(Step.RELEASE).environment,
                choices=Environment,
            ),
            DateRangeFilter(
                "window",
                _("Window start"),
                column=record_table_columns(Step.RELEASE).window_start_at,
                is_planned=True,
            ),
            TextFilter("version", _("Version"), column=record_table_columns(Step.RELEASE).version),
            CaseFilter(
                "plan",
                _("Plan"),
                cases=(
                    (
                        "unrecorded",
                        _("Window has passed, actual time not recorded"),
                        (ACTIVITY_COLUMNS.outcome == Outcome.SCHEDULED) & is_unrecorded(NOW),
                    ),
                    ("set-aside", _("Set aside"), record_table_columns(Step.RELEASE).set_aside_at.is_not(None)),
                ),
            ),
        ),
        columns=(
            Column("touched", _("Assets affected by the release"), _TOUCHED_ASSETS, in_list=False),
            Column("allowed", _("Permitted in a freeze"), _FREEZE_PERMITS, in_list=False),
        ),
    )

    @override
    def link_url_builder(self) -> Callable[[int], str]:
        """Return a function for the address of the release itself, which can be told its actual time."""
        return self.row_url_builder()

    @expose("/calendar")
    def calendar(self) -> str:
        """Show the releases and freezes of a month or a week as a grid, or of a month as a list."""
        page = CalendarPage.from_args(request.args, current_principal(), now(), current_timezone())
        return str(self.render("releases/calendar.html", view=self, page=page))

    @expose("/window")
    def window(self) -> Response:
        """Tell what stands in the way of the window that is being typed, and what its week holds: JSON for a script.

        The arguments are ``change`` (the request at this step) and the fields of its form.
        """
        self.require_permission(Verb.EDIT)
        case = current_case(parse_id(request.args.get("change")))
        if case.position.step is not Step.RELEASE:
            raise NoSuchMove(_("This step is finished; its record can no longer be changed."))
        case = with_record(case)
        case.require_actor()
        form = build_step_form(case, request.args)
        zone = current_timezone()
        window = form["window_start_at"].data, form["window_end_at"].data
        return jsonify(
            **describe_conflicts(ReleaseConflicts.of(case, form), case.change.agency.zone),
            days=week_of_window(*window, current_principal(), now(), zone),
        )

    def details_context(self, id: int) -> dict[str, Any]:
        """Add the form for the actual time, if it can be added and the user may edit releases."""
        extras = super().details_context(id)
        release = extras["activity"]
        may_edit = can(Verb.EDIT, Resource.RELEASE)
        return extras | {
            "actual_form": ActualTimeForm() if self._may_add_actual_time(release) else None,
            "may_move": may_edit and can_move(release),
            "may_correct": may_edit and can_correct(release),
        }

    @action("move-window", _("Move the window"), form=MoveForm, when=_is_movable, has_page=True)
    def move_window(self, release: Release, form: MoveForm) -> None:
        """Plan a finished release for another window."""
        values = form.arguments()
        window = values.pop("window_start_at"), values.pop("window_end_at")
        move_window(release, by=get_current_user(), now=now(), window=window, **values)

    @action("set-aside", _("Set the plan aside"), form=SetAsideForm, when=_is_movable, has_page=True)
    def set_aside(self, release: Release, form: SetAsideForm) -> None:
        """Set the plan of a release aside."""
        set_aside(release, by=get_current_user(), now=now(), **form.arguments())

    @action("correct-actual", _("Correct the actual time"), form=CorrectionForm, when=_is_correctable, has_page=True)
    def correct_actual(self, release: Release, form: CorrectionForm) -> None:
        """Correct the actual time of a release."""
        correct_actual_time(release, by=get_current_user(), now=now(), **form.arguments())

    @staticmethod
    def _may_add_actual_time(release: Release) -> bool:
        return release.can_get_actual_time() and can(Verb.EDIT, Resource.RELEASE)

    @expose("/<release_id>/actual", methods=("POST",))
    @recoverable
    def actual(self, release_id: str) -> ResponseReturnValue:
        """Add the actual time to a finished schedule, without reopening the request."""
        self.require_permission(Verb.EDIT)
        release = self.get_one(str(parse_id(release_id)))
        form = ActualTimeForm()
        id_ = release.id
        with commit_or_show_errors(form, "release.actual"):
            release.add_actual_time(_require_time(form.actual_at.data), now=now())
            keep_submission(self.row_url(id_))
        if not form.errors:
            return self.redirect_to_record(gettext("The actual time is recorded."), id_)
        return self.render_form(form, _("Actual release time"), _("Record the actual time"), back=self.row_url(id_))


def _require_time(at: dt.datetime | None) -> dt.datetime:
    """Return the submitted time. Raises ValidationFailed if there is none."""
    if at is None:
        message = _("This is not a date and time.")
        raise ValidationFailed(message, field_errors={"actual_at": message})
    return at


class AssetReviewView(StepRecordView):
    """Reviews of the asset list."""

    step = Step.ASSET_REVIEW
    resource = Resource.ASSET_REVIEW
    title = _("Reviews of the asset list")
    empty_message = _("No review yet. One appears after a release is scheduled or declined.")
    spec = step_spec(Step.ASSET_REVIEW, "assessment")


class AssetUpdateView(StepRecordView):
    """Updates of the asset list."""

    step = Step.ASSET_UPDATE
    resource = Resource.ASSET_UPDATE
    title = _("Updates of the asset list")
    empty_message = _("No update yet. One appears when a review finds changed assets.")
    spec = step_spec(Step.ASSET_UPDATE, "notes")

    @expose("/<change_id>/item", methods=("GET", "POST"))
    @recoverable
    def item(self, change_id: str) -> ResponseReturnValue:
        """Enter or correct one row of an open update: first the item is picked, then its columns are filled in."""
        self.require_permission(Verb.EDIT)
        case, update = assets_update.open_update(parse_id(change_id))
        back = self.link_url(case.change.id)
        if not (request.args.get("kind") or request.args.get("row")):
            return self._pick(update, back)
        row = assets_update.RowForm(case.change, update, request.args)
        return self.submit_form(
            row.form,
            lambda: assets_update.save_row(case, row),
            lambda _done: self.redirect_with_message(_("Noted. The list changes when the step is finished."), back),
            heading=row.heading,
            submit=_("Note this change"),
            back=back,
        )

    def _pick(self, update: AssetUpdate, back: str) -> str:
        """Show the items on the list by code, name or place."""
        text = strip_blank(request.args.get("search", ""))[:MAX_SEARCH_LENGTH].replace("\x00", "")
        assets = assets_update.pick_assets(update.agency_id, text)
        return str(
            self.render(
                "changes/steps/pick_asset.html",
                view=self,
                assets=assets[: assets_update.MAX_PICKED],
                has_more=len(assets) > assets_update.MAX_PICKED,
                text=text,
                cards=[*Card],
                change_id=update.change_id,
                back=back,
            )
        )

    @expose("/<change_id>/item/remove", methods=("POST",))
    def remove_item(self, change_id: str) -> ResponseReturnValue:
        """Take a row out of an open update."""
        self.require_permission(Verb.EDIT)
        case, update = assets_update.open_update(parse_id(change_id))
        id_ = case.change.id
        assets_update.remove_row(case, update, request.form.get("row"))
        db.session.commit()
        return self.redirect_with_message(_("The row was removed."), self.link_url(id_))


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
)
