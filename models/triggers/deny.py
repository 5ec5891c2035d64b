"""A ban: a statement that the database refuses, written once for both databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class DenyTrigger:
    """A statement on ``table`` that is refused where ``when`` holds for the row.

    TRUNCATE, which only PostgreSQL has, is always refused: it reaches no row's trigger.
    """

    name: str
    table: str
    event: str
    message: str
    condition: str = ""

    def sqlite_statement(self) -> str:
        """Return the statement that makes this trigger on SQLite."""
        condition = f" WHEN {self.condition}" if self.condition else ""
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW{condition}"
            f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
        )

    def postgresql_statements(self) -> tuple[str, str]:
        """Return the statements that make the function and its trigger on PostgreSQL."""
        answer = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(self.event, "NEW")
        condition = self.condition or "TRUE"
        each = "STATEMENT" if self.event == "TRUNCATE" else "ROW"
        return (
            f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
            f" RAISE EXCEPTION '{self.message}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
            f" RETURN {answer}; END $$",
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table}"
            f" FOR EACH {each} EXECUTE FUNCTION {self.name}()",
        )


def deny_update_and_delete(table: str, message: str, condition: str = "", *, name: str = "no") -> Iterator[DenyTrigger]:
    """Refuse to alter and to delete a row of ``table`` where ``condition`` holds for it."""
    for kind in ("UPDATE", "DELETE"):
        yield DenyTrigger(f"{table}_{name}_{kind.lower()}", table, kind, message, condition)


def any_column_changed(*columns: str) -> str:
    """Return the condition that an update changes one of ``columns``."""
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
