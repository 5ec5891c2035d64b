"""Wrapping of the app in a WSGI middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    WsgiApp = Callable[..., object]


def wrap(app: Flask, middleware: Callable[..., WsgiApp]) -> None:
    """Let requests of ``app`` pass through what ``middleware`` returns for its present WSGI app."""
    app.wsgi_app = middleware(app.wsgi_app)  # type: ignore[assignment, method-assign] # as Flask documents it
