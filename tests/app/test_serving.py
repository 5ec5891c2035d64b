"""The production server with many idle and half-sent connections."""

from __future__ import annotations

import socket
import threading
import urllib.request
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from waitress import create_server

from app import SERVING
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running_app import RunningApp

IDLE = b""
HALF_SENT = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nusername="


@pytest.fixture
def port(running_app: RunningApp) -> Iterator[int]:
    """Serve the program by waitress, as `python app.py` does."""
    server = create_server(running_app.app, host="127.0.0.1", port=0, **SERVING)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.trigger.pull_trigger(server.close)
        thread.join()
        server.task_dispatcher.shutdown()


@contextmanager
def connections(port: int, count: int, sent: bytes) -> Iterator[None]:
    """Hold this many connections open on which ``sent`` was sent and no more comes."""
    with ExitStack() as held:
        for _each in range(count):
            held.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(sent)
        yield


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("sent", [IDLE, HALF_SENT], ids=["idle", "half-sent"])
def test_two_hundred_connections_that_say_nothing_keep_nobody_waiting(port: int, sent: bytes) -> None:
    with (
        connections(port, 200, sent),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer,
    ):
        assert answer.status == 200
