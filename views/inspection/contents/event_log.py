"""The events of the procedure in a period: each finished step of the requests of an office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from views.exports.event_log import Event
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from views.inspection.contents.period import Period

_FETCHED = 2_000


def events_of(session: Session, agency_id: int, period: Period | None) -> Iterator[Event]:
    """Yield the steps that were finished in the period, None for ever: request by request, by their numbers."""
    table: Any = Activity.__table__
    change: Any = ChangeRequest.__table__
    statement = (
        select(
            change.c.number, change.c.title, table.c.step, table.c.outcome, table.c.actor_name, table.c.capacity,
            table.c.arrived_at, table.c.taken_up_at, table.c.finished_at,
        )
        .join(change, change.c.id == table.c.change_id)
        .where(table.c.agency_id == agency_id, table.c.finished_at.is_not(None), change.c.submitted_at.is_not(None))
        .order_by(change.c.year, change.c.serial, change.c.id, table.c.sequence)
    )  # fmt: skip
    if period is not None:
        statement = statement.where(table.c.finished_at >= period.start, table.c.finished_at < period.end)
    for row in session.connection().execute(statement, execution_options={"yield_per": _FETCHED}):
        number, title, step, outcome, actor, capacity, *times = row
        yield Event(number, title or "", tr(step.title), tr(outcome.title), actor or "", capacity or "", *times)
