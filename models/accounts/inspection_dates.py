"""The dates of an inspector's account, as they are checked and kept."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.accounts.inspection import InspectionDates
from lpse_admin.accounts.roles import Role
from models.audit import trail

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.i18n import Message
    from models.office.agency import Agency

#: The keys of the dates, beside ``PERSONAL_FIELDS``.
INSPECTION_FIELDS = ("inspects_from", "inspects_until")


def dates_errors(
    session: Session, agency: Agency | None, roles: Collection[Role], dates: InspectionDates, *, is_required: bool
) -> dict[str, Message]:
    """Return what is wrong with the dates of an account with ``roles``, on the day of the audit context."""
    moment = trail.context_time(session)
    if Role.INSPECTOR not in roles or agency is None or moment is None:
        return {}
    return dates.errors(today=agency.local_date(moment), is_required=is_required)


def dates_from(values: Mapping[str, str | None], former: InspectionDates) -> InspectionDates:
    """Return the dates in ``values`` (keys: INSPECTION_FIELDS, as ISO dates); the former ones without such a key."""
    if not any(key in values for key in INSPECTION_FIELDS):
        return former
    first, last = (dt.date.fromisoformat(text) if (text := values.get(key)) else None for key in INSPECTION_FIELDS)
    return InspectionDates(first, last)


def dates_kept(roles: Collection[Role], dates: InspectionDates) -> tuple[dt.date | None, dt.date | None]:
    """Return the dates as they are stored: whoever is no inspector has none."""
    return (dates.first, dates.last) if Role.INSPECTOR in roles else (None, None)
