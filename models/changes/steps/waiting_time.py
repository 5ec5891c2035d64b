"""Until when a waiting step waits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.sop.fields import SopFieldKind
from models.changes.steps.field_value import FieldValue

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lpse_admin.sop import StepRule
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.changes.change import ChangeRequest


def waits_until(
    session: Session,
    change: ChangeRequest,
    rule: StepRule,
    arrived_at: dt.datetime,
    calendar: WorkCalendar,
    now: dt.datetime,
) -> dt.datetime | None:
    """Return until when the waiting step of ``rule``, reached at ``arrived_at``, is still to wait; None if no longer.

    The time is in the office's zone. The step waits for what the SOP sets, or until the beginning of the day that a
    field of the request says; a request that says none does not wait.
    """
    end = calendar.deadline(arrived_at, rule.lasts) if rule.lasts else _day_of(session, change, rule.lasts_until)
    return end.astimezone(change.agency.zone) if end is not None and end > now else None


def _day_of(session: Session, change: ChangeRequest, key: str) -> dt.datetime | None:
    """Return the time that the field ``key`` of a request says last; of a date the beginning of the day."""
    row = session.execute(
        select(FieldValue.kind, FieldValue.value)
        .where(FieldValue.change_id == change.id, FieldValue.key == key)
        .order_by(FieldValue.activity_id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    if row.kind is SopFieldKind.MOMENT:
        return dt.datetime.fromisoformat(row.value)
    return dt.datetime.combine(dt.date.fromisoformat(row.value), dt.time(), change.agency.zone)
