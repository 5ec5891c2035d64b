"""The mail server as it stands in a setting: read once, and refused with a sentence that repeats no password."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
#: Where mail is handed in with a name and a password (RFC 6409).
_SUBMISSION_PORT = 587
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MAX_ADDRESS_LENGTH = 254


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, as whom, and in whose name it goes out."""

    host: str
    port: int
    sender: str
    #: TLS from the first byte (smtps); otherwise STARTTLS wherever the server offers it.
    is_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Seconds that one answer of the server is waited for.
    timeout: float = 30.0


def is_email_address(text: str) -> bool:
    """Whether ``text`` is a plain e-mail address that can stand in a header as it is."""
    return len(text) <= _MAX_ADDRESS_LENGTH and _ADDRESS.fullmatch(text) is not None


def parse_smtp_url(url: str, sender: str = "", *, program_host: str = "") -> MailServer:
    """Return the server that ``url`` names: smtp://user:password@host:587?from=address, or smtps://.

    ``sender`` is the address for mail where the url names none; without both it is the user, where that is an
    address, else lpse@ the host ``program_host`` of the program's own address. Raises ValueError with a sentence; in it
    nothing of the url is repeated.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_INVALID_URL) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0 or parts.path.strip("/") or parts.fragment:
        raise ValueError(_INVALID_URL)
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    if bool(user) != bool(password) or not ((user or "") + (password or "")).isprintable():
        raise ValueError("LPSE_SMTP_URL must name both user and password, percent-encoded, or neither.")
    return MailServer(
        host=parts.hostname,
        port=port or (_SUBMISSION_PORT if user and parts.scheme == "smtp" else _DEFAULT_PORTS[parts.scheme]),
        sender=_sender(parts, sender, user or "", program_host),
        is_tls=parts.scheme == "smtps",
        user=user or None,
        password=password if user else None,
    )


_INVALID_URL = "LPSE_SMTP_URL must look like smtp://user:password@host:587 or smtps://host."


def _sender(parts: SplitResult, sender: str, user: str, program_host: str) -> str:
    asked = parse_qs(parts.query, keep_blank_values=True)
    if set(asked) - {"from"} or len(asked.get("from", ())) > 1:
        raise ValueError("LPSE_SMTP_URL can have only from=address after its question mark.")
    named = asked["from"][0] if asked else sender
    if named or asked:
        if not is_email_address(named):
            setting = "The from= of LPSE_SMTP_URL" if asked else "LPSE_MAIL_FROM"
            message = f"{setting} must be an address like lpse@example.go.id."
            raise ValueError(message)
        return named
    return (
        user
        if is_email_address(user)
        else f"lpse@{_mail_domain(program_host) or _mail_domain(parts.hostname or '') or 'localhost'}"
    )


def _mail_domain(host: str) -> str:
    """Return ``host`` as it can stand behind an @, or nothing for a bare number of the network."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host if is_email_address(f"lpse@{host}") else ""
    return ""
