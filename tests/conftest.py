"""What every test can ask for: a database of its own on both kinds, and a browser."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import pytest
from argon2 import PasswordHasher
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings
from playwright.sync_api import sync_playwright

import models.accounts.user
from models.audit import seal
from models.audit.seal import KeyRing
from models.database import db
from tests.support import migrations
from tests.support.cast import cast, session, shared  # noqa: F401 - fixtures for every test
from tests.support.pages import browser as chromium
from tests.support.servers import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import psycopg
    from playwright.sync_api import Browser, ConsoleMessage, Page

    Kind = Literal["sqlite", "postgresql"]
    NewDatabase = Callable[[Kind], AbstractContextManager[str]]


# No test times anything, and a failure found on one machine is found on every other.
settings.register_profile(
    "running_app", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("running_app")


#: Fixtures behind which there is a database.
_DATABASE_FIXTURES = frozenset({"new_database", "sqlite_template", "postgres_url", "browser"})


def create_schema(url: str) -> None:
    """Bring the empty database at `url` to the present schema by its migrations; once for each kind and worker."""
    with migrations.migration_app(url):
        upgrade()
        with db.engine.connect() as connection:
            if missing := migrations.differences(connection):
                pytest.exit(f"the migrations are not what the models say, see `make migration`: {missing}", 1)


def pytest_configure(config: pytest.Config) -> None:
    """Hash passwords at little cost, seal as all apps here do, and start one PostgreSQL for all workers."""
    seal.set_keys(KeyRing.of("x" * 32))
    models.accounts.user._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    if config.getoption("numprocesses") and not config.getoption("collectonly"):
        server = postgres.Server()
        config.add_cleanup(server.stop)
        os.environ[postgres.VARIABLE] = str(server.folder)


#: Files that take long or have a dear fixture for all of their tests, the longest first: the workers begin with them.
_SLOW_FILES = (
    "test_screens_browser", "test_browser_journey", "test_translations", "test_isolation", "test_moves_http",
    "test_http_fuzz", "test_outbox", "test_routes", "test_http_security", "test_list_cost", "test_demo",
    "test_browser_keyboard",
)  # fmt: skip


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark each test, leave out what the database makes no difference to, and deal the rest out to the workers."""
    _add_markers(items)
    left_out = {item for item in items if item.get_closest_marker("sqlite_alone") and _on_postgres(item)}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    yield  # the marks that were asked for are chosen, and the tests that share a fixture brought together
    items[:] = _distribute(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _on_postgres(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgres") is not None


def _add_markers(items: list[pytest.Item]) -> None:
    """Mark what needs a browser, and what needs neither one nor a database: the rules in plain Python."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if "browser" in asked:
            item.add_marker("browser")
        if asked.isdisjoint(_DATABASE_FIXTURES):
            item.add_marker("rules")


def _distribute(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests so that each worker's share begins with some of the dear files and ends with cheap tests.

    Each worker is given an equal share of the list, and whoever is through first takes from the end of another's: so
    the dearest files run side by side, and no file's dear fixture is set up by two.
    """
    if {_file_name(item) for item in items}.isdisjoint(_SLOW_FILES):
        return items
    shares = [
        [item for name in _SLOW_FILES[worker::workers] for item in items if _file_name(item) == name]
        for worker in range(workers)
    ]
    cheap = [item for item in items if _file_name(item) not in _SLOW_FILES]
    dealt: list[pytest.Item] = []
    for worker, share in enumerate(shares):
        size = len(items) * (worker + 1) // workers - len(dealt)
        room = max(size - len(share), 0) if worker + 1 < workers else len(cheap)
        dealt += [*share, *cheap[:room]]
        cheap = cheap[room:]
    return dealt


def _file_name(item: pytest.Item) -> str:
    return item.path.stem


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that a part of the tests has not run."""
    if any(chromium.MISSING_MESSAGE in str(report.longrepr) for report in terminalreporter.getreports("skipped")):
        terminalreporter.section("INCOMPLETE", sep="!", yellow=True, bold=True)
        terminalreporter.line(chromium.MISSING_MESSAGE, yellow=True, bold=True)


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[str]:
    """Where the run's PostgreSQL listens. Without workers it is started here, by the first test that needs it."""
    if folder := os.environ.get(postgres.VARIABLE):
        yield folder
        return
    server = postgres.Server()
    yield str(server.folder)
    server.stop()


@pytest.fixture(scope="session")
def postgres_connection(postgres_folder: str) -> Iterator[psycopg.Connection]:
    """Give the connection that makes and drops this worker's databases."""
    with postgres.connect(postgres_folder) as connection:
        yield connection


@pytest.fixture(scope="session")
def postgres_url(postgres_folder: str, postgres_connection: psycopg.Connection) -> str:
    """Give the address of PostgreSQL's own first database, empty, for tests of the server itself."""
    return postgres.url(postgres_folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with the schema and nothing else, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    create_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_folder: str, postgres_connection: psycopg.Connection) -> str:
    """Give the name of a database with the schema and nothing else, to be copied; one for each worker."""
    name = f"template_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    postgres_connection.execute(f'CREATE DATABASE "{name}"')
    create_schema(postgres.url(postgres_folder, name))
    return name


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Give a function that makes a database with the full schema, for a fixture that lives longer than a test.

    `with new_database("postgresql") as url:`. Connections left open at the end of it are cut.
    """

    @contextmanager
    def make(kind: Kind) -> Iterator[str]:
        if kind == "sqlite":
            with TemporaryDirectory(prefix="lpse-", dir=postgres.temporary_folder()) as folder:
                copy = shutil.copy(request.getfixturevalue("sqlite_template"), folder)
                yield f"sqlite:///{copy}"
        else:
            connection = request.getfixturevalue("postgres_connection")
            with postgres.copied_database(request.getfixturevalue("postgres_template"), connection) as name:
                yield postgres.url(request.getfixturevalue("postgres_folder"), name)

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """Run the test once on each kind of database, and give it the address of a fresh one with the full schema."""
    with new_database(request.param) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give one Chromium for the worker; where there is none, the test is skipped and the summary says so."""
    path = chromium.find_browser()
    if path is None:
        pytest.skip(chromium.MISSING_MESSAGE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give an empty window with no cookies, as an Indonesian has it; an error on its console fails the test."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A refusal has a status of its own, which Chromium reports as a resource that failed to load.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    with browser.new_context(locale="id-ID", timezone_id="Asia/Jakarta", reduced_motion="reduce") as context:
        window = context.new_page()
        window.on("console", note)
        window.on("pageerror", lambda error: errors.append(str(error)))
        yield window
    assert not errors
