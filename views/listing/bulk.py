"""Bulk actions on the selected rows of a list, each by the same operation as alone, in a transaction of its own.

The selected rows come by POST. An action with a form shows it on a page that lists the rows; then, or at once without a
form, the action is applied row by row, and a page reports the result of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from flask import abort, current_app, jsonify, request
from flask_admin import expose
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.errors import Malformed, NotAllowed, NotFound, Refused, ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from models.database import db
from views.app.errors import wants_json
from views.forms.once import keep_submission
from views.i18n.wording import tr
from views.listing.lists import PAGE_SIZES, row_processor, select_columns
from views.listing.page.cells import cell_formatter
from views.listing.record_view import RecordView, parse_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from markupsafe import Markup

    from views.forms.base import Form
    from views.listing.lists import Column

    Cells = list[tuple[Column, Markup | str]]

#: A page has no more rows, so no more can be selected.
_MAX_ROWS = max(PAGE_SIZES)


class BulkAction:
    """Something that can be done with several rows of one screen."""

    key: ClassVar[str]
    #: What it is called in the list, and on the button that does it.
    title: ClassVar[Message]
    #: What its page says above the fields.
    explanation: ClassVar[Message | None] = None

    def is_allowed(self) -> bool:
        """Whether the current user may do this; whether a row allows it is decided by the operation."""
        raise NotImplementedError

    def form(self, view: BulkView, ids: Sequence[int]) -> Form | None:  # noqa: ARG002
        """Return what asks for what is needed; None where it is done at once."""
        return None

    def validate(self, view: BulkView, ids: Sequence[int], form: Form) -> None:
        """Raise Incomplete for what was typed, where that is wrong for every row."""

    def apply(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Apply it to one row and return the message; raises what the operation raises."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row."""

    id: int
    cells: Cells
    is_done: bool
    message: Message


class BulkView(RecordView):
    """A screen whose rows can be ticked."""

    actions: ClassVar[tuple[BulkAction, ...]] = ()
    #: The columns by which the page and its report name a row.
    bulk_label_columns: ClassVar[tuple[str, ...]] = ("number", "title")

    def bulk_actions(self) -> list[BulkAction]:
        """Return the bulk actions of the current user."""
        return [action for action in self.actions if action.is_allowed()]

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Ask for what the chosen action needs, or do it to each of the ticked rows and report."""
        if not self.actions:
            abort(404)
        action = self._requested_action()
        ids = _selected_ids()
        named = self._label_cells(ids)
        if not named:
            raise NotFound(_("There is no such record, or you may not see it."))
        form = action.form(self, list(named))
        if form is not None:
            if "go" not in request.form:
                return self._form_page(action, named, form)
            try:
                action.validate(self, list(named), form)
            except ValidationFailed as refusal:
                if wants_json():
                    raise
                form.add_errors(refusal)
                return self._form_page(action, named, form), form.status
        lines: list[RowResult] = []
        for id_ in ids:
            is_first = not any(line.is_done for line in lines)
            lines.append(self._apply_to_row(action, id_, named.get(id_), form, is_first=is_first))
        return self._result_page(action, lines)

    def _requested_action(self) -> BulkAction:
        mine, key = self.bulk_actions(), request.form.get("action", "")
        if not mine:
            raise NotAllowed(_("Your role does not permit this."))
        action = next((action for action in mine if action.key == key), None)
        if action is None:
            raise Malformed(_("The form does not state the action for the rows."))
        return action

    def _label_cells(self, ids: Sequence[int]) -> dict[int, Cells]:
        """Return the cells that name each of the rows that the reader may see, in the order of ``ids``."""
        columns = select_columns(self.get_selectable_columns(), self.bulk_label_columns)
        rows = self.list_query({}).rows_by_id(db.session(), columns, ids)
        finish, writers = row_processor(columns, db.session()), [cell_formatter(column) for column in columns]
        results = {
            row[0]: [
                (column, write(cell)) for column, write, cell in zip(columns, writers, finish(row[2:]), strict=True)
            ]
            for row in rows
        }
        return {id_: results[id_] for id_ in ids if id_ in results}

    def _apply_to_row(
        self, action: BulkAction, id_: int, cells: Cells | None, form: Form | None, *, is_first: bool
    ) -> RowResult:
        """Do it to one row in a transaction of its own, and return what became of it.

        With the first row that is done it is kept that the form was sent.
        """
        session = db.session()
        try:
            text = action.apply(self, id_, form)
            if is_first:
                keep_submission(self._list_url())
            session.commit()
        except Refused as refusal:
            session.rollback()
            sentences: list[Message | str] = list(refusal.field_errors.values())
            return RowResult(
                id_, cells or [], is_done=False, message=join_messages(sentences, " ") if sentences else refusal.message
            )
        except SQLAlchemyError:
            session.rollback()
            current_app.logger.exception("row %s of %s: the database refused", id_, self.endpoint)
            return RowResult(
                id_,
                cells or [],
                is_done=False,
                message=_("The database refused the change; nothing of this row was saved."),
            )
        return RowResult(id_, cells or [], is_done=True, message=text)

    def _form_page(self, action: BulkAction, named: dict[int, Cells], form: Form) -> str:
        return str(
            self.render("listing/bulk.html", view=self, action=action, rows=named, form=form, back=self._list_url())
        )

    def _result_page(self, action: BulkAction, lines: list[RowResult]) -> ResponseReturnValue:
        done = sum(line.is_done for line in lines)
        status = 200 if done else 409
        if wants_json():
            return jsonify(rows=[{"id": one.id, "done": one.is_done, "said": tr(one.message)} for one in lines]), status
        page = self.render(
            "listing/bulk_report.html", view=self, action=action, lines=lines, done=done, back=self._list_url()
        )
        return page, status

    def _list_url(self) -> str:
        """Return the address of the list that the rows were ticked in."""
        query = request.form.get("back", "")
        address: str = self.get_url(".index_view")
        return f"{address}?{query}" if query else address


def _selected_ids() -> list[int]:
    """Return the ids of the ticked rows; raises Incomplete for none, Malformed for too many, NotFound for a bad one."""
    ids = list(dict.fromkeys(parse_id(text) for text in request.form.getlist("id")))
    if not ids:
        raise ValidationFailed(_("No row is selected. Select rows, then choose an action again."))
    if len(ids) > _MAX_ROWS:
        raise Malformed(_("At most %(most)s rows can be processed at a time.", most=_MAX_ROWS))
    return ids
