"""`flask history`: what is stored of each request against its moves."""

from __future__ import annotations

import sys

import click

from models.changes.history import verify_histories
from views.commands.terminal import CommandGroup, read_session

group = CommandGroup("history", help="The history of the requests: verify.")


@group.command("verify")
def verify_history() -> None:
    """Replay every move of every request; exit 1 and a line for each thing that does not agree."""
    found = 0
    with read_session() as session:
        for discrepancy in verify_histories(session):
            found += 1
            click.echo(str(discrepancy), err=True)
    if found:
        sys.exit(1)
    click.echo("Every request agrees with its history.")
