"""Private addresses under which a user's calendar program reads the release calendar."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import _
from models.accounts.user import User
from models.base import Base, IdType, PrimaryKey, Timestamp, partial_index
from models.immutability import Immutable, RowRules, UpdateRule

#: How long an address is good; its owner makes a new one then.
FEED_LIFETIME = dt.timedelta(days=365)

#: As much as nobody guesses; and the most of an address that is looked at.
_BYTES, _LONGEST = 32, 100


class CalendarFeed(Base):
    """One address: whose calendar it shows, and the hash of what stands in it. A user has one at a time."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        Index(
            "uq_calendar_feed_one_of_a_user",
            "user_id",
            unique=True,
            **partial_index("revoked_at IS NULL"),
        ),
    )
    secret_columns: ClassVar[frozenset[str]] = frozenset({"token_hash"})

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "calendar_feed_revoked_once",
            "the address of a calendar can only be revoked, once",
            (Immutable(mutable=("revoked_at",)), Immutable("OLD.revoked_at IS NOT NULL")),
        ),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[Timestamp]
    revoked_at: Mapped[Timestamp | None]
    #: The last moment at which it is good; None for one of former versions, which is good for as long as others.
    expires_at: Mapped[Timestamp | None]

    @property
    def good_until(self) -> dt.datetime:
        """When it ceases to be good."""
        return self.expires_at or self.made_at + FEED_LIFETIME


def load_active_feed(session: Session, user: User) -> CalendarFeed | None:
    """Return the address that is good for ``user``'s calendar, if there is one."""
    return session.scalars(
        select(CalendarFeed).where(CalendarFeed.user_id == user.id, CalendarFeed.revoked_at.is_(None))
    ).one_or_none()


def create_feed(session: Session, user: User, now: dt.datetime) -> str:
    """Give ``user`` a new address in place of a former one, and return its secret part, which is kept nowhere."""
    former = load_active_feed(session, user)
    if former is not None:
        former.revoked_at = now
        session.flush()
    token = secrets.token_urlsafe(_BYTES)
    feed = CalendarFeed(user_id=user.id, agency_id=user.agency_id, token_hash=_hash_token(token), made_at=now)
    feed.expires_at = now + FEED_LIFETIME
    session.add(feed)
    session.flush()
    return token


def revoke_feed(session: Session, user: User, now: dt.datetime) -> None:
    """Shut the address; raises NoSuchMove where there is none."""
    former = load_active_feed(session, user)
    if former is None:
        raise NoSuchMove(_("There is no calendar address to revoke."))
    former.revoked_at = now
    session.flush()


def feed_owner(session: Session, token: str, now: dt.datetime) -> User | None:
    """Return whose calendar the address shows, or None for one that is not good (any more).

    It ends by itself after a year, and with a new password: whoever had the former one may have noted the address.
    """
    if len(token) > _LONGEST:
        return None
    result = session.execute(
        select(CalendarFeed, User)
        .join(User, CalendarFeed.user_id == User.id)
        .where(CalendarFeed.token_hash == _hash_token(token), CalendarFeed.revoked_at.is_(None), User.is_active)
    ).one_or_none()
    if result is None:
        return None
    feed, user = result
    return user if is_feed_good(feed, user, now) else None


def is_feed_good(feed: CalendarFeed, user: User, now: dt.datetime) -> bool:
    """Whether the address that is not revoked still shows the calendar."""
    is_of_password = user.password_set_at is None or feed.made_at >= user.password_set_at
    return is_of_password and now < feed.good_until


def _hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
