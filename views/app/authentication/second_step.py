"""The second step of a login: a code of the app, a recovery code, or a passkey."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import render_template, session

from lpse_admin.errors import Unauthenticated
from lpse_admin.i18n import _
from models.accounts.factors.passkey import load_passkeys
from models.accounts.user import User
from models.base import session_of
from models.database import db
from views.app.access import is_local_url
from views.app.authentication import passkeys
from views.app.clock import now
from views.app.errors import wants_json

if TYPE_CHECKING:
    from lpse_admin.errors import Refused

_KEY = "second_step"
#: How long the second step may take.
_LIFETIME = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Pending:
    """A login whose password was right, or whom a provider named: whose, where it leads, what the browser was asked."""

    user: User
    next_url: str
    challenge: str
    asked_at: dt.datetime
    is_by_provider: bool = False


def ask(
    user: User, next_url: str, typed: str | None, *, refusal: Refused | None = None, is_by_provider: bool = False
) -> tuple[str, int]:
    """Ask for the second factor, for some minutes; raises Unauthenticated where JSON is wanted."""
    if wants_json():
        raise refusal or Unauthenticated(_("A code of your second factor is required."))
    keys = load_passkeys(session_of(user), user.id) if passkeys.are_possible() else []
    options, challenge = passkeys.authentication_options(keys) if keys else ("", "")
    session[_KEY] = {
        "user": user.id,
        "version": user.session_version,
        "at": now().isoformat(),
        "next": next_url,
        "challenge": challenge,
        "by_provider": is_by_provider,
    }
    page = render_template(
        "app/second_step.html",
        refusal=refusal,
        typed=typed,
        options=options,
        has_codes=user.totp_secret is not None,
        has_passkeys=bool(keys),
    )
    return page, HTTPStatus.UNAUTHORIZED if refusal is None else refusal.status


def pending() -> Pending | None:
    """Return the login that waits for its second step in this browser, if its time is not over."""
    state = session.get(_KEY)
    if not isinstance(state, dict):
        return None
    asked_at = dt.datetime.fromisoformat(state["at"])
    user = db.session.get(User, state["user"])
    is_stale = not asked_at <= now() < asked_at + _LIFETIME
    if is_stale or user is None or not user.is_active or user.session_version != state["version"]:
        session.pop(_KEY)
        return None
    next_url = state["next"]
    return Pending(
        user, next_url if is_local_url(next_url) else "/", state["challenge"], asked_at, bool(state.get("by_provider"))
    )
