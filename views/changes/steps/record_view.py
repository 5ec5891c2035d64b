"""The screen that all records of steps share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext
from typing_extensions import override

from lpse_admin.errors import FileTooLarge, NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.papers.kinds import PAPER_OF_STEP
from lpse_admin.workflow.record_fields import fields_of_step
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity, AssetReview, AssetUpdate, Release, TestRun
from models.changes.steps.field_value import value_of_step
from models.database import db
from models.scope import visible
from views.app.access import get_current_user, is_acting_head
from views.app.errors import wants_json
from views.changes.moves.assignment import Reassign, TakeUp
from views.changes.moves.material import format_field_value
from views.changes.moves.submission import save_step_input, with_form_field_names
from views.changes.own_fields.columns import with_own_fields
from views.changes.page import ChangePage
from views.changes.steps.lists import ACTIVITY_COLUMNS, LIST_FIELD_KINDS
from views.changes.steps.named_steps import with_named_steps
from views.forms.recovery import recoverable
from views.i18n.language import tr
from views.listing.bulk import BulkAction, BulkView
from views.listing.page.cells import EMPTY_CELL, Fact
from views.listing.record_view import url_builder

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from lpse_admin.sop.steps import Step
    from views.listing.lists import ListSpec


class StepRecordView(BulkView):
    """The records of one step: created by moves, editable by the step's actor until the step is finished."""

    step: ClassVar[Step]
    details_template = "changes/steps/details.html"
    can_edit = True
    actions: ClassVar[tuple[BulkAction, ...]] = (TakeUp(), Reassign())

    def link_url_builder(self) -> Callable[[int], str]:
        """Return a function for the address of the request's page, where the step is acted on."""
        return url_builder("change.details_view")

    @override
    def reader_spec(self) -> ListSpec:
        """Return the list with the steps that the SOPs of the reader's office name, and with what they ask for."""
        spec = with_named_steps(self.spec, self.step)
        return with_own_fields(spec, self.step, value_of_step, ACTIVITY_COLUMNS.id)

    @staticmethod
    def change_url(change_id: int) -> str:
        """Return the address of the request's page, at its open step."""
        return url_builder("change.details_view", "#step")(change_id)

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the record with its list fields, and the address of its request."""
        activity = self.get_one(str(id))
        lists = [field for field in fields_of_step(self.step) if field.kind in LIST_FIELD_KINDS]
        return {
            "activity": activity,
            "lists": [Fact(field.label, format_field_value(_list_rows(activity))) for field in lists],
            "nothing": EMPTY_CELL,
            "change_url": self.change_url(activity.change_id),
            "has_paper": self.step in PAPER_OF_STEP,
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
