"""A program whose clock stands until it is moved, on both kinds of database."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.support.program import close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import NewDatabase


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time

    def forward(self, **by: float) -> None:
        """Move it."""
        self.time += dt.timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def program(new_database: NewDatabase, clock: Clock) -> Iterator[Flask]:
    """Give the program on SQLite, where nothing hangs on the kind of database."""
    with new_database("sqlite") as url:
        app = make_app(url, clock=clock)
        yield app
        close_app(app)
