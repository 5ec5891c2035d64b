"""The screen of SOPs that are being edited: begun, edited part by part, checked beside it, saved as a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import abort, flash, redirect, request
from flask_admin import expose
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.sop import InvalidSopError, dead_ends
from lpse_admin.sop.editor.document import move_entry
from lpse_admin.sop.editor.kinds import outcome_title, target_title
from models.database import db
from models.sops.editing import EditedSop, EditState
from views.app.access import can, get_current_user
from views.app.clock import now
from views.forms.once import keep_submission
from views.forms.recovery import recoverable, require_resubmit
from views.i18n.language import tr
from views.listing.record_view import RecordView
from views.sops.editor.comparing import comparison_of_edited
from views.sops.editor.forms import actors_form, head_form, read_actors, read_head, read_settings, settings_form
from views.sops.editor.panel import panel_context
from views.sops.editor.parts import Part, edit_part
from views.sops.editor.row_forms import (
    add_row,
    field_form,
    new_row_form,
    read_field,
    read_row,
    row_form,
)
from views.sops.editor.starting import StartForm, start_from
from views.sops.files import send_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response as WerkzeugResponse

    from lpse_admin.i18n import Message
    from lpse_admin.sop.editor.document import Row, SopDocument
    from models.sops.sop import SopRevision


class EditedSopView(RecordView):
    """The SOPs that are edited in the reader's agency."""

    resource = Resource.EDITED_SOP
    model = EditedSop
    title = _("Editor of SOPs")
    create_label = _("Edit an SOP")
    create_submit = _("Begin")
    create_success = _("Nothing is in force yet: fill in the SOP, then save it as a revision.")
    empty_message = _("No SOP is being edited.")
    details_template = "sops/editor/document.html"
    column_list = ("title", "agency", "state", "saved_at", "saved_by")
    column_labels: ClassVar = {
        "title": _("SOP title"), "state": _("State"), "saved_at": _("Last saved"), "saved_by": _("Saved by"),
        "begun_at": _("Begun"), "begun_by": _("Begun by"),
    }  # fmt: skip
    column_details_list = (*column_list, "begun_at", "begun_by")
    column_filters = ("state",)
    column_searchable_list = ("title",)
    search_hint = _("Title of the SOP.")
    column_sortable_list = ("saved_at",)
    column_default_sort = ("saved_at", True)

    form = StartForm
    create = start_from
    delete = EditedSop.discard

    # -- pages -----------------------------------------------------------------------------------------------

    @override
    def record_name(self, record: EditedSop) -> str:
        """Return the title of the SOP."""
        return record.title or tr(_("SOP without a title"))

    @override
    def record_context(self, record: EditedSop) -> dict[str, Any]:
        """Return the table of activities, and what stands beside it."""
        document = record.document

        def outcome_words(row: Row) -> list[tuple[Message, Message]]:
            outcomes = document.outcomes(row.values).items()
            return [(outcome_title(key), target_title(document, to)) for key, to in outcomes]

        return {"edited": record, "document": document, "outcome_words": outcome_words, **self.panel_of(record)}

    def panel_of(self, record: EditedSop) -> dict[str, Any]:
        """Return what stands beside the forms: the faults, and the SOP as it is printed."""
        return panel_context(self, record)

    @expose("/<record_id>/head", methods=("GET", "POST"))
    @recoverable
    def head(self, record_id: str) -> ResponseReturnValue:
        """Edit the head of the SOP."""
        record = self.open_record(record_id)
        return edit_part(self, record, Part("head", head_form, read_head, self._here(record, "head")))

    @expose("/<record_id>/settings", methods=("GET", "POST"))
    @recoverable
    def settings(self, record_id: str) -> ResponseReturnValue:
        """Edit the switches."""
        record = self.open_record(record_id)
        return edit_part(self, record, Part("settings", settings_form, read_settings, self._here(record, "settings")))

    @expose("/<record_id>/actors", methods=("GET", "POST"))
    @recoverable
    def actors(self, record_id: str) -> ResponseReturnValue:
        """Edit the actors."""
        record = self.open_record(record_id)
        return edit_part(self, record, Part("actors", actors_form, read_actors, self._here(record, "actors")))

    @expose("/<record_id>/row/<int:place>", methods=("GET", "POST"))
    @recoverable
    def row(self, record_id: str, place: int) -> ResponseReturnValue:
        """Edit a row of the table."""
        record = self.open_record(record_id)
        token, find = _finder(record.document, place)
        return edit_part(
            self,
            record,
            Part(
                "row",
                lambda document: row_form(document, find(document)),
                lambda document, form: read_row(document, find(document), form),
                self._here(record, "row", place=place)
                if request.form.get("do") == "more"
                else self._table(record, place),
                {"row": find(record.document), "place": place, "token": token},
            ),
        )

    @expose("/<record_id>/row/new", methods=("GET", "POST"))
    @recoverable
    def new_row(self, record_id: str) -> ResponseReturnValue:
        """Add a row to the table."""
        record = self.open_record(record_id)
        after = request.args.get("after", len(record.document.rows()) - 1, type=int)
        return edit_part(
            self,
            record,
            Part(
                "new_row",
                lambda document: new_row_form(document, after),
                add_row,
                lambda place: self.get_url(".row", record_id=record.id, place=place),
                saves_itself=False,
            ),
        )

    @expose("/<record_id>/row/<int:place>/field/new", methods=("GET", "POST"))
    @recoverable
    def new_field(self, record_id: str, place: int) -> ResponseReturnValue:
        """Add a field that a step asks for."""
        return self._edit_field(record_id, place, None)

    @expose("/<record_id>/row/<int:place>/field/<int:field>", methods=("GET", "POST"))
    @recoverable
    def field(self, record_id: str, place: int, field: int) -> ResponseReturnValue:
        """Edit a field that a step asks for."""
        return self._edit_field(record_id, place, field)

    def _edit_field(self, record_id: str, place: int, field: int | None) -> ResponseReturnValue:
        record = self.open_record(record_id)
        token, find = _finder(record.document, place)
        row = find(record.document)
        if not row.is_step or (field is not None and field >= len(record.document.fields(row.values))):
            abort(404)
        return edit_part(
            self,
            record,
            Part(
                "field",
                lambda document: field_form(document, find(document), field),
                lambda document, form: read_field(document, find(document), field, form),
                self._here(record, "row", place=place, _anchor="fields"),
                {"row": row, "place": place, "token": token, "field_place": field},
                saves_itself=field is not None,
            ),
        )

    def _here(self, record: EditedSop, page: str, **arguments: object) -> Callable[[object], str]:
        url = self.get_url(f".{page}", record_id=record.id, **arguments)
        return lambda _result: url

    def _table(self, record: EditedSop, place: int) -> Callable[[object], str]:
        url = self.get_url(".details_view", id=record.id, _anchor=f"row-{place}")
        return lambda _result: url

    @expose("/<record_id>/compare")
    def compare(self, record_id: str) -> str:
        """Show what differs from a revision, row by row."""
        record = self.get_one(record_id)
        return str(self.render("sops/editor/compare.html", view=self, **comparison_of_edited(record)))

    # -- buttons ---------------------------------------------------------------------------------------------

    @expose("/<record_id>/change", methods=("POST",))
    def change(self, record_id: str) -> WerkzeugResponse:
        """Move or remove a row, an actor or a field: what ``do`` says."""
        record = self.open_record(record_id)
        document = record.document
        anchor = _change(document, request.form.get("do", ""), _numbers("place"), _numbers("field"))
        return self._save(record, document, self.get_url(f".{anchor[0]}", **{**anchor[1], **_ids(record, anchor[0])}))

    @expose("/<record_id>/remedy", methods=("POST",))
    def remedy(self, record_id: str) -> WerkzeugResponse:
        """Put a fault right as its button says."""
        record = self.open_record(record_id)
        record.require_version(_version())
        document = record.document
        context = self.panel_of(record)
        fault, remedy = _numbers("fault"), _numbers("remedy")
        try:
            context["faults"][fault].remedies[remedy].apply(document)
        except IndexError:
            abort(404)
        return self._save(record, document, self.row_url(record.id))

    @expose("/<record_id>/load", methods=("POST",))
    def load(self, record_id: str) -> ResponseReturnValue:
        """Load it as a revision, by the same way as a file."""
        record = self.open_record(record_id)
        require_resubmit()
        try:
            revision = record.load(by=get_current_user(), now=now(), version=_version())
        except (InvalidSopError, ValidationFailed):
            db.session.rollback()
            flash(tr(_("This SOP cannot be saved as a revision yet: see what is to be put right.")), "danger")
            return redirect(f"{self.row_url(record.id)}#faults", 303)
        return self._loaded(revision)

    def _loaded(self, revision: SopRevision) -> WerkzeugResponse:
        url = self.get_url("sop.details_view", id=revision.id)
        keep_submission(url)
        db.session.commit()
        for remark in dead_ends(revision.sop, revision.source):
            flash(tr(remark.message), "warning")
        return self.redirect_with_message(_("Saved as a revision. The head can enact it."), url)

    @expose("/<record_id>/download")
    def download(self, record_id: str) -> Response:
        """Send it as a file."""
        record = self.get_one(record_id)
        return send_file(record.content, "application/toml", f"{record.key}.toml")

    # -- helpers ---------------------------------------------------------------------------------------------

    def open_record(self, record_id: str) -> EditedSop:
        """Return a record that the current user may edit."""
        self.require_permission(Verb.EDIT)
        record: EditedSop = self.get_one(record_id)
        return record

    def may_edit(self, record: EditedSop) -> bool:
        """Whether the current user may edit it now."""
        return record.state is EditState.OPEN and can(Verb.EDIT, self.resource)

    def _save(self, record: EditedSop, document: SopDocument, url: str) -> WerkzeugResponse:
        require_resubmit()
        record.save(document, by=get_current_user(), now=now(), version=_version())
        keep_submission(url)
        db.session.commit()
        return redirect(url, 303)


def _finder(document: SopDocument, place: int) -> tuple[str, Callable[[SopDocument], Row]]:
    """Return what tells the row that a page is about from others, and how it is found in a document."""
    token = request.form.get("token") or _row_at(document, place).token

    def find(of: SopDocument) -> Row:
        found = of.find_row(place, token)
        return of.rows()[found] if found is not None else abort(404)

    return token, find


def _row_at(document: SopDocument, place: int) -> Row:
    rows = document.rows()
    return rows[place] if place < len(rows) else abort(404)


def _numbers(name: str) -> int:
    return request.form.get(name, 0, type=int)


def _version() -> int:
    return _numbers("version")


def _ids(record: EditedSop, page: str) -> dict[str, int]:
    return {"id" if page == "details_view" else "record_id": record.id}


def _change(document: SopDocument, what: str, place: int, field: int) -> tuple[str, dict[str, Any]]:
    """Do ``what`` and return the page, with its arguments, that shows the result."""
    subject, _hyphen, action = what.partition("-")
    by = {"up": -1, "down": 1}.get(action, 0)
    if subject == "row" and place < len(document.rows()):
        return "details_view", {"_anchor": f"row-{_change_row(document, place, by)}"}
    entries = document.actors if subject == "actor" else document.fields(_row_at(document, place).values)
    index = place if subject == "actor" else field
    if subject not in ("actor", "field") or not 0 <= index < len(entries):
        abort(404)
    if by:
        move_entry(entries, index, by)
    elif subject == "actor":
        document.remove_actor(index)
    else:
        del entries[index]
    return ("actors", {}) if subject == "actor" else ("row", {"place": place, "_anchor": "fields"})


def _change_row(document: SopDocument, place: int, by: int) -> int:
    if by:
        return document.move_row(place, by)
    document.remove_row(place)
    return max(place - 1, 0)
