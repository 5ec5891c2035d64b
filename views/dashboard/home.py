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
from models.scope import sees_the_office
from views.app.clock import now
from views.dashboard.office import Glance, Office
from views.delegation.absent_head import absent_head
from views.i18n.language import today
from views.listing.record_view import may_i, reader

if TYPE_CHECKING:
    from models.reports.waiting import Reader

blueprint = Blueprint("home", __name__)

#: What a home page shows of each list; the lists themselves are a link away.
_SHOWN = 10
#: Whose home is the office at a glance as well.
_OVERSEES = frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})


@blueprint.get("/")
def index() -> tuple[str, int]:
    """Show the home of whoever is logged in."""
    viewed_by = reader()
    roles = viewed_by.user.roles
    office = Office.asked(request.args) if sees_the_office(viewed_by.user) or viewed_by.decides else None
    oversees = office is not None and (viewed_by.decides or not _OVERSEES.isdisjoint(roles))
    glance = Glance.read(office, request.args) if office is not None and oversees else None
    queues = _queues(viewed_by)
    late = [] if office is not None else waiting.late(db.session(), viewed_by, _SHOWN, now())
    # What is late is said once, in the place of its own.
    shown = {row.id for row in late}
    queues["sent"] = [row for row in queues["sent"] if row.id not in shown]
    page = render_template(
        "dashboard/index.html",
        **queues,
        today=today(),
        may_request=may_i(Verb.CREATE, Resource.CHANGE),
        shows_emergencies=viewed_by.decides,
        acts=bool(roles - {Role.INSPECTOR, Role.ADMINISTRATOR}) or viewed_by.decides,
        own=None if office is not None else waiting.own_requests(db.session(), viewed_by.user),
        late=late,
        office=office,
        glance=glance,
        inspects=Role.INSPECTOR in roles,
        results={result.value: result for result in Result},
        period_kinds=list(PeriodKind),
        may=lambda resource: may_i(Verb.READ, Resource(resource)),
    )
    return page, 400 if glance is not None and glance.form.fault else 200


def _queues(viewed_by: Reader) -> dict[str, Any]:
    """Return what waits for the reader, and what they wait for."""
    session = db.session()
    rows = waiting.for_reader(session, viewed_by, _SHOWN + 1, now())
    sent = waiting.sent_on(session, viewed_by, _SHOWN, now())
    at_the_head = min((row.since for row in sent if row.waits_for_head), default=None)
    number, oldest = waiting.emergencies(session, viewed_by) if viewed_by.decides else (0, None)
    return {
        "waiting": rows[:_SHOWN],
        "more": len(rows) > _SHOWN,
        "follow_ups": waiting.follow_ups(session, viewed_by, _SHOWN),
        "undisposed": waiting.undisposed(session, viewed_by),
        "sent": sent,
        # Whoever took a step is of the agency that the request belongs to.
        "absent_head": absent_head(viewed_by.user.agency, arrived=at_the_head) if at_the_head else None,
        "emergencies": number,
        "oldest": oldest,
    }
