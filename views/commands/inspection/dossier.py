"""`flask inspection`: make the dossier of a period, and verify one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from lpse_admin.i18n import _
from models.audit.trail import AuditContext, append_entry
from models.database import read_session
from models.inspection.dossier import MADE
from models.office.agency import Agency
from views.app.clock import now
from views.commands.terminal import CommandGroup, fail, os_user_name, say, write_session
from views.i18n.wording import terminal_text
from views.inspection import periksa
from views.inspection.archive import write_dossier
from views.inspection.making import make_waiting

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

group = CommandGroup("inspection", help=terminal_text(_("The dossier of a period: make, verify.")))

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(dir_okay=False, path_type=Path)


@group.command("export")
@click.option("--office", "office", help=terminal_text(_("Key or name of the LPSE; needed where there are several.")))
@click.option("--from", "first", type=_DAY, required=True)
@click.option("--until", "--to", "last", type=_DAY, required=True)
@click.option("--out", "out", type=_FILE)
@click.argument("file", type=_FILE, required=False)
def export(office: str | None, first: dt.datetime, last: dt.datetime, out: Path | None, file: Path | None) -> None:
    """Write the dossier of a period to FILE, and print its fingerprint, to be kept elsewhere."""
    target = file or out
    if target is None:
        raise click.UsageError(terminal_text(_("State the file to write.")))
    agency_id, name = find_office(office)
    partial = target.with_name(target.name + ".part")
    with partial.open("w+b") as opened:
        result = write_dossier(agency_id, first.date(), last.date(), opened, _show_progress(name))
    partial.replace(target)
    period = f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"
    note = f"{period}; {result.fingerprint}"
    with write_session("inspection export") as session:
        actor = f"terminal ({os_user_name()})"
        append_entry(session, agency_id, AuditContext(now(), None, actor, MADE.value, reason=note), [])
    say(_("%(file)s: %(files)s files, %(size)s bytes.", file=str(target), files=result.files, size=result.size))
    say(_("Fingerprint: %(hash)s", hash=result.fingerprint))
    say(_("Anchor: %(anchor)s", anchor=str(result.anchor)))


def _show_progress(name: str) -> Callable[[int, int], None]:
    """Return what shows on standard error how far it is, on a terminal alone."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{name}: {done}/{total}", nl=done == total, err=True)

    return show


def find_office(wanted: str | None) -> tuple[int, str]:
    """Return id and name of the office of this key or name, or of the only one; ends the command otherwise."""
    with read_session() as session:
        offices = [(one.id, one.name, one.key) for one in session.scalars(select(Agency).order_by(Agency.id))]
    results = [one for one in offices if wanted is None or wanted.casefold() in {one[1].casefold(), one[2].casefold()}]
    if len(results) != 1:
        names = ", ".join(f"{key} ({name})" for _id, name, key in offices)
        fail(_("Name one LPSE by --office: %(names)s", names=names))
    return results[0][0], results[0][1]


@group.command("work", hidden=True)
def work() -> None:
    """Make the dossiers that were asked for on the screen, one after the other; the server starts this itself."""
    stopped = Flag()
    signal.signal(signal.SIGTERM, lambda *_signal: stopped.set())
    os.nice(10)
    make_waiting(stopped.is_set)


@group.command("verify")
@click.option("--fingerprint", default="", help=terminal_text(_("The fingerprint that was printed when it was made.")))
@click.option("--anchor", "anchor_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path, fingerprint: str, anchor_file: Path | None) -> None:
    """Verify the dossier in FILE; exit 1 with what was changed, is missing, was added or cut."""
    try:
        anchors = periksa.parse_anchors(anchor_file.read_text().splitlines()) if anchor_file else []
    except ValueError:
        message = terminal_text(_("%(file)s contains a line that is not an anchor", file=str(anchor_file)))
        raise click.BadParameter(message, param_hint="--anchor") from None
    faults = periksa.verify(str(file), fingerprint, anchors)
    if faults:
        fail(*faults)
    say(_("%(file)s is intact.", file=str(file)))
