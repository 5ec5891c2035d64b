"""An HTTP client with one persistent connection, and the server process that it measures."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT = Path(__file__).resolve().parents[2]
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_CHUNK = 1 << 16
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TimedResponse:
    """A response; times in seconds since the request was sent."""

    status: int
    body: bytes
    length: int
    first_byte: float
    seconds: float


class ProgramClient:
    """A logged-in client of one of the two running programs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        """Open the connection."""
        self._process, self._port = process, port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._cookies: dict[str, str] = {}
        self.token = ""

    def open_session(self) -> ProgramClient:
        """Return another client of the same process."""
        return ProgramClient(self._process, self._port)

    def get(self, path: str, *, keep_body: bool = True) -> TimedResponse:
        """Send a GET request; without ``keep_body`` only the length of the body is returned."""
        return self._request("GET", path, None, keep_body=keep_body)

    def post(self, path: str, fields: Mapping[str, str]) -> TimedResponse:
        """Send a form with the CSRF token."""
        return self._request("POST", path, {**fields, "csrf_token": self.token}, keep_body=True)

    def log_in(self, username: str, password: str) -> None:
        """Log in with a new session."""
        self._cookies.clear()
        self.token = self._read_token("/login")
        response = self.post("/login", {"username": username, "password": password})
        assert response.status == http.HTTPStatus.SEE_OTHER, response.body.decode()
        self.token = self._read_token("/")

    def _read_token(self, path: str) -> str:
        match = _TOKEN.search(self.get(path).body.decode())
        assert match is not None, f"{path} has no form"
        return match[1]

    def _request(self, method: str, path: str, fields: Mapping[str, str] | None, *, keep_body: bool) -> TimedResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields)
        begin = time.perf_counter()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        parts = [response.read1(_CHUNK)]
        first_byte = time.perf_counter() - begin
        length = len(parts[0])
        while chunk := response.read1(_CHUNK):
            length += len(chunk)
            if keep_body:
                parts.append(chunk)
        seconds = time.perf_counter() - begin
        response.read()  # http.client requires a read to the end before the next request
        for cookie in response.headers.get_all("Set-Cookie", ()):
            name, _equals, rest = cookie.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return TimedResponse(response.status, b"".join(parts), length, first_byte, seconds)

    # -- memory ------------------------------------------------------------------------------------------------

    def reset_peak_memory(self) -> float | None:
        """Reset the peak memory of the process; return its current memory in MiB, or None if not supported."""
        try:
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return None
        return self._memory("VmRSS")

    def peak_memory(self) -> float:
        """Return the peak memory of the process since the reset, in MiB."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024 / _MIB


@contextmanager
def run_program(side: str, database: Path) -> Iterator[ProgramClient]:
    """Run one of the two programs on ``database`` during the with block."""
    command = [sys.executable, "-m", "bench.program.server", side, f"sqlite:///{database}"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - own module
        try:
            assert process.stdout is not None
            yield ProgramClient(process, int(process.stdout.readline()))
        finally:
            process.terminate()
