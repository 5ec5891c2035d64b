"""Rows on their way into the database in bulk, and the trail's entries that tell of them.

The session's guard refuses bulk statements because nothing would be told of them. Here everything is told: whoever
adds rows tells of them with ``Ledger.tell``, and rows, entries and the heads of the chains arrive in one transaction.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Table, bindparam, func, insert, select, text, update

from demo.writer import Writer
from models.audit import trail
from models.audit.trail import AuditChain, AuditContext, AuditEntry, AuditRow
from models.base import Base
from models.database import is_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import Connection

    from demo.writer import Memory

#: A row by column name.
Row = dict[str, Any]

#: Rows that are held before they are written, all tables together: it bounds the memory.
_HELD = 40_000

#: What SQLite may keep in memory of the indexes that grow meanwhile, in KiB.
_CACHE = 128 * 1024

_TABLES = {table.name: table for table in Base.metadata.sorted_tables}
_TRAIL = (AuditEntry.__tablename__, AuditRow.__tablename__, AuditChain.__tablename__)


class Told(NamedTuple):
    """What the trail says of one row, as JSON; ``change`` is the id of the request that it belongs to."""

    table: str
    id: str
    change: str | None
    text: str


@dataclass(slots=True)
class _Head:
    """The last entry of a chain."""

    number: int
    hash: str
    is_new: bool


class Ledger:
    """Collects rows and tellings, gives them ids and numbers, and writes them in the order that foreign keys ask."""

    def __init__(self, connection: Connection) -> None:
        """Continue where the database stands; nobody else writes to it until the transaction ends."""
        self.connection = connection
        _hold_off_others(connection)
        self._held: dict[str, list[Row]] = defaultdict(list)
        self._altered: dict[str, dict[int, Row]] = defaultdict(dict)
        self._count = 0
        memory: Memory = {}
        self._writers = {name: Writer(connection, table, memory) for name, table in _TABLES.items()}
        self._last = {
            table.name: connection.scalar(select(func.max(table.c.id))) or 0
            for table in _TABLES.values()
            if _is_counted(table)
        }
        self._heads = {
            row.chain: _Head(row.number, row.hash, is_new=False)
            for row in connection.execute(select(AuditChain.chain, AuditChain.number, AuditChain.hash))
        }

    def next_id(self, table: str) -> int:
        """Return a new id for a row of ``table``."""
        self._last[table] += 1
        return self._last[table]

    def last_id(self, table: str) -> int:
        """Return the highest id of ``table``, 0 where it is empty."""
        return self._last[table]

    def add(self, table: str, row: Row) -> None:
        """Take a row to be written."""
        self._held[table].append(row)
        self._count += 1

    def alter(self, table: str, id_: int, values: Row) -> None:
        """Take new values for a row; for every row of a table the same columns. They are set when the ledger closes."""
        self._altered[table].setdefault(id_, {}).update(values)

    def tell(self, chain: int, circumstances: AuditContext, told: list[Told]) -> None:
        """Add an entry to ``chain``; ``told`` are what ``inserted`` and ``updated`` return."""
        head = self._heads.get(chain)
        if head is None:
            head = self._heads[chain] = _Head(0, trail.GENESIS_HASH, is_new=True)
        head.number += 1
        entry: Row = {
            "chain": chain,
            "number": head.number,
            "at": circumstances.at,
            "actor_id": circumstances.actor_id,
            "actor_name": circumstances.actor_name,
            "capacity": circumstances.capacity,
            "address": circumstances.address,
            "request_id": circumstances.request_id,
            "action": circumstances.action,
            "reason": circumstances.reason,
            "rows": f"[{','.join([item.text for item in told])}]",
            "previous_hash": head.hash,
        }
        entry["hash"] = head.hash = trail.entry_hash(entry)
        entry["id"] = self.next_id("audit_entry")
        self.add("audit_entry", entry)
        places = {(item.table, item.id) for item in told}
        places.update([("change_request", item.change) for item in told if item.change])
        for table, row_id in sorted(places):
            self.add("audit_row", {"entry_id": entry["id"], "table_name": table, "row_id": row_id})

    def make_room(self) -> None:
        """Write what is held once it is much."""
        if self._count >= _HELD:
            self.write()

    def write(self) -> None:
        """Write all that is held."""
        for name in _TABLES:
            if rows := self._held.pop(name, None):
                self._writers[name](rows)
        self._count = 0

    def close(self) -> None:
        """Write the rest, the heads of the chains, and let the database count on from here."""
        self.write()
        for name, changes in self._altered.items():
            self._update(_TABLES[name], changes)
        for chain, head in self._heads.items():
            values = {"number": head.number, "hash": head.hash}
            if head.is_new:
                self.connection.execute(insert(AuditChain).values(chain=chain, **values))
            else:
                self.connection.execute(update(AuditChain).where(AuditChain.chain == chain).values(values))
        _count_on(self.connection, self._last)

    def _update(self, table: Table, changes: Mapping[int, Row]) -> None:
        columns = next(iter(changes.values()))
        statement = (
            update(table)
            .where(table.c.id == bindparam("own_id"))
            .values({name: bindparam(f"new_{name}") for name in columns})
        )
        rows = [
            {"own_id": id_, **{f"new_{name}": value for name, value in values.items()}}
            for id_, values in changes.items()
        ]
        self.connection.execute(statement, rows)


def inserted(table: str, row: Row, *, change: int | None = None, secret: Collection[str] = ()) -> list[Told]:
    """Return what the trail says of a new row, as ``the trail`` says it; ``change`` is the request it belongs to."""
    after = [
        f'"{name}":{_SECRET if name in secret else _ENCODERS[type(value)](value)}'
        for name, value in sorted([item for item in row.items() if item[1] is not None])
    ]
    key = str(row.get("id") or row.get("sha256"))
    text_ = f'{{"action":"inserted","after":{{{",".join(after)}}},"before":{{}},"id":"{key}","table":"{table}"}}'
    return [Told(table, key, str(change) if change else None, text_)]


def updated(
    table: str, id_: int, before: Mapping[str, Any], after: Mapping[str, Any], *, change: int | None = None
) -> list[Told]:
    """Return what the trail says of a row that was altered; nothing where nothing was."""
    former, new = [], []
    for name in sorted(after):
        value, old = after[name], before.get(name)
        if value != old:
            label = f'"{name}":'
            former.append(label + _ENCODERS[type(old)](old))
            new.append(label + _ENCODERS[type(value)](value))
    if not new:
        return []
    text_ = (
        f'{{"action":"updated","after":{{{",".join(new)}}},"before":{{{",".join(former)}}},'
        f'"id":"{id_}","table":"{table}"}}'
    )
    return [Told(table, str(id_), str(change) if change else None, text_)]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


#: As ``models.base.as_json``, with moments and dates as the trail has them.
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
_SECRET = encode_basestring(trail._REDACTED)  # noqa: SLF001


class _Encoders(dict[type, "Callable[[Any], str]"]):
    """How a value of each type is written in JSON; what is rare is left to the general encoder."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        """Members of an enum are remembered by themselves."""
        self[kind] = encode = cache(_JSON.encode) if issubclass(kind, StrEnum) else _JSON.encode
        return encode


_ENCODERS = _Encoders(
    {
        int: int.__repr__,
        bool: lambda value: "true" if value else "false",
        type(None): lambda _none: "null",
        str: encode_basestring,
        dt.datetime: lambda moment: f'"{moment.isoformat()}"',
        dict: lambda value: _JSON.encode(value) if value else "{}",
        list: lambda value: _JSON.encode(value) if value else "[]",
    }
)


def _is_counted(table: Table) -> bool:
    """Whether rows of ``table`` have an id of their own: a step's record has its activity's."""
    return "id" in table.c and not table.c.id.foreign_keys


def _hold_off_others(connection: Connection) -> None:
    """Keep other writers out until the end of the transaction: ids and numbers are given out here meanwhile."""
    if is_sqlite(connection):
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE}")
    else:
        names = ", ".join(f'"{name}"' for name, table in _TABLES.items() if _is_counted(table) or name in _TRAIL)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def _count_on(connection: Connection, last: Mapping[str, int]) -> None:
    """Tell PostgreSQL's sequences where the ids stand, and give SQLite's memory back."""
    if is_sqlite(connection):
        connection.exec_driver_sql("PRAGMA cache_size = -2000")
        return
    for name, number in last.items():
        if number:
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :number)"), {"table": name, "number": number}
            )
