"""Screens whose records are typed into a form: one form, the rule behind it, one commit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from flask import flash, redirect, request

from lpse_admin.errors import Incomplete, TooLarge
from lpse_admin.i18n import Message, _
from models.audit import trail
from models.database import db
from views.app.errors import wants_json
from views.forms.recovery import come_back
from views.i18n.wording import tr
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from werkzeug.wrappers import Response

    from views.forms.base import Form
    from views.listing.lists import Column


@contextmanager
def entering(form: Form, action: str, *, reason: str | None = None) -> Iterator[None]:
    """Commit what is done within as ``action``; where a rule refuses it, undo it and let ``form`` say why.

    Whether it was done is seen from ``form.errors``. What is wrong with no field is raised on.
    """
    session = db.session()
    trail.give(session, action=action, reason=reason)
    try:
        yield
        come_back()
        session.commit()
    except (Incomplete, TooLarge) as refusal:
        session.rollback()
        form.refuse(refusal)


class EntryView(RecordView):
    """A screen of records that are typed in."""

    form_template: ClassVar[str] = "admin/form.html"

    def state_now(self) -> ColumnElement[str] | None:
        """Return what the column ``state`` reads, where the state is one of the moment at which somebody reads it."""
        return None

    def shown(self, *, listed: bool = False, exported: bool = False) -> list[Column]:
        """Return the columns, the state as it is now."""
        columns, state = super().shown(listed=listed, exported=exported), self.state_now()
        if state is None:
            return columns
        return [replace(column, of=state) if column.key == "state" else column for column in columns]

    def answer_form(
        self,
        form: Form,
        heading: Message | str,
        submit: Message,
        *,
        template: str | None = None,
        **more: Any,  # noqa: ANN401 - for the template
    ) -> Any:  # noqa: ANN401
        """Show a form: empty with 200; sent and refused with its status, everything typed kept, as JSON where asked."""
        if request.method == "POST" and wants_json():
            raise Incomplete(_("Some of what was typed in cannot be kept like this."), fields=form.faults())
        page = self.render(
            template or self.form_template, view=self, form=form, heading=tr(heading), submit=tr(submit), **more
        )
        return page, form.status if request.method == "POST" else 200

    def done(self, sentence: str, id_: int) -> Response:
        """Lead to the record with a sentence that tells what was done."""
        flash(sentence, "success")
        return redirect(self.row_url(id_), 303)


__all__ = ["EntryView", "entering"]
