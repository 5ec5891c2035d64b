"""Home: what waits for whoever is logged in, what they have sent on, what is late, and for some the whole office."""

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

#: What a home page shows of each list; the lists themselves are a link away.
_MAX_ROWS = 10
#: Whose home is the office at a glance as well.
_OVERSIGHT_ROLES = frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})


@blueprint.get("/")
def index() -> tuple[str, int]:
    """Show the home of whoever is logged in."""
    viewed_by = current_principal()
    roles = viewed_by.user.roles
    office = (
        OfficeSelection.from_args(request.args)
        if sees_all_requests(viewed_by.user) or viewed_by.decides_as_head
        else None
    )
    oversees = office is not None and (viewed_by.decides_as_head or not _OVERSIGHT_ROLES.isdisjoint(roles))
    glance = OfficeDashboard.from_args(office, request.args) if office is not None and oversees else None
    queues = _queues(viewed_by)
    late = [] if office is not None else waiting.late_requests(db.session(), viewed_by, _MAX_ROWS, now())
    # What is late is said once, in the place of its own.
    shown = {row.id for row in late}
    queues["sent"] = [row for row in queues["sent"] if row.id not in shown]
    page = render_template(
        "dashboard/index.html",
        **queues,
        today=today(),
        may_request=can(Verb.CREATE, Resource.CHANGE),
        shows_emergencies=viewed_by.decides_as_head,
        acts=bool(roles - {Role.INSPECTOR, Role.ADMINISTRATOR}) or viewed_by.decides_as_head,
        own=None if office is not None else waiting.count_own_requests(db.session(), viewed_by.user),
        late=late,
        office=office,
        glance=glance,
        inspects=Role.INSPECTOR in roles,
        results={result.value: result for result in Result},
        period_kinds=list(PeriodKind),
        may=lambda resource: can(Verb.READ, Resource(resource)),
    )
    return page, 400 if glance is not None and glance.form.error else 200


def _queues(principal: ActingUser) -> dict[str, Any]:
    """Return what waits for the reader, and what they wait for."""
    session = db.session()
    rows = waiting.waiting_for_user(session, principal, _MAX_ROWS + 1, now())
    sent = waiting.waiting_for_others(session, principal, _MAX_ROWS, now())
    at_the_head = min((row.arrived_at for row in sent if row.is_for_head), default=None)
    number, oldest = waiting.count_emergencies(session, principal) if principal.decides_as_head else (0, None)
    return {
        "waiting": rows[:_MAX_ROWS],
        "more": len(rows) > _MAX_ROWS,
        "follow_ups": waiting.load_follow_ups(session, principal, _MAX_ROWS),
        "undisposed": waiting.count_undisposed(session, principal),
        "sent": sent,
        # Whoever took a step is of the agency that the request belongs to.
        "absent_head": absent_head(principal.user.agency, arrived=at_the_head) if at_the_head else None,
        "emergencies": number,
        "oldest": oldest,
    }
