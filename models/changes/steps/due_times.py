"""Due times of open steps, stored so that lists can be sorted by them along an index.

A row has the due time of the open step of one request; there is none where the SOP sets no standard. It is derived
data, like the durations of finished steps: it follows from the step, its SOP and the agency's calendar, so changes of
it are not audited. Each move stores it, and the sweep corrects it where the calendar has changed since.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.sop.steps import Step
from lpse_admin.worktime.step_timing import StepTimestamps, measure_step
from models.base import Base, IdType, Timestamp
from models.changes.steps.activity import Activity
from models.changes.steps.durations import upsert
from models.office.calendars import load_calendar
from models.sops.sop import load_sops
from models.step_types import step_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.office.agency import Agency

#: Rows written at a time.
_BATCH_SIZE = 2000


class StepDue(Base):
    """When the open step of a request is due."""

    __tablename__ = "step_due"
    __table_args__ = (
        Index(None, "due_at", "change_id"),
        Index(None, "step", "due_at", "activity_id"),
        Index(None, "agency_id"),
    )

    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"), primary_key=True)
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    step: Mapped[Step] = mapped_column(step_type())
    due_at: Mapped[Timestamp]


_STORED = ("change_id", "activity_id", "due_at")
_due: Any = StepDue.__table__.c
_activity: Any = Activity.__table__.c


def save_due_time(session: Session, change_id: int, activity: Activity | None, due: dt.datetime | None) -> None:
    """Store when the open step of a request is due; None if none is open, or its SOP has no standard for it."""
    if activity is not None and due is not None:
        upsert(session, StepDue, [_row(activity.id, change_id, activity.agency_id, activity.step, due)])
    else:
        session.connection().execute(delete(StepDue).where(StepDue.change_id == change_id))


def recompute_due_times(session: Session, agency: Agency, now: dt.datetime) -> int:
    """Store the due times of the open steps of ``agency`` anew where they differ; return how many did."""
    wanted = {row["change_id"]: row for row in _computed(session, agency, now)}
    columns = select(*(_due[name] for name in _STORED)).where(_due.agency_id == agency.id)
    stored = {row.change_id: row for row in session.execute(columns)}
    rows = [row for id_, row in wanted.items() if id_ not in stored or stored[id_] != tuple(map(row.get, _STORED))]
    for start in range(0, len(rows), _BATCH_SIZE):
        upsert(session, StepDue, rows[start : start + _BATCH_SIZE])
    gone = [id_ for id_ in stored if id_ not in wanted]
    for start in range(0, len(gone), _BATCH_SIZE):
        batch = gone[start : start + _BATCH_SIZE]
        session.connection().execute(delete(StepDue).where(StepDue.change_id.in_(batch)))
    return len(rows) + len(gone)


def _computed(session: Session, agency: Agency, now: dt.datetime) -> Iterator[dict[str, Any]]:
    """Yield the row of each open step that has a standard."""
    calendar, sops = load_calendar(session, agency), load_sops(session, agency.id)
    steps = select(
        _activity.id, _activity.change_id, _activity.sop_id, _activity.step, _activity.arrived_at, _activity.taken_up_at
    ).where(_activity.agency_id == agency.id, _activity.finished_at.is_(None), _activity.step != Step.REQUEST)
    for id_, change_id, sop_id, step, arrived, taken_up in session.execute(steps).all():
        timing = measure_step(calendar, sops[sop_id], step, StepTimestamps(arrived, taken_up, None), now)
        if timing.due is not None:
            yield _row(id_, change_id, agency.id, step, timing.due)


def _row(activity_id: int, change_id: int, agency_id: int, step: Step, due: dt.datetime) -> dict[str, Any]:
    return {"activity_id": activity_id, "change_id": change_id, "agency_id": agency_id, "step": step, "due_at": due}
