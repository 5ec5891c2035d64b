"""One's own page: language, colours, mail, password and second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from wtforms import PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from lpse_admin.accounts.secrets.passwords import MAX_PASSWORD_LENGTH
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.notifications.events import ALWAYS_MAILED, Event
from models.accounts.factors.second_factor import load_factors
from models.accounts.user import CsvSeparator, Language, Scheme
from models.audit import trail
from models.database import db
from models.notifications import account_mails
from models.notifications.security_notices import notify_owner
from models.office.options import load_digest_time
from models.releases.calendar_feed import is_feed_good, load_active_feed
from views.app.access import get_current_user, is_local_url
from views.app.authentication.sessions import client_address, continue_session, is_own_password
from views.app.clock import now
from views.app.http.compression import never_compress
from views.forms.base import CheckboxListField, Form
from views.forms.once import keep_submission
from views.i18n.language import LANGUAGE_NAMES, remember_language

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("profile", __name__, url_prefix="/profile")


_PASSWORD_CHANGED = _("The password of your account was changed.")


class ChangePasswordForm(Form):
    """The old password and the new one, twice."""

    old = PasswordField(validators=[InputRequired(), Length(max=MAX_PASSWORD_LENGTH)])
    new = PasswordField(validators=[InputRequired()])
    again = PasswordField(validators=[InputRequired()])


class ContactForm(Form):
    """One's own e-mail address and telephone number; a new address takes the password."""

    email = StringField(_("E-mail"), render_kw={"type": "email", "autocomplete": "email"})
    phone = StringField(_("Telephone"), render_kw={"type": "tel", "autocomplete": "tel"})
    password = PasswordField(
        _("Current password"),
        id="contact-password",
        description=_("Only for a new e-mail address: links to set a new password are sent there."),
        validators=[Length(max=MAX_PASSWORD_LENGTH)],
    )


_CHOSEN_EVENTS = [SelectChoice(event.value, event.title) for event in Event if event not in ALWAYS_MAILED]


class MailPreferencesForm(Form):
    """The events whose mail one wants, and which of them in the daily digest; what is always mailed is no choice."""

    events = CheckboxListField(_("Send mail about"), choices=_CHOSEN_EVENTS)
    daily = CheckboxListField(_("In the daily digest"), choices=_CHOSEN_EVENTS)


class DisplayForm(Form):
    """Language, and light or dark."""

    lang = SelectField(
        _("Interface language"),
        choices=[SelectChoice(key, name, {"lang": key}) for key, name in LANGUAGE_NAMES],
        validators=[Optional()],
    )
    scheme = RadioField(
        _("Colour theme"),
        choices=[
            SelectChoice(Scheme.SYSTEM.value, _("As in my system")),
            SelectChoice(Scheme.LIGHT.value, _("Always light")),
            SelectChoice(Scheme.DARK.value, _("Always dark")),
        ],
        validators=[InputRequired()],
    )


@blueprint.get("")
def show() -> tuple[str, int]:
    """Show one's own page."""
    return _profile_response()


def _profile_response(
    password: ChangePasswordForm | None = None,
    mail: MailPreferencesForm | None = None,
    contact: ContactForm | None = None,
) -> tuple[str, int]:
    """Return the page with what was wrong in one of its forms: 422 then, else 200."""
    wrong = password or mail or contact
    page = render_profile(password=password, mail=mail, contact=contact)
    return page, 422 if wrong else 200


def render_profile(
    password: ChangePasswordForm | None = None,
    mail: MailPreferencesForm | None = None,
    contact: ContactForm | None = None,
    feed_address: str | None = None,
) -> str:
    """Return one's own page; ``feed_address`` is that of a calendar that was made just now, shown this once."""
    user = get_current_user()
    feed = load_active_feed(db.session(), user)
    if feed_address:
        never_compress()
    return render_template(
        "accounts/profile.html",
        contact_form=contact or ContactForm(formdata=None, obj=user),
        password_form=password or ChangePasswordForm(formdata=None),
        display_form=DisplayForm(formdata=None, data={"scheme": user.scheme, "lang": user.language}),
        mail_form=mail or MailPreferencesForm(formdata=None, data=_mail_choices()),
        digest_time=f"{load_digest_time(db.session(), user.agency_id):%H.%M}" if user.agency_id else None,
        always_mailed=[event.title for event in Event if event in ALWAYS_MAILED],
        factors=load_factors(db.session(), user),
        feed=feed,
        feed_is_good=feed is not None and is_feed_good(feed, user, now()),
        feed_address=feed_address,
    )


def _mail_choices() -> dict[str, list[str]]:
    """Return the events whose mail the viewer has not turned off, and those that they get in the daily digest."""
    user = get_current_user()
    return {
        "events": [event.value for event in Event if event.value not in user.muted_events],
        "daily": list(user.digest_events),
    }


def redirect_to_profile(sentence: str, anchor: str | None = None) -> Response:
    """Lead back to one's own page with a sentence that tells what was done."""
    flash(sentence, "success")
    return redirect(url_for("profile.show", _anchor=anchor), 303)


def commit_profile(anchor: str | None = None) -> None:
    """Commit what was done on one's own page, and that the form was sent."""
    keep_submission(url_for("profile.show", _anchor=anchor))
    db.session.commit()


@blueprint.post("/password")
def change_password() -> Response | tuple[str, int]:
    """Take a new password, and end every other session of this user."""
    form = ChangePasswordForm()
    if not form.validate():
        return _profile_response(password=form)
    user = get_current_user()
    if not is_own_password(form.old.data or ""):
        form.old.errors = [gettext("This is not your current password.")]
        return _profile_response(password=form)
    try:
        user.change_password(form.old.data or "", form.new.data or "", form.again.data or "")
        notify_owner(user, _PASSWORD_CHANGED, kind="password", address=client_address(), now=now())
        continue_session()
        commit_profile()
    except ValidationFailed as refusal:
        form.add_errors(refusal)
        return _profile_response(password=form)
    return redirect_to_profile(gettext("Your password has been changed. Your other sessions have ended."))


@blueprint.post("/contact")
def change_contact() -> Response | tuple[str, int]:
    """Take one's own e-mail address and telephone number; a former address is told."""
    form = ContactForm()
    if not form.validate():
        return _profile_response(contact=form)
    if form.password.data and not is_own_password(form.password.data):
        form.password.errors = [gettext("This is not your current password.")]
        return _profile_response(contact=form)
    try:
        account_mails.change_contact(get_current_user(), now=now(), **form.arguments())
        commit_profile("contact")
    except ValidationFailed as refusal:
        form.add_errors(refusal)
        return _profile_response(contact=form)
    return redirect_to_profile(gettext("Your e-mail address and telephone number are saved."), "contact")


@blueprint.post("/mail")
def choose_mail() -> Response | tuple[str, int]:
    """Keep which events are mailed to this user; what is always mailed stays so."""
    form = MailPreferencesForm()
    if not form.validate():
        return _profile_response(mail=form)
    muted = sorted({event.value for event in Event} - ALWAYS_MAILED - set(form.events.data or ()))
    daily = sorted(set(form.daily.data or ()) - set(muted))
    user = get_current_user()
    if (muted, daily) != (user.muted_events, user.digest_events):
        trail.update_audit_context(db.session(), action="profile.mail")
        user.muted_events, user.digest_events = muted, daily
        db.session.commit()
    return redirect_to_profile(gettext("Saved: you receive mail about the selected events."))


@blueprint.post("/colours")
def choose_colours() -> Response:
    """Keep language and colours of this user's screens; anything else changes nothing."""
    form, user = DisplayForm(), get_current_user()
    response = redirect(url_for("profile.show", _anchor="colours"), 303)
    if not form.validate():
        return response
    language = Language(form.lang.data or user.language)
    if (form.scheme.data, language) != (user.scheme, user.language):
        trail.update_audit_context(db.session(), action="profile.colours")
        user.scheme, user.language = Scheme(form.scheme.data), language
        db.session.commit()
    remember_language(response, language.value)
    flash(gettext("Saved."), "success")
    return response


@blueprint.post("/csv")
def choose_csv_separator() -> Response:
    """Keep what stands between the cells of this user's CSV exports, and lead back to the list."""
    chosen = request.form.get("separator")
    user = get_current_user()
    if chosen in set(CsvSeparator) and chosen != user.csv_separator:
        trail.update_audit_context(db.session(), action="profile.csv")
        user.csv_separator = CsvSeparator(chosen)
        db.session.commit()
    following = request.form.get("next", "")
    return redirect(following if is_local_url(following) else url_for("profile.show", _anchor="csv"), 303)
