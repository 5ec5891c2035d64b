"""The cost of lists, in statements and query plans, for each kind of user, order and filter."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from flask import g
from sqlalchemy import event, select
from sqlalchemy.pool import QueuePool

import demo
from app import create_app
from lpse_admin.config import RunMode, Settings
from models.accounts.user import User
from models.database import db, takes_write_lock
from tests.support.program import Visitor, close_app
from views.deviations.deviations import UserFilter
from views.listing import lists
from views.listing.filters.agency import AgencyFilter
from views.listing.filters.kinds import DateRangeFilter, TextFilter
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import NewDatabase
    from views.listing.filters.kinds import Filter

#: One user of each kind: of an office, only a requester, and the superadmin.
READERS = ("kepala", "pengelola", "pemeriksa", "plh", "pemohon", "admin")
SCOPES = ("kepala", "pemohon", "admin")

#: Tables that grow with the requests. Those of the office itself (users, SOPs, assets) stay small.
GROWING = frozenset({"activity", "change_request", "audit_entry", "document", "notification", "step_time"})

#: The most statements of a page: user, delegation, unread notifications, rows, count, queue, calendars, SOPs, and the
#: absence of the head.
MOST_STATEMENTS = 10

_STEP_OF_A_PLAN = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(?: \((.*)\))?")
#: The columns of the scope's criterion.
_WHOLE = frozenset({"agency_id=?", "chain=?"})
#: The index of drafts, which are few.
_SMALL = frozenset({"ix_change_draft"})


@pytest.fixture(scope="module")
def program(new_database: NewDatabase) -> Iterator[Flask]:
    """Return the app on SQLite with more than a hundred requests for each office."""
    with new_database("sqlite") as url:
        app = create_app(Settings(run_mode=RunMode.DEMO, database_url=url, secret_key="x" * 32))
        with app.app_context():
            demo.make_register(db.session(), requests=240)
        yield app
        close_app(app)


@pytest.fixture(params=["as SQLite guesses", "analysed"])
def planner(request: pytest.FixtureRequest, program: Flask) -> Iterator[Flask]:
    """Run the test without statistics, as the app leaves the database, and after ANALYZE."""
    with program.app_context(), db.engine.connect() as connection:
        if request.param == "analysed":
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
    yield program
    with program.app_context(), db.engine.connect() as connection:
        if request.param == "analysed":
            connection.exec_driver_sql("DELETE FROM sqlite_stat1")
            connection.exec_driver_sql("ANALYZE sqlite_schema")
            connection.commit()
        db.engine.dispose()


@contextmanager
def noted(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """Record every statement with its parameters."""
    result: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN")):
            result.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield result
    event.remove(engine, "before_cursor_execute", note)


def screens(app: Flask) -> list[RecordView]:
    """Return all screens with a list."""
    return [view for view in app.extensions["admin"][0]._views if isinstance(view, RecordView)]


def variants(view: RecordView, username: str) -> Iterator[str]:
    """Yield the addresses of a list in every order and with every single filter that the reader has."""
    spec = view.spec
    yield ""
    for column in spec.column_list:
        if column.sortable:
            yield from (f"sort={column.key}", f"sort=-{column.key}")
    for entry in spec.column_filters:
        if username == "admin" or not isinstance(entry, AgencyFilter):
            yield from narrowed(entry)


def narrowed(entry: Filter) -> Iterator[str]:
    """Yield the address for every value of a filter."""
    if isinstance(entry, DateRangeFilter):
        first, last, _period = entry.parameter_names()
        yield f"{first}=2025-02-03&{last}=2025-02-04"
    elif isinstance(entry, UserFilter | AgencyFilter):
        yield f"{entry.key}=1"
    elif isinstance(entry, TextFilter):
        yield f"{entry.key}=x"
    else:
        yield from (f"{entry.key}={value}" for value, _title in entry.options())  # type: ignore[attr-defined]


@pytest.mark.parametrize("username", READERS)
def test_more_rows_on_a_page_never_cost_more_statements(
    program: Flask, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZES", (1, 10, 100))
    reader = Visitor(program, username)
    shown, dear = set(), []
    for view in screens(program):
        counts = []
        for size in lists.PAGE_SIZES:
            with noted(program) as statements:
                answer = reader.get(f"{view.url}/?size={size}")
            counts.append(len(statements))
            if size == 100 and answer.text.count("<tr>") > 100:
                shown.add(view.endpoint)
        if answer.status_code == 200 and (sorted(counts, reverse=True) != counts or counts[0] > MOST_STATEMENTS):
            dear.append((view.endpoint, counts))
    assert not dear
    if username not in {"pemohon", "plh"}:
        assert shown >= {"change", "evaluation", "document"}


@pytest.mark.parametrize("username", SCOPES)
def test_every_list_is_read_along_an_index_in_every_order_and_by_every_filter(planner: Flask, username: str) -> None:
    result: list[str] = []
    for view in screens(planner):
        for variant in variants(view, username):
            costly = filter(is_costly, plans(planner, view, username, variant))
            result.extend(f"{view.endpoint}?{variant}\n{plan}" for plan in costly)
    assert not result, "\n\n".join(result)


def is_costly(plan: str) -> bool:
    """Whether a growing table is read as a whole, or all of its rows in the scope.

    The first table may be, if it is read in the order of the list: reading stops at the end of the page.
    """
    read = [match.groups() for match in map(_STEP_OF_A_PLAN.match, plan.splitlines()) if match]
    wholly = [
        table in GROWING and index not in _SMALL and (verb == "SCAN" or narrowed_by in _WHOLE)
        for verb, table, index, narrowed_by in read
    ]
    return any(wholly if "USE TEMP B-TREE FOR ORDER BY" in plan else wholly[1:])


def plans(app: Flask, view: RecordView, username: str, variant: str) -> Iterator[str]:
    """Yield the query plan of each statement of a list for a user."""
    with app.test_request_context(f"{view.url}/?{variant}"):
        takes_write_lock.set(False)
        user = db.session.scalars(select(User).where(User.username == username)).one()
        g._login_user = g.current_user = user
        if not view.is_accessible():
            return
        listing, columns = view.list_query(), view.get_columns(in_list=True)
        with noted(app) as statements:
            listing.page(db.session(), columns)
            listing.count(db.session())
        connection = db.session().connection()
        for statement, parameters in statements:
            lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            yield "\n".join(line.detail for line in lines)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_reader_who_hangs_up_in_mid_export_leaves_nothing_open(program: Flask, kind: str) -> None:
    reader = Visitor(program, "pemeriksa")
    answer = reader.client.get(f"/admin/change/export/{kind}/", buffered=False)
    assert answer.status_code == 200
    assert next(answer.iter_encoded())
    if kind == "csv":
        assert next(answer.iter_encoded())
    answer.close()
    with program.app_context():
        assert isinstance(db.engine.pool, QueuePool)
        assert db.engine.pool.checkedout() == 0
