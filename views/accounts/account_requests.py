"""What waits for a second person: changes of accounts of heads and administrators, approved or refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from flask import flash
from wtforms import TextAreaField

from lpse_admin.accounts.four_eyes import AccountAct, RequestState
from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from models.administration import decisions
from models.administration.account_request import AccountRequest
from views.accounts.password_reset import link_key
from views.app.access import get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.i18n.language import format_nip, tr
from views.listing.actions import action
from views.listing.lists import Column
from views.listing.parameters import NOW
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpse_admin.accounts.roles import Role
    from lpse_admin.i18n import Message


class RefusalForm(Form):
    """Why a request is refused."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})


def show_password(person: str, password: str | None) -> None:
    """Show a new first password once, to be handed over; or say that a link was mailed."""
    if password is None:
        flash(tr(_("A link to set a new password was mailed to %(name)s; it is valid for 30 minutes.", name=person)))
        return
    text = _(
        "Password of %(name)s for the first login: %(password)s. Hand it over on paper; it is not shown again, ends "
        "after three days and has to be changed at once.",
        name=person,
        password=password,
    )
    flash(tr(text), "warning")


def _role_titles(roles: Iterable[Role] | None) -> str:
    return ", ".join(tr(role.title) for role in roles or ())


class AccountRequestView(RecordView):
    """The requests of the reader's office that wait for a second person, and those that were decided."""

    resource = Resource.ACCOUNT_REQUEST
    password_views = frozenset({"approve", "refuse"})
    model = AccountRequest
    title = _("Changes for a second person")
    empty_message = _("Nothing has waited for a second person yet.")

    column_list = (
        Column("name", _("Account"), AccountRequest.user_name, is_link=True),
        "agency",
        Column("act", _("What"), AccountRequest.act, CellKind.CHOICE, AccountAct),
        Column("roles", _("New roles"), AccountRequest.roles, formatter=_role_titles),
        Column("state", _("State"), AccountRequest.state(NOW), CellKind.CHOICE, RequestState),
        Column("asked_by", _("Asked by"), AccountRequest.asked_by_name),
        Column("asked", _("Asked on"), AccountRequest.asked_at),
        Column("until", _("Until"), AccountRequest.expires_at),
    )
    column_labels: ClassVar[dict[str, Message]] = {}
    column_details_list = (
        *column_list,
        # Whom an approval lets in, and where a link to set a password goes.
        Column("username", _("User name at present"), "user.username"),
        Column("full_name", _("Full name at present"), "user.full_name"),
        Column("nip", _("NIP at present"), "user.nip", formatter=format_nip),
        Column("present_email", _("E-mail address at present"), "user.email"),
        Column("email", _("New e-mail address"), AccountRequest.email),
        Column("inspects_from", _("First day of the inspection"), AccountRequest.inspects_from),
        Column("inspects_until", _("Last day of the inspection"), AccountRequest.inspects_until),
        Column("asker_title", _("Title of who asked"), AccountRequest.asked_by_title),
        Column("decided", _("Decided on"), AccountRequest.decided_at),
        Column("decider", _("Decided by"), AccountRequest.decided_by_name),
        Column("decider_title", _("Title of who decided"), AccountRequest.decided_by_title),
        Column("refusal_reason", _("Reason for the refusal"), AccountRequest.refusal_reason),
    )
    column_filters = ("state", "act")
    column_searchable_list = (AccountRequest.user_name, AccountRequest.asked_by_name)
    search_hint = _("Name of the account, and of who asked.")
    column_sortable_list = ("asked",)
    column_default_sort = ("asked", True)

    @action(
        "approve",
        _("Approve"),
        when=AccountRequest.can_be_decided_by,
        success=_("Approved: %(name)s."),
    )
    def approve(self, request: AccountRequest, _form: Form) -> None:
        """Do what was asked, as its second person."""
        name = request.user.full_name
        way_in = decisions.approve(request, get_current_user(), now=now(), secret_key=link_key())
        if way_in is not None:
            show_password(name, way_in.password)

    @action(
        "refuse",
        _("Refuse"),
        form=RefusalForm,
        when=AccountRequest.can_be_refused_by,
        summary=_("Refuse this"),
        success=_("Refused: %(name)s."),
    )
    def refuse(self, request: AccountRequest, form: Form) -> None:
        """Refuse what was asked, with a reason."""
        decisions.refuse(request, get_current_user(), now=now(), **form.arguments())

    @action("withdraw", _("Withdraw"), when=AccountRequest.can_be_withdrawn_by, success=_("Withdrawn: %(name)s."))
    def withdraw(self, request: AccountRequest, _form: Form) -> None:
        """Take back what one has asked for."""
        decisions.withdraw(request, get_current_user(), now=now())
