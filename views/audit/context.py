"""Who answers for what a request of the browser writes, told to the trail before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from flask import g, request
from flask_babel import force_locale

from lpse_admin.accounts.roles import Role
from models.accounts.user import Language
from models.audit.trail import Circumstances, answer_for
from models.database import db, writes
from models.notifications.notification import LINK_BASE
from views.app.access import delegation, viewer
from views.app.clock import now
from views.i18n.language import tr

if TYPE_CHECKING:
    from flask import Flask, Response

    from models.accounts.user import User
    from models.delegation.delegation import Delegation

#: What the column of a mail's link can hold.
_LONGEST_BASE = 300

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def capacity_of(user: User, delegation: Delegation | None) -> str:
    """Return what ``user`` is to the procedure: whom they stand in for, and the roles that they hold."""
    titles = [tr(role.title) for role in Role if role in user.roles]
    if delegation is not None:
        titles.insert(0, f"{delegation.kind.prefix} {tr(Role.HEAD.title)}")
    return ", ".join(titles)


def capacity() -> str:
    """Return what the viewer is to the procedure, in their own language."""
    user = viewer()
    return capacity_of(user, delegation()) if user else ""


def _begin() -> None:
    """Give the request its number, and say whether it may write."""
    g.request_id = uuid4().hex
    writes.set(request.method not in _READING)


def _answer() -> None:
    """Say who answers for a request that may write; one that only reads cannot commit anything."""
    if request.method in _READING:
        return
    user = viewer()
    with force_locale(Language.INDONESIAN.value):
        held = capacity() or None
    _remember_the_way_here()
    answer_for(
        db.session(),
        Circumstances(
            at=now(),
            actor_id=user.id if user else None,
            actor_name=user.full_name if user else "tanpa akun",
            capacity=held,
            address=request.remote_addr,
            request_id=g.request_id,
            action=f"{request.method} {request.endpoint}"[:80],
        ),
    )


def _remember_the_way_here() -> None:
    """Keep the address that the program was reached by, for the links of the mail that comes of this request."""
    base = request.url_root.rstrip("/")
    if len(base) <= _LONGEST_BASE:
        db.session().info[LINK_BASE] = base


def _mark(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    return response


def _end(_error: BaseException | None) -> None:
    """Leave the thread as it was found, for whatever it does next, and close the files that were sent."""
    writes.set(True)
    request.close()


def begin(app: Flask) -> None:
    """Give each request of ``app`` its number: first of all, so that a refusal has one too."""
    app.before_request(_begin)
    app.after_request(_mark)
    app.teardown_request(_end)


def init_app(app: Flask) -> None:
    """Let every request of ``app`` that writes answer for it."""
    app.before_request(_answer)
    app.context_processor(lambda: {"capacity": capacity})
