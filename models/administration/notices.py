"""Who is told of a changed account: its owner at both addresses, the heads, the administrators and the inspectors."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.notifications.events import Event
from models.accounts.user import User
from models.audit.trail import audit_context
from models.base import session_of
from models.notifications.notification import Notice, Recipient, create_notifications

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from lpse_admin.accounts.roles import Role
    from models.administration.account_request import AccountRequest


def notify_of_account_change(
    user: User, what: Message, *, now: dt.datetime, roles: Iterable[Role] = (), only_owner: bool = False
) -> None:
    """Tell of what was done to ``user``; who did it is who answers for the transaction.

    Heads and administrators get a mail, inspectors find it on their home page. With ``only_owner`` nobody else is told.
    """
    session = session_of(user)
    session.flush()
    others = [] if only_owner else _overseers(session, user.agency_id)
    values = {
        "what": what,
        "person": user.full_name,
        "username": user.username,
        "roles": role_titles(roles),
        "by": _who(session),
    }
    # The owner is told also of an account that is disabled: nothing but this says so.
    owner = Recipient(user.id, user.agency_id, is_active=True, email=user.email, muted_events=user.muted_events)
    _notify(session, Event.ACCOUNT_CHANGED, {**{one.id: one for one in others}, user.id: owner}, values, now)


def notify_of_account_request(request: AccountRequest, *, now: dt.datetime) -> None:
    """Tell the heads and administrators, and the owner of the account, that something waits for a second person."""
    session = session_of(request)
    session.flush()
    people = {one.id: one for one in (*_overseers(session, request.agency_id), request.user)}
    values = {
        "what": request.act.title,
        "person": request.user.full_name,
        "username": request.user.username,
        "roles": role_titles(request.roles or ()),
        "by": request.asked_by.full_name,
        "until": request.expires_at,
    }
    _notify(session, Event.ACCOUNT_REQUEST, people, values, now)


def role_titles(roles: Iterable[Role]) -> Message | None:
    """Return the titles of several roles, or None for none."""
    titles: list[Message | str] = [role.title for role in sorted(roles)]
    return join_messages(titles, ", ") if titles else None


def _notify(
    session: Session, event: Event, people: dict[int, User | Recipient], values: dict[str, object], now: dt.datetime
) -> None:
    key = f"{event.value}-{secrets.token_urlsafe(16)}"
    create_notifications(session, [Notice(event, people.values(), key, None, values)], change=None, now=now)


def _overseers(session: Session, agency_id: int | None) -> list[User | Recipient]:
    """Return the heads and administrators of an agency, and its inspectors as recipients without mail."""
    users = select(User).where(User.is_active, User.agency_id.is_not_distinct_from(agency_id))
    users = users.where(or_(User.is_head, User.is_administrator, User.is_inspector)).order_by(User.id)
    return [
        user
        if user.is_head or user.is_administrator
        else Recipient(user.id, user.agency_id, is_active=True, email=None, muted_events=())
        for user in session.scalars(users)
    ]


def _who(session: Session) -> Message | str:
    """Return the name of who answers for what is written."""
    context = audit_context(session)
    return context.actor_name if context is not None else _("The server")
