"""Setting a layout and data as PDF/A-2a and PDF/UA-1, by typst in a process of its own."""

from __future__ import annotations

import atexit
import base64
import json
import os
import select
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

_WORKER = Path(__file__).with_name("typst_worker.py")
#: Seconds that one paper may take, and papers after which the process is replaced, since it keeps what it has read.
_TIME_LIMIT, _JOBS = 60, 400
#: Where nothing listens, so that typst fetches no package.
_NOWHERE = "http://127.0.0.1:9"
TOO_MUCH = "the layout takes too much time or memory"


class LayoutError(Exception):
    """A layout that cannot be set: typst's message, with the file and the line where there is one."""

    def __init__(self, message: str, file: str = "", line: str = "") -> None:
        """Store the message and its place."""
        super().__init__(message)
        self.message, self.file, self.line = message, file, line


class _Worker:
    """A running process with its pipes, and how many jobs it may still do."""

    def __init__(self) -> None:
        """Start the process."""
        read_jobs, write_jobs = os.pipe()
        read_answers, write_answers = os.pipe()
        self.pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", str(_WORKER)],
            dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), _NOWHERE),
            file_actions=[(os.POSIX_SPAWN_DUP2, read_jobs, 0), (os.POSIX_SPAWN_DUP2, write_answers, 1)],
        )
        os.close(read_jobs)
        os.close(write_answers)
        self.jobs, self.answers = os.fdopen(write_jobs, "wb"), os.fdopen(read_answers, "rb")
        self.jobs_left = _JOBS

    def ask(self, job: bytes) -> bytes:
        """Return the answer to a job, a line; empty if the process died or took too long."""
        self.jobs_left -= 1
        try:
            self.jobs.write(job)
            self.jobs.flush()
        except BrokenPipeError:
            return b""
        is_ready, _writable, _failed = select.select([self.answers], [], [], _TIME_LIMIT)
        return self.answers.readline() if is_ready else b""

    def stop(self) -> None:
        """End the process."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(BrokenPipeError):
            self.jobs.close()
        self.answers.close()
        os.waitpid(self.pid, 0)


_lock = threading.Lock()
#: By process id, since a forked server has its own.
_workers: dict[int, _Worker] = {}


def typeset(files: Mapping[str, bytes], at: dt.datetime) -> bytes:
    """Return the PDF of ``main.typ`` among ``files``, dated ``at``; raises LayoutError.

    The same files and time give the same bytes.
    """
    encoded = {name: base64.b64encode(content).decode() for name, content in files.items()}
    job = json.dumps({"files": encoded, "at": at.isoformat(timespec="seconds")}).encode() + b"\n"
    with _lock:
        answer = _ask(job)
    if "pdf" in answer:
        return base64.b64decode(answer["pdf"])
    raise LayoutError(answer["error"], answer["file"], answer["line"])


def _ask(job: bytes) -> dict[str, Any]:
    worker = _workers.get(os.getpid())
    if worker is not None and worker.jobs_left == 0:
        worker.stop()
        worker = None
    if worker is None:
        worker = _workers[os.getpid()] = _Worker()
    if line := worker.ask(job):
        answer: dict[str, Any] = json.loads(line)
        return answer
    _workers.pop(os.getpid()).stop()
    return {"error": TOO_MUCH, "file": "", "line": ""}


@atexit.register
def _stop_worker() -> None:
    worker = _workers.pop(os.getpid(), None)
    if worker is not None:
        worker.stop()
