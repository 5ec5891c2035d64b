"""Users: their accounts and roles, kept by administrators; an inspector reads who holds which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _, join_messages
from lpse_admin.start_notices import reset_link_notices
from models.accounts.factors.second_factor import load_factors
from models.accounts.login_session import open_logins
from models.accounts.user import User, end_all_sessions
from models.administration.account_request import AccountRequest, waiting_requests
from models.administration.operations import (
    alter_account,
    create_account,
    disable_account,
    enable_account,
    reset_account,
    reset_factor_of,
)
from models.changes.moves.assignment import steps_held_by
from models.changes.requester_takeover import requests_that_need, take_over_request, waiting_message
from models.database import db
from models.search.search import user_matches
from views.accounts.account_requests import show_password
from views.accounts.columns import HAS_SECOND_FACTOR, ROLE_FILTER, ROLE_KEYS, STATE_FILTER, role_titles
from views.accounts.forms import LEFT_WAITING, DisableForm, NewUserForm, ReassignForm, ResetPasswordForm, UserForm
from views.accounts.password_reset import link_key
from views.app.access import can, get_current_user, settings
from views.app.clock import now
from views.i18n.language import format_datetime, format_nip, tr
from views.listing.actions import action
from views.listing.filters.search import search_by
from views.listing.lists import Column
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from lpse_admin.i18n import Message
    from views.forms.base import Form


def _reassign_requests(user: User, successor_id: str, reason: str) -> None:
    """Give the requests of ``user`` to another requester; raises ValidationFailed with the form's field names."""
    if successor_id == LEFT_WAITING:
        return
    session = db.session()
    to = session.get(User, int(successor_id)) if successor_id.isdigit() else None
    if to is None:
        error = _("Choose who takes over the requests.")
        raise ValidationFailed(error, field_errors={"successor_id": error})
    try:
        for change in requests_that_need(session, user):
            take_over_request(change, to, by=get_current_user(), now=now(), reason=reason)
    except ValidationFailed as refusal:
        errors = {("successor_id" if key == "to" else key): error for key, error in refusal.field_errors.items()}
        raise ValidationFailed(refusal.message, field_errors=errors) from None


def _flash_assigned_steps(user: User) -> None:
    """Say which open steps are assigned to a user who does not act on them any more, and who can."""
    if steps := steps_held_by(db.session(), user):
        named = ", ".join(f"{step.change.number} ({tr(step.step.title)})" for step in steps)
        message = _(
            "Still assigned to %(name)s: %(steps)s. On the page of the request the colleagues can take them over, or"
            " you give them to one of them.",
            name=user.full_name,
            steps=named,
        )
        flash(tr(message), "warning")


def _flash_waiting(user: User) -> None:
    """Say what of a change waits for a second person."""
    for one in waiting_requests(db.session(), user, now()):
        flash(
            tr(
                _(
                    "“%(act)s” waits for a second person until %(until)s: a head or another administrator approves it "
                    "under “Changes for a second person”.",
                    act=one.act.title,
                    until=format_datetime(one.expires_at),
                )
            ),
            "warning",
        )


def _flash_requests(user: User) -> None:
    """Say which requests need ``user``, who is to be disabled, and where they are given to another requester."""
    if changes := requests_that_need(db.session(), user):
        given = _("On the page of the account an administrator gives them to another requester.")
        flash(tr(join_messages([waiting_message(changes), given], " ")), "warning")


class UserView(RecordView):
    """The accounts of the reader's agency."""

    resource = Resource.USER
    password_views = frozenset({"create_view", "edit_view", "password", "reset_factor", "disable", "enable"})
    model = User
    title = _("Users")
    empty_message = _("No account yet. An administrator creates one with “New user”.")
    list_template = "accounts/user_list.html"
    details_template = "accounts/user_details.html"

    column_list = (
        Column("name", _("Full name"), User.full_name),
        "username",
        "agency",
        Column("roles", _("Roles"), ROLE_KEYS, formatter=role_titles),
        "position",
        Column("nip", _("NIP"), User.nip, formatter=format_nip),
        Column("active", _("Account enabled"), User.is_active),
    )
    column_labels: ClassVar = {"username": _("User name"), "position": _("Position")}
    column_details_list = (
        *column_list[:-1],
        Column("inspects_from", _("First day of the inspection")),
        Column("inspects_until", _("Last day of the inspection")),
        Column("institution", _("Institution")),
        Column("email", _("E-mail")),
        Column("phone", _("Telephone")),
        "active",
        Column("second_factor", _("Second factor"), HAS_SECOND_FACTOR),
    )
    column_filters = (ROLE_FILTER, STATE_FILTER)
    column_searchable_list = ("full_name", "username", "position", "nip")
    search_hint = _("Name, user name, position and NIP.")
    list_index = search_by(user_matches)
    column_sortable_list = ("name",)
    column_default_sort = "name"

    form, edit_form_class = NewUserForm, UserForm
    create, edit = create_account, alter_account
    create_label = _("New user")
    create_submit = _("Create the account")
    create_success = _("Saved: %(name)s.")
    edit_success = _("Saved: %(name)s.")

    @property
    def notices(self) -> list[Message]:
        """What of the settings keeps users from setting a forgotten password by themselves; for administrators."""
        return reset_link_notices(settings()) if can(Verb.EDIT, Resource.USER) else []

    @override
    def record_context(self, record: User) -> dict[str, Any]:
        """Return the user's assigned steps and open sessions, and what waits for a second person."""
        session = db.session()
        logins = open_logins(session, record.id, now()) if can(Verb.EDIT, Resource.USER) else ()
        return {
            "held_steps": steps_held_by(session, record),
            "logins": logins,
            "requests": waiting_requests(session, record, now()),
        }

    @override
    def create_model(self, form: Form) -> User:
        """Create an account."""
        demands_nip = not settings().is_demo
        return create_account(db.session(), get_current_user(), **form.arguments(), now=now(), demands_nip=demands_nip)

    @override
    def update_model(self, form: Form, model: User) -> None:
        """Change what is known of somebody, and their roles."""
        demands_nip = not settings().is_demo
        alter_account(model, get_current_user(), now=now(), **form.arguments(), demands_nip=demands_nip)

    @override
    def after_model_change(self, form: Form, model: User, is_created: bool) -> None:
        """Say what waits for a second person, and for whom steps wait."""
        _flash_waiting(model)
        if not is_created and Role.CHANGE_MANAGER not in model.roles:
            _flash_assigned_steps(model)

    @action(
        "password",
        _("New password"),
        form=ResetPasswordForm,
        when=lambda user, by, _now: user.id != by.id,
        heading=_("New password for %(name)s"),
        success=_("Done: %(name)s."),
        has_page=True,
    )
    def password(self, user: User, form: Form) -> None:
        """Let somebody set a new password: by a link, or by one that is shown once and has to be changed."""
        name, password = (
            user.full_name,
            reset_account(user, get_current_user(), now=now(), secret_key=link_key(), **form.arguments()),
        )
        if isinstance(password, AccountRequest):
            _flash_waiting(user)
        else:
            show_password(name, password)

    @action(
        "reset-factor",
        _("Reset the second factor"),
        when=lambda user, by, _now: user.id != by.id and load_factors(db.session(), user).is_on,
        summary=_("Reset the second factor"),
        explanation=_(
            "For a lost telephone without recovery codes: make sure that it is %(name)s who asks. The second factor is "
            "off afterwards, and the sessions end; %(name)s and those who look after the office are told."
        ),
        success=_("Done: %(name)s."),
    )
    def reset_factor(self, user: User, _form: Form) -> None:
        """Turn off the second factor of somebody whose device is lost."""
        if reset_factor_of(user, get_current_user(), now=now()) is not None:
            _flash_waiting(user)

    @action(
        "end-sessions",
        _("End all sessions"),
        when=lambda user, by, now: user.id != by.id and bool(open_logins(db.session(), user.id, now)),
        summary=_("End all sessions"),
        explanation=_("%(name)s is logged out everywhere, and has to log in again."),
        success=_("The sessions of %(name)s have ended."),
    )
    def end_sessions(self, user: User, _form: Form) -> None:
        """Log somebody out everywhere."""
        end_all_sessions(user, get_current_user())

    @action(
        "disable",
        _("Disable"),
        form=DisableForm,
        when=lambda user, by, _now: user.is_active and user.id != by.id,
        summary=_("Disable the account"),
        explanation=_("%(name)s is logged out and can no longer log in, until the account is enabled again."),
        success=_("Done: %(name)s."),
    )
    def disable(self, user: User, form: Form) -> None:
        """Close an account and end its sessions; its requests go to another requester, or wait.

        Where a second person has to agree, they stay as they are, and the page says what to do with them.
        """
        if "successor_id" in form:
            _reassign_requests(user, form["successor_id"].data, form["reason"].data or "")
        if disable_account(user, get_current_user(), now=now()) is not None:
            _flash_waiting(user)
            _flash_requests(user)
        else:
            _flash_assigned_steps(user)

    @action(
        "hand-over-requests",
        _("Give the requests to another requester"),
        form=ReassignForm,
        when=lambda user, _by, _now: bool(requests_that_need(db.session(), user)),
        summary=_("Give the requests to another requester"),
        explanation=_("Who asked stays on the request and in its history."),
        success=_("The requests of %(name)s have gone to another requester."),
    )
    def hand_over_requests(self, user: User, form: Form) -> None:
        """Give the requests that need their requester to another one."""
        _reassign_requests(user, form["successor_id"].data, form["reason"].data or "")

    @action(
        "enable",
        _("Enable the account"),
        when=lambda user, by, _now: not user.is_active and user.id != by.id,
        success=_("Done: %(name)s."),
    )
    def enable(self, user: User, _form: Form) -> None:
        """Open an account again."""
        if enable_account(user, get_current_user(), now=now()) is not None:
            _flash_waiting(user)
