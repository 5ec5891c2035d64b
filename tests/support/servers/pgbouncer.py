"""The real PgBouncer for the tests, in transaction mode. Run as a program, this module fetches it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.support.servers import postgres
from tests.support.servers.nginx import free_port, unpack_packages, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
#: Where it is unpacked if the system has none.
_UNPACKED = ROOT / ".venv" / "pgbouncer"
_PACKAGES = ("pgbouncer", "libevent-2.1-7", "libc-ares2")

MISSING_MESSAGE = "no PgBouncer: neither on this system nor by apt-get download"

_CONFIGURATION = """
[databases]
* = host={socket} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
logfile = {folder}/log
"""


def find_pgbouncer() -> str | None:
    """Return the path of PgBouncer, or None if there is none."""
    places = (shutil.which("pgbouncer"), "/usr/sbin/pgbouncer", str(_UNPACKED / "usr" / "sbin" / "pgbouncer"))
    return next((path for path in places if path and os.access(path, os.X_OK)), None)


def fetch_pgbouncer() -> None:
    """Unpack PgBouncer from the system's packages if it is missing and that is possible."""
    if find_pgbouncer() is None:
        unpack_packages(_PACKAGES, _UNPACKED)


@contextmanager
def pgbouncer_before(socket: str) -> Iterator[int]:
    """Run PgBouncer before the server with its socket in the folder ``socket``; yield its port."""
    port = free_port()
    with TemporaryDirectory(prefix="lpse-", dir=postgres.temporary_folder()) as name:
        folder = Path(name)
        (folder / "pgbouncer.ini").write_text(_CONFIGURATION.format(socket=socket, port=port, folder=folder))
        # As with PostgreSQL: it does not run as root, and another user may lack access to where it was unpacked.
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        program, libraries = _copied(folder)
        if owner is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        with subprocess.Popen(
            [program, "-q", str(folder / "pgbouncer.ini")],
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        ) as process:
            try:
                wait_for_port(port, process)
                yield port
            finally:
                process.terminate()


def _copied(folder: Path) -> tuple[str, str]:
    """Return the program and the path of its libraries; what was unpacked is copied into ``folder``."""
    result = Path(str(find_pgbouncer()))
    if not result.is_relative_to(_UNPACKED):
        return str(result), ""
    copy = shutil.copytree(_UNPACKED / "usr", folder / "usr", symlinks=True)
    return str(copy / "sbin" / "pgbouncer"), ":".join(str(path) for path in copy.glob("lib/*-linux-gnu"))


if __name__ == "__main__":
    fetch_pgbouncer()
    if not find_pgbouncer():
        print(f"NO TEST GOES THROUGH PGBOUNCER: {MISSING_MESSAGE}.", file=sys.stderr)
