"""Render model definitions in a migration with plain types and literal names, so that it imports no model."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

from sqlalchemy import CheckConstraint, Enum, TypeDecorator
from sqlalchemy.sql.naming import conv

from models.base import NAMING_CONVENTION

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext

#: Characters of a string per line of a migration, without its indentation.
_WIDTH = 100


def render_item(_kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Return ``item`` as Python code, or False for Alembic's own rendering (Alembic's hook ``render_item``)."""
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
