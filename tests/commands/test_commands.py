"""The commands: what each does, its exit code, and its audit entries."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, select, text

from app import create_app
from lpse_admin.config import RunMode, Settings
from lpse_admin.sop import bundled_sops, parse
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.history import verify_histories
from models.database import db, takes_write_lock
from tests.support.cast import LUMAJANG, change_at_step, create_cast, move_through, open_session
from tests.support.papers import LUMAJANG_MOVES
from tests.support.program import Visitor, close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from flask import Flask

    from tests.conftest import NewDatabase
    from tests.support.cast import AuditedSession, Cast

NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
PAPERS = dict(bundled_sops())


def run(app: Flask, *words: object, typed: str | None = None) -> Result:
    """Run a command and return how it ended; a traceback fails the test."""
    result = app.test_cli_runner().invoke(args=[str(word) for word in words], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert takes_write_lock.get() is True
    return result


def done(app: Flask, *words: object, typed: str | None = None) -> str:
    """Run a command that has to succeed, and return what it printed."""
    result = run(app, *words, typed=typed)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def empty(url: str) -> Flask:
    """Return the program on a database with nothing in it but its tables."""
    return create_app(Settings(RunMode.DEMO, url, "x" * 32), clock=lambda: NOW)


@pytest.fixture
def program(database_url: str) -> Iterator[Flask]:
    """Give the program with both papers in force and the demo cast, on each kind of database."""
    app = make_app(database_url, clock=lambda: NOW)
    yield app
    close_app(app)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """Give one of the papers as a file."""
    path = tmp_path / f"{LUMAJANG}.toml"
    path.write_text(PAPERS[LUMAJANG], encoding="utf-8")
    return path


def test_a_paper_is_checked_loaded_enacted_listed_and_shown(database_url: str, paper: Path) -> None:
    app = empty(database_url)
    assert "benar" in done(app, "sop", "check", paper)
    assert "Draf." in done(app, "sop", "load", paper)
    assert "Draf" in done(app, "sop", "list")
    assert "Berlaku." in done(app, "sop", "enact", LUMAJANG)
    assert "Berlaku" in done(app, "sop", "list")
    assert "427.53/7.01/2018" in done(app, "sop", "show", LUMAJANG)
    shown = json.loads(done(app, "sop", "show", LUMAJANG, "--format", "json"))
    assert [shown["key"], len(shown["steps"]), len(shown["moves"])] == [LUMAJANG, 13, len(LUMAJANG_MOVES)]
    assert parse(done(app, "sop", "show", LUMAJANG, "--format", "toml"), LUMAJANG) == parse(PAPERS[LUMAJANG], LUMAJANG)
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [entry.action for entry in entries] == ["flask sop load", "flask sop enact"]
        assert all(entry.actor_name.startswith("terminal (") for entry in entries)
    close_app(app)


def test_the_same_paper_again_changes_nothing(program: Flask, paper: Path) -> None:
    assert "revisi 1, Berlaku" in done(program, "sop", "load", paper)
    refused = run(program, "sop", "enact", LUMAJANG)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert LUMAJANG in refused.stderr


def test_a_faulty_paper_is_refused_with_a_line_for_each_fault(program: Flask, paper: Path) -> None:
    paper.write_text(PAPERS[LUMAJANG].replace('role = "head"', 'role = "boss"'), encoding="utf-8")
    for command in ("check", "load"):
        refused = run(program, "sop", command, paper)
        assert refused.exit_code == 1
        assert all(line.startswith("baris ") for line in refused.stderr.splitlines())
        assert "boss" in refused.stderr
    paper.write_bytes(b"\xff\xfe")
    assert run(program, "sop", "load", paper).exit_code == 1


def test_a_number_that_another_paper_has_is_a_fault(program: Flask, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(PAPERS[LUMAJANG].replace("Perubahan", "perubahan"), encoding="utf-8")
    refused = run(program, "sop", "check", other)
    assert refused.exit_code == 1
    assert "427.53/7.01/2018" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("sop", "show"),
        ("sop", "show", LUMAJANG, "--format", "pdf"),
        ("sop", "check", "nowhere.toml"),
        ("sop", "burn"),
        ("user", "add", "budi"),
        ("user", "add", "budi", "--name", "B", "--role", "boss"),
        ("user", "add", "budi", "--name", "B", "--role", "requester"),
        ("user", "add", " budi", "--name", "B", "--role", "administrator"),
        ("user", "add", "budi", "--name", " ", "--role", "administrator"),
        ("demo",),
        ("demo", "--requests", "0"),
        ("audit", "verify", "--anchor", "nowhere"),
    ],
)
def test_wrong_use_ends_with_2_and_the_reason(new_database: NewDatabase, words: tuple[str, ...]) -> None:
    with new_database("sqlite") as url:
        app = empty(url)
        ended = run(app, *words)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert ended.stderr
        close_app(app)


@pytest.mark.parametrize(
    "words",
    [
        ("sop", "show", "nowhere"),
        ("sop", "enact", "nowhere"),
        ("user", "disable", "nobody"),
        ("user", "reset", "nobody"),
        ("user", "add", "pemohon", "--name", "B", "--role", "requester", "--agency", "lumajang"),
        ("user", "add", "budi", "--name", "B", "--role", "requester", "--agency", "nowhere"),
    ],
)
def test_what_is_not_there_or_is_there_already_ends_with_1_and_the_reason(
    program: Flask, words: tuple[str, ...]
) -> None:
    ended = run(program, *words)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr


def test_a_database_without_tables_ends_with_1_and_what_to_do(tmp_path: Path, paper: Path) -> None:
    app = empty(f"sqlite:///{tmp_path / 'empty.db'}")
    for words in (
        ("sop", "list"),
        ("user", "list"),
        ("audit", "verify"),
        ("history", "verify"),
        ("sop", "load", paper),
    ):
        ended = run(app, *words)
        assert ended.exit_code == 1
        assert "flask db upgrade" in ended.stderr
    checked = run(app, "sop", "check", paper)
    assert checked.exit_code == 0
    assert "tidak dapat ditanyai" in checked.stderr
    close_app(app)


def test_migrations_of_what_is_no_database_end_with_1_and_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("no database at all, " * 99)
    app = empty(f"sqlite:///{file}")
    for command in (("upgrade",), ("current",), ("downgrade", "--yes-lose-data")):
        ended = run(app, "db", *command)
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert "not a database" in ended.stderr
    close_app(app)


def revision(url: str) -> str | None:
    """Return the revision that the database stands at, as it notes itself."""
    engine = create_engine(url)
    with engine.connect() as connection:
        result: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    return result


@pytest.fixture
def in_production(database_url: str) -> Iterator[Flask]:
    """Give the program in production, on a database with nothing in it but its tables."""
    app = create_app(Settings(RunMode.PRODUCTION, database_url, "x" * 32), clock=lambda: NOW)
    yield app
    close_app(app)


@pytest.mark.parametrize("words", [("downgrade",), ("downgrade", "base"), ("stamp", "base"), ("stamp", "--purge")])
def test_what_may_lose_data_is_refused_in_production(
    in_production: Flask, database_url: str, words: tuple[str, ...]
) -> None:
    stands = revision(database_url)
    ended = run(in_production, "db", *words, typed="y\n")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "--yes-lose-data" in ended.stderr
    assert revision(database_url) == stands


@pytest.mark.parametrize("words", [("downgrade", "base"), ("stamp", "base")])
def test_it_is_done_in_production_for_who_says_that_they_mean_it(
    in_production: Flask, database_url: str, words: tuple[str, ...]
) -> None:
    ended = run(in_production, "db", *words, "--yes-lose-data")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert revision(database_url) is None


@pytest.mark.parametrize(("typed", "code"), [("n\n", 1), ("", 1), ("y\n", 0)])
def test_elsewhere_it_is_asked_first(program: Flask, database_url: str, typed: str, code: int) -> None:
    stands = revision(database_url)
    ended = run(program, "db", "stamp", "base", typed=typed)
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert "Lanjutkan? [y/N]" in ended.stderr
    assert revision(database_url) == (None if code == 0 else stands)


def test_sql_that_is_only_printed_needs_no_asking(in_production: Flask, database_url: str) -> None:
    stands = revision(database_url)
    # Of the first revision alone: later ones alter tables of SQLite, which Alembic does not print without the table.
    ended = run(in_production, "db", "downgrade", "--sql", "0001:base")
    assert (ended.exit_code, "DROP TABLE" in ended.stdout) == (0, True)
    assert revision(database_url) == stands


@pytest.mark.parametrize("words", [("revision",), ("migrate",), ("merge", "0001"), ("edit",), ("init",)])
def test_no_migration_is_written_in_production(in_production: Flask, words: tuple[str, ...]) -> None:
    ended = run(in_production, "db", *words)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "tidak dalam mode produksi" in ended.stderr


@pytest.mark.parametrize(
    ("words", "code"), [(("nonsense",), 1), (("--", "-99"), 1), (("--yes",), 2), (("base", "base"), 2)]
)
def test_a_way_back_that_is_none_ends_with_the_reason(
    program: Flask, database_url: str, words: tuple[str, ...], code: int
) -> None:
    stands = revision(database_url)
    ended = run(program, "db", "downgrade", "--yes-lose-data", *words)
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert revision(database_url) == stands


def test_an_account_is_made_with_a_password_that_is_shown_once(program: Flask) -> None:
    told = done(program, "user", "add", "budi", "--name", "Pemohon 9", "--role", "requester", "--agency", "lumajang")
    password = told.rpartition("Kata sandi: ")[2].strip()
    assert login(program, "budi", password) == 303
    assert "budi" in done(program, "user", "list")


def test_an_account_may_hold_several_roles_and_bring_its_password(program: Flask) -> None:
    new = "kuda terbang sampai pagi"
    told = done(
        program, "user", "add", "dua", "--name", "Dua", "--role", "requester", "--role", "head", "--agency", "lumajang",
        "--password-stdin", typed=f"{new}\n",
    )  # fmt: skip
    assert "Kata sandi" not in told
    assert login(program, "dua", new) == 303
    assert "requester,head" in done(program, "user", "list")
    weak = run(program, "user", "reset", "dua", "--password-stdin", typed="dua\n")
    assert weak.exit_code == 1
    assert login(program, "dua", new) == 303


def test_an_inspector_holds_no_other_role(program: Flask) -> None:
    roles = ("--role", "head", "--role", "inspector")
    refused = run(program, "user", "add", "dua", "--name", "Dua", *roles, "--agency", "lumajang")
    assert refused.exit_code == 1
    assert "Pemeriksa tidak merangkap peran lain" in refused.stderr
    assert "dua" not in done(program, "user", "list")


def test_an_administrator_of_the_installation_belongs_to_no_agency(program: Flask) -> None:
    done(program, "user", "add", "root", "--name", "Administrator 2", "--role", "administrator")
    with program.app_context():
        assert db.session.scalars(select(User).where(User.username == "root")).one().is_superadmin


def test_a_disabled_account_is_closed_and_stays_so_through_a_reset(program: Flask) -> None:
    assert "dinonaktifkan" in done(program, "user", "disable", "pemohon")
    assert done(program, "user", "disable", "pemohon")
    assert login(program, "pemohon", "lpse-demo-2026") == 401
    told = done(program, "user", "reset", "pemohon")
    assert "masih dinonaktifkan" in told
    assert login(program, "pemohon", told.rpartition("Kata sandi: ")[2].strip()) == 401
    assert "Nonaktif" in done(program, "user", "list")


def test_a_reset_gives_a_new_password_and_takes_the_second_factor_away(program: Flask) -> None:
    with program.app_context():
        user = db.session.scalars(select(User).where(User.username == "pemohon")).one()
        version = user.session_version
    told = done(program, "user", "reset", "pemohon")
    with program.app_context():
        user = db.session.scalars(select(User).where(User.username == "pemohon")).one()
        assert user.session_version > version
        assert user.totp_secret is None
    assert login(program, "pemohon", told.rpartition("Kata sandi: ")[2].strip()) == 303


def test_the_trail_holds_until_a_row_of_it_is_touched(program: Flask, tmp_path: Path) -> None:
    assert "utuh" in done(program, "audit", "verify")
    anchors = done(program, "audit", "anchor")
    saved = tmp_path / "anchors"
    saved.write_text(anchors)
    assert "utuh" in done(program, "audit", "verify", "--anchor", saved)
    chain, number, _hash = anchors.splitlines()[-1].split(":")
    saved.write_text(f"{chain}:{number}:{'f' * 64}\n")
    broken = run(program, "audit", "verify", "--anchor", saved)
    assert broken.exit_code == 1
    assert f"Rantai {chain}, entri {number}" in broken.stderr
    saved.write_text("not an anchor\n")
    assert run(program, "audit", "verify", "--anchor", saved).exit_code == 2
    _tamper(program, "UPDATE audit_entry SET actor_name = 'somebody else' WHERE chain = 1 AND number = 1")
    broken = run(program, "audit", "verify")
    assert broken.exit_code == 1
    assert "Rantai 1, entri 1" in broken.stderr


def test_the_demo_s_register_passes_every_check(new_database: NewDatabase) -> None:
    with new_database("sqlite") as url:
        app = empty(url)
        assert "12" in done(app, "demo", "--requests", "12", "--seed", "3")
        assert "sesuai dengan riwayatnya" in done(app, "history", "verify")
        assert "utuh" in done(app, "audit", "verify")
        close_app(app)


def test_production_makes_no_demo_register(new_database: NewDatabase) -> None:
    with new_database("sqlite") as url:
        app = create_app(Settings(RunMode.PRODUCTION, url, "x" * 32))
        refused = run(app, "demo", "--requests", "12")
        assert refused.exit_code == 1
        assert refused.stderr
        close_app(app)


#: What is done behind the program's back, and what `history verify` says of it.
TAMPERED = {
    "UPDATE change_request SET step = 'test' WHERE id = 1": "“step”",
    "UPDATE change_request SET urgency = 'emergency' WHERE id = 1": "“urgency”",
    "UPDATE change_request SET is_rolled_back = 1 WHERE id = 1": "“is_rolled_back”",
    "UPDATE change_request SET revision = 2 WHERE id = 1": "salah satu revisi isinya tidak ada",
    "UPDATE change_request SET submitted_at = '2026-03-01 00:00:00' WHERE id = 1": "waktu pengajuannya",
    "UPDATE change_request SET serial = 7 WHERE id = 1": "tidak berurutan",
    "UPDATE number_counter SET last = 9": "tidak berurutan",
    "UPDATE activity SET outcome = 'normal' WHERE step = 'evaluation'": "perpindahan yang tidak terdapat dalam SOP-nya",
    "UPDATE activity SET actor_id = 1 WHERE step = 'evaluation'": "mengambil bagian yang diperiksanya",
    "UPDATE activity SET sequence = 9 WHERE step = 'implementation'": "tidak ada",
    "UPDATE activity SET arrived_at = '2026-03-01 00:00:00' WHERE step = 'urgency'": "tidak dimulai",
    "UPDATE activity SET finished_at = NULL WHERE step = 'urgency'": "masih terbuka padahal",
    "DELETE FROM activity WHERE step = 'implementation'": "tidak ada langkah yang terbuka",
    "DELETE FROM change_revision": "salah satu revisi isinya tidak ada",
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_a_request_that_no_longer_agrees_with_its_history_is_found(new_database: NewDatabase, statement: str) -> None:
    with new_database("sqlite") as url:
        with open_session(url) as session:
            cast = create_cast(session)
            change_at_step(session, cast.lumajang, Step.IMPLEMENTATION)
        app = empty(url)
        assert "sesuai dengan riwayatnya" in done(app, "history", "verify")
        _tamper(app, statement)
        result = run(app, "history", "verify")
        assert result.exit_code == 1
        assert TAMPERED[statement] in result.stderr
        close_app(app)


def test_a_way_round_the_head_s_refusal_is_found(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    refused = (Outcome.SUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.REFUSED, Outcome.ACCEPTED)
    move_through(session, office, *refused, Outcome.EMERGENCY, Outcome.APPROVED)
    move_through(session, office, *refused)
    assert list(verify_histories(session)) == []


@pytest.mark.parametrize(
    "outcomes",
    [
        (),
        (Outcome.SUBMITTED, Outcome.RETURNED, Outcome.RESUBMITTED),
        (Outcome.SUBMITTED, Outcome.RETURNED, Outcome.WITHDRAWN),
        (Outcome.SUBMITTED, Outcome.REJECTED),
    ],
)
def test_whatever_the_door_has_written_agrees(
    session: AuditedSession, cast: Cast, outcomes: tuple[Outcome, ...]
) -> None:
    for office in (cast.lumajang, cast.tana_tidung):
        move_through(session, office, *outcomes)
        change_at_step(session, office, Step.CLOSED)
    assert list(verify_histories(session)) == []


def _tamper(app: Flask, statement: str) -> None:
    """Do what only somebody with the database's own tools can do: no trigger, key or check stands in the way."""
    with app.app_context():
        url = db.engine.url
        db.session.remove()
        db.engine.dispose()
    if url.drivername == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f'DROP TRIGGER "{name}"')
            connection.execute("DROP INDEX uq_activity_one_open")
            connection.execute(statement)
    else:
        with app.app_context(), db.engine.begin() as server:
            server.execute(text("SET session_replication_role = replica"))
            server.execute(text(statement))


def login(app: Flask, username: str, password: str) -> int:
    """Return the status of a login."""
    return Visitor(app).post("/login", username=username, password=password).status_code
