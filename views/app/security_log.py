"""The security log: a line of JSON for each thing that is refused, granted, exported or opened (docs/SECURITY.md).

Lines have UTC times and the id of the request, and no secret: a user name that no account has is a keyed hash.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import current_app, g, has_app_context, has_request_context, request
from sqlalchemy import event

from lpse_admin.accounts.usernames import normalize_username
from models.accounts.factors.sealing import secret_box
from models.audit.trail import WRITTEN_ACTIONS, audit_context
from models.database import db
from views.app.access import current_user_or_none, is_public
from views.app.clock import now

if TYPE_CHECKING:
    from flask import Flask, Response
    from sqlalchemy.orm import Session

    from lpse_admin.config import Settings
    from models.accounts.user import User

#: What ``LPSE_SECURITY_LOG`` is for the standard error.
STANDARD_ERROR = "-"
_DESTINATION_KEY = "lpse_security_log"

#: Refusals that are always told.
_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many",
}
#: Actions of the trail that are told, by their beginnings: accounts, sessions, factors, grants and decisions on them,
#: what is trusted and set, and what is erased.
LOGGED_ACTIONS = (
    "user.", "account-request.", "factor.", "session.", "password.", "profile.password", "profile.contact", "feed.",
    "delegation.", "freeze.permit", "sop.", "inspection.", "POST access.logout", "setting.", "certificate.",
    "destruction.", "document.erase",
)  # fmt: skip


def note_login(user: User | None, typed: str, *, outcome: str) -> None:
    """Say whose login this request is, and what came of it; a name of no account is told by its hash."""
    g.security_login = (
        user.username if user is not None else secret_box().hash_name(normalize_username(typed)),
        outcome,
    )


def note_reason(reason: str) -> None:
    """Say why this request is refused, where its status does not."""
    g.security_reason = reason


def write(kind: str, outcome: str, **details: object) -> None:
    """Write a line."""
    destination: str | None = current_app.extensions.get(_DESTINATION_KEY)
    if destination is None:
        return
    line: dict[str, object] = {
        "at": now().astimezone(dt.UTC).isoformat(timespec="milliseconds"),
        "kind": kind,
        "outcome": outcome,
    }
    if has_request_context():
        line |= {
            "request_id": g.get("request_id"),
            "address": request.remote_addr,
            "method": request.method,
            "route": request.endpoint,
        }
    line |= details
    text = json.dumps({key: value for key, value in line.items() if value is not None}, ensure_ascii=True)
    try:
        _append(destination, f"{text}\n")
    except OSError as error:
        current_app.logger.critical("the security log %s cannot be written: %s", destination, error.strerror)


def _log_response(response: Response) -> Response:
    """Log what a response refuses, or hands out."""
    status = response.status_code
    login: tuple[str, str] | None = g.get("security_login")
    if login is not None:
        write("login", login[1], account=login[0], status=status)
        return response
    reason = g.get("security_reason") or _refusal(status)
    if reason is not None:
        write("refused", reason, account=_account(), status=status)
    elif status == HTTPStatus.OK and response.headers.get("Content-Disposition", "").startswith("attachment"):
        is_export = (request.endpoint or "").rpartition(".")[2] == "export"
        write("export" if is_export else "download", "sent", account=_account(), row=_row())
    return response


def _refusal(status: int) -> str | None:
    if status == HTTPStatus.NOT_FOUND:
        # What is not there for strangers is no news; what a user may not see looks the same.
        is_guarded = request.endpoint is not None and not is_public(request.endpoint)
        return "not-found" if is_guarded else None
    return next((told for refused, told in _REFUSALS.items() if refused == status), None)


def _account() -> str | None:
    user = g.get("current_user") or current_user_or_none()
    return None if user is None else user.username


def _row() -> str | None:
    """Return which row an address names."""
    values: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict()}
    return next((str(values[name])[:40] for name in ("record_id", "document_id", "id") if name in values), None)


def _log_commit(session: Session) -> None:
    """Log each action of ``LOGGED_ACTIONS`` that was committed, also where another gave the entry its name."""
    actions: tuple[str, ...] = session.info.pop(WRITTEN_ACTIONS, ())
    context = audit_context(session)
    if context is None or not has_app_context():
        return
    for action in actions:
        if action.startswith(LOGGED_ACTIONS):
            write("action", "done", account=context.actor_name, action=action, user_id=context.actor_id)


def _append(destination: str, line: str) -> None:
    """Append a line in one write, so that several servers may share the file and it may be moved away."""
    if destination == STANDARD_ERROR:
        sys.stderr.write(line)
        return
    file = os.open(destination, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def init_app(app: Flask, settings: Settings) -> None:
    """Write the security log of ``app`` where the settings say; nowhere if they do not."""
    if settings.security_log is not None:
        app.extensions[_DESTINATION_KEY] = settings.security_log
        app.after_request(_log_response)


def listen() -> None:
    """Tell what the sessions of this process commit; once for each process."""
    event.listen(db.session, "after_commit", _log_commit)
