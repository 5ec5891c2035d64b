"""`flask deadline`: the deadlines of requests."""

from __future__ import annotations

import click
from sqlalchemy import select

from models.office.agency import Agency
from models.reports import totals
from models.worktime.deadlines import SweepResult, sweep
from views.app.clock import now
from views.commands import account
from views.commands.terminal import CommandGroup, read_session, write_session

group = CommandGroup("deadline", help="The deadlines of requests: sweep, account.")


@group.command("account")
@click.argument("number")
@click.option("--agency", help="Key of the LPSE, where several have a request of this number.")
def show_account(number: str, agency: str | None) -> None:
    """Show the time breakdown of each step of the request NUMBER."""
    with read_session() as session:
        account.print_timing(session, account.find_change(session, number, agency), now())


@group.command("sweep")
def sweep_all() -> None:
    """Record overdue steps, and notify of those due soon; it can be run at any time."""
    result = SweepResult()
    with write_session("deadline sweep") as session:
        for agency in session.scalars(select(Agency).order_by(Agency.id)).all():
            result += sweep(session, agency, now())
            totals.merge(session.connection(), agency.id)
        session.flush()
        for deviation in result.raised:
            click.echo(f"{deviation.change.number}  {deviation.step}  {deviation.measured_minutes} minutes, "
                       f"standard {deviation.allowed_minutes}")  # fmt: skip
        click.echo(f"{len(result.raised)} raised, {result.overdue} late, {result.due_soon} due soon")
