"""The triggers of each revision, from the SQL files beside the migrations; independent of the models.

`versions/NNNN_sqlite.sql` and `versions/NNNN_postgresql.sql` hold, one statement a line, the triggers that revision
NNNN adds or replaces (CREATE) and those that it drops (DROP), with the functions that PostgreSQL's call and the tables
and indexes of the search. At a revision, the last statement of each name in the files up to it is in effect.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIALECTS = ("sqlite", "postgresql")

_STATEMENT = re.compile(r"(CREATE|DROP) (?:VIRTUAL )?(TABLE|INDEX|TRIGGER|FUNCTION) (\w+)")
_TABLE = re.compile(r" ON (\w+) FOR EACH ")

#: Statements by what they create ("TRIGGER activity_frozen"), in the order in which they are run.
Statements = dict[str, str]


def file_name(revision: str, dialect: str) -> str:
    """Return the name of the file of a revision's statements."""
    return f"{revision}_{dialect}.sql"


def statements_at(versions: Path, revision: str | None, dialect: str) -> Statements:
    """Return the statements in effect at ``revision`` (None: before the first)."""
    held: Statements = {}
    for path in sorted(versions.glob(f"[0-9]*_{dialect}.sql")):
        if revision is None or path.name > file_name(revision, dialect):
            break
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("DROP "):
                del held[key_of(line)]
            else:
                held[key_of(line)] = line
    return held


def key_of(statement: str) -> str:
    """Return kind and name of what ``statement`` creates or drops."""
    found = _STATEMENT.match(statement)
    if found is None:
        raise ValueError(f"neither CREATE nor DROP of a table, index, trigger or function: {statement[:60]!r}")
    return f"{found[2]} {found[3]}"


def by_key(statements: list[str]) -> Statements:
    """Return ``statements`` by what they create."""
    return {key_of(statement): statement for statement in statements}


def drops(before: Statements, after: Statements) -> list[str]:
    """Return the statements that drop what ``after`` lacks or defines otherwise; a trigger before its function."""
    changed = [key for key in before if before[key] != after.get(key)]
    return [_drop(before[key]) for key in reversed(changed) if not _is_replaced(key, before, after)]


def creates(before: Statements, after: Statements) -> list[str]:
    """Return the statements that create what ``before`` lacks or defines otherwise."""
    changed = [key for key in after if after[key] != before.get(key)]
    return [
        after[key].replace("CREATE ", "CREATE OR REPLACE ", 1) if _is_replaced(key, before, after) else after[key]
        for key in changed
    ]


def difference(before: Statements, after: Statements) -> list[str]:
    """Return the lines of the file of a revision that turns ``before`` into ``after``."""
    gone = [_drop(before[key]) for key in reversed(before) if key not in after]
    return [*gone, *(line for key, line in after.items() if line != before.get(key))]


def _is_replaced(key: str, before: Statements, after: Statements) -> bool:
    """Whether ``key`` is a function in both, which a trigger that stays may call: it is replaced in its place."""
    return key.startswith("FUNCTION ") and key in before and key in after


def _drop(create: str) -> str:
    key = key_of(create)
    if key.startswith("FUNCTION "):
        return f"DROP {key}()"
    if key.startswith("TRIGGER ") and " EXECUTE FUNCTION " in create and (table := _TABLE.search(create)):
        return f"DROP {key} ON {table[1]}"
    return f"DROP {key}"
