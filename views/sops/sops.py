"""The screen of SOPs: load a file as a draft, show, enact and download."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import FileTooLarge, NotAllowed, ValidationFailed
from lpse_admin.flowchart.bpmn import to_bpmn
from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import _
from lpse_admin.sop import (
    InvalidSopError,
    LineError,
    Sop,
    bundled_sops,
    check,
    dead_ends,
    key_error,
    key_of_file,
    time_readings,
    to_toml,
)
from lpse_admin.sop.editor.document import SopDocument
from models.audit import trail
from models.database import db
from models.office.agency import Agency
from models.sops.sop import SopRevision, SopState, load_revision, parse_and_check, sop_in_force
from views.app.access import can, get_current_user
from views.app.clock import now
from views.app.errors import wants_json
from views.exports.columns import CellKind
from views.forms.base import Form
from views.forms.once import keep_submission
from views.forms.recovery import recoverable, require_resubmit
from views.i18n.language import tr
from views.listing.filters.kinds import ChoiceFilter, DateRangeFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView, parse_id
from views.sops.editor.comparing import comparison_of_revisions
from views.sops.editor.starting import begin_typed
from views.sops.files import send_file
from views.sops.trial import trial_file, trial_page

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue


_MAX_BYTES = 1024 * 1024


class SopForm(Form):
    """An SOP's file, or its text."""

    file = FileField(_("The SOP's file (TOML)"), description=_("At most 1 MiB, in UTF-8."))
    text = TextAreaField(
        _("or paste its text"), render_kw={"rows": 18, "spellcheck": "false", "autocapitalize": "none"}
    )
    key = StringField(
        _("Key"),
        description=_("Identifies the SOP: letters, digits, hyphens. If empty, the file name is used."),
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )
    #: The errors in the file.
    sop_errors: tuple[LineError, ...] = ()

    def read_file(self) -> None:
        """Copy the file's content and name to the other fields, since a file field cannot be refilled."""
        upload = self.file.data
        if upload:
            content = upload.read(_MAX_BYTES + 1)
            upload.close()
            if len(content) > _MAX_BYTES:
                raise FileTooLarge(_FILE_TOO_LARGE, field_errors={"file": _FILE_TOO_LARGE})
            self.key.data = self.key.data or key_of_file(PurePath((upload.filename or "").replace("\\", "/")).stem)
            try:
                self.text.data = content.decode()
            except UnicodeDecodeError:
                raise InvalidSopError(tuple(check(content, self.key.data))) from None
        self.text.data = (self.text.data or "").replace("\r\n", "\n")
        self.key.data = (self.key.data or "").strip()

    def validate_key(self, field: StringField) -> None:
        """Require a valid key."""
        if error := key_error(field.data or ""):
            raise ValidationError(error)

    def validate_text(self, field: TextAreaField) -> None:
        """Require a file or a text."""
        if not (field.data or "").strip():
            raise ValidationError(_("Choose the SOP's file, or paste its text."))


_NO_OFFICE = _("An account of the installation begins on the screen of the editor, where it chooses the agency.")
_FILE_TOO_LARGE = _("The file is larger than 1 MiB.")


class SopView(RecordView):
    """All SOP revisions of the user's agency."""

    resource = Resource.SOP
    password_views = frozenset({"enact"})
    title = _("SOPs")
    empty_message = _("No SOP yet. One is loaded from its file.")
    details_template = "sops/details.html"
    create_label = _("Load an SOP")
    can_create = True

    model = SopRevision
    column_joins = ((Agency, Agency.id == SopRevision.agency_id),)
    column_list = (
        Column("key", _("Key"), SopRevision.key, is_link=True),
        Column("number", _("Number"), SopRevision.number),
        Column("revision", _("Revision"), SopRevision.revision, CellKind.NUMBER),
        Column("title", _("Title"), SopRevision.title),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("state", _("State"), SopRevision.state, CellKind.CHOICE, SopState),
        Column("enacted", _("Enacted"), SopRevision.enacted_at, CellKind.DATETIME, sortable=True),
        Column("enacted_by", _("Enacted by"), SopRevision.enacted_by_name),
        Column("enacted_by_title", _("Title of who enacted it"), SopRevision.enacted_by_title, in_list=False),
        Column("superseded", _("Superseded"), SopRevision.superseded_at, CellKind.DATETIME, in_list=False),
        Column("loaded", _("Loaded"), SopRevision.loaded_at, CellKind.DATETIME, in_list=False),
        Column("loaded_by", _("Loaded by"), SopRevision.loaded_by_name, in_list=False),
        Column("digest", _("SHA-256 of the content"), SopRevision.digest, in_list=False),
    )
    column_filters = (
        ChoiceFilter("state", _("State"), column=SopRevision.state, choices=SopState),
        DateRangeFilter("enacted", _("Enacted"), column=SopRevision.enacted_at),
    )
    column_searchable_list = (SopRevision.key, SopRevision.number, SopRevision.title)
    search_hint = _("Code, number and title of the SOP.")
    column_sortable_list = ("id",)
    column_default_sort = "-id"

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the SOP, its chart, and whether the user may enact it."""
        revision = self.get_one(str(id))
        is_draft = revision.state is SopState.DRAFT
        may_enact = can(Verb.ENACT, self.resource) and get_current_user().agency_id == revision.agency_id
        return {
            "revision": revision,
            "former": sop_in_force(db.session(), revision.agency_id) if is_draft else None,
            "may_enact": is_draft and may_enact,
            "may_try": is_draft and can(Verb.CREATE, self.resource),
            "may_edit_sop": can(Verb.CREATE, Resource.EDITED_SOP),
            **_sop_context(revision.sop),
        }

    @expose("/new/", methods=("GET", "POST"))
    @recoverable
    def create_view(self) -> ResponseReturnValue:
        """Check an SOP's file and show its errors or its chart; the second button loads it as a draft."""
        self.require_permission(Verb.CREATE)
        form = SopForm()
        if request.method == "GET":
            return self._render_form(form)
        try:
            form.read_file()
            if request.form.get("do") == "edit":
                return self._begin_edit(form)
            if not form.validate():
                return self._render_form(form)
            if request.form.get("do") != "load":
                return self._render_form(
                    form, parse_and_check(db.session(), form.text.data, form.key.data, by=get_current_user())
                )
            return self._load_draft(form)
        except InvalidSopError as error:
            form.sop_errors = error.errors
            form.text.errors = [_("This SOP is not valid; the errors are listed above, with their lines.")]
        except NotAllowed as refusal:
            form.status = refusal.status
            form.text.errors = [refusal.message]
        except (ValidationFailed, FileTooLarge) as refusal:
            form.add_errors(refusal)
        db.session.rollback()
        return self._render_form(form)

    def _render_form(self, form: SopForm, sop: Sop | None = None) -> ResponseReturnValue:
        """Show the form with the errors; a valid SOP is shown with its chart."""
        if sop is not None:
            form.status = 200
        elif request.method == "POST" and wants_json():
            lines = {f"fault-{number}": error.full_message for number, error in enumerate(form.sop_errors, 1)}
            raise ValidationFailed(_("This SOP is not valid."), field_errors=lines or form.error_messages())
        lines_of_text = (form.text.data or "").split("\n")
        errors = [
            (error, lines_of_text[error.line - 1] if error.line <= len(lines_of_text) else "")
            for error in form.sop_errors
        ]
        preview = _sop_context(sop) if sop is not None else {}
        return self.render_form(form, _("Load an SOP"), _("Check"), template="sops/new.html", errors=errors, **preview)

    def _begin_edit(self, form: SopForm) -> ResponseReturnValue:
        """Open what was typed in the editor, sound or not."""
        self.require_permission(Verb.CREATE)
        office = get_current_user().agency
        if office is None:
            raise ValidationFailed(_NO_OFFICE, field_errors={"text": _NO_OFFICE})
        document = SopDocument.read(form.text.data)
        edited = begin_typed(db.session(), office, document, by=get_current_user(), now=now())
        url = self.get_url("edited-sop.details_view", id=edited.id)
        keep_submission(url)
        db.session.commit()
        return redirect(url, 303)

    def _load_draft(self, form: SopForm) -> ResponseReturnValue:
        require_resubmit()
        session, moment = db.session(), now()
        revision = load_revision(session, form.text.data, form.key.data, now=moment, by=get_current_user())
        trail.update_audit_context(session, action="sop.load")
        is_new = revision.loaded_at == moment
        keep_submission(self.row_url(revision.id))
        session.commit()
        if is_new:
            for remark in (*dead_ends(revision.sop, revision.source), *time_readings(revision.sop, revision.source)):
                flash(tr(remark.full_message), "warning")
            return self.redirect_to_record(gettext("Loaded as a draft. The head can enact it."), revision.id)
        flash(gettext("This SOP is already loaded with the same content: this is it."), "info")
        return redirect(self.row_url(revision.id), 303)

    @expose("/<sop_id>/enact", methods=("POST",))
    def enact(self, sop_id: str) -> ResponseReturnValue:
        """Enact a draft."""
        self.require_permission(Verb.ENACT)
        revision = self.get_one(str(parse_id(sop_id)))
        revision.enact(now=now(), by=get_current_user())
        trail.update_audit_context(db.session(), action="sop.enact")
        keep_submission(self.row_url(revision.id))
        db.session.commit()
        return self.redirect_to_record(
            gettext("%(sop)s is now in force.", sop=revision.number or revision.key), revision.id
        )

    @expose("/<sop_id>/trial")
    def trial(self, sop_id: str) -> ResponseReturnValue:
        """Show what a draft makes of the closed requests of a period."""
        self.require_permission(Verb.CREATE)
        context = trial_page(self.get_one(str(parse_id(sop_id))))
        return self.render("sops/trial.html", view=self, **context), 400 if context["period"].error else 200

    @expose("/<sop_id>/trial/<table>.<kind>")
    def trial_file(self, sop_id: str, table: str, kind: str) -> Response:
        """Send a table of the trial."""
        self.require_permission(Verb.CREATE)
        self.require_permission(Verb.EXPORT)
        return trial_file(self.get_one(str(parse_id(sop_id))), table, kind)

    @expose("/<sop_id>/download")
    def download(self, sop_id: str) -> Response:
        """Send the SOP as a TOML file."""
        revision = self.get_one(sop_id)
        return send_file(to_toml(revision.sop), "application/toml", f"{revision.key}.toml")

    @expose("/template")
    def template(self) -> Response:
        """Send a file to begin with: a whole paper, with the remarks of who typed it."""
        self.require_permission(Verb.CREATE)
        key, text = bundled_sops()[0]
        return send_file(text, "application/toml", f"{key}.toml")

    @expose("/<sop_id>/compare")
    def compare(self, sop_id: str) -> str:
        """Show what differs between two revisions, row by row."""
        revision = self.get_one(sop_id)
        return str(self.render("sops/editor/compare.html", view=self, **comparison_of_revisions(revision.agency_id)))

    @expose("/<sop_id>/bpmn")
    def bpmn(self, sop_id: str) -> Response:
        """Send the SOP as BPMN 2.0 with its diagram."""
        revision = self.get_one(sop_id)
        return send_file(to_bpmn(revision.sop, tr), "application/xml", f"{revision.key}.bpmn")


def _sop_context(sop: Sop) -> dict[str, Any]:
    """Return the context of templates/sops/sop.html."""
    chart, layout = chart_with_layout(sop)
    return {"sop": sop, "chart": chart, "layout": layout}
