"""The program's own server, waitress, which answers the requests that are running before it ends."""

from __future__ import annotations

import gc
import signal
import time
from typing import TYPE_CHECKING, Any

from typing_extensions import override
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that running requests have after SIGTERM; systemd kills what is still there after 90.
GRACE_SECONDS = 30.0


def keep_what_is_loaded() -> None:
    """Spare the garbage collector what was loaded by now, which stays until the end: a tenth of each page's time."""
    gc.collect()
    gc.freeze()


class _Parser(HTTPRequestParser):
    """Refuses a message that says its length in two ways (RFC 9112, 6.3): a proxy may have read the other one."""

    @override
    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("both Transfer-Encoding and Content-Length")


class _Channel(HTTPChannel):
    parser_class = _Parser


class Server:
    """A server of waitress that listens from the start, and stops when it is told to."""

    def __init__(self, app: Callable[..., Any], host: str, port: int, **adjustments: object) -> None:
        """Listen on ``host`` and ``port``; raises OSError where that is not possible."""
        self._sockets: dict[int, wasyncore.dispatcher] = {}
        self._server = create_server(app, map=self._sockets, host=host, port=port, **adjustments)
        for one in self._sockets.values():
            if isinstance(one, BaseWSGIServer):
                one.channel_class = _Channel
        self._is_stopping = False

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return next(one.effective_port for one in self._sockets.values() if isinstance(one, BaseWSGIServer))

    def stop(self, *_signal: object) -> None:
        """Accept nothing more, and end when the running requests are answered; also a handler of signals."""
        self._is_stopping = True

    def run_until_signal(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        keep_what_is_loaded()
        self.run()

    def run(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Serve until ``stop``, and then until every running request is answered, at most ``grace_seconds``."""
        while not self._is_stopping:
            self._turn()
        for listening in [one for one in self._sockets.values() if isinstance(one, BaseWSGIServer)]:
            listening.del_channel(self._sockets)
            listening.socket.close()
        end = time.monotonic() + grace_seconds
        while self._is_answering() and time.monotonic() < end:
            self._turn()
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _turn(self) -> None:
        """Read and write what can be, and wait at most a second for it."""
        wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)

    def _is_answering(self) -> bool:
        """Whether a request is being worked on, or an answer not yet sent."""
        channels = [one for one in self._sockets.values() if isinstance(one, HTTPChannel)]
        return any(channel.requests or channel.total_outbufs_len for channel in channels)
