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
from flask_login import logout_user
from flask_wtf.csrf import CSRFError
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from lpse_admin.accounts.sessions import SessionEnd
from lpse_admin.errors import NotAllowed, Refused, TooManyAttempts, Unauthenticated, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.factors.second_factor import is_factor_overdue, note_demand
from models.accounts.login import LoginAttempt, LoginRefused, SecondStep, complete_log_in, log_in
from models.accounts.login_session import Login
from models.accounts.user import User
from models.database import db
from models.notifications.security_notices import notify_of_refused_logins
from views.app import security_log
from views.app.access import (
    current_user_or_none,
    get_current_user,
    is_local_url,
    is_public,
    public,
    settings,
)
from views.app.authentication import passkeys, second_step
from views.app.authentication.sessions import (
    client_address,
    client_device,
    continue_session,
    end_former_login,
    note_password_entered,
    set_owner_audit_context,
    start_session,
)
from views.app.clock import now
from views.app.errors import csrf_error_response, refusal_response, wants_json
from views.forms import recovery
from views.forms.base import Form

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

blueprint = Blueprint("access", __name__)

_WRONG_FACTOR = _("This code or passkey is wrong, expired or used already: try the next one.")

#: Where somebody of whom a second factor is demanded turns it on.
_FACTOR_ENDPOINTS = ("factors.", "access.logout")

#: What somebody may open who has not changed their first password yet; beside it what is public.
_BEFORE_FIRST_PASSWORD = frozenset({"access.first_password", "access.logout"})


class LoginForm(Form):
    """The login form."""

    username = StringField(validators=[InputRequired(), Length(max=80)])
    password = PasswordField(validators=[InputRequired(), Length(max=200)])
    code = StringField(validators=[Length(max=20)])


class SecondStepForm(Form):
    """What proves the second factor: a code, or what the browser says of a passkey."""

    code = StringField(validators=[Length(max=20)])
    credential = HiddenField()


class NewPasswordForm(Form):
    """A password of one's own choice, twice."""

    new = PasswordField(_("New password"), validators=[InputRequired()])
    again = PasswordField(_("Repeat the new password"), validators=[InputRequired()])


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Show the login page, or log in and redirect to ``next``."""
    form, next_url = LoginForm(), requested_next_url()
    if request.method == "GET":
        return redirect(next_url) if current_user_or_none() else _login_page(form, next_url, 200)
    if not form.validate():
        return _login_page(form, next_url, 422)
    try:
        user = _open_session(form)
        if isinstance(user, SecondStep):
            return second_step.ask(user.user, next_url, request.form.get("typed"))
    except TooManyAttempts as refusal:
        security_log.note_reason("too-many-logins")
        return login_refused(refusal, form, next_url, {"Retry-After": str(refusal.retry_after)})
    except (Unauthenticated, NotAllowed) as refusal:
        return login_refused(refusal, form, next_url, {})
    return go_on(user, next_url)


def go_on(user: User, next_url: str, packed: str | None = None) -> Response | tuple[str, int]:
    """Lead on to ``next_url``, to the form that came along, or first to a password of one's own."""
    typed = _typed_by(user, packed or request.form.get("typed"))
    if user.is_password_initial:
        if typed is not None:
            return _first_password_page(NewPasswordForm(formdata=None), next_url, 200)
        return redirect(url_for("access.first_password", next=next_url), 303)
    return (recovery.recovery_page(typed), 200) if typed is not None else redirect(next_url, 303)


def requested_next_url() -> str:
    """Return where to go afterwards: a path of this program."""
    next_url = request.values.get("next", "")
    return next_url if is_local_url(next_url) else "/"


def _typed_by(user: User, packed: str | None) -> recovery.SubmittedForm | None:
    """Return the form that came along with the login, if ``user`` has filled it in."""
    typed = recovery.load_submitted_form(packed)
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
        provider=settings().identity_provider,
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
    security_log.note_reason("csrf")
    user = current_user_or_none()
    if user is None and request.endpoint == "access.login" and is_https_missing() and not wants_json():
        # The browser has kept no cookie: the page says why.
        return make_response(_login_page(LoginForm(), requested_next_url(), error.code or 400))
    typed = None if user is None or wants_json() else recovery.submitted_form()
    if typed is None or user is None or typed.user_id != user.id:
        return csrf_error_response(error)
    recovery.keep_files_of_lapsed(typed)
    return make_response(recovery.recovery_page(typed), error.code)


def login_refused(
    refusal: Refused, form: LoginForm, next_url: str, headers: dict[str, str]
) -> tuple[str, int, dict[str, str]]:
    """Show the login page with why there is no session; raises the refusal where JSON is wanted."""
    if wants_json():
        raise refusal
    return *_login_page(form, next_url, refusal.status, refusal), headers


def _open_session(form: LoginForm) -> User | SecondStep:
    """Log in by the form, in a new session; raises Unauthenticated or TooManyAttempts if the login fails."""
    attempt = LoginAttempt(
        username=form.username.data or "",
        password=form.password.data or "",
        code=form.code.data or "",
        address=client_address(),
        device=client_device(),
    )
    chosen = settings()
    outcome = log_in(db.session(), attempt, now=now(), limit=chosen.login_limit, is_demo=chosen.is_demo)
    if isinstance(outcome, SecondStep):
        db.session.rollback()
        security_log.note_login(outcome.user, attempt.username, outcome="second-step")
        return outcome
    return finish_login(outcome, attempt)


def finish_login(outcome: Login | LoginRefused, attempt: LoginAttempt, *, is_password_entered: bool = True) -> User:
    """Commit what a login came to, and begin its session; raises Unauthenticated or TooManyAttempts for a failure."""
    user = db.session.get(User, outcome.user_id) if isinstance(outcome, Login) else outcome.user
    if isinstance(outcome, LoginRefused):
        if user is not None and outcome.reaches_limit:
            notify_of_refused_logins(user, address=client_address(), now=now())
        security_log.note_login(user, attempt.username, outcome="refused")
        db.session.commit()
        raise outcome.too_many or Unauthenticated(_("The user name, password or code is wrong."))
    if user is None:
        raise Unauthenticated(_("The user name, password or code is wrong."))
    begin_session(user, outcome, is_password_entered=is_password_entered)
    return user


def begin_session(user: User, login: Login, *, is_password_entered: bool) -> None:
    """Commit a login, and give its session to the browser."""
    set_owner_audit_context(user)
    end_former_login()
    if not settings().is_demo:
        note_demand(user, now())
    security_log.note_login(user, user.username, outcome="opened")
    db.session.commit()
    start_session(user, login, is_password_entered=is_password_entered)


@blueprint.route("/login/second-step", methods=["GET", "POST"])
@public
def enter_second_step() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Take a code, a recovery code or a passkey after the password."""
    waiting = second_step.pending()
    if waiting is None or request.method == "GET":
        return redirect(url_for("access.login"), 303)
    typed = request.form.get("typed")
    form = SecondStepForm()
    user, asked = waiting.user, waiting
    attempt = LoginAttempt(user.username, "", form.code.data or "", address=client_address(), device=client_device())
    answer = form.credential.data or ""

    def proves(owner: User) -> bool:
        return passkeys.proves_passkey(owner, answer, asked.challenge, asked.asked_at, now())

    try:
        outcome = complete_log_in(
            db.session(),
            user,
            attempt,
            now=now(),
            limit=settings().login_limit,
            proves=proves if answer and asked.challenge else None,
        )
    except TooManyAttempts as refusal:
        return *_ask_again(asked, typed, refusal), {"Retry-After": str(refusal.retry_after)}
    except (Unauthenticated, NotAllowed) as refusal:
        # The factor was right, and the first password, or the inspection, is over.
        db.session.rollback()
        return login_refused(refusal, LoginForm(formdata=None), asked.next_url, {})
    try:
        user = finish_login(outcome, attempt, is_password_entered=not asked.is_by_provider)
    except TooManyAttempts as refusal:
        return *_ask_again(asked, typed, refusal), {"Retry-After": str(refusal.retry_after)}
    except Unauthenticated:
        return _ask_again(asked, typed, Unauthenticated(_WRONG_FACTOR))
    return go_on(user, asked.next_url)


def _ask_again(asked: second_step.Pending, typed: str | None, refusal: Refused) -> tuple[str, int]:
    return second_step.ask(asked.user, asked.next_url, typed, refusal=refusal, is_by_provider=asked.is_by_provider)


@blueprint.route("/first-password", methods=["GET", "POST"])
def first_password() -> Response | tuple[str, int]:
    """Ask for a password of one's own instead of the one that somebody else chose."""
    form, next_url, user = NewPasswordForm(), requested_next_url(), get_current_user()
    if not user.is_password_initial:
        return redirect(next_url, 303)
    if request.method == "GET":
        return _first_password_page(form, next_url, 200)
    if not form.validate():
        return _first_password_page(form, next_url, 422)
    try:
        user.choose_password(form.new.data or "", form.again.data or "")
        note_password_entered()
        continue_session()
        db.session.commit()
    except ValidationFailed as refusal:
        if wants_json():
            raise
        form.add_errors(refusal)
        return _first_password_page(form, next_url, form.status)
    flash(gettext("Your password has been set. Use it from now on."), "success")
    return go_on(user, next_url)


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
        return _require_second_factor(user)
    if wants_json():
        raise NotAllowed(_("Choose a password of your own first: yours was set by somebody else."))
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("access.first_password", next=request.full_path.rstrip("?")), 303)
    typed = recovery.submitted_form()
    if typed is not None:
        recovery.keep_files_of_lapsed(typed)
    page = _first_password_page(NewPasswordForm(formdata=None), "/", 403, typed.serialize() if typed else None)
    return make_response(page)


def _require_second_factor(user: User | None) -> Response | None:
    """Lead those to their second factor of whom one is demanded and whose days of grace are over."""
    is_demanded = user is not None and not settings().is_demo and is_factor_overdue(user, now())
    if not is_demanded or (request.endpoint or "").startswith(_FACTOR_ENDPOINTS):
        return None
    if request.method in {"GET", "HEAD"} and not wants_json():
        return redirect(url_for("factors.show"), 303)
    raise NotAllowed(_("Your role demands a second factor, and its time is over: turn it on first (My profile)."))


@blueprint.post("/logout")
def logout() -> Response:
    """Log out: end the login session, so that no copy of its cookie is valid."""
    login = db.session.get(Login, session.get("login", 0))
    if login is not None:
        login.end(SessionEnd.LOGOUT, now())
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
