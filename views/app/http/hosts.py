"""For which hosts the program answers, so that nobody's Host header gets into a link, and the demo is not published."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request

from lpse_admin.config import is_loopback
from lpse_admin.errors import Malformed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from flask import Flask

    from lpse_admin.config import Settings

#: Asked by monitoring and load balancers, by whatever address they have.
_FOR_ANY_HOST = frozenset({"health.healthz"})
_FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")


def init_app(app: Flask, settings: Settings) -> None:
    """Answer 400 to requests for other hosts: production for any but LPSE_BASE_URL's, the demo for any but loopback.

    The demo's passwords are known, so it also refuses what a proxy or a tunnel forwards, unless LPSE_PROXIES says that
    whoever started it has put one there.
    """
    own_host = urlsplit(settings.base_url or "").hostname

    def require_own_host() -> None:
        if request.endpoint in _FOR_ANY_HOST:
            return
        host = urlsplit(f"//{request.host}").hostname or ""
        if settings.is_demo:
            if not is_loopback(host):
                raise Malformed(
                    _("The demo has known passwords and answers on this machine only. Open it as 127.0.0.1.")
                )
            if settings.proxies == 0 and any(name in request.headers for name in _FORWARDED_HEADERS):
                raise Malformed(_("The demo has known passwords; what a proxy serves needs LPSE_ENV=production."))
        elif own_host is not None and host != own_host:
            raise Malformed(_("This program is found at %(address)s; open it there.", address=settings.base_url or ""))

    app.before_request(require_own_host)
