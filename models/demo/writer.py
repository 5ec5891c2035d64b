"""The fastest way into a table that each database has: many rows in one statement, or COPY."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.database import is_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection, Table


class Writer:
    """Writes rows of one table, each value as the column's own type stores it."""

    def __init__(self, connection: Connection, table: Table) -> None:
        """Prepare the statement and the conversion of each column."""
        dialect = connection.dialect
        self._connection = connection
        self._columns: list[tuple[str, Callable[[Any], Any] | None]] = [
            (column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in table.columns
        ]
        quote = dialect.identifier_preparer.quote
        self._table = quote(table.name)
        self._names = ", ".join(quote(column.name) for column in table.columns)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write ``rows``; a column that a row leaves out is NULL."""
        if is_sqlite(self._connection):
            places = ", ".join("?" * len(self._columns))
            sql = f"INSERT INTO {self._table} ({self._names}) VALUES ({places})"  # noqa: S608 - names of our own
            self._connection.exec_driver_sql(sql, list(self._stored(rows)))
            return
        cursor = self._connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {self._table} ({self._names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in self._stored(rows):
                copy.write_row(row)

    def _stored(self, rows: Iterable[dict[str, Any]]) -> Iterable[tuple[Any, ...]]:
        columns = self._columns
        for row in rows:
            yield tuple(
                [
                    value if process is None or value is None else process(value)
                    for name, process in columns
                    for value in (row.get(name),)
                ]
            )
