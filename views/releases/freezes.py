"""The screen of freeze periods: an administrator creates, corrects and lifts them; the head permits single releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import url_for

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from models.changes.change import ChangeRequest
from models.database import db
from models.releases import conflicts
from models.releases.freeze import Freeze, create_freeze
from models.releases.freeze_permit import PERMITTED_RELEASES, grant_permit
from views.app.access import get_current_user
from views.app.clock import now
from views.listing.actions import action
from views.listing.lists import Column
from views.listing.parameters import NOW
from views.listing.record_view import RecordView, get_visible
from views.releases.forms import (
    ENVIRONMENT_CHOICES,
    FROZEN_ENVIRONMENT,
    EditFreezeForm,
    FreezeForm,
    LiftFreezeForm,
    PermitForm,
)

if TYPE_CHECKING:
    from views.forms.base import Form


class FreezeView(RecordView):
    """The freezes of the user's agency."""

    resource = Resource.FREEZE
    password_views = frozenset({"permit"})
    model = Freeze
    title = _("Freeze periods")
    empty_message = _("No freeze period is set. An administrator creates one; nothing is released in it.")
    details_template = "releases/freeze_details.html"

    column_list = (
        "name",
        "agency",
        Column("from", _("From"), Freeze.from_at),
        Column("until", _("Until"), Freeze.until_at),
        Column("environment", _("Environment"), FROZEN_ENVIRONMENT, choices=ENVIRONMENT_CHOICES),
        Column("state", _("State"), Freeze.state(NOW)),
        "reason",
    )
    column_labels: ClassVar = {"name": _("Freeze name"), "reason": _("Reason")}
    column_details_list = (
        *column_list,
        Column("enterer", _("Entered by"), "entered_by"),
        Column("entered", _("Entered"), Freeze.entered_at),
        Column("allowed", _("Releases permitted by the head"), PERMITTED_RELEASES),
        Column("lifted", _("Lifted"), Freeze.lifted_at),
        Column("lifter", _("Lifted by"), "lifted_by"),
        Column("lifted_reason", _("Reason for lifting it"), Freeze.lifted_reason),
    )
    column_filters = ("state", "environment", "from")
    column_searchable_list = ("name", "reason")
    search_hint = _("Name and reason.")
    column_sortable_list = ("from",)
    column_default_sort = ("from", True)

    form, edit_form_class = FreezeForm, EditFreezeForm
    create, edit = create_freeze, Freeze.alter
    edit_when = Freeze.can_be_altered_by
    create_label = _("New freeze")
    create_submit = _("Save the freeze")
    create_success = _("The freeze is saved.")
    edit_label = _("Correct")
    edit_heading = _("Correct the freeze “%(name)s”")
    edit_success = _("The freeze was corrected.")

    def record_context(self, record: Freeze) -> dict[str, Any]:
        """Return the releases planned in a freeze."""
        return {"planned": conflicts.releases_in_freeze(db.session(), record)}

    @action(
        "lift",
        _("Lift the freeze"),
        form=LiftFreezeForm,
        when=Freeze.can_be_lifted_by,
        summary=_("Lift this freeze"),
        explanation=_("It ends immediately, and no longer blocks any release."),
        heading=_("Lift the freeze “%(name)s”"),
        success=_("The freeze was lifted."),
        is_dangerous=True,
    )
    def lift(self, freeze: Freeze, form: Form) -> None:
        """End a freeze before its time."""
        freeze.lift(by=get_current_user(), now=now(), **form.arguments())

    @action(
        "permit",
        _("Permit this release"),
        form=PermitForm,
        verb=Verb.READ,  # ``grant_permit`` requires the head
        heading=_("Permit this release in the freeze “%(name)s”"),
        success=_("The release is permitted in this freeze."),
        is_offered=False,  # on the page of the request
        back_url=lambda form: url_for("change.details_view", id=form.change.data),
    )
    def permit(self, freeze: Freeze, form: PermitForm) -> str:
        """Permit the release of one request in this freeze."""
        change = get_visible(ChangeRequest, form.change.data)
        grant_permit(db.session(), freeze, change, by=get_current_user(), now=now(), **form.arguments())
        return url_for("change.details_view", id=change.id)
