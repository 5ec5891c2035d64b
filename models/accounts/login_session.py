"""Login sessions: a row for each, with its ends."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.accounts.sessions import SessionEnd, session_limits
from models.base import Base, IdType, PrimaryKey, Timestamp, enum_type

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection

    from lpse_admin.accounts.roles import Role
    from models.accounts.user import User

MAX_ADDRESS_LENGTH = 45


class Login(Base):
    """A login session of a user: its cookie is valid until one of its ends."""

    __tablename__ = "login"
    __table_args__ = (Index(None, "user_id", "at"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    at: Mapped[Timestamp]
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS_LENGTH))
    #: What its browser says it is: "Chrome, Windows".
    device: Mapped[str | None] = mapped_column(String(80))
    #: The end at the latest; None for sessions of former versions, which have ended.
    ends_at: Mapped[Timestamp | None]
    #: When it was last used, and until when it may rest; written at most once a minute, and not told in the trail.
    seen_at: Mapped[Timestamp | None]
    idle_until: Mapped[Timestamp | None]
    ended_at: Mapped[Timestamp | None]
    end_reason: Mapped[SessionEnd | None] = mapped_column(enum_type(SessionEnd, "end_reason"))

    def end(self, reason: SessionEnd, now: dt.datetime) -> None:
        """End it, if it has not ended."""
        if self.ended_at is None:
            self.ended_at, self.end_reason = now, reason


def open_login(
    session: Session,
    user: User,
    *,
    address: str,
    device: str | None,
    now: dt.datetime,
) -> Login:
    """Open a session of ``user``; the caller flushes."""
    limits = session_limits(user.roles)
    login = Login(
        user_id=user.id,
        agency_id=user.agency_id,
        at=now,
        address=address[:MAX_ADDRESS_LENGTH],
        device=device,
        ends_at=now + limits.absolute,
        seen_at=now,
        idle_until=now + limits.idle,
    )
    session.add(login)
    return login


def is_open(now: dt.datetime | ColumnElement[dt.datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return the criteria of the sessions that are open."""
    return Login.ended_at.is_(None), Login.ends_at > now, Login.idle_until > now


def open_logins(session: Session, user_id: int, now: dt.datetime) -> Sequence[Login]:
    """Return the open sessions of a user, the last used first."""
    result = select(Login).where(Login.user_id == user_id, *is_open(now))
    return session.scalars(result.order_by(Login.seen_at.desc(), Login.id.desc())).all()


def end_logins(
    session: Session, user_id: int, reason: SessionEnd, now: dt.datetime, *, kept_id: int | None = None
) -> int:
    """End the open sessions of a user but ``kept_id``, and return how many those were."""
    ended = [login for login in open_logins(session, user_id, now) if login.id != kept_id]
    for login in ended:
        login.end(reason, now)
    return len(ended)


def touch(connection: Connection, login_id: int, roles: Collection[Role], now: dt.datetime) -> None:
    """Write that a session was used just now: one statement, past the trail."""
    connection.execute(_TOUCH, {"login": login_id, "now": now, "until": now + session_limits(roles).idle})


_TABLE: Any = Login.__table__
_TOUCH = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("login"))
    .values(seen_at=bindparam("now"), idle_until=bindparam("until"))
)
