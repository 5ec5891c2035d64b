"""Absences of the head: recorded and ended here, by the head or by somebody of the office who says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload
from wtforms import DateField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from models.accounts.user import User
from models.database import db
from models.delegation.absence import Absence, AbsenceState, can_record_absence, in_state, record_absence, state_on
from models.office.agency import Agency
from views.app.access import can, get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import FormView, commit_or_show_errors
from views.i18n.language import today
from views.listing.filters import DateRangeFilter, StateFilter
from views.listing.lists import Column, ListSpec

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

_head = aliased(User, name="absent_head")
_recorded_by = aliased(User, name="absence_recorder")
_ended_by = aliased(User, name="absence_ender")

_REASON_ON_BEHALF = _("Why you act in the head's place")


class AbsenceForm(Form):
    """An absence of the head, as the head or the office knows of it."""

    head_id = SelectField(_("Head of LPSE"), [Required()], coerce=int)
    from_date = DateField(_("First day"), [InputRequired()])
    until_date = DateField(_("Last day"), [Optional()], description=_("Leave it empty if it is not known yet."))
    reason = TextAreaField(_("Reason for the absence"), [Required()], render_kw={"rows": 3})
    because = TextAreaField(
        _REASON_ON_BEHALF,
        render_kw={"rows": 3},
        description=_(
            "Required from everybody except the head: how you know of it, and why the head cannot record it."
        ),
    )


class EndAbsenceForm(Form):
    """Why somebody says that the head is back."""

    because = TextAreaField(
        _REASON_ON_BEHALF, render_kw={"rows": 3}, description=_("Required from everybody except the head.")
    )


class AbsenceView(FormView):
    """The absences of the heads of the reader's agency."""

    resource = Resource.ABSENCE
    title = _("Absences of the head")
    empty_message = _("No absence of the head is recorded. Anybody who works with the head can record one here.")
    details_template = "delegation/absence_details.html"
    create_label = _("Record an absence")
    can_create = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=Absence,
        joins=(
            (_head, _head.id == Absence.head_id),
            (_recorded_by, _recorded_by.id == Absence.recorded_by_id),
            (_ended_by, _ended_by.id == Absence.ended_by_id),
            (Agency, Agency.id == Absence.agency_id),
        ),
        column_list=(
            Column("id", _("Id"), Absence.id, CellKind.NUMBER, in_list=False, in_export=False),
            Column("head", _("Head of LPSE"), _head.full_name, is_link=True),
            Column("agency", _("Agency"), Agency.name, superadmin_only=True),
            Column("from", _("First day"), Absence.from_date, CellKind.DATE, sortable=True),
            Column("until", _("Last day"), Absence.until_date, CellKind.DATE),
            Column("state", _("State"), Absence.id, CellKind.CHOICE, AbsenceState),
            Column("reason", _("Reason for the absence"), Absence.reason, wide=True),
            Column("recorder", _("Recorded by"), _recorded_by.full_name),
            Column("recorded", _("Recorded"), Absence.recorded_at, CellKind.DATETIME, in_list=False),
            Column(
                "because", _("Reason for recording it in the head's place"), Absence.recorded_because, in_list=False
            ),
            Column("ended", _("Ended"), Absence.ended_at, CellKind.DATETIME),
            Column("ender", _("Ended by"), _ended_by.full_name, in_list=False),
            Column(
                "ended_because", _("Reason for ending it in the head's place"), Absence.ended_because, in_list=False
            ),
        ),
        column_filters=(
            StateFilter(
                "state",
                _("State"),
                states=AbsenceState,
                criterion_for=lambda state, zone: in_state(state, now().astimezone(zone).date()),
            ),
            DateRangeFilter("from", _("First day"), column=Absence.from_date, is_datetime=False),
        ),
        column_searchable_list=(_head.full_name, Absence.reason),
        column_default_sort="-from",
    )

    def state_expression(self) -> ColumnElement[str]:
        """Return the state on the reader's own day."""
        return state_on(today())

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the form for ending it, where the reader may."""
        absence = self.get_one(str(id))
        may_end = (
            can(Verb.EDIT, self.resource)
            and can_record_absence(get_current_user(), absence.head)
            and absence.state(absence.agency.local_date(now())) is not AbsenceState.OVER
        )
        form = EndAbsenceForm(formdata=None)
        form.because.flags.required = get_current_user().id != absence.head_id
        return {"absence": absence, "form": form if may_end else None}

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Record an absence."""
        self.require_permission(Verb.CREATE)
        form = AbsenceForm()
        heads = _selectable_heads()
        form.head_id.choices = [SelectChoice(str(head.id), _label_with_agency(head)) for head in heads]
        if request.method == "GET":
            form.from_date.data = today()
        if {head.id for head in heads} <= {get_current_user().id}:
            del form.because
        elif get_current_user().id not in {head.id for head in heads}:
            form.because.flags.required = True
        if request.method == "POST" and form.validate():
            head = next(head for head in heads if head.id == form.head_id.data)
            with commit_or_show_errors(form, "absence.record", reason=form.reason.data or None):
                absence = _record_from_form(form, head)
            if not form.errors:
                return self.redirect_to_record(gettext("The absence is recorded."), absence.id)
        return self.render_form(form, _("Record an absence of the head"), _("Record the absence"))

    @expose("/<absence_id>/end", methods=("POST",))
    def end(self, absence_id: str) -> ResponseReturnValue:
        """End an absence at this moment."""
        self.require_permission(Verb.EDIT)
        absence = self.get_one(absence_id)
        form = EndAbsenceForm()
        because = form.because.data or None
        with commit_or_show_errors(form, "absence.end", reason=because):
            absence.end(now=now(), by=get_current_user(), because=because)
        if not form.errors:
            return self.redirect_to_record(gettext("The absence has ended."), absence.id)
        heading = _("End the absence of %(name)s", name=absence.head.full_name)
        return self.render_form(form, heading, _("End the absence"), back=self.row_url(absence.id))


def _record_from_form(form: AbsenceForm, head: User) -> Absence:
    """Record what was typed."""
    return record_absence(
        db.session(),
        head=head,
        from_date=form.from_date.data,
        until_date=form.until_date.data,
        reason=form.reason.data or "",
        by=get_current_user(),
        now=now(),
        because=(form.because.data or None) if "because" in form else None,
    )


def _selectable_heads() -> list[User]:
    """Return the heads whose absence the reader may record."""
    heads = select(User).where(User.is_head, User.agency_id.is_not(None)).options(joinedload(User.agency))
    if not get_current_user().is_superadmin:
        heads = heads.where(User.agency_id == get_current_user().agency_id)
    found = db.session.scalars(heads.order_by(User.full_name))
    return [head for head in found if can_record_absence(get_current_user(), head)]


def _label_with_agency(head: User) -> str:
    return f"{head.full_name} ({head.agency})" if get_current_user().is_superadmin else head.full_name


__all__ = ["AbsenceForm", "AbsenceView", "EndAbsenceForm"]
