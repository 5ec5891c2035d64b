"""Whether the chains of the trail hold: every entry read from the first, or from an anchor, to the head."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.i18n import Message, _
from models.audit import seal
from models.audit.anchors import Anchor, chain_anchors
from models.audit.erasure import erased_hashes
from models.audit.seal import KeyRing, SealState
from models.audit.trail import GENESIS_HASH, AuditEntry, AuditRow, entry_hash

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

__all__ = ["Anchor", "ChainError", "ChainReader", "chain_anchors", "verify_chains"]

#: How many entries are verified at a time.
_BATCH_SIZE = 1000

_entry: Any = AuditEntry.__table__
_row: Any = AuditRow.__table__


@dataclass(frozen=True, slots=True)
class ChainError:
    """A row of a chain that does not hold."""

    chain: int
    number: int
    error: Message
    at: dt.datetime | None = field(default=None, compare=False)
    entry_id: int | None = field(default=None, compare=False)
    is_seal: bool = field(default=False, compare=False)
    is_anchor: bool = field(default=False, compare=False)


def verify_chains(session: Session, saved_anchors: Sequence[Anchor] = ()) -> ChainError | None:
    """Read every chain from its first entry and return the first break, or None where all hold.

    Seals are not looked at: a copy of the database is verified where its key is not known.
    """
    reader = ChainReader(session.connection(), saved_anchors, ring=None)
    return next((error for chain in reader.chains() for error in reader.read(chain)), None)


@dataclass
class ChainReader:
    """Reads the chains entry by entry, and yields what does not hold; the rest of a chain is read all the same."""

    connection: Connection
    anchors: Sequence[Anchor] = ()
    #: With these keys the seals are verified; None leaves them out.
    ring: KeyRing | None = field(default_factory=seal.keys)
    #: Is given each entry with the rows that it tells.
    on_entry: Callable[[Mapping[str, Any], list[dict[str, Any]]], None] = lambda _entry, _rows: None
    #: Chains are read from behind these anchors; those without one from their first entry.
    since: Mapping[int, Anchor] = field(default_factory=dict)
    #: How many entries were read, by chain, how many of them have no seal though others later have, and how many are
    #: dated before the one that they follow.
    entries: Counter[int] = field(default_factory=Counter)
    unsealed: Counter[int] = field(default_factory=Counter)
    earlier: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Read the heads."""
        self.heads = {head.chain: head for head in chain_anchors(self.connection)}
        self._anchored = {(anchor.chain, anchor.number): anchor.hash for anchor in self.anchors}
        self._erased = erased_hashes(self.connection, AuditEntry.__tablename__)

    def chains(self) -> list[int]:
        """Return the chains that there are, or that an anchor says there were."""
        there = set(self.connection.scalars(select(_entry.c.chain).distinct()))
        return sorted(there | set(self.heads) | {anchor.chain for anchor in self.anchors} | set(self.since))

    def read(self, chain: int) -> Iterator[ChainError]:
        """Yield the errors of a chain."""
        start = self.since.get(chain)
        if start is not None and (missing := self._start_error(start)):
            yield missing
        link = _Link(chain, start.number if start else 0, start.hash if start else GENESIS_HASH)
        seals = _Seals(self.ring)
        for batch in _batches(self.connection, chain, link.number):
            indexed = _indexed_records(self.connection, [entry["id"] for entry in batch])
            for entry in batch:
                rows = json.loads(entry["rows"])
                anchored = self._anchored.get((chain, entry["number"]))
                erased = self._erased.get(str(entry["id"]))
                yield from link.errors(entry, rows, anchored, indexed[entry["id"]], erased)
                yield from seals.errors(entry)
                self.on_entry(entry, rows)
            self.entries[chain] += len(batch)
        yield from seals.end(link)
        self.unsealed[chain], self.earlier[chain] = seals.unsealed, link.earlier
        last_anchored = max((number for of, number in self._anchored if of == chain), default=0)
        head = self.heads.get(chain)
        if head is None or (head.number, head.hash) != (link.number, link.previous) or last_anchored > link.number:
            error = _("The audit chain ends before its last entry.")
            yield ChainError(chain, link.number + 1, error, link.at, is_anchor=last_anchored > link.number)

    def _start_error(self, start: Anchor) -> ChainError | None:
        """Return the error that the entry of the anchor is not there, or is another."""
        result = select(_entry.c.hash).where(_entry.c.chain == start.chain, _entry.c.number == start.number)
        if start.number and self.connection.scalar(result) != start.hash:
            return ChainError(start.chain, start.number, _("The entry differs from the anchored one."), is_anchor=True)
        return None


@dataclass(slots=True)
class _Link:
    """Where in a chain a reader is: number, hash, id and time of the entry before."""

    chain: int
    number: int
    previous: str
    id: int = 0
    at: dt.datetime | None = None
    earlier: int = 0

    def errors(
        self,
        entry: Mapping[str, Any],
        rows: list[dict[str, Any]],
        anchored: str | None,
        indexed: set[tuple[str, str]],
        erased: str | None = None,
    ) -> Iterator[ChainError]:
        """Yield what is wrong with the next entry, and go on to it; ``erased`` is its hash since an erasure."""
        error = self._error(entry, anchored, erased) or self._place_error(entry, rows, indexed)
        if error is not None:
            is_anchor = anchored not in {None, entry["hash"]}
            number = self.number + 1 if entry["number"] != self.number + 1 else entry["number"]
            yield ChainError(self.chain, number, error, entry["at"], entry["id"], is_anchor=is_anchor)
        self.earlier += self.at is not None and entry["at"] < self.at
        self.number, self.previous, self.id, self.at = entry["number"], entry["hash"], entry["id"], entry["at"]

    def _error(self, entry: Mapping[str, Any], anchored: str | None, erased: str | None) -> Message | None:
        if entry["number"] != self.number + 1:
            return _("An entry before this one is missing.")
        if entry["previous_hash"] != self.previous:
            return _("The entry does not follow the previous one.")
        if entry_hash(dict(entry)) not in {entry["hash"], erased}:
            return _("The entry was modified after it was written.")
        if anchored not in {None, entry["hash"]}:
            return _("The entry differs from the anchored one.")
        return None

    def _place_error(
        self, entry: Mapping[str, Any], rows: list[dict[str, Any]], indexed: set[tuple[str, str]]
    ) -> Message | None:
        if entry["id"] < self.id:
            return _("The entries were written in another order.")
        if not indexed.issuperset((row["table"], row["id"]) for row in rows):
            return _("The record index does not lead to this entry.")
        return None


@dataclass(slots=True)
class _Seals:
    """Follows the seals of a chain: from the first that has one, each has; errors of one kind are told once."""

    ring: KeyRing | None
    is_sealed: bool = False
    unsealed: int = 0
    #: The first entry of each unknown key, or without a seal, and how many there are.
    found: dict[str | None, tuple[Mapping[str, Any], int]] = field(default_factory=dict)

    def errors(self, entry: Mapping[str, Any]) -> Iterator[ChainError]:
        """Yield that the seal of an entry is wrong; what may concern many entries is told at the end."""
        if self.ring is None or self.ring.current is None:
            return
        state = self.ring.state(entry["hash"], entry["seal"], entry["key_id"])
        if state is SealState.VALID:
            self.is_sealed = True
        elif state is SealState.WRONG:
            yield _seal_error(entry, _("The seal is not that of the program: the entry was written past it."))
        elif state is SealState.NONE and not self.is_sealed:
            self.unsealed += 1
        else:
            key = entry["key_id"] if state is SealState.UNKNOWN_KEY else None
            first, count = self.found.get(key, (entry, 0))
            self.found[key] = first, count + 1

    def end(self, link: _Link) -> Iterator[ChainError]:
        """Yield what was found of many entries."""
        for key, (entry, count) in self.found.items():
            if key is None:
                error = _("%(count)s entries from this one on have no seal, though earlier ones do.", count=count)
            else:
                error = _(
                    "%(count)s entries from this one on are sealed with the key %(key)s, which is not known here: name"
                    " it in LPSE_AUDIT_FORMER_KEYS, or they were written past the program.",
                    count=count,
                    key=key,
                )
            yield _seal_error(entry, error)
        if self.unsealed and not self.is_sealed and not self.found:
            error = _("No entry of this chain has a seal: they were written, or written anew, past the program.")
            yield ChainError(link.chain, 1, error, link.at, is_seal=True)


def _seal_error(entry: Mapping[str, Any], error: Message) -> ChainError:
    return ChainError(entry["chain"], entry["number"], error, entry["at"], entry["id"], is_seal=True)


def _batches(connection: Connection, chain: int, after: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the entries of a chain in order, a thousand at a time, so that memory stays level."""
    entries = select(_entry).where(_entry.c.chain == chain).order_by(_entry.c.number)
    if after:
        entries = entries.where(_entry.c.number > after)
    with connection.execute(entries.execution_options(yield_per=_BATCH_SIZE)) as result:
        for batch in result.mappings().partitions():
            yield [dict(entry) for entry in batch]


def _indexed_records(connection: Connection, entry_ids: list[int]) -> dict[int, set[tuple[str, str]]]:
    """Return the records that the index has for each of these entries."""
    places: dict[int, set[tuple[str, str]]] = {entry_id: set() for entry_id in entry_ids}
    for entry_id, name, row_id in connection.execute(
        select(_row.c.entry_id, _row.c.table_name, _row.c.row_id).where(_row.c.entry_id.in_(entry_ids))
    ):
        places[entry_id].add((name, row_id))
    return places
