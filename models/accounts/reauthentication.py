"""The password of somebody who is logged in, asked again before what only they may do."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.accounts.sessions import SessionEnd
from lpse_admin.errors import TooManyAttempts, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.login import count_wrong_password, is_accepted_password
from models.base import session_of

if TYPE_CHECKING:
    from lpse_admin.config import LoginLimit
    from models.accounts.login_session import Login
    from models.accounts.user import User

#: How long a password that was entered counts as recent.
RECENT = dt.timedelta(minutes=10)


def is_recent(entered_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the password was entered within ``RECENT``; a session that was only continued says nothing of it."""
    return entered_at is not None and now - entered_at < RECENT


def confirm_password(
    user: User, login: Login, password: str, *, now: dt.datetime, limit: LoginLimit, is_demo: bool
) -> None:
    """Check the password of ``user``, by the rule of the login; a wrong one is counted as ``count_wrong_secret`` says.

    Raises Unauthenticated for a wrong one, TooManyAttempts where the session has ended.
    """
    if is_accepted_password(user, password, is_demo=is_demo):
        return
    count_wrong_secret(user, login, now=now, limit=limit)
    raise Unauthenticated(_("This is not your current password."))


def count_wrong_secret(user: User, login: Login, *, now: dt.datetime, limit: LoginLimit) -> None:
    """Count a wrong password or code within a session as a failed login, and commit that.

    As many as the limit allows end the session, wherever they came from: raises TooManyAttempts then.
    """
    session = session_of(user)
    is_over = count_wrong_password(session, user, address=login.address, now=now, limit=limit)
    if is_over:
        login.end(SessionEnd.GUESSES, now)
    session.commit()
    if is_over:
        raise TooManyAttempts(
            _("Too many wrong passwords: you are logged out. Log in again, or ask for a link to set a new password."),
            retry_after=limit.minutes * 60,
        )
