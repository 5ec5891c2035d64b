"""What whoever starts the program should know of its settings: nothing is wrong, and yet people will run into it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from lpse_admin.config import is_loopback
from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from lpse_admin.config import Settings

_HTTPS_ALONE = _(
    "People can log in over https:// only: the session cookie is not sent over http://. Put a proxy with a certificate "
    "in front of the program (deploy/nginx.conf)."
)
_NO_PROXY = _(
    "LPSE_PROXIES is not set. If a proxy is in front of the program, set LPSE_PROXIES=1: otherwise the audit trail and "
    "the login limits see the address of the proxy instead of the user's."
)
_NO_BASE_URL = _("LPSE_BASE_URL is not set: no links to set a forgotten password are mailed.")
_NO_MAIL_SERVER = _(
    "LPSE_SMTP_URL is not set: mail, also with links to set a forgotten password, is kept in the outbox."
)
_PLAIN_BASE_URL = _("LPSE_BASE_URL begins with http://: links in mail lead to pages where nobody can log in.")


_ENCRYPTED_MODES = frozenset({"require", "verify-ca", "verify-full"})


def database_notices(settings: Settings) -> list[Message]:
    """Return that a database on another machine is reached without encryption."""
    parts = urlsplit(settings.database_url)
    options = parse_qs(parts.query)
    hosts = [parts.hostname or "", *options.get("host", [])]
    remote = next((host for host in hosts if host and not host.startswith("/") and not is_loopback(host)), None)
    is_encrypted = not _ENCRYPTED_MODES.isdisjoint(options.get("sslmode", []))
    if not parts.scheme.startswith("postgresql") or remote is None or is_encrypted:
        return []
    return [
        _(
            "The database on %(host)s is reached without encryption: add sslmode=verify-full (and sslrootcert=…) to "
            "LPSE_DATABASE_URL, or sslmode=require at the least.",
            host=remote,
        )
    ]


def start_notices(settings: Settings) -> list[Message]:
    """Return the notices for these settings; the demo has none."""
    if settings.is_demo:
        return []
    is_behind_proxy = settings.proxies > 0 or not is_loopback(settings.host)
    return [
        _HTTPS_ALONE,
        *([] if is_behind_proxy else [_NO_PROXY]),
        *database_notices(settings),
        *reset_link_notices(settings),
    ]


def reset_link_notices(settings: Settings) -> list[Message]:
    """Return why users get no links to set a forgotten password by mail, or links that lead nowhere."""
    if settings.is_demo:
        return []
    base_url = settings.base_url
    candidates = (
        (_NO_BASE_URL, base_url is None),
        (_PLAIN_BASE_URL, base_url is not None and base_url.startswith("http://")),
        (_NO_MAIL_SERVER, settings.mail_server is None),
    )
    return [notice for notice, applies in candidates if applies]
