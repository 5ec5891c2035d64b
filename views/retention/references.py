"""Numbers and classification codes of the archive application."""

from __future__ import annotations

from typing import Any

from flask import request
from typing_extensions import override
from wtforms import StringField

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from models.changes.change import ChangeRequest
from models.retention.archive_reference import ArchiveReference, enter_reference
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.listing.filters.kinds import DateRangeFilter, TextFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView


class _RequestForm(Form):
    """Which request it is: the first field of a new entry."""

    number = StringField(_("Number of the request"), [Required()])


class ReferenceCorrectionForm(Form):
    """Where a request is filed."""

    reference_number = StringField(_("Number in the archive application"))
    classification_code = StringField(
        _("Classification code"), description=_("As in the archive application of the region, such as 000.9.3.")
    )


class ReferenceForm(_RequestForm, ReferenceCorrectionForm):
    """Which request is filed where."""


class ArchiveReferenceView(RecordView):
    """Where the requests of the reader's office are filed, with their papers."""

    resource = Resource.ARCHIVE_REFERENCE
    model = ArchiveReference
    title = _("Archive numbers")
    create_label = _("New archive number")
    empty_message = _("Nothing was noted yet. It helps to find a request with its papers in the archive application.")
    column_joins = ((ChangeRequest, ChangeRequest.id == ArchiveReference.change_id),)
    column_list = (
        Column("number", _("Request"), ChangeRequest.number, is_link=True),
        Column("reference", _("Number in the archive application"), ArchiveReference.reference_number),
        Column("code", _("Classification code"), ArchiveReference.classification_code),
        Column("set_by", _("By"), ArchiveReference.set_by_name),
        Column("set", _("Noted"), ArchiveReference.set_at, CellKind.DATETIME),
    )
    column_filters = (
        TextFilter("code", _("Classification code"), column=ArchiveReference.classification_code),
        TextFilter("reference", _("Number in the archive application"), column=ArchiveReference.reference_number),
        DateRangeFilter("set", _("Noted"), column=ArchiveReference.set_at),
    )
    column_searchable_list = (
        ChangeRequest.number,
        ArchiveReference.reference_number,
        ArchiveReference.classification_code,
    )
    search_hint = _("Number of the request, number in the archive application, and classification code.")

    @override
    def create_defaults(self) -> dict[str, Any]:
        """Return the number of the request from whose page the form was opened."""
        return {"number": request.args.get("number", "")}

    form, edit_form_class = ReferenceForm, ReferenceCorrectionForm
    create, edit = enter_reference, ArchiveReference.correct
