"""One's own sessions: where one is logged in, and the end of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext, ngettext

from lpse_admin.accounts.sessions import SessionEnd, session_limits
from lpse_admin.errors import NotFound
from lpse_admin.i18n import _
from models.accounts.login_session import end_logins, open_logins
from models.audit.actions import AuditAction
from models.database import db
from views.app.access import get_current_user
from views.app.authentication.sessions import current_login_id
from views.app.clock import now

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("sessions", __name__, url_prefix="/profile/sessions")

_ENDED = AuditAction("session.end", _("Ended own sessions"))


@blueprint.get("")
def show() -> str:
    """Show where one is logged in."""
    user = get_current_user()
    return render_template(
        "accounts/access/sessions.html",
        logins=open_logins(db.session(), user.id, now()),
        current_id=current_login_id(),
        limits=session_limits(user.roles),
    )


@blueprint.post("/<int:login_id>/end")
def end(login_id: int) -> Response:
    """End one of one's own sessions; raises NotFound for another one's, and for the one that asks."""
    logins = open_logins(db.session(), get_current_user().id, now())
    login = next((login for login in logins if login.id == login_id and login.id != current_login_id()), None)
    if login is None:
        raise NotFound(_("This session has ended already."))
    login.end(SessionEnd.OWNER, now())
    _ENDED.describe(db.session())
    db.session.commit()
    flash(gettext("The session has ended."), "success")
    return redirect(url_for("sessions.show"), 303)


@blueprint.post("/end-others")
def end_others() -> Response:
    """End all of one's own sessions but the one that asks."""
    session = db.session()
    count = end_logins(session, get_current_user().id, SessionEnd.OWNER, now(), kept_id=current_login_id())
    _ENDED.describe(session)
    session.commit()
    flash(ngettext("%(num)s other session has ended.", "%(num)s other sessions have ended.", count), "success")
    return redirect(url_for("sessions.show"), 303)
