"""The forms of accounts, as administrators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from sqlalchemy import select
from typing_extensions import override
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from models.accounts.factors.second_factor import load_factors
from models.accounts.inspection_dates import INSPECTION_FIELDS
from models.accounts.user import PERSONAL_FIELDS, User
from models.administration.operations import NewAccount, disabling_waits, generate_password
from models.changes.requester_takeover import requests_that_need, waiting_message
from models.database import db
from models.office.agency import Agency
from views.app.access import get_current_user
from views.app.clock import now
from views.forms.base import CheckboxListField, Form, Required
from views.forms.fields import DateField
from views.i18n.language import tr

if TYPE_CHECKING:
    from wtforms import Field

#: The choice that leaves the requests of a disabled account waiting.
LEFT_WAITING = "0"
_INSTALLATION_KEY = "-"
_INSTALLATION = _("The installation (administrators only)")


def _password_field(label: Message) -> Field:
    """Return a field that begins with a generated password."""
    return StringField(
        label,
        [Required()],
        default=generate_password,
        description=_(
            "This password was generated; note it now, it is not shown again. You may enter another one. It has to be "
            "changed at the first login."
        ),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )


class UserForm(Form):
    """Who somebody is, and what they may do."""

    username = StringField(
        _("User name"),
        [Required()],
        description=_("3 to 80 letters, digits, full stops, hyphens or underscores; capitals make no difference."),
        render_kw={"autocapitalize": "none", "autocomplete": "off"},
    )
    full_name = StringField(_("Full name"), [Required()], description=_("With titles, as it stands on papers."))
    nip = StringField(
        _("NIP"), description=_("18 digits, with dots and blanks or not; no two active accounts may have the same one.")
    )
    position = StringField(_("Position"))
    rank = StringField(
        _("Rank and grade"), description=_("Printed below the name on papers, such as Penata Muda, III/a.")
    )
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

    inspects_from = DateField(
        _("First day of the inspection"),
        [Optional()],
        description=_("Of an inspector alone: the account opens on this day."),
    )
    inspects_until = DateField(
        _("Last day of the inspection"),
        [Optional()],
        description=_("Of an inspector alone: from the day after nobody can log in, and open sessions end."),
    )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``alter_account``."""
        days = {key: self[key].data for key in INSPECTION_FIELDS}
        return {
            "values": {key: self[key].data for key in PERSONAL_FIELDS}
            | {key: day.isoformat() if day else None for key, day in days.items()},
            "roles": self.roles.data or (),
        }


class DisableForm(Form):
    """What becomes of the requests of somebody whose account is disabled; asked only if some need their requester."""

    successor_id = SelectField(_("The requests go to"), [Required()])
    reason = TextAreaField(_("Reason"), render_kw={"rows": 2})

    @override
    def set_up(self, record: User) -> None:
        """Name what waits, and offer the other requesters; ask nothing where that is for later, or there is nothing."""
        changes = requests_that_need(db.session(), record)
        if not changes or disabling_waits(record, get_current_user(), now()):
            del self.successor_id, self.reason
            return
        self.successor_id.description = tr(waiting_message(changes))
        self.successor_id.choices = [
            SelectChoice("", "–"),
            *_other_requesters(record),
            SelectChoice(LEFT_WAITING, tr(_("Nobody yet: they wait"))),
        ]


class ReassignForm(Form):
    """To whom the requests of a requester go, and why."""

    successor_id = SelectField(_("The requests go to"), [Required()])
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})

    @override
    def set_up(self, record: User) -> None:
        """Name what waits, and offer the other requesters."""
        self.successor_id.description = tr(waiting_message(requests_that_need(db.session(), record)))
        self.successor_id.choices = [SelectChoice("", "–"), *_other_requesters(record)]


def _other_requesters(user: User) -> list[SelectChoice]:
    others = (
        select(User)
        .where(User.agency_id == user.agency_id, User.is_active, User.is_requester, User.id != user.id)
        .order_by(User.full_name)
    )
    return [SelectChoice(str(one.id), one.full_name) for one in db.session.scalars(others)]


class NewUserForm(UserForm):
    """A new account, with its first password."""

    agency = SelectField(_("Agency"), [Required()])
    password = _password_field(_("Initial password"))

    @override
    def set_up(self, record: object) -> None:
        """Offer the agencies; who belongs to one is not asked, and an address that names another is refused."""
        self.agencies = _selectable_agencies()
        if not (get_current_user().is_superadmin or request.form.get("agency")):
            del self.agency
        else:
            choices = ((key, agency.name if agency else _INSTALLATION) for key, agency in self.agencies.items())
            self.agency.choices = [SelectChoice(key, tr(name)) for key, name in choices]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``create_account``."""
        key = self.agency.data if "agency" in self else next(iter(self.agencies))
        return {"account": NewAccount(self.agencies[key], **super().arguments(), password=self.password.data or "")}


class ResetPasswordForm(Form):
    """A new password for somebody else."""

    without_second_factor = BooleanField(_("Also turn off the second factor, as the device is lost"))

    def set_up(self, record: User) -> None:
        """Ask for the second factor where there is one: codes of an app, or passkeys alone."""
        if not load_factors(db.session(), record).is_on:
            del self.without_second_factor


def _selectable_agencies() -> dict[str, Agency | None]:
    """Return the agencies that the current user may create accounts for, by the value of the form's field."""
    user = get_current_user()
    if user.agency is not None:
        return {str(user.agency_id): user.agency}
    agencies = db.session.scalars(select(Agency).order_by(Agency.name))
    return {**{str(agency.id): agency for agency in agencies}, _INSTALLATION_KEY: None}
