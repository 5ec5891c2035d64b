"""Triggers: what CHECKs and keys cannot say, enforced by both databases themselves.

Each is a name, a table, an event, and a condition on the old row under which the statement is refused. Most are made
from the rules on the models (``models.immutability``). The migrations hold a literal copy of the statements made
here, and a test compares the two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import DDL, event, text

from lpse_admin.i18n import Message, _
from models.base import Base
from models.reports import totals
from models.search import index
from models.triggers import conditions
from models.triggers.deny import DenyTrigger, model_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_CREATE_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)")
_CREATE_FUNCTION = re.compile(r"CREATE FUNCTION (\w+)\(\) .*? AS \$\$(.*)\$\$", re.DOTALL)
#: The schema before the name of a table or function, and the condition of a trigger.
_SCHEMA = re.compile(r"\b(ON|FUNCTION) \w+\.", re.ASCII)
_CONDITION = re.compile(r" WHEN \(.*\) EXECUTE FUNCTION ", re.DOTALL)

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
    """Return the names of the triggers that the database lacks, has switched off or has otherwise."""
    return sorted(name for name, error in changed_triggers(connection) if error is not _UNKNOWN)


_MISSING = _("the trigger is missing")
_OFF = _("the trigger is switched off")
_ALTERED = _("the trigger is another than that of the program")
_UNKNOWN = _("the trigger is not of this program")


def changed_triggers(connection: Connection) -> Iterator[tuple[str, Message]]:
    """Yield the triggers that are missing, switched off, altered, or not of this program, each with which it is."""
    statements = [statement for _table, statement in ddl_statements(connection.dialect.name)]
    wanted = {match[1]: statement for statement in statements if (match := _CREATE_TRIGGER.match(statement))}
    is_sqlite = connection.dialect.name == "sqlite"
    result = _sqlite_triggers(connection) if is_sqlite else _postgresql_triggers(connection)
    if not is_sqlite:
        bodies = {match[1]: match[2] for statement in statements if (match := _CREATE_FUNCTION.match(statement))}
        wanted = {name: _normalized(statement) + bodies.get(name, "") for name, statement in wanted.items()}
    for name in sorted(wanted.keys() | result.keys()):
        if name not in result:
            yield name, _MISSING
        elif result[name] is None:
            yield name, _OFF
        elif name not in wanted:
            yield name, _UNKNOWN
        elif result[name] != wanted[name]:
            yield name, _ALTERED


def _sqlite_triggers(connection: Connection) -> dict[str, str | None]:
    """Return the statement of each trigger."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {row.name: row.sql for row in rows}


def _postgresql_triggers(connection: Connection) -> dict[str, str | None]:
    """Return the statement of each trigger and the body of its function; None for one that is switched off."""
    rows = connection.execute(
        text(
            "SELECT t.tgname AS name, t.tgenabled AS enabled, pg_get_triggerdef(t.oid) AS statement, p.prosrc AS body"
            " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
        )
    )
    return {row.name: None if row.enabled != "O" else _normalized(row.statement) + row.body for row in rows}


def _normalized(statement: str) -> str:
    """Return a statement as PostgreSQL and this program both write it, without the condition, which it rewrites."""
    return _CONDITION.sub(" EXECUTE FUNCTION ", _SCHEMA.sub(r"\1 ", statement))


def install_triggers() -> None:
    """Make ``metadata.create_all`` create the triggers too."""
    for dialect in ("sqlite", "postgresql"):
        for _table, statement in ddl_statements(dialect):
            ddl = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)
            event.listen(Base.metadata, "after_create", ddl)


install_triggers()
