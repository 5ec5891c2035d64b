"""A database that is locked, read-only or out of room: a clear answer, and no request that waits for ever."""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

import models.database
from models.database import startup_lock
from tests.support.program import Visitor, close_app, make_app
from views.app import health

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tests.conftest import NewDatabase


@pytest.fixture
def on_postgres(new_database: NewDatabase) -> Iterator[tuple[Flask, str]]:
    """Give the program on PostgreSQL, and its address."""
    with new_database("postgresql") as url:
        app = make_app(url)
        yield app, url
        close_app(app)


def choose_language(visitor: Visitor, language: str) -> int:
    """Return the status of a small form that writes."""
    return visitor.post("/language", lang=language).status_code


@pytest.mark.postgres
def test_a_read_only_postgresql_is_told_as_unavailable(on_postgres: tuple[Flask, str]) -> None:
    app, url = on_postgres
    visitor = Visitor(app, "pemohon")
    assert choose_language(visitor, "en") == 303
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as owner:
        name = owner.execute(text("SELECT current_database()")).scalar_one()
        owner.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    engine.dispose()
    with app.app_context():
        models.database.db.engine.dispose()  # as after a restart of the server
    assert choose_language(visitor, "id") == 503
    assert visitor.get("/profile").status_code == 200
    assert visitor.get("/healthz").status_code == 503


@pytest.mark.postgres
def test_a_row_that_somebody_holds_refuses_a_writer_after_a_while_and_no_reader(
    on_postgres: tuple[Flask, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.database, "_TIME_LIMITS", "SET LOCAL lock_timeout = '200ms'")
    app, url = on_postgres
    visitor = Visitor(app, "pemohon")
    engine = create_engine(url)
    with engine.connect() as holder:
        holder.execute(text("SELECT * FROM audit_chain FOR UPDATE"))
        assert choose_language(visitor, "en") == 503
        assert visitor.get("/profile").status_code == 200
        assert visitor.get("/healthz").status_code == 200
    engine.dispose()
    assert choose_language(visitor, "en") == 303


@pytest.mark.postgres
def test_a_web_request_has_time_limits_and_a_command_has_none(on_postgres: tuple[Flask, str]) -> None:
    app, _url = on_postgres
    limits = "SELECT current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')"
    with app.app_context():
        session = models.database.db.session
        assert session.scalar(text(limits)) == "0 0"
        session.rollback()
        token = models.database.has_time_limits.set(True)
        assert session.scalar(text(limits)) == "5s 30s"
        models.database.has_time_limits.reset(token)
        session.remove()


def test_a_disk_without_room_is_told_by_the_health_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.has_room(tmp_path)

    # Stands for a full disk: to fill one takes a file system of its own, which only root can mount.
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    assert not health.has_room(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_of_two_servers_that_start_the_second_waits_for_the_first(database_url: str) -> None:
    engine = create_engine(database_url)
    order: list[str] = []
    inside = threading.Event()

    def start() -> None:
        inside.wait()
        with startup_lock(engine):
            order.append("second")

    second = threading.Thread(target=start)
    second.start()
    with startup_lock(engine):
        inside.set()
        second.join(0.3)
        order.append("first")
    second.join()
    engine.dispose()
    assert order == ["first", "second"]
