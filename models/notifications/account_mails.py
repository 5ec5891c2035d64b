"""Mails about an account: links to set a new password, and a changed address told to the former one."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lpse_admin.accounts.secrets.reset_tokens import LINK_LIFETIME, derive_token, hash_token
from lpse_admin.accounts.usernames import normalize_username
from lpse_admin.errors import TooManyAttempts
from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import Event
from models.accounts.factors.sealing import secret_box
from models.accounts.login import WIDER_LIMIT
from models.accounts.login_session import MAX_ADDRESS_LENGTH
from models.accounts.password_reset import LINK_REQUESTED, PasswordReset
from models.accounts.user import User, find_user
from models.audit.trail import audit_context
from models.base import SHORT_TEXT_LENGTH, UNSTORABLE_CHARACTERS, session_of
from models.notifications.notification import Notice, Recipient, create_notifications

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from lpse_admin.config import LoginLimit

_NOT_ASKED = _("If you did not ask for it, ignore this: your password stays as it is.")
_ASKED_BY_ADMINISTRATOR = _("An administrator asked for it on your behalf. Your former password has ended.")
_SECONDS_PER_MINUTE = 60
#: An e-mail address that several accounts have gets a link for each, up to this number.
_MAX_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Who asks for a link: the user name or e-mail address that was typed, and the client address."""

    name: str
    address: str


def request_links(
    session: Session, asked: LinkRequest, *, secret_key: str | None, now: dt.datetime, limit: LoginLimit
) -> None:
    """Record the request and mail a link to each account of that name; the caller commits, and answers always alike.

    Without a ``secret_key`` no link is made. An account gets as many links within the window of ``limit`` as it may
    have failures: those stay good, so that whoever asks again and again keeps nobody from theirs. Raises
    TooManyAttempts if the address has asked too often.
    """
    since = now - dt.timedelta(minutes=limit.minutes)
    if _count(session, PasswordReset.address == asked.address, since) >= limit.failures * WIDER_LIMIT:
        raise TooManyAttempts(
            _("Too many requests from this address. Try again in %(minutes)s minutes.", minutes=limit.minutes),
            retry_after=limit.minutes * _SECONDS_PER_MINUTE,
        )
    LINK_REQUESTED.describe(session)
    sent = [
        _send_link(session, asked, user, secret_key, now)
        for user in _accounts(session, asked.name)
        if secret_key and _count(session, PasswordReset.user_id == user.id, since) < limit.failures
    ]
    if not sent:
        session.add(_record(asked, now, is_known=False))
    session.flush()


def _count(session: Session, criterion: ColumnElement[bool], since: dt.datetime) -> int:
    counted = select(func.count()).select_from(PasswordReset).where(criterion, PasswordReset.at > since)
    return session.scalar(counted) or 0


def _accounts(session: Session, typed: str) -> Sequence[User]:
    """Return the active accounts with an e-mail address that somebody may mean by ``typed``."""
    address = UNSTORABLE_CHARACTERS.sub("", typed).strip().lower()
    named = find_user(session, typed)
    if named is not None:
        return [named] if named.is_active and named.email else []
    users = select(User).where(func.lower(User.email) == address, User.is_active).order_by(User.id)
    return session.scalars(users.limit(_MAX_ACCOUNTS)).all()


def _record(asked: LinkRequest, now: dt.datetime, *, is_known: bool) -> PasswordReset:
    name = UNSTORABLE_CHARACTERS.sub("", asked.name).strip()[:SHORT_TEXT_LENGTH]
    if not is_known:
        name = secret_box().hash_name(normalize_username(name))  # it may be a password
    return PasswordReset(at=now, name=name, address=asked.address[:MAX_ADDRESS_LENGTH])


def _send_link(
    session: Session,
    asked: LinkRequest,
    user: User,
    secret_key: str,
    now: dt.datetime,
    *,
    note: Message = _NOT_ASKED,
) -> PasswordReset:
    nonce = secrets.token_urlsafe(16)
    reset = _record(asked, now, is_known=True)
    reset.user, reset.agency_id, reset.expires_at = user, user.agency_id, now + LINK_LIFETIME
    reset.token_hash = hash_token(derive_token(secret_key, nonce))
    session.add(reset)
    values = {
        "nonce": nonce,
        "username": user.username,
        "from_address": reset.address,
        "until": reset.expires_at,
        "note": note,
    }
    create_notifications(
        session, [Notice(Event.PASSWORD_RESET, [user], f"password-reset-{nonce}", None, values)], change=None, now=now
    )
    return reset


def change_contact(user: User, *, email: str, phone: str, password: str, now: dt.datetime) -> None:
    """Change one's own e-mail address and telephone number, and tell the former address; raises ValidationFailed."""
    former = user.email
    user.change_contact(email=email, phone=phone, password=password)
    notify_former_address(user, former, now)


def send_link_for_administrator(user: User, *, secret_key: str, now: dt.datetime) -> PasswordReset:
    """Mail a link to set a new password to the owner of an account, which an administrator asked for."""
    session = session_of(user)
    context = audit_context(session)
    asked = LinkRequest(user.username, (context.address if context else None) or "")
    return _send_link(session, asked, user, secret_key, now, note=_ASKED_BY_ADMINISTRATOR)


def notify_former_address(user: User, former: str | None, now: dt.datetime) -> None:
    """Tell the former e-mail address of an account that it is another one now."""
    if former is None or former == user.email:
        return
    session = session_of(user)
    recipient = Recipient(user.id, user.agency_id, is_active=True, email=former, muted_events=())
    values = {"former": former, "present": user.email or _("none"), "username": user.username}
    key = f"email-changed-{secrets.token_urlsafe(16)}"
    create_notifications(session, [Notice(Event.EMAIL_CHANGED, [recipient], key, None, values)], change=None, now=now)
