"""Parse LPSE_SMTP_URL; error messages never repeat the URL, which may contain a password."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from lpse_admin.i18n import _

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
#: The port for submission with authentication (RFC 6409).
_SUBMISSION_PORT = 587
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MAX_ADDRESS_LENGTH = 254


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server, its credentials, and the sender address."""

    host: str
    port: int
    sender: str
    #: Implicit TLS (smtps); otherwise STARTTLS if the server offers it.
    is_tls: bool = False
    #: Whether a server that offers no STARTTLS gets no mail: a password, and what the mails say, would go in clear.
    requires_starttls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: A file with the certificates of further authorities that are trusted, in PEM form.
    ca_file: str | None = None
    #: Seconds to wait for an answer of the server.
    timeout: float = 30.0


def is_email_address(text: str) -> bool:
    """Whether ``text`` is a plain e-mail address, valid in a header without quoting."""
    return len(text) <= _MAX_ADDRESS_LENGTH and _ADDRESS.fullmatch(text) is not None


def parse_smtp_url(url: str, sender: str = "", *, program_host: str = "") -> MailServer:
    """Return the server that ``url`` names: smtp://user:password@host:587?from=address, or smtps://.

    The sender is the URL's ``from``, else ``sender``, else the user if that is an address, else lpse@``program_host``,
    the host of the program's own address. Raises ValueError with a Message that repeats nothing of the URL.
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
        raise ValueError(_("LPSE_SMTP_URL must name both user and password, percent-encoded, or neither."))
    return MailServer(
        host=parts.hostname,
        port=port or (_SUBMISSION_PORT if user and parts.scheme == "smtp" else _DEFAULT_PORTS[parts.scheme]),
        sender=_sender(parts, sender, user or "", program_host),
        is_tls=parts.scheme == "smtps",
        user=user or None,
        password=password if user else None,
    )


_INVALID_URL = _("LPSE_SMTP_URL must look like smtp://user:password@host:587 or smtps://host.")


def _sender(parts: SplitResult, sender: str, user: str, program_host: str) -> str:
    params = parse_qs(parts.query, keep_blank_values=True)
    if set(params) - {"from"} or len(params.get("from", ())) > 1:
        raise ValueError(_("LPSE_SMTP_URL can have only from=address after its question mark."))
    address = params["from"][0] if params else sender
    if address or params:
        if not is_email_address(address):
            raise ValueError(
                _("The from= of LPSE_SMTP_URL must be an address like lpse@example.go.id.")
                if params
                else _("LPSE_MAIL_FROM must be an address like lpse@example.go.id.")
            )
        return address
    return (
        user
        if is_email_address(user)
        else f"lpse@{_mail_domain(program_host) or _mail_domain(parts.hostname or '') or 'localhost'}"
    )


def _mail_domain(host: str) -> str:
    """Return ``host`` if it is a valid mail domain, else an empty string (for example for an IP address)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host if is_email_address(f"lpse@{host}") else ""
    return ""
