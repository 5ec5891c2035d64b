"""Whether the program's clock can be right: compared with the database's, and with the last entry of the trail."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, func, select

from lpse_admin.i18n import Message, _
from models.audit.trail import AuditEntry
from models.database import is_sqlite

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: Clocks of two machines that are set by the network differ by less.
TOLERANCE = dt.timedelta(minutes=2)


def clock_error(session: Session, now: dt.datetime) -> Message | None:
    """Return what speaks against ``now``, or None.

    SQLite has the clock of the program's own machine and is not asked. An entry of the trail from after ``now`` says
    that the clock was set back, or was ahead before: steps and entries would be out of order.
    """
    if not is_sqlite(session):
        of_database = session.scalar(select(func.clock_timestamp(type_=DateTime(timezone=True))))
        if of_database is not None and abs(of_database - now) > TOLERANCE:
            return _(
                "The clocks of the program and of the database are %(seconds)s seconds apart: set both by the network.",
                seconds=round(abs(of_database - now).total_seconds()),
            )
    last = session.scalar(select(AuditEntry.at).order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(1))
    if last is not None and last - now > TOLERANCE:
        return _(
            "The clock was set back: the audit trail has an entry that is %(seconds)s seconds later than it is now.",
            seconds=round((last - now).total_seconds()),
        )
    return None
