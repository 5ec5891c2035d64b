"""A dossier whose making was killed is made by the next server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpse_admin.sop.steps import Outcome
from models.inspection.dossier import Dossier, DossierState
from tests.support.cast import make_move, new_change
from tests.support.running_app import open_app
from views.inspection import making, periksa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import NewDatabase
    from tests.support.running_app import RunningApp

YEAR: dict[str, Any] = {"from": "2026-01-01", "until": "2026-12-31"}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def running_app(new_database: NewDatabase) -> Iterator[RunningApp]:
    with new_database("sqlite") as url, open_app(url) as created:
        with created.session() as session:
            change = new_change(session, created.cast(session).lumajang)
            make_move(session, change, Outcome.SUBMITTED, change.requester)
        yield created
        shutil.rmtree(created.app.config["DOSSIER_FOLDER"], ignore_errors=True)


def free_port() -> int:
    with socket.socket() as result:
        result.bind(("127.0.0.1", 0))
        port: int = result.getsockname()[1]
        return port


def start(running_app: RunningApp, *command: str) -> subprocess.Popen[bytes]:
    """Start a program on the database, in a group of processes of its own."""
    environment = os.environ | {
        "LPSE_DATABASE_URL": running_app.app.config["SQLALCHEMY_DATABASE_URI"],
        "LPSE_SECRET_KEY": "x" * 32,
        "LPSE_PORT": str(free_port()),
        "LPSE_ROUND_SECONDS": "1",
    }
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )


def wait_until(is_so: Callable[[], bool]) -> None:
    for _time in range(1200):
        if is_so():
            return
        time.sleep(0.1)
    pytest.fail("it did not come about")


@pytest.mark.sqlite_alone
def test_a_dossier_that_was_being_made_when_the_server_was_killed_is_made_by_the_next(running_app: RunningApp) -> None:
    answer = running_app.visitor("pemeriksa").post("/admin/inspection/", **YEAR)
    id_ = int(answer.location.rpartition("-")[2])
    folder = Path(running_app.app.config["DOSSIER_FOLDER"])

    def state() -> DossierState:
        with running_app.session() as session:
            return session.get_one(Dossier, id_).state

    first = start(running_app, "-m", "flask", "inspection", "work")
    wait_until((folder / f"{id_}.part").exists)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert state() is DossierState.MAKING

    server = start(running_app, "app.py")
    try:
        wait_until(lambda: state() is DossierState.READY)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    with running_app.app.app_context(), running_app.session() as session:
        path = making.dossier_path(session.get_one(Dossier, id_))
    assert periksa.verify(str(path)) == []
    assert sorted(one.name for one in folder.iterdir()) == sorted([path.name, "lock"])
