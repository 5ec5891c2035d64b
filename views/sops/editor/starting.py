"""What an edited SOP begins with, chosen on a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select as sql_select
from typing_extensions import override
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.sop import InvalidSopError, bundled_sops, parse
from lpse_admin.sop.editor.document import SopDocument
from lpse_admin.sop.editor.starts import blank_document, document_for_agency, next_revision
from models.database import db
from models.office.agency import Agency
from models.scope import visible
from models.sops.editing import EditStart, agency_of_sop, begin_edit, new_key
from models.sops.sop import SopRevision, SopState
from views.app.access import get_current_user
from views.forms.base import Form, Required
from views.i18n.language import tr
from views.sops.editor.comparing import revision_title

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.accounts.user import User
    from models.sops.editing import EditedSop

_BLANK, _TYPED, _PAPER, _REVISION = "blank", "typed", "paper-", "revision-"


class StartForm(Form):
    """What to begin with."""

    start = SelectField(_("Begin with"), [Required()])
    agency = SelectField(_("Agency"), [Required()])
    text = TextAreaField(
        _("Text of the file"),
        description=_("Only for a file that was typed (TOML)."),
        render_kw={"rows": 6, "spellcheck": "false", "autocapitalize": "none"},
    )

    @override
    def set_up(self, record: object) -> None:
        """Offer a blank form, the papers, and the revisions of the reader's agency."""
        user = get_current_user()
        revisions = db.session.scalars(
            sql_select(SopRevision).where(visible(SopRevision, user)).order_by(SopRevision.id.desc()).limit(100)
        ).all()
        in_force = [one for one in revisions if one.state is SopState.IN_FORCE]
        others = [one for one in revisions if one.state is not SopState.IN_FORCE]
        self.start.choices = [
            *(SelectChoice(f"{_REVISION}{one.id}", tr(revision_title(one))) for one in (*in_force, *others)),
            SelectChoice(_BLANK, tr(_("A blank SOP-AP form"))),
            *(SelectChoice(f"{_PAPER}{key}", _paper_label(text, key)) for key, text in bundled_sops()),
            SelectChoice(_TYPED, tr(_("A file that was typed (TOML)"))),
        ]
        if user.agency_id is not None:
            del self.agency
        else:
            agencies = db.session.scalars(sql_select(Agency).order_by(Agency.name))
            self.agency.choices = [SelectChoice(str(one.id), one.name) for one in agencies]


def _paper_label(text: str, key: str) -> str:
    return tr(_("The paper of %(agency)s", agency=f"{parse(text, key).agency.name} ({key[-4:]})"))


def start_from(
    session: Session, *, by: User, now: dt.datetime, start: str, text: str = "", agency: str | None = None
) -> EditedSop:
    """Begin to edit what ``start`` says; raises what ``begin_edit`` raises, ValidationFailed for a file with errors."""
    if start.startswith(_REVISION):
        revision = session.scalars(
            sql_select(SopRevision).where(
                visible(SopRevision, by), SopRevision.id == int(start.removeprefix(_REVISION))
            )
        ).one()
        document = next_revision(revision.source)
        return begin_edit(session, EditStart(document, revision.key, revision.agency_id, revision), by=by, now=now)
    office = by.agency or session.get_one(Agency, int(agency or 0))
    return begin_typed(session, office, _document(start, text, office), by=by, now=now)


def begin_typed(session: Session, office: Agency, document: SopDocument, *, by: User, now: dt.datetime) -> EditedSop:
    """Begin to edit a document of ``office`` under a key of its own."""
    document.values["agency"]["key"] = office.key
    key = new_key(session, office, now.astimezone(office.zone).year)
    return begin_edit(session, EditStart(document, key, office.id), by=by, now=now)


def _document(start: str, text: str, office: Agency) -> SopDocument:
    agency: Any = agency_of_sop(office)
    if start == _BLANK:
        return blank_document(agency, office.time_zone, office.head_title or "")
    if start == _TYPED:
        try:
            return SopDocument.read(text)
        except InvalidSopError as error:
            sentence = _("The file cannot be read: %(error)s", error=error.errors[0].full_message)
            raise ValidationFailed(sentence, field_errors={"text": sentence}) from None
    return document_for_agency(dict(bundled_sops())[start.removeprefix(_PAPER)], agency, office.time_zone)
