"""The SMTP client: sends one mail at a time, and reports why it was not accepted."""

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

from lpse_admin.notifications.mail_faults import MailFault, SmtpCommand, classify_reply
from models.base import UNSTORABLE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from lpse_admin.notifications.smtp_url import MailServer
    from models.accounts.user import Language

#: The most seconds to send one mail, even if the server keeps answering.
SEND_TIMEOUT = 300.0

_MAX_ERROR_LENGTH = 500
_MAX_SUBJECT_LENGTH = 160


@dataclass(frozen=True, slots=True)
class MailItem:
    """What a mail tells of: the values of one notification."""

    mail_id: int
    details: dict[str, Any]
    at: dt.datetime
    change_id: int | None


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A claimed mail with all values of its text, so that rendering it needs no database."""

    mail_id: int
    message_id: str
    attempts: int
    claimed_until: dt.datetime
    address: str
    name: str
    language: Language
    #: Whether it is still to be sent: the account is active, and its link is good.
    is_active: bool
    agency_name: str
    #: What the agency's SOP calls the head.
    head_title: str | None
    #: None for the installation's own.
    zone: ZoneInfo | None
    details: dict[str, Any]
    at: dt.datetime
    change_id: int | None
    link_base: str | None
    #: What waited for the same recipient at the same time, and goes out in the same mail.
    others: tuple[MailItem, ...] = ()

    @property
    def items(self) -> tuple[MailItem, ...]:
        """All that it tells of."""
        return (MailItem(self.mail_id, self.details, self.at, self.change_id), *self.others)

    @property
    def mail_ids(self) -> list[int]:
        """The rows of the outbox that it sends."""
        return [item.mail_id for item in self.items]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes out with a mail; ``kind`` is its media type."""

    name: str
    content: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """The rendered texts of a mail, in its recipient's language."""

    subject: str
    text: str
    html: str
    #: The name of the sender: the recipient's LPSE.
    sender: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class SendFailure:
    """Why a mail was not accepted."""

    error: str
    #: The server will never accept it: unknown recipient, or refused content.
    is_permanent: bool = False
    #: The error is in the server or the network, not in this mail.
    is_server_error: bool = False
    #: There was no connection, so the next mail would fail too.
    is_unreachable: bool = False
    #: What is at fault, where that is known.
    fault: MailFault | None = None

    @property
    def is_of_setting(self) -> bool:
        """Whether the installation's setting is at fault: the mail waits until that is mended."""
        return self.fault is not None and self.fault.is_of_setting


class SmtpClient:
    """A connection to the mail server, opened for the first mail and reused for the following ones."""

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

    def send(self, mail: OutgoingMail, rendered: RenderedMail, now: Callable[[], dt.datetime]) -> SendFailure | None:
        """Send one mail; returns None if the server accepted it, else the failure."""
        try:
            message = build_message(self._server, mail, rendered, now())
        except (MessageError, ValueError, LookupError) as error:  # an address that is not valid in a header
            return SendFailure(_error_text(error), is_permanent=True, fault=MailFault.RECIPIENT)
        try:
            smtp = self._connection()
        except (OSError, smtplib.SMTPException) as error:
            return SendFailure(_error_text(error), is_unreachable=True, fault=_connection_fault(error))
        if now() + dt.timedelta(seconds=SEND_TIMEOUT) > mail.claimed_until:
            return SendFailure("the server took too long to answer", is_unreachable=True)
        failure = self._send_message(smtp, message, mail.address)
        if smtp.sock is None:  # closed by the server, or by smtplib after a 421
            self._smtp = None
        return failure

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = _connect(self._server)
        return self._smtp

    def _send_message(self, smtp: smtplib.SMTP, message: EmailMessage, address: str) -> SendFailure | None:
        try:
            with _disconnect_after(SEND_TIMEOUT, smtp):
                smtp.send_message(message, self._server.sender, [address])
        except smtplib.SMTPRecipientsRefused as error:
            ((code, reply),) = error.recipients.values()
            return _refusal(smtplib.SMTPResponseException(code, reply), SmtpCommand.RCPT)
        except smtplib.SMTPSenderRefused as error:
            return _refusal(error, SmtpCommand.MAIL)
        except smtplib.SMTPDataError as error:
            return _refusal(error, SmtpCommand.DATA)
        except smtplib.SMTPNotSupportedError as error:  # a non-ASCII address, without SMTPUTF8 on the server
            return SendFailure(_error_text(error), is_permanent=True, fault=MailFault.RECIPIENT)
        except (OSError, smtplib.SMTPException) as error:
            self._disconnect()
            return SendFailure(_error_text(error), is_server_error=True)
        return None


def _refusal(error: smtplib.SMTPResponseException, command: SmtpCommand) -> SendFailure:
    """Return what the server's reply to ``command`` means."""
    text = _error_text(error)
    fault = classify_reply(error.smtp_code, text, command)
    is_of_setting = fault is not None and fault.is_of_setting
    # What is refused for our setting would be refused for the next mail too.
    return SendFailure(
        text, is_permanent=fault is not None and not is_of_setting, is_server_error=is_of_setting, fault=fault
    )


def _connection_fault(error: OSError | smtplib.SMTPException) -> MailFault:
    """Return what keeps the server from being reached."""
    match error:
        case ssl.SSLCertVerificationError():
            return MailFault.CERTIFICATE
        case ssl.SSLError():
            return MailFault.ENCRYPTION
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPNotSupportedError():
            return MailFault.LOGIN
        case smtplib.SMTPConnectError():
            return MailFault.POLICY
        case _:
            return MailFault.UNREACHABLE


def _connect(server: MailServer) -> smtplib.SMTP:
    """Return a connection, encrypted if it must be or the server can, and logged in if there is a password."""
    context = ssl.create_default_context()
    if server.ca_file is not None:
        context.load_verify_locations(server.ca_file)  # beside the system's
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
        elif not server.is_tls:
            _require_plain_allowed(server)
        if server.user is not None:
            smtp.login(server.user, server.password or "")
    except BaseException:
        smtp.close()
        raise
    return smtp


def _require_plain_allowed(server: MailServer) -> None:
    if server.requires_starttls:
        raise ssl.SSLError("the server offers no STARTTLS, and LPSE_SMTP_STARTTLS is not optional")


def connection_error(server: MailServer) -> str | None:
    """Return why the server cannot be reached, or does not let the program in; None where it does."""
    try:
        _connect(server).close()
    except (OSError, smtplib.SMTPException) as error:
        return _error_text(error)
    return None


@contextmanager
def _disconnect_after(seconds: float, smtp: smtplib.SMTP) -> Iterator[None]:
    """Shut the connection down after ``seconds``; a server that sends byte by byte never reaches the socket timeout."""

    def shut_down() -> None:
        with suppress(OSError):
            if smtp.sock is not None:
                smtp.sock.shutdown(socket.SHUT_RDWR)  # close() would wait for the reading thread

    timer = Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def build_message(server: MailServer, mail: OutgoingMail, rendered: RenderedMail, now: dt.datetime) -> EmailMessage:
    """Return the message; raises ValueError or MessageError for an address that is not valid in a header."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_single_line(rendered.sender), addr_spec=server.sender)
    message["To"] = Address(_single_line(mail.name), addr_spec=mail.address)
    message["Subject"] = _single_line(rendered.subject)[:_MAX_SUBJECT_LENGTH]
    message["Date"] = format_datetime(now.astimezone(dt.UTC))
    message["Message-ID"] = mail.message_id
    # Suppresses automatic replies (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    for file in rendered.attachments:
        main, _slash, kind = file.kind.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=kind, filename=file.name)
    message["Content-Language"] = mail.language.value  # set earlier, it would move to the plain text part
    return message


def _single_line(text: str) -> str:
    """Return ``text`` without line breaks and other unprintable characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _error_text(error: BaseException) -> str:
    """Return the text of an error to store: the server's reply, or the network error."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        decoded = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
        text = f"{error.smtp_code} {decoded}"
    else:
        text = str(error) or type(error).__name__
    return " ".join(UNSTORABLE_CHARACTERS.sub(" ", text).split())[:_MAX_ERROR_LENGTH]
