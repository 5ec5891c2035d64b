"""Comments and questions on requests: their part of the request's page, and their list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import Message, _
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.comment import Comment, comments_of, possible_addressees, reason_cannot_comment
from models.database import db
from models.office.agency import Agency
from views.app.access import get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.i18n.wording import tr
from views.listing.filters.agency import AgencyFilter
from views.listing.filters.kinds import DateRangeFilter, TextFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Sequence


class CommentForm(Form):
    """A comment or question, and whom it is for."""

    text = TextAreaField(_("Comment or question"), [Required()], render_kw={"rows": 3})
    addressee_id = SelectField(_("For"), coerce=lambda text: int(text) if text else None)

    def set_up(self, record: ChangeRequest) -> None:
        """Offer those who take part in the request; other forms on the page have fields of the same names."""
        for field in self:
            field.id = field.label.field_id = f"comment-{field.name}"
        self.addressee_id.choices = [
            SelectChoice("", tr(_("Everybody who reads the request"))),
            *(
                SelectChoice(str(id_), f"{name}, {position}" if position else name)
                for id_, name, position in possible_addressees(record, get_current_user(), now())
            ),
        ]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``add_comment``."""
        addressee = db.session.get(User, self.addressee_id.data) if self.addressee_id.data else None
        return {"text": self.text.data or "", "addressee": addressee}


@dataclass(frozen=True, slots=True)
class ChangeComments:
    """The comments on a request; ``form`` is None for a user who may not write one, and ``reason`` says why."""

    comments: Sequence[Comment]
    form: CommentForm | None
    reason: Message | None

    @classmethod
    def of(cls, change: ChangeRequest, form: CommentForm | None = None) -> ChangeComments:
        """Return the comments on ``change``; ``form`` is one that was sent and comes back."""
        reason = reason_cannot_comment(change, get_current_user(), now())
        if reason is None and form is None:
            form = CommentForm(formdata=None)
            form.set_up(change)
        return cls(comments_of(db.session(), change.id), form, reason)


class CommentView(RecordView):
    """The comments on the requests that the reader may see; they are written on the request's page."""

    resource = Resource.COMMENT
    model = Comment
    title = _("Comments")
    empty_message = _("No comment yet. Comments and questions are written on the page of a request.")
    column_joins = (
        (ChangeRequest, ChangeRequest.id == Comment.change_id),
        (Agency, Agency.id == Comment.agency_id),
    )
    column_list = (
        Column("at", _("Written"), Comment.at, CellKind.DATETIME, is_link=True, sortable=True),
        Column("number", _("Number"), ChangeRequest.number),
        Column("title", _("Title"), ChangeRequest.title, in_list=False, wide=True),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("author", _("By"), Comment.author_name),
        Column("author_title", _("Position"), Comment.author_title, in_list=False),
        Column("capacity", _("Capacity"), Comment.capacity, in_list=False),
        Column("addressee", _("For"), Comment.addressee_name),
        Column("text", _("Comment or question"), Comment.text, wide=True),
    )
    column_filters = (
        DateRangeFilter("at", _("Written"), column=Comment.at),
        TextFilter("number", _("Number"), column=ChangeRequest.number),
        AgencyFilter("agency", _("Agency"), column=Comment.agency_id),
    )
    column_searchable_list = (Comment.text, Comment.author_name, ChangeRequest.number)
    search_hint = _("Text, author and number of the request.")
    column_sortable_list = ("at",)
    column_default_sort = "-at"
