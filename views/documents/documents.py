"""The screen of attached files, and their download, preview and removal."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from wtforms import TextAreaField

from lpse_admin.accounts.permissions import Resource
from lpse_admin.documents.file_types import VIEWABLE_TYPES, FileType
from lpse_admin.documents.inspection import viewable_type
from lpse_admin.errors import FileTooLarge, Malformed, NotFound, ValidationFailed
from lpse_admin.i18n import _
from models.audit import trail
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.database import db
from models.documents.document import Document, detach, require_detachable
from models.office.agency import Agency
from models.retention.erase import erase_file
from models.scope import visible
from models.search.index import SearchKind
from views.app.access import get_current_user, is_acting_head
from views.app.clock import now
from views.audit.altered_files import content_to_send
from views.changes.moves.submission import save_step_input, version_from_request
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.once import keep_submission
from views.listing.actions import action
from views.listing.filters.kinds import DateRangeFilter, TextFilter
from views.listing.filters.search import SearchedKind, search_index
from views.listing.lists import Column
from views.listing.record_view import RecordView
from views.sops.named_steps import SOP_STEPS, NamedChoiceFilter

if TYPE_CHECKING:
    from typing import Any

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

_activity: Any = Activity.__table__.alias("attached_in")


class EraseForm(Form):
    """Why the content of a file is erased."""

    reason = TextAreaField(_("Reason"), [Required()], render_kw={"rows": 2})


class DocumentView(RecordView):
    """The files that the user may see, with the hashes of their contents."""

    resource = Resource.DOCUMENT
    title = _("Files")
    empty_message = _("No file yet. Files are attached to the steps of a request.")
    details_template = "documents/details.html"
    model = Document
    column_joins = (
        (ChangeRequest, ChangeRequest.id == Document.change_id),
        (_activity, _activity.c.id == Document.activity_id),
        (Agency, Agency.id == Document.agency_id),
    )
    column_list = (
        Column("name", _("File name"), Document.name, is_link=True),
        Column("number", _("Request"), ChangeRequest.number),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("step", _("Step"), _activity.c.step, CellKind.CHOICE, SOP_STEPS),
        Column("type", _("Type"), Document.media_type, in_list=False),
        Column("size", _("Size"), Document.size, CellKind.BYTES),
        Column("uploaded", _("Uploaded"), Document.uploaded_at, CellKind.DATETIME, sortable=True),
        Column("uploader", _("By"), Document.uploaded_by_name),
        Column("sha256", _("SHA-256"), Document.sha256, in_list=False),
    )
    column_filters = (
        NamedChoiceFilter("step", _("Step"), column=_activity.c.step, choices=SOP_STEPS),
        TextFilter("sha256", _("SHA-256"), column=Document.sha256),
        DateRangeFilter("uploaded", _("Uploaded"), column=Document.uploaded_at),
    )
    column_searchable_list = (Document.name, ChangeRequest.number)
    search_hint = _("File name; number, title and requester of its request.")
    list_index = search_index(
        SearchedKind(SearchKind.DOCUMENT, Document.id), SearchedKind(SearchKind.CHANGE, Document.change_id)
    )
    column_default_sort = "-uploaded"

    @expose("/<document_id>/remove", methods=("POST",))
    def remove(self, document_id: str) -> ResponseReturnValue:
        """Remove a file from its open step; the input of the step's form is saved."""
        document = self.get_one(document_id)
        if request.form.get("confirm") != "yes":
            raise Malformed(_("Confirm that the file should be removed."))
        session, change_id = db.session(), document.change_id
        require_detachable(session, document, get_current_user(), now())
        if version_from_request() is not None:
            with suppress(ValidationFailed, FileTooLarge):  # the valid part is saved all the same
                save_step_input(change_id, self._requests())
        document = self.get_one(document_id)
        name = document.name
        detach(session, document, get_current_user(), now())
        trail.update_audit_context(session, action="document.remove")
        location = url_for("change.details_view", id=change_id) + "#step"
        keep_submission(location)
        session.commit()
        flash(gettext("Removed: %(name)s.", name=name), "success")
        return redirect(location, 303)

    @action(
        "erase",
        _("Erase the content"),
        form=EraseForm,
        explanation=_("For a file that should not have been attached, such as a card of identity. Its content is erased"
                      " for good; name, hash, and who erased it when and why stay."),
        success=_("The content is erased; its hash is kept."),
    )  # fmt: skip
    def erase(self, document: Document, form: EraseForm) -> None:
        """Erase the content of a file, on record."""
        erase_file(document, by=get_current_user(), now=now(), reason=form.reason.data or "")

    @staticmethod
    def _requests() -> ColumnElement[bool]:
        """Return the criterion for the requests that the one who asks may see."""
        return visible(ChangeRequest, get_current_user(), is_acting_head=is_acting_head())

    @expose("/<document_id>/file")
    def file(self, document_id: str) -> Response:
        """Send a file as a download."""
        document = self.get_one(document_id)
        return _file_response(document, document.media_type, "attachment", "sandbox; default-src 'none'")

    @expose("/<document_id>/preview")
    def preview(self, document_id: str) -> Response:
        """Send a PDF or an image to be shown within a page of this program.

        Its type is detected from the content again, so that nothing else is ever shown.
        """
        document = self.get_one(document_id)
        file_type = viewable_type(_content(document)) if document.media_type in VIEWABLE_TYPES else None
        if file_type is None:
            raise NotFound(_("Only a PDF or an image can be previewed; download the file instead."))
        policy = _PREVIEW_POLICIES[file_type is FileType.PDF]
        response = _file_response(document, file_type.media_type, "inline", policy)
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response


#: The policies of the preview of an image and of a PDF (docs/decisions/2026-11-21-previews.md): no scripts, and frames
#: only in this program's own pages. Some browsers do not show a PDF in a sandbox.
_PREVIEW_POLICIES = (
    "sandbox; default-src 'none'; frame-ancestors 'self'",
    "default-src 'none'; frame-ancestors 'self'",
)


def _content(document: Document) -> bytes:
    return content_to_send(document.file_content, document.name, document.agency_id)


def _file_response(document: Document, media_type: str, disposition: str, policy: str) -> Response:
    response = Response(_content(document), mimetype=media_type)
    response.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{quote(document.name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "private, no-store"
    response.set_etag(document.sha256)
    return response
