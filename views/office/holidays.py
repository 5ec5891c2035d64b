"""Holidays: a whole year, and each day that the office sets itself, whatever the national list says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import redirect, request, url_for
from flask_admin import expose
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from lpse_admin.worktime.national_holidays import CALENDAR_YEARS
from models.database import db
from models.office.office_day import OfficeDay, load_office_day, set_day
from views.forms.recovery import recoverable
from views.i18n.language import format_date
from views.listing.filters.kinds import YearFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView
from views.office.forms import DAY_REMOVAL, OfficeDayForm, defaults_for_day
from views.office.overview import agency_context, year_context

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from views.listing.lists import ListQuery, Page


class HolidayView(RecordView):
    """The days that the reader's office has set."""

    resource = Resource.HOLIDAY
    model = OfficeDay
    title = _("Holidays and working days")
    empty_message = _("The office has not set any days.")
    list_template = "office/holiday_list.html"

    column_list = (
        "date",
        "agency",
        "kind",
        "name",
        "hours",
        "set_by",
        Column("set", _("Set on"), OfficeDay.set_at),
    )
    column_labels: ClassVar = {
        "date": _("Date"),
        "kind": _("Kind of day"),
        "name": _("Name of the day"),
        "hours": _("Special hours"),
        "set_by": _("Set by"),
    }
    column_filters = (YearFilter("year", _("Year"), column=OfficeDay.date, years=CALENDAR_YEARS), "kind")
    column_searchable_list = ("name",)
    search_hint = _("Name of the day.")
    other_parameters = frozenset({"agency"})  # whose calendar is shown to an administrator of all
    column_sortable_list = ("date",)
    column_default_sort = ("date", True)

    form = OfficeDayForm
    create, edit, delete = set_day, OfficeDay.alter, OfficeDay.remove
    create_label = _("Set a day")
    create_submit = _("Set the day")
    create_success = edit_success = _("Set: %(name)s.")
    edit_label = _("Change")
    delete_action = DAY_REMOVAL

    def record_name(self, record: OfficeDay) -> str:
        """Return the date and the name of a day."""
        return f"{format_date(record.date)}: {record.name}"

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return the days of a year, as the national list and the office have them."""
        context = agency_context()
        return context | year_context(context["agency"]) if context["agency"] else context

    @override
    def create_defaults(self) -> dict[str, Any]:
        """Begin with the date of the address, and the opposite of what the national list says of it."""
        return defaults_for_day(request.args.get("date", ""))

    @expose("/new/", methods=("GET", "POST"))
    @recoverable
    def create_view(self) -> ResponseReturnValue:
        """Set a day; one that is set already is edited."""
        self.require_permission(Verb.CREATE)
        date = self.create_defaults().get("date") if request.method == "GET" else None
        agency = agency_context()["agency"]
        day = load_office_day(db.session(), agency.id, date) if date and agency else None
        if day is not None:
            return redirect(url_for(".edit_view", id=day.id))
        return super().create_view()
