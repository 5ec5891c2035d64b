"""Holds on requests."""

from __future__ import annotations

from typing import ClassVar

from wtforms import StringField, TextAreaField

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from models.changes.change import ChangeRequest
from models.retention.hold import Hold, place_hold
from views.app.access import get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.listing.actions import action
from views.listing.filters.kinds import CaseFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView


class HoldForm(Form):
    """Which request, and why."""

    number = StringField(_("Number of the request"), [Required()])
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


class LiftForm(Form):
    """Why a hold is lifted."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})


class HoldView(RecordView):
    """The holds of the reader's office."""

    resource = Resource.HOLD
    model = Hold
    title = _("Holds")
    create_label = _("New hold")
    empty_message = _("No hold. The head puts a request under a hold while it is needed for an inquiry or a dispute.")
    column_joins = ((ChangeRequest, ChangeRequest.id == Hold.change_id),)
    column_list = (
        Column("number", _("Request"), ChangeRequest.number, is_link=True),
        Column("reason", _("Reason"), Hold.reason, wide=True),
        Column("placed_by", _("By"), Hold.placed_by_name),
        Column("placed", _("Since"), Hold.placed_at, CellKind.DATETIME),
        Column("lifted", _("Lifted"), Hold.lifted_at, CellKind.DATETIME),
        Column("lifted_by", _("Lifted by"), Hold.lifted_by_name, in_list=False),
        Column("lift_reason", _("Reason for lifting it"), Hold.lift_reason, in_list=False),
    )
    column_filters = (
        CaseFilter(
            "state",
            _("State"),
            cases=(
                ("in-force", _("In force"), Hold.lifted_at.is_(None)),
                ("lifted", _("Lifted"), Hold.lifted_at.is_not(None)),
            ),
            default="in-force",
        ),
    )
    column_searchable_list: ClassVar = (ChangeRequest.number, Hold.reason)
    search_hint = _("Number of the request, and reason.")

    form = HoldForm
    create = place_hold

    @action("lift", _("Lift the hold"), form=LiftForm, when=Hold.can_be_lifted_by)
    def lift(self, hold: Hold, form: LiftForm) -> None:
        """Lift a hold, with the reason."""
        hold.lift(by=get_current_user(), now=now(), **form.arguments())
