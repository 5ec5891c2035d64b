"""Writers of a process take turns on SQLite in the order in which they came; readers never wait."""

from __future__ import annotations

import gc
import sqlite3
import time
from contextlib import closing
from threading import Event, Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from models import database
from models.database import read_only
from models.write_queue import WriteQueue, as_queued

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_alone


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return the engine of a new file with one table."""
    engine = create_engine(f"sqlite:///{tmp_path / 'queue.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (name TEXT PRIMARY KEY)"))
    yield engine
    engine.dispose()


def write(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO note VALUES (:name)"), {"name": name})


def names(engine: Engine) -> list[str]:
    with read_only(engine).connect() as connection:
        return list(connection.scalars(text("SELECT name FROM note ORDER BY rowid")))


def queue_of(engine: Engine) -> WriteQueue:
    with closing(engine.raw_connection()) as connection:
        queued = as_queued(connection.dbapi_connection)
        assert queued is not None
        assert queued.queue is not None
        return queued.queue


def wait_for_line(queue: WriteQueue, length: int) -> None:
    for _attempt in range(2000):
        if queue.length == length:
            return
        time.sleep(0.005)
    pytest.fail(f"{queue.length} wait, not {length}")


def test_who_came_first_writes_first(engine: Engine) -> None:
    queue = queue_of(engine)
    order = [f"writer {number}" for number in range(12)]
    threads = [Thread(target=write, args=(engine, name)) for name in order]
    with engine.begin():
        for number, thread in enumerate(threads):
            thread.start()
            wait_for_line(queue, number + 1)
    for thread in threads:
        thread.join()
    assert names(engine) == order
    assert queue.length == 0


def test_a_reader_does_not_wait_for_a_writer(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO note VALUES ('not yet')"))
        assert names(engine) == []
    assert names(engine) == ["not yet"]


def test_who_has_waited_too_long_is_told_that_the_database_is_locked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 20)
    queue = queue_of(engine)
    with engine.begin():
        with pytest.raises(OperationalError, match="database is locked"):
            write(engine, "impatient")
        assert queue.length == 0
    write(engine, "later")
    assert names(engine) == ["later"]


def test_who_has_had_its_turn_waits_for_other_processes_only_as_long_as_is_left(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter((10.0, 13.25))
    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    with engine.begin():
        pass
    assert statements == ["PRAGMA busy_timeout = 1750", "BEGIN IMMEDIATE", "PRAGMA busy_timeout = 5000"]


def test_a_connection_that_waited_in_vain_is_as_patient_afterwards_as_before(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 20)
    with engine.connect() as connection, engine.begin(), pytest.raises(OperationalError):
        connection.begin()
    with closing(engine.raw_connection()) as connection:
        assert connection.cursor().execute("PRAGMA busy_timeout").fetchone() == (20,)


def test_a_transaction_that_fails_lets_the_next_one_write(engine: Engine) -> None:
    write(engine, "taken")
    with pytest.raises(IntegrityError):
        write(engine, "taken")
    with Session(engine) as session:
        session.execute(text("INSERT INTO note VALUES ('thrown away')"))
        session.rollback()
        write(engine, "after a rollback")
    forgotten = engine.connect()
    forgotten.execute(text("INSERT INTO note VALUES ('forgotten')"))
    del forgotten
    gc.collect()  # the pool rolls it back
    write(engine, "after one that was forgotten")
    broken = engine.connect()
    broken.execute(text("INSERT INTO note VALUES ('broken')"))
    broken.invalidate()
    write(engine, "after one that was closed")
    assert names(engine) == ["taken", "after a rollback", "after one that was forgotten", "after one that was closed"]


def test_a_connection_takes_one_turn_for_each_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        for name in ("first", "third"):
            connection.execute(text("INSERT INTO note VALUES (:name)"), {"name": name})
            connection.commit()
            if name == "first":
                write(engine, "second")
    assert names(engine) == ["first", "second", "third"]


def test_a_writer_of_another_process_is_waited_for(engine: Engine) -> None:
    """Another process takes SQLite's lock without standing in this queue."""
    with closing(sqlite3.connect(engine.url.database or "", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO note VALUES ('theirs')")
        began = Event()

        def write_ours() -> None:
            began.set()
            write(engine, "ours")

        threads = [Thread(target=write_ours), Thread(target=write, args=(engine, "ours as well"))]
        threads[0].start()
        assert began.wait(10)
        wait_for_place(queue_of(engine))
        threads[1].start()
        wait_for_line(queue_of(engine), 1)
        other.execute("COMMIT")
    for thread in threads:
        thread.join()
    assert names(engine) == ["theirs", "ours", "ours as well"]


def wait_for_place(queue: WriteQueue) -> None:
    """Wait until somebody has the place of ``queue``."""
    while queue.enter(0):
        queue.leave()
        time.sleep(0.005)


def test_databases_in_memory_have_no_queue() -> None:
    engines = [create_engine("sqlite://") for _number in range(2)]
    with engines[0].begin() as first, engines[1].begin() as second:
        assert first.scalar(select(1)) == second.scalar(select(1)) == 1


@given(st.lists(st.booleans(), max_size=60))
def test_only_one_has_the_place_whatever_the_order_of_coming_and_going(steps: list[bool]) -> None:
    queue, is_taken = WriteQueue(), False
    for comes in steps:
        if comes:
            assert queue.enter(0) is not is_taken
            is_taken = True
        elif is_taken:
            queue.leave()
            is_taken = False
    assert queue.length == 0
