"""Who answers for what a request of the browser writes, told to the trail before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from flask import g, request

from models.audit.trail import set_audit_context
from models.database import db, has_time_limits, takes_write_lock
from models.notifications.notification import LINK_BASE
from views.app.access import settings
from views.app.audit_context import audit_context, capacity
from views.app.http.limits.write_limit import SAFE_METHODS

if TYPE_CHECKING:
    from flask import Flask, Response

#: What the column of a mail's link can hold.
_MAX_BASE_URL_LENGTH = 300


def _start_request() -> None:
    """Give the request its number, and say whether it may write."""
    g.request_id = uuid4().hex
    takes_write_lock.set(request.method not in SAFE_METHODS)
    has_time_limits.set(True)


def _set_request_audit_context() -> None:
    """Say who answers for a request that may write; one that only reads cannot commit anything."""
    if request.method in SAFE_METHODS:
        return
    _store_link_base()
    set_audit_context(db.session(), audit_context(action=f"{request.method} {request.endpoint}"[:80]))


def _store_link_base() -> None:
    """Keep the demo's address for the links of the mail that comes of this request; production's is LPSE_BASE_URL.

    A reader writes the Host header, and could have links mailed that lead to another host.
    """
    base = request.url_root.rstrip("/")
    if settings().is_demo and len(base) <= _MAX_BASE_URL_LENGTH:
        db.session().info[LINK_BASE] = base


def _add_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    return response


def _finish_request(_error: BaseException | None) -> None:
    """Leave the thread as it was found, for whatever it does next, and close the files that were sent."""
    takes_write_lock.set(True)
    has_time_limits.set(False)
    request.close()


def init_request_ids(app: Flask) -> None:
    """Give each request of ``app`` its number: first of all, so that a refusal has one too."""
    app.before_request(_start_request)
    app.after_request(_add_request_id)
    app.teardown_request(_finish_request)


def init_app(app: Flask) -> None:
    """Let every request of ``app`` that writes answer for it."""
    app.before_request(_set_request_audit_context)
    app.context_processor(lambda: {"capacity": capacity})
