"""Logging in, and the failed logins that are counted against guessing."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, bindparam, exists, false, func, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD, is_first_password_over
from lpse_admin.accounts.usernames import normalize_username
from lpse_admin.errors import NotAllowed, TooManyAttempts, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.factors.passkey import load_passkeys
from models.accounts.factors.sealing import secret_box
from models.accounts.factors.second_factor import accept_code
from models.accounts.login_session import MAX_ADDRESS_LENGTH, Login, is_open, open_login
from models.accounts.password_reset import PasswordReset
from models.accounts.user import User, find_user, is_password_correct
from models.base import Base, IdType, PrimaryKey, Timestamp, UtcDateTime
from models.database import takes_write_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import ColumnElement, CompoundSelect, ScalarSelect, Select

    from lpse_admin.config import LoginLimit

_SECONDS_PER_MINUTE = 60
_FIRST_PASSWORD_OVER = _(
    "This first password has ended: it was good for three days. Ask an administrator for a new one, or for a link."
)
_MAX_USERNAME_LENGTH = 80

#: An address may fail this many times as often as one account at that address, since an office has one address for
#: many people; so may an account at addresses where it was never opened.
WIDER_LIMIT = 20


class LoginFailure(Base):
    """A failed login, counted by user name and by client address."""

    __tablename__ = "login_failure"
    __table_args__ = (Index(None, "username", "at"), Index(None, "address", "at"))

    id: Mapped[PrimaryKey]
    at: Mapped[Timestamp]
    username: Mapped[str] = mapped_column(String(_MAX_USERNAME_LENGTH))
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS_LENGTH))
    #: The agency of the account, if the user name exists.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    #: Whether the password was right, and the code of the second factor was not.
    was_password_right: Mapped[bool] = mapped_column(default=False, server_default=false())


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """The input of the login form, the client address and its device; ``code`` is the second factor."""

    username: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The password was right, and a second factor is to follow: whose, and by which of their passkeys."""

    user: User


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """Why there is no session: over a limit, or else something was wrong; ``user`` is the account, if there is one.

    ``reaches_limit`` if this was the failure that made the account's number of failures as large as the limit.
    """

    user: User | None
    too_many: TooManyAttempts | None = None
    reaches_limit: bool = False


def log_in(
    session: Session, attempt: LoginAttempt, *, now: dt.datetime, limit: LoginLimit, is_demo: bool
) -> Login | SecondStep | LoginRefused:
    """Open a login session, ask for the second factor, or count the failure; the caller commits.

    Failures are limited for an account at an address, for the address, and for the account at addresses where it was
    never opened; over a limit TooManyAttempts is raised before the password is looked at. From an address where the
    account was opened before, the right password always gets in, so that nobody is shut out by others: a wrong one is
    counted, and over the limit it is refused as TooManyAttempts. The demo's password, which everybody knows, is
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
    is_correct = is_accepted_password(known, attempt.password, is_demo=is_demo)
    takes_write_lock.set(True)
    user = _lock_user(session, known.id) if known is not None else None
    failures.require_allowed()
    # A password that was set anew during the slow hash is not the one that was verified.
    is_present = known is not None and user is not None and user.password_hash == known.password_hash
    if not (is_correct and is_present and user is not None and user.is_active):
        return failures.record(user, now, was_password_right=False)
    if needs_second_factor(session, user):
        if not attempt.code.strip():
            return SecondStep(user)
        if not accept_code(user, _folded(attempt.code), address=attempt.address, now=now):
            return failures.record(user, now, was_password_right=True)
    return _open(session, user, attempt, now)


def complete_log_in(
    session: Session,
    asked: User,
    attempt: LoginAttempt,
    *,
    now: dt.datetime,
    limit: LoginLimit,
    proves: Callable[[User], bool] | None = None,
) -> Login | LoginRefused:
    """Open a session after the second step: by ``attempt.code``, or by what ``proves`` says of a passkey.

    Failures are counted and limited as those of ``log_in``; the caller says who was let through the first step, as
    the account was then: a password that was set anew since, or another end of the sessions, ends this login too.
    """
    version = asked.session_version
    user = _lock_user(session, asked.id)
    if user is None or not user.is_active or user.session_version != version:
        return LoginRefused(None)
    failures = _Failures(session, attempt, user, now, limit)
    failures.require_allowed()
    code = _folded(attempt.code)
    if proves(user) if proves is not None else accept_code(user, code, address=attempt.address, now=now):
        return _open(session, user, attempt, now)
    return failures.record(user, now, was_password_right=True)


def _lock_user(session: Session, user_id: int) -> User | None:
    """Return the user, locked: concurrent attempts at one account are serialised."""
    return session.get(User, user_id, with_for_update={"of": User}, populate_existing=True)


def is_accepted_password(user: User | None, password: str, *, is_demo: bool) -> bool:
    """Whether ``password`` opens the account; the demo's, which everybody knows, does so in the demo alone."""
    return is_password_correct(user, password) and (is_demo or password != DEMO_PASSWORD)


def needs_second_factor(session: Session, user: User) -> bool:
    """Whether the account has a second factor."""
    return user.totp_secret is not None or bool(load_passkeys(session, user.id))


def _open(session: Session, user: User, attempt: LoginAttempt, now: dt.datetime) -> Login:
    if refusal := user.outside_inspection(now):
        raise NotAllowed(refusal)
    if user.is_password_initial and is_first_password_over(user.password_set_at, now):
        raise Unauthenticated(_FIRST_PASSWORD_OVER)
    login = open_login(session, user, address=attempt.address, device=attempt.device, now=now)
    session.flush()
    return login


def count_wrong_password(session: Session, user: User, *, address: str, now: dt.datetime, limit: LoginLimit) -> bool:
    """Count a wrong password or code that was given within a session; whether there were as many as the limit allows.

    The session ends then: whoever sits before another one's screen does not get to guess. The caller commits.
    """
    failures = _Failures(session, LoginAttempt(user.username, "", "", address), user, now, limit)
    failures.record(user, now, was_password_right=False)
    return failures.of_pair() >= limit.failures


def _too_many(limit: LoginLimit) -> TooManyAttempts:
    return TooManyAttempts(
        _("Too many failed logins. Try again in %(minutes)s minutes.", minutes=limit.minutes),
        retry_after=limit.minutes * _SECONDS_PER_MINUTE,
    )


def _folded(code: str) -> str:
    """Return the letters and digits of a code as it was typed: with blanks or hyphens, or wide."""
    return "".join(character for character in unicodedata.normalize("NFKC", code) if character.isalnum())


def _stand_in(typed: str) -> str:
    """Return what is kept of a name that no account has, which may be a password: its hash with the installation's key.

    The same name is counted by it.
    """
    return secret_box().hash_name(normalize_username(typed))


class _Failures:
    """The failures that count for and against an attempt, and whether it is still allowed."""

    def __init__(
        self, session: Session, attempt: LoginAttempt, user: User | None, now: dt.datetime, limit: LoginLimit
    ) -> None:
        self._session, self._limit = session, limit
        self._user_id = user.id if user is not None else None
        self.username = (user.username if user is not None else _stand_in(attempt.username))[:_MAX_USERNAME_LENGTH]
        self.address = attempt.address[:MAX_ADDRESS_LENGTH]
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

    def record(self, user: User | None, now: dt.datetime, *, was_password_right: bool) -> LoginRefused:
        """Count a failure, and return what it comes to."""
        is_over = self.of_pair() >= self._limit.failures
        failure = LoginFailure(
            at=now,
            username=self.username,
            address=self.address,
            agency_id=user.agency_id if user else None,
            was_password_right=was_password_right,
        )
        self._session.add(failure)
        self._session.flush()
        reaches_limit = user is not None and self._of_account(true()) == self._limit.failures
        return LoginRefused(user, _too_many(self._limit) if is_over else None, reaches_limit)

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
    """Return the statement for the user of an open session, when it was last seen, and ``columns``.

    Parameters: login, user, version, now.     It finds no row if the session has ended or the user is disabled.
    """
    return (
        select(User, Login.seen_at, *columns)
        .join(Login, Login.user_id == User.id)
        .where(
            Login.id == bindparam("login"),
            *is_open(bindparam("now", type_=UtcDateTime())),
            User.id == bindparam("user"),
            User.session_version == bindparam("version"),
            User.is_active,
        )
    )
