"""One's own second factors: codes of an app, passkeys and recovery codes."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pyotp
import segno
from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_babel import gettext
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from lpse_admin.accounts.secrets.passwords import MAX_PASSWORD_LENGTH
from lpse_admin.accounts.secrets.secret_box import UnreadableSecretError
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from models.accounts.factors.sealing import secret_box
from models.accounts.factors.second_factor import (
    add_passkey,
    load_factors,
    remove_passkey,
    renew_recovery_codes,
    turn_codes_off,
    turn_codes_on,
)
from models.database import db
from models.notifications.security_notices import alert, notify_owner
from views.app.access import get_current_user, settings
from views.app.authentication import passkeys
from views.app.authentication.sessions import client_address, continue_session, count_wrong_code, is_own_password
from views.app.clock import now
from views.app.http.compression import never_compress
from views.forms.base import Form
from views.forms.once import keep_submission

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

blueprint = Blueprint("factors", __name__, url_prefix="/profile/second-factor")

#: Where the session keeps what is offered and not confirmed yet: the seed of codes, encrypted, or a challenge.
_OFFER_KEY = "factor_offer"
_OFFER_LIFETIME = dt.timedelta(minutes=15)
_NOT_YOURS = _("This is not your current password.")


class PasswordForm(Form):
    """One's own password, before anything of the second factor is changed."""

    password = PasswordField(_("Current password"), validators=[InputRequired(), Length(max=MAX_PASSWORD_LENGTH)])


class ConfirmForm(Form):
    """The first code of an app."""

    code = StringField(_("Code"), validators=[InputRequired(), Length(max=10)])


class PasskeyForm(Form):
    """A new passkey: what it is called, and what the browser made."""

    name = StringField(_("Name of the passkey"), validators=[InputRequired(), Length(max=80)])
    credential = HiddenField()


@blueprint.get("")
def show() -> tuple[str, int]:
    """Show one's own second factors."""
    return _page()


def _page(
    *,
    password_form: PasswordForm | None = None,
    wrong_at: str = "",
    code_form: ConfirmForm | None = None,
    passkey_form: PasskeyForm | None = None,
    codes: list[str] | None = None,
) -> tuple[str, int]:
    """Return the page; with the form that was wrong (422), or with recovery codes, which are shown this once."""
    user, offer = get_current_user(), _offer()
    seed = _seed(offer)
    if seed or codes:
        never_compress()
    page = render_template(
        "accounts/access/factors.html",
        factors=load_factors(db.session(), user),
        due_at=user.factor_due_at,
        is_possible=passkeys.are_possible(),
        password_form=PasswordForm(formdata=None),
        wrong_form=password_form,
        wrong_at=wrong_at,
        code_form=code_form or ConfirmForm(formdata=None),
        passkey_form=passkey_form or PasskeyForm(formdata=None),
        seed=seed,
        address=_provisioning_uri(seed) if seed else None,
        picture=_qr_code(_provisioning_uri(seed)) if seed else None,
        options=offer.get("options") if offer else None,
        codes=codes,
    )
    is_wrong = password_form or code_form or passkey_form
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK


def _offer() -> dict[str, Any] | None:
    """Return what was offered to the current user in this session, if its time is not over."""
    offer = session.get(_OFFER_KEY)
    if not isinstance(offer, dict) or offer.get("user") != get_current_user().id:
        return None
    offered_at = dt.datetime.fromisoformat(offer["at"])
    return offer if offered_at <= now() < offered_at + _OFFER_LIFETIME else None


def _seed(offer: dict[str, Any] | None) -> str | None:
    if offer is None or "seed" not in offer:
        return None
    try:
        return secret_box().decrypt(offer["seed"])
    except UnreadableSecretError:
        return None


def _provisioning_uri(seed: str) -> str:
    """Return the address that an authenticator app takes a second factor from."""
    user = get_current_user()
    issuer = f"LPSE {user.agency.region}" if user.agency else "LPSE"
    return pyotp.TOTP(seed).provisioning_uri(name=user.username, issuer_name=issuer)


def _qr_code(text: str) -> str:
    """Return the QR code of ``text`` as the address of a picture in itself: no other server sees the seed."""
    return str(segno.make(text, error="m", micro=False).svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))


def _checked(where: str, then: Callable[[], Response | tuple[str, int]]) -> Response | tuple[str, int]:
    """Do ``then`` for whoever knows the password; ``where`` is the form that asked for it."""
    form = PasswordForm()
    if form.validate() and not is_own_password(form.password.data or ""):
        form.password.errors = [gettext(_NOT_YOURS.text)]
    if form.errors:
        return _page(password_form=form, wrong_at=where)
    return then()


def _back(sentence: str) -> Response:
    flash(sentence, "success")
    return redirect(url_for("factors.show"), 303)


def _done(what: Message, sentence: str, codes: list[str] | None, *, kind: str) -> Response | tuple[str, int]:
    """Commit a change of the factors, tell the owner, and go on in a new session; with new codes, if there are any."""
    session.pop(_OFFER_KEY, None)
    notify_owner(get_current_user(), what, kind=kind, address=client_address(), now=now())
    continue_session()
    keep_submission(url_for("factors.show"))
    db.session.commit()
    if codes is None:
        return _back(sentence)
    flash(sentence, "success")
    return _page(codes=codes)


@blueprint.post("/offer")
def offer_codes() -> Response | tuple[str, int]:
    """Offer the seed of a second factor, which is on, in place of a former one, once its first code is confirmed."""

    def then() -> Response:
        _keep_offer(seed=secret_box().encrypt(pyotp.random_base32()))
        return redirect(url_for("factors.show", _anchor="app"), 303)

    return _checked("offer", then)


def _keep_offer(**offered: str) -> None:
    session[_OFFER_KEY] = {"user": get_current_user().id, "at": now().isoformat(), **offered}


@blueprint.post("/confirm")
def confirm_codes() -> Response | tuple[str, int]:
    """Turn the second factor on, once its app has shown that it knows the seed."""
    form, seed = ConfirmForm(), _seed(_offer())
    if seed is None:
        return redirect(url_for("factors.show"), 303)
    if not form.validate():
        return _page(code_form=form)
    is_replaced = get_current_user().totp_secret is not None
    try:
        codes = turn_codes_on(get_current_user(), seed, form.code.data or "", now())
    except ValidationFailed as refusal:
        count_wrong_code()
        form.add_errors(refusal)
        return _page(code_form=form)
    if is_replaced:
        what = _("The app whose codes are the second factor of your account was replaced; its recovery codes are new.")
        return _done(what, gettext("The new app is on; codes of the former one open nothing."), codes, kind="replaced")
    what = _("Codes of an app were turned on as the second factor of your account.")
    return _done(what, gettext("The second factor is on: a code is required when you log in."), codes, kind="on")


@blueprint.post("/off")
def turn_off() -> Response | tuple[str, int]:
    """Turn the codes of the app off, for whoever knows the password."""

    def then() -> Response | tuple[str, int]:
        user = get_current_user()
        turn_codes_off(user, is_demanded=not settings().is_demo)
        _alert_without_factor(has_passkeys=load_factors(db.session(), user).is_on)
        what = _("Codes of an app are no longer the second factor of your account.")
        return _done(what, gettext("The codes of the app are off."), None, kind="off")

    return _checked("off", then)


def _alert_without_factor(*, has_passkeys: bool) -> None:
    user = get_current_user()
    if not has_passkeys:
        what = _("The second factor of %(name)s was turned off.", name=user.full_name)
        alert(db.session(), f"factor-off-{user.id}", what, agency_id=user.agency_id, now=now())


@blueprint.post("/codes")
def make_codes() -> Response | tuple[str, int]:
    """Show new recovery codes, once; the former ones are void."""

    def then() -> Response | tuple[str, int]:
        codes = renew_recovery_codes(get_current_user(), now())
        what = _("New recovery codes were made for your account; the former ones are void.")
        notify_owner(get_current_user(), what, kind="codes", address=client_address(), now=now())
        db.session.commit()
        return _page(codes=codes)

    return _checked("codes", then)


@blueprint.post("/passkey/offer")
def offer_passkey() -> Response | tuple[str, int]:
    """Offer to add a passkey."""

    def then() -> Response:
        user = get_current_user()
        if passkeys.are_possible():
            options, challenge = passkeys.registration_options(user, load_factors(db.session(), user).passkeys)
            _keep_offer(options=options, challenge=challenge)
        return redirect(url_for("factors.show", _anchor="passkeys"), 303)

    return _checked("passkey", then)


@blueprint.post("/passkey")
def add() -> Response | tuple[str, int]:
    """Add the passkey that the browser has made."""
    form, offer = PasskeyForm(), _offer()
    if offer is None or "challenge" not in offer:
        return redirect(url_for("factors.show"), 303)
    if not form.validate():
        return _page(passkey_form=form)
    created = passkeys.made_passkey(form.credential.data or "", offer["challenge"], form.name.data or "")
    if created is None:
        form.name.errors = [gettext("The browser has made no passkey that can be used: try again.")]
        return _page(passkey_form=form)
    try:
        codes = add_passkey(get_current_user(), created, now())
    except ValidationFailed as refusal:
        form.add_errors(refusal)
        return _page(passkey_form=form)
    what = _("A passkey was added to your account: %(name)s.", name=created.name)
    return _done(what, gettext("The passkey is added: you can log in with it."), codes, kind="passkey")


@blueprint.post("/passkey/<int:passkey_id>/remove")
def remove(passkey_id: int) -> Response | tuple[str, int]:
    """Remove a passkey, for whoever knows the password."""

    def then() -> Response | tuple[str, int]:
        user = get_current_user()
        removed = remove_passkey(user, passkey_id, now(), is_demanded=not settings().is_demo)
        _alert_without_factor(has_passkeys=load_factors(db.session(), user).is_on)
        what = _("A passkey was removed from your account: %(name)s.", name=removed.name)
        return _done(what, gettext("The passkey is removed."), None, kind="passkey")

    return _checked(f"passkey-{passkey_id}", then)
