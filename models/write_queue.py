"""The queue of a process's writers on SQLite: whoever came first writes first.

SQLite has one writer, and a connection that waits for it asks again ever less often, a tenth of a second apart in the
end, so that whoever has just arrived overtakes those who have waited longest. Within a process writers therefore wait
in a queue, and the first of it takes the lock of SQLite, which it shares with other processes. The queue gives the
order alone: SQLite's lock is what keeps writers apart.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from threading import Lock

#: The queues of this process, by database file.
_queues: dict[str, WriteQueue] = {}
_queues_lock = Lock()


class WriteQueue:
    """One place to write, and who waits for it, in order of arrival."""

    def __init__(self) -> None:
        """Create a queue whose place is free."""
        self._lock = Lock()
        self._waiting: deque[Lock] = deque()
        self._is_taken = False

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, timeout: float) -> bool:
        """Wait for the place, at most ``timeout`` seconds; return whether it is the caller's."""
        turn = Lock()
        turn.acquire()
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._lock:
            if turn not in self._waiting:  # it was given just now
                return True
            self._waiting.remove(turn)
            return False

    def leave(self) -> None:
        """Give the place to the first who waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


class QueuedConnection(sqlite3.Connection):
    """A connection whose write transactions wait for their turn."""

    #: None for a database in memory, which belongs to its connection alone.
    queue: WriteQueue | None = None
    _has_place = False

    def join_queue(self) -> None:
        """Share the queue of its file with the other connections of this process."""
        _number, _name, file = self.execute("PRAGMA database_list").fetchone()
        if file:
            with _queues_lock:
                self.queue = _queues.setdefault(file, WriteQueue())

    def wait_for_turn(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds for the turn to write; return whether it has come."""
        if self.queue is None or self._has_place:
            return True
        self._has_place = self.queue.enter(timeout)
        return self._has_place

    def end_turn(self) -> None:
        """Let the next one write."""
        if self._has_place and self.queue is not None:
            self._has_place = False
            self.queue.leave()

    def commit(self) -> None:
        """Commit, and let the next one write; after an error the transaction goes on until it is rolled back."""
        super().commit()
        self.end_turn()

    def rollback(self) -> None:
        """Roll back, and let the next one write."""
        try:
            super().rollback()
        finally:
            self.end_turn()

    def close(self) -> None:
        """Close, and let the next one write."""
        try:
            super().close()
        finally:
            self.end_turn()


def as_queued(connection: object) -> QueuedConnection | None:
    """Return the driver's ``connection`` if its write transactions wait for their turn."""
    return connection if isinstance(connection, QueuedConnection) else None
