"""The password, asked again before what only its owner may do, where it was not entered within ten minutes.

A screen declares the names of such views (``ReadOnlyView.password_views``). What was typed goes along with the
question and is sent on with the answer, the files that were chosen too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import current_app, flash, make_response, redirect, render_template, request, session, url_for

from lpse_admin.errors import TooManyAttempts, Unauthenticated
from lpse_admin.i18n import _
from models.accounts.login_session import Login
from models.accounts.reauthentication import confirm_password, is_recent
from models.database import db
from views.app.access import current_user_or_none, settings
from views.app.authentication.sessions import note_password_entered, password_entered_at
from views.app.clock import now
from views.app.errors import wants_json
from views.forms import recovery
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.wrappers import Response

    from lpse_admin.errors import Refused
    from models.accounts.user import User

#: The field with the answer, in the form that was held back.
ANSWER_FIELD = "current-password"
_REGISTER_KEY = "lpse_password_views"
_NOT_SENT_ON = frozenset({"csrf_token", ANSWER_FIELD})
_ASKED = _("Enter your password again to do this: it was last entered more than ten minutes ago.")


def ask_password_at(app: Flask, endpoint: str, when: Callable[[], bool]) -> None:
    """Ask for the password at ``endpoint`` where ``when`` holds and it was not entered recently."""
    app.extensions[_REGISTER_KEY][endpoint] = when


def _require_recent_password() -> Response | None:
    when = current_app.extensions[_REGISTER_KEY].get(request.endpoint)
    if request.method != "POST" or when is None:
        return None
    user = current_user_or_none()
    login = db.session.get(Login, session.get("login", 0))
    if user is None or login is None or is_recent(password_entered_at(), now()) or not when():
        return None
    password = request.form.get(ANSWER_FIELD)
    if password is None:
        return _question(user, Unauthenticated(_ASKED))
    try:
        chosen = settings()
        confirm_password(user, login, password, now=now(), limit=chosen.login_limit, is_demo=chosen.is_demo)
    except TooManyAttempts as refusal:
        if wants_json():
            raise
        session.clear()
        flash(tr(refusal.message), "danger")
        return redirect(url_for("access.login"), 303)
    except Unauthenticated as refusal:
        return _question(user, refusal)
    note_password_entered()
    return None


def _question(user: User, refusal: Refused) -> Response:
    """Return the page that asks for the password and holds what was typed."""
    if wants_json():
        raise refusal
    fields = tuple((name, text) for name, text in request.form.items(multi=True) if name not in _NOT_SENT_ON)
    typed = recovery.SubmittedForm(user.id, request.full_path.rstrip("?"), fields)
    recovery.keep_files_of_lapsed(typed)
    page = render_template(
        "app/confirm_password.html",
        typed=typed,
        files=recovery.names_of_kept_files(typed),
        refusal=refusal,
        is_wrong=ANSWER_FIELD in request.form,
        answer_field=ANSWER_FIELD,
        username=user.username,
    )
    return make_response(page, HTTPStatus.UNAUTHORIZED)


def init_app(app: Flask) -> None:
    """Ask before the views that ``ask_password_at`` names."""
    app.extensions[_REGISTER_KEY] = {}
    app.before_request(_require_recent_password)
