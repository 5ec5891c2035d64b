"""Login sessions, and the failed logins that are counted against guessing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.errors import TooManyAttempts
from lpse_admin.i18n import _
from models.accounts.user import User, is_password_correct
from models.base import Base, IdType, PrimaryKey, Timestamp
from models.database import takes_write_lock

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import ScalarSelect, Select

_SECONDS_PER_MINUTE = 60


class Login(Base):
    """A login session of a user; its cookie is valid until ``ended_at`` is set."""

    __tablename__ = "login"
    __table_args__ = (Index(None, "user_id", "at"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    at: Mapped[Timestamp]
    address: Mapped[str] = mapped_column(String(45))
    ended_at: Mapped[Timestamp | None]


class LoginFailure(Base):
    """A failed login, counted by user name and by client address."""

    __tablename__ = "login_failure"
    __table_args__ = (Index(None, "username", "at"), Index(None, "address", "at"))

    id: Mapped[PrimaryKey]
    at: Mapped[Timestamp]
    username: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(45))
    #: The agency of the account, if the user name exists.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """The input of the login form, and the client address; ``code`` is the second factor."""

    username: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str


def log_in(
    session: Session, attempt: LoginAttempt, *, now: dt.datetime, max_failures: int, window_minutes: int
) -> Login | None:
    """Open a login session, or count the failure and return None; the caller commits.

    Raises TooManyAttempts if the user name or the address failed ``max_failures`` times within ``window_minutes``. The
    password is verified outside of a transaction, so that no lock is held during the slow hash.
    """
    window = dt.timedelta(minutes=window_minutes)

    def require_not_locked_out() -> None:
        if is_locked_out(session, attempt.username, attempt.address, since=now - window, limit=max_failures):
            raise TooManyAttempts(
                _("Too many failed logins. Try again in %(minutes)s minutes.", minutes=window_minutes),
                retry_after=window_minutes * _SECONDS_PER_MINUTE,
            )

    takes_write_lock.set(False)
    require_not_locked_out()
    known = session.scalars(select(User).where(User.username == attempt.username)).one_or_none()
    if known is not None:
        session.expunge(known)
    session.rollback()
    is_correct = is_password_correct(known, attempt.password)
    takes_write_lock.set(True)
    # The row lock serialises concurrent attempts at one account.
    user = session.get(User, known.id, with_for_update={"of": User}) if known is not None else None
    require_not_locked_out()
    address = attempt.address[:45]
    if is_correct and user is not None and user.is_active and user.accept_code(attempt.code, now):
        login = Login(user_id=user.id, agency_id=user.agency_id, at=now, address=address)
        session.add(login)
        session.flush()
        return login
    session.add(
        LoginFailure(
            at=now, username=attempt.username[:80], address=address, agency_id=user.agency_id if user else None
        )
    )
    session.flush()
    return None


def logged_in_user_statement(*columns: ScalarSelect[Any]) -> Select[Any]:
    """Return the statement for the user of an open session, with ``columns``; parameters: login, user, version.

    It finds no row if the session has ended or the user is disabled.
    """
    return (
        select(User, *columns)
        .join(Login, Login.user_id == User.id)
        .where(
            Login.id == bindparam("login"),
            Login.ended_at.is_(None),
            User.id == bindparam("user"),
            User.session_version == bindparam("version"),
            User.is_active,
        )
    )


def is_locked_out(session: Session, username: str, address: str, *, since: dt.datetime, limit: int) -> bool:
    """Whether ``username`` or ``address`` has at least ``limit`` failures after ``since``."""
    for column, value in ((LoginFailure.username, username), (LoginFailure.address, address)):
        count = session.scalar(
            select(func.count()).select_from(LoginFailure).where(column == value, LoginFailure.at > since)
        )
        if (count or 0) >= limit:
            return True
    return False
