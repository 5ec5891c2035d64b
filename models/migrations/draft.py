"""Writes the first migration from the models; `make migration` runs it until a release has frozen what it wrote.

Everything is spelled out: tables, CHECKs, keys and indexes in the Python file, triggers word by word in a file of SQL
for each kind of database. The same models give the same files.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op_text
from alembic.operations.ops import CreateIndexOp, CreateTableOp
from alembic.runtime.migration import MigrationContext

from models import triggers
from models.base import Base
from models.migrations.rendering import render_item
from models.search import index

if TYPE_CHECKING:
    from sqlalchemy import Table

_VERSIONS = Path(__file__).with_name("versions")
_REVISION = "0001"
_DIALECTS = ("sqlite", "postgresql")

_FILE = '''
"""The first schema."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = None
branch_labels = None
depends_on = None

# What goes to PostgreSQL beside the tables. Everything else lies in a table, and goes with it.
_FUNCTIONS = ({functions})


def upgrade() -> None:
    {calls}
    _triggers()


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE {vocabulary}")
        op.execute("DROP TABLE {index}")
    {drops}
    if op.get_context().dialect.name == "postgresql":
        for function in _FUNCTIONS:
            op.execute(sa.DDL(f"DROP FUNCTION {{function}}()"))


def _triggers() -> None:
    kind = op.get_context().dialect.name
    # One statement a line.
    for statement in Path(__file__).with_name(f"{{revision}}_{{kind}}.sql").read_text(encoding="utf-8").splitlines():
        op.execute(sa.DDL(statement.replace("%", "%%")))

{tables}
'''


def draft() -> dict[str, str]:
    """Return the content of each file of the first migration, by the file's name."""
    triggers = {dialect: [statement for _table, statement in triggers.statements(dialect)] for dialect in _DIALECTS}
    functions = re.findall(r"CREATE FUNCTION (\w+)", "\n".join(triggers["postgresql"]))
    tables = Base.metadata.sorted_tables
    code = _FILE.format(
        revision=_REVISION,
        index=index.INDEX,
        vocabulary=index.VOCABULARY,
        functions="".join(f"{function!r}," for function in functions),
        calls="\n    ".join(f"_{table.name}()" for table in tables),
        drops="\n    ".join(f"op.drop_table({table.name!r})" for table in reversed(tables)),
        tables="\n".join(_function(table) for table in tables),
    )
    files = {f"{_REVISION}_first_schema.py": _formatted(code)}
    for dialect, statements in triggers.items():
        files[f"{_REVISION}_{dialect}.sql"] = "".join(f"{statement}\n" for statement in statements)
    return files


def _function(table: Table) -> str:
    """Return the function that makes ``table`` and its indexes."""
    migration = MigrationContext.configure(
        dialect_name="sqlite",
        opts={
            "target_metadata": table.metadata,
            "render_item": render_item,
            "sqlalchemy_module_prefix": "sa.",
            "alembic_module_prefix": "op.",
            "user_module_prefix": None,
        },
    )
    context = AutogenContext(migration, table.metadata)
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    parts = [CreateTableOp.from_table(table), *map(CreateIndexOp.from_index, indexes)]
    body = "\n".join(render_op_text(context, part) for part in parts)
    # What stands in brackets may begin anywhere, so only the first line of each call needs its indentation.
    return f"\n\ndef _{table.name}() -> None:\n" + re.sub(r"^op\.", "    op.", body, flags=re.MULTILINE)


def _formatted(code: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(_VERSIONS / "draft.py"), "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ruff


def main() -> None:
    """Write the files."""
    for name, content in draft().items():
        (_VERSIONS / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
