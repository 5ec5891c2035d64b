"""The audit trail of copied requests: the entries of each template, with the ids, number and times of the copy.

Each entry of a template is parsed once into a text with placeholders and the values that differ in each copy. The
audit chains are continued with the audit code, in chronological order.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from demo.copying.rows import OVERLAP_REASON
from demo.copying.templates import PLANNED, RECORDS, TABLES, counted_target, is_date, is_moment
from demo.copying.writer import Writer
from lpse_admin.workflow.record_fields import REQUEST_FIELDS, FieldKind
from models.audit.trail import AuditEntry, AuditRow, Chains
from models.base import Base, canonical_json
from models.office.agency import NumberCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, Connection
    from sqlalchemy import Row as DatabaseRow

    from demo.copying.choice import Copy
    from demo.copying.templates import Template

    Row = dict[str, Any]

#: Entries written at a time.
_BATCH = 2_000
#: A placeholder in the text: number or string, and the index of the value.
_MARK = re.compile('"\ue000([ns])(\\d+)\ue000"')
_DATES = frozenset(field.key for field in REQUEST_FIELDS if field.kind is FieldKind.DATE)
#: The columns of an entry that are the same in each copy.
_SAME = ("actor_id", "actor_name", "capacity", "address", "request_id", "action", "reason")


def copy_trail(connection: Connection, copies: Sequence[Copy], counters: Mapping[tuple[int, int], int]) -> None:
    """Append the entries of ``copies`` to the chains; ``counters`` are counter ids by agency and year."""
    templates = {copy.template.id: copy.template for copy in copies}
    histories = {history.template.id: history for history in _histories(connection, templates, counters)}
    chains = Chains(connection)
    last_id = connection.scalar(select(func.max(AuditEntry.id))) or 0
    tables = Base.metadata.tables
    entry_writer = Writer(connection, tables[AuditEntry.__tablename__])
    row_writer = Writer(connection, tables[AuditRow.__tablename__])
    entries = enumerate(_in_order(copies, histories), last_id + 1)
    while batch := list(islice(entries, _BATCH)):
        # Linked before they are written: PostgreSQL runs no other statement during COPY.
        linked = [chains.link(one.chain, one.pattern.content(one.at, one.values)) for _id, one in batch]
        entry_writer.write({"id": id_, **entry} for (id_, _one), entry in zip(batch, linked, strict=True))
        row_writer.write(
            {"entry_id": id_, "table_name": table, "row_id": one.values[index]}
            for id_, one in batch
            for table, index in one.pattern.rows
        )
    chains.close()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A parsed entry of a template; values that differ in each copy are indexes into the values of the copy."""

    at: dt.datetime
    same: Row
    #: The JSON of the rows, with %s for each value, and the indexes of the values.
    text: str
    indexes: tuple[int, ...]
    #: The rows of ``audit_row``: table, and index of the row id.
    rows: tuple[tuple[str, int], ...]

    def content(self, at: dt.datetime, values: Sequence[str]) -> Row:
        """Return the entry of a copy."""
        return {**self.same, "at": at, "rows": self.text % tuple([values[index] for index in self.indexes])}


@dataclass(slots=True)
class _History:
    """The entries of a template."""

    template: Template
    counters: Mapping[tuple[int, int], int]
    patterns: list[_Pattern] = field(default_factory=list)
    _values: list[Callable[[Copy], str]] = field(default_factory=list)
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)
    #: For each row by table and id: the table that has its id, and its rank there.
    _ranks: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compute the ranks of the rows."""
        for table, ids in self.template.rows.items():
            counted = "activity" if table in RECORDS else table
            rank_of = {id_: rank for rank, id_ in enumerate(self.template.rows[counted])}
            for id_ in ids:
                self._ranks[table, str(id_)] = (counted, rank_of[id_])

    def values(self, copy: Copy) -> list[str]:
        """Return the values of ``copy``."""
        return [value(copy) for value in self._values]

    def add(self, entry: DatabaseRow[Any]) -> None:
        """Parse an entry."""
        rows = [copied for row in json.loads(entry.rows) if (copied := self._row(row))]
        marked = canonical_json(rows).replace("%", "%%")
        indexes = tuple(int(match[2]) for match in _MARK.finditer(marked))
        text = _MARK.sub(lambda match: "%s" if match[1] == "n" else '"%s"', marked)
        records = {(row["table"], int(row["id"][2:-1])) for row in rows}
        records.add(("change_request", self._id_of("change_request", str(self.template.id))))
        same = {name: getattr(entry, name) for name in _SAME}
        self.patterns.append(_Pattern(entry.at, same, text, indexes, tuple(sorted(records))))

    def _row(self, row: Row) -> Row | None:
        """Return a row of an entry with placeholders; None if it is not copied."""
        table = row["table"]
        if table == NumberCounter.__tablename__:
            return self._counter()
        if (table, row["id"]) not in self._ranks:
            return None
        before, after = row["before"], row["after"]
        if table == PLANNED and after.get("window_start_at") and not after.get("overlap_reason"):
            before, after = {**before, "overlap_reason": None}, {**after, "overlap_reason": OVERLAP_REASON}
        return {
            **row,
            "id": _mark("s", self._id_of(table, row["id"])),
            "before": {name: self._column(table, name, value) for name, value in before.items()},
            "after": {name: self._column(table, name, value) for name, value in after.items()},
        }

    def _counter(self) -> Row:
        """Return the row of the number counter, with placeholders."""
        return {
            "action": "updated",
            "after": {"last": _mark("n", self._value(("serial",), lambda copy: str(copy.serial)))},
            "before": {"last": _mark("n", self._value(("former",), lambda copy: str((copy.serial or 0) - 1)))},
            "id": _mark("s", self._value(("counter",), self._counter_id)),
            "table": NumberCounter.__tablename__,
        }

    def _counter_id(self, copy: Copy) -> str:
        return str(self.counters[self.template.agency_id, copy.year or 0])

    def _column(self, table: str, name: str, value: object) -> object:
        """Return the value of a column, or its placeholder if it differs in a copy."""
        if value is None:
            return None
        column = TABLES[table].c[name]
        if target := counted_target(column):
            return _mark("n", self._id_of(target, str(value)))
        if name == "id":
            return _mark("n", self._id_of(table, str(value)))
        return self._own(table, name, value, column)

    def _own(self, table: str, name: str, value: object, column: Column[Any]) -> object:
        """Return the placeholder of a number or a time, or the value if it is the same in every copy."""
        if is_moment(column):
            return self._moment(str(value), by_days=table == PLANNED)
        if is_date(column):
            return self._date(str(value))
        if table == "change_request" and name in {"number", "year", "serial"}:
            kind = "s" if name == "number" else "n"
            return _mark(kind, self._value((name,), lambda copy: str(getattr(copy, name))))
        if (table, name) == ("change_revision", "content") and isinstance(value, dict):
            return {key: self._date(item) if key in _DATES and item else item for key, item in value.items()}
        return value

    def _id_of(self, table: str, id_: str) -> int:
        counted, rank = self._ranks[table, id_]
        return self._value(("id", counted, rank), lambda copy: str(copy.first_ids[counted] + rank))

    def _moment(self, value: str, *, by_days: bool) -> str:
        moment = dt.datetime.fromisoformat(value)
        if by_days:
            return _mark("s", self._value((value, "days"), lambda copy: (moment + dt.timedelta(copy.days)).isoformat()))
        return _mark("s", self._value((value,), lambda copy: (moment + copy.later).isoformat()))

    def _date(self, value: str) -> str:
        date = dt.date.fromisoformat(value)
        return _mark("s", self._value((value,), lambda copy: (date + dt.timedelta(copy.days)).isoformat()))

    def _value(self, key: tuple[object, ...], value: Callable[[Copy], str]) -> int:
        """Return the index of the value with this key; it is added if it is new."""
        if key not in self._known:
            self._known[key] = len(self._values)
            self._values.append(value)
        return self._known[key]


def _mark(kind: str, index: int) -> str:
    return f"\ue000{kind}{index}\ue000"


def _histories(
    connection: Connection, templates: Mapping[int, Template], counters: Mapping[tuple[int, int], int]
) -> Iterable[_History]:
    """Return the histories of ``templates`` with their parsed entries."""
    histories = {str(id_): _History(template, counters) for id_, template in templates.items()}
    entries = (
        select(AuditRow.row_id, AuditEntry.__table__)
        .join(AuditEntry, AuditEntry.id == AuditRow.entry_id)
        .where(AuditRow.table_name == "change_request", AuditRow.row_id.in_(histories))
        .order_by(AuditEntry.id)
    )
    for entry in connection.execute(entries):
        histories[entry.row_id].add(entry)
    return histories.values()


class _Next(NamedTuple):
    """The next entry of a copy, ordered by time; ``number`` is the index of the copy, ``position`` of the entry."""

    at: dt.datetime
    number: int
    position: int
    chain: int
    later: dt.timedelta
    patterns: list[_Pattern]
    values: list[str]

    @property
    def pattern(self) -> _Pattern:
        """The parsed entry of the template."""
        return self.patterns[self.position]

    def following(self) -> _Next | None:
        """Return the entry after this one, or None."""
        position = self.position + 1
        if position == len(self.patterns):
            return None
        return self._replace(at=self.patterns[position].at + self.later, position=position)


def _in_order(copies: Iterable[Copy], histories: Mapping[int, _History]) -> Iterator[_Next]:
    """Yield the entries of ``copies`` in chronological order; the copies must be sorted by creation."""
    waiting: list[_Next] = []

    def until(moment: dt.datetime | None) -> Iterator[_Next]:
        while waiting and (moment is None or waiting[0].at < moment):
            entry = heappop(waiting)
            yield entry
            if following := entry.following():
                heappush(waiting, following)

    for number, copy in enumerate(copies):
        yield from until(copy.begins)
        history = histories[copy.template.id]
        first = history.patterns[0].at + copy.later
        chain = copy.template.agency_id
        heappush(waiting, _Next(first, number, 0, chain, copy.later, history.patterns, history.values(copy)))
    yield from until(None)
