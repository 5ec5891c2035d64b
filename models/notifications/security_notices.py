"""Mails about the security of an account to its owner, and alerts to those who look after an installation."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from lpse_admin.i18n import _
from lpse_admin.notifications.events import Event
from models.accounts.user import User
from models.base import session_of
from models.notifications.notification import notify

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from lpse_admin.i18n import Message

_NOTE = _("If this was not you, tell an administrator, change your password and end your other sessions.")


def notify_owner(user: User, what: Message, *, kind: str, address: str, now: dt.datetime) -> None:
    """Notify the owner of an account of ``what`` was done to it, by mail too, each time."""
    key = f"account-{kind}-{secrets.token_urlsafe(16)}"
    notify(
        session_of(user), Event.ACCOUNT_SECURITY, [user], now=now, key=key, what=what, from_address=address, note=_NOTE
    )


def notify_of_refused_logins(user: User, *, address: str, now: dt.datetime) -> None:
    """Tell the owner, and by an alert those who look after the office, of many refused logins of an account."""
    what = _("Many logins to your account (%(username)s) were refused: wrong passwords.", username=user.username)
    session = session_of(user)
    key = f"account-refused-{now:%Y%m%d%H}"
    notify(
        session, Event.ACCOUNT_SECURITY, [user], now=now, key=key, what=what, from_address=address, note=_REFUSED_NOTE
    )
    alert(
        session,
        "refused",
        _("Many logins to the account %(username)s were refused.", username=user.username),
        agency_id=user.agency_id,
        now=now,
    )


_REFUSED_NOTE = _("If this was not you, somebody guesses. Choose a long password, and turn the second factor on.")


def alert(session: Session, kind: str, what: Message, *, agency_id: int | None, now: dt.datetime) -> None:
    """Alert heads and administrators of an office, and those of the installation: at most once an hour a ``kind``.

    What is done to one account has its id in the ``kind``, so that none hides another.
    """
    key = f"alert-{kind}-{now:%Y%m%d%H}"
    notify(session, Event.SECURITY_ALERT, guardians(session, agency_id), now=now, key=key, what=what)


def guardians(session: Session, agency_id: int | None) -> Sequence[User]:
    """Return the heads and administrators of an office, and the administrators of the installation."""
    of_office = and_(User.agency_id == agency_id, or_(User.is_head, User.is_administrator))
    everywhere = and_(User.agency_id.is_(None), User.is_administrator)
    result = select(User).where(User.is_active, or_(of_office, everywhere) if agency_id else everywhere)
    return session.scalars(result.order_by(User.id)).all()
