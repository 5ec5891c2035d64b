"""Where a request comes from, as the office's own reverse proxies say it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from views.app.http.wsgi import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask


def read_address(text: str) -> str | None:
    """Return an IP address as a proxy writes it, with its port or brackets or not, in its usual form; None if none.

    An IPv4 address within IPv6 (::ffff:192.0.2.1) is that IPv4 address.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


class _ProxyHeaders:
    """WSGI middleware that takes address and scheme of a request from ``proxies`` proxies in front of the program.

    Each adds one address to X-Forwarded-For; what stands before those is the client's own word, and not taken.
    """

    def __init__(self, app: WSGIApplication, proxies: int) -> None:
        self._app, self._proxies = app, proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        forwarded = read_address(self._value(environ, "HTTP_X_FORWARDED_FOR"))
        environ["REMOTE_ADDR"] = forwarded or read_address(environ.get("REMOTE_ADDR") or "") or ""
        scheme = self._value(environ, "HTTP_X_FORWARDED_PROTO").lower()
        if scheme in {"http", "https"}:
            environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)

    def _value(self, environ: WSGIEnvironment, name: str) -> str:
        """Return what the outermost of our proxies wrote; "" if none wrote anything."""
        values = [value.strip() for value in environ.get(name, "").split(",") if value.strip()]
        return values[-self._proxies :][0] if values and self._proxies else ""


def init_app(app: Flask, proxies: int) -> None:
    """Take address and scheme of a request from this many proxies in front of ``app``; 0 for what the server saw."""
    wrap(app, lambda inner: _ProxyHeaders(inner, proxies))
