"""The tests' own ground: each has a database and a window to itself, and nothing is left running."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from models.database import db
from models.search.index import is_declared_by_models
from tests.support.pages.browser import serve_app
from tests.support.servers import postgres

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_the_whole_schema_and_what_another_wrote_is_gone(database_url: str, turn: int) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        result = filter(is_declared_by_models, inspect(connection).get_table_names())
        assert set(result) == {*db.metadata.tables, "alembic_version"}
        connection.execute(text("CREATE TABLE trace (turn INTEGER)"))
        connection.execute(text("INSERT INTO trace VALUES (:turn)"), {"turn": turn})


@pytest.mark.postgres
def test_the_server_is_a_postgresql_that_keeps_another_zone_than_the_program(postgres_url: str) -> None:
    engine = create_engine(postgres_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT lower('ÀÉ')")) == "àé"
        assert connection.scalar(text("SHOW timezone")) == "Asia/Jayapura"


@pytest.mark.postgres
def test_the_server_ends_with_the_process_that_started_it_even_a_killed_one() -> None:
    program = (
        "from tests.support.servers import postgres; server = postgres.Server();"
        "postgres.connect(server.folder).close(); print(server.folder, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        process.send_signal(signal.SIGKILL)
    for _ in range(postgres.STARTUP_TIMEOUT * 20):
        if not folder.exists():
            break
        time.sleep(0.05)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_the_browser_reaches_an_application_that_a_test_serves(page: Page) -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "<title>LPSE</title><script>document.title += navigator.language</script>")
    with serve_app(app) as address:
        page.goto(address)
        assert page.title() == "LPSEid-ID"


#: What speaks to other machines, and whom: mail server, time stamps, virus scanner, identity provider.
SPEAKERS = {
    "models/notifications/smtp_client.py": {"smtplib", "socket"},
    "models/integrity/anchors/time_stamps.py": {"http.client"},
    "models/documents/scanner.py": {"socket"},
    "views/app/authentication/identity_provider.py": {"authlib", "requests"},
}
_SPEAKING = ("requests", "urllib.request", "urllib3", "http.client", "socket", "smtplib", "ftplib", "authlib", "httpx")


def _imported(file: Path) -> set[str]:
    """Return the modules that a file imports, by their full names."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    absolute = [node for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return plain | {node.module for node in absolute if node.module}


@pytest.mark.rules
def test_only_what_the_settings_name_is_spoken_to_and_by_these_modules_alone() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [file for part in ("lpse_admin", "models", "views") for file in (root / part).rglob("*.py")]
    found = {
        str(file.relative_to(root)): names
        for file in files
        if (names := {known for name in _imported(file) for known in _SPEAKING if f"{name}.".startswith(f"{known}.")})
    }
    assert found == SPEAKERS
