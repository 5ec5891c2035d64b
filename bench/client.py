"""One browser on one connection that stays open, and the process that it talks to."""

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

_ROOT = Path(__file__).resolve().parent.parent
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_CHUNK = 1 << 16
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TimedResponse:
    """What came back: times in seconds from the sending of the request."""

    status: int
    body: bytes
    length: int
    first_byte: float
    seconds: float


class ProgramClient:
    """One of the two programs, running, with somebody who uses it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        """Open the connection."""
        self._process, self._port = process, port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._cookies: dict[str, str] = {}
        self.token = ""

    def open_session(self) -> ProgramClient:
        """Return another browser on the same program."""
        return ProgramClient(self._process, self._port)

    def get(self, path: str, *, keep_body: bool = True) -> TimedResponse:
        """Ask for a page; an export's body is counted, not kept."""
        return self._request("GET", path, None, keep_body=keep_body)

    def post(self, path: str, fields: Mapping[str, str]) -> TimedResponse:
        """Send a form."""
        return self._request("POST", path, {**fields, "csrf_token": self.token}, keep_body=True)

    def log_in(self, username: str, password: str) -> None:
        """Become somebody else."""
        self._cookies.clear()
        self.token = self._read_token("/login")
        answer = self.post("/login", {"username": username, "password": password})
        assert answer.status == http.HTTPStatus.SEE_OTHER, answer.body.decode()
        self.token = self._read_token("/")

    def _read_token(self, path: str) -> str:
        found = _TOKEN.search(self.get(path).body.decode())
        assert found is not None, f"{path} has no form"
        return found[1]

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
        response.read()  # http.client takes the next question only when it was told that there is no more
        for cookie in response.headers.get_all("Set-Cookie", ()):
            name, _equals, rest = cookie.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return TimedResponse(response.status, b"".join(parts), length, first_byte, seconds)

    # -- memory ------------------------------------------------------------------------------------------------

    def reset_peak_memory(self) -> float | None:
        """Begin to watch the process's memory; return what it has now in MiB, or None where that cannot be told."""
        try:
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return None
        return self._memory("VmRSS")

    def peak_memory(self) -> float:
        """Return the most memory that the process has had since, in MiB."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024 / _MIB


@contextmanager
def run_program(side: str, database: Path) -> Iterator[ProgramClient]:
    """Run one of the two programs on ``database`` while the block lasts."""
    words = [sys.executable, "-m", "bench.server", side, f"sqlite:///{database}"]
    with subprocess.Popen(words, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            assert process.stdout is not None
            yield ProgramClient(process, int(process.stdout.readline()))
        finally:
            process.terminate()
