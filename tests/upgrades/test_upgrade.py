"""A database that an earlier version has made is upgraded: all that was in it is there, and work goes on."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import lzma
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, create_engine, event, inspect, select, text
from sqlalchemy.pool import NullPool

from app import create_app
from lpse_admin.config import RunMode, Settings
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.steps import durations
from models.changes.steps.durations import StepTime
from models.database import is_sqlite
from models.office.agency import Agency
from tests.support.cast import make_move, open_session
from tests.support.migrations import HEAD, migration_app, schema
from tests.support.program import close_app
from tests.support.servers import postgres
from tests.upgrades.old_database import VERSIONS, packed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from sqlalchemy import Connection

    from tests.conftest import NewDatabase
    from tests.support.cast import AuditedSession
    from tests.support.migrations import Schema

#: A Monday, after everything that the databases hold.
NOW = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)

#: How PostgreSQL casts a text in a list, and a list of texts.
_TEXT = re.compile(r"\(('[^']*'::character varying)\)::text")
_LIST = re.compile(r"\((ARRAY\[[^]]*\])\)::text\[\]")

Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def restored(version: str, kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Restore the database of a version, and give its address."""
    content = lzma.decompress(packed(version, kind).read_bytes())
    if kind == "sqlite":
        (folder / "old.sqlite").write_bytes(content)
        yield f"sqlite:///{folder}/old.sqlite"
        return
    connection = request.getfixturevalue("postgres_connection")
    with postgres.copied_database("template1", connection) as name:
        url = postgres.url(request.getfixturevalue("postgres_folder"), name)
        with connected(url) as created:
            driver = created.connection.driver_connection
            assert driver is not None
            driver.execute(content)
        yield url


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old_url(version: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a database as that version left it."""
    with restored(version, kind, request, tmp_path) as url:
        yield url


@pytest.fixture
def upgraded_url(old_url: str) -> str:
    """Give the address of that database after its upgrade."""
    with migration_app(old_url):
        upgrade()
    return old_url


@pytest.fixture
def app(upgraded_url: str) -> Iterator[Flask]:
    """Give the present program on the upgraded database."""
    created = create_app(Settings(RunMode.DEMO, upgraded_url, "x" * 32), clock=lambda: NOW)
    yield created
    close_app(created)


def columns(connection: Connection) -> dict[str, list[str]]:
    """Return the columns of every table."""
    view = inspect(connection)
    return {
        table: [column["name"] for column in view.get_columns(table)]
        for table in view.get_table_names()
        if table != "alembic_version" and not table.startswith("search_index")
    }


def rows(connection: Connection, of: dict[str, list[str]]) -> Rows:
    """Return the rows of every table, as the database itself holds them."""
    return {
        table: sorted(
            (tuple(row) for row in connection.execute(text(f'SELECT {", ".join(map(quoted, names))} FROM "{table}"'))),
            key=repr,
        )
        for table, names in of.items()
    }


def quoted(name: str) -> str:
    return f'"{name}"'


def as_dumped(parts: Schema) -> Schema:
    """Return a schema with lists of texts as PostgreSQL has them once they were dumped and read again."""
    return {(kind, name, _LIST.sub(r"\1", _TEXT.sub(r"\1", words))) for kind, name, words in parts}


def test_the_databases_hold_something_of_everything(old_url: str, version: str) -> None:
    with connected(old_url) as connection:
        result = rows(connection, columns(connection))
        steps = set(connection.scalars(text("SELECT step FROM change_request")))
        sent = set(connection.scalars(text("SELECT state FROM mail")))
    assert [table for table, there in result.items() if not there] == [], version
    assert len(result["change_request"]) > 30
    assert {"request", "evaluation", "approval", "implementation", "rollback", "closed"} <= steps
    assert sent == {"waiting", "sent"}


def test_every_row_is_there_after_the_upgrade_and_says_the_same(old_url: str) -> None:
    with connected(old_url) as connection:
        of = columns(connection)
        before = rows(connection, of)
    with migration_app(old_url):
        upgrade()
    with connected(old_url) as connection:
        after = rows(connection, of)
        contents = connection.execute(text("SELECT sha256, content FROM file_content")).all()
    taken_over = require_only_new_entries(before, after)
    assert {row["action"] for row in taken_over} == {"found"}
    assert {table: len(there) for table, there in after.items()} == {t: len(there) for t, there in before.items()}
    assert after == before
    assert contents
    for digest, content in contents:
        assert hashlib.sha256(content).hexdigest() == digest


def test_the_upgraded_schema_is_that_of_a_new_database(upgraded_url: str, kind: Any, new_database: NewDatabase) -> None:
    with new_database(kind) as new, connected(new) as created, connected(upgraded_url) as migrated:
        assert as_dumped(schema(migrated)) == as_dumped(schema(created))
        for table, names in columns(created).items():
            assert set(names) == set(columns(migrated)[table])


def test_every_verification_holds_after_the_upgrade(app: Flask) -> None:
    verifying = [
        (name, verb)
        for name, group in app.cli.commands.items()
        for verb, command in getattr(group, "commands", {}).items()
        if verb == "verify" and not any(parameter.required for parameter in command.params)
    ]
    assert {("audit", "verify"), ("history", "verify"), ("search", "verify")} <= set(verifying)
    for words in verifying:
        ended = app.test_cli_runner().invoke(args=words)
        assert (words, ended.exit_code, ended.stderr) == (words, 0, "")


def test_the_durations_of_steps_are_those_that_the_calendar_gives(upgraded_url: str) -> None:
    with open_session(upgraded_url) as session:
        agencies = session.scalars(select(Agency)).all()
        of = select(StepTime.activity_id, StepTime.is_late, StepTime.waited_minutes).order_by(StepTime.activity_id)
        saved = session.execute(of).all()
        for agency in agencies:
            durations.recompute_stale(session, agency, NOW, everything=True)
        assert session.execute(of).all() == saved
        assert durations.is_up_to_date(session, agencies, NOW)


def require_only_new_entries(before: Rows, after: Rows) -> list[dict[str, Any]]:
    """Take the trail out of both, and return the rows that the upgrade told of: entries are only added to it."""
    heads = {table: (before.pop(table), after.pop(table)) for table in ("audit_chain", "audit_entry", "audit_row")}
    for table in ("audit_entry", "audit_row"):
        former, present = heads[table]
        assert set(former) <= set(present)
    former, present = heads["audit_entry"]
    (rows_place,) = {index for index, value in enumerate(present[0]) if str(value).startswith("[")}
    return [row for entry in set(present) - set(former) for row in json.loads(entry[rows_place])]


ENTRY = text(
    "INSERT INTO audit_entry (id, chain, number, at, actor_name, action, rows, previous_hash, hash)"
    " VALUES (:id, 77, :id, :at, 'admin', 'user.edit', :rows, '', '')"
)
PLACE = text("INSERT INTO audit_row (entry_id, table_name, row_id) VALUES (:id, 'user_account', :user)")


def test_when_a_head_and_an_account_ended_is_taken_from_the_audit_trail(old_url: str) -> None:
    def end(number: int, user_id: int, flag: str, day: int, *, ended: bool = True) -> None:
        change = {"table": "user_account", "id": str(user_id), "action": "updated",
                  "before": {flag: ended}, "after": {flag: not ended}}  # fmt: skip
        at = f"2026-03-{day:02} 02:00:00.000000" + ("" if is_sqlite(connection) else "+00")
        connection.execute(ENTRY, {"id": 10**6 + number, "at": at, "rows": json.dumps([change])})
        connection.execute(PLACE, {"id": 10**6 + number, "user": str(user_id)})

    with connected(old_url) as connection:
        first, second, third = connection.scalars(text("SELECT id FROM user_account ORDER BY id LIMIT 3"))
        end(1, first, "is_head", 2)
        end(2, first, "is_head", 3, ended=False)
        end(3, first, "is_head", 4)
        end(4, second, "is_active", 5)
    with migration_app(old_url):
        upgrade()
    with open_session(old_url) as session:
        users = {user.id: user for user in session.scalars(select(User))}
        assert users[first].head_until == dt.datetime(2026, 3, 4, 2, tzinfo=dt.UTC)
        assert users[second].disabled_at == dt.datetime(2026, 3, 5, 2, tzinfo=dt.UTC)
        assert (users[first].disabled_at, users[second].head_until) == (None, None)
        assert (users[third].disabled_at, users[third].head_until) == (None, None)


def test_who_acted_has_the_name_of_that_moment_from_the_audit_trail_and_else_that_of_today(old_url: str) -> None:
    finished = text("SELECT id, finished_at FROM activity WHERE actor_id = :user AND finished_at IS NOT NULL ORDER BY"
                    " finished_at, id")  # fmt: skip
    with connected(old_url) as connection:
        user, today = connection.execute(
            text("SELECT id, full_name FROM user_account WHERE id IN (SELECT actor_id FROM activity) ORDER BY id")
        ).first() or (0, "")
        acts = connection.execute(finished, {"user": user}).all()
        middle = acts[len(acts) // 2].finished_at
        change = {"table": "user_account", "id": str(user), "action": "updated",
                  "before": {"full_name": "Nama lama", "position": "Jabatan lama"},
                  "after": {"full_name": today, "position": None}}  # fmt: skip
        connection.execute(ENTRY, {"id": 10**6, "at": middle, "rows": json.dumps([change])})
        connection.execute(PLACE, {"id": 10**6, "user": str(user)})
        title = connection.scalar(text("SELECT position FROM user_account WHERE id = :user"), {"user": user})
        capacities = connection.execute(text("SELECT id, capacity FROM activity ORDER BY id")).all()
    with migration_app(old_url):
        upgrade()
    stored = text("SELECT id, finished_at, actor_name, actor_title FROM activity WHERE actor_id = :user AND finished_at"
                  " IS NOT NULL ORDER BY finished_at, id")  # fmt: skip
    with connected(old_url) as connection:
        for act in connection.execute(stored, {"user": user}):
            before = act.finished_at < middle
            assert act[2:] == (("Nama lama", "Jabatan lama") if before else (today, title))
        assert connection.execute(text("SELECT id, capacity FROM activity ORDER BY id")).all() == capacities
        for table, name, id_ in (
            ("activity", "actor_name", "actor_id"),
            ("change_request", "asked_by_name", "requester_id"),
            ("document", "uploaded_by_name", "uploaded_by_id"),
            ("deviation", "accounted_by_name", "accounted_by_id"),
            ("delegation", "delegate_name", "delegate_id"),
        ):
            nameless = f"SELECT count(*) FROM {table} WHERE ({name} IS NULL) <> ({id_} IS NULL)"
            assert connection.scalar(text(nameless)) == 0


def test_the_upgrade_looks_entries_of_the_trail_up_by_their_time_and_not_all_of_one_user(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    plans: list[str] = []

    def explain(_connection: object, cursor: sqlite3.Cursor, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE") and "audit_entry" in statement:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            plans.extend(line for *_numbers, line in plan if "ix_audit_entry" in line)

    with restored("0.1.0", "sqlite", request, tmp_path) as url:
        with connected(url) as connection:
            # Of two indexes that look alike, SQLite takes the one that was made last.
            connection.execute(text("DROP INDEX ix_audit_entry_chain_actor_id_id"))
            connection.execute(
                text("CREATE INDEX ix_audit_entry_chain_actor_id_id ON audit_entry (chain, actor_id, id)")
            )
        event.listen(Engine, "before_cursor_execute", explain)
        try:
            with migration_app(url):
                upgrade()
        finally:
            event.remove(Engine, "before_cursor_execute", explain)
    # Hand-overs, deviations, delegations, absences, freezes and SOPs keep the capacity of who acted.
    assert len(plans) >= 6
    assert [plan for plan in plans if "ix_audit_entry_chain_at_id (chain=? AND at=?)" not in plan] == []


def test_open_requests_are_moved_and_new_ones_submitted(upgraded_url: str) -> None:
    with open_session(upgraded_url) as session:
        open_ = session.scalars(
            select(ChangeRequest).where(ChangeRequest.closed_at.is_(None), ChangeRequest.submitted_at.is_not(None))
        ).all()
        steps = {change.step for change in open_}
        assert len(steps) > 5
        for step in sorted(steps):
            change = next(change for change in open_ if change.step is step)
            advance(session, change)
        for change in session.scalars(select(ChangeRequest).where(ChangeRequest.step == Step.REQUEST)).all():
            advance(session, change)
            assert change.number is not None


def advance(session: AuditedSession, change: ChangeRequest) -> None:
    """Let somebody who has the open step make the first of its moves."""
    step = change.step
    people = session.scalars(select(User).where(User.agency_id == change.agency_id).order_by(User.id))
    outcome, actor = next((one.outcome, user) for user in people for one in change.open_moves(user, NOW))
    # The register ends before today: a requested date may have passed meanwhile.
    make_move(session, change, outcome, actor, now=NOW, confirmed={"wanted_by"})
    assert change.step is not step


def test_what_was_upgraded_can_be_taken_back_and_upgraded_again(old_url: str) -> None:
    with connected(old_url) as connection:
        of, parts = columns(connection), schema(connection)
        before = rows(connection, of)
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    with migration_app(old_url):
        upgrade()
        with connected(old_url) as connection:
            whole = schema(connection)
        if revision != HEAD:
            downgrade(revision=revision)
        with connected(old_url) as connection:
            assert as_dumped(schema(connection)) == as_dumped(parts)
            left = rows(connection, of)
            require_only_new_entries(before, left)
            assert left == before
        upgrade()
        with connected(old_url) as connection:
            assert schema(connection) == whole
