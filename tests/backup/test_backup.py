"""Backup and restore: what is in the file, that it goes back whole, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import stat
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, text

from app import create_app
from lpse_admin.accounts.roles import Role
from lpse_admin.config import RunMode, Settings
from lpse_admin.sop.steps import Step
from tests.support.cast import change_at_step, create_cast, open_session, set_test_audit_context, user
from tests.support.migrations import REVISIONS
from tests.support.program import close_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result
    from flask import Flask

    from tests.conftest import Kind, NewDatabase

NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)


def run(app: Flask, *words: object) -> Result:
    """Run a command and return how it ended; a traceback fails the test."""
    result = app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def kind_of(url: str) -> Kind:
    return "sqlite" if url.startswith("sqlite") else "postgresql"


def contents(url: str) -> dict[str, list[str]]:
    """Return all rows of all tables, each as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if not name.startswith("search_index")]
        rows = {name: sorted(map(str, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in names}
    engine.dispose()
    return rows


def tables_with_statistics(url: str) -> set[str]:
    """Return the tables whose rows the database plans for as they are; SQLite plans for all of them without."""
    engine = create_engine(url)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        if engine.name == "postgresql":
            names = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 0")))
    engine.dispose()
    return names


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def filled(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """Give the address of a database with people, and requests in several steps with their files."""
    with new_database(request.param) as url:
        with open_session(url) as session:
            cast = create_cast(session)
            for step in (Step.EVALUATION, Step.APPROVAL, Step.RELEASE, Step.CLOSED):
                change_at_step(session, cast.lumajang, step)
            session.commit()
        yield url


@pytest.fixture(scope="module")
def app(filled: str) -> Iterator[Flask]:
    """Give the program on the filled database."""
    created = create_app(Settings(RunMode.DEMO, filled, "x" * 32), clock=lambda: NOW)
    yield created
    close_app(created)


@pytest.fixture
def other(filled: str, new_database: NewDatabase) -> Iterator[tuple[Flask, str]]:
    """Give the program on an empty database of the same kind, and its address."""
    with new_database(kind_of(filled)) as url:
        settings = Settings(RunMode.DEMO, url, "y" * 32, former_audit_keys=("x" * 32,))
        created = create_app(settings, clock=lambda: NOW)
        yield created, url
        close_app(created)


def test_what_is_restored_is_every_row_that_was_backed_up(
    app: Flask, filled: str, other: tuple[Flask, str], tmp_path: Path
) -> None:
    target, url = other
    file = tmp_path / "cadangan.lpse"
    created = run(app, "backup", file)
    assert (created.exit_code, created.stderr) == (0, "")
    before = contents(filled)
    assert sum(map(len, before.values())) > 500
    restored = run(target, "restore", file)
    assert (restored.exit_code, restored.stderr) == (0, "")
    assert contents(url) == before
    assert "change_request" in tables_with_statistics(url)
    for command in (("audit", "verify"), ("history", "verify"), ("search", "verify"), ("report", "verify")):
        assert run(target, *command).exit_code == 0, command


def test_work_goes_on_after_a_restore_with_ids_that_were_never_used(
    app: Flask, other: tuple[Flask, str], tmp_path: Path
) -> None:
    target, url = other
    run(app, "backup", tmp_path / "b")
    run(target, "restore", tmp_path / "b")
    added = run(
        target, "user", "add", "sesudah", "--name", "Staf Sesudah", "--role", "requester", "--agency", "lumajang"
    )
    assert (added.exit_code, added.stderr) == (0, "")
    assert run(target, "audit", "verify").exit_code == 0
    engine = create_engine(url)
    with engine.begin() as connection, pytest.raises(Exception, match="append-only"):
        connection.execute(text("DELETE FROM audit_entry"))  # the triggers are in force again
    engine.dispose()


def test_the_manifest_names_kind_revision_rows_anchors_and_the_hash_of_each_part(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "b"
    run(app, "backup", file)
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["revision"] == REVISIONS[-1]
    assert manifest["kind"] in {"sqlite", "postgresql"}
    assert manifest["rows"]["change_request"] == 4
    assert len(manifest["anchors"]) >= 2
    assert all(len(part["sha256"]) == 64 for part in manifest["parts"].values())


def test_a_backup_is_readable_by_its_owner_alone(app: Flask, tmp_path: Path) -> None:
    run(app, "backup", tmp_path / "b")
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    app: Flask, filled: str, other: tuple[Flask, str], tmp_path: Path
) -> None:
    target, url = other
    stop = threading.Event()

    def write() -> None:
        with open_session(filled) as session:
            for number in range(200):
                if stop.is_set():
                    break
                set_test_audit_context(session, "meanwhile")
                user(session, None, f"sementara{number}", Role.ADMINISTRATOR)
                session.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        created = run(app, "backup", tmp_path / "b")
    finally:
        stop.set()
        writer.join()
    assert created.exit_code == 0, created.stderr
    assert run(target, "restore", tmp_path / "b").exit_code == 0
    restored = contents(url)
    accounts = [row for row in restored["user_account"] if "sementara" in row]
    entries = [row for row in restored["audit_entry"] if "'meanwhile'" in row]
    assert len(accounts) == len(entries)


def test_a_file_that_is_there_is_not_replaced(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "b"
    file.write_text("yang lama")
    created = run(app, "backup", file)
    assert created.exit_code == 1
    assert "sudah ada" in created.stderr
    assert file.read_text() == "yang lama"


def test_a_folder_that_is_not_there_is_named(app: Flask, tmp_path: Path) -> None:
    created = run(app, "backup", tmp_path / "tidak-ada" / "b")
    assert created.exit_code == 1
    assert str(tmp_path / "tidak-ada") in created.stderr


def test_a_backup_goes_into_an_empty_installation_only(app: Flask, filled: str, tmp_path: Path) -> None:
    run(app, "backup", tmp_path / "b")
    before = contents(filled)
    refused = run(app, "restore", tmp_path / "b")
    assert refused.exit_code == 1
    assert "kosong" in refused.stderr
    assert contents(filled) == before


def damaged(file: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write the archive anew beside ``file`` with each member as ``change`` returns it (None: left out)."""
    result = file.with_suffix(".damaged")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            if (content := change(name, source.read(name))) is not None:
                target.writestr(name, content)
    return result


def _flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1]) if content else content


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda name, content: _flip(content) if name != "manifest.json" else content, id="a bit changed"),
        pytest.param(lambda name, content: content if name == "manifest.json" else None, id="a part is missing"),
        pytest.param(lambda name, content: None if name == "manifest.json" else content, id="no manifest"),
        pytest.param(lambda name, content: b"{}" if name == "manifest.json" else content, id="an empty manifest"),
        pytest.param(
            lambda _name, content: content.replace(b'"change_request": 4', b'"change_request": 5'), id="a row less"
        ),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_of_it_stays(
    app: Flask, other: tuple[Flask, str], tmp_path: Path, change: Callable[[str, bytes], bytes | None]
) -> None:
    target, url = other
    run(app, "backup", tmp_path / "b")
    before = contents(url)
    refused = run(target, "restore", damaged(tmp_path / "b", change))
    assert refused.exit_code == 1
    assert "cadangan" in refused.stderr.lower()
    assert contents(url) == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"SQLite format 3\x00", b"bukan cadangan"])
def test_a_file_that_is_no_backup_is_refused(sqlite_template: Path, tmp_path: Path, content: bytes) -> None:
    app = create_app(Settings(RunMode.DEMO, f"sqlite:///{sqlite_template}", "x" * 32))
    (tmp_path / "b").write_bytes(content)
    refused = run(app, "restore", tmp_path / "b")
    close_app(app)
    assert refused.exit_code == 1
    assert "bukan cadangan" in refused.stderr


def test_a_backup_that_was_cut_short_is_refused(app: Flask, other: tuple[Flask, str], tmp_path: Path) -> None:
    run(app, "backup", tmp_path / "b")
    whole = (tmp_path / "b").read_bytes()
    (tmp_path / "short").write_bytes(whole[: len(whole) // 2])
    refused = run(other[0], "restore", tmp_path / "short")
    assert refused.exit_code == 1
    assert "bukan cadangan" in refused.stderr


def test_a_backup_of_the_other_kind_of_database_is_refused(
    app: Flask, filled: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    run(app, "backup", tmp_path / "b")
    with new_database("postgresql" if kind_of(filled) == "sqlite" else "sqlite") as url:
        target = create_app(Settings(RunMode.DEMO, url, "y" * 32), clock=lambda: NOW)
        refused = run(target, "restore", tmp_path / "b")
        close_app(target)
    assert refused.exit_code == 1
    assert kind_of(filled) in refused.stderr


def test_a_backup_of_a_later_version_is_refused(app: Flask, other: tuple[Flask, str], tmp_path: Path) -> None:
    run(app, "backup", tmp_path / "b")
    revision = f'"revision": "{REVISIONS[-1]}"'.encode()
    later = damaged(tmp_path / "b", lambda _name, content: content.replace(revision, b'"revision": "9999"'))
    refused = run(other[0], "restore", later)
    assert refused.exit_code == 1
    assert "versi yang lebih baru" in refused.stderr


def test_a_database_without_tables_has_nothing_to_back_up(tmp_path: Path) -> None:
    app = create_app(Settings(RunMode.DEMO, f"sqlite:///{tmp_path / 'kosong.db'}", "x" * 32))
    refused = run(app, "backup", tmp_path / "b")
    close_app(app)
    assert refused.exit_code == 1
    assert not (tmp_path / "b").exists()


@pytest.mark.sqlite_alone
def test_a_backup_goes_into_a_database_that_has_no_tables_yet(app: Flask, filled: str, tmp_path: Path) -> None:
    run(app, "backup", tmp_path / "b")
    url = f"sqlite:///{tmp_path / 'baru.db'}"
    target = create_app(Settings(RunMode.DEMO, url, "y" * 32))
    assert run(target, "restore", tmp_path / "b").exit_code == 0
    close_app(target)
    assert contents(url) == contents(filled)
