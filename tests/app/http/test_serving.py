"""The production server with many idle and half-sent connections."""

from __future__ import annotations

import re
import socket
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from app import SERVING
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.app.http.serving import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.running_app import RunningApp

IDLE = b""
HALF_SENT = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nusername="


@pytest.fixture
def server(running_app: RunningApp) -> Iterator[Server]:
    """Serve the program as `python app.py` does."""
    with serving(running_app.app) as started:
        yield started


@pytest.fixture
def port(server: Server) -> int:
    """Give the port of the served program."""
    return server.port


@contextmanager
def serving(app: Callable[..., Any]) -> Iterator[Server]:
    """Serve an app, and stop at the end."""
    server = Server(app, "127.0.0.1", 0, **SERVING)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


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


def test_a_request_that_is_running_is_answered_before_the_server_ends() -> None:
    entered, released = threading.Event(), threading.Event()

    def slow(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        entered.set()
        assert released.wait(30)
        start_response("200 OK", [("Content-Length", "7")])
        return [b"selesai"]

    with ThreadPoolExecutor(1) as pool, serving(slow) as server:
        url = f"http://127.0.0.1:{server.port}/"
        answer = pool.submit(lambda: urllib.request.urlopen(url, timeout=30).read())
        assert entered.wait(30)
        server.stop()
        _wait_until_refused(server.port)
        released.set()
        assert answer.result(30) == b"selesai"


def _wait_until_refused(port: int) -> None:
    """Wait until nothing listens on a port any more."""
    for _attempt in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"port {port} still accepts connections")


@pytest.mark.sqlite_alone
def test_writers_that_wait_for_somebody_else_s_lock_leave_the_readers_alone(running_app: RunningApp, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    count = SERVING["threads"] + 4
    forms = [_login_form(url) for _each in range(count)]
    with running_app.engine.connect() as holder, ThreadPoolExecutor(count + 10) as pool:
        holder.begin()  # takes the write lock of SQLite
        writers = [pool.submit(_status, form) for form in forms]
        readers = [pool.submit(_status, f"{url}/healthz") for _each in range(10)]
        assert [reader.result(30) for reader in readers] == [200] * 10
        first = next(as_completed(writers, timeout=60))
        assert first.result() == 503  # they did wait for the lock, and no longer than they may
        holder.rollback()
        assert {writer.result(60) for writer in writers} <= {401, 429, 503}


def _login_form(url: str) -> urllib.request.Request:
    """Return a filled login form, of a browser of its own."""
    with urllib.request.urlopen(f"{url}/login", timeout=30) as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
        cookie = page.headers["Set-Cookie"].partition(";")[0]
    assert token
    sent = urlencode({"csrf_token": token[1], "username": "tidak-ada", "password": "salah"}).encode()
    return urllib.request.Request(f"{url}/login", data=sent, headers={"Cookie": cookie})


def _status(asked: str | urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_CHUNKED = b"0\r\n\r\n" + SMUGGLED
_LENGTH = b"Content-Length: %d\r\n" % len(_CHUNKED)


@pytest.mark.parametrize(
    "head",
    [
        b"Transfer-Encoding: chunked\r\n" + _LENGTH,
        _LENGTH + b"Transfer-Encoding: chunked\r\n",
        _LENGTH + b"Transfer-Encoding: xchunked\r\n",
        _LENGTH + b"Transfer-Encoding: chunked, identity\r\n",
        _LENGTH + b"Transfer-Encoding : chunked\r\n",
        _LENGTH + b"Transfer-Encoding:\x0bchunked\r\n",
        _LENGTH + b"X: y\r\n Transfer-Encoding: chunked\r\n",
        _LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 0\r\n" + _LENGTH,
        _LENGTH + b"Content-Length: 0\r\n",
        b"Content-Length: 0, %d\r\n" % len(_CHUNKED),
        b"Content-Length: +%d\r\n" % len(_CHUNKED),
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x10\r\n",
        b"Content-Length: 1_0\r\n",
        "Content-Length: ١\r\n".encode(),
        b"Transfer-Encoding: gzip\r\n",
    ],
    ids=lambda head: repr(head)[2:-1],
)
def test_a_message_whose_end_is_in_doubt_hides_no_second_one(head: bytes) -> None:
    seen: list[str] = []

    def note(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        environ["wsgi.input"].read()
        seen.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    with serving(note) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(20)
        connection.sendall(b"POST /first HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n" + _CHUNKED)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    statuses = re.findall(rb"HTTP/1\.\d (\d+)", answer)
    assert "/smuggled" not in seen or b"400" in statuses[:1], (seen, answer)
    assert seen in ([], ["/first"]), (seen, answer)
    assert statuses, answer
