"""`flask backup` and `flask restore`: everything in one file, and the way back."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from lpse_admin.i18n import _
from models.backup import backup
from models.database import db
from models.schema import known_revisions
from views.app.clock import now
from views.commands.terminal import exit_on_refusal, say

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command("backup")
@_FILE
@with_appcontext
def backup_command(file: Path) -> None:
    """Write a backup of the whole database to FILE, while people work."""
    with exit_on_refusal():
        manifest = backup.back_up(db.engine, file, now=now())
    say(
        _(
            "%(file)s: %(rows)s rows of %(tables)s tables, revision %(revision)s.",
            file=str(file),
            rows=sum(manifest.rows.values()),
            tables=len(manifest.rows),
            revision=manifest.revision,
        )
    )


@click.command("restore")
@_FILE
@with_appcontext
def restore_command(file: Path) -> None:
    """Restore the backup in FILE into an empty installation, and verify it."""
    revisions = known_revisions()
    with exit_on_refusal():
        manifest = backup.restore(db.engine, file, migrate=_migrate, revisions=revisions)
    say(
        _(
            "Restored and verified: %(rows)s rows of %(tables)s tables, as of %(moment)s.",
            rows=sum(manifest.rows.values()),
            tables=len(manifest.rows),
            moment=manifest.made_at,
        )
    )
    if manifest.revision != revisions[-1]:
        say(
            _(
                "The backup is of an earlier version (%(version)s). Run flask db upgrade, then flask audit verify and"
                " flask history verify.",
                version=manifest.program,
            )
        )


def _migrate(revision: str) -> None:
    upgrade(revision=revision)
