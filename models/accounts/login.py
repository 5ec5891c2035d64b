"""Login sessions, and the failed logins that are counted against guessing."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, bindparam, exists, false, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.accounts.passwords import DEMO_PASSWORD
from lpse_admin.accounts.usernames import normalize_username
from lpse_admin.errors import NotAllowed, TooManyAttempts
from lpse_admin.i18n import _
from models.accounts.password_reset import PasswordReset
from models.accounts.user import User, find_user, is_password_correct
from models.base import Base, IdType, PrimaryKey, Timestamp
from models.database import takes_write_lock

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import ColumnElement, CompoundSelect, ScalarSelect, Select

    from lpse_admin.config import LoginLimit

_SECONDS_PER_MINUTE = 60
_MAX_USERNAME_LENGTH, _MAX_ADDRESS_LENGTH = 80, 45

#: An address may fail this many times as often as one account at that address, since an office has one address for
#: many people; so may an account at addresses where it was never opened.
WIDER_LIMIT = 20


class Login(Base):
    """A login session of a user; its cookie is valid until ``ended_at`` is set."""

    __tablename__ = "login"
    __table_args__ = (Index(None, "user_id", "at"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    at: Mapped[Timestamp]
    address: Mapped[str] = mapped_column(String(_MAX_ADDRESS_LENGTH))
    ended_at: Mapped[Timestamp | None]


class LoginFailure(Base):
    """A failed login, counted by user name and by client address."""

    __tablename__ = "login_failure"
    __table_args__ = (Index(None, "username", "at"), Index(None, "address", "at"))

    id: Mapped[PrimaryKey]
    at: Mapped[Timestamp]
    username: Mapped[str] = mapped_column(String(_MAX_USERNAME_LENGTH))
    address: Mapped[str] = mapped_column(String(_MAX_ADDRESS_LENGTH))
    #: The agency of the account, if the user name exists.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    #: Whether the password was right, and the code of the second factor was not.
    was_password_right: Mapped[bool] = mapped_column(default=False, server_default=false())


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """The input of the login form, and the client address; ``code`` is the second factor."""

    username: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str


def log_in(
    session: Session, attempt: LoginAttempt, *, now: dt.datetime, limit: LoginLimit, is_demo: bool
) -> Login | TooManyAttempts | None:
    """Open a login session, or count the failure and return why there is none; the caller commits.

    Failures are limited for an account at an address, for the address, and for the account at addresses where it was
    never opened; over a limit TooManyAttempts is raised before the password is looked at. From an address where the
    account was opened before, the right password always gets in, so that nobody is shut out by others: a wrong one is
    counted, and over the limit TooManyAttempts is returned, else None. The demo's password, which everybody knows, is
    wrong outside of the demo. The password is verified outside of a transaction, so that no lock is held during the
    slow hash. Raises NotAllowed for an inspector who gives the right one before or after the days of the inspection.
    """
    takes_write_lock.set(False)
    known = find_user(session, attempt.username)
    failures = _Failures(session, attempt, known, now, limit)
    failures.require_allowed()
    if known is not None:
        session.expunge(known)
    session.rollback()
    is_correct = is_password_correct(known, attempt.password) and (is_demo or attempt.password != DEMO_PASSWORD)
    takes_write_lock.set(True)
    # The row lock serialises concurrent attempts at one account.
    user = session.get(User, known.id, with_for_update={"of": User}) if known is not None else None
    failures.require_allowed()
    is_right = is_correct and user is not None and user.is_active
    if is_right and user is not None and user.accept_code(_digits(attempt.code), now):
        if refusal := user.outside_inspection(now):
            raise NotAllowed(refusal)
        login = Login(user_id=user.id, agency_id=user.agency_id, at=now, address=failures.address)
        session.add(login)
        session.flush()
        return login
    is_over = failures.of_pair() >= limit.failures
    session.add(
        LoginFailure(
            at=now,
            username=failures.username,
            address=failures.address,
            agency_id=user.agency_id if user else None,
            was_password_right=is_right,
        )
    )
    session.flush()
    return _too_many(limit) if is_over else None


def _too_many(limit: LoginLimit) -> TooManyAttempts:
    return TooManyAttempts(
        _("Too many failed logins. Try again in %(minutes)s minutes.", minutes=limit.minutes),
        retry_after=limit.minutes * _SECONDS_PER_MINUTE,
    )


def _digits(code: str) -> str:
    """Return the digits of a code as it was typed: with blanks or hyphens, or wide."""
    return "".join(character for character in unicodedata.normalize("NFKC", code) if character.isdigit())


class _Failures:
    """The failures that count for and against an attempt, and whether it is still allowed."""

    def __init__(
        self, session: Session, attempt: LoginAttempt, user: User | None, now: dt.datetime, limit: LoginLimit
    ) -> None:
        self._session, self._limit = session, limit
        self._user_id = user.id if user is not None else None
        self.username = (user.username if user is not None else normalize_username(attempt.username))[
            :_MAX_USERNAME_LENGTH
        ]
        self.address = attempt.address[:_MAX_ADDRESS_LENGTH]
        self._since = now - dt.timedelta(minutes=limit.minutes)
        #: What was guessed before the password was set anew tells nothing of the present one.
        self._password_set_at = user.password_set_at if user is not None else None

    def require_allowed(self) -> None:
        """Raise TooManyAttempts over a limit.

        At an address where the account was opened before only wrong codes count: they follow a right password.
        """
        if self._of_account(LoginFailure.was_password_right.is_(True)) >= self._limit.failures:
            raise _too_many(self._limit)
        if self._is_address_known():
            return
        wider = self._limit.failures * WIDER_LIMIT
        if self.of_pair() >= self._limit.failures or self._of_address() >= wider:
            raise _too_many(self._limit)
        if self._of_account(LoginFailure.address.not_in(self._known_addresses())) >= wider:
            raise _too_many(self._limit)

    def of_pair(self) -> int:
        """Return the failures of the account at this address."""
        return self._of_account(LoginFailure.address == self.address)

    def _of_account(self, criterion: ColumnElement[bool]) -> int:
        criteria = [LoginFailure.username == self.username, criterion]
        if self._password_set_at is not None:
            criteria.append(LoginFailure.at >= self._password_set_at)
        return self._count(*criteria)

    def _of_address(self) -> int:
        return self._count(LoginFailure.address == self.address)

    def _count(self, *criteria: ColumnElement[bool]) -> int:
        counted = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > self._since, *criteria)
        return self._session.scalar(counted) or 0

    def _is_address_known(self) -> bool:
        known = self._known_addresses().subquery()
        return self._session.scalar(select(exists().where(known.c.address == self.address))) or False

    def _known_addresses(self) -> CompoundSelect[Any]:
        """Return the statement for the addresses from which the account was opened: by a login, or by a mailed link."""
        logins = select(Login.address.label("address")).where(Login.user_id == self._user_id)
        links = select(PasswordReset.used_from).where(
            PasswordReset.user_id == self._user_id, PasswordReset.used_from.is_not(None)
        )
        return logins.union_all(links)


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
