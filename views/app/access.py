"""Login, logout, the current user, and the check that every view requires a login unless it is ``public``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask import Blueprint, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from lpse_admin.accounts.permissions import Resource, Verb, is_granted
from lpse_admin.errors import NotAllowed, Refused, TooManyAttempts, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.login import Login, LoginAttempt, log_in, logged_in_user_statement
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.delegation.delegation import Delegation, load_active_delegation
from models.notifications.notification import COUNT_UNREAD, count_unread
from models.office.agency import Agency
from views.app.clock import now
from views.app.errors import csrf_error_response, refusal_response, wants_json
from views.forms import recovery
from views.forms.base import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response
    from werkzeug.wrappers import Response as AnyResponse

    from lpse_admin.config import Settings

blueprint = Blueprint("access", __name__)

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
    """Return the offices that the one who asks sees anything of."""
    own = get_current_user().agency
    return [own] if own is not None else session.scalars(select(Agency).order_by(Agency.id)).all()


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


class LoginForm(Form):
    """The login form."""

    username = StringField(validators=[InputRequired(), Length(max=80)])
    password = PasswordField(validators=[InputRequired(), Length(max=200)])
    code = StringField(validators=[Length(max=10)])


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Show the login page, or log in and redirect to ``next``."""
    next_url = request.values.get("next", "")
    next_url = next_url if is_local_url(next_url) else "/"
    form = LoginForm()
    if request.method == "GET":
        return redirect(next_url) if current_user_or_none() else _login_page(form, next_url, 200)
    if not form.validate():
        return _login_page(form, next_url, 422)
    try:
        _open_session(form)
    except TooManyAttempts as refusal:
        return _login_refused(refusal, form, next_url, {"Retry-After": str(refusal.retry_after)})
    except Unauthenticated as refusal:
        return _login_refused(refusal, form, next_url, {})
    typed = recovery.load_submitted_form(request.form.get("typed"))
    user = current_user_or_none()
    if typed is not None and user is not None and typed.user_id == user.id:
        return recovery.recovery_page(typed), 200
    return redirect(next_url, 303)


def _login_page(form: LoginForm, next_url: str, status: int, refusal: Refused | None = None) -> tuple[str, int]:
    typed = request.form.get("typed")
    along = typed if recovery.load_submitted_form(typed) else None
    return render_template("app/login.html", form=form, onward=next_url, refusal=refusal, typed=along), status


def _handle_unauthenticated(refusal: Unauthenticated) -> AnyResponse:
    """Show the login page; a submitted form is restored after the login."""
    packed = None if wants_json() or (typed := recovery.submitted_form()) is None else typed.serialize()
    if packed is None:
        return refusal_response(refusal)
    form = LoginForm(formdata=None)
    page = render_template("app/login.html", form=form, onward="/", refusal=refusal, typed=packed)
    return make_response(page, refusal.status)


def _handle_csrf_error(error: CSRFError) -> AnyResponse:
    """Answer a form whose session has expired; if its user has logged in since, the form can be sent again."""
    user = current_user_or_none()
    typed = None if user is None or wants_json() else recovery.submitted_form()
    if typed is None or user is None or typed.user_id != user.id:
        return csrf_error_response(error)
    return make_response(recovery.recovery_page(typed), error.code)


def _login_refused(
    refusal: Refused, form: LoginForm, next_url: str, headers: dict[str, str]
) -> tuple[str, int, dict[str, str]]:
    if wants_json():
        raise refusal
    return *_login_page(form, next_url, refusal.status, refusal), headers


def _open_session(form: LoginForm) -> None:
    """Log in by the form, in a new session; raises Unauthenticated if the login fails."""
    limit = settings().login_limit
    attempt = LoginAttempt(
        username=(form.username.data or "").strip().replace("\0", ""),
        password=form.password.data or "",
        code=form.code.data or "",
        address=request.remote_addr or "",
    )
    login = log_in(db.session(), attempt, now=now(), max_failures=limit.failures, window_minutes=limit.minutes)
    user = db.session.get(User, login.user_id) if login else None
    if user is not None:
        set_audit_context(
            db.session(),
            AuditContext(
                at=now(),
                actor_id=user.id,
                actor_name=user.full_name,
                address=attempt.address,
                request_id=g.request_id,
                action=f"POST {request.endpoint}",
            ),
        )
    db.session.commit()
    if login is None or user is None:
        raise Unauthenticated(_("The user name, password or code is wrong."))
    session.clear()
    session.permanent = True
    session["login"] = login.id
    recovery.bind_csrf_token_to(user)
    login_user(user)
    g.current_user = user


@blueprint.post("/logout")
def logout() -> Response:
    """Log out: end the login session, so that no copy of its cookie is valid."""
    login = db.session.get(Login, session.get("login", 0))
    if login is not None and login.ended_at is None:
        login.ended_at = now()
    db.session.commit()
    logout_user()
    session.clear()
    g.current_user = None
    flash(gettext("You are logged out."), "success")
    return redirect(url_for("access.login"), 303)


#: With every page, so put together once; pages show the number beside the name.
_LOGGED_IN_USER = logged_in_user_statement(COUNT_UNREAD.scalar_subquery())


def _load_user(identity: str) -> User | None:
    """Return the user of a session cookie, or None if the session is not valid any more."""
    user_id, _dot, version = identity.partition(".")
    login_id = session.get("login")
    if not (user_id.isdigit() and version.isdigit() and isinstance(login_id, int)):
        return None
    parameters = {"login": login_id, "user": int(user_id), "version": int(version)}
    found = db.session.execute(_LOGGED_IN_USER, parameters).one_or_none()
    if found is None:
        return None
    user: User = found[0]
    g.unread = found[1]
    return user


def _limit_request_size() -> None:
    """Allow large request bodies only for file uploads of logged-in users; other forms are read into memory."""
    if is_public(request.endpoint) or request.mimetype != "multipart/form-data":
        request.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]


def _require_login() -> None:
    """Raise Unauthenticated unless the view is public or the user is logged in."""
    if is_public(request.endpoint):
        return
    if current_user_or_none() is not None:
        _refresh_session()
        return
    raise Unauthenticated(_("Please log in first."))


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
    app.register_error_handler(Unauthenticated, _handle_unauthenticated)
    app.register_error_handler(CSRFError, _handle_csrf_error)
    app.before_request(_limit_request_size)
    app.before_request(_require_login)
    app.register_blueprint(blueprint)
    app.context_processor(lambda: {"current_user": current_user_or_none, "delegation": current_delegation})
