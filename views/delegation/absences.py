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
from models.delegation.absence import Absence, AbsenceState, in_state, may_be_recorded_by, record, state_on
from models.office.agency import Agency
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Needed
from views.forms.commit import EntryView, entering
from views.i18n.language import today
from views.listing.filters import PeriodFilter, StateFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import may_i, me

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_head = aliased(User, name="absent_head")
_recorder = aliased(User, name="absence_recorder")
_ender = aliased(User, name="absence_ender")

_BECAUSE = _("Why you do this in the head's place")


class AbsenceForm(Form):
    """An absence of the head, as the head or the office knows of it."""

    head_id = SelectField(_("Head of LPSE"), [Needed()], coerce=int)
    from_date = DateField(_("First day"), [InputRequired()])
    until_date = DateField(_("Last day"), [Optional()], description=_("Leave it empty while it is not known."))
    reason = TextAreaField(_("Reason of the absence"), [Needed()], render_kw={"rows": 3})
    because = TextAreaField(
        _BECAUSE,
        render_kw={"rows": 3},
        description=_("Needed from everybody but the head: how you know of it, and why the head cannot record it."),
    )


class EndForm(Form):
    """Why somebody says that the head is back."""

    because = TextAreaField(_BECAUSE, render_kw={"rows": 3}, description=_("Needed from everybody but the head."))


class AbsenceView(EntryView):
    """The absences of the heads of the reader's agency."""

    resource = Resource.ABSENCE
    title = _("Absences of the head")
    empty = _("No absence of the head is recorded. Whoever works beside the head records one here.")
    details_template = "delegation/absence_details.html"
    create_label = _("Record an absence")
    can_create = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=Absence,
        joins=(
            (_head, _head.id == Absence.head_id),
            (_recorder, _recorder.id == Absence.recorded_by_id),
            (_ender, _ender.id == Absence.ended_by_id),
            (Agency, Agency.id == Absence.agency_id),
        ),
        columns=(
            Column("id", _("Id"), Absence.id, CellKind.NUMBER, listed=False, exported=False),
            Column("head", _("Head of LPSE"), _head.full_name, leads=True),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("from", _("First day"), Absence.from_date, CellKind.DATE, sortable=True),
            Column("until", _("Last day"), Absence.until_date, CellKind.DATE),
            Column("state", _("State"), Absence.id, CellKind.CHOICE, AbsenceState),
            Column("reason", _("Reason of the absence"), Absence.reason, wide=True),
            Column("recorder", _("Recorded by"), _recorder.full_name),
            Column("recorded", _("Recorded"), Absence.recorded_at, CellKind.MOMENT, listed=False),
            Column("because", _("Why somebody else recorded it"), Absence.recorded_because, listed=False),
            Column("ended", _("Ended"), Absence.ended_at, CellKind.MOMENT),
            Column("ender", _("Ended by"), _ender.full_name, listed=False),
            Column("ended_because", _("Why somebody else ended it"), Absence.ended_because, listed=False),
        ),
        filters=(
            StateFilter(
                "state",
                _("State"),
                states=AbsenceState,
                meaning=lambda state, zone: in_state(state, now().astimezone(zone).date()),
            ),
            PeriodFilter("from", _("First day"), of=Absence.from_date, is_moment=False),
        ),
        search=(_head.full_name, Absence.reason),
        order="-from",
    )

    def state_now(self) -> ColumnElement[str]:
        """Return the state on the reader's own day."""
        return state_on(today())

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the form for ending it, where the reader may."""
        absence = self.get_one(str(id))
        may_end = (
            may_i(Verb.EDIT, self.resource)
            and may_be_recorded_by(me(), absence.head)
            and absence.state(absence.agency.date_of(now())) is not AbsenceState.OVER
        )
        form = EndForm(formdata=None)
        form.because.flags.required = me().id != absence.head_id
        return {"absence": absence, "form": form if may_end else None}

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:  # noqa: ANN401 - a page or a redirect
        """Record an absence."""
        self.demand(Verb.CREATE)
        form = AbsenceForm()
        heads = _heads()
        form.head_id.choices = [SelectChoice(str(head.id), _of_agency(head)) for head in heads]
        if request.method == "GET":
            form.from_date.data = today()
        if {head.id for head in heads} <= {me().id}:
            del form.because
        elif me().id not in {head.id for head in heads}:
            form.because.flags.required = True
        if request.method == "POST" and form.validate():
            head = next(head for head in heads if head.id == form.head_id.data)
            with entering(form, "absence.record", reason=form.reason.data or None):
                absence = _recorded(form, head)
            if not form.errors:
                return self.done(gettext("The absence is recorded."), absence.id)
        return self.answer_form(form, _("Record an absence of the head"), _("Record the absence"))

    @expose("/<absence_id>/end", methods=("POST",))
    def end(self, absence_id: str) -> Any:  # noqa: ANN401
        """End an absence at this moment."""
        self.demand(Verb.EDIT)
        absence = self.get_one(absence_id)
        form = EndForm()
        because = form.because.data or None
        with entering(form, "absence.end", reason=because):
            absence.end(now=now(), by=me(), because=because)
        if not form.errors:
            return self.done(gettext("The absence is ended."), absence.id)
        heading = _("End the absence of %(name)s", name=absence.head.full_name)
        return self.answer_form(form, heading, _("End the absence"), back=self.row_url(absence.id))


def _recorded(form: AbsenceForm, head: User) -> Absence:
    """Record what was typed."""
    return record(
        db.session(),
        head=head,
        from_date=form.from_date.data,
        until_date=form.until_date.data,
        reason=form.reason.data or "",
        by=me(),
        now=now(),
        because=(form.because.data or None) if "because" in form else None,
    )


def _heads() -> list[User]:
    """Return the heads whose absence the reader may record."""
    heads = select(User).where(User.is_head, User.agency_id.is_not(None)).options(joinedload(User.agency))
    if not me().reaches_across:
        heads = heads.where(User.agency_id == me().agency_id)
    found = db.session.scalars(heads.order_by(User.full_name))
    return [head for head in found if may_be_recorded_by(me(), head)]


def _of_agency(head: User) -> str:
    return f"{head.full_name} ({head.agency})" if me().reaches_across else head.full_name


__all__ = ["AbsenceForm", "AbsenceView", "EndForm"]
