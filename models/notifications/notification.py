"""Notifications of users, and their creation."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, bindparam, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.notifications.digest import next_digest
from lpse_admin.notifications.events import ACCOUNT_EVENTS, Delivery, Event, delivery_of, serialize_values
from lpse_admin.worktime.working_calendar import OutsideCalendar, TimeKind
from models.accounts.user import User
from models.audit.trail import note_inserted
from models.base import Base, IdType, PrimaryKey, Timestamp, enum_type, partial_index
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications.mail import Mail, MailState
from models.office.agency import Agency
from models.office.calendars import load_calendar
from models.office.options import load_digest_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity

#: The key in ``session.info`` of the program's base URL, for links in mail.
LINK_BASE = "link_base"

#: Unread notifications are counted up to this number; pages show "99+" beyond it.
MAX_UNREAD = 99


class Notification(Base):
    """An event, for one recipient."""

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
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"details"})
    #: What a message is made of stays, so that the list can be read.
    erasable_values: ClassVar[frozenset[str] | None] = frozenset({"title", "reason", "note"})

    id: Mapped[PrimaryKey]
    #: None for an administrator of the installation, who is notified of their own account alone.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    event: Mapped[Event] = mapped_column(enum_type(Event, "event"))
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("activity.id"))
    #: The serialized values of the message (``notifications.events``), with the event, request number and title.
    details: Mapped[dict[str, Any]]
    #: Identifies the event: a user is notified once for each key.
    key: Mapped[str] = mapped_column(String(120))
    at: Mapped[Timestamp]
    read_at: Mapped[Timestamp | None]

    user: Mapped[User] = relationship()
    mail: Mapped[Mail | None] = relationship(back_populates="notification")

    def mark_read(self, now: dt.datetime) -> None:
        """Mark it as read, unless it already is."""
        if self.read_at is None:
            self.read_at = now


@dataclass(frozen=True, slots=True)
class Recipient:
    """The columns of a user that notifications need."""

    id: int
    agency_id: int | None
    is_active: bool
    email: str | None
    muted_events: Collection[str]
    digest_events: Collection[str] = ()


def notify(  # noqa: PLR0913 - the parts of an event
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
    """Create notifications of ``event`` and their mails in the outbox, and return them; nothing is sent yet.

    Skips users who are inactive, belong to another agency than ``change`` or to none, or were notified with ``key``
    before. ``key`` (at most 120 characters) identifies the event: ``f"overdue-{activity.id}"``. Users get mail if they
    have an address and did not turn it off for this event. ``values`` has the names of ``notifications.events``
    (``step``, ``outcome``, ``reason``, ``by``, ``to``, ``due`` …) with strings, enums, Messages, dates or datetimes.
    """
    users = {user.id: user for user in recipients if _is_recipient(user, change, event)}
    if not users:
        return []
    notified = select(Notification.user_id).where(Notification.key == key, Notification.user_id.in_(users))
    for user_id in session.scalars(notified):
        del users[user_id]
    ids = create_notifications(session, [Notice(event, users.values(), key, activity, values)], change=change, now=now)
    return list(session.scalars(select(Notification).where(Notification.id.in_(ids)).order_by(Notification.id)))


@dataclass(frozen=True, slots=True)
class Notice:
    """An event with its distinct recipients and a new ``key``.

    A user who wants mail of one of ``mail_events`` gets it too.
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
    """Create the notifications and mails of ``notices`` about ``change``, and return the notifications' ids.

    It takes one INSERT for all notifications and one for all mails.
    """
    rows, addressed = [], []
    for notice in notices:
        columns = _shared_columns(notice, change, now)
        for user in notice.recipients:
            if _is_recipient(user, change, notice.event):
                rows.append({"agency_id": user.agency_id, "user_id": user.id, **columns})
                delivery = mail_delivery(user, (notice.event, *notice.mail_events))
                if user.email and delivery is not Delivery.NONE:
                    addressed.append((user, notice.key, delivery))
    if not rows:
        return []
    session.flush()  # the notifications refer to pending rows
    ids = _insert(session, Notification, rows, "user_id", "key")
    if addressed:
        digests = _NextDigests(session, now)
        mails = [
            {
                "notification_id": ids[user.id, key],
                **_create_mail(session, user, now if delivery is Delivery.AT_ONCE else digests[user.agency_id]),
            }
            for user, key, delivery in addressed
        ]
        _insert(session, Mail, mails, "notification_id")
    return sorted(ids.values())


def _shared_columns(notice: Notice, change: ChangeRequest | None, now: dt.datetime) -> dict[str, object]:
    """Return the columns that are the same in all notifications of ``notice``."""
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
    """Insert ``rows`` by one statement, with audit entries, and return their ids keyed by the columns ``by``."""
    table: Any = model.__table__
    returned = session.connection().execute(insert(table).returning(table.c.id, *(table.c[name] for name in by)), rows)
    ids = {tuple(row[1:]): int(row[0]) for row in returned}
    note_inserted(session, model, [{"id": ids[tuple(row[name] for name in by)], **row} for row in rows])
    return ids


def _is_recipient(user: User | Recipient, change: ChangeRequest | None, event: Event) -> bool:
    if event in ACCOUNT_EVENTS:
        return user.is_active
    return user.is_active and user.agency_id is not None and (change is None or user.agency_id == change.agency_id)


def mail_delivery(user: User | Recipient, events: Iterable[Event]) -> Delivery:
    """Return when ``user`` gets the mail of a notice that tells of ``events``: as soon as for any of them."""
    wanted = {delivery_of(event, user.muted_events, user.digest_events) for event in events}
    return next(delivery for delivery in Delivery if delivery in wanted)


class _NextDigests(dict[int | None, dt.datetime]):
    """When the next digest of an office goes out, by its id."""

    def __init__(self, session: Session, now: dt.datetime) -> None:
        super().__init__()
        self._session, self._now = session, now

    def __missing__(self, agency_id: int | None) -> dt.datetime:
        agency = self._session.get_one(Agency, agency_id)
        calendar = load_calendar(self._session, agency)
        time = load_digest_time(self._session, agency.id)
        try:
            moment = next_digest(self._now, time, agency.zone, lambda day: calendar.day(day).kind is TimeKind.WORK)
        except OutsideCalendar:
            moment = next_digest(self._now, time, agency.zone, lambda _day: True)
        self[agency_id] = moment
        return moment


def _create_mail(session: Session, user: User | Recipient, due: dt.datetime) -> dict[str, Any]:
    return {
        "agency_id": user.agency_id,
        "address": user.email,
        "state": MailState.WAITING,
        "attempts": 0,
        "next_try_at": due,
        "link_base": session.info.get(LINK_BASE),
    }


def count_unread(session: Session, user: User) -> int:
    """Return the number of unread notifications of ``user``, at most MAX_UNREAD + 1."""
    return session.connection().scalar(COUNT_UNREAD, {"user": user.id}) or 0


_TABLE = Notification.__table__
#: The statement of ``count_unread``, with the parameter "user".
COUNT_UNREAD = select(func.count()).select_from(
    select(_TABLE.c.id)
    .where(_TABLE.c.user_id == bindparam("user"), _TABLE.c.read_at.is_(None))
    .limit(MAX_UNREAD + 1)
    .subquery()
)


def mark_all_read(session: Session, user: User, now: dt.datetime) -> int:
    """Mark all notifications of ``user`` as read, and return their number."""
    unread = session.scalars(
        select(Notification).where(Notification.user_id == user.id, Notification.read_at.is_(None))
    ).all()
    for notification in unread:
        notification.mark_read(now)
    return len(unread)
