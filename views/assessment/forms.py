"""The forms of a finding: what the assessor said, the action, and the assessor's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from lpse_admin.i18n import LabelledEnum, Message, _
from models.accounts.user import User
from models.assessment.entry import ActionValues, AgreementValues, FindingValues, Subject
from models.assessment.finding import ActionStatus, Agreement, Priority
from models.database import db
from models.office.agency import Agency
from views.app.access import get_current_user
from views.forms.base import Form, Required
from views.forms.fields import DateField
from views.i18n.language import today, tr

if TYPE_CHECKING:
    from models.assessment.finding import AssessorFinding

_TEXT = {"rows": 3}


def _choices(enum: type[LabelledEnum]) -> list[SelectChoice]:
    return [SelectChoice(one.value, tr(one.title)) for one in enum]


def _member_field(label: Message, enum: type[LabelledEnum], default: LabelledEnum | None = None) -> SelectField:
    """Return a field of the members of an enum."""
    return SelectField(label, [Required()], coerce=lambda text: enum(getattr(text, "value", text)), default=default)


class FindingForm(Form):
    """What the assessor said."""

    agency_id = SelectField(_("Agency"), [Required()], coerce=int)
    number = StringField(_("Number of the finding"), [Required()], description=_("As the assessor gave it."))
    found_on = DateField(_("Day of the finding"), [InputRequired()], default=today)
    assessor = StringField(_("Assessor"), [Required()])
    clause = StringField(_("Standard and clause"), description=_("Such as: Standar 06, klausul 4.2."))
    finding = TextAreaField(_("Finding"), [Required()], render_kw=_TEXT)
    improvement = TextAreaField(_("Request for improvement"), [Required()], render_kw=_TEXT)
    priority = _member_field(_("Priority"), Priority, default=Priority.MEDIUM)
    due_on = DateField(_("Target date"), [InputRequired()])
    subject = _member_field(_("Is about"), Subject, default=Subject.NOTHING)
    reference = StringField(
        _("Which one"),
        description=_("Number of the request, code with register number or name of the asset, number of the SOP."),
    )

    def set_up(self, record: AssessorFinding | None) -> None:
        """Set the choices, and what a finding that is corrected is about."""
        self.priority.choices, self.subject.choices = _choices(Priority), _choices(Subject)
        if record is None and get_current_user().is_superadmin:
            agencies = db.session.scalars(select(Agency).order_by(Agency.name))
            self.agency_id.choices = [SelectChoice(str(one.id), one.name) for one in agencies]
        else:
            del self.agency_id
        if record is not None and self.subject.raw_data is None:
            self.subject.data, self.reference.data = subject_of(record)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``enter_finding`` and ``correct_finding``."""
        chosen = {"agency": db.session.get_one(Agency, self.agency_id.data)} if "agency_id" in self else {}
        return chosen | {
            "entry": FindingValues(
                number=self.number.data or "",
                found_on=self.found_on.data,
                assessor=self.assessor.data or "",
                clause=self.clause.data or "",
                finding=self.finding.data or "",
                improvement=self.improvement.data or "",
                priority=self.priority.data,
                due_on=self.due_on.data,
                subject=self.subject.data,
                reference=self.reference.data or "",
            )
        }


def subject_of(finding: AssessorFinding) -> tuple[Subject, str]:
    """Return what a finding is about, as the form has it."""
    if finding.change is not None:
        return Subject.CHANGE, finding.change.number or ""
    if finding.release is not None:
        return Subject.RELEASE, finding.release.change.number or ""
    if finding.asset is not None:
        return Subject.ASSET, finding.asset.reference
    if finding.sop is not None:
        return Subject.SOP, finding.sop.number or finding.sop.key
    return Subject.NOTHING, ""


class ActionForm(Form):
    """The action on a finding."""

    action = TextAreaField(_("Action"), [Required()], render_kw=_TEXT)
    person_id = SelectField(_("Carried out by"), [Required()], coerce=int)
    progress = _member_field(_("Status"), ActionStatus, default=ActionStatus.PLANNED)
    action_on = DateField(_("Carried out on"), [Optional()], description=_("Once it is carried out."))

    def set_up(self, record: AssessorFinding) -> None:
        """Set the choices."""
        people = select(User.id, User.full_name).where(User.agency_id == record.agency_id, User.is_active)
        rows = db.session.execute(people.order_by(User.full_name, User.id))
        self.person_id.choices = [SelectChoice(str(id_), name) for id_, name in rows]
        self.progress.choices = _choices(ActionStatus)
        if self.progress.raw_data is None and record.action_status is not None:
            self.action.data, self.person_id.data = record.action, record.action_by_id
            self.progress.data, self.action_on.data = record.action_status, record.action_on

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``record_action``."""
        person = db.session.get(User, self.person_id.data) if self.person_id.data else None
        return {"entry": ActionValues(self.action.data or "", person, self.progress.data, self.action_on.data)}


class AgreementForm(Form):
    """What the assessor says of the action."""

    agreement = _member_field(_("Answer of the assessor"), Agreement)
    agreed_by = StringField(_("Assessor"), [Required()])
    agreed_on = DateField(_("Day of the answer"), [InputRequired()], default=today)
    note = TextAreaField(_("Note of the assessor"), render_kw=_TEXT, description=_("Required if not agreed."))

    def set_up(self, record: AssessorFinding) -> None:
        """Set the choices, and offer the assessor who found it."""
        self.agreement.choices = _choices(Agreement)
        if self.agreed_by.raw_data is None:
            self.agreed_by.data = record.assessor

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``record_agreement``."""
        values = self.agreement.data, self.agreed_by.data or "", self.agreed_on.data, self.note.data or ""
        return {"entry": AgreementValues(*values)}
