"""The migrations make what the models say, on both databases, both ways, and lose nothing underway."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import Enum, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from lpse_admin.sop.steps import Step
from models.base import Base
from models.database import is_sqlite
from tests.support import postgres
from tests.support.cast import LUMAJANG, asset, at, delegation, install, session_on
from tests.support.migrations import FOLDER, differences, program, reflected, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

SCRIPTS = ScriptDirectory(str(FOLDER))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]

#: A revision as it might come next: it adds a CHECK to a table that others, and their triggers, refer to. SQLite can
#: only build such a table anew, which by itself keeps neither its CHECKs nor its triggers.
NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade():
    kept, triggers = [], []
    if op.get_bind().dialect.name == "sqlite":
        found = sa.inspect(op.get_bind()).get_check_constraints("sop")
        kept = [sa.CheckConstraint(check["sqltext"], name=op.f(check["name"])) for check in found]
        ours = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'sop'"
        triggers = op.get_bind().scalars(sa.text(ours)).all()
    with op.batch_alter_table("sop", table_args=kept) as batch:
        batch.create_check_constraint(op.f("ck_sop_counted"), "revision > {least}")
    for trigger in triggers:
        op.execute(sa.DDL(trigger))
    {then}
"""


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a database with nothing in it, of the same kind as `database_url`."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/empty.sqlite"
        return
    with postgres.copy_of("template1", request.getfixturevalue("postgres_connection")) as name:
        yield postgres.url(request.getfixturevalue("postgres_folder"), name)


@pytest.fixture
def lived_in_url(database_url: str) -> str:
    """Give the address of a database with people, an item, a delegation and requests underway in it."""
    with session_on(database_url) as session:
        office = install(session).office(LUMAJANG)
        asset(session, office)
        delegation(session, office)
        for step in (Step.APPROVAL, Step.ASSET_UPDATE):
            at(session, office, step)
    return database_url


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def rows(connection: Connection) -> dict[str, list[str]]:
    """Return every row of every table, in words."""
    return {
        table.name: sorted(str(row) for row in connection.execute(select(table)).mappings())
        for table in Base.metadata.sorted_tables
    }


def with_next(folder: Path, *, least: int = 0, then: str = "") -> Path:
    """Return a copy of the migrations with one more."""
    copy = folder / "migrations"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "versions" / "9999_next.py").write_text(NEXT.format(head=REVISIONS[-1], least=least, then=then))
    return copy


def test_the_migrated_schema_is_the_models_word_by_word(database_url: str, empty_url: str) -> None:
    with connected(empty_url) as made, connected(database_url) as migrated:
        Base.metadata.create_all(made)
        assert reflected(migrated) == reflected(made)
        assert schema(migrated) == schema(made)
        assert differences(migrated) == []


def test_the_comparison_sees_columns_keys_checks_indexes_and_triggers(empty_url: str) -> None:
    with connected(empty_url) as connection:
        Base.metadata.create_all(connection)
        found = schema(connection)
        words = "\n".join(sorted(" ".join(part) for part in found))
    for part in (
        "closed_at", "fk_activity_where_the_former_led", "ON UPDATE CASCADE", "uq_sop_move_whole", "ck_sop_state",
        "'in-force'", "uq_activity_one_open", "finished_at IS NULL", "audit_row_no_delete", "append-only",
    ):  # fmt: skip
        assert part in words
    kinds = {kind for kind, _name, _words in found}
    assert kinds >= ({"table", "index", "trigger"} if "sqlite" in empty_url else {"constraint", "trigger", "function"})


def test_every_enum_is_checked_by_exactly_its_members(database_url: str) -> None:
    with connected(database_url) as connection:
        found = reflected(connection)
    enums = [
        (table.name, column.type)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Enum)
    ]
    assert enums
    for table, enum in enums:
        checks = found[table]["checks"]
        assert isinstance(checks, dict)
        said = checks[f"ck_{table}_{enum.name}"]["sqltext"]
        assert enum.enum_class is not None
        members = {member.value for member in enum.enum_class}
        assert set(re.findall(r"'([^']*)'", said)) == members
        assert max(map(len, members)) <= (enum.length or 0)


def test_there_is_one_line_of_revisions_numbered_from_the_first() -> None:
    assert SCRIPTS.get_heads() == [REVISIONS[-1]]
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    for script in SCRIPTS.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")
        assert script.doc


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_migration_depends_on_nothing_that_may_change(revision: str) -> None:
    tree = ast.parse(Path(SCRIPTS.get_revision(revision).path).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= {"alembic", "sqlalchemy", *sys.stdlib_module_names}
    assert "create_all" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_each_revision_can_be_taken_back_and_made_again(empty_url: str) -> None:
    with program(empty_url):
        upgrade()
        with connected(empty_url) as connection:
            whole = schema(connection)
        for _ in REVISIONS:
            downgrade()
        with connected(empty_url) as connection:
            assert schema(connection) == set()
        for revision in REVISIONS:
            upgrade(revision=revision)
        with connected(empty_url) as connection:
            assert schema(connection) == whole


def test_a_database_in_use_can_be_taken_down_to_nothing(lived_in_url: str) -> None:
    with program(lived_in_url):
        downgrade(revision="base")
    with connected(lived_in_url) as connection:
        assert schema(connection) == set()


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_a_database_in_use_keeps_its_rows_through_a_revision(lived_in_url: str, revision: str) -> None:
    with program(lived_in_url):
        downgrade(revision=str(SCRIPTS.get_revision(revision).down_revision))
        upgrade()
    with connected(lived_in_url) as connection:
        found = rows(connection)
    assert all(found[table] for table in ("change_request", "activity", "audit_entry", "asset", "delegation"))


def test_a_table_that_others_refer_to_can_be_altered_and_everything_stays(lived_in_url: str, tmp_path: Path) -> None:
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with program(lived_in_url, with_next(tmp_path)):
        upgrade()
    with connected(lived_in_url) as connection:
        assert rows(connection) == before
        assert parts < schema(connection)
        assert {name.split(".")[-1] for _kind, name, words in schema(connection) - parts if "CHECK" in words} <= {
            "sop", "ck_sop_counted",
        }  # fmt: skip
        if is_sqlite(connection):
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1


@pytest.mark.parametrize("fault", [{"least": 1}, {"then": "raise RuntimeError"}], ids=["refused", "broken"])
def test_a_revision_that_fails_leaves_nothing_behind(lived_in_url: str, tmp_path: Path, fault: dict[str, Any]) -> None:
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with (
        program(lived_in_url, with_next(tmp_path, **fault)),
        pytest.raises((IntegrityError, SystemExit)),
    ):
        upgrade()
    with connected(lived_in_url) as connection:
        assert rows(connection) == before
        assert schema(connection) == parts
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISIONS[-1]


def test_a_row_that_refers_to_nothing_stops_a_migration(lived_in_url: str, tmp_path: Path) -> None:
    orphan = "op.execute(\"DELETE FROM user_account WHERE username = 'pengelola'\")"
    with program(lived_in_url, with_next(tmp_path, then=orphan)), pytest.raises((IntegrityError, SystemExit)):
        upgrade()
    with connected(lived_in_url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM user_account WHERE username = 'pengelola'")) == 1


def test_a_revision_that_fails_takes_the_ones_before_it_back_too(empty_url: str, tmp_path: Path) -> None:
    folder = with_next(tmp_path, then="raise RuntimeError")
    with program(empty_url, folder), pytest.raises(SystemExit):
        upgrade()
    with connected(empty_url) as connection:
        assert inspect(connection).get_table_names() == []


def test_the_command_brings_an_empty_database_up_and_says_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.sqlite"
    environment = {**os.environ, "LPSE_DATABASE_URL": url, "LPSE_SECRET_KEY": "x" * 32}
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    done = subprocess.run(command, cwd=FOLDER.parents[1], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with connected(url) as connection:
        assert differences(connection) == []
