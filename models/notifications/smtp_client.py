"""The talk with the mail server: one mail handed over at a time, and why it was not taken where it was not."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from threading import Timer
from typing import TYPE_CHECKING, Any, Self

from models.base import UNSTORABLE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from lpse_admin.notifications.smtp_url import MailServer
    from models.accounts.user import Language

#: After how many seconds the talk about one mail is cut off, however lively the server seems.
SEND_TIMEOUT = 300.0

_MAX_ERROR_LENGTH = 500
_MAX_SUBJECT_LENGTH = 160
_PERMANENT_CODES = range(500, 600)
#: Answers that find fault with the setting and not with the mail (RFC 4954): they wait until it is mended.
_AUTHENTICATION_CODES = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A claimed mail with all that its text is made from; nothing of it asks the database again."""

    mail_id: int
    message_id: str
    attempts: int
    claimed_until: dt.datetime
    address: str
    name: str
    language: Language
    is_active: bool
    agency_name: str
    zone: ZoneInfo
    details: dict[str, Any]
    at: dt.datetime
    change_id: int | None
    link_base: str | None


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """What a mail says, in its reader's language."""

    subject: str
    text: str
    html: str
    #: The name that it comes from: the reader's LPSE.
    sender: str


@dataclass(frozen=True, slots=True)
class SendFailure:
    """Why a mail was not taken."""

    error: str
    #: The server will never take it: there is no such reader, or it refuses what it says.
    is_permanent: bool = False
    #: The fault is the server's or the network's, and not this mail's.
    is_server_error: bool = False
    #: No talk came about at all: the next mail would fare no better.
    is_unreachable: bool = False


class SmtpClient:
    """One connection to the mail server, opened when the first mail is there and kept for the following ones."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._disconnect()

    def _disconnect(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def send(self, parcel: OutgoingMail, letter: RenderedMail, now: Callable[[], dt.datetime]) -> SendFailure | None:
        """Hand one mail to the server; None once it has taken it, else why it did not."""
        try:
            message = build_message(self._server, parcel, letter, now())
        except (MessageError, ValueError, LookupError) as error:  # an address that cannot stand in a header
            return SendFailure(_error_text(error), is_permanent=True)
        try:
            smtp = self._connection()
        except (OSError, smtplib.SMTPException) as error:
            return SendFailure(_error_text(error), is_unreachable=True)
        if now() + dt.timedelta(seconds=SEND_TIMEOUT) > parcel.claimed_until:
            return SendFailure("the server took too long to answer", is_unreachable=True)
        refusal = self._send_message(smtp, message, parcel.address)
        if smtp.sock is None:  # hung up by the server, or by smtplib on a server that takes its leave
            self._smtp = None
        return refusal

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = _connect(self._server)
        return self._smtp

    def _send_message(self, smtp: smtplib.SMTP, message: EmailMessage, address: str) -> SendFailure | None:
        try:
            with _disconnect_after(SEND_TIMEOUT, smtp):
                smtp.send_message(message, self._server.sender, [address])
        except smtplib.SMTPRecipientsRefused as error:
            ((code, said),) = error.recipients.values()
            return SendFailure(_error_text(smtplib.SMTPResponseException(code, said)), is_permanent=_is_permanent(code))
        except smtplib.SMTPDataError as error:
            return SendFailure(_error_text(error), is_permanent=_is_permanent(error.smtp_code))
        except smtplib.SMTPNotSupportedError as error:  # an address in letters that this server cannot read
            return SendFailure(_error_text(error), is_permanent=True)
        except (OSError, smtplib.SMTPException) as error:
            self._disconnect()
            return SendFailure(_error_text(error), is_server_error=True)
        return None


def _is_permanent(code: int) -> bool:
    return code in _PERMANENT_CODES and code not in _AUTHENTICATION_CODES


def _connect(server: MailServer) -> smtplib.SMTP:
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
def _disconnect_after(seconds: float, smtp: smtplib.SMTP) -> Iterator[None]:
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


def build_message(server: MailServer, mail: OutgoingMail, rendered: RenderedMail, now: dt.datetime) -> EmailMessage:
    """Return the mail as it goes out; raises ValueError or MessageError for an address that no header can hold."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_single_line(rendered.sender), addr_spec=server.sender)
    message["To"] = Address(_single_line(mail.name), addr_spec=mail.address)
    message["Subject"] = _single_line(rendered.subject)[:_MAX_SUBJECT_LENGTH]
    message["Date"] = format_datetime(now.astimezone(dt.UTC))
    message["Message-ID"] = mail.message_id
    # Nobody's holiday notice or robot answers this (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = mail.language.value  # set before, it would go with the plain text
    return message


def _single_line(text: str) -> str:
    """Return ``text`` without anything that could end a header."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _error_text(error: BaseException) -> str:
    """Return an error as it is kept: the server's answer, or what the network did."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        text = f"{error.smtp_code} {words}"
    else:
        text = str(error) or type(error).__name__
    return " ".join(UNSTORABLE_CHARACTERS.sub(" ", text).split())[:_MAX_ERROR_LENGTH]
