"""A mail server on the loopback that accepts mails, or refuses, stalls and disconnects as a test sets it up."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from lpse_admin.notifications.smtp_url import MailServer
from tests.support.present import one_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from email.message import EmailMessage

STALL = "stall"
DROP = "drop"
ACCEPT = "250 OK"


@dataclass
class Mailbox:
    """The received mails, and the responses to the next recipients and mails before all others are accepted."""

    received: list[EmailMessage] = field(default_factory=list)
    #: The recipients of each mail.
    recipients: list[str] = field(default_factory=list)
    recipient_replies: deque[str] = field(default_factory=deque)
    data_replies: deque[str] = field(default_factory=deque)
    #: The responses to the next senders.
    sender_replies: deque[str] = field(default_factory=deque)
    port: int = 0
    requires_login: bool = False

    def server(self, **more: Any) -> MailServer:
        """Return the setting for this server."""
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "sender": "lpse@lpse.example",
            "timeout": 5.0,
        } | more
        return MailServer(**given)

    async def handle_MAIL(self, _server: SMTP, _session: object, envelope: Any, address: str, _options: object) -> str:  # noqa: N802
        """Respond to a sender."""
        answer = self.sender_replies.popleft() if self.sender_replies else ACCEPT
        if answer == ACCEPT:
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, _server: SMTP, session: Any, envelope: Any, address: str, _options: object) -> str:  # noqa: N802
        """Respond to a recipient."""
        if self.requires_login and not session.authenticated:
            return "530 Authentication required"
        answer = self.recipient_replies.popleft() if self.recipient_replies else ACCEPT
        if answer == ACCEPT:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Any) -> str:  # noqa: N802
        """Respond to a mail."""
        answer = self.data_replies.popleft() if self.data_replies else ACCEPT
        if answer == STALL:
            await asyncio.Event().wait()
        if answer == ACCEPT:
            self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.recipients.extend(envelope.rcpt_tos)
        return answer

    @property
    def message_ids(self) -> list[str]:
        """The Message-ID of each accepted mail."""
        return [str(message["Message-ID"]) for message in self.received]


class _Server(SMTP):
    """A server that can disconnect in the middle of a mail."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        box = self.event_handler
        if box.data_replies and box.data_replies[0] == DROP:
            box.data_replies.popleft()
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            one_of(asyncio.WriteTransport, self.transport).abort()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        self.port = one_of(asyncio.Server, self.server).sockets[0].getsockname()[1]
        Controller._trigger_server(self)


@contextmanager
def running_server(
    *, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None, offers: ssl.SSLContext | None = None
) -> Iterator[Mailbox]:
    """Run a server: ``login`` is the required account, ``tls`` is implicit TLS, ``offers`` is for STARTTLS."""

    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, given: Any) -> AuthResult:
        pair = (given.login.decode(), given.password.decode()) if isinstance(given, LoginPassword) else None
        return AuthResult(success=pair == login, handled=False)

    box = Mailbox(requires_login=login is not None)
    more: dict[str, Any] = {"ssl_context": tls} if tls else {"tls_context": offers} if offers else {}
    if login:
        more |= {"authenticator": authenticate, "auth_require_tls": False}
    controller = _Controller(box, hostname="127.0.0.1", port=0, **more)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop(no_assert=True)
