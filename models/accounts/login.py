"""Logins: the sessions that they open, and the failures that are counted against guessing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import ForeignKey, Index, String, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.errors import TooManyAttempts
from lpse_admin.i18n import _
from models.accounts.user import User, is_password_correct
from models.base import Base, IdType, PrimaryKey, Timestamp
from models.database import takes_write_lock
from models.notifications.notification import COUNT_UNREAD

_SECONDS_PER_MINUTE = 60


class Login(Base):
    """A session of a user, from the login to the logout; its cookie is good only as long as this row is open."""

    __tablename__ = "login"
    __table_args__ = (Index(None, "user_id", "at"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    at: Mapped[Timestamp]
    address: Mapped[str] = mapped_column(String(45))
    ended_at: Mapped[Timestamp | None]


class LoginFailure(Base):
    """A login that failed, counted by account and by address so that nobody can go on guessing."""

    __tablename__ = "login_failure"
    __table_args__ = (Index(None, "username", "at"), Index(None, "address", "at"))

    id: Mapped[PrimaryKey]
    at: Mapped[Timestamp]
    username: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(45))
    #: The agency of the account that was tried, where there is such an account.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What somebody typed in to log in, and where from; ``code`` is the second factor's."""

    username: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str


def log_in(
    session: Session, attempt: LoginAttempt, *, now: dt.datetime, max_failures: int, window_minutes: int
) -> Login | None:
    """Open a session for whoever ``attempt`` names, or count the failure and return None; the caller commits.

    Raises TooMany if account or address has failed ``max_failures`` times within ``window_minutes``. The password
    is compared outside of any transaction, so that nobody waits for its hash.
    """
    window = dt.timedelta(minutes=window_minutes)

    def refuse_the_locked_out() -> None:
        if is_locked_out(session, attempt.username, attempt.address, since=now - window, limit=max_failures):
            raise TooManyAttempts(
                _("Too many failed logins. Try again in %(minutes)s minutes.", minutes=window_minutes),
                retry_after=window_minutes * _SECONDS_PER_MINUTE,
            )

    takes_write_lock.set(False)
    refuse_the_locked_out()
    known = session.scalars(select(User).where(User.username == attempt.username)).one_or_none()
    if known is not None:
        session.expunge(known)
    session.rollback()
    is_right = is_password_correct(known, attempt.password)
    takes_write_lock.set(True)
    # The row's lock lets those who guess at one account at the same time pass one after the other.
    user = session.get(User, known.id, with_for_update={"of": User}) if known is not None else None
    refuse_the_locked_out()
    address = attempt.address[:45]
    if is_right and user is not None and user.is_active and user.accept_code(attempt.code, now):
        opened = Login(user_id=user.id, agency_id=user.agency_id, at=now, address=address)
        session.add(opened)
        session.flush()
        return opened
    session.add(
        LoginFailure(
            at=now, username=attempt.username[:80], address=address, agency_id=user.agency_id if user else None
        )
    )
    session.flush()
    return None


def logged_in_user(session: Session, login_id: int, user_id: int, version: int) -> tuple[User, int] | None:
    """Return the user whose session is open still, or None where it has ended or they were disabled.

    With them comes how many notifications they have not read (``notifications.notification.unread``), which most
    pages say.
    """
    found = session.execute(_LOGGED_IN_USER, {"login": login_id, "user": user_id, "version": version}).one_or_none()
    return None if found is None else (found[0], found[1])


#: Asked at every request, so put together once.
_LOGGED_IN_USER = (
    select(User, COUNT_UNREAD.scalar_subquery())
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
    """Whether ``username`` or ``address`` has failed ``limit`` times or more after ``since``."""
    for column, value in ((LoginFailure.username, username), (LoginFailure.address, address)):
        count = session.scalar(
            select(func.count()).select_from(LoginFailure).where(column == value, LoginFailure.at > since)
        )
        if (count or 0) >= limit:
            return True
    return False
