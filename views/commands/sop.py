"""`flask sop`: check, load, enact, list and show SOPs."""

from __future__ import annotations

import json
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.errors import NoSuchMove, NotFound
from lpse_admin.flowchart.bpmn import to_bpmn
from lpse_admin.i18n import Message, _
from lpse_admin.sop import Sop, check, dead_ends, key_of_file, parse, time_readings, to_json, to_text, to_toml
from models.database import db, read_session
from models.sops.sop import SopRevision, SopState, load_revision, parse_and_check
from views.app.clock import now
from views.commands.terminal import CommandGroup, fail, print_table, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup("sop", help=terminal_text(_("SOPs: check, load, enact, list, show.")))

_FORMATS = ["text", "json", "toml", "bpmn"]
_FILE_TYPE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@group.command("check")
@click.argument("file", type=_FILE_TYPE)
def check_file(file: Path) -> None:
    """Print every error in FILE with its line; exit 1 if there is one."""
    content = file.read_bytes()
    if errors := check(content, key_of_file(file.stem)):
        fail(*errors)
    try:
        with read_session() as session:
            parse_and_check(session, content.decode(), key_of_file(file.stem))
    except SQLAlchemyError:
        say(_("The database could not be queried for the number."), err=True)
    sop = parse(content.decode(), key_of_file(file.stem))
    for reading in time_readings(sop, content.decode()):
        say(reading)
    if result := dead_ends(sop, content.decode()):
        fail(*result)
    say(_("%(file)s: this SOP is valid.", file=file.name))


@group.command("load")
@click.argument("file", type=_FILE_TYPE)
def load_file(file: Path) -> None:
    """Store FILE as a draft; content that is already loaded changes nothing."""
    content = file.read_bytes()
    if errors := check(content, key_of_file(file.stem)):
        fail(*errors)
    with write_session("sop load") as session:
        revision = load_revision(session, content.decode(), key_of_file(file.stem), now=now())
        message = _revision_state(revision)
        remarks = (*dead_ends(revision.sop, revision.source), *time_readings(revision.sop, revision.source))
    for remark in remarks:
        say(remark, err=True)
    say(message)


@group.command()
@click.argument("key")
def enact(key: str) -> None:
    """Enact the newest draft of KEY."""
    with write_session("sop enact") as session:
        newest = _newest_revision(key)
        if newest.state is not SopState.DRAFT:
            raise NoSuchMove(_("%(key)s has no draft that could be enacted.", key=key))
        newest.enact(now=now(), by=None)
        message = _revision_state(newest)
        session.flush()
    say(message)


@group.command("list")
def list_sops() -> None:
    """List all loaded revisions."""
    with read_session() as session:
        rows = session.scalars(select(SopRevision).order_by(SopRevision.key, SopRevision.revision)).all()
        print_table(
            (_("Key"), _("Revision"), _("State"), _("SOP number"), _("Agency"), _("Enacted")),
            [
                (
                    row.key,
                    row.revision,
                    row.state.title,
                    row.number,
                    row.agency.name,
                    row.enacted_at.isoformat(timespec="seconds") if row.enacted_at else None,
                )
                for row in rows
            ],
        )


@group.command()
@click.argument("key")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True)
def show(key: str, form: str) -> None:
    """Print the SOP KEY: the revision in force, or else the newest."""
    with read_session() as session:
        revision = session.scalars(
            select(SopRevision).where(SopRevision.key == key, SopRevision.state == SopState.IN_FORCE)
        ).first()
        click.echo(_format_sop((revision or _newest_revision(key)).sop, form).rstrip("\n"))


def _revision_state(revision: SopRevision) -> Message:
    return _(
        "%(key)s: revision %(number)s, %(state)s.",
        key=revision.key,
        number=revision.revision,
        state=revision.state.title,
    )


def _format_sop(sop: Sop, form: str) -> str:
    match form:
        case "json":
            return json.dumps(to_json(sop), indent=2, ensure_ascii=False)
        case "toml":
            return to_toml(sop)
        case "bpmn":
            return to_bpmn(sop, terminal_text)
        case _:
            return to_text(sop)


def _newest_revision(key: str) -> SopRevision:
    """Return the newest revision of ``key``; raises NotFound if none is loaded."""
    revision = db.session.scalars(
        select(SopRevision).where(SopRevision.key == key).order_by(SopRevision.revision.desc()).limit(1)
    ).one_or_none()
    if revision is None:
        raise NotFound(_("No SOP %(key)s is loaded (flask sop list shows those that are).", key=key))
    return revision
