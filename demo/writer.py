"""The fastest way into a table that each database has: many rows in one statement, or COPY."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Enum

from models.base import UtcDateTime
from models.database import is_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.types import TypeEngine

    #: How values are stored, by enum; and moments.
    Memory = dict[Any, Callable[[Any], Any]]

#: SQLite makes the lists of a table's CHECKs anew for each statement, not for each row; and it takes so many places.
_ROWS, _PLACES = 200, 30_000
#: Moments, and members of an enum, whose stored form is remembered.
_REMEMBERED = 50_000


class Writer:
    """Writes rows of one table, each value as the column's own type stores it."""

    def __init__(self, connection: Connection, table: Table, memory: Memory) -> None:
        """Prepare the statement and the conversion of each column; the writers of one ledger share their ``memory``."""
        dialect = connection.dialect
        self._connection = connection
        #: Only some columns store a value otherwise than as it is: place and conversion of each.
        self._processors: list[tuple[int, Callable[[Any], Any]]] = []
        for place, column in enumerate(table.columns):
            process = column.type.dialect_impl(dialect).bind_processor(dialect)
            if process:
                self._processors.append((place, _quickened(column.type, process, memory)))
        self._width = len(table.columns)
        self._values = itemgetter(*(column.name for column in table.columns))
        quote = dialect.identifier_preparer.quote
        self._table = quote(table.name)
        self._names = ", ".join(quote(column.name) for column in table.columns)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write ``rows``, each with every column."""
        if is_sqlite(self._connection):
            self._insert(list(self._stored(rows)))
            return
        cursor = self._connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {self._table} ({self._names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in self._stored(rows):
                copy.write_row(row)

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        """Write many rows with each statement, on the driver's own cursor."""
        cursor = self._connection.connection.cursor()
        most = min(_ROWS, _PLACES // self._width)
        one = f"({', '.join('?' * self._width)})"
        for first in range(0, len(rows), most):
            some = rows[first : first + most]
            places = ", ".join([one] * len(some))
            sql = f"INSERT INTO {self._table} ({self._names}) VALUES {places}"  # noqa: S608 - names of our own
            cursor.execute(sql, tuple(chain.from_iterable(some)))
        cursor.close()

    def _stored(self, rows: Iterable[dict[str, Any]]) -> Iterable[tuple[Any, ...]]:
        if not self._processors:
            return map(self._values, rows)
        return map(self._converted, rows)

    def _converted(self, row: dict[str, Any]) -> tuple[Any, ...]:
        values = list(self._values(row))
        for place, process in self._processors:
            value = values[place]
            if value is not None:
                values[place] = process(value)
        return tuple(values)


def _quickened(kind: TypeEngine[Any], process: Callable[[Any], Any], memory: Memory) -> Callable[[Any], Any]:
    """Return ``process`` sparing what comes again and again: few enums, the same moments, empty lists."""
    if isinstance(kind, Enum | UtcDateTime):
        shared: Any = kind.enum_class if isinstance(kind, Enum) else UtcDateTime
        return memory.setdefault(shared, lru_cache(_REMEMBERED)(process))
    if isinstance(kind, JSON):
        empty: dict[Any, Any] = {list: process([]), dict: process({})}
        return lambda value: process(value) if value else empty[type(value)]
    return process
