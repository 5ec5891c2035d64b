"""Alembic operations for triggers, and what is done after each migration.

`op.drop_triggers(before, after)` and `op.create_triggers(before, after)` enclose the other operations of a
migration whose triggers differ from those of the revision before it. They run the statements of the SQL files beside
the migrations (``trigger_files``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.autogenerate import renderers
from alembic.operations import MigrateOperation, Operations
from sqlalchemy import DDL, text

from models.migrations import trigger_files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from alembic.autogenerate.api import AutogenContext
    from alembic.runtime.migration import MigrationContext, MigrationInfo


@Operations.register_operation("drop_triggers")
class DropTriggers(MigrateOperation):
    """Drop the triggers of revision ``before`` that revision ``after`` lacks or defines otherwise."""

    def __init__(self, before: str | None, after: str | None) -> None:
        self.before, self.after = before, after

    @classmethod
    def drop_triggers(cls, operations: Operations, before: str | None, after: str | None) -> None:
        """Drop the triggers of revision ``before`` that revision ``after`` lacks or defines otherwise."""
        operations.invoke(cls(before, after))

    def reverse(self) -> CreateTriggers:
        """Return the last operation of the downgrade."""
        return CreateTriggers(self.after, self.before)

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return how `flask db check` shows the difference."""
        return "drop", "triggers"


@Operations.register_operation("create_triggers")
class CreateTriggers(MigrateOperation):
    """Create the triggers of revision ``after`` that revision ``before`` lacks or defines otherwise."""

    def __init__(self, before: str | None, after: str | None) -> None:
        self.before, self.after = before, after

    @classmethod
    def create_triggers(cls, operations: Operations, before: str | None, after: str | None) -> None:
        """Create the triggers of revision ``after`` that revision ``before`` lacks or defines otherwise."""
        operations.invoke(cls(before, after))

    def reverse(self) -> DropTriggers:
        """Return the first operation of the downgrade."""
        return DropTriggers(self.after, self.before)

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return how `flask db check` shows the difference."""
        return "create", "triggers"


@Operations.implementation_for(DropTriggers)
def _drop(operations: Operations, operation: DropTriggers) -> None:
    _run(operations, trigger_files.drops(*_both(operations.migration_context, operation)))


@Operations.implementation_for(CreateTriggers)
def _create(operations: Operations, operation: CreateTriggers) -> None:
    _run(operations, trigger_files.creates(*_both(operations.migration_context, operation)))


@renderers.dispatch_for(DropTriggers)
def _render_drop(_context: AutogenContext, operation: DropTriggers) -> str:
    return f"op.drop_triggers({operation.before}, {operation.after})"


@renderers.dispatch_for(CreateTriggers)
def _render_create(_context: AutogenContext, operation: CreateTriggers) -> str:
    return f"op.create_triggers({operation.before}, {operation.after})"


def restore_triggers(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[str], run_args: Mapping[str, object]
) -> None:
    """Create the triggers that SQLite lost with a table that a batch has built anew; ``heads`` is the present revision.

    Alembic calls it after each migration (its hook ``on_version_apply``).
    """
    del run_args
    if ctx.dialect.name != "sqlite" or ctx.as_sql or ctx.connection is None or step.is_stamp:
        return
    wanted = trigger_files.statements_at(versions_of(ctx), next(iter(heads), None), "sqlite")
    there = set(ctx.connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
    for key, statement in wanted.items():
        kind, name = key.split()
        if kind == "TRIGGER" and name not in there:
            ctx.connection.execute(_ddl(statement))


def versions_of(context: MigrationContext) -> Path:
    """Return the folder of the migrations."""
    script = context.opts["script"]
    return Path(script.versions)


def _both(
    context: MigrationContext, operation: DropTriggers | CreateTriggers
) -> tuple[trigger_files.Statements, trigger_files.Statements]:
    versions, dialect = versions_of(context), context.dialect.name
    file = trigger_files.file_name(max(operation.before or "", operation.after or ""), dialect)
    if not (versions / file).exists():
        raise RuntimeError(f"{file} is missing, which `make migration` writes")
    before, after = (
        trigger_files.statements_at(versions, revision, dialect) for revision in (operation.before, operation.after)
    )
    return before, after


def _run(operations: Operations, statements: list[str]) -> None:
    for statement in statements:
        operations.execute(_ddl(statement))


def _ddl(statement: str) -> DDL:
    return DDL(statement.replace("%", "%%"))
