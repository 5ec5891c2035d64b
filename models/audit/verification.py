"""Whether the chains of the trail hold: every entry read from the first, and the heads to be kept elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.i18n import Message, _
from models.audit.trail import GENESIS_HASH, AuditChain, AuditEntry, AuditRow, entry_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

#: How many entries are verified at a time.
_BATCH_SIZE = 1000


@dataclass(frozen=True, slots=True)
class ChainError:
    """The first row of a chain that does not hold."""

    chain: int
    number: int
    error: Message


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of a chain at a moment, to be kept elsewhere: a chain cut short no longer contains it."""

    chain: int
    number: int
    hash: str

    def __str__(self) -> str:
        """Return the anchor as one line."""
        return f"{self.chain}:{self.number}:{self.hash}"

    @classmethod
    def parse(cls, line: str) -> Anchor:
        """Return the anchor that a line holds; raises ValueError where it holds none."""
        chain, number, hash_ = line.strip().split(":")
        return cls(int(chain), int(number), hash_)


def chain_anchors(session: Session) -> list[Anchor]:
    """Return the head of every chain."""
    table = AuditChain.__table__
    rows = session.execute(select(table.c.chain, table.c.number, table.c.hash).order_by(table.c.chain))
    return [Anchor(row.chain, row.number, row.hash) for row in rows]


def verify_chains(session: Session, saved_anchors: list[Anchor] | None = None) -> ChainError | None:
    """Read every chain from its first entry and return the first break, or None where all hold."""
    heads = {head.chain: head for head in chain_anchors(session)}
    chains = set(heads) | set(session.scalars(select(AuditEntry.chain).distinct()))
    known = {(anchor.chain, anchor.number): anchor.hash for anchor in saved_anchors or []}
    for chain in sorted(chains | {anchor.chain for anchor in saved_anchors or []}):
        if fault := _verify_chain(session, chain, heads.get(chain), known):
            return fault
    return None


def _verify_chain(
    session: Session, chain: int, head: Anchor | None, anchored_hashes: dict[tuple[int, int], str]
) -> ChainError | None:
    number, previous = 0, GENESIS_HASH
    for batch in _batches(session, chain):
        places = _indexed_records(session, [entry["id"] for entry in batch])
        for entry in batch:
            number += 1
            if fault := _entry_error(
                entry, number, previous, anchored_hashes.get((chain, number)), places[entry["id"]]
            ):
                return ChainError(chain, number, fault)
            previous = entry["hash"]
    last_anchored = max((kept for link, kept in anchored_hashes if link == chain), default=0)
    if head is None or (head.number, head.hash) != (number, previous) or last_anchored > number:
        return ChainError(chain, number + 1, _("The audit chain ends before its last entry."))
    return None


def _batches(session: Session, chain: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the entries of a chain in order, a thousand at a time, so that memory stays level."""
    table = AuditEntry.__table__
    entries = select(table).where(table.c.chain == chain).order_by(table.c.number)
    with session.connection().execute(entries.execution_options(yield_per=_BATCH_SIZE)) as found:
        for batch in found.mappings().partitions():
            yield [dict(entry) for entry in batch]


def _indexed_records(session: Session, entry_ids: list[int]) -> dict[int, set[tuple[str, str]]]:
    """Return the records that the index has for each of these entries."""
    table = AuditRow.__table__
    places: dict[int, set[tuple[str, str]]] = {entry_id: set() for entry_id in entry_ids}
    for entry_id, name, row_id in session.connection().execute(
        select(table.c.entry_id, table.c.table_name, table.c.row_id).where(table.c.entry_id.in_(entry_ids))
    ):
        places[entry_id].add((name, row_id))
    return places


def _entry_error(
    entry: dict[str, Any], number: int, previous: str, anchored: str | None, indexed: set[tuple[str, str]]
) -> Message | None:
    if entry["number"] != number:
        return _("An entry before this one is missing.")
    if entry["previous_hash"] != previous:
        return _("The entry does not follow the previous one.")
    if entry["hash"] != entry_hash(entry):
        return _("The entry was modified after it was written.")
    if anchored not in {None, entry["hash"]}:
        return _("The entry differs from the anchored one.")
    if not indexed.issuperset((row["table"], row["id"]) for row in json.loads(entry["rows"])):
        return _("The record index does not lead to this entry.")
    return None
