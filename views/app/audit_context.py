"""Who answers for what a web request does: the audit context, and the capacity in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, request
from flask_babel import force_locale

from lpse_admin.accounts.roles import Role
from models.accounts.user import Language
from models.audit.trail import AuditContext
from views.app.access import current_delegation, current_user_or_none
from views.app.clock import now
from views.i18n.language import tr

if TYPE_CHECKING:
    from models.accounts.user import User
    from models.delegation.delegation import Delegation


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
