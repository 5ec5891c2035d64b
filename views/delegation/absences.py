"""Absences of the head: recorded and ended by the head, or by somebody of the office who gives a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from models.delegation.absence import Absence, record_absence
from views.app.access import get_current_user
from views.app.clock import now
from views.delegation.forms import AbsenceForm, EndAbsenceForm
from views.i18n.language import tr
from views.listing.actions import action
from views.listing.lists import Column
from views.listing.parameters import TODAY
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from views.forms.base import Form


class AbsenceView(RecordView):
    """The absences of the heads of the reader's agency."""

    resource = Resource.ABSENCE
    model = Absence
    title = _("Absences of the head")
    empty_message = _("No absence of the head is recorded. Anybody who works with the head can record one here.")

    column_list = (
        "head",
        "agency",
        Column("from", _("First day"), Absence.from_date),
        Column("until", _("Last day"), Absence.until_date),
        Column("state", _("State"), Absence.state(TODAY)),
        "reason",
        Column("recorder", _("Recorded by"), "recorded_by"),
        Column("ended", _("Ended"), Absence.ended_at),
    )
    column_labels: ClassVar = {"head": _("Head of LPSE"), "reason": _("Reason for the absence")}
    column_details_list = (
        *column_list[:-1],
        Column("recorded", _("Recorded"), Absence.recorded_at),
        Column("because", _("Reason for recording it in the head's place"), Absence.recorded_because),
        column_list[-1],
        Column("ender", _("Ended by"), "ended_by"),
        Column("ended_because", _("Reason for ending it in the head's place"), Absence.ended_because),
    )
    column_filters = ("state", "from")
    column_searchable_list = ("head", "reason")
    search_hint = _("Name of the absent, and reason.")
    column_sortable_list = ("from",)
    column_default_sort = ("from", True)

    form = AbsenceForm
    create = record_absence
    create_label = _("Record an absence")
    create_submit = _("Record the absence")
    create_success = _("The absence is recorded.")

    def details_heading(self, record: Absence) -> str:
        """Name the head."""
        return tr(_("Absence of the head: %(name)s", name=record.head.full_name))

    def record_name(self, record: Absence) -> str:
        """Return the name of the head."""
        return record.head.full_name

    @action(
        "end",
        _("End the absence"),
        form=EndAbsenceForm,
        when=Absence.can_be_ended_by,
        summary=_("End this absence"),
        explanation=_("The head is present from this moment. A delegation is not revoked by it."),
        heading=_("End the absence of %(name)s"),
        success=_("The absence has ended."),
        is_dangerous=True,
    )
    def end(self, absence: Absence, form: Form) -> None:
        """End an absence now, or cancel one that has not begun."""
        absence.end(by=get_current_user(), now=now(), **form.arguments())
