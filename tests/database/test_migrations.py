"""The migrations make what the models say, on both databases, both ways, and lose nothing underway."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import Enum, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from lpse_admin.sop.steps import Step
from models import triggers
from models.base import Base
from models.database import is_sqlite
from models.migrations import trigger_files
from models.search.index import is_fts_intact, stale_records
from tests.support.cast import LUMAJANG, asset, change_at_step, create_cast, delegation, open_session
from tests.support.migrations import FOLDER, REVISIONS, SCRIPTS, differences, migration_app, reflected_tables, schema
from tests.support.servers import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.conftest import NewDatabase

#: The files of the migrations that a release contains, which nobody alters any more.
FROZEN = {
    "0001_first_schema.py": "8ba3828ec2e61d64074f88bfcf561e4d5db98478b1bbdf1592f2d2bdde9acc9a",
    "0001_postgresql.sql": "2efb0f9b3fa9c11c2bbed97bdbe4f0dd3aa8c692ee10b7d57e367700bdf0e761",
    "0001_sqlite.sql": "dfae0402884eb252b7f868fe6955ac93c34b23cb9533714af6e1283d37e47d60",
}

#: A revision as it might come next: it adds a CHECK to a table that others, and their triggers, refer to. SQLite can
#: only build such a table anew, and drops its triggers with the old one.
NEXT = """
from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade():
    with op.batch_alter_table("sop") as batch:
        batch.create_check_constraint(op.f("ck_sop_counted"), "revision > {least}")
    {then}


def downgrade():
    with op.batch_alter_table("sop") as batch:
        batch.drop_constraint(op.f("ck_sop_counted"), type_="check")
"""

#: A revision that builds every table anew on SQLite.
ANEW = """
from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade():
    if op.get_context().dialect.name == "sqlite":
        for table in {tables}:
            made = op.get_bind().exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE name = '{{table}}'").scalar()
            own = {{"sqlite_autoincrement": "AUTOINCREMENT" in made}}
            with op.batch_alter_table(table, recreate="always", table_kwargs=own):
                pass
"""

#: What the models may say next: a table, columns, CHECKs, and triggers that are new, gone, and other than they were.
LATER = """
import sys
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

import models
from models import triggers
from models.base import Base, enum_type
from models.triggers.deny import DenyTrigger
from tools.migration import draft


class Kind(StrEnum):
    LARGE = "large"
    SMALL = "small"


sop = Base.metadata.tables["sop"]
sop.append_column(sa.Column("remark", sa.String(300)))
sop.append_column(sa.Column("kind", enum_type(Kind, "kind")))
sop.append_constraint(sa.CheckConstraint("revision > 0", name="counted"))
sa.Table(
    "summary",
    Base.metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("kind", enum_type(Kind, "kind"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.CheckConstraint("number >= 0", name="counted"),
)
triggers.DENY_TRIGGERS = (
    *(one for one in triggers.DENY_TRIGGERS if one.name not in {"handover_no_update", "sop_says_what_was_loaded"}),
    DenyTrigger("sop_says_what_was_loaded", "sop", "UPDATE", "a paper cannot be changed", "NEW.remark = OLD.remark"),
    DenyTrigger("summary_kept", "summary", "DELETE", "a summary is kept"),
)
draft("Add summaries", Path(sys.argv[1]))
"""


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a database with nothing in it, of the same kind as `database_url`."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/empty.sqlite"
        return
    with postgres.copied_database("template1", request.getfixturevalue("postgres_connection")) as name:
        yield postgres.url(request.getfixturevalue("postgres_folder"), name)


@pytest.fixture
def lived_in_url(database_url: str) -> str:
    """Give the address of a database with people, an item, a delegation and requests underway in it."""
    with open_session(database_url) as session:
        office = create_cast(session).office(LUMAJANG)
        asset(session, office)
        delegation(session, office)
        for step in (Step.APPROVAL, Step.ASSET_UPDATE):
            change_at_step(session, office, step)
    return database_url


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def assert_kept(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    """Every row is there as it was; an upgrade may only add to the trail what it finds that was never told."""
    grows = {"audit_entry", "audit_row", "audit_chain"}
    assert {name: after[name] for name in before if name not in grows} == {
        name: saved for name, saved in before.items() if name not in grows
    }
    for name in ("audit_entry", "audit_row"):
        assert set(before[name]) <= set(after[name])


def rows(connection: Connection) -> dict[str, list[str]]:
    """Return every row of every table, in words."""
    return {
        table.name: sorted(str(row) for row in connection.execute(select(table)).mappings())
        for table in Base.metadata.sorted_tables
    }


def copied(folder: Path) -> Path:
    """Return a copy of the migrations, which gives up on a lock soon."""
    copy = folder / "migrations"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    settings = (copy / "alembic.ini").read_text()
    assert "lock_timeout = 4s" in settings
    (copy / "alembic.ini").write_text(settings.replace("lock_timeout = 4s", "lock_timeout = 50ms"))
    return copy


def with_next(folder: Path, *, least: int = 0, then: str = "") -> Path:
    """Return a copy of the migrations with one more."""
    copy = copied(folder)
    (copy / "versions" / "9999_next.py").write_text(NEXT.format(head=REVISIONS[-1], least=least, then=then))
    return copy


def versions(folder: Path) -> set[str]:
    """Return the names of the files of all migrations."""
    return {path.name for path in (folder / "versions").iterdir() if path.is_file()}


def test_the_migrated_schema_is_the_models_word_by_word(database_url: str, empty_url: str) -> None:
    with connected(empty_url) as created, connected(database_url) as migrated:
        Base.metadata.create_all(created)
        assert reflected_tables(migrated) == reflected_tables(created)
        assert schema(migrated) == schema(created)
        assert differences(migrated) == []


def test_the_comparison_sees_columns_keys_checks_indexes_and_triggers(empty_url: str) -> None:
    with connected(empty_url) as connection:
        Base.metadata.create_all(connection)
        result = schema(connection)
        words = "\n".join(sorted(" ".join(part) for part in result))
    for part in (
        "closed_at", "fk_activity_where_the_former_led", "ON UPDATE CASCADE", "uq_sop_move_whole", "ck_sop_state",
        "'in-force'", "uq_activity_one_open", "finished_at IS NULL", "audit_row_no_delete", "append-only",
    ):  # fmt: skip
        assert part in words
    kinds = {kind for kind, _name, _words in result}
    assert kinds >= ({"table", "index", "trigger"} if "sqlite" in empty_url else {"constraint", "trigger", "function"})


def test_every_enum_is_checked_by_exactly_its_members(database_url: str) -> None:
    with connected(database_url) as connection:
        result = reflected_tables(connection)
    enums = [
        (table.name, column.type)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Enum)
    ]
    assert enums
    for table, enum in enums:
        checks = result[table]["checks"]
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


def test_what_a_release_contains_is_frozen() -> None:
    for name, digest in FROZEN.items():
        assert hashlib.sha256((FOLDER / "versions" / name).read_bytes()).hexdigest() == digest, name
    released = {f"{revision}_" for revision in REVISIONS[: len({name[:4] for name in FROZEN})]}
    assert {name for name in versions(FOLDER) if name[:5] in released} == set(FROZEN)


@pytest.mark.parametrize("dialect", trigger_files.DIALECTS)
def test_the_files_of_sql_create_the_triggers_that_the_models_declare(dialect: str) -> None:
    held = trigger_files.statements_at(FOLDER / "versions", REVISIONS[-1], dialect)
    assert held == trigger_files.by_key([statement for _table, statement in triggers.ddl_statements(dialect)])
    assert trigger_files.statements_at(FOLDER / "versions", None, dialect) == {}


def test_each_revision_can_be_taken_back_and_made_again(empty_url: str) -> None:
    with migration_app(empty_url):
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
    with migration_app(lived_in_url):
        downgrade(revision="base")
    with connected(lived_in_url) as connection:
        assert schema(connection) == set()


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_a_database_in_use_keeps_its_rows_through_a_revision(lived_in_url: str, revision: str) -> None:
    with migration_app(lived_in_url):
        downgrade(revision=str(SCRIPTS.get_revision(revision).down_revision))
        upgrade()
    with connected(lived_in_url) as connection:
        result = rows(connection)
    assert all(result[table] for table in ("change_request", "activity", "audit_entry", "asset", "delegation"))


def test_the_search_index_agrees_with_the_records_after_the_way_down_to_the_first_release_and_up(
    lived_in_url: str,
) -> None:
    with migration_app(lived_in_url):
        downgrade(revision="0004")
        upgrade()
    with connected(lived_in_url) as connection:
        assert list(stale_records(connection)) == []
        assert is_fts_intact(connection)


def test_a_table_that_others_refer_to_can_be_altered_and_everything_stays(lived_in_url: str, tmp_path: Path) -> None:
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with migration_app(lived_in_url, with_next(tmp_path)):
        upgrade()
    with connected(lived_in_url) as connection:
        assert_kept(before, rows(connection))
        assert parts < schema(connection)
        assert {name.split(".")[-1] for _kind, name, words in schema(connection) - parts if "CHECK" in words} <= {
            "sop", "ck_sop_counted",
        }  # fmt: skip
        if is_sqlite(connection):
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_every_table_can_be_built_anew_with_all_that_it_has(lived_in_url: str, tmp_path: Path) -> None:
    folder = with_next(tmp_path)
    tables = [table.name for table in Base.metadata.sorted_tables]
    code = ANEW.format(head=REVISIONS[-1], tables=tables)
    (folder / "versions" / "9999_next.py").write_text(code)
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with migration_app(lived_in_url, folder):
        upgrade()
    with connected(lived_in_url) as connection:
        assert_kept(before, rows(connection))
        assert schema(connection) == parts


def test_a_way_back_leaves_what_was_there(lived_in_url: str, tmp_path: Path) -> None:
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with migration_app(lived_in_url, with_next(tmp_path)):
        upgrade()
        downgrade()
    with connected(lived_in_url) as connection:
        assert_kept(before, rows(connection))
        assert schema(connection) == parts


@pytest.mark.parametrize("fault", [{"least": 1}, {"then": "raise RuntimeError"}], ids=["refused", "broken"])
def test_a_revision_that_fails_leaves_nothing_behind(lived_in_url: str, tmp_path: Path, fault: dict[str, Any]) -> None:
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with (
        migration_app(lived_in_url, with_next(tmp_path, **fault)),
        pytest.raises((IntegrityError, SystemExit)),
    ):
        upgrade()
    with connected(lived_in_url) as connection:
        assert_kept(before, rows(connection))
        assert schema(connection) == parts
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISIONS[-1]


def test_a_row_that_refers_to_nothing_stops_a_migration(lived_in_url: str, tmp_path: Path) -> None:
    orphan = "op.execute(\"DELETE FROM user_account WHERE username = 'pengelola'\")"
    with migration_app(lived_in_url, with_next(tmp_path, then=orphan)), pytest.raises((IntegrityError, SystemExit)):
        upgrade()
    with connected(lived_in_url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM user_account WHERE username = 'pengelola'")) == 1


def test_a_revision_that_fails_takes_the_ones_before_it_back_too(empty_url: str, tmp_path: Path) -> None:
    folder = with_next(tmp_path, then="raise RuntimeError")
    with migration_app(empty_url, folder), pytest.raises(SystemExit):
        upgrade()
    with connected(empty_url) as connection:
        assert inspect(connection).get_table_names() == []


def file_of_each_table(connection: Connection) -> dict[str, int]:
    """Return the number of the file that PostgreSQL keeps each table in; another one means a table written anew."""
    result = connection.execute(text("SELECT relname, relfilenode FROM pg_class WHERE relkind = 'r'"))
    return {name: number for name, number in result if name in Base.metadata.tables}


@pytest.mark.parametrize("revision", REVISIONS[1:])
@pytest.mark.postgres
def test_no_table_is_written_anew_on_postgresql(new_database: NewDatabase, revision: str) -> None:
    with new_database("postgresql") as url, migration_app(url):
        downgrade(revision=str(SCRIPTS.get_revision(revision).down_revision))
        with connected(url) as connection:
            before = file_of_each_table(connection)
        upgrade(revision=revision)
        with connected(url) as connection:
            after = file_of_each_table(connection)
    assert {table: after[table] for table in before if table in after} == before


@pytest.mark.postgres
def test_a_migration_gives_up_on_a_table_that_somebody_holds(new_database: NewDatabase, tmp_path: Path) -> None:
    with (
        new_database("postgresql") as url,
        connected(url) as holding,
        migration_app(url, with_next(tmp_path)),
    ):
        holding.execute(text("SELECT count(*) FROM sop"))
        with pytest.raises(OperationalError, match="lock timeout"):
            upgrade()
        parts = schema(holding)
        assert holding.scalar(text("SELECT version_num FROM alembic_version")) == REVISIONS[-1]
        assert not any("ck_sop_counted" in part for kind in parts for part in kind)


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the migrations with one more, drafted from models that say more than the present ones."""
    folder = copied(tmp_path_factory.mktemp("drafted"))
    command = [sys.executable, "-c", LATER, str(folder)]
    subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=True)
    return folder


def test_a_draft_has_the_next_number_and_spells_everything_out(drafted: Path) -> None:
    number = f"{len(REVISIONS) + 1:04}"
    assert versions(drafted) - versions(FOLDER) == {
        f"{number}_add_summaries.py", f"{number}_postgresql.sql", f"{number}_sqlite.sql",
    }  # fmt: skip
    code = (drafted / "versions" / f"{number}_add_summaries.py").read_text()
    assert "from models" not in code
    for said in (
        'sa.CheckConstraint("kind IN (\'large\', \'small\')", name=op.f("ck_summary_kind"))',
        'batch_op.create_check_constraint(batch_op.f("ck_sop_counted"), "revision > 0")',
        'batch_op.create_check_constraint(batch_op.f("ck_sop_kind"), "kind IN (\'large\', \'small\')")',
        'batch_op.drop_constraint(batch_op.f("ck_sop_counted"), type_="check")',
        "op.drop_triggers(down_revision, revision)", "op.create_triggers(revision, down_revision)",
    ):  # fmt: skip
        assert said in code


def test_a_draft_leads_to_what_the_models_say_and_back(drafted: Path, lived_in_url: str) -> None:
    with connected(lived_in_url) as connection:
        before, parts = rows(connection), schema(connection)
    with migration_app(lived_in_url, drafted):
        upgrade()
        with connected(lived_in_url) as connection:
            new = {" ".join(part) for part in schema(connection) - parts}
            gone = {" ".join(part) for part in parts - schema(connection)}
        downgrade()
    for said in ("ck_summary_counted", "ck_sop_kind", "remark", "a paper cannot be changed", "a summary is kept"):
        assert any(said in part for part in new), said
    for said in ("handover_no_update", "a loaded paper cannot be changed"):
        assert any(said in part for part in gone), said
    with connected(lived_in_url) as connection:
        assert_kept(before, rows(connection))
        assert schema(connection) == parts


def test_a_revision_without_its_files_of_sql_is_refused(drafted: Path, empty_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "migrations"
    shutil.copytree(drafted, copy)
    for dialect in trigger_files.DIALECTS:
        (copy / "versions" / f"{len(REVISIONS) + 1:04}_{dialect}.sql").unlink()
    with migration_app(empty_url, copy), pytest.raises(SystemExit):
        upgrade()
    with connected(empty_url) as connection:
        assert schema(connection) == set()


def test_the_check_compares_and_writes_nothing(drafted: Path, empty_url: str) -> None:
    there = versions(drafted)
    with migration_app(empty_url):
        upgrade()
        check()
    with migration_app(empty_url, drafted):
        upgrade()
        with pytest.raises(SystemExit):
            check()
    assert versions(drafted) == there


def test_nothing_is_drafted_where_the_models_say_what_the_migrations_make(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tools.migration import draft; print(draft('x', Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert versions(folder) == versions(FOLDER)


def test_the_command_brings_an_empty_database_up_and_says_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.sqlite"
    environment = {**os.environ, "LPSE_DATABASE_URL": url, "LPSE_SECRET_KEY": "x" * 32}
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    done = subprocess.run(command, cwd=FOLDER.parents[1], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with connected(url) as connection:
        assert differences(connection) == []
