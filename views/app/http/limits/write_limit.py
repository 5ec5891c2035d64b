"""How many requests may write at once: some threads of the server always stay for those that only read.

A writer may wait for another one that holds SQLite's lock or a row of PostgreSQL for seconds. Without a limit as many
waiting writers as the server has threads would keep every reader waiting too.
"""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import g, request

from views.app.errors import busy_response

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

#: Methods that do not write.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Requests that write at once, in one process; less than the server's threads (``SERVING`` in app.py).
MOST_WRITERS = 18
#: Seconds that a further one waits before it is refused.
_PATIENCE_SECONDS = 1.0


def init_app(app: Flask) -> None:
    """Limit the requests of ``app`` that write at once; one too many is answered with 503."""
    writers = BoundedSemaphore(MOST_WRITERS)

    def enter() -> Response | None:
        if request.method in SAFE_METHODS:
            return None
        if not writers.acquire(timeout=_PATIENCE_SECONDS):
            return busy_response()
        g.is_writer = True
        return None

    def leave(_error: BaseException | None) -> None:
        if g.pop("is_writer", False):
            writers.release()

    app.before_request(enter)
    app.teardown_request(leave)
