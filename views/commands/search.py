"""`flask search`: rebuild and verify the search index."""

from __future__ import annotations

import sys

import click

from models.search import index
from views.commands.terminal import CommandGroup, read_session, write_session

group = CommandGroup("search", help="The search index: rebuild, verify.")


@group.command("rebuild")
def rebuild() -> None:
    """Rebuild the index from the records."""
    with write_session("search rebuild") as session:
        count = index.rebuild_index(session.connection())
    click.echo(f"{count} records can be searched.")


@group.command("verify")
def verify() -> None:
    """Compare the index with the records; exit 1 with a line for each difference."""
    with read_session() as session:
        wrong = [f"{kind.name.lower()} {id_}" for kind, id_ in index.stale_records(session.connection())]
    with write_session("search verify") as session:
        if not index.is_fts_intact(session.connection()):
            wrong.append("the words")
    for one in wrong:
        click.echo(f"{one}: differs from the index", err=True)
    if wrong:
        click.echo("Run flask search rebuild to rebuild the index.", err=True)
        sys.exit(1)
    click.echo("The index agrees with the records.")
