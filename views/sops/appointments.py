"""Appointments: by which decree who holds the posts of the SOP; recorded and ended here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import or_, select
from typing_extensions import override
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from models.accounts.user import User
from models.database import db
from models.office.agency import Agency
from models.sops.appointment import APPOINTED_ROLES, Appointment, Decree, appoint, posts_of
from views.app.access import get_current_user, visible_agencies
from views.app.clock import now
from views.forms.base import CheckboxListField, Form, Required
from views.forms.fields import DateField
from views.i18n.language import today, tr
from views.listing.actions import action
from views.listing.lists import Column
from views.listing.parameters import TODAY
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

#: What stands between the id of an office and the key of a post in the value of a choice.
_APART = ":"


class AppointmentForm(Form):
    """A decree that appoints one or several people to a post."""

    actor_key = SelectField(_("Post in the SOP"), [Required()])
    users = CheckboxListField(
        _("Who is appointed"),
        [Required()],
        description=_("With the role that the post needs; an administrator gives roles on the screen of users."),
    )
    decree_number = StringField(_("Decree number"), [Required()])
    decree_date = DateField(_("Date of the decree"), [InputRequired()])
    from_date = DateField(_("First day"), [InputRequired()], default=today)
    until_date = DateField(
        _("Last day"), [Optional()], description=_("Leave it empty where the decree names none: it holds until ended.")
    )

    @override
    def set_up(self, record: object) -> None:
        """Offer the posts of the SOPs in force, and the people with their roles."""
        agencies = visible_agencies(db.session())
        several = len(agencies) > 1
        self.actor_key.choices = [
            SelectChoice("", tr(_("Choose"))),
            *(
                SelectChoice(
                    f"{agency.id}{_APART}{actor.key}",
                    f"{actor.title} ({tr(actor.role.title)})" + (f", {agency.name}" if several else ""),
                )
                for agency in agencies
                for actor in posts_of(db.session(), agency.id)
            ),
        ]
        has_role = or_(*(getattr(User, f"is_{role.value}") for role in APPOINTED_ROLES))
        people = db.session.scalars(
            select(User)
            .where(User.agency_id.in_([agency.id for agency in agencies]), User.is_active, has_role)
            .order_by(User.full_name, User.id)
        )
        self.people = {str(user.id): user for user in people}
        self.users.choices = [SelectChoice(id_, _name(user)) for id_, user in self.people.items()]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``record_appointments``."""
        agency_id, _apart, key = (self.actor_key.data or "").partition(_APART)
        return {
            "agency": db.session.get_one(Agency, int(agency_id)),
            "decree": Decree(
                actor_key=key,
                users=[self.people[id_] for id_ in self.users.data or []],
                number=self.decree_number.data or "",
                date=self.decree_date.data,
                from_date=self.from_date.data,
                until_date=self.until_date.data,
            ),
        }


def _name(user: User) -> str:
    roles = ", ".join(tr(role.title) for role in APPOINTED_ROLES if role in user.roles)
    return f"{user.full_name}, {user.position} ({roles})" if user.position else f"{user.full_name} ({roles})"


class EndAppointmentForm(Form):
    """Why an appointment ends."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


def record_appointments(session: Session, agency: Agency, decree: Decree, *, by: User, now: dt.datetime) -> Appointment:
    """Record the appointments of one decree and return the first."""
    return appoint(session, agency, decree, by=by, now=now)[0]


class AppointmentView(RecordView):
    """The appointments of the reader's agency."""

    resource = Resource.APPOINTMENT
    model = Appointment
    title = _("Appointments")
    empty_message = _(
        "Nobody is appointed: every post of the SOP belongs to all who have its role. Record a decree here where it is"
        " otherwise, or for inspectors."
    )

    column_list = (
        Column("post", _("Post in the SOP"), Appointment.actor_title),
        Column("person", _("Name"), Appointment.user_name),
        "agency",
        Column("decree", _("Decree number"), Appointment.decree_number),
        Column("decree_date", _("Date of the decree"), Appointment.decree_date),
        Column("from", _("First day"), Appointment.from_date),
        Column("until", _("Last day"), Appointment.until_date),
        Column("state", _("State"), Appointment.state(TODAY)),
    )
    column_details_list = (
        *column_list,
        Column("role", _("Part in the procedure"), Appointment.role),
        Column("title", _("Position"), Appointment.user_title),
        Column("nip", _("NIP"), Appointment.user_nip),
        Column("recorder", _("Recorded by"), "recorded_by"),
        Column("recorder_capacity", _("Recorded in the capacity of"), Appointment.recorded_by_capacity),
        Column("recorded", _("Recorded"), Appointment.recorded_at),
        Column("ended", _("Ended"), Appointment.ended_at),
        Column("ender", _("Ended by"), "ended_by"),
        Column("ended_reason", _("Reason for the end"), Appointment.ended_reason),
    )
    column_filters = ("state", "from")
    column_searchable_list = ("user_name", "actor_title", "decree_number")
    search_hint = _("Name, post and number of the decree.")
    column_sortable_list = ("from",)
    column_default_sort = ("from", True)
    column_labels: ClassVar = {}

    form = AppointmentForm
    create = record_appointments
    create_label = _("New appointment")
    create_submit = _("Record the appointment")
    create_success = _("The appointment is recorded.")

    def details_heading(self, record: Appointment) -> str:
        """Name the post and the person."""
        return str(record)

    def record_name(self, record: Appointment) -> str:
        """Return the name of the person."""
        return record.user_name or record.user.full_name

    @action(
        "end",
        _("End the appointment"),
        form=EndAppointmentForm,
        when=Appointment.can_be_ended_by,
        summary=_("End this appointment"),
        explanation=_("It ends immediately. What was decided under it remains valid."),
        heading=_("End the appointment of %(name)s"),
        success=_("The appointment was ended."),
        is_dangerous=True,
    )
    def end(self, appointment: Appointment, form: Form) -> None:
        """End an appointment before its last day."""
        appointment.end(by=get_current_user(), now=now(), **form.arguments())
