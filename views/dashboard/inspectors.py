"""The panel of inspections on the home page: whose account is open until when, and what they opened and exported."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from sqlalchemy import or_, select

from lpse_admin.accounts.roles import Role
from models.accounts.user import User
from models.audit.readings import OPENED, Readings, count_readings
from models.database import db
from models.inspection.dossier import DOWNLOADED
from models.scope import visible
from views.app.access import get_current_user, is_acting_head
from views.app.clock import now
from views.i18n.language import today
from views.listing.export_log import EXPORTED

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The action of a dossier that was downloaded.
_DOSSIER = DOWNLOADED.value
#: Of what the panel tells.
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Inspector:
    """An inspector whose account is open, or will be, with what they read of late."""

    name: str
    institution: str
    first: dt.date | None
    last: dt.date | None
    readings: Readings
    opened_url: str
    exported_url: str


def open_inspections() -> Sequence[Inspector]:
    """Return the inspectors whose accounts are open or will be, of the offices that the current user oversees."""
    day = today()
    users = db.session.scalars(
        select(User)
        .where(
            visible(User, get_current_user(), is_acting_head=is_acting_head()),
            User.is_inspector,
            User.is_active,
            or_(User.inspects_until.is_(None), User.inspects_until >= day),
        )
        .order_by(User.full_name, User.id)
    ).all()
    if not users:
        return ()
    since = now() - dt.timedelta(days=_DAYS)
    counts = count_readings(db.session(), [user.id for user in users], since, [EXPORTED.value, _DOSSIER])
    return [_inspector(user, counts.get(user.id, Readings()), day) for user in users]


def _inspector(user: User, readings: Readings, day: dt.date) -> Inspector:
    period: dict[str, Any] = {"at-from": (day - dt.timedelta(days=_DAYS)).isoformat(), "actor": user.full_name}
    return Inspector(
        name=user.full_name,
        institution=user.institution or user.position or "",
        first=user.inspects_from,
        last=user.inspects_until,
        readings=readings,
        opened_url=url_for("audit.index_view", action=OPENED.value, **period),
        exported_url=url_for("audit.index_view", action=EXPORTED.value, **period),
    )


def sees_inspections(user: User, *, decides: bool) -> bool:
    """Whether somebody is told of inspections: the head, who acts for the head, and administrators."""
    return decides or not user.roles.isdisjoint({Role.HEAD, Role.ADMINISTRATOR})
