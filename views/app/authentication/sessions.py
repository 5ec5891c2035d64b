"""The session of the browser that asks: opened, continued and ended; and the password, asked again within it."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import g, request, session
from flask_login import login_user, logout_user

from lpse_admin.accounts.sessions import SessionEnd, device_name
from lpse_admin.errors import TooManyAttempts, Unauthenticated
from models.accounts.login_session import Login, open_login
from models.accounts.reauthentication import confirm_password, count_wrong_secret
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from views.app.access import get_current_user, settings
from views.app.clock import now
from views.forms import recovery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.accounts.user import User

#: Where the session keeps when the password was entered.
_ENTERED_KEY = "password_at"


def client_address() -> str:
    """Return where the request comes from."""
    return request.remote_addr or ""


def client_device() -> str | None:
    """Return what the browser says it is."""
    return device_name(request.headers.get("User-Agent", ""))


def set_owner_audit_context(user: User) -> None:
    """Make the owner of an account the actor of what follows, who is not logged in yet: a login, or a mailed link."""
    context = AuditContext(
        at=now(),
        actor_id=user.id,
        actor_name=user.full_name,
        address=client_address(),
        request_id=g.request_id,
        action=f"POST {request.endpoint}",
    )
    set_audit_context(db.session(), context)


def end_former_login() -> None:
    """End the session that this browser had, as somebody logs in anew in it; the caller commits."""
    former = db.session.get(Login, session.get("login", 0))
    if former is not None:
        former.end(SessionEnd.REPLACED, now())


def start_session(user: User, login: Login, *, is_password_entered: bool = True) -> None:
    """Give the browser the cookie of a session that was committed."""
    session.clear()
    session.permanent = True
    session["login"] = login.id
    if is_password_entered:
        note_password_entered()
    recovery.bind_csrf_token_to(user)
    login_user(user)
    g.current_user = user


def continue_session() -> None:
    """Open a new session for the current user, whose sessions have all ended just now; the caller commits.

    When the password was entered stays as it was.
    """
    user = get_current_user()
    login = open_login(db.session(), user, address=client_address(), device=client_device(), now=now())
    db.session.flush()
    session["login"] = login.id
    login_user(user)


def current_login_id() -> int:
    """Return the id of the session that asks."""
    return int(session.get("login", 0))


def note_password_entered() -> None:
    """Keep in the session that its owner has entered the password just now."""
    session[_ENTERED_KEY] = int(now().timestamp())


def password_entered_at() -> dt.datetime | None:
    """Return when the password was last entered in this session; None if that is not known."""
    stored = session.get(_ENTERED_KEY)
    return dt.datetime.fromtimestamp(stored, dt.UTC) if isinstance(stored, int) else None


def is_own_password(password: str) -> bool:
    """Whether ``password`` is the current user's, by the rule of ``confirm_password``.

    A wrong one is counted; over the limit TooManyAttempts is raised, and the session ends.
    """
    chosen = settings()
    try:
        with _logged_out_if_too_many():
            confirm_password(
                get_current_user(), _current_login(), password,
                now=now(), limit=chosen.login_limit, is_demo=chosen.is_demo,
            )  # fmt: skip
    except Unauthenticated:
        return False
    note_password_entered()
    return True


def count_wrong_code() -> None:
    """Count a wrong code within the session; raises as ``is_own_password``."""
    with _logged_out_if_too_many():
        count_wrong_secret(get_current_user(), _current_login(), now=now(), limit=settings().login_limit)


def _current_login() -> Login:
    return db.session.get_one(Login, current_login_id())


@contextmanager
def _logged_out_if_too_many() -> Iterator[None]:
    try:
        yield
    except TooManyAttempts:
        logout_user()
        session.clear()
        g.current_user = None
        raise
