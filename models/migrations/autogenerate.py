"""A plugin of Alembic's autogenerate that compares the text of CHECKs, and triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.operations.ops import CreateCheckConstraintOp, DropConstraintOp
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import CheckConstraint, Connection, Table, create_engine, inspect
from sqlalchemy.sql.naming import conv

from models import triggers
from models.migrations.operations import CreateTriggers, DropTriggers, versions_of
from models.migrations.rendering import check_name, check_text
from models.migrations.trigger_files import DIALECTS, Statements, by_key, difference, file_name, statements_at

if TYPE_CHECKING:
    from pathlib import Path

    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import ModifyTableOps, UpgradeOps

#: The name under which `env.py` loads this plugin.
PLUGIN = "models.checks_and_triggers"


def write_triggers(versions: Path, head: str | None, revision: str) -> None:
    """Write the SQL files of ``revision``, which follows ``head``, if the models declare other triggers."""
    lines = {dialect: _difference(versions, head, dialect) for dialect in DIALECTS}
    for dialect in DIALECTS if any(lines.values()) else ():
        content = "".join(f"{line}\n" for line in lines[dialect])
        (versions / file_name(revision, dialect)).write_text(content, encoding="utf-8")


def declared_triggers(dialect: str) -> Statements:
    """Return the statements that the models declare."""
    return by_key([statement for _table, statement in triggers.ddl_statements(dialect)])


# -- triggers ---------------------------------------------------------------------------------------------------------


def _drop_triggers(context: AutogenContext, upgrade: UpgradeOps) -> PriorityDispatchResult:
    if _triggers_differ(context):
        upgrade.ops.append(DropTriggers("down_revision", "revision"))
    return PriorityDispatchResult.CONTINUE


def _create_triggers(context: AutogenContext, upgrade: UpgradeOps) -> PriorityDispatchResult:
    if _triggers_differ(context):
        upgrade.ops.append(CreateTriggers("down_revision", "revision"))
    return PriorityDispatchResult.CONTINUE


def _triggers_differ(context: AutogenContext) -> bool:
    migration = context.migration_context
    versions, head = versions_of(migration), migration.get_current_revision()
    return any(_difference(versions, head, dialect) for dialect in DIALECTS)


def _difference(versions: Path, head: str | None, dialect: str) -> list[str]:
    return difference(statements_at(versions, head, dialect), declared_triggers(dialect))


# -- CHECKs -----------------------------------------------------------------------------------------------------------


def _compare_checks(
    context: AutogenContext,
    operations: ModifyTableOps,
    _schema: str | None,
    name: str,
    there: Table | None,
    declared: Table | None,
) -> PriorityDispatchResult:
    """Compare the CHECKs that SQLite reports for a table with those of a new table made from the model."""
    connection = context.connection
    if there is not None and declared is not None and connection is not None and connection.dialect.name == "sqlite":
        before, after = _checks(connection, name), _checks_of_new(declared)
        texts = {check_name(check): check_text(check) for check in _declared_checks(declared)}
        for check in sorted(before):
            if before[check] != after.get(check):
                new = CreateCheckConstraintOp(conv(check), name, before[check])
                operations.ops.append(DropConstraintOp(conv(check), name, "check", _reverse=new))
        for check in sorted(after):
            if after[check] != before.get(check):
                operations.ops.append(CreateCheckConstraintOp(conv(check), name, texts[check]))
    return PriorityDispatchResult.CONTINUE


def _checks(connection: Connection, table: str) -> dict[str, str]:
    return {str(check["name"]): check["sqltext"] for check in inspect(connection).get_check_constraints(table)}


def _checks_of_new(table: Table) -> dict[str, str]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        table.create(connection)
        found = _checks(connection, table.name)
    engine.dispose()
    return found


def _declared_checks(table: Table) -> list[CheckConstraint]:
    return [constraint for constraint in table.constraints if isinstance(constraint, CheckConstraint)]


_plugin = Plugin(PLUGIN)
_plugin.add_autogenerate_comparator(_compare_checks, "table")
# Triggers are dropped before all other operations, and created after them.
_plugin.add_autogenerate_comparator(_drop_triggers, "autogenerate", priority=DispatchPriority.FIRST)
_plugin.add_autogenerate_comparator(_create_triggers, "autogenerate", priority=DispatchPriority.LAST)
