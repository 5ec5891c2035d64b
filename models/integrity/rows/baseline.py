"""What an upgrade finds in the database and the trail has never told of: entered into the trail as it was found.

A migration fills new columns of old rows without a word to the trail. From such an entry on, a change of them is
noticed; what they were before it, nobody can say, and the entry says that.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lpse_admin.i18n import _
from models.audit.actions import AuditAction
from models.audit.trail import INSTALLATION_CHAIN, AuditChain, AuditContext, AuditEntry, RowAction, append_entry
from models.audit.verification import ChainReader
from models.integrity.rows.coverage import told_tables
from models.integrity.rows.register import Comparison, spill_entry
from models.integrity.rows.spill import Spill

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from models.integrity.findings import Finding

TAKEN_OVER = AuditAction("audit.take-over", _("Took over what an upgrade found"))

#: Rows that one entry tells of at the most.
_ROWS_OF_AN_ENTRY = 500


def take_over(connection: Connection, now: dt.datetime) -> int:
    """Enter what the trail has never told of, in the chains that it belongs to, and return how many rows that were.

    What contradicts the trail stays as it is, to be found by the next verification. Each chain gets an entry, so that
    the first sealed one holds all before it.
    """
    chains = connection.scalars(select(AuditChain.__table__.c.chain).order_by(AuditChain.__table__.c.chain)).all()
    if not chains:
        return 0
    untold: dict[int, dict[tuple[str, str], dict[str, Any]]] = {chain: {} for chain in chains}
    for finding in _untold(connection):
        chain = _chain_of(connection, finding)
        row = untold.setdefault(chain, {}).setdefault((str(finding.table), str(finding.row)), {})
        row.update(finding.untold or {})
    with Session(connection) as session:
        for chain, rows in untold.items():
            _write(session, chain, rows, now)
        session.flush()
    return sum(map(len, untold.values()))


def _untold(connection: Connection) -> Iterator[Finding]:
    """Yield what is stored and was never told of."""
    with tempfile.TemporaryDirectory(prefix="lpse-upgrade-") as folder:
        spill = Spill(Path(folder))
        reader = ChainReader(connection, ring=None, on_entry=lambda entry, rows: spill_entry(spill, entry, rows))
        for chain in reader.chains():
            for _error in reader.read(chain):
                pass  # for the verification to find
        comparison = Comparison(connection, spill, with_bare_secrets=True)
        for told in told_tables():
            yield from (finding for finding in comparison.compare(told) if finding.untold)


def _chain_of(connection: Connection, finding: Finding) -> int:
    if finding.entry_id is None:
        return finding.chain or INSTALLATION_CHAIN
    entry: Any = AuditEntry.__table__.c
    return connection.scalar(select(entry.chain).where(entry.id == finding.entry_id)) or INSTALLATION_CHAIN


def _write(session: Session, chain: int, rows: dict[tuple[str, str], dict[str, Any]], now: dt.datetime) -> None:
    counts: dict[str, int] = defaultdict(int)
    for table, _row in rows:
        counts[table] += 1
    reason = ", ".join(f"{table}: {count}" for table, count in sorted(counts.items())) or None
    context = AuditContext(at=now, actor_id=None, actor_name="LPSE", action=TAKEN_OVER.value, reason=reason)
    changes = [
        {
            "chain": chain,
            "change": None,
            "row": {"table": table, "id": row, "action": RowAction.FOUND, "before": {}, "after": columns},
        }
        for (table, row), columns in sorted(rows.items())
    ]
    for start in range(0, max(len(changes), 1), _ROWS_OF_AN_ENTRY):
        append_entry(session, chain, context, changes[start : start + _ROWS_OF_AN_ENTRY])
