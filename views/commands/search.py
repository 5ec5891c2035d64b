"""`flask search`: the index that searches read."""

from __future__ import annotations

import sys

import click

from models.search import index
from views.commands.terminal import CommandGroup, read_session, write_session

group = CommandGroup("search", help="The index that searches read: rebuild, verify.")


@group.command("rebuild")
def rebuild() -> None:
    """Make the index anew from the records."""
    with write_session("search rebuild") as session:
        count = index.rebuild_index(session.connection())
    click.echo(f"{count} records can be searched.")


@group.command("verify")
def verify() -> None:
    """Compare the index with the records; exit 1 and a line for each that differs."""
    with read_session() as session:
        wrong = [f"{kind.name.lower()} {id_}" for kind, id_ in index.stale_records(session.connection())]
    with write_session("search verify") as session:
        if not index.is_fts_intact(session.connection()):
            wrong.append("the words")
    for one in wrong:
        click.echo(f"{one}: not what the index says", err=True)
    if wrong:
        click.echo("flask search rebuild makes the index anew.", err=True)
        sys.exit(1)
    click.echo("The index agrees with the records.")
