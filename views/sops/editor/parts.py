"""One part of an SOP edited by a form: saved by its button, or by a script after each change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import jsonify, request

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from models.database import db
from models.sops.editing import SavedByAnotherError
from views.app.access import get_current_user
from views.app.clock import now
from views.app.errors import wants_json
from views.forms.commit import commit_or_show_errors
from views.forms.once import keep_submission
from views.i18n.language import tr
from views.sops.editor.forms import make_form, version_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from wtforms import Field

    from lpse_admin.sop.editor.document import SopDocument
    from models.sops.editing import EditedSop
    from views.sops.editor.edited_sops import EditedSopView
    from views.sops.editor.forms import DocumentForm, Fields


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an SOP with its template: ``make`` its fields, ``read`` what was typed, go ``back`` to an address."""

    name: str
    make: Callable[[SopDocument], Fields]
    read: Callable[[SopDocument, DocumentForm], Any]
    back: Callable[[Any], str]
    context: dict[str, object] = field(default_factory=dict)
    #: Whether a script saves it after each change; what adds something waits for its button.
    saves_itself: bool = True


def edit_part(view: EditedSopView, record: EditedSop, part: Part) -> ResponseReturnValue:
    """Show the form of a part; where it was sent, save what it puts into the document.

    Where somebody else has saved since, the form comes back (409) with what was typed and what is saved beside it.
    """
    form = make_form(part.make(record.document), record.version)
    if request.method == "POST" and form.validate():
        try:
            with commit_or_show_errors(form):
                document = record.document
                url = part.back(part.read(document, form))
                record.save(document, by=get_current_user(), now=now(), version=version_of(form))
                if not wants_json():
                    keep_submission(url)
            if not form.errors:
                return _saved(view, record) if wants_json() else view.redirect_with_message(_("Saved."), url)
        except SavedByAnotherError as refusal:
            db.session.rollback()
            if wants_json():
                raise
            form.add_errors(refusal)
            _show_saved(form, part.make(record.document), record.version)
    return _page(view, record, part, form)


def _page(view: EditedSopView, record: EditedSop, part: Part, form: DocumentForm) -> ResponseReturnValue:
    if request.method == "POST" and wants_json():
        message = _("Some of the values entered cannot be saved.")
        raise ValidationFailed(message, field_errors=form.error_messages())
    page = view.render(
        f"sops/editor/{part.name}.html",
        view=view,
        form=form,
        part=part.name,
        saves_itself=part.saves_itself,
        **part.context,
        **view.record_context(record),
    )
    return page, form.status if request.method == "POST" else 200


def _saved(view: EditedSopView, record: EditedSop) -> ResponseReturnValue:
    panel = view.render("sops/editor/panel_alone.html", view=view, **view.record_context(record))
    return jsonify(version=record.version, panel=panel)


def _show_saved(form: DocumentForm, saved: Fields, version: int) -> None:
    """Put beside each field what is saved now, where something else was typed, and let the form save over it."""
    form.version.data = str(version)
    for name, value in saved.data.items():
        if name in form and (form[name].data or "") != (value or ""):
            shown = _words(form[name], value)
            form[name].errors = [*form[name].errors, _("Saved now: %(value)s", value=shown)]


def _words(of: Field, value: object) -> Message | str:
    """Return a value as its field shows it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    chosen = value if isinstance(value, list) else [value]
    labels = {str(choice.value): str(choice.label) for choice in getattr(of, "choices", None) or ()}
    words = ", ".join(labels.get(str(one), str(one)) for one in chosen if one not in (None, ""))
    return words or tr(_("(empty)"))
