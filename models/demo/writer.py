"""The fastest way into a table that each database has: many rows in one statement, or COPY."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from models.database import is_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table


class Writer:
    """Writes rows of one table, each value as the column's own type stores it."""

    def __init__(self, connection: Connection, table: Table) -> None:
        """Prepare the statement and the conversion of each column."""
        dialect = connection.dialect
        self._connection = connection
        processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]
        self._width = len(processors)
        #: Only some columns store a value otherwise than as it is: place and conversion of each.
        self._processors = [(place, process) for place, process in enumerate(processors) if process]
        self._values = itemgetter(*(column.name for column in table.columns))
        quote = dialect.identifier_preparer.quote
        self._table = quote(table.name)
        self._names = ", ".join(quote(column.name) for column in table.columns)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write ``rows``, each with every column."""
        if is_sqlite(self._connection):
            places = ", ".join("?" * self._width)
            sql = f"INSERT INTO {self._table} ({self._names}) VALUES ({places})"  # noqa: S608 - names of our own
            self._connection.exec_driver_sql(sql, list(self._stored(rows)))
            return
        cursor = self._connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {self._table} ({self._names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in self._stored(rows):
                copy.write_row(row)

    def _stored(self, rows: Iterable[dict[str, Any]]) -> Iterable[tuple[Any, ...]]:
        if not self._processors:
            return map(self._values, rows)
        return map(self._converted, rows)

    def _converted(self, row: dict[str, Any]) -> tuple[Any, ...]:
        values = list(self._values(row))
        for place, process in self._processors:
            if values[place] is not None:
                values[place] = process(values[place])
        return tuple(values)
