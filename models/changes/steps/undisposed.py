"""Deviations of a request that wait for a disposal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from models.base import (
    session_of,
)
from models.changes.steps.activity import Activity
from models.deviations.deviation import Deviation

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest


def undisposed(change: ChangeRequest) -> list[Deviation]:
    """Return the deviations of finished steps of ``change`` without a disposal, by id."""
    waiting = (
        select(Deviation)
        .where(Deviation.change_id == change.id, Deviation.disposal.is_(None))
        .where(Deviation.activity.has(Activity.finished_at.is_not(None)))
        .order_by(Deviation.id)
    )
    return list(session_of(change).scalars(waiting))
