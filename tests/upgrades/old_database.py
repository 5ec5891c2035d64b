"""Makes the databases of earlier versions that the tests upgrade: `python -m tests.upgrades.old_database`.

A checkout of the version's commit, made for this and removed afterwards, fills one database of each kind
(`old_register.py`). What is random in them are the salts of passwords, the ids of HTTP requests in the audit trail,
the hashes of its chain that follow from those, and the address of a calendar; everything else comes out the same.
"""

from __future__ import annotations

import lzma
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.support.servers import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Each version from which an upgrade is tested, and its commit.
VERSIONS = {"0.1.0": "0e4a690fa5841fdf6a0a620eb690ec8563e29f29"}

#: What of a dump only `psql`, or only some versions, understand.
_FOR_PSQL = re.compile(r"^(?:\\(?:un)?restrict .*|SET \w+ = .*;|-- Dumped .*)\n", re.MULTILINE)

_ENDINGS = {"sqlite": "sqlite", "postgresql": "sql"}

FOLDER = Path(__file__).parent
_ROOT = FOLDER.parents[1]


def packed(version: str, kind: str) -> Path:
    """Return where the database of ``version`` is kept, for the kind `sqlite` or `postgresql`."""
    return FOLDER / f"version_{version.replace('.', '_')}.{_ENDINGS[kind]}.xz"


def make(version: str) -> None:
    """Make both databases of ``version`` anew."""
    with _checkout(VERSIONS[version]) as checkout:
        packed(version, "sqlite").write_bytes(lzma.compress(_sqlite(checkout), preset=9 | lzma.PRESET_EXTREME))
        packed(version, "postgresql").write_bytes(lzma.compress(_postgresql(checkout), preset=9 | lzma.PRESET_EXTREME))


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        git = ["git", "-C", str(_ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", folder, commit], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True)


def _fill(checkout: Path, url: str) -> None:
    command = [sys.executable, str(FOLDER / "old_register.py")]
    subprocess.run(command, cwd=checkout, env=os.environ | {"LPSE_DATABASE_URL": url}, check=True)


def _sqlite(checkout: Path) -> bytes:
    """Return the file of a database of SQLite."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "old.sqlite"
        _fill(checkout, f"sqlite:///{file}")
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
        connection.close()
        return file.read_bytes()


def _postgresql(checkout: Path) -> bytes:
    """Return the statements that make a database of PostgreSQL; any client can run them, on any version since 14."""
    server = postgres.Server()
    try:
        with postgres.connect(server.folder) as connection:
            connection.execute("CREATE DATABASE old")
        _fill(checkout, postgres.url(server.folder, "old"))
        command = [
            str(postgres.program("pg_dump")), f"--host={server.folder}", "--username=postgres", "--no-owner",
            "--no-privileges", "--rows-per-insert=100", "old",
        ]  # fmt: skip
        dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        server.stop()
    return _FOR_PSQL.sub("", dumped).encode()


if __name__ == "__main__":
    for one in sys.argv[1:] or VERSIONS:
        make(one)
