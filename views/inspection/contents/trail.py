"""The audit trail of a period, entry by entry, as it is hashed."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import cast, select
from sqlalchemy.types import BigInteger

from models.audit.erasure import erased_hashes
from models.audit.trail import AuditEntry, AuditRow
from models.changes.change import ChangeRequest
from views.inspection.periksa import HASHED

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from sqlalchemy.orm import Session

    from models.audit.verification import Anchor

_FETCHED = 1_000


def draft_entries(session: Session) -> frozenset[int]:
    """Return the ids of the entries whose rows are left out: of requests never submitted."""
    submitted = select(ChangeRequest.id).where(ChangeRequest.submitted_at.is_not(None))
    told = select(AuditRow.entry_id).where(
        AuditRow.table_name == ChangeRequest.__tablename__, cast(AuditRow.row_id, BigInteger).not_in(submitted)
    )
    return frozenset(session.scalars(told))


def trail_lines(session: Session, start: Anchor, end: Anchor, drafts: Container[int]) -> Iterator[bytes]:
    """Yield the entries after ``start`` up to ``end``, a line of JSON each; what drafts say is left out.

    An entry of which an erasure took something has the hash of what is left of it beside its own.
    """
    erased = erased_hashes(session.connection(), AuditEntry.__tablename__)
    table: Any = AuditEntry.__table__
    statement = (
        select(table)
        .where(table.c.chain == end.chain, table.c.number > start.number, table.c.number <= end.number)
        .order_by(table.c.number)
    )
    for entry in session.connection().execute(statement, execution_options={"yield_per": _FETCHED}).mappings():
        line = {
            "chain": entry["chain"],
            "number": entry["number"],
            "at": entry["at"].astimezone(dt.UTC).isoformat(timespec="microseconds"),
            **{name: entry[name] for name in HASHED},
            "hash": entry["hash"],
        }
        if (left := erased.get(str(entry["id"]))) is not None:
            line["erased_hash"] = left
        if entry["id"] in drafts:
            line["rows"] = None
        yield (json.dumps(line, ensure_ascii=False) + "\n").encode()
