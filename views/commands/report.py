"""`flask report`: the summaries that the figures are read from."""

from __future__ import annotations

import sys

import click

from models.reports import totals
from views.commands.terminal import CommandGroup, read_session, write_session

group = CommandGroup("report", help="The summaries that the figures are read from: rebuild, verify.")


@group.command("rebuild")
def rebuild() -> None:
    """Recompute the summaries from the register."""
    with write_session("report rebuild") as session:
        count = totals.rebuild(session.connection())
    click.echo(f"The summaries have {count} rows.")


@group.command("verify")
def verify() -> None:
    """Compare the summaries with a recount; exit 1 and a line for each total that differs."""
    with read_session() as session:
        wrong = [
            f"{table}: {', '.join(str(value) for value in row)}"
            for table, row in totals.differences(session.connection())
        ]
    for one in wrong:
        click.echo(f"{one}: the summary and the register differ", err=True)
    if wrong:
        click.echo("flask report rebuild recomputes the summaries.", err=True)
        sys.exit(1)
    click.echo("The summaries agree with the register.")
