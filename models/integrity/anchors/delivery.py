"""The anchors of an office and of the whole installation, kept day by day and sent out of the house."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, UniqueConstraint, or_, select, true, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.i18n import _
from models.audit.actions import AuditAction
from models.audit.anchors import anchor_lines
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, partial_index
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.office.options import load_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from models.integrity.anchors.time_stamps import TimeStamp

_MADE = AuditAction("audit.anchor", _("Made the anchors of the day"))
_SENT = AuditAction("audit.anchor-send", _("Sent the anchors of the day"))
_NOT_SENT = AuditAction("audit.anchor-fail", _("Could not send the anchors of the day"))
_STAMPED = AuditAction("audit.anchor-stamp", _("Had the anchors of the day stamped with a time"))

#: In which zone the days of the whole installation begin, unless the settings name another.
DEFAULT_TIME_ZONE = "Asia/Jakarta"
#: So long nobody else tries to send or to stamp what somebody is at.
_LEASE = dt.timedelta(minutes=15)
#: The shortest and the longest pause after a failure; in between it is as long as the attempts have lasted so far.
_SHORTEST_PAUSE, _LONGEST_PAUSE = dt.timedelta(minutes=5), dt.timedelta(hours=6)


#: For so many days what failed is tried again.
_TRIED_FOR = dt.timedelta(days=7)
_OF_DELIVERY = ("addresses", "sent_at", "error", "next_try_at", "claimed_until")


class AnchorDelivery(Base):
    """The anchors of one day: where they were sent, and the time stamp over them."""

    __tablename__ = "audit_anchor"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "day"),
        Index("ix_audit_anchor_whole", "day", unique=True, **partial_index("agency_id IS NULL")),
        Index(None, "day", "id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "audit_anchor_stands",
            "the anchors of a day stay as they are",
            (
                Immutable(mutable=(*_OF_DELIVERY, "stamped_by", "stamped_at", "time_stamp")),
                Immutable("OLD.time_stamp IS NOT NULL", columns=("stamped_by", "stamped_at", "time_stamp")),
            ),
        ),
        DeleteRule("audit_anchor_kept", "the anchors of a day are kept"),
    )

    id: Mapped[PrimaryKey]
    #: None for those of the whole installation: of all chains.
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    day: Mapped[dt.date]
    made_at: Mapped[Timestamp]
    #: The anchors, a line each.
    lines: Mapped[LongText]
    #: The addresses that have been sent them, separated by blanks.
    addresses: Mapped[LongText | None]
    sent_at: Mapped[Timestamp | None]
    #: Why the last attempt failed; None again when nothing of it is left to be done.
    error: Mapped[LongText | None]
    #: When they are sent, or stamped, next at the earliest, and the end of the lease of who is at it.
    next_try_at: Mapped[Timestamp | None]
    claimed_until: Mapped[Timestamp | None]
    #: The time-stamp server, the time that it says, and its answer (RFC 3161, base64).
    stamped_by: Mapped[ShortText | None]
    stamped_at: Mapped[Timestamp | None]
    time_stamp: Mapped[LongText | None]

    agency: Mapped[Agency | None] = relationship()

    def anchors_text(self) -> str:
        """Return the anchors as they are sent, and as they are stamped."""
        return f"{self.lines}\n"

    def stamp_bytes(self) -> bytes | None:
        """Return the answer of the time-stamp server; None without one."""
        return None if self.time_stamp is None else base64.b64decode(self.time_stamp)

    @property
    def sent_to(self) -> list[str]:
        """The addresses that have been sent the anchors."""
        return (self.addresses or "").split()


@dataclass(frozen=True, slots=True)
class AnchorPlan:
    """What the settings want of anchors."""

    #: To whom those of the whole installation are sent.
    addresses: Sequence[str] = ()
    #: Whether there is a time-stamp server.
    is_stamped: bool = False
    #: In which zone the days of the whole installation begin.
    time_zone: str = DEFAULT_TIME_ZONE


def make_anchors(session: Session, agency: Agency | None, plan: AnchorPlan, now: dt.datetime) -> AnchorDelivery:
    """Return the anchors of the day of ``agency``, or of the whole; they are made unless they are there.

    The caller sets the audit context and commits.
    """
    day = now.astimezone(ZoneInfo(plan.time_zone)).date() if agency is None else agency.local_date(now)
    agency_id = None if agency is None else agency.id
    row = session.scalars(
        select(AnchorDelivery).where(
            AnchorDelivery.agency_id.is_not_distinct_from(agency_id), AnchorDelivery.day == day
        )
    ).one_or_none()
    if row is None:
        lines = "\n".join(anchor_lines(session, agency_id))
        row = AnchorDelivery(agency_id=agency_id, day=day, made_at=now, lines=lines)
        session.add(row)
        _MADE.describe(session)
        session.flush()
    return row


def load_addresses(session: Session, agency_id: int | None, plan: AnchorPlan) -> list[str]:
    """Return to whom the anchors of an office, or of the whole, are to be sent."""
    if agency_id is None:
        return list(plan.addresses)
    options = load_options(session, agency_id)
    return ((options and options.anchor_addresses) or "").split()


def open_addresses(session: Session, row: AnchorDelivery, plan: AnchorPlan) -> list[str]:
    """Return the addresses that have yet to be sent the anchors of ``row``."""
    sent = set(row.sent_to)
    return [address for address in load_addresses(session, row.agency_id, plan) if address not in sent]


def unfinished_anchors(
    session: Session, agency_id: int | None, before: dt.date, now: dt.datetime
) -> Sequence[AnchorDelivery]:
    """Return the anchors of former days that somebody began to send or to stamp and could not, the oldest first."""
    row = AnchorDelivery
    statement = select(row).where(row.agency_id.is_not_distinct_from(agency_id), row.day < before)
    is_open = or_(row.error.is_not(None), row.claimed_until.is_not(None))
    return session.scalars(statement.where(row.made_at > now - _TRIED_FOR, is_open).order_by(row.day)).all()


def claim(session: Session, row: AnchorDelivery, now: dt.datetime, *, at_once: bool = False) -> bool:
    """Take ``row``, so that no other server sends or stamps it; False where its time has not come. Commits.

    With ``at_once`` its time has come, unless somebody is at it. Claims are not in the audit trail. What is to be done
    is to be asked after this: another server may have done it.
    """
    table: Any = AnchorDelivery.__table__
    is_due = true() if at_once else or_(table.c.next_try_at.is_(None), table.c.next_try_at <= now)
    is_free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
    taken = session.connection().execute(
        update(table).where(table.c.id == row.id, is_due, is_free).values(claimed_until=now + _LEASE)
    )
    session.commit()
    return taken.rowcount == 1


def release(session: Session, row: AnchorDelivery, now: dt.datetime, *, failed: bool) -> None:
    """Let go of ``row``: at once, or, if something failed, until the next attempt. Commits."""
    table: Any = AnchorDelivery.__table__
    pause = min(max(now - row.made_at, _SHORTEST_PAUSE), _LONGEST_PAUSE)
    values = {"next_try_at": now + pause if failed else None, "claimed_until": None}
    session.connection().execute(update(table).where(table.c.id == row.id).values(values))
    session.commit()


def record_sent(row: AnchorDelivery, session: Session, address: str, now: dt.datetime, *, is_all: bool) -> None:
    """Record that ``address`` was sent the anchors; the caller sets the audit context and commits.

    ``is_all``: nothing that failed before is left to be done.
    """
    row.addresses = " ".join([*row.sent_to, address])
    row.sent_at = now
    if is_all:
        row.error = None
    _SENT.describe(session, reason=address)


def record_failure(row: AnchorDelivery, session: Session, error: str) -> None:
    """Record why an attempt failed; the caller sets the audit context and commits."""
    row.error = error
    _NOT_SENT.describe(session, reason=error)


def record_stamp(row: AnchorDelivery, session: Session, stamp: TimeStamp, *, is_all: bool) -> None:
    """Record the time stamp over the anchors, in the same way as ``record_sent`` does."""
    row.stamped_by, row.stamped_at, row.time_stamp = stamp.server, stamp.at, stamp.encoded
    if is_all:
        row.error = None
    _STAMPED.describe(session, reason=stamp.server)
