"""Comments and questions on a request, beside its steps: written once, to everybody who reads it or to one person."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.notifications.events import Event
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, session_of
from models.changes.change import ChangeRequest
from models.delegation.delegation import acting_head_ids, load_active_delegation
from models.hybrids import date_parameter
from models.immutability import RowRules, no_update_or_delete
from models.notifications.notification import notify
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import Row

    from lpse_admin.i18n import Message

_WRITTEN = AuditAction("change.comment", _("Wrote a comment"))
_MAX_LENGTH = 10_000


class Comment(Base):
    """A comment or question on a request; it is no step and changes nothing."""

    __tablename__ = "change_comment"
    belongs_to_change = True
    __table_args__ = (
        Index(None, "change_id", "id"),
        Index(None, "agency_id", "at", "id"),
        Index(None, "at", "id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a comment stays as it was written")

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"text"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    author_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    author_name: Mapped[str | None] = snapshot_of("author_id")
    author_title: Mapped[str | None] = snapshot_of("author_id", "position")
    capacity: Mapped[str | None] = snapshot_of("author_id", "capacity")
    #: Whom it is addressed to, who is notified; None: everybody who reads the request.
    addressee_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    addressee_name: Mapped[str | None] = snapshot_of("addressee_id")
    text: Mapped[LongText]
    at: Mapped[Timestamp]

    change: Mapped[ChangeRequest] = relationship(viewonly=True)

    def __str__(self) -> str:
        """Return its beginning."""
        return textwrap.shorten(self.text, 80, placeholder="…")


def comments_of(session: Session, change_id: int) -> Sequence[Comment]:
    """Return the comments on a request, oldest first."""
    return session.scalars(_OF_CHANGE, {"change": change_id}).all()


# On every page of a request, so put together once.
_OF_CHANGE = select(Comment).where(Comment.change_id == bindparam("change")).order_by(Comment.id)


def possible_addressees(change: ChangeRequest, by: User, now: dt.datetime) -> Sequence[Row[int, str, str | None]]:
    """Return (id, full name, position) of whom a comment on ``change`` can be addressed to.

    They are its requester, the managers, the heads and the acting heads.
    """
    parameters = {
        "agency": change.agency_id, "requester": change.requester_id, "author": by.id,
        "today": change.agency.local_date(now),
    }  # fmt: skip
    return session_of(change).connection().execute(_ADDRESSEES, parameters).all()


# On every page of a request, so put together once.
_ADDRESSEES = (
    select(User.id, User.full_name, User.position)
    .where(
        User.agency_id == bindparam("agency"),
        User.is_active,
        User.id != bindparam("author"),
        or_(
            User.id == bindparam("requester"),
            User.is_change_manager,
            User.is_head,
            User.id.in_(acting_head_ids(bindparam("agency"), date_parameter("today"))),
        ),
    )
    .order_by(User.full_name, User.id)
)


def reason_cannot_comment(change: ChangeRequest, by: User, now: dt.datetime) -> Message | None:
    """Return why ``by``, who may read ``change``, may not comment on it; None if they may."""
    if change.is_draft:
        return _("Nobody else reads a draft: a comment can be written once it is submitted.")
    is_granted = is_permitted(by, Verb.CREATE, Resource.COMMENT, change.agency_id)
    is_acting_head = load_active_delegation(session_of(change), by, now) is not None
    if not is_granted and not is_acting_head:
        return _("Only those who take part in a request write comments on it.")
    return None


def require_may_comment(change: ChangeRequest, by: User, now: dt.datetime) -> None:
    """Raise NotAllowed for whoever only reads, NoSuchMove for a draft."""
    if change.is_draft:
        raise NoSuchMove(_("Nobody else reads a draft: a comment can be written once it is submitted."))
    if refusal := reason_cannot_comment(change, by, now):
        raise NotAllowed(refusal)


def add_comment(
    change: ChangeRequest, *, by: User, now: dt.datetime, text: str, addressee: User | None = None
) -> Comment:
    """Add a comment of ``by``, who may read ``change``, and notify the one it is addressed to.

    Raises NotAllowed, NoSuchMove for a draft, ValidationFailed with an error for each field.
    """
    require_may_comment(change, by, now)
    errors: dict[str, Message] = {}
    if error := text_error(text, required_label=_("Comment or question"), max_length=_MAX_LENGTH):
        errors["text"] = error
    if addressee is not None and all(row.id != addressee.id for row in possible_addressees(change, by, now)):
        errors["addressee_id"] = _("Choose an item from the list.")
    if errors:
        raise ValidationFailed(_("The comment cannot be saved with these values."), field_errors=errors)
    session = session_of(change)
    comment = Comment(
        agency_id=change.agency_id,
        change_id=change.id,
        author_id=by.id,
        addressee_id=None if addressee is None else addressee.id,
        text=text.strip(),
        at=now,
    )
    session.add(comment)
    session.flush()
    _WRITTEN.describe(session)
    if addressee is not None:
        notify(
            session, Event.COMMENT, [addressee], now=now, key=f"comment-{comment.id}", change=change,
            by=by.full_name, note=comment.text,
        )  # fmt: skip
    return comment
