"""Home: what waits for whoever is logged in, and what they have sent on and whom that waits for."""

from __future__ import annotations

from flask import Blueprint, render_template

from lpse_admin.permissions import Resource, Verb
from models import waiting
from models.database import db
from views.base import may_i, reader
from views.clock import now
from views.language import current_zone

blueprint = Blueprint("home", __name__)

#: What a home page shows of each list; the lists themselves are a link away.
_SHOWN = 10


@blueprint.get("/")
def index() -> str:
    """Show the home of whoever is logged in."""
    session, viewed_by = db.session(), reader()
    rows = waiting.for_reader(session, viewed_by, _SHOWN + 1, now())
    number, oldest = waiting.emergencies(session, viewed_by) if viewed_by.decides else (0, None)
    return render_template(
        "home/index.html",
        waiting=rows[:_SHOWN],
        more=len(rows) > _SHOWN,
        sent=waiting.sent_on(session, viewed_by, _SHOWN, now()),
        follow_ups=waiting.follow_ups(session, viewed_by, _SHOWN),
        undisposed=waiting.undisposed(session, viewed_by),
        today=now().astimezone(current_zone()).date(),
        emergencies=number,
        oldest=oldest,
        may_request=may_i(Verb.CREATE, Resource.CHANGE),
        shows_emergencies=viewed_by.decides,
    )
