"""`flask upgrade`: backed up, migrated and verified as one, and a database of another version that is not served."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app import create_app, prepare
from lpse_admin.config import ConfigurationError, RunMode, Settings
from tests.support.migrations import HEAD, schema
from tests.support.program import close_app
from tests.upgrades.old_database import VERSIONS
from tests.upgrades.test_upgrade import connected, restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from flask import Flask

NOW = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with restored(next(iter(VERSIONS)), str(request.param), request, tmp_path) as url:
        yield url


def settings_of(url: str) -> Settings:
    return Settings(RunMode.DEMO, url, "x" * 32)


@pytest.fixture
def app(old_url: str) -> Iterator[Flask]:
    """Give the program on a database of an earlier version, which nobody has upgraded yet."""
    created = create_app(settings_of(old_url), clock=lambda: NOW)
    yield created
    close_app(created)


def run(app: Flask, *words: object) -> Result:
    """Run a command and return how it ended; a traceback fails the test."""
    result = app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def revision_of(url: str) -> str | None:
    with connected(url) as connection:
        result: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return result


def execute(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_an_upgrade_leaves_a_backup_and_a_verified_database(app: Flask, old_url: str, tmp_path: Path) -> None:
    before = revision_of(old_url)
    result = run(app, "upgrade", tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"revisi {before} → {HEAD}" in result.stdout
    assert [file.name for file in tmp_path.glob("*.cadangan")] == [f"lpse-{before}-20261123T020000Z.cadangan"]
    assert revision_of(old_url) == HEAD
    assert run(app, "audit", "verify").exit_code == 0
    again = run(app, "upgrade", tmp_path)
    assert (again.exit_code, len([*tmp_path.glob("*.cadangan")])) == (0, 1)


def test_a_register_with_a_finding_stays_as_it_was_unless_that_is_wanted(
    app: Flask, old_url: str, tmp_path: Path
) -> None:
    before = revision_of(old_url)
    execute(old_url, "UPDATE user_account SET full_name = 'Orang Lain' WHERE username = 'kepala'")
    with connected(old_url) as connection:
        parts = schema(connection)
    result = run(app, "upgrade", tmp_path)
    assert result.exit_code == 1
    assert "Kepala LPSE" in result.stderr
    assert "Orang Lain" in result.stderr
    assert "--despite-findings" in result.stderr
    assert revision_of(old_url) == before
    with connected(old_url) as connection:
        assert schema(connection) == parts
    (file,) = tmp_path.glob("*.cadangan")
    file.unlink()
    assert run(app, "upgrade", tmp_path, "--despite-findings").exit_code == 0
    assert revision_of(old_url) == HEAD


def test_a_statement_that_the_database_refuses_is_told_as_a_failed_migration(
    app: Flask, old_url: str, tmp_path: Path
) -> None:
    before = revision_of(old_url)
    execute(old_url, "CREATE TABLE step_due (id INTEGER)")
    result = run(app, "upgrade", tmp_path)
    assert (result.exit_code, revision_of(old_url)) == (1, before)
    assert "Migrasi gagal" in result.stderr
    assert "step_due" in result.stderr
    assert "CREATE TABLE" not in result.stderr


def test_a_folder_that_is_not_there_is_told_before_anything_is_migrated(
    app: Flask, old_url: str, tmp_path: Path
) -> None:
    before = revision_of(old_url)
    result = run(app, "upgrade", tmp_path / "tidak" / "ada")
    assert result.exit_code == 1
    assert "tidak/ada" in result.stderr
    assert revision_of(old_url) == before


def test_an_earlier_schema_is_not_served_until_it_is_upgraded(app: Flask, tmp_path: Path) -> None:
    client = app.test_client()
    page = client.get("/login")
    assert page.status_code == 503
    assert "jalankan flask upgrade" in page.text
    assert client.get("/healthz").status_code == 503
    assert run(app, "upgrade", tmp_path).exit_code == 0
    assert client.get("/login").status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "versi yang lebih baru"),
        ("DROP TABLE alembic_version", "bukan buatan migrasi aplikasi ini"),
    ],
)
def test_a_later_schema_or_foreign_tables_are_refused_everywhere(
    app: Flask, old_url: str, tmp_path: Path, statement: str, reason: str
) -> None:
    execute(old_url, statement)
    result = run(app, "upgrade", tmp_path)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert reason in run(app, "doctor").stderr
    with pytest.raises(ConfigurationError):
        prepare(app, settings_of(old_url))
    page = app.test_client().get("/login")
    assert page.status_code == 503
    assert reason in page.text


def test_a_schema_that_drifted_is_not_served(app: Flask, old_url: str, tmp_path: Path) -> None:
    assert run(app, "upgrade", tmp_path).exit_code == 0
    execute(old_url, "ALTER TABLE freeze_period RENAME COLUMN name TO name_before")
    page = app.test_client().get("/login")
    assert page.status_code == 503
    assert "freeze_period.name" in page.text
    assert "freeze_period.name" in run(app, "upgrade", tmp_path).stderr
