"""Triggers that keep derived rows in step with the rows they come from, on both databases."""

from __future__ import annotations

from dataclasses import dataclass


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
