"""Forms that were sent: each is taken once, and who sends it again is led to what it made.

Bookkeeping, which the trail does not tell of: it says nothing of the records, and ages after ``KEPT_FOR``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, String, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, IdType, PrimaryKey, Timestamp
from models.database import is_sqlite

#: How long a form that was sent is remembered.
KEPT_FOR = dt.timedelta(days=7)
#: Within this time the same content from another form of the same address is the same thing sent twice.
SAME_CONTENT_FOR = dt.timedelta(minutes=10)

_LOCK_NAMESPACE = 0x4C505345


class Submission(Base):
    """A form that was sent: the id that its page gave it, a hash of what was in it, and the address of what it made."""

    __tablename__ = "submission"
    __table_args__ = (
        Index(None, "user_id", "form_id"),
        Index(None, "user_id", "content_hash", "at"),
        Index(None, "at"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    form_id: Mapped[str] = mapped_column(String(64))
    #: Keyed SHA-256 of address, fields and files.
    content_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[Timestamp]
    #: Where the one who sent it was led.
    location: Mapped[str] = mapped_column(String(500))


def lock_forms_of(session: Session, user_id: int) -> None:
    """Let one form of a user be handled at a time, until the transaction ends.

    SQLite has one writer anyway: a request that may write holds its lock from the beginning.
    """
    if not is_sqlite(session):
        session.execute(select(func.pg_advisory_xact_lock(_LOCK_NAMESPACE, bindparam("of", user_id % 2**31))))


def find_submission(session: Session, user_id: int, form_id: str, content_hash: str | None = None) -> Submission | None:
    """Return the latest submission of this form, with this content if it is given."""
    result = select(Submission).where(Submission.user_id == user_id, Submission.form_id == form_id)
    if content_hash is not None:
        result = result.where(Submission.content_hash == content_hash)
    return session.scalars(result.order_by(Submission.id.desc()).limit(1)).first()


def find_same_content(session: Session, user_id: int, content_hash: str, now: dt.datetime) -> Submission | None:
    """Return the latest submission with this content, unless it is older than ``SAME_CONTENT_FOR``."""
    result = select(Submission).where(
        Submission.user_id == user_id,
        Submission.content_hash == content_hash,
        Submission.at > now - SAME_CONTENT_FOR,
    )
    return session.scalars(result.order_by(Submission.id.desc()).limit(1)).first()


def forget_location(session: Session, location: str) -> None:
    """Forget the submissions that led to ``location``."""
    table: Any = Submission.__table__
    session.connection().execute(delete(table).where(table.c.location == location))


def remove_old_submissions(session: Session, now: dt.datetime) -> None:
    """Forget the submissions that are older than ``KEPT_FOR``."""
    table: Any = Submission.__table__
    session.connection().execute(delete(table).where(table.c.at < now - KEPT_FOR))
