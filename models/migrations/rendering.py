"""How what the models say is written down in a migration: by plain types and literal names, with nothing imported."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

from sqlalchemy import CheckConstraint, Enum, TypeDecorator
from sqlalchemy.sql.naming import conv

from models.base import NAMING_CONVENTION

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext

#: Letters of a text in one line of a migration, which leaves room for its indentation.
_WIDTH = 100


def render_item(_kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Return ``item`` as Python, or False where Alembic's own way is literal already; its hook of this name."""
    if isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    if isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    if isinstance(item, CheckConstraint):
        return f"sa.CheckConstraint({_broken(check_text(item))}, name=op.f({check_name(item)!r}))"
    return False


def check_text(check: CheckConstraint) -> str:
    """Return the condition of ``check`` as both databases take it."""
    return str(check.sqltext.compile(compile_kwargs={"literal_binds": True, "include_table": False}))


def check_name(check: CheckConstraint) -> str:
    """Return the name of ``check`` in the database; one that belongs to a type has not got it yet."""
    if isinstance(check.name, conv):
        return str(check.name)
    return NAMING_CONVENTION["ck"] % {"table_name": check.table.name, "constraint_name": check.name}


def _broken(text: str) -> str:
    """Return ``text`` as a Python literal of as many lines as it takes; a blank never begins a line."""
    lines = textwrap.wrap(text, _WIDTH, drop_whitespace=False, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(repr, lines))
