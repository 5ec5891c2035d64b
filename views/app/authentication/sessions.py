"""The session of the browser that asks: opened, continued and ended; and the password, asked again within it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, request, session
from flask_login import login_user, logout_user

from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD
from lpse_admin.accounts.sessions import SessionEnd, device_name
from lpse_admin.errors import TooManyAttempts
from lpse_admin.i18n import _
from models.accounts.login import count_wrong_password
from models.accounts.login_session import Login, open_login
from models.accounts.user import is_password_correct
from models.database import db
from views.app.access import get_current_user, settings
from views.app.clock import now
from views.forms import recovery

if TYPE_CHECKING:
    from models.accounts.user import User

_SECONDS_PER_MINUTE = 60


def client_address() -> str:
    """Return where the request comes from."""
    return request.remote_addr or ""


def client_device() -> str | None:
    """Return what the browser says it is."""
    return device_name(request.headers.get("User-Agent", ""))


def end_former_login() -> None:
    """End the session that this browser had, as somebody logs in anew in it; the caller commits."""
    former = db.session.get(Login, session.get("login", 0))
    if former is not None:
        former.end(SessionEnd.REPLACED, now())


def start_session(user: User, login: Login) -> None:
    """Give the browser the cookie of a session that was committed."""
    session.clear()
    session.permanent = True
    session["login"] = login.id
    recovery.bind_csrf_token_to(user)
    login_user(user)
    g.current_user = user


def continue_session() -> None:
    """Open a new session for the current user, whose sessions have all ended just now; the caller commits."""
    user = get_current_user()
    login = open_login(db.session(), user, address=client_address(), device=client_device(), now=now())
    db.session.flush()
    session["login"] = login.id
    login_user(user)


def current_login_id() -> int:
    """Return the id of the session that asks."""
    return int(session.get("login", 0))


def is_own_password(password: str) -> bool:
    """Whether ``password`` is the current user's.

    A wrong one is counted; over the limit TooManyAttempts is raised, and the session ends.
    """
    user, chosen = get_current_user(), settings()
    if is_password_correct(user, password) and (chosen.is_demo or password != DEMO_PASSWORD):
        return True
    count_wrong_secret()
    return False


def count_wrong_secret() -> None:
    """Count a wrong password or code within the session; raises as ``is_own_password``."""
    user, limit = get_current_user(), settings().login_limit
    is_over = count_wrong_password(db.session(), user, address=client_address(), now=now(), limit=limit)
    login = db.session.get(Login, current_login_id())
    if is_over and login is not None:
        login.end(SessionEnd.GUESSES, now())
    db.session.commit()
    if is_over:
        logout_user()
        session.clear()
        g.current_user = None
        raise TooManyAttempts(
            _(
                "Too many wrong passwords: this session has ended. Log in again in %(minutes)s minutes.",
                minutes=limit.minutes,
            ),
            retry_after=limit.minutes * _SECONDS_PER_MINUTE,
        )
