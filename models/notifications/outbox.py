"""Sending: each mail of the outbox handed to the mail server once, whatever stalls, refuses or dies on the way.

A sender claims one mail at a time in a short transaction, with a lease, so that no other sender takes it; it speaks
to the server outside of any transaction; and it writes down that the mail was sent in the moment in which the
server has said 250. A program that is killed leaves its claim behind, which lapses with the lease. What happens
between that 250 and the commit is told in docs/decisions/2026-11-21-a-mail-is-sent-once.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload

from models.audit.trail import AuditContext, set_audit_context
from models.base import canonical_json
from models.database import takes_write_lock
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification
from models.notifications.smtp_client import OutgoingMail, RenderedMail, SmtpClient
from models.office.agency import Agency

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpse_admin.notifications.smtp_url import MailServer

#: How long a claimed mail is its sender's own. Longer than sending one can take, see ``mail_talk.LONGEST``.
CLAIM_LEASE = dt.timedelta(minutes=15)

#: Minutes until the next attempt: 1, 2, 4 … and at the most six hours.
_MAX_PAUSE_MINUTES = 360

#: After this many attempts a mail has failed. With the pauses above that is five days of trying; days on which
#: nothing was tried, since the program stood still, do not count.
MAX_ATTEMPTS = 28

#: After this many troubles in a row a round ends: the server is down, and the next round tries again.
_MAX_FAILURES_IN_A_ROW = 3

#: How often the sending of a mail is written down anew where the database fails at just that moment.
_MAX_RECORD_ATTEMPTS = 3


@dataclass(slots=True)
class SendResult:
    """How many mails a round has sent, put off, given up and left unsent on purpose."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0
    cancelled: int = 0
    #: What the server said last, where it was in the way.
    last_error: str = field(default="")


def send_outbox(
    session: Session,
    server: MailServer,
    compose: Callable[[OutgoingMail], RenderedMail],
    *,
    now: Callable[[], dt.datetime],
    by: str,
    is_stopped: Callable[[], bool] = lambda: False,
) -> SendResult:
    """Send every mail that is due, one by one, and return what became of them.

    ``compose`` writes the text; ``by`` is who answers for it in the trail; ``is_stopped`` is asked between two
    mails. The transactions are this function's own: ``session`` must be at the start of one. What the server or the
    network does is no exception: the mail is put off, or has failed.
    """
    tally, troubles = SendResult(), 0
    with SmtpClient(server) as talk:
        while troubles < _MAX_FAILURES_IN_A_ROW and not is_stopped():
            parcel = _claim_next(session, server, now())
            if parcel is None:
                break
            if not parcel.is_active:
                _record_state(session, parcel, MailState.CANCELLED, now(), by, None)
                tally.cancelled += 1
                continue
            answer = talk.send(parcel, compose(parcel), now)
            if answer is None:
                _record_state(session, parcel, MailState.SENT, now(), by, None)
                tally.sent += 1
                troubles = 0
                continue
            tally.last_error = answer.error
            if answer.is_permanent or parcel.attempts >= MAX_ATTEMPTS:
                _record_state(session, parcel, MailState.FAILED, now(), by, answer.error)
                tally.failed += 1
            else:
                _postpone(session, parcel, now(), answer.error)
                tally.postponed += 1
            if answer.is_unreachable:
                break
            troubles += answer.is_server_error
    return tally


def _due_criteria(now: dt.datetime) -> tuple[Any, ...]:
    return (
        Mail.state == MailState.WAITING,
        Mail.next_try_at <= now,
        or_(Mail.claimed_until.is_(None), Mail.claimed_until <= now),
    )


def _claim_next(session: Session, server: MailServer, now: dt.datetime) -> OutgoingMail | None:
    """Take the next due mail for this sender alone, or return None; the claim is bookkeeping, and not in the trail."""
    token = takes_write_lock.set(False)  # a look that keeps no writer of SQLite waiting
    try:
        is_anything_due = session.scalars(select(Mail.id).where(*_due_criteria(now)).limit(1)).first() is not None
    finally:
        session.rollback()
        takes_write_lock.reset(token)
    if not is_anything_due:
        return None
    connection = session.connection()
    following = (
        select(Mail.id, Mail.notification_id, Mail.message_id)
        .where(*_due_criteria(now))
        .order_by(Mail.next_try_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(following).one_or_none()
    if row is None:  # somebody else was faster
        session.rollback()
        return None
    message_id = row.message_id or _message_id(row.id, row.notification_id, now, server)
    connection.execute(
        update(Mail)
        .where(Mail.id == row.id)
        .values(claimed_until=now + CLAIM_LEASE, attempts=Mail.attempts + 1, message_id=message_id)
    )
    session.commit()
    return _outgoing_mail(session, row.id)


def _outgoing_mail(session: Session, mail_id: int) -> OutgoingMail:
    mail = session.scalars(
        select(Mail)
        .where(Mail.id == mail_id)
        .options(joinedload(Mail.notification).joinedload(Notification.user))
        .execution_options(populate_existing=True)
    ).one()
    notification, reader, agency = mail.notification, mail.notification.user, session.get_one(Agency, mail.agency_id)
    parcel = OutgoingMail(
        mail_id=mail.id,
        message_id=mail.message_id or "",
        attempts=mail.attempts,
        claimed_until=mail.claimed_until or mail.next_try_at,
        address=mail.address,
        name=reader.full_name,
        language=reader.language,
        is_active=reader.is_active,
        agency_name=agency.name,
        zone=agency.zone,
        details=notification.details,
        at=notification.at,
        change_id=notification.change_id,
        link_base=mail.link_base,
    )
    session.rollback()  # nothing is held while the server is spoken to
    return parcel


def _message_id(mail_id: int, notification_id: int, now: dt.datetime, server: MailServer) -> str:
    """Return a name for the mail that no other has, made of its own id, and kept from the first attempt on."""
    mark = hashlib.sha256(canonical_json([mail_id, notification_id, now.isoformat()]).encode()).hexdigest()[:16]
    return f"<lpse.{mail_id}.{mark}@{server.sender.rpartition('@')[2]}>"


def _record_state(
    session: Session, outgoing: OutgoingMail, state: MailState, now: dt.datetime, by: str, error: str | None
) -> None:
    """Write down what has become of a mail for good, in the trail too."""
    for attempt in range(1, _MAX_RECORD_ATTEMPTS + 1):
        try:
            session.rollback()
            set_audit_context(session, AuditContext(at=now, actor_id=None, actor_name=by, action="mail.send"))
            mail = session.get_one(Mail, outgoing.mail_id, with_for_update=True, populate_existing=True)
            if mail.state is not MailState.WAITING:
                session.rollback()
                return
            mail.state, mail.claimed_until, mail.last_error = state, None, error
            mail.sent_at = now if state is MailState.SENT else None
            session.commit()
        except SQLAlchemyError:
            session.rollback()
            if attempt == _MAX_RECORD_ATTEMPTS:
                raise
        else:
            return


def _postpone(session: Session, outgoing: OutgoingMail, now: dt.datetime, error: str) -> None:
    """Let a mail wait for its next attempt; it waits as before, so the trail is not told."""
    session.connection().execute(
        update(Mail)
        .where(Mail.id == outgoing.mail_id, Mail.state == MailState.WAITING)
        .values(claimed_until=None, next_try_at=now + retry_delay(outgoing.attempts), last_error=error)
    )
    session.commit()


def retry_delay(attempts: int) -> dt.timedelta:
    """Return how long to wait after this many attempts."""
    return dt.timedelta(minutes=min(2 ** min(attempts - 1, 30), _MAX_PAUSE_MINUTES))


def count_by_state(session: Session) -> dict[MailState, int]:
    """Return how many mails there are in each state."""
    counts = session.execute(select(Mail.state, func.count()).group_by(Mail.state))
    return dict.fromkeys(MailState, 0) | dict(counts.tuples())
