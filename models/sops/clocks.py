"""All that the clocks of an office run by: its calendar, and the SOPs with their standard times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import String, cast, literal, select

from models.office.calendars import AGENCIES, NO_DATE, load_calendars_with, settings_statement
from models.sops.sop import SopRevision, load_sop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from lpse_admin.sop import Sop
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.office.agency import Agency

_CALENDARS_AND_SOPS = settings_statement(
    select(
        SopRevision.agency_id,
        literal("sop"),
        NO_DATE,
        NO_DATE,
        SopRevision.key,
        SopRevision.digest,
        cast(SopRevision.id, String),
    ).where(SopRevision.agency_id.in_(AGENCIES))
)


def load_calendars_and_sops(
    session: Session, agencies: Sequence[Agency]
) -> tuple[dict[int, WorkCalendar], dict[int, Sop]]:
    """Return the calendars of ``agencies`` and the SOPs of all of their revisions.

    Both by their ids, and read by one statement: every list of steps asks for them.
    """
    calendars, revisions = load_calendars_with(session, _CALENDARS_AND_SOPS, agencies)
    sops = {int(sop_id): load_sop(session, int(sop_id), key, digest) for *_first, key, digest, sop_id in revisions}
    return calendars, sops
