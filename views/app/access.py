"""The current user, and the check that every view requires a login unless it is ``public``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from flask import current_app, flash, g, request, session
from flask_login import LoginManager, current_user
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from lpse_admin.accounts.sessions import TOUCH_INTERVAL
from lpse_admin.errors import NotAllowed, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.login import logged_in_user_statement
from models.accounts.login_session import touch
from models.database import BUSY_TIMEOUT, db, is_sqlite, read_only, takes_write_lock
from models.delegation.delegation import Delegation, load_active_delegation
from models.notifications.notification import COUNT_UNREAD, count_unread
from models.office.agency import Agency
from views.app.clock import now
from views.i18n.wording import tr

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from flask import Flask
    from sqlalchemy.orm import Session

    from lpse_admin.config import Settings
    from lpse_admin.i18n import Message
    from models.accounts.user import User

#: Flask's own endpoints that need no login; ours are marked with ``public``.
_PUBLIC = frozenset({"static"})
_public_views: set[Callable[..., Any] | None] = set()
_SETTINGS_KEY = "lpse_settings"
#: Seconds after which the session cookie is renewed.
_COOKIE_REFRESH_SECONDS = 300

View = TypeVar("View", bound="Callable[..., Any]")


def public(view: View) -> View:
    """Mark a view as public; all others require a login."""
    _public_views.add(view)
    return view


def is_public(endpoint: str | None) -> bool:
    """Whether the endpoint is public."""
    if endpoint is None or endpoint in _PUBLIC:
        return True
    return current_app.view_functions.get(endpoint) in _public_views


def settings() -> Settings:
    """Return the settings of the app."""
    settings_: Settings = current_app.extensions[_SETTINGS_KEY]
    return settings_


def current_user_or_none() -> User | None:
    """Return the current user, or None if nobody is logged in or the database is unavailable."""
    if "current_user" not in g:
        g.current_user = current_user._get_current_object() if current_user.is_authenticated else None
    user: User | None = g.current_user
    return user


def unread_count() -> int:
    """Return the number of the current user's unread notifications, at most MAX_UNREAD + 1."""
    user = current_user_or_none()
    if "unread" not in g:
        g.unread = count_unread(db.session(), user) if user else 0
    unread: int = g.unread
    return unread


def current_delegation() -> Delegation | None:
    """Return the delegation by which the current user acts for the head now, or None."""
    if "delegation" not in g:
        user = current_user_or_none()
        g.delegation = load_active_delegation(db.session(), user, now()) if user else None
    delegation: Delegation | None = g.delegation
    return delegation


def get_current_user() -> User:
    """Return the current user; raises Unauthenticated if nobody is logged in."""
    user = current_user_or_none()
    if user is None:
        raise Unauthenticated(_("Please log in first."))
    return user


def visible_agencies(session: Session) -> Sequence[Agency]:
    """Return the offices that the one who asks sees anything of; read once for a page."""
    own = get_current_user().agency
    if own is not None:
        return [own]
    if "all_agencies" not in g:
        g.all_agencies = session.scalars(select(Agency).order_by(Agency.id)).all()
    result: Sequence[Agency] = g.all_agencies
    return result


def is_acting_head() -> bool:
    """Whether the current user acts for the head now."""
    return current_delegation() is not None


def can(verb: Verb, resource: Resource) -> bool:
    """Whether the current user may do ``verb`` to records of ``resource``."""
    user = current_user_or_none()
    if user is None:
        return False
    if is_granted(user.roles, verb, resource):
        return True
    return is_granted(user.roles, verb, resource, is_acting_head=True) and is_acting_head()


def is_local_url(address: str) -> bool:
    """Whether ``address`` is a path of this program, and so a safe target of a redirect."""
    return address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()


#: With every page, so put together once; pages show the number beside the name.
_LOGGED_IN_USER = logged_in_user_statement(COUNT_UNREAD.scalar_subquery())


def _load_user(identity: str) -> User | None:
    """Return the user of a session cookie, or None if the session is not valid any more."""
    user_id, _dot, version = identity.partition(".")
    login_id = session.get("login")
    if not (user_id.isdigit() and version.isdigit() and isinstance(login_id, int)):
        return None
    at = now()
    parameters = {"login": login_id, "user": int(user_id), "version": int(version), "now": at}
    result = db.session.execute(_LOGGED_IN_USER, parameters).one_or_none()
    if result is None:
        return None
    user: User = result[0]
    g.unread = result[2]
    if refusal := user.outside_inspection(at):
        g.login_refusal = refusal
        session.clear()
        return None
    if not result[1] <= at < result[1] + TOUCH_INTERVAL:
        _touch(login_id, user, at)
    return user


def _touch(login_id: int, user: User, at: dt.datetime) -> None:
    """Write that the session was used: with what the request writes, or by itself where it only reads."""
    if takes_write_lock.get():
        touch(db.session().connection(), login_id, user.roles, at)
        return
    # A page waits for nobody who writes just now: the next one tells that the session was used.
    with suppress(OperationalError), read_only(db.engine).connect() as connection:
        is_embedded = is_sqlite(connection)
        connection.exec_driver_sql("PRAGMA busy_timeout = 50" if is_embedded else "SET LOCAL lock_timeout = '50ms'")
        try:
            touch(connection, login_id, user.roles, at)
            connection.commit()
        finally:
            if is_embedded:
                connection.rollback()
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")


def _limit_request_size() -> None:
    """Allow large request bodies only for file uploads of logged-in users; other forms are read into memory."""
    if is_public(request.endpoint) or request.mimetype != "multipart/form-data":
        request.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]
    elif current_user_or_none() is not None:
        # More than is taken, so that the form comes back with its text and says so.
        request.max_content_length = current_app.config["MAX_UPLOAD_LENGTH"]


def _require_login() -> None:
    """Raise Unauthenticated unless the view is public or the user is logged in."""
    if is_public(request.endpoint):
        return
    if current_user_or_none() is not None:
        _refresh_session()
        return
    refusal: Message | None = g.get("login_refusal")
    if refusal is not None:
        flash(tr(refusal), "warning")  # for the login page, to which a GET is sent
    raise Unauthenticated(refusal or _("Please log in first."))


def _refresh_session() -> None:
    """Extend the session; its cookie is sent again only every few minutes."""
    seen = int(now().timestamp()) // _COOKIE_REFRESH_SECONDS
    if session.get("seen") != seen:
        session["seen"] = seen


def require(condition: object) -> None:
    """Raise NotAllowed unless ``condition`` is true."""
    if not condition:
        raise NotAllowed(_("You are not allowed to do this."))


def init_app(app: Flask, settings: Settings) -> None:
    """Set up login for ``app``, and require it for all views that are not public."""
    app.extensions[_SETTINGS_KEY] = settings
    manager = LoginManager()
    manager.session_protection = None  # mobile clients change their address; the cookie is HttpOnly and signed
    manager.init_app(app, add_context_processor=False)
    manager.user_loader(_load_user)
    app.before_request(_limit_request_size)
    app.before_request(_require_login)
    app.context_processor(lambda: {"current_user": current_user_or_none, "delegation": current_delegation})
