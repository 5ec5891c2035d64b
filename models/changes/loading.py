"""A request with all that its own page shows, read at once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload, with_polymorphic

from models.changes.activity import ACTIVITY_CLASSES, Activity
from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session


def load_change(session: Session, change_id: int, visible: ColumnElement[bool] | None = None) -> ChangeRequest | None:
    """Return a request with all that its own page shows, in a number of statements that does not grow.

    ``visible`` is the reader's criterion (``models.scope``); None where it is not theirs to see.
    """
    criteria = [ChangeRequest.id == change_id, *([] if visible is None else [visible])]
    found: ChangeRequest | None = session.scalars(_change_statement().where(*criteria)).one_or_none()
    return found


@cache
def _change_statement() -> Select[Any]:
    """Return the statement for whole requests; put together once, which took as long as running it."""
    # One statement for the steps with the records of all kinds; each kind would ask for its own otherwise.
    steps = with_polymorphic(Activity, list(ACTIVITY_CLASSES.values()), flat=True)
    return (
        select(ChangeRequest)
        .options(
            selectinload(ChangeRequest.activities.of_type(steps)).options(
                joinedload(steps.actor), joinedload(steps.delegation), joinedload(steps.assignee)
            ),
            selectinload(ChangeRequest.deviations).options(
                joinedload(Deviation.executor),
                joinedload(Deviation.disposed_by),
                joinedload(Deviation.follow_up_by),
                joinedload(Deviation.delegation),
            ),
            selectinload(ChangeRequest.documents),
            selectinload(ChangeRequest.revisions),
        )
        .execution_options(populate_existing=True)
    )
