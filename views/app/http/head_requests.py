"""HEAD is answered as GET is: the same status and headers, and no body.

A view asks for the method to tell showing from sending; with HEAD for GET none of them can take it for a POST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from views.app.http.wsgi import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

_KEY = "lpse.is_head"


class _HeadAsGet:
    """WSGI middleware that calls the program with GET for HEAD, and drops the body unread."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return self._app(environ, start_response)
        body = self._app({**environ, "REQUEST_METHOD": "GET", _KEY: True}, start_response)
        if close := getattr(body, "close", None):
            close()
        return ()


def is_head() -> bool:
    """Whether nobody will read the body of the answer to the current request."""
    return _KEY in request.environ


def init_app(app: Flask) -> None:
    """Answer HEAD as GET in ``app``."""
    wrap(app, _HeadAsGet)
