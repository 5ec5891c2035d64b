"""Fast bulk inserts: many rows in one statement on SQLite, COPY on PostgreSQL."""

from __future__ import annotations

from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from models.database import is_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from psycopg import Cursor
    from sqlalchemy import Connection, Table

#: Maximum numbers of rows and of parameters in one SQLite statement.
_ROWS, _PARAMETERS = 200, 30_000


def write(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write ``rows``, each with every column of ``table``, converted by the column's type."""
    Writer(connection, table).write(rows)


class Writer:
    """Writes rows of one table."""

    def __init__(self, connection: Connection, table: Table) -> None:
        dialect = connection.dialect
        self._connection = connection
        #: Bind processors by column index, for the columns whose type has one.
        self._processors = {
            index: process
            for index, column in enumerate(table.columns)
            if (process := column.type.dialect_impl(dialect).bind_processor(dialect))
        }
        self._width = len(table.columns)
        self._values = itemgetter(*(column.name for column in table.columns))
        quote = dialect.identifier_preparer.quote
        self._table = quote(table.name)
        self._names = ", ".join(quote(column.name) for column in table.columns)

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write ``rows``."""
        stored = map(self._stored, rows)
        if is_sqlite(self._connection):
            self._insert(stored)
            return
        cursor = cast("Cursor[Any]", self._connection.connection.cursor())
        with cursor, cursor.copy(f"COPY {self._table} ({self._names}) FROM STDIN") as copy:
            for row in stored:
                copy.write_row(row)

    def _insert(self, rows: Iterator[tuple[Any, ...]]) -> None:
        """Insert many rows with each statement, on the driver's cursor."""
        cursor = self._connection.connection.cursor()
        most = min(_ROWS, _PARAMETERS // self._width)
        placeholders = f"({', '.join('?' * self._width)})"
        while batch := list(islice(rows, most)):
            values = ", ".join([placeholders] * len(batch))
            sql = f"INSERT INTO {self._table} ({self._names}) VALUES {values}"  # noqa: S608 - names of our own
            cursor.execute(sql, tuple(chain.from_iterable(batch)))
        cursor.close()

    def _stored(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        values = list(self._values(row))
        for index, process in self._processors.items():
            if values[index] is not None:
                values[index] = process(values[index])
        return tuple(values)
