"""Who answers for what a request of the browser writes, told to the trail before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from flask import g, request
from flask_babel import force_locale

from lpse_admin.accounts.roles import Role
from models.accounts.user import Language
from models.audit.trail import AuditContext, set_audit_context
from models.database import db, has_time_limits, takes_write_lock
from models.notifications.notification import LINK_BASE
from views.app.access import current_delegation, current_user_or_none
from views.app.clock import now
from views.app.write_limit import SAFE_METHODS
from views.i18n.language import tr

if TYPE_CHECKING:
    from flask import Flask, Response

    from models.accounts.user import User
    from models.delegation.delegation import Delegation

#: What the column of a mail's link can hold.
_MAX_BASE_URL_LENGTH = 300


def capacity_of(user: User, delegation: Delegation | None) -> str:
    """Return what ``user`` is to the procedure: whom they stand in for, and the roles that they hold."""
    titles = [tr(role.title) for role in Role if role in user.roles]
    if delegation is not None:
        titles.insert(0, f"{delegation.kind.prefix} {tr(Role.HEAD.title)}")
    return ", ".join(titles)


def capacity() -> str:
    """Return what the viewer is to the procedure, in their own language."""
    user = current_user_or_none()
    return capacity_of(user, current_delegation()) if user else ""


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


def audit_context(*, action: str, reason: str | None = None) -> AuditContext:
    """Return who answers for what this web request does."""
    user = current_user_or_none()
    with force_locale(Language.INDONESIAN.value):
        held = capacity() or None
    return AuditContext(
        at=now(),
        actor_id=user.id if user else None,
        actor_name=user.full_name if user else "tanpa akun",
        capacity=held,
        address=request.remote_addr,
        request_id=g.request_id,
        action=action,
        reason=reason,
    )


def _store_link_base() -> None:
    """Keep the address that the program was reached by, for the links of the mail that comes of this request."""
    base = request.url_root.rstrip("/")
    if len(base) <= _MAX_BASE_URL_LENGTH:
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
