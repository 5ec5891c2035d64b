"""Triggers: what CHECKs and keys cannot say, enforced by both databases themselves.

Each is a name, a table, an event, and a condition on the old row under which the statement is refused. Most are made
from the rules on the models (``models.immutability``). The migrations hold a literal copy of the statements made
here, and a test compares the two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import DDL, event, text

from models.base import Base
from models.reports import totals
from models.search import index
from models.triggers import conditions
from models.triggers.deny import DenyTrigger, model_triggers

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CREATE_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)")

DENY_TRIGGERS: tuple[DenyTrigger, ...] = (*model_triggers(Base.registry), *conditions.DENY_TRIGGERS)

#: Tables that cannot be truncated.
_NO_TRUNCATE_TABLES = tuple(dict.fromkeys(trigger.table for trigger in DENY_TRIGGERS if trigger.event == "DELETE"))

#: Only PostgreSQL has TRUNCATE.
POSTGRESQL_TRIGGERS = tuple(
    DenyTrigger(f"{table}_no_truncate", table, "TRUNCATE", f"{table} cannot be emptied")
    for table in _NO_TRUNCATE_TABLES
)


def ddl_statements(dialect: str) -> list[tuple[str, str]]:
    """Return (table, statement) for all triggers of a dialect and the search index, in order of creation."""
    if dialect == "sqlite":
        statements = [(trigger.table, trigger.sqlite_statement()) for trigger in DENY_TRIGGERS]
    else:
        statements = [
            (trigger.table, statement)
            for trigger in (*DENY_TRIGGERS, *POSTGRESQL_TRIGGERS)
            for statement in trigger.postgresql_statements()
        ]
    return [*statements, *index.ddl_statements(dialect), *totals.ddl_statements(dialect)]


def missing_triggers(connection: Connection) -> list[str]:
    """Return the names of the triggers that the database lacks, has switched off or, on SQLite, has otherwise."""
    statements = [statement for _table, statement in ddl_statements(connection.dialect.name)]
    wanted = {match[1]: statement for statement in statements if (match := _CREATE_TRIGGER.match(statement))}
    if connection.dialect.name == "sqlite":
        listed = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        found = {row.name: row.sql for row in listed}
        return sorted(name for name, statement in wanted.items() if found.get(name) != statement)
    enabled = text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'")
    return sorted(set(wanted) - set(connection.scalars(enabled)))


def install_triggers() -> None:
    """Make ``metadata.create_all`` create the triggers too."""
    for dialect in ("sqlite", "postgresql"):
        for _table, statement in ddl_statements(dialect):
            ddl = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)
            event.listen(Base.metadata, "after_create", ddl)


install_triggers()
