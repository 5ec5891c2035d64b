"""What inspectors opened and exported, as the trail tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from lpse_admin.i18n import _
from models.audit.actions import AuditAction
from models.audit.trail import AuditChain, AuditEntry

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

#: An inspector opened the page of a record, or an attached file; once a day for each.
OPENED = AuditAction("inspection.open", _("Opened a record in an inspection"))


@dataclass(frozen=True, slots=True)
class Readings:
    """How many records somebody opened, and how often they exported."""

    opened: int = 0
    exported: int = 0
    last_at: dt.datetime | None = None


def is_noted(session: Session, chain: int, actor_id: int, record: str, since: dt.datetime) -> bool:
    """Whether the trail tells since a moment that this user opened ``record``, by what its reason ends with."""
    noted = exists().where(
        AuditEntry.chain == chain,
        AuditEntry.action == OPENED.value,
        AuditEntry.at >= since,
        AuditEntry.actor_id == actor_id,
        AuditEntry.reason.endswith(record, autoescape=True),
    )
    return bool(session.scalar(select(noted)))


def count_readings(
    session: Session, actor_ids: Collection[int], since: dt.datetime, exports: Collection[str]
) -> Mapping[int, Readings]:
    """Return what these users opened and exported since a moment; ``exports`` are the actions of an export."""
    is_opening: Any = AuditEntry.action == OPENED.value
    result = session.execute(
        select(
            AuditEntry.actor_id,
            func.count().filter(is_opening),
            func.count().filter(~is_opening),
            func.max(AuditEntry.at),
        )
        .where(
            # Whatever the chain: named, so that the entries are found by their actions.
            AuditEntry.chain.in_(select(AuditChain.chain)),
            AuditEntry.actor_id.in_(actor_ids),
            AuditEntry.at >= since,
            AuditEntry.action.in_([OPENED.value, *exports]),
        )
        .group_by(AuditEntry.actor_id)
    )
    return {actor: Readings(opened, exported, at) for actor, opened, exported, at in result if actor is not None}
