"""The database engine, with the settings of SQLite."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, event, make_url
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.pool import ConnectionPoolEntry

from models.base import Base
from models.write_queue import QueuedConnection, as_queued

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.exc import DBAPIError

db = SQLAlchemy(model_class=Base)

#: False during requests that only read, so that readers of SQLite do not wait for the write lock.
takes_write_lock = ContextVar("writes", default=True)

#: True during web requests: on PostgreSQL a statement that takes too long, or waits too long for a lock, fails.
has_time_limits = ContextVar("has_time_limits", default=False)

#: Somebody who holds a row for minutes keeps a web request waiting for so long, and none longer.
_TIME_LIMITS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'"

#: The key of the advisory lock; an arbitrary number that must not change.
_STARTUP_LOCK_KEY = 7_012_019

#: PostgreSQL's code for a write in a database that is only read: a standby, or set so.
_READ_ONLY_SQL_TRANSACTION = "25006"

#: How long to wait for SQLite's write lock, in milliseconds.
BUSY_TIMEOUT = 5_000


def is_sqlite(connection: Connection | Engine | Session | scoped_session[Session]) -> bool:
    """Whether this connection, session or engine uses SQLite."""
    bind = connection.get_bind() if isinstance(connection, Session | scoped_session) else connection
    return bind.dialect.name == "sqlite"


@event.listens_for(Engine, "do_connect")
def _use_write_queue(
    dialect: Dialect, _record: ConnectionPoolEntry, _args: tuple[object, ...], parameters: dict[str, object]
) -> None:
    """Let the writers of a SQLite file wait in a queue."""
    if dialect.name == "sqlite":
        parameters.setdefault("factory", QueuedConnection)


@event.listens_for(Engine, "connect")
def _set_sqlite_pragmas(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    """Set the pragmas of a new SQLite connection: write-ahead log, full durability, foreign keys."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        # Otherwise INSERT OR REPLACE deletes rows without firing the triggers that deny it.
        "recursive_triggers = ON",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    if (queued := as_queued(connection)) is not None:
        queued.join_queue()


def protect_file(url: str) -> None:
    """Make the file of a SQLite database readable by no other users of the machine; create it, if it is not there.

    SQLite gives its journal the same permissions. Those of the file's group stay as they are.
    """
    path = Path(make_url(url).database or "")
    if not url.startswith("sqlite") or not path.is_absolute():
        return
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        with suppress(OSError):  # not there, or another user's
            if (mode := stat.S_IMODE(file.stat().st_mode)) & stat.S_IRWXO:
                file.chmod(mode & ~stat.S_IRWXO)


@contextmanager
def startup_lock(engine: Engine) -> Iterator[None]:
    """Let one process at a time bring the database up to date: of several servers that start on it, the others wait.

    PostgreSQL has an advisory lock; for SQLite it is a lock on the folder of the file, which ends with the process.
    """
    if not is_sqlite(engine):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_STARTUP_LOCK_KEY})")
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_STARTUP_LOCK_KEY})")
        return
    folder = os.open(Path(engine.url.database or ".").parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def read_only(engine: Engine) -> Engine:
    """Return ``engine`` for reading alone: on SQLite its transactions never take the write lock.

    An export reads for as long as its reader downloads, after the web request's own settings are gone.
    """
    return engine.execution_options(read_only=True)


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at BEGIN: to upgrade a read transaction later would fail instead of waiting."""
    if connection.dialect.name != "sqlite":
        return
    if connection.get_execution_options().get("read_only") or not takes_write_lock.get():
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_write(connection)


def _begin_write(connection: Connection) -> None:
    """Begin a write transaction when it is its turn in this process.

    After that other processes may keep it waiting. Both together take at most ``BUSY_TIMEOUT`` milliseconds.
    """
    queued = as_queued(connection.connection.dbapi_connection)
    began = time.monotonic()
    if queued is not None:
        queued.wait_for_turn(BUSY_TIMEOUT / 1000)
    left = max(BUSY_TIMEOUT - int((time.monotonic() - began) * 1000), 0)
    if left < BUSY_TIMEOUT:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {left}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        if queued is not None:
            queued.end_turn()
        raise
    finally:
        if left < BUSY_TIMEOUT:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")


@event.listens_for(Engine, "begin")
def _limit_postgresql(connection: Connection) -> None:
    """Set the time limits of a web request's transaction; past SQLAlchemy's events, since it is no query of ours."""
    if connection.dialect.name == "postgresql" and has_time_limits.get():
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(_TIME_LIMITS)


@contextmanager
def read_session() -> Iterator[Session]:
    """Yield a session that reads one snapshot of the database and blocks no writer."""
    token = takes_write_lock.set(False)
    session = db.session()
    try:
        if not is_sqlite(session):
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session
    finally:
        session.rollback()
        takes_write_lock.reset(token)


def is_read_only_error(error: DBAPIError) -> bool:
    """Whether a write failed because the database can only be read."""
    return getattr(error.orig, "sqlstate", None) == _READ_ONLY_SQL_TRANSACTION


def update_statistics(connection: Connection, *tables: str) -> None:
    """Tell PostgreSQL what is in ``tables`` (none: in all) after many rows were written at once.

    It would find out by itself a minute later; until then it plans for empty tables, and the first pages take seconds.
    What its indexes of words have put aside is sorted in as well. SQLite plans without statistics.
    """
    if is_sqlite(connection):
        return
    connection.exec_driver_sql(f"ANALYZE {', '.join(tables)}")
    connection.exec_driver_sql(
        "SELECT gin_clean_pending_list(own.oid) FROM pg_class own JOIN pg_am kind ON kind.oid = own.relam"
        " WHERE kind.amname = 'gin' AND own.relkind = 'i' AND own.relnamespace = current_schema()::regnamespace"
    )
