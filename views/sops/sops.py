"""SOPs: each loaded paper whole, loaded from its file, put in force by the head, and downloaded again."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any, ClassVar
from urllib.parse import quote

from flask import Response, flash, redirect, request
from flask_admin import expose
from flask_babel import gettext
from flask_login import current_user
from flask_wtf.file import FileField
from sqlalchemy.orm import aliased
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Incomplete, NotAllowed, TooLarge
from lpse_admin.flowchart.layout import drawn
from lpse_admin.i18n import _
from lpse_admin.sop import Fault, Faulty, Sop, check, to_toml
from models.accounts.user import User
from models.audit import trail
from models.database import db
from models.office.agency import Agency
from models.sops.sop import SopRevision, SopState, examine, in_force, load
from views.app.clock import now
from views.app.errors import wants_json
from views.exports.columns import CellKind
from views.forms.base import Form
from views.forms.commit import EntryView
from views.forms.recovery import come_back
from views.listing.filters import ChoiceFilter, PeriodFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import may_i, row_id

_enactor = aliased(User, name="enactor")
_loader = aliased(User, name="loader")

_MOST_BYTES = 1024 * 1024
_KEY = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)


class PaperForm(Form):
    """A paper's file, or its text."""

    file = FileField(_("The SOP's file (TOML)"), description=_("At most 1 MiB, in UTF-8."))
    text = TextAreaField(_("or its text"), render_kw={"rows": 18, "spellcheck": "false", "autocapitalize": "none"})
    key = StringField(
        _("Key"),
        description=_("What the SOP is known by: small letters, digits and hyphens. Left empty, the file's name."),
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )
    #: What the checker found in the file.
    found: tuple[Fault, ...] = ()

    def take_file(self) -> None:
        """Put what is in the file, and its name, into the other fields, where it is kept when the file is not."""
        sent = self.file.data
        if sent:
            content = sent.read(_MOST_BYTES + 1)
            sent.close()
            if len(content) > _MOST_BYTES:
                raise TooLarge(_FILE_TOO_LARGE, fields={"file": _FILE_TOO_LARGE})
            self.key.data = self.key.data or PurePath((sent.filename or "").replace("\\", "/")).stem
            try:
                self.text.data = content.decode()
            except UnicodeDecodeError:
                raise Faulty(tuple(check(content, self.key.data))) from None
        self.text.data = (self.text.data or "").replace("\r\n", "\n")
        self.key.data = (self.key.data or "").strip()

    def validate_key(self, field: StringField) -> None:
        """Say it where the key is none."""
        if not _KEY.fullmatch(field.data or ""):
            raise ValidationError(
                _("The key has 1 to 100 small letters, digits and hyphens, such as kota-contoh-2024.")
            )

    def validate_text(self, field: TextAreaField) -> None:
        """Say it where nothing came."""
        if not (field.data or "").strip():
            raise ValidationError(_("Choose the SOP's file, or paste its text."))


_FILE_TOO_LARGE = _("The file is larger than 1 MiB.")


class SopView(EntryView):
    """The papers of the reader's agency, every revision."""

    resource = Resource.SOP
    title = _("SOPs")
    empty = _("No SOP yet. One is loaded from its file.")
    details_template = "sops/details.html"
    create_label = _("Load an SOP")
    can_create = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=SopRevision,
        joins=(
            (Agency, Agency.id == SopRevision.agency_id),
            (_enactor, _enactor.id == SopRevision.enacted_by_id),
            (_loader, _loader.id == SopRevision.loaded_by_id),
        ),
        columns=(
            Column("id", _("Id"), SopRevision.id, CellKind.NUMBER, sortable=True, listed=False, exported=False),
            Column("key", _("Key"), SopRevision.key, leads=True),
            Column("number", _("Number"), SopRevision.number),
            Column("revision", _("Revision"), SopRevision.revision, CellKind.NUMBER),
            Column("title", _("Title"), SopRevision.title),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("state", _("State"), SopRevision.state, CellKind.CHOICE, SopState),
            Column("enacted", _("Put in force"), SopRevision.enacted_at, CellKind.MOMENT, sortable=True),
            Column("enacted_by", _("Put in force by"), _enactor.full_name),
            Column("superseded", _("Superseded"), SopRevision.superseded_at, CellKind.MOMENT, listed=False),
            Column("loaded", _("Loaded"), SopRevision.loaded_at, CellKind.MOMENT, listed=False),
            Column("loaded_by", _("Loaded by"), _loader.full_name, listed=False),
            Column("digest", _("SHA-256 of what it says"), SopRevision.digest, listed=False),
        ),
        filters=(
            ChoiceFilter("state", _("State"), of=SopRevision.state, choices=SopState),
            PeriodFilter("enacted", _("Put in force"), of=SopRevision.enacted_at),
        ),
        search=(SopRevision.key, SopRevision.number, SopRevision.title),
        order="-id",
    )

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the paper, its chart, and what the reader may do with it."""
        revision = self.get_one(str(id))
        is_draft = revision.state is SopState.DRAFT
        may_enact = may_i(Verb.ENACT, self.resource) and current_user.agency_id == revision.agency_id
        return {
            "revision": revision,
            "former": in_force(db.session(), revision.agency_id) if is_draft else None,
            "may_enact": is_draft and may_enact,
            **_paper(revision.paper),
        }

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:  # noqa: ANN401 - a page or a redirect
        """Check a paper's file and show its faults or its chart; load it as a draft at the second button."""
        self.demand(Verb.CREATE)
        form = PaperForm()
        if request.method == "GET":
            return self._asked(form)
        try:
            form.take_file()
            if not form.validate():
                return self._asked(form)
            if request.form.get("do") != "load":
                return self._asked(form, examine(db.session(), form.text.data, form.key.data, by=_me()))
            return self._loaded(form)
        except Faulty as faulty:
            form.found = faulty.faults
            form.text.errors = [_("This is no sound SOP; what is wrong is listed above, with the line.")]
        except NotAllowed as refusal:
            form.status = refusal.status
            form.text.errors = [refusal.message]
        except (Incomplete, TooLarge) as refusal:
            form.refuse(refusal)
        db.session.rollback()
        return self._asked(form)

    def _asked(self, form: PaperForm, paper: Sop | None = None) -> Any:  # noqa: ANN401
        """Show the form with what was found; a sound paper is shown as its chart."""
        if paper is not None:
            form.status = 200
        elif request.method == "POST" and wants_json():
            lines = {f"fault-{place}": fault.sentence for place, fault in enumerate(form.found, 1)}
            raise Incomplete(_("This is no sound SOP."), fields=lines or form.faults())
        lines_of_text = (form.text.data or "").split("\n")
        found = [
            (fault, lines_of_text[fault.line - 1] if fault.line <= len(lines_of_text) else "") for fault in form.found
        ]
        preview = _paper(paper) if paper is not None else {}
        return self.answer_form(form, _("Load an SOP"), _("Check"), template="sops/new.html", found=found, **preview)

    def _loaded(self, form: PaperForm) -> Any:  # noqa: ANN401
        come_back()
        session, moment = db.session(), now()
        revision = load(session, form.text.data, form.key.data, now=moment, by=_me())
        trail.give(session, action="sop.load")
        is_new = revision.loaded_at == moment
        session.commit()
        if is_new:
            return self.done(gettext("Loaded as a draft. The head can put it in force."), revision.id)
        flash(gettext("This SOP is loaded already, word for word: here it is."), "info")
        return redirect(self.row_url(revision.id), 303)

    @expose("/<sop_id>/enact", methods=("POST",))
    def enact(self, sop_id: str) -> Any:  # noqa: ANN401
        """Put a draft in force."""
        self.demand(Verb.ENACT)
        revision = self.get_one(str(row_id(sop_id)))
        revision.enact(now=now(), by=_me())
        trail.give(db.session(), action="sop.enact")
        db.session.commit()
        return self.done(gettext("%(sop)s is in force now.", sop=revision.number or revision.key), revision.id)

    @expose("/<sop_id>/download")
    def download(self, sop_id: str) -> Response:
        """Send the paper as a file that can be loaded again."""
        revision = self.get_one(sop_id)
        response = Response(to_toml(revision.paper), mimetype="application/toml")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(revision.key, safe='')}.toml"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "private, no-store"
        return response


def _paper(paper: Sop) -> dict[str, Any]:
    """Return what templates/sop/paper.html shows of a paper."""
    chart, drawing = drawn(paper)
    return {"paper": paper, "chart": chart, "drawing": drawing}


def _me() -> User:
    me: User = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's proxy has no public name for it
    return me
