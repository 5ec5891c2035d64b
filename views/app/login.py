"""Login, the first password, and logout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext
from flask_login import login_user, logout_user
from flask_wtf.csrf import CSRFError
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from lpse_admin.errors import NotAllowed, Refused, TooManyAttempts, Unauthenticated, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.login import Login, LoginAttempt, log_in
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from views.app.access import (
    current_user_or_none,
    get_current_user,
    is_local_url,
    is_public,
    public,
    settings,
)
from views.app.clock import now
from views.app.errors import csrf_error_response, refusal_response, wants_json
from views.forms import recovery
from views.forms.base import Form

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

blueprint = Blueprint("access", __name__)

#: What somebody may open who has not changed their first password yet; beside it what is public.
_BEFORE_FIRST_PASSWORD = frozenset({"access.first_password", "access.logout"})


class LoginForm(Form):
    """The login form."""

    username = StringField(validators=[InputRequired(), Length(max=80)])
    password = PasswordField(validators=[InputRequired(), Length(max=200)])
    code = StringField(validators=[Length(max=20)])


class NewPasswordForm(Form):
    """A password of one's own choice, twice."""

    new = PasswordField(_("New password"), validators=[InputRequired()])
    again = PasswordField(_("Repeat the new password"), validators=[InputRequired()])


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Show the login page, or log in and redirect to ``next``."""
    form, next_url = LoginForm(), _next_url()
    if request.method == "GET":
        return redirect(next_url) if current_user_or_none() else _login_page(form, next_url, 200)
    if not form.validate():
        return _login_page(form, next_url, 422)
    try:
        user = _open_session(form)
    except TooManyAttempts as refusal:
        return _login_refused(refusal, form, next_url, {"Retry-After": str(refusal.retry_after)})
    except (Unauthenticated, NotAllowed) as refusal:
        return _login_refused(refusal, form, next_url, {})
    return _go_on(user, next_url)


def _go_on(user: User, next_url: str) -> Response | tuple[str, int]:
    """Lead on to ``next_url``, to the form that came along, or first to a password of one's own."""
    typed = _typed_by(user)
    if user.is_password_initial:
        if typed is not None:
            return _first_password_page(NewPasswordForm(formdata=None), next_url, 200)
        return redirect(url_for("access.first_password", next=next_url), 303)
    return (recovery.recovery_page(typed), 200) if typed is not None else redirect(next_url, 303)


def _next_url() -> str:
    """Return where to go afterwards: a path of this program."""
    next_url = request.values.get("next", "")
    return next_url if is_local_url(next_url) else "/"


def _typed_by(user: User) -> recovery.SubmittedForm | None:
    """Return the form that came along with the login, if ``user`` has filled it in."""
    typed = recovery.load_submitted_form(request.form.get("typed"))
    return typed if typed is not None and typed.user_id == user.id else None


def _login_page(form: LoginForm, next_url: str, status: int, refusal: Refused | None = None) -> tuple[str, int]:
    typed = request.form.get("typed")
    return _render_login(form, next_url, refusal, typed if recovery.load_submitted_form(typed) else None), status


def _render_login(form: LoginForm, next_url: str, refusal: Refused | None, typed: str | None) -> str:
    return render_template(
        "app/login.html",
        form=form,
        onward=next_url,
        refusal=refusal,
        typed=typed,
        needs_https=is_https_missing(),
        base_url=settings().base_url,
    )


def is_https_missing() -> bool:
    """Whether this request came over plain HTTP although the session cookie is only sent over HTTPS."""
    return bool(current_app.config["SESSION_COOKIE_SECURE"]) and not request.is_secure


def _handle_unauthenticated(refusal: Unauthenticated) -> Response:
    """Show the login page; a submitted form is restored after the login."""
    typed = None if wants_json() else recovery.submitted_form()
    packed = typed.serialize() if typed is not None else None
    if typed is None or packed is None:
        return refusal_response(refusal)
    recovery.keep_files_of_lapsed(typed)
    return make_response(_render_login(LoginForm(formdata=None), "/", refusal, packed), refusal.status)


def _handle_csrf_error(error: CSRFError) -> Response:
    """Answer a form whose session has expired; if its user has logged in since, the form can be sent again."""
    user = current_user_or_none()
    if user is None and request.endpoint == "access.login" and is_https_missing() and not wants_json():
        # The browser has kept no cookie: the page says why.
        return make_response(_login_page(LoginForm(), _next_url(), error.code or 400))
    typed = None if user is None or wants_json() else recovery.submitted_form()
    if typed is None or user is None or typed.user_id != user.id:
        return csrf_error_response(error)
    recovery.keep_files_of_lapsed(typed)
    return make_response(recovery.recovery_page(typed), error.code)


def _login_refused(
    refusal: Refused, form: LoginForm, next_url: str, headers: dict[str, str]
) -> tuple[str, int, dict[str, str]]:
    if wants_json():
        raise refusal
    return *_login_page(form, next_url, refusal.status, refusal), headers


def _open_session(form: LoginForm) -> User:
    """Log in by the form, in a new session; raises Unauthenticated or TooManyAttempts if the login fails."""
    attempt = LoginAttempt(
        username=form.username.data or "",
        password=form.password.data or "",
        code=form.code.data or "",
        address=request.remote_addr or "",
    )
    chosen = settings()
    login = log_in(db.session(), attempt, now=now(), limit=chosen.login_limit, is_demo=chosen.is_demo)
    user = db.session.get(User, login.user_id) if isinstance(login, Login) else None
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
    if isinstance(login, TooManyAttempts):
        raise login
    if login is None or user is None:
        raise Unauthenticated(_("The user name, password or code is wrong."))
    session.clear()
    session.permanent = True
    session["login"] = login.id
    recovery.bind_csrf_token_to(user)
    login_user(user)
    g.current_user = user
    return user


@blueprint.route("/first-password", methods=["GET", "POST"])
def first_password() -> Response | tuple[str, int]:
    """Ask for a password of one's own instead of the one that somebody else chose."""
    form, next_url, user = NewPasswordForm(), _next_url(), get_current_user()
    if not user.is_password_initial:
        return redirect(next_url, 303)
    if request.method == "GET":
        return _first_password_page(form, next_url, 200)
    if not form.validate():
        return _first_password_page(form, next_url, 422)
    try:
        user.choose_password(form.new.data or "", form.again.data or "")
        db.session.commit()
    except ValidationFailed as refusal:
        if wants_json():
            raise
        form.add_errors(refusal)
        return _first_password_page(form, next_url, form.status)
    login_user(user)
    flash(gettext("Your password has been set. Use it from now on."), "success")
    return _go_on(user, next_url)


def _first_password_page(
    form: NewPasswordForm, next_url: str, status: int, typed: str | None = None
) -> tuple[str, int]:
    typed = typed or request.form.get("typed")
    along = typed if recovery.load_submitted_form(typed) else None
    return render_template("app/first_password.html", form=form, onward=next_url, typed=along), status


def _require_own_password() -> Response | None:
    """Let nobody pass whose password was chosen by somebody else: they are led to choose their own."""
    is_open = request.endpoint is None or is_public(request.endpoint) or request.endpoint in _BEFORE_FIRST_PASSWORD
    if is_open:
        return None  # the user is not asked for: there may be no database
    user = current_user_or_none()
    if user is None or not user.is_password_initial:
        return None
    if wants_json():
        raise NotAllowed(_("Choose a password of your own first: yours was set by somebody else."))
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("access.first_password", next=request.full_path.rstrip("?")), 303)
    typed = recovery.submitted_form()
    if typed is not None:
        recovery.keep_files_of_lapsed(typed)
    page = _first_password_page(NewPasswordForm(formdata=None), "/", 403, typed.serialize() if typed else None)
    return make_response(page)


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
    response = redirect(url_for("access.login"), 303)
    # What forms have kept in the browser; pages are never cached, and the cookie is the one that says goodbye.
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def init_app(app: Flask) -> None:
    """Register login and logout; a first password has to be changed before anything else."""
    app.register_error_handler(Unauthenticated, _handle_unauthenticated)
    app.register_error_handler(CSRFError, _handle_csrf_error)
    app.before_request(_require_own_password)
    app.register_blueprint(blueprint)
