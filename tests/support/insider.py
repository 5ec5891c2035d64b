"""What somebody who knows the database's password can do: write past the program and its triggers, and hide that."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Boolean, Date, Enum, Integer, LargeBinary, UniqueConstraint, create_engine, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from models.base import Base, OpenEnum, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, Connection, Table


@contextmanager
def insider(url: str) -> Iterator[Connection]:
    """Open a connection on which nothing is refused; the triggers are as they were when it is closed."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection.execute(text("SET session_replication_role = replica"))
            yield connection
            connection.commit()
            return
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for row in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {row.name}")
        yield connection
        for row in triggers:
            connection.exec_driver_sql(row.sql)
        connection.commit()


def edit(connection: Connection, table: Table, column: Column[Any], where: str) -> bool:
    """Give ``column`` of the rows another value that the database takes; False where it takes none."""
    for expression in _other_values(connection, column):
        try:
            with connection.begin_nested():
                done = connection.execute(text(f"UPDATE {table.name} SET {column.name} = {expression} WHERE {where}"))
        except DatabaseError:
            continue
        return done.rowcount > 0
    return False


def _other_values(connection: Connection, column: Column[Any]) -> list[str]:
    kind: Any = column.type
    if isinstance(kind, Enum | OpenEnum):
        values = kind.enums if isinstance(kind, Enum) else [member.value for member in kind.enum_class]
        expressions = [
            f"CASE WHEN {{0}} = '{value}' THEN '{other}' ELSE '{value}' END" for value, other in pairwise(values)
        ]
    else:
        others = _ON_SQLITE if connection.dialect.name == "sqlite" else _ON_POSTGRESQL
        expressions = next((result for of, result in others if isinstance(kind, of)), ["'diubah'", "'1'", "'2'", "'Z'"])
    return [expression.format(column.name) for expression in expressions]


_ON_BOTH: list[tuple[type[Any], list[str]]] = [
    (Boolean, ["NOT coalesce({0}, false)"]),
    (Integer, ["coalesce({0}, 0) + 1", "coalesce({0}, 0) - 1"]),
    (JSON, ["""'{{"x": 1}}'"""]),
]
_ON_SQLITE: list[tuple[type[Any], list[str]]] = [
    *_ON_BOTH,
    (UtcDateTime, ["strftime('%Y-%m-%d %H:%M:%S.000000', coalesce({0}, '2026-01-01 00:00:00'), '-1 hour')"]),
    (Date, ["date(coalesce({0}, '2026-01-01'), '+1 day')"]),
    (LargeBinary, ["x'00'"]),
]
_ON_POSTGRESQL: list[tuple[type[Any], list[str]]] = [
    *_ON_BOTH,
    (UtcDateTime, ["coalesce({0}, '2026-01-01 00:00:00') - interval '1 hour'"]),
    (Date, ["coalesce({0}, current_date) + 1"]),
    (LargeBinary, [r"'\x00'"]),
]


def copy_row(connection: Connection, table: Table, where: str) -> str | None:
    """Insert a row like that of ``where`` with another key; return its key, or None where the database refuses it."""
    key = next(iter(table.primary_key.columns))
    new = "'" + "f" * 60 + "'" if key.type.python_type is str else str(900_001)
    changes = {key.name: new}
    unique: list[Any] = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    for together in (*unique, *(one for one in table.indexes if one.unique)):
        numbers = [column for column in together.columns if column.type.python_type is int]
        column = next(iter(numbers), next(iter(together.columns)))
        of_days = column.type.python_type is dt.date
        changes[column.name] = "900001" if numbers else "'2099-12-31'" if of_days else "'lain'"
    assignments = ", ".join(f"{name} = {value}" for name, value in changes.items())
    try:
        with connection.begin_nested():
            _through_copy(connection, table, where, f"UPDATE insider_copy SET {assignments}")
    except DatabaseError:
        return None
    return new.strip("'")


def swap(connection: Connection, table: Table, one: object, other: object) -> None:
    """Let two rows exchange all that they say."""
    key = next(iter(table.primary_key.columns)).name
    both = f"{key} IN ({one!r}, {other!r})"
    exchange = f"UPDATE insider_copy SET {key} = CASE WHEN {key} = {one!r} THEN {other!r} ELSE {one!r} END"
    _through_copy(connection, table, both, f"DELETE FROM {table.name} WHERE {both}", exchange)


def _through_copy(connection: Connection, table: Table, where: str, *statements: str) -> None:
    connection.execute(text(f"CREATE TEMPORARY TABLE insider_copy AS SELECT * FROM {table.name} WHERE {where}"))
    for statement in statements:
        connection.execute(text(statement))
    connection.execute(text(f"INSERT INTO {table.name} SELECT * FROM insider_copy"))
    connection.execute(text("DROP TABLE insider_copy"))


def keys(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    """Return the keys of the rows of ``table``, in order."""
    columns = table.primary_key.columns
    return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def different_rows(connection: Connection, table: Table) -> tuple[Any, Any] | None:
    """Return the keys of two rows that do not say the same, if there are two."""
    key = next(iter(table.primary_key.columns))
    rows = connection.execute(select(key, *(one for one in table.columns if one is not key)).order_by(key)).all()
    return next(((rows[0][0], row[0]) for row in reversed(rows) if row[1:] != rows[0][1:]), None)


def where_key(table: Table, key: tuple[Any, ...]) -> str:
    """Return the SQL condition for the row with ``key``."""
    pairs = zip(table.primary_key.columns, key, strict=True)
    return " AND ".join(f"{column.name} = {_literal(value)}" for column, value in pairs)


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else f"'{value.isoformat() if isinstance(value, dt.date) else value}'"


def tables() -> list[Table]:
    """Return every table."""
    return list(Base.metadata.sorted_tables)
