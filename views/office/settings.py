"""Settings: an office's hours from a day on, its months of Ramadan, and the share of time at which it is warned."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from flask_admin import expose
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import Message, _
from models.database import db
from models.office.options import set_anchor_addresses, set_digest_time, set_file_types
from models.office.setting import set_warning_share
from models.office.working_hours import RAMADAN_WEEK, WEEK, RamadanMonth, WorkingHours, set_hours, set_ramadan
from views.app.access import can, get_current_user
from views.app.clock import now
from views.forms.recovery import recoverable
from views.i18n.language import format_date, tr
from views.listing.lists import Column
from views.listing.parameters import TODAY
from views.listing.record_view import RecordView, get_visible
from views.office.forms import (
    DAY_LABELS,
    HOURS_REMOVAL,
    AnchorAddressesForm,
    DigestForm,
    FileTypesForm,
    RamadanForm,
    RemovalForm,
    ThresholdForm,
    WorkingHoursForm,
)
from views.office.overview import agency_context, default_hours, settings_context, weekday_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from views.forms.base import Form
    from views.listing.lists import ListQuery, Page


class SettingView(RecordView):
    """The settings of the reader's office; its list holds the working hours: present, coming and former ones."""

    resource = Resource.SETTING
    model = WorkingHours
    title = _("Settings")
    empty_message = _("No working hours were set: those of Perpres 21/2023 apply.")
    list_template = "office/setting_list.html"
    details_template = "office/setting_details.html"

    column_list = ("since", "agency", Column("state", _("State"), WorkingHours.state_on(TODAY)), *WEEK)
    column_labels: ClassVar = {"since": _("Effective from"), "set_by": _("Set by"), **DAY_LABELS}
    column_details_list = (*column_list, *RAMADAN_WEEK, "set_by", Column("set", _("Set on"), WorkingHours.set_at))
    column_searchable_list = ("set_by",)
    search_hint = _("Who changed the setting.")
    other_parameters = frozenset({"agency"})  # whose calendar is shown to an administrator of all
    column_sortable_list = ("since",)
    column_default_sort = ("since", True)

    form = WorkingHoursForm
    create, edit, delete = set_hours, WorkingHours.alter, WorkingHours.remove
    create_label = _("Set working hours")
    create_submit = _("Set")
    create_success = edit_success = _("The working hours are set.")
    edit_label = _("Change")
    delete_action = HOURS_REMOVAL

    def record_name(self, record: WorkingHours) -> str:
        """Return since when the hours count."""
        return tr(_("Working hours from %(day)s", day=format_date(record.since)))

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return all that counts in the office today, and what is to come."""
        context = agency_context()
        if context["agency"] is None:
            return context
        rights = {"may_edit": can(Verb.EDIT, self.resource), "may_remove": can(Verb.DELETE, self.resource)}
        return context | settings_context(context["agency"]) | rights

    def record_context(self, record: WorkingHours) -> dict[str, Any]:
        """Return the hours as a table of the week."""
        return {"week": weekday_rows(record.timetable)}

    @override
    def create_defaults(self) -> dict[str, Any]:
        """Begin with the hours that count now, from tomorrow on."""
        return default_hours()

    @expose("/ramadan", methods=("GET", "POST"))
    @recoverable
    def ramadan(self) -> ResponseReturnValue:
        """Set a month of Ramadan."""
        return self._set(RamadanForm(), set_ramadan, _("Set a month of Ramadan"), _("The month of Ramadan is set."))

    @expose("/threshold", methods=("GET", "POST"))
    @recoverable
    def threshold(self) -> ResponseReturnValue:
        """Set at what share of a standard time somebody is warned."""
        return self._set(ThresholdForm(), set_warning_share, _("Warning threshold"), _("The threshold is set."))

    @expose("/files", methods=("GET", "POST"))
    @recoverable
    def files(self) -> ResponseReturnValue:
        """Choose which kinds of files are accepted."""
        return self._set(FileTypesForm(), set_file_types, _("Accepted files"), _("The accepted files are chosen."))

    @expose("/digest", methods=("GET", "POST"))
    @recoverable
    def digest(self) -> ResponseReturnValue:
        """Set when the daily digest of mail goes out."""
        return self._set(DigestForm(), set_digest_time, _("Daily digest of mail"), _("The time of the digest is set."))

    @expose("/anchors", methods=("GET", "POST"))
    @recoverable
    def anchors(self) -> ResponseReturnValue:
        """Set to whom the anchors of the audit trail are sent."""
        heading = _("Recipients of the audit trail's anchors")
        return self._set(AnchorAddressesForm(), set_anchor_addresses, heading, _("The recipients are set."))

    @expose("/ramadan/<month_id>/remove", methods=("POST",))
    def remove_ramadan(self, month_id: str) -> ResponseReturnValue:
        """Remove a month of Ramadan: the calculated one counts again."""
        self.require_permission(Verb.DELETE)
        remove = get_visible(RamadanMonth, month_id).remove
        return self._submit(RemovalForm(), remove, _("Remove this month of Ramadan"), _("Remove"), _("Removed."))

    def _set(
        self, form: Form, operation: Callable[..., object], heading: Message, success: Message
    ) -> ResponseReturnValue:
        self.require_permission(Verb.EDIT)
        form.set_up(None)
        return self._submit(form, partial(operation, db.session(), now=now()), heading, _("Set"), success)

    def _submit(
        self, form: Form, operation: Callable[..., object], heading: Message, submit: Message, success: Message
    ) -> ResponseReturnValue:
        back = self.get_url(".index_view")
        return self.submit_form(
            form,
            lambda: operation(by=get_current_user(), **form.arguments()),
            lambda _result: self.redirect_with_message(success, back),
            location=lambda _result: back,
            heading=heading,
            submit=submit,
            back=back,
        )
