"""Notifications: who was told of what, and when they read it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, bindparam, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.notifications.events import ALWAYS_MAILED, Event, serialize_values
from models.accounts.user import User
from models.audit.trail import note_inserted
from models.base import Base, IdType, PrimaryKey, Timestamp, enum_type, partial_index
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications.mail import Mail, MailState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from models.changes.activity import Activity
    from models.changes.change import ChangeRequest

#: Under this name a session knows where the program is reached, for the links of the mail that is written in it.
LINK_BASE = "link_base"

#: What the unread ones are counted to; beyond it the page says "99+".
MAX_UNREAD = 99


class Notification(Base):
    """One event as one person is told of it."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_notification_newest", "user_id", "at", "id"),
        Index("ix_notification_event", "user_id", "event", "at", "id"),
        Index("ix_notification_agency", "agency_id", "at", "id"),
        Index("ix_notification_everywhere", "at", "id"),
        Index(
            "ix_notification_unread",
            "user_id",
            "at",
            "id",
            **partial_index("read_at IS NULL"),
        ),
        Index(None, "change_id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "notification_stands",
            "a notification can only be read, once",
            (Immutable(mutable=("read_at",)), Immutable("OLD.read_at IS NOT NULL")),
        ),
        DeleteRule("notification_kept", "a notification is kept"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    event: Mapped[Event] = mapped_column(enum_type(Event, "event"))
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("activity.id"))
    #: What ``lpse_admin.event`` puts the text together from, the event and the request's number and title included.
    details: Mapped[dict[str, Any]]
    #: Says which event it is: nobody is told of the same one twice.
    key: Mapped[str] = mapped_column(String(120))
    at: Mapped[Timestamp]
    read_at: Mapped[Timestamp | None]

    user: Mapped[User] = relationship()
    mail: Mapped[Mail | None] = relationship(back_populates="notification")

    def mark_read(self, now: dt.datetime) -> None:
        """Mark it as read; the first time counts."""
        if self.read_at is None:
            self.read_at = now


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may be told of something, as far as that is asked for."""

    id: int
    agency_id: int | None
    is_active: bool
    email: str | None
    muted_events: Collection[str]


def notify(  # noqa: PLR0913 - an event has this many sides
    session: Session,
    event: Event,
    recipients: Iterable[User],
    *,
    now: dt.datetime,
    key: str,
    change: ChangeRequest | None = None,
    activity: Activity | None = None,
    **values: object,
) -> list[Notification]:
    """Tell ``recipients`` of ``event`` in the caller's transaction; return what was written, nothing is sent yet.

    Whoever is not active, belongs to another agency than ``change`` (or to none), or was told of ``key`` before is
    passed over. ``key`` (at most 120 characters) says which event it is: ``f"overdue-{activity.id}"``. A mail is
    put in the outbox for each who has an address and has not turned this event's mail off. ``values`` are what
    ``lpse_admin.event`` names (``step``, ``outcome``, ``reason``, ``by``, ``to``, ``due`` …): texts, Words,
    Messages, dates, moments.
    """
    concerned = {person.id: person for person in recipients if _is_recipient(person, change)}
    if not concerned:
        return []
    asked = select(Notification.user_id).where(Notification.key == key, Notification.user_id.in_(concerned))
    for user_id in session.scalars(asked):
        del concerned[user_id]
    ids = create_notifications(
        session, [Notice(event, concerned.values(), key, activity, values)], change=change, now=now
    )
    return list(session.scalars(select(Notification).where(Notification.id.in_(ids)).order_by(Notification.id)))


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are to be told of, by a ``key`` that is new for certain; each of them is named once.

    ``mail_events`` are further events by which somebody may want the mail.
    """

    event: Event
    recipients: Iterable[User | Recipient]
    key: str
    activity: Activity | None
    values: Mapping[str, object]
    mail_events: Collection[Event] = ()


def create_notifications(
    session: Session, notices: Iterable[Notice], *, change: ChangeRequest | None, now: dt.datetime
) -> list[int]:
    """Do what ``tell`` does for ``notices`` of ``change``, and return the notifications' ids.

    However many people are told, it takes one statement for what they are told and one for their mail.
    """
    rows, addressed = [], []
    for notice in notices:
        said = _said(notice, change, now)
        for person in notice.recipients:
            if _is_recipient(person, change):
                rows.append({"agency_id": person.agency_id, "user_id": person.id, **said})
                if person.email and any(wants_mail(person, one) for one in (notice.event, *notice.mail_events)):
                    addressed.append((person, notice.key))
    if not rows:
        return []
    session.flush()  # what it is about comes first
    ids = _insert(session, Notification, rows, "user_id", "key")
    if addressed:
        mails = [
            {"notification_id": ids[person.id, key], **_create_mail(session, person, now)} for person, key in addressed
        ]
        _insert(session, Mail, mails, "notification_id")
    return sorted(ids.values())


def _said(notice: Notice, change: ChangeRequest | None, now: dt.datetime) -> dict[str, object]:
    """Return what stands in every notification of ``notice``."""
    details = {"event": notice.event.value, **serialize_values(notice.values)}
    if change is not None:
        details |= {"number": change.number, "title": change.title}
    return {
        "event": notice.event,
        "change_id": None if change is None else change.id,
        "activity_id": None if notice.activity is None else notice.activity.id,
        "details": details,
        "key": notice.key,
        "at": now,
    }


def _insert(
    session: Session, model: type[Notification | Mail], rows: list[dict[str, Any]], *by: str
) -> dict[tuple[Any, ...], int]:
    """Insert ``rows`` by one statement, let the trail tell of them, and return their ids by the columns ``by``."""
    table: Any = model.__table__
    written = session.connection().execute(insert(table).returning(table.c.id, *(table.c[name] for name in by)), rows)
    ids = {tuple(row[1:]): int(row[0]) for row in written}
    note_inserted(session, model, [{"id": ids[tuple(row[name] for name in by)], **row} for row in rows])
    return ids


def _is_recipient(person: User | Recipient, change: ChangeRequest | None) -> bool:
    return (
        person.is_active and person.agency_id is not None and (change is None or person.agency_id == change.agency_id)
    )


def wants_mail(person: User | Recipient, event: Event) -> bool:
    """Whether ``person`` is mailed of ``event``: unless they turned it off, and of emergencies always."""
    return event in ALWAYS_MAILED or event.value not in person.muted_events


def _create_mail(session: Session, person: User | Recipient, now: dt.datetime) -> dict[str, Any]:
    return {
        "agency_id": person.agency_id,
        "address": person.email,
        "state": MailState.WAITING,
        "attempts": 0,
        "next_try_at": now,
        "link_base": session.info.get(LINK_BASE),
    }


def count_unread(session: Session, user: User) -> int:
    """Return how many notifications ``user`` has not read, MOST_UNREAD + 1 standing for any greater number."""
    return session.connection().scalar(COUNT_UNREAD, {"user": user.id}) or 0


_TABLE = Notification.__table__
#: The statement for it, of the user in its parameter "user".
COUNT_UNREAD = select(func.count()).select_from(
    select(_TABLE.c.id)
    .where(_TABLE.c.user_id == bindparam("user"), _TABLE.c.read_at.is_(None))
    .limit(MAX_UNREAD + 1)
    .subquery()
)


def mark_all_read(session: Session, user: User, now: dt.datetime) -> int:
    """Mark everything as read that ``user`` was told of, and return how much that was."""
    found = session.scalars(
        select(Notification).where(Notification.user_id == user.id, Notification.read_at.is_(None))
    ).all()
    for notification in found:
        notification.mark_read(now)
    return len(found)
