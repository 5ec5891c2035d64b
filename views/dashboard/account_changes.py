"""The panel of accounts on the home page: what was changed of late, and what waits for a second person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from sqlalchemy import select

from lpse_admin.accounts.four_eyes import RequestState
from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.notifications.events import Event
from models.administration.account_request import AccountRequest
from models.database import db
from models.notifications.notification import Notification
from models.scope import visible
from views.app.access import can, get_current_user, is_acting_head
from views.app.clock import now
from views.i18n.language import format_datetime, tr
from views.notifications.notices import notification_facts, notification_text

if TYPE_CHECKING:
    from collections.abc import Collection

#: Of what the panel tells, and the most rows of each kind.
_DAYS = 30
_MAX_ROWS = 5
_SEEN_BY = frozenset({Role.HEAD, Role.ADMINISTRATOR, Role.INSPECTOR})


@dataclass(frozen=True, slots=True)
class WaitingAccount:
    """A change of an account that waits for a second person, who may be the reader."""

    name: str
    act: str
    asked_by: str
    until: str
    url: str
    may_decide: bool


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What was done to an account, when, and what is said of it: whose it is, its roles, by whom."""

    at: str
    text: str
    facts: str
    url: str


@dataclass(frozen=True, slots=True)
class AccountPanel:
    """What the panel shows; ``all_url`` is the list of what it has the newest of."""

    waiting: list[WaitingAccount]
    changes: list[AccountChange]
    all_url: str


def account_panel(roles: Collection[Role]) -> AccountPanel | None:
    """Return the panel of the current user; None where there is nothing, or nothing that they are told of."""
    if _SEEN_BY.isdisjoint(roles):
        return None
    waiting, changes = _waiting(), _changes()
    if not waiting and not changes:
        return None
    return AccountPanel(waiting, changes, url_for("notification.index_view", event=Event.ACCOUNT_CHANGED.value))


def _waiting() -> list[WaitingAccount]:
    if not can(Verb.READ, Resource.ACCOUNT_REQUEST):
        return []
    user, moment = get_current_user(), now()
    requests = db.session.scalars(
        select(AccountRequest)
        .where(
            visible(AccountRequest, user, is_acting_head=is_acting_head()),
            AccountRequest.state(moment) == RequestState.WAITING,
        )
        .order_by(AccountRequest.id)
        .limit(_MAX_ROWS)
    )
    return [
        WaitingAccount(
            name=str(one),
            act=tr(one.act.title),
            asked_by=one.asked_by_name or "",
            until=format_datetime(one.expires_at),
            url=url_for("account-request.details_view", id=one.id),
            may_decide=one.can_be_decided_by(user, moment),
        )
        for one in requests
    ]


def _changes() -> list[AccountChange]:
    events = (Event.ACCOUNT_CHANGED, Event.SECURITY_ALERT)
    newest = (
        select(Notification)
        .where(
            Notification.user_id == get_current_user().id,
            Notification.event.in_(events),
            Notification.at > now() - dt.timedelta(days=_DAYS),
        )
        .order_by(Notification.at.desc(), Notification.id.desc())
        .limit(_MAX_ROWS)
    )
    return [_change(one) for one in db.session.scalars(newest)]


def _change(one: Notification) -> AccountChange:
    facts = "; ".join(f"{label}: {value}" for label, value in notification_facts(one.details))
    url = url_for("notification.details_view", id=one.id)
    return AccountChange(format_datetime(one.at), notification_text(one.details), facts, url)
