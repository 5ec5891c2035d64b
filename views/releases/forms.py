"""The forms of freeze periods and of the head's permissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, func, literal, select
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.i18n import Message, _
from lpse_admin.workflow.record_fields import Environment
from models.database import db
from models.office.agency import Agency
from models.releases.freeze import Freeze, FreezeValues
from models.releases.freeze_permit import PermitLetter
from views.app.access import get_current_user
from views.forms.base import Form, Required
from views.forms.fields import AwareDateTimeField, ScannedFileField
from views.i18n.language import tr


@dataclass(frozen=True, slots=True)
class EnvironmentChoice:
    """A choice of the environment filter beside the members of ``Environment``."""

    value: str
    title: Message


ALL_ENVIRONMENTS = EnvironmentChoice("all", _("All environments"))
ENVIRONMENT_CHOICES = (ALL_ENVIRONMENTS, *Environment)
#: The value of a freeze among ``ENVIRONMENT_CHOICES``.
FROZEN_ENVIRONMENT = func.coalesce(cast(Freeze.environment, String), literal(ALL_ENVIRONMENTS.value))


def _coerce_environment(text: object) -> Environment | None:
    """Return the environment of a choice; None for all environments."""
    if isinstance(text, Environment) or text in {None, "None", ""}:
        return text if isinstance(text, Environment) else None
    return Environment(str(text))


class FreezeForm(Form):
    """The form of a new freeze."""

    agency_id = SelectField(_("Agency"), [Required()], coerce=int)
    name = StringField(_("Freeze name"), [Required()], description=_("Such as: closing of tenders in December."))
    environment = SelectField(_("Environment"), coerce=_coerce_environment)
    from_at = AwareDateTimeField(_("From"), [Required()])
    until_at = AwareDateTimeField(_("Until"), [Required()])
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})

    def set_up(self, record: Freeze | None) -> None:
        """Set the choices; only a superadmin chooses the agency of a new freeze."""
        everywhere = SelectChoice("", tr(ALL_ENVIRONMENTS.title))
        self.environment.choices = [everywhere, *(SelectChoice(one.value, tr(one.title)) for one in Environment)]
        if record is None and get_current_user().is_superadmin:
            agencies = db.session.scalars(select(Agency).order_by(Agency.name))
            self.agency_id.choices = [SelectChoice(str(agency.id), agency.name) for agency in agencies]
        else:
            del self.agency_id

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``create_freeze``."""
        is_chosen = "agency_id" in self
        agency = db.session.get_one(Agency, self.agency_id.data) if is_chosen else get_current_user().agency
        return {"agency": agency, "entry": self.entry()}

    def entry(self) -> FreezeValues:
        """Return the values of the freeze."""
        return FreezeValues(
            name=self.name.data or "",
            from_at=self.from_at.data,
            until_at=self.until_at.data,
            environment=self.environment.data,
            reason=self.reason.data or "",
        )


class EditFreezeForm(FreezeForm):
    """The form to correct a freeze, with the reason."""

    why = TextAreaField(_("Reason for the correction"), [Required()], render_kw={"rows": 2})

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``Freeze.alter``."""
        return {"entry": self.entry(), "why": self.why.data or ""}


class LiftFreezeForm(Form):
    """The reason for lifting a freeze."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


class PermitForm(Form):
    """The head's permission to release a request in a freeze, with an optional letter."""

    change = HiddenField()
    reason = TextAreaField(
        _("Reason"), [Required()], description=_("The text of your permission."), render_kw={"rows": 3}
    )
    letter = ScannedFileField(_("Scanned letter"))

    def arguments(self) -> dict[str, Any]:
        """Return the reason and the letter."""
        letter = PermitLetter(**self.letter.as_document()) if self.letter.inspected else None
        return {"reason": self.reason.data or "", "letter": letter}
