"""How a migration reaches the database: run by `flask db …`, and by `flask_migrate.upgrade()` when the program starts.

All revisions are made in one transaction, on both databases: a failure leaves the schema as it was.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import context
from alembic.script import ScriptDirectory

from models.database import db, is_sqlite
from models.migrations import autogenerate
from models.migrations.operations import restore_triggers
from models.migrations.rendering import render_item
from models.search.index import is_declared_by_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.operations import MigrationScript
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

#: A migration gives up rather than make everybody queue behind it for a table that somebody holds.
_LOCK_TIMEOUT = context.config.get_main_option("lock_timeout")

#: The key of the lock under which programs that start at once migrate one after another; any number, once chosen.
_TURN = 7_012_018


def _number(_context: MigrationContext, _revision: object, directives: list[MigrationScript]) -> None:
    """Call the next revision by the next number."""
    for script in directives:
        head = ScriptDirectory.from_config(context.config).get_current_head()
        script.rev_id = f"{int(head or 0) + 1:04}"


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Let SQLite drop a table that others refer to, since it alters one by building it anew under the old name.

    References, also those in triggers, are to mean the new table then, which they do under the older ALTER TABLE.
    Neither can be switched within a transaction. Other databases are left alone.
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


def _wait_for_turn(connection: Connection) -> None:
    """Migrate alone: SQLite's transaction has taken the write lock already, PostgreSQL is asked for one."""
    if not is_sqlite(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN})")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")


def _check_foreign_keys(connection: Connection) -> None:
    """Undo everything if a row is left that refers to nothing, which SQLite has not looked at meanwhile."""
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
        _wait_for_turn(connection)
        before = context.get_context().get_current_heads()
        context.run_migrations()
        if context.get_context().get_current_heads() != before:
            _check_foreign_keys(connection)


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
