"""The screen of releases: schedule, calendar, actual time, changes of plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import jsonify, request
from flask_admin import expose
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from typing_extensions import override
from wtforms import TextAreaField

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.questions import window_question
from lpse_admin.workflow.record_fields import Environment
from models.changes.moves.case_file import with_record
from models.changes.steps.activity import Activity, Release, ReleaseAsset
from models.hybrids import joined_texts
from models.inventory.asset import Asset
from models.releases.freeze import Freeze, FreezePermit
from models.releases.release_revision import plan_versions
from models.releases.revising import can_correct, can_move, correct_actual_time, is_unrecorded, move_window, set_aside
from views.app.access import can, get_current_user
from views.app.clock import now
from views.changes.moves.submission import current_case
from views.changes.steps.form import build_step_form
from views.changes.steps.lists import ACTIVITY_COLUMNS, record_table_columns, step_spec
from views.changes.steps.record_view import StepRecordView
from views.forms.base import Form, Required
from views.forms.commit import commit_or_show_errors
from views.forms.fields import AwareDateTimeField
from views.forms.once import keep_submission
from views.forms.recovery import recoverable
from views.i18n.language import current_timezone
from views.listing.actions import action
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter, TextFilter
from views.listing.lists import Column
from views.listing.parameters import NOW
from views.listing.record_view import current_principal, parse_id
from views.releases.calendar import CalendarPage
from views.releases.conflicts import ReleaseConflicts
from views.releases.plans import compare_plans
from views.releases.window import describe_conflicts, week_of_window

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from flask import Response
    from flask.typing import ResponseReturnValue

    from lpse_admin.i18n import Message
    from models.accounts.user import User


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

    @override
    def questions(self, now: dt.datetime) -> dict[str, Message]:
        """Ask about a window that has passed, too."""
        asked, question = super().questions(now), window_question(self.window_end_at.data, now)
        if question is not None:
            self.window_end_at.flags.question = True
            asked["window_end_at"] = question
        return asked

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
_TOUCHED_ASSETS = joined_texts(
    select(Asset.code + "." + Asset.register + " " + Asset.name)
    .join(ReleaseAsset, ReleaseAsset.asset_id == Asset.id)
    .where(ReleaseAsset.release_id == ACTIVITY_COLUMNS.id)
    .correlate(Activity.__table__),
    ReleaseAsset.position,
)


_FREEZE_PERMITS = joined_texts(
    select(Freeze.name + " (" + FreezePermit.capacity + "): " + FreezePermit.reason)
    .join(FreezePermit, FreezePermit.freeze_id == Freeze.id)
    .where(FreezePermit.change_id == ACTIVITY_COLUMNS.change_id)
    .correlate(Activity.__table__),
    FreezePermit.id,
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
        if case.position.step.kind is not Step.RELEASE:
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
            "comparison": compare_plans(plan_versions(release.revisions), request.args),
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
