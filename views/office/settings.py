"""Settings: an office's hours from a day on, its months of Ramadan, and at what share somebody is warned."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import case, exists
from sqlalchemy.orm import aliased
from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, ramadans
from lpse_admin.worktime.office_hours import WEEKDAYS, Timetable
from models.accounts.user import User
from models.database import db
from models.office.agency import Agency
from models.office.calendars import calendar_of
from models.office.setting import DEFAULT_WARNING_SHARE, set_warning_share, threshold_of
from models.office.working_hours import (
    RAMADAN_WEEK,
    WEEK,
    HoursState,
    RamadanMonth,
    WorkingHours,
    months_of,
    set_hours,
    set_ramadan,
)
from models.sops.sop import in_force
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Needed
from views.forms.commit import EntryView, entering
from views.i18n.language import day as in_words
from views.i18n.language import today, tr
from views.listing.lists import Column, ListSpec
from views.listing.record_view import may_i, me, row_id
from views.office.agencies import answered, ask, named, reachable
from views.office.holidays import RemovalForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from lpse_admin.worktime.national_holidays import Period
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from views.listing.lists import Listing, Page

_setter = aliased(User, name="hours_setter")
_ONE_DAY = dt.timedelta(days=1)

#: What each column of a week is called.
_TITLES: dict[str, Message] = {
    **dict(zip(WEEK, WEEKDAYS, strict=True)),
    **{key: _("%(day)s in Ramadan", day=day) for key, day in zip(RAMADAN_WEEK, WEEKDAYS, strict=True)},
}


class _SettingForm(Form):
    """What every setting asks: for which office, and why."""

    agency = SelectField(_("Agency"), [Needed()])
    reason = TextAreaField(
        _("Reason"), [Needed()], render_kw={"rows": 3}, description=_("The decree, say. It stands in the trail.")
    )

    @property
    def why(self) -> str:
        """The reason that was typed."""
        return self.reason.data or ""


class HoursForm(_SettingForm):
    """The hours of both weeks, from a day on."""

    since = DateField(_("From this day on"), [InputRequired()])

    def week(self) -> dict[str, str]:
        """Return what was typed of both weeks."""
        return {day: self[day].data or "" for day in (*WEEK, *RAMADAN_WEEK)}


for _day in (*WEEK, *RAMADAN_WEEK):
    setattr(HoursForm, _day, StringField(_TITLES[_day]))


class RamadanForm(_SettingForm):
    """A month of Ramadan as it was decreed."""

    first_day = DateField(_("First day"), [InputRequired()])
    last_day = DateField(_("Last day"), [InputRequired()])


class ThresholdForm(_SettingForm):
    """At what share of a standard time somebody is warned."""

    warning_share = IntegerField(
        _("Warn at (percent of the standard time)"),
        [Needed()],
        render_kw={"min": 1, "max": 100},
        description=_("1 to 100. Whoever has a step in hand is told when so much of its standard time is used up."),
    )


def _state_on(today: dt.date) -> ColumnElement[str]:
    """Return the expression for what hours are on the day ``today``."""
    later = aliased(WorkingHours)
    is_replaced = exists().where(
        later.agency_id == WorkingHours.agency_id, later.since > WorkingHours.since, later.since <= today
    )
    return case(
        (WorkingHours.since > today, HoursState.COMING.value),
        (is_replaced, HoursState.FORMER.value),
        else_=HoursState.PRESENT.value,
    )


class SettingView(EntryView):
    """The settings of the reader's office; its list are the working hours, present, coming and former."""

    resource = Resource.SETTING
    title = _("Settings")
    empty = _("No hours were set: those of Perpres 21/2023 hold.")
    list_template = "office/setting_list.html"
    details_template = "office/setting_details.html"
    create_label = _("Set working hours")
    can_create = True
    can_edit = True
    can_delete = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=WorkingHours,
        joins=((Agency, Agency.id == WorkingHours.agency_id), (_setter, _setter.id == WorkingHours.set_by_id)),
        columns=(
            Column("id", _("Id"), WorkingHours.id, CellKind.NUMBER, listed=False, exported=False),
            Column("since", _("From this day on"), WorkingHours.since, CellKind.DATE, sortable=True, leads=True),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("state", _("State"), WorkingHours.id, CellKind.CHOICE, HoursState),
            *(Column(day, _TITLES[day], getattr(WorkingHours, day)) for day in WEEK),
            *(Column(day, _TITLES[day], getattr(WorkingHours, day), listed=False) for day in RAMADAN_WEEK),
            Column("set_by", _("Set by"), _setter.full_name, listed=False),
            Column("set", _("Set on"), WorkingHours.set_at, CellKind.MOMENT, listed=False),
        ),
        search=(_setter.full_name,),
        order="-since",
    )

    def state_now(self) -> ColumnElement[str]:
        """Return the state on the reader's own day."""
        return _state_on(today())

    def list_extras(self, listing: Listing, page: Page) -> dict[str, Any]:  # noqa: ARG002
        """Return all that counts in the office today, and what is to come."""
        agencies = reachable()
        agency = named(agencies, request.args.get("agency"))
        if agency is None:
            return {"agency": None}
        session = db.session()
        today = agency.date_of(now())
        calendar = calendar_of(session, agency)
        return {
            "agency": agency,
            "agencies": agencies if len(agencies) > 1 else [],
            "present": _hours_on(calendar, today),
            "week": _in_a_table(_hours_on(calendar, today)),
            "coming": [later.since for later in calendar.later if later.since > today],
            "is_default": _hours_on(calendar, today).since == dt.date.min,
            "months": months_of(session, agency.id),
            "calculated": _calculated(calendar, today),
            "threshold": threshold_of(session, agency.id),
            "default_share": DEFAULT_WARNING_SHARE,
            "sop": in_force(session, agency.id),
            "may_edit": may_i(Verb.EDIT, self.resource),
            "form": RemovalForm(formdata=None) if may_i(Verb.DELETE, self.resource) else None,
        }

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the hours, and the form for their removal where the reader may."""
        hours = self.get_one(str(id))
        return {
            "hours": hours,
            "week": _in_a_table(hours.timetable),
            "may_edit": may_i(Verb.EDIT, self.resource),
            "form": RemovalForm(formdata=None, data={"id": id}) if may_i(Verb.DELETE, self.resource) else None,
        }

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:  # noqa: ANN401 - a page or a redirect
        """Set working hours from a day on; the form begins with those that hold now, from tomorrow on."""
        self.demand(Verb.CREATE)
        agencies = reachable()
        form = HoursForm(data=_present_hours(agencies) if request.method == "GET" else None)
        ask(form, form.agency, agencies)
        if request.method == "POST" and form.validate():
            with entering(form, "setting.hours"):
                hours = set_hours(
                    db.session(), answered(form, agencies), form.since.data, form.week(),
                    by=me(), now=now(), reason=form.why,
                )  # fmt: skip
            if not form.errors:
                return self.done(gettext("The working hours are set."), hours.id)
        return self._answer_hours(form, _("Set working hours"), _("Set"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:  # noqa: ANN401
        """Alter hours that are set, from the same day on."""
        self.demand(Verb.EDIT)
        hours = self.get_one(request.args.get("id", ""))
        form = HoursForm(obj=hours)
        del form.agency, form.since
        if request.method == "POST" and form.validate():
            with entering(form, "setting.hours.alter"):
                hours.alter(form.week(), by=me(), now=now(), reason=form.why)
            if not form.errors:
                return self.done(gettext("The working hours are set."), hours.id)
        heading = _("Working hours from %(day)s on", day=in_words(hours.since))
        return self._answer_hours(form, heading, _("Keep"), back=self.row_url(hours.id))

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:  # noqa: ANN401
        """Remove hours with a reason: those before them hold on."""
        self.demand(Verb.DELETE)
        hours = self.get_one(request.form.get("id", ""))
        heading = _("Remove the working hours from %(day)s on", day=in_words(hours.since))
        return self._removed(hours, "setting.hours.remove", heading, back=self.row_url(hours.id))

    @expose("/ramadan", methods=("GET", "POST"))
    def ramadan(self) -> Any:  # noqa: ANN401
        """Set a month of Ramadan."""
        self.demand(Verb.EDIT)
        agencies = reachable()
        form = RamadanForm()
        ask(form, form.agency, agencies)
        if request.method == "POST" and form.validate():
            with entering(form, "setting.ramadan"):
                set_ramadan(
                    db.session(), answered(form, agencies), form.first_day.data, form.last_day.data,
                    by=me(), now=now(), reason=form.why,
                )  # fmt: skip
            if not form.errors:
                return self._back(gettext("The month of Ramadan is set."))
        return self._answer_setting(form, _("Set a month of Ramadan"), _("Set"))

    @expose("/ramadan/<month_id>/remove", methods=("POST",))
    def remove_ramadan(self, month_id: str) -> Any:  # noqa: ANN401
        """Remove a month of Ramadan with a reason: the calculated one holds again."""
        self.demand(Verb.DELETE)
        month = _month(month_id)
        heading = _(
            "Remove the month of Ramadan from %(first)s to %(last)s",
            first=in_words(month.first_day),
            last=in_words(month.last_day),
        )
        return self._removed(month, "setting.ramadan.remove", heading, back=url_for(".index_view"))

    @expose("/threshold", methods=("GET", "POST"))
    def threshold(self) -> Any:  # noqa: ANN401
        """Set at what share of a standard time somebody is warned."""
        self.demand(Verb.EDIT)
        agencies = reachable()
        form = ThresholdForm()
        ask(form, form.agency, agencies)
        if request.method == "GET":
            held = threshold_of(db.session(), answered(form, agencies).id)
            form.warning_share.data = held.warning_share if held else DEFAULT_WARNING_SHARE
        elif form.validate():
            with entering(form, "setting.threshold"):
                set_warning_share(
                    db.session(), answered(form, agencies), form.warning_share.data, by=me(), now=now(), reason=form.why
                )
            if not form.errors:
                return self._back(gettext("The threshold is set."))
        return self._answer_setting(form, _("When somebody is warned"), _("Set"))

    def _answer_hours(self, form: HoursForm, heading: Message, submit: Message, back: str | None = None) -> Any:  # noqa: ANN401
        weeks = ((_("Office hours"), WEEK), (_("In Ramadan"), RAMADAN_WEEK))
        return self.answer_form(form, heading, submit, template="office/setting_hours.html", back=back, weeks=weeks)

    def _answer_setting(self, form: _SettingForm, heading: Message, submit: Message) -> Any:  # noqa: ANN401
        return self.answer_form(form, heading, submit, back=url_for(".index_view"))

    def _removed(self, row: WorkingHours | RamadanMonth, action: str, heading: Message, *, back: str) -> Any:  # noqa: ANN401
        form = RemovalForm()
        with entering(form, action):
            row.remove(by=me(), reason=form.reason.data or "")
        if form.errors:
            return self.answer_form(form, heading, _("Remove"), back=back)
        return self._back(gettext("Removed."))

    @staticmethod
    def _back(sentence: str) -> Any:  # noqa: ANN401
        flash(sentence, "success")
        return redirect(url_for(".index_view"), 303)


def _month(text: str) -> RamadanMonth:
    """Return the month of this id, if it is of an office that the reader reaches; raises NotFound."""
    agencies = {agency.id for agency in reachable()}
    month = db.session.get(RamadanMonth, row_id(text))
    if month is None or month.agency_id not in agencies:
        raise NotFound(_("There is no such record, or it is not yours to see."))
    return month


def _hours_on(calendar: WorkCalendar, date: dt.date) -> Timetable:
    """Return the hours that hold on ``date``, and since when: the first day there is for those nobody set."""
    first = Timetable(dt.date.min, calendar.hours, calendar.ramadan_hours)
    return next((later for later in reversed(calendar.later) if later.since <= date), first)


def _present_hours(agencies: Sequence[Agency]) -> dict[str, Any]:
    """Return what the form for new hours begins with."""
    agency = named(agencies, request.args.get("agency"))
    if agency is None:
        return {}
    today = agency.date_of(now())
    held = _hours_on(calendar_of(db.session(), agency), today)
    texts = (*held.hours.text, *held.ramadan_hours.text)
    return {"since": today + _ONE_DAY, **dict(zip((*WEEK, *RAMADAN_WEEK), texts, strict=True))}


def _in_a_table(timetable: Timetable) -> list[tuple[str, str, str]]:
    """Return (day, hours, hours in Ramadan) for each day of the week."""
    texts = zip(WEEKDAYS, timetable.hours.text, timetable.ramadan_hours.text, strict=True)
    return [(tr(day), hours, ramadan) for day, hours, ramadan in texts]


def _calculated(calendar: WorkCalendar, today: dt.date) -> list[Period]:
    """Return the calculated months of this year and the next that no month that is set replaces."""
    years = [year for year in (today.year, today.year + 1) if FIRST_YEAR <= year <= LAST_YEAR]
    months = {month for year in years for month in ramadans(year)}
    return sorted(month for month in months if not any(month.overlaps(own) for own in calendar.ramadans))
