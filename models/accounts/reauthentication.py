"""The password of somebody who is logged in, asked again before what only they may do."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.accounts.sessions import SessionEnd
from lpse_admin.errors import TooManyAttempts, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.login import count_wrong_password
from models.accounts.user import is_password_correct

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lpse_admin.config import LoginLimit
    from models.accounts.login_session import Login
    from models.accounts.user import User

#: How long a password that was entered counts as recent.
RECENT = dt.timedelta(minutes=10)


def is_recent(login: Login | None, confirmed_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the password was entered within ``RECENT``: at the login, or when it was asked for again."""
    moments = [moment for moment in (login.at if login else None, confirmed_at) if moment is not None]
    return bool(moments) and now - max(moments) < RECENT


def confirm_password(
    session: Session, user: User, login: Login, password: str, *, now: dt.datetime, limit: LoginLimit
) -> None:
    """Check the password of ``user``; a wrong one is counted as a failed login, and too many end the session.

    Commits the failure. Raises Unauthenticated for a wrong one, TooManyAttempts where the session has ended.
    """
    if is_password_correct(user, password):
        return
    is_over = count_wrong_password(session, user, address=login.address, now=now, limit=limit)
    if is_over:
        login.end(SessionEnd.GUESSES, now)
    session.commit()
    if is_over:
        raise TooManyAttempts(
            _("Too many wrong passwords: you are logged out. Log in again, or ask for a link to set a new password."),
            retry_after=limit.minutes * 60,
        )
    raise Unauthenticated(_("This is not your current password."))
