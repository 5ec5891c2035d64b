"""Settings: an office's hours from a day on, its months of Ramadan, and at what share somebody is warned."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import case, exists
from sqlalchemy.orm import aliased
from typing_extensions import override
from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, ramadan_periods
from lpse_admin.worktime.office_hours import WEEKDAYS, Timetable
from models.accounts.user import User
from models.database import db
from models.office.agency import Agency
from models.office.calendars import load_calendar
from models.office.setting import DEFAULT_WARNING_SHARE, load_threshold, set_warning_share
from models.office.working_hours import (
    RAMADAN_WEEK,
    WEEK,
    HoursState,
    RamadanMonth,
    WorkingHours,
    load_ramadan_months,
    set_hours,
    set_ramadan,
)
from models.sops.sop import sop_in_force
from views.app.access import can, get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import FormView, commit_or_show_errors
from views.i18n.language import format_date as in_words
from views.i18n.language import today, tr
from views.listing.lists import Column, ListSpec
from views.listing.record_view import parse_id
from views.office.agencies import agency_by_key, chosen_agency, selectable_agencies, set_agency_choices
from views.office.holidays import RemovalForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

    from lpse_admin.worktime.national_holidays import DateRange
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from views.listing.lists import ListQuery, Page

_set_by = aliased(User, name="hours_setter")
_ONE_DAY = dt.timedelta(days=1)

#: What each column of a week is called.
_DAY_TITLES: dict[str, Message] = {
    **dict(zip(WEEK, WEEKDAYS, strict=True)),
    **{key: _("%(day)s in Ramadan", day=day) for key, day in zip(RAMADAN_WEEK, WEEKDAYS, strict=True)},
}


class _SettingForm(Form):
    """What every setting asks: for which office, and why."""

    agency = SelectField(_("Agency"), [Required()])
    reason = TextAreaField(
        _("Reason"),
        [Required()],
        render_kw={"rows": 3},
        description=_("For example the decree. It is recorded in the audit trail."),
    )

    @property
    def reason_text(self) -> str:
        """The reason that was typed."""
        return self.reason.data or ""


class WorkingHoursForm(_SettingForm):
    """The hours of both weeks, from a day on."""

    since = DateField(_("Effective from"), [InputRequired()])

    def week(self) -> dict[str, str]:
        """Return what was typed of both weeks."""
        return {day: self[day].data or "" for day in (*WEEK, *RAMADAN_WEEK)}


for _day in (*WEEK, *RAMADAN_WEEK):
    setattr(WorkingHoursForm, _day, StringField(_DAY_TITLES[_day]))


class RamadanForm(_SettingForm):
    """A month of Ramadan as it was decreed."""

    first_day = DateField(_("First day"), [InputRequired()])
    last_day = DateField(_("Last day"), [InputRequired()])


class ThresholdForm(_SettingForm):
    """At what share of a standard time somebody is warned."""

    warning_share = IntegerField(
        _("Warn at (percent of the standard time)"),
        [Required()],
        render_kw={"min": 1, "max": 100},
        description=_("1 to 100. The assignee of a step is warned when this share of its standard time is used."),
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


class SettingView(FormView):
    """The settings of the reader's office; its list are the working hours, present, coming and former."""

    resource = Resource.SETTING
    title = _("Settings")
    empty_message = _("No working hours were set: those of Perpres 21/2023 apply.")
    list_template = "office/setting_list.html"
    details_template = "office/setting_details.html"
    create_label = _("Set working hours")
    can_create = True
    can_edit = True
    can_delete = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=WorkingHours,
        joins=((Agency, Agency.id == WorkingHours.agency_id), (_set_by, _set_by.id == WorkingHours.set_by_id)),
        column_list=(
            Column("id", _("Id"), WorkingHours.id, CellKind.NUMBER, in_list=False, in_export=False),
            Column("since", _("Effective from"), WorkingHours.since, CellKind.DATE, sortable=True, is_link=True),
            Column("agency", _("Agency"), Agency.name, superadmin_only=True),
            Column("state", _("State"), WorkingHours.id, CellKind.CHOICE, HoursState),
            *(Column(day, _DAY_TITLES[day], getattr(WorkingHours, day)) for day in WEEK),
            *(Column(day, _DAY_TITLES[day], getattr(WorkingHours, day), in_list=False) for day in RAMADAN_WEEK),
            Column("set_by", _("Set by"), _set_by.full_name, in_list=False),
            Column("set", _("Set on"), WorkingHours.set_at, CellKind.DATETIME, in_list=False),
        ),
        column_searchable_list=(_set_by.full_name,),
        column_default_sort="-since",
    )

    def state_expression(self) -> ColumnElement[str]:
        """Return the state on the reader's own day."""
        return _state_on(today())

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return all that counts in the office today, and what is to come."""
        agencies = selectable_agencies()
        agency = agency_by_key(agencies, request.args.get("agency"))
        if agency is None:
            return {"agency": None}
        session = db.session()
        today = agency.local_date(now())
        calendar = load_calendar(session, agency)
        return {
            "agency": agency,
            "agencies": agencies if len(agencies) > 1 else [],
            "present": _hours_on(calendar, today),
            "week": _weekday_rows(_hours_on(calendar, today)),
            "coming": [later.since for later in calendar.later_timetables if later.since > today],
            "is_default": _hours_on(calendar, today).since == dt.date.min,
            "months": load_ramadan_months(session, agency.id),
            "calculated": _calculated_ramadans(calendar, today),
            "threshold": load_threshold(session, agency.id),
            "default_share": DEFAULT_WARNING_SHARE,
            "sop": sop_in_force(session, agency.id),
            "may_edit": can(Verb.EDIT, self.resource),
            "form": RemovalForm(formdata=None) if can(Verb.DELETE, self.resource) else None,
        }

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the hours, and the form for their removal where the reader may."""
        hours = self.get_one(str(id))
        return {
            "hours": hours,
            "week": _weekday_rows(hours.timetable),
            "may_edit": can(Verb.EDIT, self.resource),
            "form": RemovalForm(formdata=None, data={"id": id}) if can(Verb.DELETE, self.resource) else None,
        }

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Set working hours from a day on; the form begins with those that hold now, from tomorrow on."""
        self.require_permission(Verb.CREATE)
        agencies = selectable_agencies()
        form = WorkingHoursForm(data=_default_hours(agencies) if request.method == "GET" else None)
        set_agency_choices(form, form.agency, agencies)
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "setting.hours"):
                hours = set_hours(
                    db.session(), chosen_agency(form, agencies), form.since.data, form.week(),
                    by=get_current_user(), now=now(), reason=form.reason_text,
                )  # fmt: skip
            if not form.errors:
                return self.redirect_to_record(gettext("The working hours are set."), hours.id)
        return self._render_hours_form(form, _("Set working hours"), _("Set"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Alter hours that are set, from the same day on."""
        self.require_permission(Verb.EDIT)
        hours = self.get_one(request.args.get("id", ""))
        form = WorkingHoursForm(obj=hours)
        del form.agency, form.since
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "setting.hours.alter"):
                hours.alter(form.week(), by=get_current_user(), now=now(), reason=form.reason_text)
            if not form.errors:
                return self.redirect_to_record(gettext("The working hours are set."), hours.id)
        heading = _("Working hours from %(day)s", day=in_words(hours.since))
        return self._render_hours_form(form, heading, _("Save"), back=self.row_url(hours.id))

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Remove hours with a reason: those before them hold on."""
        self.require_permission(Verb.DELETE)
        hours = self.get_one(request.form.get("id", ""))
        heading = _("Remove the working hours from %(day)s", day=in_words(hours.since))
        return self._remove(hours, "setting.hours.remove", heading, back=self.row_url(hours.id))

    @expose("/ramadan", methods=("GET", "POST"))
    def ramadan(self) -> ResponseReturnValue:
        """Set a month of Ramadan."""
        self.require_permission(Verb.EDIT)
        agencies = selectable_agencies()
        form = RamadanForm()
        set_agency_choices(form, form.agency, agencies)
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "setting.ramadan"):
                set_ramadan(
                    db.session(), chosen_agency(form, agencies), form.first_day.data, form.last_day.data,
                    by=get_current_user(), now=now(), reason=form.reason_text,
                )  # fmt: skip
            if not form.errors:
                return self._redirect_to_settings(gettext("The month of Ramadan is set."))
        return self._render_setting_form(form, _("Set a month of Ramadan"), _("Set"))

    @expose("/ramadan/<month_id>/remove", methods=("POST",))
    def remove_ramadan(self, month_id: str) -> ResponseReturnValue:
        """Remove a month of Ramadan with a reason: the calculated one holds again."""
        self.require_permission(Verb.DELETE)
        month = _get_ramadan_month(month_id)
        heading = _(
            "Remove the month of Ramadan from %(first)s to %(last)s",
            first=in_words(month.first_day),
            last=in_words(month.last_day),
        )
        return self._remove(month, "setting.ramadan.remove", heading, back=url_for(".index_view"))

    @expose("/threshold", methods=("GET", "POST"))
    def threshold(self) -> ResponseReturnValue:
        """Set at what share of a standard time somebody is warned."""
        self.require_permission(Verb.EDIT)
        agencies = selectable_agencies()
        form = ThresholdForm()
        set_agency_choices(form, form.agency, agencies)
        if request.method == "GET":
            held = load_threshold(db.session(), chosen_agency(form, agencies).id)
            form.warning_share.data = held.warning_share if held else DEFAULT_WARNING_SHARE
        elif form.validate():
            with commit_or_show_errors(form, "setting.threshold"):
                set_warning_share(
                    db.session(),
                    chosen_agency(form, agencies),
                    form.warning_share.data,
                    by=get_current_user(),
                    now=now(),
                    reason=form.reason_text,
                )
            if not form.errors:
                return self._redirect_to_settings(gettext("The threshold is set."))
        return self._render_setting_form(form, _("Warning threshold"), _("Set"))

    def _render_hours_form(
        self, form: WorkingHoursForm, heading: Message, submit: Message, back: str | None = None
    ) -> ResponseReturnValue:
        weeks = ((_("Office hours"), WEEK), (_("In Ramadan"), RAMADAN_WEEK))
        return self.render_form(form, heading, submit, template="office/setting_hours.html", back=back, weeks=weeks)

    def _render_setting_form(self, form: _SettingForm, heading: Message, submit: Message) -> ResponseReturnValue:
        return self.render_form(form, heading, submit, back=url_for(".index_view"))

    def _remove(
        self, row: WorkingHours | RamadanMonth, action: str, heading: Message, *, back: str
    ) -> ResponseReturnValue:
        form = RemovalForm()
        with commit_or_show_errors(form, action):
            row.remove(by=get_current_user(), reason=form.reason.data or "")
        if form.errors:
            return self.render_form(form, heading, _("Remove"), back=back)
        return self._redirect_to_settings(gettext("Removed."))

    @staticmethod
    def _redirect_to_settings(sentence: str) -> ResponseReturnValue:
        flash(sentence, "success")
        return redirect(url_for(".index_view"), 303)


def _get_ramadan_month(text: str) -> RamadanMonth:
    """Return the month of this id, if it is of an office that the reader reaches; raises NotFound."""
    agencies = {agency.id for agency in selectable_agencies()}
    month = db.session.get(RamadanMonth, parse_id(text))
    if month is None or month.agency_id not in agencies:
        raise NotFound(_("There is no such record, or you may not see it."))
    return month


def _hours_on(calendar: WorkCalendar, date: dt.date) -> Timetable:
    """Return the hours that hold on ``date``, and since when: the first day there is for those nobody set."""
    first = Timetable(dt.date.min, calendar.hours, calendar.ramadan_hours)
    return next((later for later in reversed(calendar.later_timetables) if later.since <= date), first)


def _default_hours(agencies: Sequence[Agency]) -> dict[str, Any]:
    """Return what the form for new hours begins with."""
    agency = agency_by_key(agencies, request.args.get("agency"))
    if agency is None:
        return {}
    today = agency.local_date(now())
    held = _hours_on(load_calendar(db.session(), agency), today)
    texts = (*held.hours.texts, *held.ramadan_hours.texts)
    return {"since": today + _ONE_DAY, **dict(zip((*WEEK, *RAMADAN_WEEK), texts, strict=True))}


def _weekday_rows(timetable: Timetable) -> list[tuple[str, str, str]]:
    """Return (day, hours, hours in Ramadan) for each day of the week."""
    texts = zip(WEEKDAYS, timetable.hours.texts, timetable.ramadan_hours.texts, strict=True)
    return [(tr(day), hours, ramadan) for day, hours, ramadan in texts]


def _calculated_ramadans(calendar: WorkCalendar, today: dt.date) -> list[DateRange]:
    """Return the calculated months of this year and the next that no month that is set replaces."""
    years = [year for year in (today.year, today.year + 1) if FIRST_YEAR <= year <= LAST_YEAR]
    months = {month for year in years for month in ramadan_periods(year)}
    return sorted(month for month in months if not any(month.overlaps(own) for own in calendar.ramadans))
