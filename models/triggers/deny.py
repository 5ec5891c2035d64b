"""A trigger that refuses a statement, declared once for both databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Table

from models.immutability import UpdateRule, any_column_changed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy.orm import registry

    from models.immutability import RowRules


#: That the erasure of a row's content is on record.
_IS_ERASED = "EXISTS (SELECT 1 FROM erasure e WHERE e.table_name = '{table}' AND e.row_key = CAST(OLD.{key} AS TEXT))"


@dataclass(frozen=True, slots=True)
class DenyTrigger:
    """Refuses ``event`` on ``table`` where ``condition`` holds for the row.

    TRUNCATE, which only PostgreSQL has, is always refused: no trigger of a row sees it.
    """

    name: str
    table: str
    event: str
    message: str
    condition: str = ""

    def sqlite_statement(self) -> str:
        """Return the statement that creates this trigger on SQLite."""
        condition = f" WHEN {self.condition}" if self.condition else ""
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW{condition}"
            f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
        )

    def postgresql_statements(self) -> tuple[str, str]:
        """Return the statements that create the function and its trigger on PostgreSQL."""
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


def table_triggers(table: Table, rules: RowRules, erasable: Collection[str] = ()) -> Iterator[DenyTrigger]:
    """Yield the triggers that enforce ``rules`` on ``table``, but for erasures of ``erasable`` columns on record."""
    for rule in rules:
        event, condition = ("UPDATE", rule.condition(table)) if isinstance(rule, UpdateRule) else ("DELETE", rule.when)
        if event == "UPDATE" and erasable:
            condition = f"{f'({condition})' if condition else '1 = 1'} AND NOT ({_erases(table, erasable)})"
        yield DenyTrigger(rule.trigger.format(table=table.name), table.name, event, rule.message, condition)


def _erases(table: Table, erasable: Collection[str]) -> str:
    """Return the SQL condition that an update leaves all but erasable columns, and that the erasure is on record."""
    (key,) = table.primary_key.columns
    others = any_column_changed(column for column in table.columns if column.name not in erasable)
    return f"{_IS_ERASED.format(table=table.name, key=key.name)} AND NOT ({others})"


def model_triggers(models: registry) -> Iterator[DenyTrigger]:
    """Yield the triggers of every mapped table, from the rules on its model."""
    for mapper in sorted(models.mappers, key=lambda mapper: mapper.class_.__name__):
        table = mapper.local_table
        if isinstance(table, Table) and (mapper.inherits is None or table is not mapper.inherits.local_table):
            erasable = mapper.class_.erasable_columns & set(table.columns.keys())
            yield from table_triggers(table, mapper.class_.row_rules, erasable)
