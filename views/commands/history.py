"""`flask history`: compare the stored state of requests with their moves."""

from __future__ import annotations

import sys

import click

from models.changes.history import verify_histories
from views.commands.terminal import CommandGroup, read_session

group = CommandGroup("history", help="The history of requests: verify.")


@group.command("verify")
def verify_history() -> None:
    """Replay all moves of all requests; exit 1 with a line for each discrepancy."""
    count = 0
    with read_session() as session:
        for discrepancy in verify_histories(session):
            count += 1
            click.echo(str(discrepancy), err=True)
    if count:
        sys.exit(1)
    click.echo("Every request agrees with its history.")
