"""How many exports are made at once: one for each user and two for each process, so that pages are not slowed by them.

An export takes long because it is large or because its reader is slow; it counts until its last byte was taken.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from flask import current_app, g, request
from werkzeug.wsgi import ClosingIterator

from lpse_admin.errors import TooManyAttempts
from lpse_admin.i18n import _
from views.app.access import current_user_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask, Response

#: Exports at once, in one process.
MOST_EXPORTS = 2
#: Seconds after which an export counts no longer: its reader has gone away without a word.
_LONGEST = 15 * 60
_RETRY_SECONDS = 10
_KEY = "lpse_exports"


class Exports:
    """The exports that are being made, by the user; each has a number of its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[int, tuple[int, float]] = {}
        self._last = 0

    def enter(self, user_id: int) -> int:
        """Begin an export and return its number; raises TooManyAttempts if there are too many."""
        with self._lock:
            since = monotonic() - _LONGEST
            self._running = {number: one for number, one in self._running.items() if one[1] > since}
            if any(owner == user_id for owner, _at in self._running.values()):
                raise TooManyAttempts(
                    _("An export of yours is still being made. Wait until it is here, then start the next one."),
                    retry_after=_RETRY_SECONDS,
                )
            if len(self._running) >= MOST_EXPORTS:
                raise TooManyAttempts(
                    _("Others are exporting just now. Try again in %(seconds)s seconds.", seconds=_RETRY_SECONDS),
                    retry_after=_RETRY_SECONDS,
                )
            self._last += 1
            self._running[self._last] = (user_id, monotonic())
            return self._last

    def leave(self, number: int) -> None:
        """End an export."""
        with self._lock:
            self._running.pop(number, None)


def _enter() -> None:
    """Begin an export, if the request is one of somebody who is logged in."""
    user = current_user_or_none() if (request.endpoint or "").endswith(".export") else None
    if user is not None and request.method == "GET":
        g.export_number = current_app.extensions[_KEY].enter(user.id)


def _follow(response: Response) -> Response:
    """End the export when the last byte of its response was taken, or its reader is gone."""
    number: int | None = g.pop("export_number", None)
    if number is None:
        return response
    exports: Exports = current_app.extensions[_KEY]

    def leave() -> None:
        exports.leave(number)

    if response.is_streamed:
        # A file that is sent as it is has to be closed by its response; the iterator of its bytes does not close it.
        close_source = getattr(response.response, "close", _do_nothing)
        parts = _until_its_end(response.iter_encoded(), leave)
        response.response = ClosingIterator(parts, [close_source, leave])
    else:
        leave()  # it is whole already: sending it costs next to nothing
    response.call_on_close(leave)
    return response


def _do_nothing() -> None:
    """Close what needs no closing."""


def _until_its_end(parts: Iterator[bytes], leave: Callable[[], None]) -> Iterator[bytes]:
    """Yield the parts of a response, then call ``leave``."""
    try:
        yield from parts
    finally:
        leave()


def init_app(app: Flask) -> None:
    """Limit the exports of ``app`` that are made at once; one too many is answered with 429."""
    app.extensions[_KEY] = Exports()
    app.before_request(_enter)
    app.after_request(_follow)
