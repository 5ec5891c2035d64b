"""Send the mail of the outbox, each once, in spite of errors, refusals and crashes.

A sender claims one mail at a time in a short transaction, with a lease, so that no other sender takes it. It sends
outside of any transaction, and records the mail as sent immediately after the server's 250. The claim of a sender that
was killed expires with its lease. For a crash between the 250 and the commit see
docs/decisions/2026-11-21-a-mail-is-sent-once.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased, joinedload

from lpse_admin.accounts.secrets.reset_tokens import LINK_LIFETIME
from lpse_admin.notifications.events import ALWAYS_MAILED, Event
from models.audit.trail import AuditContext, set_audit_context
from models.base import canonical_json
from models.database import takes_write_lock
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification
from models.notifications.smtp_client import MailItem, OutgoingMail, RenderedMail, SendFailure, SmtpClient
from models.office.agency import Agency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpse_admin.notifications.mail_faults import MailFault
    from lpse_admin.notifications.smtp_url import MailServer

#: The lease of a claimed mail; longer than ``smtp_client.SEND_TIMEOUT``.
CLAIM_LEASE = dt.timedelta(minutes=15)

#: Minutes until the next attempt: 1, 2, 4 … at most six hours.
_MAX_PAUSE_MINUTES = 360

#: After this many attempts a mail has failed. With the pauses above that takes five days while the program runs.
MAX_ATTEMPTS = 28

#: The same for a fault of the setting: about a month.
MAX_SETTING_ATTEMPTS = 800
_ATTEMPTS_OF_FIRST_DAY = 96

#: So many notifications go out in one mail at the most.
_MAX_IN_ONE_MAIL = 200

#: After this many server errors in a row the run ends; the next run tries again.
_MAX_FAILURES_IN_A_ROW = 3

#: How often to try to record the result of a mail if the database fails.
_MAX_RECORD_ATTEMPTS = 3


@dataclass(slots=True)
class SendResult:
    """How many mails a run has sent, postponed, failed and cancelled."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0
    cancelled: int = 0
    #: The last error of the server.
    last_error: str = field(default="")
    #: What is at fault in it, where that is known.
    fault: MailFault | None = None


def send_outbox(
    session: Session,
    server: MailServer,
    compose: Callable[[OutgoingMail], RenderedMail],
    *,
    now: Callable[[], dt.datetime],
    by: str,
    is_stopped: Callable[[], bool] = lambda: False,
) -> SendResult:
    """Send all mail that is due, one by one, and return the counts.

    ``compose`` renders a mail; ``by`` is the actor in the audit trail; ``is_stopped`` is called between two mails. The
    function commits its own transactions: ``session`` must not be in one. Errors of the server or the network are not
    raised: the mail is postponed, or has failed.
    """
    result, failures = SendResult(), 0
    with SmtpClient(server) as client:
        while failures < _MAX_FAILURES_IN_A_ROW and not is_stopped():
            outgoing = _claim_next(session, server, now())
            if outgoing is None:
                break
            many = len(outgoing.mail_ids)
            if not outgoing.is_active:
                _record_state(session, outgoing, MailState.CANCELLED, now(), by, None)
                result.cancelled += many
                continue
            failure = client.send(outgoing, compose(outgoing), now)
            if failure is None:
                _record_state(session, outgoing, MailState.SENT, now(), by, None)
                result.sent += many
                failures = 0
                continue
            result.last_error, result.fault = failure.error, failure.fault
            if failure.is_permanent or outgoing.attempts >= _max_attempts(failure):
                _record_state(session, outgoing, MailState.FAILED, now(), by, failure)
                result.failed += many
            else:
                _postpone(session, outgoing, now(), failure)
                result.postponed += many
            if failure.is_unreachable:
                break
            failures += failure.is_server_error
    return result


def _due_criteria(now: dt.datetime) -> tuple[Any, ...]:
    return (
        Mail.state == MailState.WAITING,
        Mail.next_try_at <= now,
        or_(Mail.claimed_until.is_(None), Mail.claimed_until <= now),
    )


def _claim_next(session: Session, server: MailServer, now: dt.datetime) -> OutgoingMail | None:
    """Claim the next due mail, or return None; claims are not in the audit trail."""
    token = takes_write_lock.set(False)  # read without SQLite's write lock
    try:
        is_any_due = session.scalars(select(Mail.id).where(*_due_criteria(now)).limit(1)).first() is not None
    finally:
        session.rollback()
        takes_write_lock.reset(token)
    if not is_any_due:
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
    if row is None:  # claimed by another sender
        session.rollback()
        return None
    message_id = row.message_id or _message_id(row.id, row.notification_id, now, server)
    ids = [row.id, *_ids_for_the_same_mail(session, row.id, row.message_id, now)]
    connection.execute(
        update(Mail)
        .where(Mail.id.in_(ids))
        .values(claimed_until=now + CLAIM_LEASE, attempts=Mail.attempts + 1, message_id=message_id)
    )
    session.commit()
    return _outgoing_mail(session, ids, now)


def _ids_for_the_same_mail(session: Session, mail_id: int, message_id: str | None, now: dt.datetime) -> list[int]:
    """Return the other mails that wait for the recipient of this one and go out with it: about requests, no emergency.

    At a further attempt these are the mails of the first one, so that all attempts have the same content.
    """
    first, told, own = aliased(Mail), aliased(Notification), aliased(Notification)
    statement = (
        select(Mail.id)
        .join(told, told.id == Mail.notification_id)
        .join(first, first.id == mail_id)
        .join(own, own.id == first.notification_id)
        .where(*_due_criteria(now), Mail.id != mail_id)
        .where(told.user_id == own.user_id, Mail.address == first.address)
        .where(Mail.message_id.is_(None) if message_id is None else Mail.message_id == message_id)
        .where(told.change_id.is_not(None), told.event.not_in(ALWAYS_MAILED))
        .where(own.change_id.is_not(None), own.event.not_in(ALWAYS_MAILED))
        .order_by(Mail.id)
        .limit(_MAX_IN_ONE_MAIL - 1)
        .with_for_update(skip_locked=True, of=Mail)
    )
    return list(session.connection().scalars(statement))


def _is_still_wanted(notification: Notification) -> bool:
    """Whether the account is active, or the mail says what became of it: it is disabled, or has another address."""
    user = notification.user
    is_of_account = notification.event in {Event.ACCOUNT_CHANGED, Event.EMAIL_CHANGED}
    return user.is_active or (is_of_account and notification.details.get("username") == user.username)


def _is_expired(notification: Notification, now: dt.datetime) -> bool:
    """Whether it would bring a link that is no longer good."""
    return notification.event is Event.PASSWORD_RESET and notification.at + LINK_LIFETIME <= now


def _outgoing_mail(session: Session, mail_ids: Sequence[int], now: dt.datetime) -> OutgoingMail:
    mail, *others = session.scalars(
        select(Mail)
        .where(Mail.id.in_(mail_ids))
        .options(joinedload(Mail.notification).joinedload(Notification.user))
        .order_by(Mail.id != mail_ids[0], Mail.id)
        .execution_options(populate_existing=True)
    ).all()
    notification, user = mail.notification, mail.notification.user
    agency = session.get_one(Agency, mail.agency_id) if mail.agency_id is not None else None
    outgoing = OutgoingMail(
        mail_id=mail.id,
        message_id=mail.message_id or "",
        attempts=mail.attempts,
        claimed_until=mail.claimed_until or mail.next_try_at,
        address=mail.address,
        name=user.full_name,
        language=user.language,
        is_active=_is_still_wanted(notification) and not _is_expired(notification, now),
        agency_name=agency.name if agency else "LPSE",
        head_title=agency.head_title if agency else None,
        zone=agency.zone if agency else None,
        details=notification.details,
        at=notification.at,
        change_id=notification.change_id,
        link_base=mail.link_base,
        others=tuple(
            MailItem(one.id, one.notification.details, one.notification.at, one.notification.change_id)
            for one in others
        ),
    )
    session.rollback()  # no transaction while the server is contacted
    return outgoing


def _message_id(mail_id: int, notification_id: int, now: dt.datetime, server: MailServer) -> str:
    """Return a unique Message-ID, which all attempts share."""
    token = hashlib.sha256(canonical_json([mail_id, notification_id, now.isoformat()]).encode()).hexdigest()[:16]
    return f"<lpse.{mail_id}.{token}@{server.sender.rpartition('@')[2]}>"


def _record_state(
    session: Session,
    outgoing: OutgoingMail,
    state: MailState,
    now: dt.datetime,
    by: str,
    failure: SendFailure | None,
) -> None:
    """Record the final state of the rows of a mail, with one audit entry."""
    for attempt in range(1, _MAX_RECORD_ATTEMPTS + 1):
        try:
            session.rollback()
            set_audit_context(session, AuditContext(at=now, actor_id=None, actor_name=by, action="mail.send"))
            mails = session.scalars(
                select(Mail)
                .where(Mail.id.in_(outgoing.mail_ids), Mail.state == MailState.WAITING)
                .order_by(Mail.id)
                .with_for_update()
                .execution_options(populate_existing=True)
            ).all()
            for mail in mails:
                mail.state, mail.claimed_until = state, None
                mail.last_error, mail.fault = (failure.error, failure.fault) if failure else (None, None)
                mail.sent_at = now if state is MailState.SENT else None
            session.commit()
        except SQLAlchemyError:
            session.rollback()
            if attempt == _MAX_RECORD_ATTEMPTS:
                raise
        else:
            return


def _postpone(session: Session, outgoing: OutgoingMail, now: dt.datetime, failure: SendFailure) -> None:
    """Schedule the next attempt; its state does not change, so there is no audit entry."""
    delay = setting_retry_delay if failure.is_of_setting else retry_delay
    session.connection().execute(
        update(Mail)
        .where(Mail.id.in_(outgoing.mail_ids), Mail.state == MailState.WAITING)
        .values(
            claimed_until=None,
            next_try_at=now + delay(outgoing.attempts),
            last_error=failure.error,
            fault=failure.fault,
        )
    )
    session.commit()


def _max_attempts(failure: SendFailure) -> int:
    return MAX_SETTING_ATTEMPTS if failure.is_of_setting else MAX_ATTEMPTS


def setting_retry_delay(attempts: int) -> dt.timedelta:
    """Return the pause after this many attempts while the setting is at fault.

    A quarter of an hour at most on the first day, so that mail goes out soon after the setting is mended, and an hour
    later.
    """
    return dt.timedelta(minutes=min(2 ** min(attempts - 1, 30), 15 if attempts < _ATTEMPTS_OF_FIRST_DAY else 60))


def retry_delay(attempts: int) -> dt.timedelta:
    """Return the pause after this many attempts."""
    return dt.timedelta(minutes=min(2 ** min(attempts - 1, 30), _MAX_PAUSE_MINUTES))


def count_by_state(session: Session) -> dict[MailState, int]:
    """Return the number of mails in each state."""
    counts = session.execute(select(Mail.state, func.count().label("total")).group_by(Mail.state))
    return dict.fromkeys(MailState, 0) | {row.state: row.total for row in counts}
