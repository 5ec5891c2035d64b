"""Screens whose records are typed into a form: one form, the rule behind it, one commit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from flask import flash, redirect, request

from lpse_admin.errors import FileTooLarge, ValidationFailed
from lpse_admin.i18n import Message, _
from models.audit import trail
from models.database import db
from views.app.errors import wants_json
from views.forms.recovery import require_resubmit
from views.i18n.wording import tr
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement
    from werkzeug.wrappers import Response

    from views.forms.base import Form
    from views.listing.lists import Column


@contextmanager
def commit_or_show_errors(form: Form, action: str, *, reason: str | None = None) -> Iterator[None]:
    """Commit what is done within as ``action``; where a rule refuses it, undo it and let ``form`` say why.

    Whether it was done is seen from ``form.errors``. What is wrong with no field is raised on.
    """
    session = db.session()
    trail.update_audit_context(session, action=action, reason=reason)
    try:
        yield
        require_resubmit()
        session.commit()
    except (ValidationFailed, FileTooLarge) as refusal:
        session.rollback()
        form.add_errors(refusal)


class FormView(RecordView):
    """A screen of records that are typed in."""

    form_template: ClassVar[str] = "admin/form.html"

    def state_expression(self) -> ColumnElement[str] | None:
        """Return what the column ``state`` reads, where the state is one of the moment at which somebody reads it."""
        return None

    def get_columns(self, *, in_list: bool = False, in_export: bool = False) -> list[Column]:
        """Return the columns, the state as it is now."""
        columns, state = super().get_columns(in_list=in_list, in_export=in_export), self.state_expression()
        if state is None:
            return columns
        return [replace(column, expression=state) if column.key == "state" else column for column in columns]

    def render_form(
        self,
        form: Form,
        heading: Message | str,
        submit: Message,
        *,
        template: str | None = None,
        **context: object,
    ) -> ResponseReturnValue:
        """Show a form: empty with 200; sent and refused with its status, everything typed kept, as JSON where asked."""
        if request.method == "POST" and wants_json():
            raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=form.error_messages())
        page = self.render(
            template or self.form_template, view=self, form=form, heading=tr(heading), submit=tr(submit), **context
        )
        return page, form.status if request.method == "POST" else 200

    def redirect_to_record(self, message: str, id_: int) -> Response:
        """Lead to the record with a sentence that tells what was done."""
        flash(message, "success")
        return redirect(self.row_url(id_), 303)


__all__ = ["FormView", "commit_or_show_errors"]
