"""Delegations: who decides for an absent head, by which decree and until when; granted and withdrawn here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from flask import flash
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from models.database import db
from models.delegation.delegation import Delegation
from models.delegation.grant import confirm_delegation, grant_delegation
from models.documents.document import attach
from views.app.access import get_current_user
from views.app.clock import now
from views.delegation.forms import DelegationForm, WithdrawalForm
from views.i18n.language import tr
from views.listing.actions import action
from views.listing.lists import Column
from views.listing.parameters import TODAY
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from views.forms.base import Form


class DelegationView(RecordView):
    """The delegations of the reader's agency."""

    resource = Resource.DELEGATION
    password_views = frozenset({"create_view", "confirm"})
    model = Delegation
    title = _("Delegations (Plh./Plt.)")
    empty_message = _("No delegation is recorded. The head delegates here, or an administrator records the decree.")
    details_template = "delegation/details.html"

    column_list = (
        "delegate",
        "agency",
        "kind",
        Column("decree", _("Decree number"), Delegation.decree_number),
        Column("from", _("First day"), Delegation.from_date),
        Column("until", _("Last day"), Delegation.until_date),
        Column("state", _("State"), Delegation.state(TODAY)),
        "head",
    )
    column_labels: ClassVar = {"delegate": _("Delegate"), "kind": _("Kind"), "head": _("Granted by")}
    column_details_list = (
        *column_list,
        Column("head_title", _("Title of who granted it"), Delegation.head_title),
        Column("decree_date", _("Date of the decree"), Delegation.decree_date),
        Column("delegate_title", _("Title of the delegate"), Delegation.delegate_title),
        Column("reason", _("Reason for the absence"), Delegation.reason),
        Column("exception_reason", _("Reason for an exception"), Delegation.exception_reason),
        Column("recorder", _("Recorded by"), "recorded_by"),
        Column("recorder_capacity", _("Recorded in the capacity of"), Delegation.recorded_by_capacity),
        Column("recorded", _("Recorded"), Delegation.recorded_at),
        Column("confirmed", _("Confirmed"), Delegation.confirmed_at),
        Column("confirmer", _("Confirmed by"), Delegation.confirmed_by_name),
        Column("withdrawn", _("Revoked"), Delegation.withdrawn_at),
        Column("withdrawer", _("Revoked by"), "withdrawn_by"),
        Column("void", _("Void since"), Delegation.void_at),
        Column("withdrawn_reason", _("Reason for the revocation"), Delegation.withdrawn_reason),
    )
    column_filters = ("state", "kind", "from")
    column_searchable_list = ("delegate", "decree_number")
    search_hint = _("Name of the delegate, and number of the decree.")
    column_sortable_list = ("from",)
    column_default_sort = ("from", True)

    form = DelegationForm
    create = grant_delegation
    create_label = _("New delegation")
    create_submit = _("Record the delegation")
    create_success = _("The delegation is recorded.")

    def details_heading(self, record: Delegation) -> str:
        """Name the delegate and what they are."""
        return f"{record.kind.prefix} {tr(Role.HEAD.title)}: {record.delegate_name}"

    def record_name(self, record: Delegation) -> str:
        """Return the name of the delegate."""
        return record.delegate_name or record.delegate.full_name

    @override
    def create_model(self, form: Form) -> Delegation:
        """Record a delegation and attach its decree."""
        delegation: Delegation = super().create_model(form)
        decree = form["decree"].as_document()
        attach(db.session(), by=get_current_user(), now=now(), delegation=delegation, **decree)
        return delegation

    @override
    def after_model_change(self, form: Form, model: Delegation, is_created: bool) -> None:
        """Say that a delegation in the head's name waits."""
        if model.unconfirmed_since is not None:
            flash(
                tr(_("It is in force once the head, or another administrator, has confirmed it on this page.")),
                "warning",
            )

    @action(
        "confirm",
        _("Confirm the delegation"),
        when=Delegation.can_be_confirmed_by,
        success=_("The delegation is confirmed."),
    )
    def confirm(self, delegation: Delegation, _form: Form) -> None:
        """Confirm a delegation that an administrator recorded in the head's name."""
        confirm_delegation(delegation, by=get_current_user(), now=now())

    @action(
        "withdraw",
        _("Revoke the delegation"),
        form=WithdrawalForm,
        when=Delegation.can_be_withdrawn_by,
        summary=_("Revoke this delegation"),
        explanation=_("It ends immediately. Decisions made under it remain valid."),
        heading=_("Revoke the delegation to %(name)s"),
        success=_("The delegation is revoked."),
        is_dangerous=True,
    )
    def withdraw(self, delegation: Delegation, form: Form) -> None:
        """End a delegation before its last day."""
        delegation.withdraw(by=get_current_user(), now=now(), **form.arguments())
