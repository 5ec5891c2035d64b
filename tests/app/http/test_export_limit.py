"""Exports at once: one for each user, two for the server, and what the next one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.errors import TooManyAttempts
from tests.support.program import Visitor, close_app, make_app
from views.app.http.limits.export_limit import MOST_EXPORTS, Exports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase

EXPORT = "/admin/sop/export/csv/"


@pytest.fixture
def program(new_database: NewDatabase) -> Iterator[Flask]:
    """Give the program on SQLite, where nothing hangs on the kind of database."""
    with new_database("sqlite") as url:
        app = make_app(url)
        yield app
        close_app(app)


def begin(visitor: Visitor) -> TestResponse:
    """Begin an export without reading it to its end."""
    return visitor.client.get(EXPORT, buffered=False)


def test_a_reader_has_one_export_at_a_time_and_the_next_when_it_was_read(program: Flask) -> None:
    head = Visitor(program, "kepala")
    first = begin(head)
    assert first.status_code == 200
    refused = head.get(EXPORT)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert "masih dibuat" in refused.text
    assert head.get("/admin/sop/").status_code == 200
    assert first.data
    second = begin(head)
    assert second.status_code == 200
    second.close()
    assert begin(head).status_code == 200


def test_a_server_makes_two_exports_at_a_time(program: Flask) -> None:
    exports: Exports = program.extensions["lpse_exports"]
    running = [exports.enter(user_id) for user_id in (901, 902)]
    head = Visitor(program, "kepala")
    refused = head.get(EXPORT, json=True)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert "detik" in refused.get_json()["error"]
    exports.leave(running[0])
    assert begin(head).status_code == 200


def test_a_refused_export_holds_no_place(program: Flask) -> None:
    clerk = Visitor(program, "kepala")
    for _time in range(MOST_EXPORTS + 1):
        assert clerk.get("/admin/sop/export/nothing/").status_code == 404
    assert begin(clerk).status_code == 200


def test_an_export_whose_reader_is_gone_without_a_word_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    exports, seconds = Exports(), [0.0]
    monkeypatch.setattr("views.app.http.limits.export_limit.monotonic", lambda: seconds[0])
    first = exports.enter(1)
    with pytest.raises(TooManyAttempts):
        exports.enter(1)
    seconds[0] = 15 * 60 + 1
    exports.enter(1)
    exports.leave(first)
    with pytest.raises(TooManyAttempts):
        exports.enter(1)
