"""Several people work through PgBouncer in transaction mode, where each transaction may have another connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, func, make_url, select

from models.changes.change import ChangeRequest
from tests.support.cast import AuditedSession
from tests.support.program import Visitor, close_app, make_app
from tests.support.servers import pgbouncer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import NewDatabase

PEOPLE = ("pemohon", "pemohon2", "pemohon.tt", "pengelola", "pengelola2", "kepala")
#: psycopg prepares a statement when it is executed for the sixth time.
ROUNDS = 8


@pytest.fixture
def app(new_database: NewDatabase, postgres_folder: str) -> Iterator[Flask]:
    if pgbouncer.find_pgbouncer() is None:
        pytest.skip(pgbouncer.MISSING_MESSAGE)
    with new_database("postgresql") as url, pgbouncer.pgbouncer_before(postgres_folder) as port:
        database = make_url(url).database
        created = make_app(f"postgresql+psycopg://postgres@127.0.0.1:{port}/{database}?prepare_threshold=0")
        yield created
        close_app(created)


def work(app: Flask, username: str) -> list[int]:
    """Open lists and begin requests by turns; return the statuses."""
    visitor = Visitor(app, username)
    paths = ("/", "/admin/change/", "/admin/change/?search=RFC", "/admin/notification/latest")
    statuses = [visitor.get(paths[number % len(paths)]).status_code for number in range(ROUNDS * len(paths))]
    return [*statuses, visitor.post("/admin/change/new/", outcome="submitted", title="Draf").status_code]


@pytest.mark.postgres
def test_nobody_s_statement_is_prepared_on_a_connection_of_somebody_else(app: Flask) -> None:
    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        answers = dict(zip(PEOPLE, pool.map(lambda name: work(app, name), PEOPLE), strict=True))
    # Requesters leave a draft of an incomplete request; the others may not begin one.
    expected = {name: [200] * (ROUNDS * 4) + [422 if name.startswith("pemohon") else 403] for name in PEOPLE}
    assert answers == expected
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], connect_args={"prepare_threshold": None})
    with AuditedSession(engine) as session:
        assert session.scalar(select(func.count()).select_from(ChangeRequest)) == 3
    engine.dispose()
