"""`flask doctor` and `flask agency`: what an installation lacks is named, each with what to do."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from app import create_app
from lpse_admin.config import RunMode, Settings
from lpse_admin.notifications.smtp_url import MailServer
from tests.support.cast import create_cast, open_session
from tests.support.program import close_app, give_own_passwords
from views.commands.checks import doctor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result
    from flask import Flask

NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)


def run(app: Flask, *words: str) -> Result:
    """Run a command and return how it ended; a traceback fails the test."""
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def installation(url: str, **settings: object) -> Flask:
    """Return the program in production on the database at ``url``."""
    chosen = {"base_url": "https://lpse.example.go.id", "proxies": 1, **settings}
    return create_app(Settings(RunMode.PRODUCTION, url, "x" * 32, **chosen), clock=lambda: NOW)  # type: ignore[arg-type] # any


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a database with both LPSEs and their people, in an installation that lacks nothing but mail."""
    monkeypatch.setattr(doctor, "_GIB", 0)  # the tests' own disk may be small
    with open_session(database_url) as session:
        create_cast(session)
        session.commit()
    app = installation(database_url)
    give_own_passwords(app, NOW)
    close_app(app)
    return database_url


@pytest.fixture
def production(url: str) -> Iterator[Flask]:
    """Give the program on it."""
    app = installation(url)
    yield app
    close_app(app)


def test_where_only_mail_is_missing_only_mail_is_told(production: Flask) -> None:
    result = run(production, "doctor")
    assert result.exit_code == 1
    assert result.stderr.strip() == "LPSE_SMTP_URL belum diisi: surel disimpan di kotak keluar."
    assert result.stdout.count("OK") == len(doctor._CHECKS) - 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base_url": None}, "LPSE_BASE_URL belum diisi"),
        ({"base_url": "http://lpse.example.go.id"}, "bukan https://"),
        ({"proxies": 0}, "LPSE_PROXIES masih 0"),
        ({"mail_server": MailServer("127.0.0.1", 9, "lpse@example.go.id", timeout=5)}, "Server surel: "),
    ],
)
@pytest.mark.sqlite_alone
def test_what_the_settings_lack_is_told(url: str, settings: dict[str, object], told: str) -> None:
    app = installation(url, **settings)
    assert told in run(app, "doctor").stderr
    close_app(app)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "jalankan flask upgrade"),
        ("DROP TABLE alembic_version", "bukan buatan migrasi aplikasi ini"),
        ("UPDATE user_account SET is_active = FALSE WHERE username = 'kepala'", "belum mempunyai Kepala LPSE"),
        ("UPDATE user_account SET is_active = FALSE WHERE username LIKE 'pengelola%'", "belum mempunyai Pengelola"),
        ("UPDATE user_account SET is_active = FALSE WHERE is_administrator", "Belum ada Administrator"),
    ],
)
def test_what_the_database_lacks_is_told(url: str, production: Flask, statement: str, told: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert told in run(production, "doctor").stderr


def test_a_trigger_that_is_gone_is_named(url: str, production: Flask) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        suffix = "" if connection.dialect.name == "sqlite" else " ON audit_entry"
        connection.execute(text(f"DROP TRIGGER audit_entry_no_delete{suffix}"))
    engine.dispose()
    assert "audit_entry_no_delete" in run(production, "doctor").stderr


def test_entries_of_the_future_are_told(production: Flask, url: str) -> None:
    app = create_app(Settings(RunMode.PRODUCTION, url, "x" * 32), clock=lambda: NOW - dt.timedelta(days=400))
    assert "masa depan" in run(app, "doctor").stderr
    close_app(app)


def test_a_database_without_tables_is_told_and_not_a_traceback(tmp_path: object) -> None:
    app = installation(f"sqlite:///{tmp_path}/baru.db")
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert "jalankan flask db upgrade" in result.stderr
    close_app(app)


def test_the_demo_is_told_that_it_is_one(url: str) -> None:
    app = create_app(Settings(RunMode.DEMO, url, "x" * 32), clock=lambda: NOW)
    assert "LPSE_ENV masih demo" in run(app, "doctor").stderr
    close_app(app)


def test_the_lpses_are_listed_with_their_sops_in_force(url: str) -> None:
    app = make_app_on(url)
    result = run(app, "agency", "list")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "lumajang-2018" in result.stdout
    assert "tana-tidung-2017" in result.stdout
    assert "Asia/Makassar" in result.stdout
    close_app(app)


def make_app_on(url: str) -> Flask:
    """Return the demo's program on a database that is there."""
    return create_app(Settings(RunMode.DEMO, url, "x" * 32), clock=lambda: NOW)
