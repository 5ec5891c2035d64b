"""Which columns of a row can no longer be updated, and when it can no longer be deleted: declared on each model.

The triggers of both databases are made from it (``models.triggers``). Closed by default: a column that no rule lists
as mutable is immutable, so a new column is protected unless its model says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import JSON

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Column, Table


#: Key in ``Column.info``: the column whose rule this one shares.
FOLLOWS = "follows"


@dataclass(frozen=True, slots=True)
class Immutable:
    """All columns but ``mutable``, or only ``columns``, of the rows that fulfil ``when``: SQL on OLD and NEW."""

    when: str = ""
    mutable: Collection[str] = ()
    columns: Collection[str] | None = None

    def condition(self, table: Table) -> str:
        """Return the SQL condition under which an update is refused.

        Raises ValueError for a column that ``table`` does not have.
        """
        named = set(self.mutable) | set(self.columns or ())
        if unknown := named - set(table.columns.keys()):
            message = f"{table.name} has no column {', '.join(sorted(unknown))}"
            raise ValueError(message)
        if self.columns is None and not self.mutable:
            return self.when
        changed = any_column_changed(column for column in table.columns if self._concerns(column))
        return f"({self.when}) AND ({changed})" if self.when else changed

    def _concerns(self, column: Column[object]) -> bool:
        name = column.info.get(FOLLOWS, column.name)
        return name in self.columns if self.columns is not None else name not in self.mutable


@dataclass(frozen=True, slots=True)
class UpdateRule:
    """A trigger that refuses updates; ``{table}`` in ``trigger`` is the name of the model's table."""

    trigger: str
    message: str
    parts: tuple[Immutable, ...] = ()

    def condition(self, table: Table) -> str:
        """Return the SQL condition under which an update is refused; empty for always."""
        conditions = [part.condition(table) for part in self.parts]
        return conditions[0] if len(conditions) == 1 else " OR ".join(f"({one})" for one in conditions)


@dataclass(frozen=True, slots=True)
class DeleteRule:
    """A trigger that refuses to delete the rows that fulfil ``when``: SQL on OLD, empty for every row."""

    trigger: str
    message: str
    when: str = ""


RowRules = tuple[UpdateRule | DeleteRule, ...]


def no_update_or_delete(message: str, when: str = "", *, name: str = "no") -> RowRules:
    """Return the rules that refuse any update and delete of the rows that fulfil ``when``."""
    return (
        UpdateRule(f"{{table}}_{name}_update", message, (Immutable(when),)),
        DeleteRule(f"{{table}}_{name}_delete", message, when),
    )


def any_column_changed(columns: Collection[Column[object]] | Iterator[Column[object]]) -> str:
    """Return the SQL condition that an update changes one of ``columns``; PostgreSQL cannot compare its type json."""
    return " OR ".join(
        f"CAST(NEW.{column.name} AS TEXT) IS DISTINCT FROM CAST(OLD.{column.name} AS TEXT)"
        if isinstance(column.type, JSON)
        else f"NEW.{column.name} IS DISTINCT FROM OLD.{column.name}"
        for column in columns
    )
