"""Sending: each mail of the outbox handed to the mail server once, whatever stalls, refuses or dies on the way.

A sender claims one mail at a time in a short transaction, with a lease, so that no other sender takes it; it speaks
to the server outside of any transaction; and it writes down that the mail was sent in the moment in which the
server has said 250. A program that is killed leaves its claim behind, which lapses with the lease. What happens
between that 250 and the commit is told in docs/decisions/2026-11-21-a-mail-is-sent-once.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import smtplib
import socket
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from threading import Timer
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload

from models.agency import Agency
from models.audit import Circumstances, answer_for
from models.base import UNSTORABLE, as_json
from models.database import writes
from models.mail import Mail, MailState
from models.notification import Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from lpse_admin.smtp import MailServer
    from models.user import Language

#: How long a claimed mail is its sender's own. Longer than sending one can take, see ``LONGEST``.
LEASE = dt.timedelta(minutes=15)

#: After how many seconds the talk about one mail is cut off, however lively the server seems.
LONGEST = 300.0

#: Minutes until the next attempt: 1, 2, 4 … and at the most six hours.
_MOST_MINUTES = 360

#: After this many attempts a mail has failed. With the pauses above that is five days of trying; days on which
#: nothing was tried, since the program stood still, do not count.
MOST_ATTEMPTS = 28

#: After this many troubles in a row a round ends: the server is down, and the next round tries again.
_MOST_TROUBLES = 3

_LONGEST_ERROR = 500
_LONGEST_SUBJECT = 160
_PERMANENT = range(500, 600)
#: How often the sending of a mail is written down anew where the database fails at just that moment.
_RECORD_TRIES = 3


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed mail with all that its text is made from; nothing of it asks the database again."""

    mail_id: int
    message_id: str
    attempts: int
    claimed_until: dt.datetime
    address: str
    name: str
    language: Language
    is_active: bool
    office: str
    zone: ZoneInfo
    details: dict[str, Any]
    at: dt.datetime
    change_id: int | None
    link_base: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, in its reader's language."""

    subject: str
    text: str
    html: str
    #: The name that it comes from: the reader's LPSE.
    sender: str


@dataclass(slots=True)
class Tally:
    """How many mails a round has sent, put off, given up and left unsent on purpose."""

    sent: int = 0
    put_off: int = 0
    failed: int = 0
    cancelled: int = 0
    #: What the server said last, where it was in the way.
    trouble: str = field(default="")


def send(
    session: Session,
    server: MailServer,
    compose: Callable[[Parcel], Letter],
    *,
    now: Callable[[], dt.datetime],
    by: str,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Tally:
    """Send every mail that is due, one by one, and return what became of them.

    ``compose`` writes the text; ``by`` is who answers for it in the trail; ``is_stopped`` is asked between two
    mails. The transactions are this function's own: ``session`` must be at the start of one. What the server or the
    network does is no exception: the mail is put off, or has failed.
    """
    tally, troubles = Tally(), 0
    with _Talk(server) as talk:
        while troubles < _MOST_TROUBLES and not is_stopped():
            parcel = _claim(session, server, now())
            if parcel is None:
                break
            if not parcel.is_active:
                _settle(session, parcel, MailState.CANCELLED, now(), by, None)
                tally.cancelled += 1
                continue
            answer = talk.hand_in(parcel, compose(parcel), now)
            if answer is None:
                _settle(session, parcel, MailState.SENT, now(), by, None)
                tally.sent += 1
                troubles = 0
                continue
            tally.trouble = answer.said
            if answer.is_final or parcel.attempts >= MOST_ATTEMPTS:
                _settle(session, parcel, MailState.FAILED, now(), by, answer.said)
                tally.failed += 1
            else:
                _put_off(session, parcel, now(), answer.said)
                tally.put_off += 1
            if answer.is_nobody_there:
                break
            troubles += answer.is_the_server_s
    return tally


def _due(now: dt.datetime) -> tuple[Any, ...]:
    return (
        Mail.state == MailState.WAITING,
        Mail.next_try_at <= now,
        or_(Mail.claimed_until.is_(None), Mail.claimed_until <= now),
    )


def _claim(session: Session, server: MailServer, now: dt.datetime) -> Parcel | None:
    """Take the next due mail for this sender alone, or return None; the claim is bookkeeping, and not in the trail."""
    table = Mail.__table__
    token = writes.set(False)  # a look that keeps no writer of SQLite waiting
    try:
        is_anything_due = session.scalars(select(Mail.id).where(*_due(now)).limit(1)).first() is not None
    finally:
        session.rollback()
        writes.reset(token)
    if not is_anything_due:
        return None
    connection = session.connection()
    following = (
        select(table.c.id, table.c.notification_id, table.c.message_id)
        .where(*_due(now))
        .order_by(table.c.next_try_at, table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(following).one_or_none()
    if row is None:  # somebody else was faster
        session.rollback()
        return None
    message_id = row.message_id or _message_id(row.id, row.notification_id, now, server)
    connection.execute(
        update(table)
        .where(table.c.id == row.id)
        .values(claimed_until=now + LEASE, attempts=table.c.attempts + 1, message_id=message_id)
    )
    session.commit()
    return _parcel(session, row.id)


def _parcel(session: Session, mail_id: int) -> Parcel:
    mail = session.scalars(
        select(Mail)
        .where(Mail.id == mail_id)
        .options(joinedload(Mail.notification).joinedload(Notification.user))
        .execution_options(populate_existing=True)
    ).one()
    notification, reader, agency = mail.notification, mail.notification.user, session.get_one(Agency, mail.agency_id)
    parcel = Parcel(
        mail_id=mail.id,
        message_id=mail.message_id or "",
        attempts=mail.attempts,
        claimed_until=mail.claimed_until or mail.next_try_at,
        address=mail.address,
        name=reader.full_name,
        language=reader.language,
        is_active=reader.is_active,
        office=agency.name,
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
    mark = hashlib.sha256(as_json([mail_id, notification_id, now.isoformat()]).encode()).hexdigest()[:16]
    return f"<lpse.{mail_id}.{mark}@{server.sender.rpartition('@')[2]}>"


def _settle(  # noqa: PLR0913, PLR0917 - what became of one mail
    session: Session, parcel: Parcel, state: MailState, now: dt.datetime, by: str, error: str | None
) -> None:
    """Write down what has become of a mail for good, in the trail too."""
    for attempt in range(1, _RECORD_TRIES + 1):
        try:
            session.rollback()
            answer_for(session, Circumstances(at=now, actor_id=None, actor_name=by, action="mail.send"))
            mail = session.get_one(Mail, parcel.mail_id, with_for_update=True, populate_existing=True)
            if mail.state is not MailState.WAITING:
                session.rollback()
                return
            mail.state, mail.claimed_until, mail.last_error = state, None, error
            mail.sent_at = now if state is MailState.SENT else None
            session.commit()
        except SQLAlchemyError:
            session.rollback()
            if attempt == _RECORD_TRIES:
                raise
        else:
            return


def _put_off(session: Session, parcel: Parcel, now: dt.datetime, error: str) -> None:
    """Let a mail wait for its next attempt; it waits as before, so the trail is not told."""
    table = Mail.__table__
    session.connection().execute(
        update(table)
        .where(table.c.id == parcel.mail_id, table.c.state == MailState.WAITING)
        .values(claimed_until=None, next_try_at=now + pause(parcel.attempts), last_error=error)
    )
    session.commit()


def pause(attempts: int) -> dt.timedelta:
    """Return how long to wait after this many attempts."""
    return dt.timedelta(minutes=min(2 ** min(attempts - 1, 30), _MOST_MINUTES))


# -- the talk with the server ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a mail was not taken."""

    said: str
    #: The server will never take it: there is no such reader, or it refuses what it says.
    is_final: bool = False
    #: The fault is the server's or the network's, and not this mail's.
    is_the_server_s: bool = False
    #: No talk came about at all: the next mail would fare no better.
    is_nobody_there: bool = False


class _Talk:
    """One connection to the mail server, opened when the first mail is there and kept for the following ones."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> _Talk:
        return self

    def __exit__(self, *_: object) -> None:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._hang_up()

    def _hang_up(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def hand_in(self, parcel: Parcel, letter: Letter, now: Callable[[], dt.datetime]) -> _Refusal | None:
        """Hand one mail to the server; None once it has taken it, else why it did not."""
        try:
            message = envelope(self._server, parcel, letter, now())
        except (MessageError, ValueError, LookupError) as error:  # an address that cannot stand in a header
            return _Refusal(_said(error), is_final=True)
        try:
            smtp = self._opened()
        except (OSError, smtplib.SMTPException) as error:
            return _Refusal(_said(error), is_nobody_there=True)
        if now() + dt.timedelta(seconds=LONGEST) > parcel.claimed_until:
            return _Refusal("the server took too long to answer", is_nobody_there=True)
        refusal = self._send(smtp, message, parcel.address)
        if smtp.sock is None:  # hung up by the server, or by smtplib on a server that takes its leave
            self._smtp = None
        return refusal

    def _opened(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = _open(self._server)
        return self._smtp

    def _send(self, smtp: smtplib.SMTP, message: EmailMessage, address: str) -> _Refusal | None:
        try:
            with _cut_off_after(LONGEST, smtp):
                smtp.send_message(message, self._server.sender, [address])
        except smtplib.SMTPRecipientsRefused as error:
            ((code, said),) = error.recipients.values()
            return _Refusal(_said(smtplib.SMTPResponseException(code, said)), is_final=code in _PERMANENT)
        except smtplib.SMTPDataError as error:
            return _Refusal(_said(error), is_final=error.smtp_code in _PERMANENT)
        except smtplib.SMTPNotSupportedError as error:  # an address in letters that this server cannot read
            return _Refusal(_said(error), is_final=True)
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            return _Refusal(_said(error), is_the_server_s=True)
        return None


def _open(server: MailServer) -> smtplib.SMTP:
    """Return a connection that is encrypted wherever the server can, and logged in where there is a password."""
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if server.is_tls:
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
    try:
        smtp.ehlo_or_helo_if_needed()
        if not server.is_tls and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        if server.user is not None:
            smtp.login(server.user, server.password or "")
    except BaseException:
        smtp.close()
        raise
    return smtp


@contextmanager
def _cut_off_after(seconds: float, smtp: smtplib.SMTP) -> Iterator[None]:
    """Hang up on a server that keeps one waiting byte by byte, which no timeout of a single answer ends."""

    def cut() -> None:
        with suppress(OSError):
            if smtp.sock is not None:
                smtp.sock.shutdown(socket.SHUT_RDWR)  # to close it would wait for whoever reads from it

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def envelope(server: MailServer, parcel: Parcel, letter: Letter, now: dt.datetime) -> EmailMessage:
    """Return the mail as it goes out; raises ValueError or MessageError for an address that no header can hold."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_in_a_line(letter.sender), addr_spec=server.sender)
    message["To"] = Address(_in_a_line(parcel.name), addr_spec=parcel.address)
    message["Subject"] = _in_a_line(letter.subject)[:_LONGEST_SUBJECT]
    message["Date"] = format_datetime(now.astimezone(dt.UTC))
    message["Message-ID"] = parcel.message_id
    # Nobody's holiday notice or robot answers this (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = parcel.language.value
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message


def _in_a_line(text: str) -> str:
    """Return ``text`` without anything that could end a header."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _said(error: BaseException) -> str:
    """Return an error as it is kept: the server's answer, or what the network did."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        text = f"{error.smtp_code} {words}"
    else:
        text = str(error) or type(error).__name__
    return " ".join(UNSTORABLE.sub(" ", text).split())[:_LONGEST_ERROR]


# -- what an administrator looks at ------------------------------------------------------------------------------------


def totals(session: Session) -> dict[MailState, int]:
    """Return how many mails there are in each state."""
    found: dict[MailState, int] = dict.fromkeys(MailState, 0)
    for state, count in session.execute(select(Mail.state, func.count()).group_by(Mail.state)):
        found[state] = count
    return found
