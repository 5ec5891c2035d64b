"""Taking a backup while people work, and restoring one into an empty installation."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine, func, inspect, select
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from lpse_admin.config import VERSION
from lpse_admin.errors import Refused, ValidationFailed
from lpse_admin.i18n import _
from models.audit.verification import Anchor, chain_anchors, verify_chains
from models.backup import postgresql, sqlite
from models.backup.archive import Manifest, new_archive, open_archive
from models.changes.history import verify_histories
from models.database import is_sqlite, read_only
from models.schema import schema_revision

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from models.backup.archive import ArchiveReader

#: A row in one of these, and the installation is not empty.
_TABLES_OF_PEOPLE = ("agency", "user_account", "change_request", "audit_entry", "file_content")


def back_up(engine: Engine, path: Path, *, now: dt.datetime) -> Manifest:
    """Write everything that the database holds at this moment to ``path``, and return the manifest.

    Nobody waits for it. Raises ValidationFailed if the file is there or cannot be written, Refused if the database
    has no schema.
    """
    if is_sqlite(engine) and not Path(engine.url.database or "").is_file():
        raise Refused(_("The database has no tables yet: run flask db upgrade first."))
    with new_archive(path) as writer:
        if is_sqlite(engine):
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
                copy = Path(folder) / sqlite.PART
                sqlite.copy_database(Path(engine.url.database or ""), copy)
                manifest = _described(copy, now)
                sqlite.write_part(writer, copy)
        else:
            with engine.connect() as connection, postgresql.begin_snapshot(connection) as snapshot:
                manifest = _manifest(snapshot, now)
                manifest.rows.update(postgresql.write_parts(snapshot, writer))
                manifest.sequences.update(postgresql.sequences(snapshot))
        return writer.finish(manifest)


def _described(copy: Path, now: dt.datetime) -> Manifest:
    """Return the manifest of a copy of a SQLite database."""
    engine = create_engine(f"sqlite:///{copy}")
    try:
        with engine.connect() as connection:
            manifest = _manifest(connection, now)
            manifest.rows.update(_row_counts(connection, sqlite.tables(connection)))
    finally:
        engine.dispose()
    return manifest


def _row_counts(connection: Connection, tables: Iterable[str]) -> dict[str, int]:
    return {
        table: connection.execute(select(func.count()).select_from(sql_table(table))).scalar_one() for table in tables
    }


def _manifest(connection: Connection, now: dt.datetime) -> Manifest:
    if (revision := schema_revision(connection)) is None:
        raise Refused(_("The database has no tables yet: run flask db upgrade first."))
    with Session(connection) as session:
        anchors = [str(anchor) for anchor in chain_anchors(session)]
    return Manifest(
        program=VERSION, kind=connection.dialect.name, revision=revision, made_at=now.isoformat(), anchors=anchors
    )


def restore(engine: Engine, path: Path, *, migrate: Callable[[str], None], revisions: list[str]) -> Manifest:
    """Put the backup at ``path`` into the empty database of ``engine``, and return its manifest.

    ``migrate`` brings the database's schema to a revision; ``revisions`` are those that it knows, from the first to
    the head. What is restored is verified before it is kept: the hash of each part, the number of rows of each table
    and, unless the backup is of an older schema, the chains of the trail and the history of each request.

    Raises Refused if the installation is not empty or the backup is of another kind or of a later version, and
    ValidationFailed if the file is no backup or damaged; then the database is as it was.
    """
    with open_archive(path) as reader:
        manifest = reader.manifest
        _require_empty(engine)
        if manifest.kind != engine.dialect.name:
            raise Refused(
                _(
                    "This is a backup of %(kind)s, and the database is %(own)s.",
                    kind=manifest.kind,
                    own=engine.dialect.name,
                )
            )
        if manifest.revision not in revisions:
            raise Refused(_("This backup is of a later version (%(version)s).", version=manifest.program))
        is_present = manifest.revision == revisions[-1]
        if is_sqlite(engine):
            _restore_sqlite(engine, reader, verify_history=is_present)
        else:
            migrate(manifest.revision)
            with engine.begin() as connection:
                postgresql.read_parts(connection, reader)
                counts = _row_counts(connection, postgresql.tables(connection))
                _verify(connection, manifest, counts, verify_history=is_present)
    return manifest


def _require_empty(engine: Engine) -> None:
    with read_only(engine).connect() as connection:
        present = set(inspect(connection).get_table_names())
        filled = [table for table in _TABLES_OF_PEOPLE if table in present and _row_counts(connection, [table])[table]]
    engine.dispose()
    if filled:
        raise Refused(_("There are data in this installation. A backup is restored into an empty one only."))


def _restore_sqlite(engine: Engine, reader: ArchiveReader, *, verify_history: bool) -> None:
    database = Path(engine.url.database or "")
    restored = sqlite.extract(reader, database)
    try:
        sqlite.require_sound(restored)
        copy = create_engine(f"sqlite:///{restored}")
        try:
            with read_only(copy).connect() as connection:
                counts = _row_counts(connection, sqlite.tables(connection))
                _verify(connection, reader.manifest, counts, verify_history=verify_history)
        finally:
            copy.dispose()
        sqlite.put_in_place(restored, database)
    finally:
        restored.unlink(missing_ok=True)


def _verify(connection: Connection, manifest: Manifest, counts: dict[str, int], *, verify_history: bool) -> None:
    """Raise ValidationFailed where the restored rows are not those that were backed up."""
    if counts != manifest.rows:
        tables = sorted(name for name in {*counts, *manifest.rows} if counts.get(name) != manifest.rows.get(name))
        raise ValidationFailed(
            _("The restored rows of %(tables)s are not those of the backup.", tables=", ".join(tables))
        )
    if not verify_history:
        return
    with Session(connection) as session:
        if broken := verify_chains(session, [Anchor.parse(line) for line in manifest.anchors]):
            raise ValidationFailed(
                _(
                    "Chain %(chain)s, entry %(number)s: %(error)s",
                    chain=broken.chain,
                    number=broken.number,
                    error=broken.error,
                )
            )
        if result := next(iter(verify_histories(session)), None):
            raise ValidationFailed(_("The history is not as the SOP has it: %(found)s", found=result.message))
