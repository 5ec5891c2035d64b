"""The Alembic environment: run by `flask db …`, and by `flask_migrate.upgrade()` when the program starts.

All revisions run in one transaction, on SQLite and on PostgreSQL: a failure leaves the schema unchanged.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import context
from alembic.script import ScriptDirectory

from models.database import db, is_sqlite
from models.integrity.rows.baseline import take_over
from models.migrations import autogenerate
from models.migrations.operations import restore_triggers
from models.migrations.rendering import render_item
from models.search.index import is_declared_by_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.operations import MigrationScript
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

#: A migration fails if a table lock is not granted in this time, so that other statements do not queue behind it.
_LOCK_TIMEOUT = context.config.get_main_option("lock_timeout")

#: The key of the advisory lock that serializes concurrent migrations; an arbitrary number that must not change.
_LOCK_KEY = 7_012_018


def _number(_context: MigrationContext, _revision: object, directives: list[MigrationScript]) -> None:
    """Set the id of the new revision to the next number."""
    for script in directives:
        head = ScriptDirectory.from_config(context.config).get_current_head()
        script.rev_id = f"{int(head or 0) + 1:04}"


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Disable foreign keys on SQLite, where batch operations drop and recreate a table under the same name.

    ``legacy_alter_table`` leaves references to the table, including those in triggers, unchanged. Neither pragma can be
    set within a transaction. Does nothing on other databases.
    """
    if not is_sqlite(connection):
        yield
        return
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute("PRAGMA legacy_alter_table = ON")
    try:
        yield
    finally:
        driver.execute("PRAGMA legacy_alter_table = OFF")
        driver.execute("PRAGMA foreign_keys = ON")


def _lock_migrations(connection: Connection) -> None:
    """Wait for concurrent migrations: PostgreSQL takes an advisory lock; SQLite's transaction has the write lock."""
    if not is_sqlite(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")


def _check_foreign_keys(connection: Connection) -> None:
    """Raise RuntimeError, which rolls back, if a foreign key is violated; SQLite has not checked them meanwhile."""
    if is_sqlite(connection) and (orphan := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"the migration left a row of {orphan[0]} that refers to a missing row of {orphan[2]}")


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        transactional_ddl=True,
        render_as_batch=True,
        render_item=render_item,
        compare_server_default=True,
        include_name=lambda name, _kind, _parents: is_declared_by_models(name),
        process_revision_directives=_number,
        on_version_apply=restore_triggers,
        autogenerate_plugins=("alembic.autogenerate.*", autogenerate.PLUGIN),
    )
    with context.begin_transaction():
        _lock_migrations(connection)
        before = context.get_context().get_current_heads()
        context.run_migrations()
        after = context.get_context().get_current_heads()
        if after != before:
            _check_foreign_keys(connection)
        if before and after != before and after == _heads():
            take_over(connection, dt.datetime.now(dt.UTC))
        # `flask upgrade` verifies what was migrated; what it raises takes all of it back.
        if after != before and (verify := context.config.attributes.get("verify")) is not None:
            verify(connection)


def _heads() -> tuple[str, ...]:
    return tuple(ScriptDirectory.from_config(context.config).get_heads())


if context.is_offline_mode():
    context.configure(
        url=db.engine.url, target_metadata=db.metadata, literal_binds=True, transactional_ddl=True, render_as_batch=True
    )
    with context.begin_transaction():
        if not is_sqlite(db.engine):
            context.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        context.run_migrations()
else:
    with db.engine.connect() as opened, _without_foreign_keys(opened):
        _migrate(opened)
