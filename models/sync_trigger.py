"""Triggers that keep derived rows in step with the rows they come from, on both databases."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class SyncTrigger:
    """Statements that follow ``event`` on ``table`` for each row that fulfils ``condition``."""

    name: str
    table: str
    event: str
    statements: tuple[str, ...]
    condition: str = ""

    def sqlite_statement(self) -> str:
        """Return the statement that creates this trigger on SQLite."""
        condition = f" WHEN {self.condition}" if self.condition else ""
        body = "; ".join(self.statements)
        return (
            f"CREATE TRIGGER {self.name} AFTER {self.event} ON {self.table} FOR EACH ROW{condition} BEGIN {body}; END"
        )

    def postgresql_statements(self) -> tuple[str, str]:
        """Return the statements that create the function and its trigger on PostgreSQL."""
        condition = f" WHEN ({self.condition})" if self.condition else ""
        body = "; ".join(self.statements)
        return (
            f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$",
            f"CREATE TRIGGER {self.name} AFTER {self.event} ON {self.table}"
            f" FOR EACH ROW{condition} EXECUTE FUNCTION {self.name}()",
        )


@contextmanager
def suspended(connection: Connection, triggers: Iterable[SyncTrigger]) -> Iterator[None]:
    """Write rows without ``triggers``, in the open transaction; the caller recomputes what they keep."""
    held, is_sqlite = list(triggers), connection.dialect.name == "sqlite"
    for trigger in held:
        drop, disable = f"DROP TRIGGER {trigger.name}", f"ALTER TABLE {trigger.table} DISABLE TRIGGER {trigger.name}"
        connection.exec_driver_sql(drop if is_sqlite else disable)
    yield
    for trigger in held:
        enable = f"ALTER TABLE {trigger.table} ENABLE TRIGGER {trigger.name}"
        connection.exec_driver_sql(trigger.sqlite_statement() if is_sqlite else enable)
