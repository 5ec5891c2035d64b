"""The forms of an office's days, hours and other settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import request
from typing_extensions import override
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from lpse_admin.accounts.permissions import Verb
from lpse_admin.documents.file_types import FileType
from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, national_holidays
from lpse_admin.worktime.office_hours import WEEKDAYS
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.database import db
from models.office.options import load_accepted_types, load_digest_time, load_options
from models.office.setting import DEFAULT_WARNING_SHARE, load_threshold
from models.office.working_hours import RAMADAN_WEEK, WEEK
from views.forms.base import CheckboxListField, Form, Required
from views.forms.fields import DateField, IntegerField
from views.i18n.language import tr
from views.listing.actions import Action
from views.office.agencies import chosen_agency, selectable_agencies, set_agency_choices

if TYPE_CHECKING:
    from wtforms import Field


#: The label of each day's hours.
DAY_LABELS: dict[str, Message] = {
    **dict(zip(WEEK, WEEKDAYS, strict=True)),
    **{key: _("%(day)s in Ramadan", day=day) for key, day in zip(RAMADAN_WEEK, WEEKDAYS, strict=True)},
}


#: What each kind of files is called where one chooses it.
FILE_TYPE_LABELS: dict[FileType, Message] = {
    FileType.PDF: _("PDF document"),
    FileType.PNG: _("PNG image (screenshot)"),
    FileType.JPEG: _("JPEG image (photograph)"),
    FileType.DOCX: _("Word document (DOCX)"),
    FileType.XLSX: _("Excel workbook (XLSX)"),
    FileType.ODT: _("OpenDocument text (ODT)"),
    FileType.ODS: _("OpenDocument spreadsheet (ODS)"),
    FileType.TXT: _("Plain text (TXT, LOG, CSV, EML)"),
}


def _reason_field() -> Field:
    """Return the last field of every setting: why it is set."""
    description = _("For example the decree. It is recorded in the audit trail.")
    return TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3}, description=description)


class SettingForm(Form):
    """What every setting asks for first: the office. A field ``reason`` is the last."""

    agency = SelectField(_("Agency"), [Required()])
    is_new = True

    def set_up(self, record: object) -> None:
        """Ask for the office of something new, where there is a choice."""
        self.agencies = selectable_agencies()
        self.is_new = record is None
        if self.is_new:
            set_agency_choices(self, self.agency, self.agencies)
        else:
            del self.agency

    def arguments(self) -> dict[str, Any]:
        """Return what was typed, with the office of something new."""
        values = super().arguments()
        return values | {"agency": chosen_agency(self, self.agencies)} if self.is_new else values


class RemovalForm(Form):
    """Why something that was set is removed."""

    id = HiddenField()
    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 3})

    @override
    def set_up(self, record: Any) -> None:
        """Name the row."""
        self.id.data = record.id


def _removal(summary: Message, explanation: Message, success: Message) -> Action:
    """Return the removal of a setting, as its details page offers it."""
    return Action(
        "delete",
        _("Remove"),
        form=RemovalForm,
        verb=Verb.DELETE,
        summary=summary,
        explanation=explanation,
        heading=summary,
        success=success,
        is_dangerous=True,
    )


DAY_REMOVAL = _removal(
    _("Remove the setting for this day"),
    _(
        "The national list applies to this day again. Working time that was measured with this setting is measured"
        " again."
    ),
    _("Removed: %(name)s. The national list applies to this day again."),
)
HOURS_REMOVAL = _removal(
    _("Remove these hours"),
    _("The previous working hours apply again. Working time that was measured with these hours is measured again."),
    _("Removed."),
)


class OfficeDayForm(SettingForm):
    """A day as the office sets it."""

    date = DateField(_("Date"), [InputRequired()])
    kind = SelectField(_("Kind of day"), [Required()], coerce=DayOverrideKind)
    name = StringField(_("Name of the day"), [Required()])
    hours = StringField(
        _("Special hours"),
        description=_("Only for a half day: 07.30–11.30. If empty, a working day has the hours of its weekday."),
    )
    reason = _reason_field()

    def set_up(self, record: object) -> None:
        """Offer the kinds of days; the date of a day that is set stays."""
        super().set_up(record)
        self.kind.choices = [SelectChoice(kind.value, tr(kind.title)) for kind in DayOverrideKind]
        if not self.is_new:
            del self.date


def defaults_for_day(text: str) -> dict[str, Any]:
    """Return what the form begins with for a date in the address: the opposite of what the national list says."""
    try:
        date = read_date(text)
    except UnreadableError:
        return {}
    if date is None:
        return {}
    national = national_holidays(date.year).get(date) if FIRST_YEAR <= date.year <= LAST_YEAR else None
    kind = DayOverrideKind.HOLIDAY if national is None else DayOverrideKind.WORKDAY
    return {"date": date, "kind": kind, "name": "" if national is None else national.name}


class WorkingHoursForm(SettingForm):
    """The hours of both weeks, from a day on."""

    template = "office/setting_hours.html"
    #: The headings of the two weeks, and their fields.
    weeks: ClassVar = ((_("Office hours"), WEEK), (_("In Ramadan"), RAMADAN_WEEK))

    since = DateField(_("Effective from"), [InputRequired()])
    monday = StringField(_("Monday"))
    tuesday = StringField(_("Tuesday"))
    wednesday = StringField(_("Wednesday"))
    thursday = StringField(_("Thursday"))
    friday = StringField(_("Friday"))
    saturday = StringField(_("Saturday"))
    sunday = StringField(_("Sunday"))
    ramadan_monday = StringField(DAY_LABELS["ramadan_monday"])
    ramadan_tuesday = StringField(DAY_LABELS["ramadan_tuesday"])
    ramadan_wednesday = StringField(DAY_LABELS["ramadan_wednesday"])
    ramadan_thursday = StringField(DAY_LABELS["ramadan_thursday"])
    ramadan_friday = StringField(DAY_LABELS["ramadan_friday"])
    ramadan_saturday = StringField(DAY_LABELS["ramadan_saturday"])
    ramadan_sunday = StringField(DAY_LABELS["ramadan_sunday"])

    reason = _reason_field()

    def set_up(self, record: object) -> None:
        """Hours that are set keep their first day."""
        super().set_up(record)
        if not self.is_new:
            del self.since

    def arguments(self) -> dict[str, Any]:
        """Return the hours of both weeks as ``texts``, and the rest."""
        values = super().arguments()
        return {"texts": {day: values.pop(day) for day in (*WEEK, *RAMADAN_WEEK)}, **values}


class RamadanForm(SettingForm):
    """A month of Ramadan as it was decreed."""

    first_day = DateField(_("First day"), [InputRequired()])
    last_day = DateField(_("Last day"), [InputRequired()])
    reason = _reason_field()


class FileTypesForm(SettingForm):
    """Which kinds of files are accepted."""

    file_types = CheckboxListField(
        _("Accepted kinds"),
        [Required()],
        choices=[SelectChoice(kind.value, FILE_TYPE_LABELS[kind]) for kind in FileType],
        description=_("Files that are attached already stay as they are."),
    )
    reason = _reason_field()

    def set_up(self, record: object) -> None:
        """Begin with the kinds that are accepted now."""
        super().set_up(record)
        if request.method == "GET":
            accepted = load_accepted_types(db.session(), chosen_agency(self, self.agencies).id)
            self.file_types.data = [kind.value for kind in FileType if kind in accepted]

    def arguments(self) -> dict[str, Any]:
        """Return the kinds as they are known to the rules."""
        return {**super().arguments(), "file_types": list(map(FileType, self.file_types.data or ()))}


class DigestForm(SettingForm):
    """When the daily digest of mail goes out."""

    digest_time = StringField(
        _("Time of the daily digest"),
        [Required()],
        render_kw={"inputmode": "numeric", "size": 6},
        description=_("In the time zone of the office, on working days, such as 07.30."),
    )
    reason = _reason_field()

    def set_up(self, record: object) -> None:
        """Begin with the time that counts now."""
        super().set_up(record)
        if request.method == "GET":
            time = load_digest_time(db.session(), chosen_agency(self, self.agencies).id)
            self.digest_time.data = f"{time:%H.%M}"


class AnchorAddressesForm(SettingForm):
    """To whom the anchors of the audit trail are sent each day."""

    anchor_addresses = TextAreaField(
        _("E-mail addresses"),
        render_kw={"rows": 4, "autocapitalize": "none", "spellcheck": "false"},
        description=_(
            "One to a line. Choose people outside the office who keep each mail, such as the inspectorate: nobody of"
            " this installation should be able to change or remove what they keep. Empty for nobody."
        ),
    )
    reason = _reason_field()

    def set_up(self, record: object) -> None:
        """Begin with the addresses that count now."""
        super().set_up(record)
        if request.method == "GET":
            options = load_options(db.session(), chosen_agency(self, self.agencies).id)
            self.anchor_addresses.data = ((options and options.anchor_addresses) or "").replace(" ", "\n")


class ThresholdForm(SettingForm):
    """At what share of a standard time somebody is warned."""

    warning_share = IntegerField(
        _("Warn at (percent of the standard time)"),
        [Required()],
        description=_("1 to 100. The assignee of a step is warned when this share of its standard time is used."),
    )

    reason = _reason_field()

    def set_up(self, record: object) -> None:
        """Begin with the share that counts now."""
        super().set_up(record)
        if request.method == "GET":
            threshold = load_threshold(db.session(), chosen_agency(self, self.agencies).id)
            self.warning_share.data = threshold.warning_share if threshold else DEFAULT_WARNING_SHARE
