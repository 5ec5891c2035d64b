"""`flask upgrade`: the schema of an installation brought to the program's version, with a backup and a verification."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import alembic.command
import click
from alembic.util import CommandError
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from lpse_admin.errors import Refused, ValidationFailed
from lpse_admin.i18n import _
from models.audit.anchors import Anchor
from models.backup import backup
from models.database import db, read_only, startup_lock, update_statistics
from models.integrity.run import verify_register
from models.schema import known_revisions, schema_error, schema_revision, upgrade_error
from views.app.clock import now
from views.commands.checks.audit import finding_line
from views.commands.terminal import exit_on_refusal, say
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from models.backup.archive import Manifest

#: Findings that are printed; the others are counted.
_MOST_PRINTED = 20


@click.command("upgrade")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--despite-findings", is_flag=True, help=terminal_text(_("Upgrade a register that has findings too.")))
@with_appcontext
def upgrade_command(folder: Path, *, despite_findings: bool) -> None:
    """Back up into FOLDER, bring the database to this version, verify it; where one fails, all stays as it was."""
    with exit_on_refusal(), startup_lock(db.engine):
        revision = _revision()
        head = known_revisions()[-1]
        if revision == head:
            _require_present()
            say(_("The database is at revision %(head)s already: nothing to do.", head=head))
            return
        manifest = None if revision is None else _back_up(folder, revision)
        _migrate(manifest, despite_findings=despite_findings)
        say(_("Upgraded and verified: revision %(found)s → %(head)s.", found=revision or "-", head=head))


def _revision() -> str | None:
    with read_only(db.engine).connect() as connection:
        if (error := upgrade_error(connection)) is not None:
            raise Refused(error)
        return schema_revision(connection)


def _require_present() -> None:
    with read_only(db.engine).connect() as connection:
        if (error := schema_error(connection)) is not None:
            raise Refused(error)


def _back_up(folder: Path, revision: str) -> Manifest:
    """Write a backup of its own name into ``folder``; raises ValidationFailed where that is not possible."""
    file = folder / f"lpse-{revision}-{now():%Y%m%dT%H%M%SZ}.cadangan"
    manifest = backup.back_up(db.engine, file, now=now())
    say(_("Backup: %(file)s", file=str(file)))
    return manifest


def _migrate(manifest: Manifest | None, *, despite_findings: bool) -> None:
    """Run the migrations and verify their result, in one transaction."""
    config = current_app.extensions["migrate"].migrate.get_config()

    def verify(connection: Connection) -> None:
        _verify(connection, manifest, despite_findings=despite_findings)
        update_statistics(connection)  # a migration may have written many rows

    config.attributes["verify"] = verify
    try:
        alembic.command.upgrade(config, "head")
    except (CommandError, RuntimeError, SQLAlchemyError) as error:
        reason = str(error).partition("\n")[0]  # behind it the statement with all that it says
        raise Refused(_("The migration failed, and the database is as it was: %(reason)s", reason=reason)) from None


def _verify(connection: Connection, manifest: Manifest | None, *, despite_findings: bool) -> None:
    """Raise ValidationFailed where the migrated register is not what its trail says."""
    if (error := schema_error(connection)) is not None:
        raise ValidationFailed(error)
    anchors = [Anchor.parse(line) for line in (manifest.anchors if manifest else ())]
    with Session(connection) as session:
        report = verify_register(session, anchors=anchors)
    for finding in report.findings[:_MOST_PRINTED]:
        say(finding_line(finding), err=True)
    if report.findings and not despite_findings:
        raise ValidationFailed(
            _(
                "The verification has %(count)s findings, and the database is as it was. See flask audit verify of the"
                " former version; --despite-findings upgrades all the same.",
                count=report.found,
            )
        )
