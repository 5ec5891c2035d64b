"""Home: what waits for whoever is logged in, and what they have sent on and whom that waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template
from flask_login import current_user
from sqlalchemy import and_, case, func, or_, select

from lpse_admin.permissions import Resource, Verb
from lpse_admin.roles import ACTING, Role
from lpse_admin.steps import Step, Urgency
from models.activity import Activity
from models.change import ChangeRequest
from models.database import db
from models.scope import visible
from views.base import may_i, stands_in_for_head

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

blueprint = Blueprint("home", __name__)

#: What a home page shows of each list; the lists themselves are a link away.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits: for the reader, or for somebody they sent it on to."""

    id: int
    number: str | None
    title: str | None
    step: Step
    actor: str
    urgency: Urgency | None
    since: dt.datetime


@blueprint.get("/")
def index() -> str:
    """Show the home of whoever is logged in."""
    waiting = _waiting()
    number, oldest = _emergencies()
    return render_template(
        "home/index.html",
        waiting=waiting[:_SHOWN],
        more=len(waiting) > _SHOWN,
        sent=_sent(),
        emergencies=number,
        oldest=oldest,
        may_request=may_i(Verb.CREATE, Resource.CHANGE),
        shows_emergencies=_decides(),
    )


def _decides() -> bool:
    return Role.HEAD in current_user.roles or stands_in_for_head()


def _emergencies() -> tuple[int, dt.datetime | None]:
    """Return the number of emergencies that wait for the head and the arrival of the oldest, for who decides them."""
    if not _decides():
        return 0, None
    table: Any = Activity.__table__.c

    row = db.session.execute(
        select(func.count(), func.min(table.arrived_at))
        .select_from(Activity.__table__.join(ChangeRequest, ChangeRequest.id == table.change_id))
        .where(
            visible(Activity, current_user, stands_in_for_head=stands_in_for_head()),
            table.step == Step.APPROVAL,
            table.finished_at.is_(None),
            ChangeRequest.urgency == Urgency.EMERGENCY,
        )
    ).one()
    return row[0], row[1]


def _waiting() -> list[Waiting]:
    """Return what waits for the reader, emergencies first and then the oldest."""
    roles = {role for role in current_user.roles if role in ACTING}
    if stands_in_for_head():
        roles.add(Role.HEAD)
    mine = [Activity.actor_role == role for role in roles - {Role.REQUESTER}]
    if Role.REQUESTER in roles:
        mine.append(and_(Activity.actor_role == Role.REQUESTER, Activity.requester_id == current_user.id))
    return _read(or_(*mine), _SHOWN + 1) if mine else []


def _sent() -> list[Waiting]:
    """Return the reader's own requests that wait for others, and those whose last step the reader finished."""
    previous = select(Activity.change_id).where(
        Activity.actor_id == current_user.id, Activity.finished_at.is_not(None)
    )
    theirs = or_(
        and_(Activity.requester_id == current_user.id, Activity.actor_role != Role.REQUESTER),
        Activity.change_id.in_(previous),
    )
    return _read(theirs, _SHOWN)


def _read(criterion: Any, most: int) -> list[Waiting]:  # noqa: ANN401 - a criterion
    rows: Sequence[Any] = db.session.execute(
        select(
            ChangeRequest.id,
            ChangeRequest.number,
            ChangeRequest.title,
            Activity.step,
            Activity.actor_role,
            ChangeRequest.urgency,
            Activity.arrived_at,
        )
        .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
        .where(
            Activity.finished_at.is_(None),
            criterion,
            visible(Activity, current_user, stands_in_for_head=stands_in_for_head()),
        )
        .order_by(case((ChangeRequest.urgency == Urgency.EMERGENCY, 0), else_=1), Activity.arrived_at, Activity.id)
        .limit(most)
    ).all()
    return [Waiting(row[0], row[1], row[2], row[3], row[4].title, row[5], row[6]) for row in rows]


