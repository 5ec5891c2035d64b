"""After many rows were written at once, PostgreSQL plans for the rows that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from models.database import update_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import NewDatabase

ROWS = 400


@pytest.fixture(scope="module", params=[pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    """Return the engine of a database with a table that has an index of words."""
    with new_database("postgresql") as url:
        created = create_engine(url)
        with created.begin() as connection:
            connection.execute(text("CREATE TABLE page (id integer PRIMARY KEY, words tsvector)"))
            connection.execute(text("CREATE INDEX page_words ON page USING gin (words)"))
        yield created
        created.dispose()


def planned_rows(connection: Connection) -> int:
    """Return the rows with which PostgreSQL plans for the table; -1 if it never counted."""
    return int(connection.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'page'")) or 0)


def fill(connection: Connection, first: int) -> None:
    numbers = "generate_series(CAST(:first AS integer), CAST(:last AS integer)) id"
    connection.execute(
        text(f"INSERT INTO page SELECT id, to_tsvector('simple', 'kata ' || id) FROM {numbers}"),
        {"first": first, "last": first + ROWS - 1},
    )


def test_the_rows_of_the_same_transaction_are_counted_and_their_words_sorted_in(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection, 1)
        assert planned_rows(connection) == -1
        update_statistics(connection, "page")
        assert planned_rows(connection) == ROWS
        assert connection.scalar(text("SELECT gin_clean_pending_list('page_words')")) == 0  # nothing was left
    with engine.begin() as connection:
        fill(connection, ROWS + 1)
        update_statistics(connection)
        assert planned_rows(connection) == 2 * ROWS


def test_sqlite_is_left_as_it_is() -> None:
    created = create_engine("sqlite://")
    with created.connect() as connection:
        update_statistics(connection)
        assert connection.scalar(text("SELECT count(*) FROM sqlite_schema")) == 0
