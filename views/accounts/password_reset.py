"""A forgotten password: a link by mail, and the page to which it leads."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from lpse_admin.errors import NoSuchMove, NotFound, TooManyAttempts, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.password_reset import find_reset
from models.base import SHORT_TEXT_LENGTH
from models.database import db
from models.notifications.account_mails import LinkRequest, request_links
from views.app.access import public, settings
from views.app.authentication.login import NewPasswordForm
from views.app.authentication.sessions import set_owner_audit_context
from views.app.clock import now
from views.app.errors import wants_json
from views.forms.base import Form

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from lpse_admin.errors import Refused
    from models.accounts.password_reset import PasswordReset

blueprint = Blueprint("password_reset", __name__)

_NO_LINKS = _(
    "This installation cannot mail links to set a new password. Ask an administrator to set a new password for you."
)
_INVALID_LINK = _("This link is no longer valid: it was used already, or more than 30 minutes have passed.")


class ForgottenForm(Form):
    """Whose password was forgotten."""

    name = StringField(_("User name or e-mail address"), validators=[InputRequired(), Length(max=SHORT_TEXT_LENGTH)])


def can_mail_links() -> bool:
    """Whether links can be mailed: in production their address must be a setting, not what a request says."""
    return settings().is_demo or settings().base_url is not None


def link_key() -> str | None:
    """Return the key for links that are mailed on somebody's behalf; None where no mail goes out."""
    chosen = settings()
    return chosen.secret_key if can_mail_links() and chosen.mail_server is not None else None


@blueprint.route("/forgot-password", methods=["GET", "POST"])
@public
def ask() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Mail a link to set a new password; the answer is the same whether there is such an account or not."""
    form = ForgottenForm()
    if request.method == "GET":
        return _forgotten_page(form, HTTPStatus.OK)
    if not form.validate():
        return _forgotten_page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    asked = LinkRequest(form.name.data or "", request.remote_addr or "")
    secret_key = settings().secret_key if can_mail_links() else None
    try:
        request_links(db.session(), asked, secret_key=secret_key, now=now(), limit=settings().login_limit)
    except TooManyAttempts as refusal:
        if wants_json():
            raise
        return *_forgotten_page(form, refusal.status, refusal), {"Retry-After": str(refusal.retry_after)}
    db.session.commit()
    if secret_key is None:
        if wants_json():
            raise NoSuchMove(_NO_LINKS)
        return _forgotten_page(form, HTTPStatus.CONFLICT)
    flash(
        gettext(
            "If there is such an account and it has an e-mail address, a link is on its way there. It is valid for 30 "
            "minutes. If nothing arrives, ask an administrator."
        ),
        "success",
    )
    return redirect(url_for("access.login"), 303)


def _forgotten_page(form: ForgottenForm, status: int, refusal: Refused | None = None) -> tuple[str, int]:
    no_links = None if can_mail_links() else _NO_LINKS
    return render_template("accounts/forgotten_password.html", form=form, refusal=refusal, no_links=no_links), status


@blueprint.route("/reset-password/<token>", methods=["GET", "POST"])
@public
def show(token: str) -> Response | tuple[str, int]:
    """Ask for the new password and set it; looking at the page does not use the link up."""
    reset = find_reset(db.session(), token, now(), is_locked=request.method == "POST")
    if reset is None:
        if wants_json():
            raise NotFound(_INVALID_LINK)
        return render_template("accounts/invalid_link.html", sentence=_INVALID_LINK), HTTPStatus.NOT_FOUND
    form = NewPasswordForm()
    if request.method == "GET":
        return _reset_page(form, reset, HTTPStatus.OK)
    if not form.validate():
        return _reset_page(form, reset, HTTPStatus.UNPROCESSABLE_ENTITY)
    if reset.user is not None:
        set_owner_audit_context(reset.user)
    try:
        reset.use(form.new.data or "", form.again.data or "", now=now(), address=request.remote_addr or "")
    except ValidationFailed as refusal:
        if wants_json():
            raise
        form.add_errors(refusal)
        return _reset_page(form, reset, form.status)
    db.session.commit()
    flash(gettext("Your new password is set. Log in with it now; all other sessions have ended."), "success")
    return redirect(url_for("access.login"), 303)


def _reset_page(form: NewPasswordForm, reset: PasswordReset, status: int) -> tuple[str, int]:
    return render_template("accounts/reset_password.html", form=form, user=reset.user), status
