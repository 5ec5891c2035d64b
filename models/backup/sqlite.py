"""Backup of SQLite: its own backup API, which copies one moment of the database while others write."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from models.backup.archive import ArchiveReader, ArchiveWriter

#: The part of the archive.
PART = "lpse.db"
_CHUNK = 1024 * 1024
#: What SQLite keeps beside a database while it is open.
_COMPANIONS = ("-wal", "-shm", "-journal")


def copy_database(database: Path, copy: Path) -> None:
    """Write the present moment of ``database`` into the new file ``copy``, complete in itself."""
    # "rw" and not "rwc": a database that is not there is an error, and not a new one.
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


def write_part(writer: ArchiveWriter, copy: Path) -> None:
    """Put a copy of the database into the archive."""
    with writer.part(PART) as write, copy.open("rb") as file:
        while chunk := file.read(_CHUNK):
            write(chunk)


def tables(connection: Connection) -> list[str]:
    """Return the names of the tables that hold rows of their own: without those behind a full-text index."""
    listed = connection.execute(text("SELECT name, type FROM pragma_table_list WHERE schema = 'main' ORDER BY name"))
    return [name for name, kind in listed if kind == "table" and not name.startswith("sqlite_")]


def extract(reader: ArchiveReader, database: Path) -> Path:
    """Write the database of a backup beside ``database``, and return where it is.

    Raises ValidationFailed if it is damaged. The caller renames it, or removes it.
    """
    with tempfile.NamedTemporaryFile(
        "wb", dir=database.parent, prefix=f".{database.name}.", suffix=".restoring", delete=False
    ) as file:
        restored = Path(file.name)
        try:
            reader.copy(PART, file)
        except BaseException:
            restored.unlink()
            raise
    return restored


def require_sound(restored: Path) -> None:
    """Raise ValidationFailed where SQLite itself finds something wrong with a file."""
    if result := _first_fault(restored):
        raise ValidationFailed(
            _("The backup is damaged: the bytes of %(part)s are not those of its manifest.", part=result)
        )


def _first_fault(database: Path) -> str | None:

    try:
        with closing(sqlite3.connect(database)) as connection:
            answer: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        return f"{PART} ({error})"
    if answer != "ok":
        return f"{PART} ({answer})"
    return None if orphan is None else f"{PART} ({orphan[0]})"


def put_in_place(restored: Path, database: Path) -> None:
    """Make ``restored`` the database; what SQLite kept beside the former one goes first."""
    for path in (restored, database):
        for companion in _COMPANIONS:
            with suppress(FileNotFoundError):
                Path(f"{path}{companion}").unlink()
    restored.replace(database)
