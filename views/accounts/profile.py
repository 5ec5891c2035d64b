"""One's own page: language, colours, mail, password and second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_babel import gettext
from flask_login import current_user, login_user
from wtforms import PasswordField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from lpse_admin.accounts.passwords import LONGEST, fault
from lpse_admin.i18n import _
from lpse_admin.notifications.events import ALWAYS_MAILED, Event
from models.accounts.user import Scheme, is_password_of, step_of_code
from models.audit import trail
from models.database import db
from models.releases.calendar_feed import feed_of
from views.app.clock import now
from views.forms.base import ChecksField, Form
from views.i18n.wording import tr
from views.listing.record_view import me

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("profile", __name__, url_prefix="/profile")

#: Where the session keeps the key of a second factor that is offered and not confirmed yet.
_OFFER = "totp_offer"


class PasswordForm(Form):
    """The old password and the new one, twice."""

    old = PasswordField(validators=[InputRequired(), Length(max=LONGEST)])
    new = PasswordField(validators=[InputRequired()])
    again = PasswordField(validators=[InputRequired()])


class CodeForm(Form):
    """The first code of a new second factor."""

    code = StringField(validators=[InputRequired(), Length(max=10)])


class OffForm(Form):
    """The password, for turning the second factor off."""

    password = PasswordField(validators=[InputRequired(), Length(max=LONGEST)])


class MailForm(Form):
    """The events whose mail one wants; those that are always mailed are no choice."""

    events = ChecksField(
        _("Mail me of"),
        choices=[SelectChoice(event.value, event.title) for event in Event if event not in ALWAYS_MAILED],
    )


class SchemeForm(Form):
    """Light or dark."""

    scheme = RadioField(
        _("Colours of the screens"),
        choices=[
            SelectChoice(Scheme.SYSTEM.value, _("As my system has it")),
            SelectChoice(Scheme.LIGHT.value, _("Always light")),
            SelectChoice(Scheme.DARK.value, _("Always dark")),
        ],
        validators=[InputRequired()],
    )


@blueprint.get("")
def show() -> tuple[str, int]:
    """Show one's own page."""
    return _page()


def _page(
    password: PasswordForm | None = None,
    code: CodeForm | None = None,
    off: OffForm | None = None,
    mail: MailForm | None = None,
) -> tuple[str, int]:
    """Return the page with what was wrong in one of its forms: 422 then, else 200."""
    wrong = password or code or off or mail
    return show_page(password=password, code=code, off=off, mail=mail), 422 if wrong else 200


def show_page(
    password: PasswordForm | None = None,
    code: CodeForm | None = None,
    off: OffForm | None = None,
    mail: MailForm | None = None,
    feed_address: str | None = None,
) -> str:
    """Return one's own page; ``feed_address`` is that of a calendar that was made just now, shown this once."""
    secret = session.get(_OFFER)
    return render_template(
        "accounts/profile.html",
        password_form=password or PasswordForm(formdata=None),
        code_form=code or CodeForm(formdata=None),
        off_form=off or OffForm(formdata=None),
        scheme_form=SchemeForm(formdata=None, data={"scheme": current_user.scheme}),
        mail_form=mail or MailForm(formdata=None, data={"events": _wanted()}),
        always_mailed=[event.title for event in Event if event in ALWAYS_MAILED],
        secret=secret,
        address=_address(secret) if secret else None,
        feed=feed_of(db.session(), me()),
        feed_address=feed_address,
    )


def _wanted() -> list[str]:
    """Return the events whose mail the viewer has not turned off."""
    return [event.value for event in Event if event.value not in current_user.muted_events]


def _address(secret: str) -> str:
    """Return the address that an authenticator app takes a second factor from."""
    issuer = f"LPSE {current_user.agency.region}" if current_user.agency else "LPSE"
    return pyotp.TOTP(secret).provisioning_uri(name=current_user.username, issuer_name=issuer)


def done(sentence: str, anchor: str | None = None) -> Response:
    """Lead back to one's own page with a sentence that tells what was done."""
    flash(sentence, "success")
    return redirect(url_for("profile.show", _anchor=anchor), 303)


@blueprint.post("/password")
def change_password() -> Response | tuple[str, int]:
    """Take a new password, and end every other session of this user."""
    form = PasswordForm()
    if not form.validate():
        return _page(password=form)
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's proxy has no public name for it
    if not is_password_of(user, form.old.data):
        form.old.errors = [gettext("This is not your present password.")]
    elif wrong := fault(form.new.data, names=(user.username, user.full_name)):
        form.new.errors = [tr(wrong)]
    elif form.new.data == form.old.data:
        form.new.errors = [gettext("This is your present password already.")]
    elif form.new.data != form.again.data:
        form.again.errors = [gettext("The two new passwords differ.")]
    else:
        user.set_password(form.new.data)
        db.session.commit()
        login_user(user)
        return done(gettext("Your password has been changed. Your other sessions have ended."))
    return _page(password=form)


@blueprint.post("/mail")
def choose_mail() -> Response | tuple[str, int]:
    """Keep which events are mailed to this user; what is always mailed stays so."""
    form = MailForm()
    if not form.validate():
        return _page(mail=form)
    muted = sorted({event.value for event in Event} - ALWAYS_MAILED - set(form.events.data or ()))
    if muted != current_user.muted_events:
        trail.give(db.session(), action="profile.mail")
        current_user.muted_events = muted
        db.session.commit()
    return done(gettext("Kept: you get mail of the events that are ticked."))


@blueprint.post("/colours")
def choose_colours() -> Response:
    """Keep whether this user's screens are light, dark, or as their system has it; anything else changes nothing."""
    form = SchemeForm()
    if form.validate() and form.scheme.data != current_user.scheme:
        trail.give(db.session(), action="profile.colours")
        current_user.scheme = Scheme(form.scheme.data)
        db.session.commit()
    return redirect(url_for("profile.show", _anchor="colours"), 303)


@blueprint.post("/second-factor")
def offer_second_factor() -> Response:
    """Make a key for a second factor, which is not on before its first code is confirmed."""
    if current_user.totp_secret is None:
        session[_OFFER] = pyotp.random_base32()
    return redirect(url_for("profile.show", _anchor="second-factor"), 303)


@blueprint.post("/second-factor/confirm")
def confirm_second_factor() -> Response | tuple[str, int]:
    """Turn the second factor on, once its app has shown that it knows the key."""
    form = CodeForm()
    secret = session.get(_OFFER)
    if secret is None:
        return redirect(url_for("profile.show", _anchor="second-factor"), 303)
    step = step_of_code(secret, form.code.data or "", now()) if form.validate() else None
    if step is None:
        form.code.errors = form.code.errors or [gettext("This code is wrong, or it is too old: try the next one.")]
        return _page(code=form)
    current_user.totp_secret, current_user.totp_last_step = secret, step
    db.session.commit()
    session.pop(_OFFER)
    return done(gettext("The second factor is on: from now on a code is asked for when you log in."))


@blueprint.post("/second-factor/off")
def turn_off_second_factor() -> Response | tuple[str, int]:
    """Turn the second factor off, for whoever knows the password."""
    form = OffForm()
    if not form.validate():
        return _page(off=form)
    if not is_password_of(current_user, form.password.data):
        form.password.errors = [gettext("This is not your present password.")]
        return _page(off=form)
    current_user.totp_secret = current_user.totp_last_step = None
    db.session.commit()
    return done(gettext("The second factor is off."))
