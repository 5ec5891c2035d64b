"""The rules of retention, and what has come due by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from lpse_admin.retention.rules import EVENTS, Disposition, RecordClass
from models.database import db
from models.retention.due import due_records
from models.retention.hold import holds_in_force
from models.retention.rule import RetentionRule, set_rule
from views.app.clock import now
from views.forms.base import Form, Required
from views.forms.fields import IntegerField
from views.i18n.language import tr
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from lpse_admin.i18n import LabelledEnum


def _choices(enum: type[LabelledEnum]) -> list[SelectChoice]:
    return [SelectChoice(one.value, tr(one.title)) for one in enum]


class _ClassForm(Form):
    """What a rule is about: the first field of a new one."""

    record_class = SelectField(_("Class of records"), [Required()], coerce=RecordClass)


class RuleCorrectionForm(Form):
    """How long, and what then."""

    active_years = IntegerField(_("Years active"), [Required()], description=_("Kept at hand, from the event on."))
    inactive_years = IntegerField(_("Years inactive"), [Required()], description=_("Kept in the archive after that."))
    disposition = SelectField(_("And then"), [Required()], coerce=Disposition)
    basis = StringField(
        _("Basis"),
        [Required()],
        description=_("Number and date of the retention schedule of the region; the program has no rule of its own."),
    )

    @override
    def set_up(self, record: object) -> None:
        """Offer what can become of the records."""
        self.disposition.choices = _choices(Disposition)


class RuleForm(_ClassForm, RuleCorrectionForm):
    """The rule of a class of records."""

    @override
    def set_up(self, record: object) -> None:
        """Offer the classes, and say for each which event starts its retention."""
        super().set_up(record)
        self.record_class.choices = _choices(RecordClass)
        events = "; ".join(f"{tr(one.title)}: {tr(event.title)}" for one, event in EVENTS.items())
        self.record_class.description = events


class RetentionView(RecordView):
    """The rules of the reader's office."""

    resource = Resource.RETENTION
    model = RetentionRule
    title = _("Retention of records")
    create_label = _("New rule")
    empty_message = _("No rule yet: everything is kept. The office sets how long each class of records is kept.")
    details_template = "retention/rule.html"
    column_list = ("record_class", "agency", "event", "active_years", "inactive_years", "disposition", "basis")
    column_details_list = (*column_list, "set_by_name", "set_at")
    column_labels: ClassVar = {
        "record_class": _("Class of records"),
        "event": _("From when"),
        "active_years": _("Years active"),
        "inactive_years": _("Years inactive"),
        "disposition": _("And then"),
        "basis": _("Basis"),
        "set_by_name": _("Set by"),
        "set_at": _("Set"),
    }
    column_filters = ("disposition",)

    form, edit_form_class = RuleForm, RuleCorrectionForm
    create, edit = set_rule, RetentionRule.alter

    @override
    def record_name(self, record: RetentionRule) -> str:
        """Return the class."""
        return tr(record.record_class.title)

    @override
    def record_context(self, record: RetentionRule) -> dict[str, Any]:
        """Return what has come due, and what of it is under a hold."""
        result = due_records(db.session(), record.agency, record, now())
        is_of_requests = record.record_class is RecordClass.REQUEST
        held = holds_in_force(db.session(), [one.record_id for one in result]) if is_of_requests else {}
        return {"due": result, "held": held}
