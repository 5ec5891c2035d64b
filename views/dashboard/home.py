"""The home page: what waits for the user, what the user waits for, late requests, and the office dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Result
from lpse_admin.worktime.periods import PeriodKind
from models.database import db
from models.reports import waiting
from models.scope import sees_all_requests
from views.app.access import can
from views.app.clock import now
from views.dashboard.office import OfficeDashboard, OfficeSelection
from views.delegation.absent_head import absent_head
from views.i18n.language import today
from views.listing.record_view import current_principal

if TYPE_CHECKING:
    from models.reports.waiting import ActingUser

blueprint = Blueprint("home", __name__)

#: Rows of each list on the home page.
_MAX_ROWS = 10
#: Roles whose home page has the office dashboard.
_OVERSIGHT_ROLES = frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})


@blueprint.get("/")
def index() -> tuple[str, int]:
    """Show the home page of the current user."""
    principal = current_principal()
    roles = principal.user.roles
    office = (
        OfficeSelection.from_args(request.args)
        if sees_all_requests(principal.user) or principal.decides_as_head
        else None
    )
    oversees = office is not None and (principal.decides_as_head or not _OVERSIGHT_ROLES.isdisjoint(roles))
    dashboard = OfficeDashboard.from_args(office, request.args) if office is not None and oversees else None
    queues = _queues(principal)
    late = [] if office is not None else waiting.late_requests(db.session(), principal, _MAX_ROWS, now())
    # A late request is shown in the list of late ones only.
    late_ids = {row.id for row in late}
    queues["sent"] = [row for row in queues["sent"] if row.id not in late_ids]
    page = render_template(
        "dashboard/index.html",
        **queues,
        today=today(),
        may_request=can(Verb.CREATE, Resource.CHANGE),
        shows_emergencies=principal.decides_as_head,
        acts=bool(roles - {Role.INSPECTOR, Role.ADMINISTRATOR}) or principal.decides_as_head,
        own=None if office is not None else waiting.count_own_requests(db.session(), principal.user),
        late=late,
        office=office,
        glance=dashboard,
        inspects=Role.INSPECTOR in roles,
        results={result.value: result for result in Result},
        period_kinds=list(PeriodKind),
        may=lambda resource: can(Verb.READ, Resource(resource)),
    )
    return page, 400 if dashboard is not None and dashboard.form.error else 200


def _queues(principal: ActingUser) -> dict[str, Any]:
    """Return what waits for the user, and what the user waits for."""
    session = db.session()
    rows = waiting.waiting_for_user(session, principal, _MAX_ROWS + 1, now())
    sent = waiting.waiting_for_others(session, principal, _MAX_ROWS, now())
    at_head_since = min((row.arrived_at for row in sent if row.is_for_head), default=None)
    number, oldest = waiting.count_emergencies(session, principal) if principal.decides_as_head else (0, None)
    return {
        "waiting": rows[:_MAX_ROWS],
        "more": len(rows) > _MAX_ROWS,
        "follow_ups": waiting.load_follow_ups(session, principal, _MAX_ROWS),
        "undisposed": waiting.count_undisposed(session, principal),
        "sent": sent,
        # The actor of a step and its request belong to the same agency.
        "absent_head": absent_head(principal.user.agency, arrived=at_head_since) if at_head_since else None,
        "emergencies": number,
        "oldest": oldest,
    }
