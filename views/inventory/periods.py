"""Locked half-years of the asset list, and who signs its printed cards."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from flask_admin import expose
from typing_extensions import override
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.checks import UnknownCode
from lpse_admin.inventory.half_years import HalfYear, half_years, read_half_year
from models.database import db
from models.inventory.locking import load_inventory_options, lock_half_year, set_inventory_options
from models.inventory.period import SIGNATORY_KEYS, AssetPeriod
from views.app.access import get_current_user
from views.app.clock import now
from views.forms.base import Form, Required
from views.forms.fields import DateField
from views.forms.recovery import recoverable
from views.i18n.language import today, tr
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

#: How many years back a half-year can be chosen.
_YEARS_BACK = 5


def half_year_choices(*, is_over: bool) -> list[SelectChoice]:
    """Return the half-years to choose from, the newest first; only those that are over where one is to be locked."""
    day = today()
    result = half_years(dt.date(day.year - _YEARS_BACK, 1, 1), day)
    return [SelectChoice(one.key, tr(one.title)) for one in result if not is_over or one.last_day < day]


class HalfYearForm(Form):
    """Which half-year is meant."""

    half_year = SelectField(_("Half-year"), [Required()])
    signed_on = DateField(_("Date of the sheets"), [InputRequired()], default=today)

    @override
    def set_up(self, record: object) -> None:
        """Offer the half-years that are over."""
        self.half_year.choices = half_year_choices(is_over=True)

    @override
    def arguments(self) -> dict[str, Any]:
        """Return the half-year as such."""
        values = super().arguments()
        return {**values, "half_year": read_half_year(values["half_year"] or "")}


class SignatoriesForm(Form):
    """Who signs the printed cards, and what happens to unknown codes."""

    place = StringField(_("Place of signing"))
    location_code = StringField(_("Location code"))
    keeper_name = StringField(_("Keeper of the goods"))
    keeper_title = StringField(_("Title of the keeper"))
    keeper_nip = StringField(_("NIP of the keeper"))
    head_name = StringField(_("Head"))
    head_title = StringField(_("Title of the head"))
    head_nip = StringField(_("NIP of the head"))


class InventoryOptionsForm(SignatoriesForm):
    """What an office sets about its inventory."""

    unknown_code = SelectField(_("An item code that is not on the imported list"))

    @override
    def set_up(self, record: object) -> None:
        """Offer what can happen to an unknown code."""
        self.unknown_code.choices = [SelectChoice(one.value, tr(one.title)) for one in UnknownCode]


class LockForm(HalfYearForm, SignatoriesForm):
    """A half-year that was reported: which one it is, then who signs its sheets."""

    remarks = TextAreaField(_("Remarks"), render_kw={"rows": 3})


class AssetPeriodView(RecordView):
    """The half-years that the reader's office has locked."""

    resource = Resource.ASSET_PERIOD
    model = AssetPeriod
    title = _("Half-years of the asset list")
    list_template = "inventory/period_list.html"
    create_label = _("Lock a half-year")
    create_submit = _("Lock")
    create_success = _("Locked: %(name)s. What is booked until its last day stays as it was reported.")
    empty_message = _("No half-year is locked yet.")
    column_list = ("year", "half", "agency", "ends_on", "signed_on", "locked_at", "locked_by")
    column_labels: ClassVar = {
        "year": _("Year"), "half": _("Half"), "ends_on": _("Last day"), "signed_on": _("Date of the sheets"),
        "locked_at": _("Locked"), "locked_by": _("Locked by"), "remarks": _("Remarks"),
        "keeper_name": _("Keeper of the goods"), "head_name": _("Head"),
    }  # fmt: skip
    column_details_list = (*column_list, "keeper_name", "head_name", "remarks")
    column_sortable_list = ("ends_on",)
    column_default_sort = ("ends_on", True)

    form = LockForm
    create = lock_half_year

    @override
    def record_name(self, record: AssetPeriod) -> str:
        """Return what people call the half-year."""
        return tr(HalfYear(record.year, record.half).title)

    @override
    def create_defaults(self) -> dict[str, Any]:
        """Begin with whom the office has set to sign."""
        return _signatories_set()

    @expose("/signatories/", methods=("GET", "POST"))
    @recoverable
    def signatories(self) -> ResponseReturnValue:
        """Set who signs, and what happens to unknown codes."""
        self.require_permission(Verb.EDIT)
        form = InventoryOptionsForm(data=_signatories_set())
        form.set_up(None)
        index = self.get_url(".index_view")
        return self.submit_form(
            form,
            lambda: set_inventory_options(db.session(), by=get_current_user(), now=now(), **form.arguments()),
            lambda _options: self.redirect_with_message(Message("Saved."), index),
            location=lambda _options: index,
            heading=_("Signatories and codes"),
            submit=_("Save"),
            back=index,
        )


def _signatories_set() -> dict[str, Any]:
    agency_id = get_current_user().agency_id
    options = load_inventory_options(db.session(), agency_id) if agency_id else None
    return {} if options is None else {key: getattr(options, key) for key in (*SIGNATORY_KEYS, "unknown_code")}
