"""Render the mails of notifications, and send those that are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, g, render_template, url_for
from flask_babel import force_locale

from lpse_admin.accounts.reset_tokens import derive_token
from lpse_admin.notifications.events import Event
from models.database import db
from models.notifications.outbox import SendResult, send_outbox
from models.notifications.smtp_client import OutgoingMail, RenderedMail
from views.app.access import settings
from views.app.clock import now
from views.i18n.wording import tr
from views.notifications.notices import notification_facts, notification_text

if TYPE_CHECKING:
    from collections.abc import Callable


def render_mail(mail: OutgoingMail) -> RenderedMail:
    """Return the rendered mail in its recipient's language and time zone, with a link to the request."""
    base = settings().base_url or mail.link_base
    # An anonymous request context, for absolute addresses with the program's base URL.
    with current_app.test_request_context(base_url=base or "http://localhost"), force_locale(mail.language.value):
        g.current_user, g.delegation = None, None
        if mail.zone is not None:
            g.zone = mail.zone
        try:
            return _render_mail(mail, has_link=base is not None)
        finally:
            for name in ("zone", "current_user", "delegation"):
                g.pop(name, None)


def _render_mail(mail: OutgoingMail, *, has_link: bool) -> RenderedMail:
    details = mail.details
    context = {
        "language": mail.language.value,
        "name": mail.name,
        "office": mail.agency_name,
        "title": tr(Event(details["event"]).title),
        "sentence": notification_text(details),
        "request": " ".join(str(details[key]) for key in ("number", "title") if details.get(key)),
        "facts": notification_facts(details),
        "at": mail.at,
        "link": _link_url(mail) if has_link else None,
        "profile": url_for("profile.show", _external=True, _anchor="mail") if has_link else None,
    }
    number = f"{details['number']}: " if details.get("number") else ""
    return RenderedMail(
        subject=f"[LPSE] {number}{context['sentence']}",
        text=render_template("notifications/mail.txt", **context),
        html=render_template("notifications/mail.html", **context),
        sender=mail.agency_name,
    )


def _link_url(mail: OutgoingMail) -> str:
    if nonce := mail.details.get("nonce"):
        token = derive_token(settings().secret_key, nonce)
        return url_for("password_reset.show", token=token, _external=True)
    if mail.change_id is None:
        return url_for("notification.index_view", _external=True)
    return url_for("change.details_view", id=mail.change_id, _external=True)


def send_due_mail(by: str = "server", is_stopped: Callable[[], bool] = lambda: False) -> SendResult | None:
    """Send the mail that is due, and return the counts; None if no mail server is set."""
    server = settings().mail_server
    if server is None:
        return None
    return send_outbox(db.session(), server, render_mail, now=now, by=by, is_stopped=is_stopped)
