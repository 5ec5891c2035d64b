"""Which version of the schema a database has, and whether this program can work with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from lpse_admin.i18n import _
from models.base import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lpse_admin.i18n import Message

#: The folder of the migrations.
MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "alembic_version"
#: Missing columns that a message names; a database of another program lacks them all.
_MOST_NAMED = 5


def known_revisions() -> list[str]:
    """Return the revisions that the program knows, from the first to the head."""
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


def schema_revision(connection: Connection) -> str | None:
    """Return the revision of the database's schema, or None where it has none."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade_error(connection: Connection) -> Message | None:
    """Return why migrations cannot make this database one of the program's: a later version, or another's tables."""
    revision = schema_revision(connection)
    if revision is None and (tables := sorted(set(inspect(connection).get_table_names()) - {_VERSION_TABLE})):
        return _(
            "The database has tables that were not made by this program's migrations (%(tables)s): name an empty one,"
            " or restore a backup.",
            tables=", ".join(tables[:_MOST_NAMED]),
        )
    return None if revision is None else _later_version_error(revision, known_revisions())


def schema_error(connection: Connection) -> Message | None:
    """Return why the program cannot work on this database as it is, or None."""
    if (error := upgrade_error(connection)) is not None:
        return error
    revision, known = schema_revision(connection), known_revisions()
    if revision is None:
        return _("The database has no tables yet: run flask db upgrade first.")
    if revision != known[-1]:
        return _(
            "The database is at revision %(found)s, the program at %(head)s: run flask upgrade.",
            found=revision,
            head=known[-1],
        )
    if missing := missing_columns(connection):
        return _(
            "The database says that it is at revision %(found)s, and lacks %(columns)s: restore a backup.",
            found=revision,
            columns=", ".join(missing[:_MOST_NAMED]),
        )
    return None


def _later_version_error(revision: str, known: list[str]) -> Message | None:
    if revision in known:
        return None
    return _(
        "The database is of a later version (revision %(found)s) than the program (%(head)s): install that version.",
        found=revision,
        head=known[-1],
    )


def missing_columns(connection: Connection) -> list[str]:
    """Return the columns of the models that the database does not have, as ``table.column``; none at the head."""
    present = {
        (table, column["name"])
        for (_schema, table), columns in inspect(connection).get_multi_columns().items()
        for column in columns
    }
    declared = [(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns]
    return [f"{table}.{column}" for table, column in declared if (table, column) not in present]
