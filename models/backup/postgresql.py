"""Backup of PostgreSQL: the rows of every table by COPY, all in one snapshot, while others write.

The schema is not in it: the migrations of the program make it. So a backup goes into any version of PostgreSQL, and
needs no program of the server's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, inspect, text
from sqlalchemy import table as sql_table

from models.database import update_statistics

if TYPE_CHECKING:
    from psycopg import Cursor
    from sqlalchemy import Connection

    from models.backup.archive import ArchiveReader, ArchiveWriter

#: Its one row is the revision, which the manifest has.
_REVISION_TABLE = "alembic_version"


def begin_snapshot(connection: Connection) -> Connection:
    """Return ``connection`` for reading one moment of the database."""
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def write_parts(connection: Connection, writer: ArchiveWriter) -> dict[str, int]:
    """Put the rows of each table into the archive, and return their numbers."""
    counts = {}
    for table in tables(connection):
        statement = f"COPY {_quoted(table)} ({_columns(connection, table)}) TO STDOUT"
        with writer.part(_part(table)) as write, _cursor(connection) as cursor:
            with cursor.copy(statement) as copy:
                for piece in copy:
                    write(bytes(piece))
            counts[table] = cursor.rowcount
    return counts


def sequences(connection: Connection) -> dict[str, int]:
    """Return the last value of each sequence that has been used."""
    rows = connection.execute(
        text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()")
    )
    return {name: value for name, value in rows if value is not None}


def tables(connection: Connection) -> list[str]:
    """Return the names of all tables, each after those that it refers to."""
    ordered = inspect(connection).get_sorted_table_and_fkc_names()
    names = [name for name, _keys in ordered if name is not None and name != _REVISION_TABLE]
    if left := [key for name, keys in ordered if name is None for key in keys if key[0] != key[1]]:
        raise RuntimeError(f"tables refer to each other in a circle: {left}")
    return names


def read_parts(connection: Connection, reader: ArchiveReader) -> None:
    """Put the rows of a backup into the empty tables; raises ValidationFailed where a part is damaged.

    The triggers are off meanwhile: what they refuse was never done, and what they compute is in the backup. Foreign
    keys and CHECKs hold all the time.
    """
    for table in tables(connection):
        connection.exec_driver_sql(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER USER")
    for table in tables(connection):
        connection.execute(delete(sql_table(table)))  # what the migrations had entered
        statement = f"COPY {_quoted(table)} ({_columns(connection, table)}) FROM STDIN"
        with _cursor(connection) as cursor, cursor.copy(statement) as copy:
            for chunk in reader.chunks(_part(table)):
                copy.write(chunk)
    for table in tables(connection):
        connection.exec_driver_sql(f"ALTER TABLE {_quoted(table)} ENABLE TRIGGER USER")
    for name, value in reader.manifest.sequences.items():
        connection.execute(text("SELECT setval(CAST(:name AS regclass), :value)"), {"name": name, "value": value})
    update_statistics(connection)


def _columns(connection: Connection, table: str) -> str:
    """Return the columns of a table in SQL, without those that the database computes."""
    columns = inspect(connection).get_columns(table)
    return ", ".join(_quoted(column["name"]) for column in columns if "computed" not in column)


def _part(table: str) -> str:
    return f"{table}.copy"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cursor(connection: Connection) -> Cursor[Any]:
    return cast("Cursor[Any]", connection.connection.cursor())
