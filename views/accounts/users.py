"""Users: their accounts and roles, kept by administrators; an inspector reads who holds which."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext
from flask_login import current_user, login_user
from sqlalchemy import case, func, literal, select
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from models.accounts.user import PERSONAL, User, enter
from models.audit import trail
from models.database import db
from models.office.agency import Agency
from views.exports.columns import CellKind
from views.forms.base import ChecksField, Form, Needed
from views.forms.commit import EntryView, entering
from views.i18n.language import tr
from views.listing.filters import CaseFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import may_i

_INSTALLATION = "-"
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


class PersonForm(Form):
    """Who somebody is, and what they may do."""

    username = StringField(
        _("User name"),
        [Needed()],
        description=_("3 to 80 small letters, digits, full stops, hyphens or underscores."),
        render_kw={"autocapitalize": "none", "autocomplete": "off"},
    )
    full_name = StringField(_("Full name"), [Needed()])
    nip = StringField(_("NIP"), description=_("18 digits; blanks may stay."), render_kw={"inputmode": "numeric"})
    position = StringField(_("Position"))
    institution = StringField(_("Institution"))
    email = StringField(_("E-mail"), render_kw={"type": "email"})
    phone = StringField(_("Telephone"), render_kw={"type": "tel"})
    roles = ChecksField(
        _("Roles"),
        [Needed()],
        choices=[SelectChoice(role.value, role.title) for role in Role],
        coerce=Role,
        description=_("A change of roles ends the user's open sessions."),
    )

    def personal(self) -> dict[str, str | None]:
        """Return what was typed of the person."""
        return {key: self[key].data for key in PERSONAL}


class NewUserForm(PersonForm):
    """A new account, with its first password."""

    agency = SelectField(_("Agency"), [Needed()])
    password = StringField(
        _("First password"),
        [Needed()],
        description=_("This one was made up; note it now, it is not shown again. You may type another one."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )


class PasswordForm(Form):
    """A new password for somebody else."""

    password = StringField(
        _("New password"),
        [Needed()],
        description=_("This one was made up; note it now, it is not shown again. You may type another one."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    without_second_factor = BooleanField(_("Turn off the second factor too, as the device is lost"))


class UserView(EntryView):
    """The accounts of the reader's agency."""

    resource = Resource.USER
    title = _("Users")
    empty = _("No account yet. An administrator makes them with “New user”.")
    details_template = "accounts/user_details.html"
    create_label = _("New user")
    can_create = True
    can_edit = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=User,
        joins=((Agency, Agency.id == User.agency_id),),
        columns=(
            Column("id", _("Id"), User.id, CellKind.NUMBER, listed=False, exported=False),
            Column("name", _("Full name"), User.full_name, leads=True, sortable=True),
            Column("username", _("User name"), User.username),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("roles", _("Roles"), User.id),
            Column("position", _("Position"), User.position),
            Column("nip", _("NIP"), _SPACED_NIP),
            Column("institution", _("Institution"), User.institution, listed=False),
            Column("email", _("E-mail"), User.email, listed=False),
            Column("phone", _("Telephone"), User.phone, listed=False),
            Column("active", _("Account open"), User.is_active, CellKind.YES_NO),
            Column("second_factor", _("Second factor"), User.totp_secret.is_not(None), CellKind.YES_NO, listed=False),
        ),
        filters=(
            CaseFilter(
                "role",
                _("Role"),
                cases=tuple((role.value, role.title, getattr(User, f"is_{role.value}").is_(True)) for role in Role),
            ),
            CaseFilter(
                "state",
                _("State"),
                cases=(
                    ("open", _("Account open"), User.is_active.is_(True)),
                    ("disabled", _("Disabled"), User.is_active.is_(False)),
                ),
            ),
        ),
        search=(User.full_name, User.username, User.position),
        order="name",
    )

    def shown(self, *, listed: bool = False, exported: bool = False) -> list[Column]:
        """Return the columns, the roles in the reader's own words."""
        columns = super().shown(listed=listed, exported=exported)
        return [replace(column, of=_roles_in_words()) if column.key == "roles" else column for column in columns]

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the user, and whether the reader may change the account."""
        return {"account": self.get_one(str(id)), "may_edit": may_i(Verb.EDIT, self.resource)}

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:  # noqa: ANN401 - a page or a redirect
        """Make an account."""
        self.demand(Verb.CREATE)
        form = NewUserForm(password=_made_up())
        agencies = _agencies()
        form.agency.choices = [SelectChoice(value, name) for value, (name, _agency) in agencies.items()]
        if not (request.form.get("agency") or current_user.reaches_across):
            form.agency.data = next(iter(agencies))
        if request.method == "POST" and form.validate():
            with entering(form, "user.create"):
                user = enter(
                    db.session(),
                    _me(),
                    agency=agencies[form.agency.data][1],
                    values=form.personal(),
                    roles=form.roles.data or (),
                    password=form.password.data or "",
                )
            if not form.errors:
                return self.done(gettext("%(name)s can log in now.", name=user.full_name), user.id)
        if not (form.agency.errors or current_user.reaches_across):
            del form.agency
        return self.answer_form(form, _("New user"), _("Make the account"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:  # noqa: ANN401
        """Change what is known of somebody, and their roles."""
        self.demand(Verb.EDIT)
        user = self.get_one(request.args.get("id", ""))
        form = PersonForm(obj=user)
        if request.method == "POST" and form.validate():
            with entering(form, "user.edit"):
                user.alter(_me(), values=form.personal(), roles=form.roles.data or ())
            if not form.errors:
                if user.id == current_user.id:
                    login_user(user)
                return self.done(gettext("Kept: %(name)s.", name=user.full_name), user.id)
        return self.answer_form(form, user.full_name, _("Keep"), back=self.row_url(user.id))

    @expose("/<user_id>/password", methods=("GET", "POST"))
    def password(self, user_id: str) -> Any:  # noqa: ANN401
        """Give somebody a new password, made up or typed."""
        self.demand(Verb.EDIT)
        user = self.get_one(user_id)
        form = PasswordForm(password=_made_up())
        if request.method == "POST" and form.validate():
            with entering(form, "user.password"):
                user.reset_password(
                    _me(), form.password.data or "", without_second_factor=form.without_second_factor.data
                )
            if not form.errors:
                return self.done(gettext("%(name)s has a new password.", name=user.full_name), user.id)
        if user.totp_secret is None:
            del form.without_second_factor
        heading = _("New password for %(name)s", name=user.full_name)
        return self.answer_form(form, heading, _("Set the password"), back=self.row_url(user.id))

    @expose("/<user_id>/disable", methods=("POST",))
    def disable(self, user_id: str) -> Any:  # noqa: ANN401
        """Close an account and end its sessions."""
        self.demand(Verb.EDIT)
        user = self.get_one(user_id)
        user.disable(_me())
        return self._kept(user, "user.disable", gettext("%(name)s can no longer log in.", name=user.full_name))

    @expose("/<user_id>/enable", methods=("POST",))
    def enable(self, user_id: str) -> Any:  # noqa: ANN401
        """Open an account again."""
        self.demand(Verb.EDIT)
        user = self.get_one(user_id)
        user.enable(_me())
        return self._kept(user, "user.enable", gettext("%(name)s can log in now.", name=user.full_name))

    def _kept(self, user: User, action: str, sentence: str) -> Any:  # noqa: ANN401
        trail.give(db.session(), action=action)
        db.session.commit()
        return self.done(sentence, user.id)


def _me() -> User:
    me: User = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's proxy has no public name for it
    return me


def _made_up() -> str:
    """Return a password that can be read over the telephone: five groups of four."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _place in range(4)) for _group in range(5))


def _agencies() -> dict[str, tuple[str, Agency | None]]:
    """Return the agencies that the administrator may make accounts for, by the value of the form's field."""
    if not current_user.reaches_across:
        return {str(current_user.agency_id): (current_user.agency.name, current_user.agency)}
    agencies = db.session.scalars(select(Agency).order_by(Agency.name))
    return {
        **{str(agency.id): (agency.name, agency) for agency in agencies},
        _INSTALLATION: (gettext("The installation (administrators only)"), None),
    }


def _roles_in_words() -> Any:  # noqa: ANN401 - an expression
    words = [case((getattr(User, f"is_{role.value}"), literal(f"{tr(role.title)}, ")), else_="") for role in Role]
    joined: Any = words[0]
    for word in words[1:]:
        joined = joined + word
    return func.rtrim(joined, ", ")
