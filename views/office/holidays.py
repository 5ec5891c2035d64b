"""Holidays: a whole year at a glance, and each day that the office sets itself, whatever the national list says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy.orm import aliased
from typing_extensions import override
from wtforms import DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, national_holidays
from lpse_admin.worktime.office_hours import WEEKDAYS
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.accounts.user import User
from models.database import db
from models.office.agency import Agency
from models.office.calendars import load_calendar
from models.office.office_day import OfficeDay, load_office_day, load_office_days, set_day
from views.app.access import can, get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import FormView, commit_or_show_errors
from views.i18n.language import format_date as in_words
from views.i18n.language import tr
from views.listing.filters import ChoiceFilter, OptionFilter
from views.listing.lists import Column, ListSpec
from views.office.agencies import agency_by_key, chosen_agency, selectable_agencies, set_agency_choices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

    from lpse_admin.worktime.national_holidays import Holiday
    from lpse_admin.worktime.working_calendar import WorkCalendarDay
    from views.listing.lists import ListQuery, Page

_set_by = aliased(User, name="day_setter")


@dataclass(frozen=True, slots=True)
class YearFilter(OptionFilter):
    """The days of one year: ``?year=2026``."""

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the years that the calendar knows, the latest first."""
        return [(str(year), str(year)) for year in range(LAST_YEAR, FIRST_YEAR - 1, -1)]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the days of the year."""
        value = given.get(self.key)
        if not value:
            return None
        if value not in dict(self.options()):
            raise self._malformed(value)
        return OfficeDay.date.between(dt.date(int(value), 1, 1), dt.date(int(value), 12, 31))


@dataclass(frozen=True, slots=True)
class OverviewDay:
    """A day of the year's overview: what the national list says, and what the office made of it."""

    date: dt.date
    weekday: str
    national: Holiday | None
    office_day: OfficeDay | None
    day: WorkCalendarDay


class OfficeDayForm(Form):
    """A day as the office sets it."""

    agency = SelectField(_("Agency"), [Required()])
    date = DateField(_("Date"), [InputRequired()])
    kind = SelectField(_("Kind of day"), [Required()], coerce=DayOverrideKind)
    name = StringField(_("Name of the day"), [Required()])
    hours = StringField(
        _("Special hours"),
        description=_("Only for a half day: 07.30–11.30. If empty, a working day has the hours of its weekday."),
    )
    reason = TextAreaField(
        _("Reason"),
        [Required()],
        render_kw={"rows": 3},
        description=_("For example the decree. It is recorded in the audit trail."),
    )

    @override
    def __init__(self, **kwargs: Any) -> None:
        """Offer the kinds of days in the reader's language."""
        super().__init__(**kwargs)
        self.kind.choices = [SelectChoice(kind.value, tr(kind.title)) for kind in DayOverrideKind]


class RemovalForm(Form):
    """Why something that was set is removed."""

    id = HiddenField()
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})


class HolidayView(FormView):
    """The days that the reader's office has set."""

    resource = Resource.HOLIDAY
    title = _("Holidays and working days")
    empty_message = _("The office has not set any days.")
    list_template = "office/holiday_list.html"
    details_template = "office/holiday_details.html"
    create_label = _("Set a day")
    can_create = True
    can_edit = True
    can_delete = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=OfficeDay,
        joins=((Agency, Agency.id == OfficeDay.agency_id), (_set_by, _set_by.id == OfficeDay.set_by_id)),
        column_list=(
            Column("id", _("Id"), OfficeDay.id, CellKind.NUMBER, in_list=False, in_export=False),
            Column("date", _("Date"), OfficeDay.date, CellKind.DATE, sortable=True, is_link=True),
            Column("agency", _("Agency"), Agency.name, superadmin_only=True),
            Column("kind", _("Kind of day"), OfficeDay.kind, CellKind.CHOICE, DayOverrideKind),
            Column("name", _("Name of the day"), OfficeDay.name),
            Column("hours", _("Special hours"), OfficeDay.hours),
            Column("set_by", _("Set by"), _set_by.full_name),
            Column("set", _("Set on"), OfficeDay.set_at, CellKind.DATETIME),
        ),
        column_filters=(
            YearFilter("year", _("Year")),
            ChoiceFilter("kind", _("Kind of day"), column=OfficeDay.kind, choices=DayOverrideKind),
        ),
        column_searchable_list=(OfficeDay.name,),
        column_default_sort="-date",
    )

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return the year at a glance, as the national list and the office have it."""
        agencies = selectable_agencies()
        agency = agency_by_key(agencies, request.args.get("agency"))
        if agency is None:
            return {"agency": None}
        asked = request.args.get("year", "")
        year = int(asked) if asked.isdigit() else now().astimezone(agency.zone).year
        return {
            "agency": agency,
            "agencies": agencies if len(agencies) > 1 else [],
            "year": year,
            "years": [near for near in (year - 1, year + 1) if FIRST_YEAR <= near <= LAST_YEAR],
            "lines": _year_overview(agency, year),
        }

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the day, and the form for its removal where the reader may."""
        may_remove = can(Verb.DELETE, self.resource)
        return {
            "day": self.get_one(str(id)),
            "may_edit": can(Verb.EDIT, self.resource),
            "form": RemovalForm(formdata=None, data={"id": id}) if may_remove else None,
        }

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Set a day; a date in the address is filled in, with what the national list says of it."""
        self.require_permission(Verb.CREATE)
        agencies = selectable_agencies()
        form = OfficeDayForm(data=_defaults_for_date(request.args.get("date", "")))
        set_agency_choices(form, form.agency, agencies)
        if request.method == "GET" and form.date.data:
            agency = chosen_agency(form, agencies)
            known = load_office_day(db.session(), agency.id, form.date.data)
            if known is not None:
                return redirect(url_for(".edit_view", id=known.id))
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "holiday.set"):
                day = set_day(
                    db.session(), chosen_agency(form, agencies), date=form.date.data, **_values_from_form(form)
                )
            if not form.errors:
                return self.redirect_to_record(
                    gettext("Set: %(day)s, %(name)s.", day=in_words(day.date), name=day.name), day.id
                )
        return self.render_form(form, _("Set a day"), _("Set the day"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Make something else of a day that is set."""
        self.require_permission(Verb.EDIT)
        day = self.get_one(request.args.get("id", ""))
        form = OfficeDayForm(obj=day)
        del form.agency, form.date
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "holiday.alter"):
                day.alter(**_values_from_form(form))
            if not form.errors:
                return self.redirect_to_record(
                    gettext("Set: %(day)s, %(name)s.", day=in_words(day.date), name=day.name), day.id
                )
        heading = _("Setting for %(day)s", day=in_words(day.date))
        return self.render_form(form, heading, _("Save"), back=self.row_url(day.id))

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Remove what was set, with a reason: the national list says again what the day is."""
        self.require_permission(Verb.DELETE)
        day = self.get_one(request.form.get("id", ""))
        date, id_ = in_words(day.date), day.id
        form = RemovalForm()
        with commit_or_show_errors(form, "holiday.remove"):
            day.remove(by=get_current_user(), reason=form.reason.data or "")
        if form.errors:
            heading = _("Remove the setting for %(day)s", day=date)
            return self.render_form(form, heading, _("Remove"), back=self.row_url(id_))
        flash(gettext("Removed. %(day)s follows the national list again.", day=date), "success")
        return redirect(url_for(".index_view"), 303)


def _values_from_form(form: OfficeDayForm) -> dict[str, Any]:
    """Return what was typed of a day, and who sets it when."""
    return {
        "kind": form.kind.data,
        "name": form.name.data or "",
        "hours": form.hours.data or "",
        "reason": form.reason.data or "",
        "by": get_current_user(),
        "now": now(),
    }


def _defaults_for_date(text: str) -> dict[str, Any]:
    """Return what a form for the date in an address begins with: a day off is taken back, another is given."""
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return {}
    national = national_holidays(date.year).get(date) if FIRST_YEAR <= date.year <= LAST_YEAR else None
    kind = DayOverrideKind.HOLIDAY if national is None else DayOverrideKind.WORKDAY
    return {"date": date, "kind": kind, "name": "" if national is None else national.name}


def _year_overview(agency: Agency, year: int) -> list[OverviewDay]:
    """Return every day of ``year`` that the national list names or the office has set, in order."""
    session = db.session()
    calendar = load_calendar(session, agency)
    national = national_holidays(year)
    ours = {day.date: day for day in load_office_days(session, agency.id, year)}
    return [
        OverviewDay(date, tr(WEEKDAYS[date.weekday()]), national.get(date), ours.get(date), calendar.day(date))
        for date in sorted({*national, *ours})
    ]
