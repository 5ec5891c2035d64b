"""Render the mails of notifications, and send those that are due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app, g, render_template, url_for
from flask_babel import force_locale, gettext

from lpse_admin.accounts.secrets.reset_tokens import derive_token
from lpse_admin.notifications.events import Event
from models.database import db
from models.notifications.outbox import SendResult, send_outbox
from models.notifications.smtp_client import MailItem, OutgoingMail, RenderedMail
from views.app.access import settings
from views.app.clock import now
from views.i18n.sop_titles import head_called
from views.i18n.wording import tr
from views.notifications.notices import notification_facts, notification_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping


def render_mail(mail: OutgoingMail) -> RenderedMail:
    """Return the rendered mail in its recipient's language and time zone, with a link to the request."""
    # In production a link is never made of what a request said, not even of one that is kept from an earlier version.
    base = settings().base_url or (mail.link_base if settings().is_demo else None)
    # An anonymous request context, for absolute addresses with the program's base URL.
    with current_app.test_request_context(base_url=base or "http://localhost"), force_locale(mail.language.value):
        g.current_user, g.delegation = None, None
        if mail.zone is not None:
            g.zone = mail.zone
        try:
            render = _render_list if mail.others else _render_mail
            with head_called(mail.head_title):
                return render(mail, has_link=base is not None)
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
        "request": _request_name(details),
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


@dataclass(frozen=True, slots=True)
class _RequestNews:
    """What a mail tells of one request: when and what, in order, with its address."""

    request: str
    link: str | None
    lines: list[tuple[dt.datetime, str]]


def _render_list(mail: OutgoingMail, *, has_link: bool) -> RenderedMail:
    """Return a mail that tells of several events, grouped by request, the oldest first."""
    by_request: dict[int | None, list[MailItem]] = {}
    for item in sorted(mail.items, key=lambda item: (item.at, item.mail_id)):
        by_request.setdefault(item.change_id, []).append(item)
    requests = [
        _RequestNews(
            _request_name(items[-1].details),
            url_for("change.details_view", id=change_id, _external=True) if has_link else None,
            [(item.at, notification_text(item.details)) for item in items],
        )
        for change_id, items in by_request.items()
    ]
    count = len(mail.items)
    title = gettext("%(count)s notifications", count=count)
    if len(requests) > 1:
        title = gettext("%(count)s notifications about %(requests)s requests", count=count, requests=len(requests))
    context = {
        "language": mail.language.value,
        "name": mail.name,
        "office": mail.agency_name,
        "title": title,
        "requests": requests,
        "profile": url_for("profile.show", _external=True, _anchor="mail") if has_link else None,
    }
    number = mail.details.get("number")
    return RenderedMail(
        subject=f"[LPSE] {number}: {title}" if len(requests) == 1 and number else f"[LPSE] {title}",
        text=render_template("notifications/mail_list.txt", **context),
        html=render_template("notifications/mail_list.html", **context),
        sender=mail.agency_name,
    )


def _request_name(details: Mapping[str, Any]) -> str:
    return " ".join(str(details[key]) for key in ("number", "title") if details.get(key))


def _link_url(mail: OutgoingMail) -> str:
    if nonce := mail.details.get("nonce"):
        token = derive_token(settings().secret_key, nonce)
        return url_for("password_reset.show", token=token, _external=True)
    if mail.details.get("event") == Event.INTEGRITY:
        return url_for("integrity.index_view", _external=True)
    if mail.change_id is None:
        return url_for("notification.index_view", _external=True)
    return url_for("change.details_view", id=mail.change_id, _external=True)


def send_due_mail(by: str = "server", is_stopped: Callable[[], bool] = lambda: False) -> SendResult | None:
    """Send the mail that is due, and return the counts; None if no mail server is set."""
    server = settings().mail_server
    if server is None:
        return None
    return send_outbox(db.session(), server, render_mail, now=now, by=by, is_stopped=is_stopped)
