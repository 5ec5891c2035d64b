"""Files that were sent with a form that came back: kept for that form until it is sent again.

Bookkeeping, which the trail does not tell of: what becomes of a file is told when it is attached. Of each user the
newest are kept, up to ``MAX_BYTES``, and none longer than ``KEPT_FOR``.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from models.base import SHORT_TEXT_LENGTH, Base, IdType, PrimaryKey, ShortText, Timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_FOR = dt.timedelta(hours=24)
MAX_BYTES = 64 * 1024 * 1024


class PendingUpload(Base):
    """A file of a form that came back, by the id of the form and the name of its field."""

    __tablename__ = "pending_upload"
    __table_args__ = (Index(None, "user_id", "form_id"), Index(None, "uploaded_at"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    form_id: Mapped[str] = mapped_column(String(64))
    field: Mapped[ShortText]
    name: Mapped[ShortText]
    size: Mapped[int]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary, nullable=False))
    uploaded_at: Mapped[Timestamp]


def pending_uploads(session: Session, user_id: int, form_id: str) -> Sequence[PendingUpload]:
    """Return the files that are kept for a form, oldest first."""
    return session.scalars(
        select(PendingUpload)
        .where(PendingUpload.user_id == user_id, PendingUpload.form_id == form_id)
        .order_by(PendingUpload.id)
    ).all()


def keep_upload(  # noqa: PLR0913 - the columns of a file
    session: Session,
    user_id: int,
    form_id: str,
    field: str,
    name: str,
    content: bytes,
    *,
    now: dt.datetime,
    replace: bool,
) -> None:
    """Keep a file for a form; ``replace`` what was chosen in the same field before.

    The oldest files of the user go where all of them would be more than ``MAX_BYTES``.
    """
    former = [one for one in pending_uploads(session, user_id, form_id) if one.field == field]
    if not replace and any(one.name == name and one.size == len(content) for one in former):
        return
    for one in former if replace else ():
        session.delete(one)
    session.add(
        PendingUpload(
            user_id=user_id,
            form_id=form_id,
            field=field,
            name=name[:SHORT_TEXT_LENGTH],
            size=len(content),
            content=content,
            uploaded_at=now,
        )
    )
    session.flush()
    total = 0
    newest_first = select(PendingUpload).where(PendingUpload.user_id == user_id).order_by(PendingUpload.id.desc())
    for one in session.scalars(newest_first).all():
        total += one.size
        if total > MAX_BYTES:
            session.delete(one)
    session.flush()


def remove_uploads_of(session: Session, user_id: int, form_id: str) -> None:
    """Forget the files of a form that was taken."""
    table: Any = PendingUpload.__table__
    session.connection().execute(delete(table).where(table.c.user_id == user_id, table.c.form_id == form_id))


def remove_old_uploads(session: Session, now: dt.datetime) -> None:
    """Forget the files that are older than ``KEPT_FOR``."""
    table: Any = PendingUpload.__table__
    session.connection().execute(delete(table).where(table.c.uploaded_at < now - KEPT_FOR))
