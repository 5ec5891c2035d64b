"""Making the dossiers that were asked for: one at a time, in a process beside the server, and kept on disk.

The process is a command, `flask inspection work`, which the server starts when somebody asks for a dossier, and when it
finds one that is not finished: that of a server that was killed, say. Whoever holds the lock of the folder makes them,
so that of several servers one does. The lock is the operating system's, and ends with the process that holds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import signal
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app

from lpse_admin.errors import Refused
from lpse_admin.i18n import _
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.inspection.dossier import (
    Dossier,
    DossierFile,
    expired_dossiers,
    kept_dossiers,
    unfinished_dossiers,
)
from views.app.clock import now
from views.i18n.wording import terminal_text
from views.inspection.archive import write_dossier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from sqlalchemy.orm import Session

_FOLDER, _MAY_START, _WORKER = "DOSSIER_FOLDER", "dossier_worker_allowed", "dossier_worker"
_CHUNK_SIZE = 1 << 20
#: A dossier that ended its process so often is given up.
_MAX_ATTEMPTS = 3
_SYSTEM = "Sistem"
#: What the files of a dossier are called: the whole one, and those of one that is being made.
_FILE_NAME = re.compile(r"(\d+)(?:-[0-9a-f]*\.zip|\.(part|progress|new))")


class StoppedError(Exception):
    """The process is to end; the dossier is made again later."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of how many parts are made, and the how-manieth attempt it is."""

    attempt: int = 0
    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int:
        """The part that is made, in percent."""
        return 100 * self.done // self.total if self.total else 0


def init_app(app: Flask, folder: Path) -> None:
    """Set where dossiers are kept."""
    app.config[_FOLDER] = folder


def _path(name: str) -> Path:
    folder: Path = current_app.config[_FOLDER]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / name


def dossier_path(dossier: Dossier) -> Path:
    """Return where the file of a finished dossier is."""
    return _path(f"{dossier.id}-{(dossier.fingerprint or '')[:16]}.zip")


def read_progress(dossier_id: int) -> Progress:
    """Return how far a dossier is."""
    try:
        return Progress(*map(int, _path(f"{dossier_id}.progress").read_text().split()))
    except (OSError, ValueError, TypeError):
        return Progress()


def _write_progress(dossier_id: int, progress: Progress) -> None:
    target = _path(f"{dossier_id}.progress")
    partial = target.with_suffix(".new")
    partial.write_text(f"{progress.attempt} {progress.done} {progress.total}\n")
    partial.replace(target)


def is_intact(dossier: Dossier) -> bool:
    """Whether the file of a finished dossier is there with the bytes that were made."""
    try:
        with dossier_path(dossier).open("rb") as file:
            return _file_hash(file.read) == dossier.sha256
    except OSError:
        return False


def _file_hash(read: Callable[[int], bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := read(_CHUNK_SIZE):
        digest.update(chunk)
    return digest.hexdigest()


# -- making ----------------------------------------------------------------------------------------------------


@contextmanager
def making_lock() -> Iterator[bool]:
    """Hold the lock of the folder, if nobody else does: yields whether it is held."""
    with _path("lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def make_waiting(is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Make the dossiers that are not finished, one after the other, and return how many were.

    Makes none while another process does.
    """
    try:
        _path("lock").touch()
    except OSError as error:
        for dossier in unfinished_dossiers(db.session()):
            _give_up(dossier.id, error)
        return 0
    created = 0
    with making_lock() as is_held:
        if is_held:
            _remove_strays()
        while is_held and not is_stopped():
            waiting = [one.id for one in unfinished_dossiers(db.session())]
            db.session.rollback()
            if not waiting:
                break
            with suppress(StoppedError):
                _make(waiting[0], is_stopped)
                created += 1
    return created


def _make(dossier_id: int, is_stopped: Callable[[], bool]) -> None:
    attempt = read_progress(dossier_id).attempt + 1
    with _transaction("inspection.start") as session:
        dossier = session.get_one(Dossier, dossier_id)
        agency_id, first, last = dossier.agency_id, dossier.first_day, dossier.last_day
        if attempt > _MAX_ATTEMPTS:
            dossier.fail(terminal_text(_("Making it ended unexpectedly, several times.")), now())
        else:
            dossier.start(now())
    if attempt > _MAX_ATTEMPTS:
        _remove_partial(dossier_id)
        return

    def show(done: int, total: int) -> None:
        if is_stopped():
            with suppress(OSError):
                _write_progress(dossier_id, Progress(attempt - 1))
            raise StoppedError
        _write_progress(dossier_id, Progress(attempt, done, total))

    partial = _path(f"{dossier_id}.part")
    try:
        _write_progress(dossier_id, Progress(attempt))
        with partial.open("w+b") as file:
            result = write_dossier(agency_id, first, last, file, show)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            created = DossierFile(
                result.fingerprint, _file_hash(file.read), str(result.anchor), result.size, result.files
            )
    except (Refused, OSError, LookupError, ValueError, ArithmeticError) as error:
        _give_up(dossier_id, error)
    else:
        _keep(dossier_id, created, partial)
    finally:
        partial.unlink(missing_ok=True)
    _remove_partial(dossier_id)


def _keep(dossier_id: int, created: DossierFile, partial: Path) -> None:
    """Note that the dossier is made, with its file in its place; the file goes where that cannot be stored."""
    target = None
    try:
        with _transaction("inspection.make") as session:
            dossier = session.get_one(Dossier, dossier_id)
            dossier.finish(created, now())
            target = partial.replace(dossier_path(dossier))
    except BaseException:
        if target is not None:
            target.unlink(missing_ok=True)
        raise


def _remove_partial(dossier_id: int) -> None:
    for kind in ("part", "progress", "new"):
        _path(f"{dossier_id}.{kind}").unlink(missing_ok=True)


def _remove_strays() -> None:
    """Remove files of dossiers that no dossier names any more; the caller holds the lock of the folder."""
    session = db.session()
    unfinished = {str(dossier.id) for dossier in unfinished_dossiers(session)}
    named = {dossier_path(dossier).name for dossier in kept_dossiers(session)}
    session.rollback()
    for path in _path("lock").parent.iterdir():
        known = _FILE_NAME.fullmatch(path.name)
        if known is not None and path.name not in named and (known[2] is None or known[1] not in unfinished):
            path.unlink(missing_ok=True)


def _give_up(dossier_id: int, error: Exception) -> None:
    db.session.rollback()
    current_app.logger.error("dossier %s: %s: %s", dossier_id, type(error).__name__, error)
    reason = terminal_text(error.message) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    with _transaction("inspection.fail") as session:
        session.get_one(Dossier, dossier_id).fail(reason, now())


@contextmanager
def _transaction(action: str) -> Iterator[Session]:
    session = db.session()
    set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name=_SYSTEM, action=action))
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def remove_expired() -> None:
    """Remove the files that were kept for long enough, and those that no dossier names."""
    with _transaction("inspection.remove") as session:
        for dossier in expired_dossiers(session, now()):
            dossier_path(dossier).unlink(missing_ok=True)
            dossier.remove(now())
    with making_lock() as is_held:
        if is_held:
            _remove_strays()


# -- the process beside the server -----------------------------------------------------------------------------


def allow_worker(app: Flask) -> None:
    """Let ``app`` start the process that makes dossiers: it is a server with the settings of its environment."""
    app.extensions[_MAY_START] = True


def start_worker() -> None:
    """Start the process that makes dossiers, unless the one that was started still runs."""
    started = current_app.extensions
    if _MAY_START not in started or (_WORKER in started and not _has_ended(started[_WORKER])):
        return
    program = str(Path(current_app.root_path) / "app.py")
    command = [sys.executable, "-m", "flask", "--app", program, "inspection", "work"]
    started[_WORKER] = os.posix_spawn(sys.executable, command, os.environ)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def stop_worker(app: Flask) -> None:
    """End the process that makes dossiers; what it was making is made again by the next server."""
    pid = app.extensions.pop(_WORKER, None)
    if pid is not None and not _has_ended(pid):
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def continue_unfinished() -> None:
    """Start the process where a dossier is not finished: a job of the scheduler."""
    is_any = bool(unfinished_dossiers(db.session()))
    db.session.rollback()
    if is_any:
        start_worker()
    if expired_dossiers(db.session(), now()):
        remove_expired()
