"""Migrate a database in a test, and describe its schema."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import inspect, text

from models.database import db, is_sqlite
from models.search.index import is_declared_by_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

FOLDER = Path(__file__).parents[2] / "models" / "migrations"

SCRIPTS = ScriptDirectory(str(FOLDER))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]
HEAD = REVISIONS[-1]

#: The parts of a PostgreSQL schema: kind, name and definition.
_CATALOGUE = """
SELECT 'column', c.relname || '.' || a.attname,
    format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text || a.attgenerated::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT relkind::text, relname, '' FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i')
"""

# SQLite's own table of autoincrement counters, which it never drops.
_MASTER = "SELECT type, tbl_name || '.' || name, sql FROM sqlite_master WHERE name <> 'sqlite_sequence'"

Schema = set[tuple[str, str, str]]


@contextmanager
def migration_app(url: str, folder: Path = FOLDER) -> Iterator[Flask]:
    """Enter the context of an app with only the database at `url` and the migrations in `folder`."""
    app = Flask("migrations")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    Migrate(app, db, directory=str(folder))
    with app.app_context():
        yield app
        db.engine.dispose()


def differences(connection: Connection) -> list[object]:
    """Return Alembic's differences between database and models; it does not compare CHECKs."""
    opts = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, _kind, _parents: is_declared_by_models(name),
    }
    context = MigrationContext.configure(connection, opts=opts)
    return list(compare_metadata(context, db.metadata))


def schema(connection: Connection) -> Schema:
    """Return (kind, name, definition) of each part of the schema, without Alembic's own table."""
    result = connection.execute(text(_MASTER if is_sqlite(connection) else _CATALOGUE))
    parts = {(kind, name, words or "") for kind, name, words in result if "alembic_version" not in f"{name}{words}"}
    if is_sqlite(connection):
        parts = {part for row in parts for part in (_table_items(*row) if row[0] == "table" else [row])}
    return parts


def reflected_tables(connection: Connection) -> dict[str, dict[str, object]]:
    """Return the tables as SQLAlchemy reflects them: columns, keys, unique constraints, CHECKs, indexes."""
    view = inspect(connection)
    return {
        table: {
            "columns": {c["name"]: {**c, "type": str(c["type"])} for c in view.get_columns(table)},
            "primary key": view.get_pk_constraint(table),
            "foreign keys": {str(key["name"]): key for key in view.get_foreign_keys(table)},
            "unique": {str(unique["name"]): unique for unique in view.get_unique_constraints(table)},
            "checks": {str(check["name"]): check for check in view.get_check_constraints(table)},
            "indexes": {str(i["name"]): {**i, "dialect_options": _option_texts(i)} for i in view.get_indexes(table)},
        }
        for table in view.get_table_names()
        if table != "alembic_version" and is_declared_by_models(table)
    }


def _option_texts(index: object) -> dict[str, str]:
    """Return the dialect options of a reflected index as text: SQL expressions do not compare equal."""
    options = index.get("dialect_options", {}) if isinstance(index, dict) else {}
    return {key: str(value) for key, value in options.items()}


def _table_items(kind: str, name: str, sql: str) -> Iterator[tuple[str, str, str]]:
    """Split SQLite's CREATE TABLE into items: a rebuilt table has another order and other spaces."""
    depth, quote, item = 0, "", ""
    head, _, body = sql.partition("(")
    yield kind, name, "".join(head.split()).replace('"', "")
    for letter in body.rpartition(")")[0] + ",":
        if letter == "," and not depth and not quote:
            yield kind, name, re.sub(r"\s*([(),])\s*", r"\1", " ".join(item.split()))
            item = ""
            continue
        if quote or letter in "'\"":
            quote = "" if letter == quote else quote or letter
        else:
            depth += (letter == "(") - (letter == ")")
        item += letter
