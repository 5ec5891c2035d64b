"""Users: their accounts and roles, kept by administrators; an inspector reads who holds which."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext
from flask_login import login_user
from sqlalchemy import case, func, literal, select
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from models.accounts.user import PERSONAL_FIELDS, User, create_user
from models.audit import trail
from models.database import db
from models.office.agency import Agency
from views.app.access import can, get_current_user
from views.exports.columns import CellKind
from views.forms.base import CheckboxListField, Form, Required
from views.forms.commit import FormView, commit_or_show_errors
from views.i18n.language import tr
from views.listing.filters import CaseFilter
from views.listing.lists import Column, ListSpec

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

_NO_AGENCY = "-"
#: A NIP in its groups of 8, 6, 1 and 3 digits.
_SPACED_NIP = (
    func.substr(User.nip, 1, 8)
    + literal(" ")
    + func.substr(User.nip, 9, 6)
    + literal(" ")
    + func.substr(User.nip, 15, 1)
    + literal(" ")
    + func.substr(User.nip, 16, 3)
)


class UserForm(Form):
    """Who somebody is, and what they may do."""

    username = StringField(
        _("User name"),
        [Required()],
        description=_("3 to 80 lower-case letters, digits, full stops, hyphens or underscores."),
        render_kw={"autocapitalize": "none", "autocomplete": "off"},
    )
    full_name = StringField(_("Full name"), [Required()])
    nip = StringField(_("NIP"), description=_("18 digits; spaces are allowed."), render_kw={"inputmode": "numeric"})
    position = StringField(_("Position"))
    institution = StringField(_("Institution"))
    email = StringField(_("E-mail"), render_kw={"type": "email"})
    phone = StringField(_("Telephone"), render_kw={"type": "tel"})
    roles = CheckboxListField(
        _("Roles"),
        [Required()],
        choices=[SelectChoice(role.value, role.title) for role in Role],
        coerce=Role,
        description=_("A change of roles ends the user's open sessions."),
    )

    def personal_values(self) -> dict[str, str | None]:
        """Return what was typed of the person."""
        return {key: self[key].data for key in PERSONAL_FIELDS}


class NewUserForm(UserForm):
    """A new account, with its first password."""

    agency = SelectField(_("Agency"), [Required()])
    password = StringField(
        _("Initial password"),
        [Required()],
        description=_("This password was generated; note it now, it is not shown again. You may enter another one."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )


class ResetPasswordForm(Form):
    """A new password for somebody else."""

    password = StringField(
        _("New password"),
        [Required()],
        description=_("This password was generated; note it now, it is not shown again. You may enter another one."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    without_second_factor = BooleanField(_("Also turn off the second factor, as the device is lost"))


class UserView(FormView):
    """The accounts of the reader's agency."""

    resource = Resource.USER
    title = _("Users")
    empty_message = _("No account yet. An administrator creates one with “New user”.")
    details_template = "accounts/user_details.html"
    create_label = _("New user")
    can_create = True
    can_edit = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=User,
        joins=((Agency, Agency.id == User.agency_id),),
        column_list=(
            Column("id", _("Id"), User.id, CellKind.NUMBER, in_list=False, in_export=False),
            Column("name", _("Full name"), User.full_name, is_link=True, sortable=True),
            Column("username", _("User name"), User.username),
            Column("agency", _("Agency"), Agency.name, superadmin_only=True),
            Column("roles", _("Roles"), User.id),
            Column("position", _("Position"), User.position),
            Column("nip", _("NIP"), _SPACED_NIP),
            Column("institution", _("Institution"), User.institution, in_list=False),
            Column("email", _("E-mail"), User.email, in_list=False),
            Column("phone", _("Telephone"), User.phone, in_list=False),
            Column("active", _("Account enabled"), User.is_active, CellKind.BOOLEAN),
            Column("second_factor", _("Second factor"), User.totp_secret.is_not(None), CellKind.BOOLEAN, in_list=False),
        ),
        column_filters=(
            CaseFilter(
                "role",
                _("Role"),
                cases=tuple((role.value, role.title, getattr(User, f"is_{role.value}").is_(True)) for role in Role),
            ),
            CaseFilter(
                "state",
                _("State"),
                cases=(
                    ("open", _("Account enabled"), User.is_active.is_(True)),
                    ("disabled", _("Disabled"), User.is_active.is_(False)),
                ),
            ),
        ),
        column_searchable_list=(User.full_name, User.username, User.position),
        column_default_sort="name",
    )

    def get_columns(self, *, in_list: bool = False, in_export: bool = False) -> list[Column]:
        """Return the columns, the roles in the reader's own words."""
        columns = super().get_columns(in_list=in_list, in_export=in_export)
        return [
            replace(column, expression=_roles_expression()) if column.key == "roles" else column for column in columns
        ]

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the user, and whether the reader may change the account."""
        return {"account": self.get_one(str(id)), "may_edit": can(Verb.EDIT, self.resource)}

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Make an account."""
        self.require_permission(Verb.CREATE)
        form = NewUserForm(password=_generate_password())
        agencies = _agency_choices()
        form.agency.choices = [SelectChoice(value, name) for value, (name, _agency) in agencies.items()]
        if not (request.form.get("agency") or get_current_user().is_superadmin):
            form.agency.data = next(iter(agencies))
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "user.create"):
                user = create_user(
                    db.session(),
                    get_current_user(),
                    agency=agencies[form.agency.data][1],
                    values=form.personal_values(),
                    roles=form.roles.data or (),
                    password=form.password.data or "",
                )
            if not form.errors:
                return self.redirect_to_record(gettext("%(name)s can log in now.", name=user.full_name), user.id)
        if not (form.agency.errors or get_current_user().is_superadmin):
            del form.agency
        return self.render_form(form, _("New user"), _("Create the account"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Change what is known of somebody, and their roles."""
        self.require_permission(Verb.EDIT)
        user = self.get_one(request.args.get("id", ""))
        form = UserForm(obj=user)
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "user.edit"):
                user.alter(get_current_user(), values=form.personal_values(), roles=form.roles.data or ())
            if not form.errors:
                if user.id == get_current_user().id:
                    login_user(user)
                return self.redirect_to_record(gettext("Saved: %(name)s.", name=user.full_name), user.id)
        return self.render_form(form, user.full_name, _("Save"), back=self.row_url(user.id))

    @expose("/<user_id>/password", methods=("GET", "POST"))
    def password(self, user_id: str) -> ResponseReturnValue:
        """Give somebody a new password, made up or typed."""
        self.require_permission(Verb.EDIT)
        user = self.get_one(user_id)
        form = ResetPasswordForm(password=_generate_password())
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "user.password"):
                user.reset_password(
                    get_current_user(), form.password.data or "", without_second_factor=form.without_second_factor.data
                )
            if not form.errors:
                return self.redirect_to_record(gettext("%(name)s has a new password.", name=user.full_name), user.id)
        if user.totp_secret is None:
            del form.without_second_factor
        heading = _("New password for %(name)s", name=user.full_name)
        return self.render_form(form, heading, _("Set the password"), back=self.row_url(user.id))

    @expose("/<user_id>/disable", methods=("POST",))
    def disable(self, user_id: str) -> ResponseReturnValue:
        """Close an account and end its sessions."""
        self.require_permission(Verb.EDIT)
        user = self.get_one(user_id)
        user.disable(get_current_user())
        return self._commit_and_redirect(
            user, "user.disable", gettext("%(name)s can no longer log in.", name=user.full_name)
        )

    @expose("/<user_id>/enable", methods=("POST",))
    def enable(self, user_id: str) -> ResponseReturnValue:
        """Open an account again."""
        self.require_permission(Verb.EDIT)
        user = self.get_one(user_id)
        user.enable(get_current_user())
        return self._commit_and_redirect(user, "user.enable", gettext("%(name)s can log in now.", name=user.full_name))

    def _commit_and_redirect(self, user: User, action: str, sentence: str) -> ResponseReturnValue:
        trail.update_audit_context(db.session(), action=action)
        db.session.commit()
        return self.redirect_to_record(sentence, user.id)


def _generate_password() -> str:
    """Return a password that can be read over the telephone: five groups of four."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _place in range(4)) for _group in range(5))


def _agency_choices() -> dict[str, tuple[str, Agency | None]]:
    """Return the agencies that the administrator may make accounts for, by the value of the form's field."""
    agency = get_current_user().agency
    if agency is not None:
        return {str(agency.id): (agency.name, agency)}
    agencies = db.session.scalars(select(Agency).order_by(Agency.name))
    return {
        **{str(agency.id): (agency.name, agency) for agency in agencies},
        _NO_AGENCY: (gettext("The installation (administrators only)"), None),
    }


def _roles_expression() -> ColumnElement[str]:
    words = [case((getattr(User, f"is_{role.value}"), literal(f"{tr(role.title)}, ")), else_="") for role in Role]
    joined: Any = words[0]
    for word in words[1:]:
        joined = joined + word
    return func.rtrim(joined, ", ")
