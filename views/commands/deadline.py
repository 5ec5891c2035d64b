"""`flask deadline`: the clocks of the requests."""

from __future__ import annotations

import click
from sqlalchemy import select

from models.office.agency import Agency
from models.worktime.deadlines import Sweep, sweep
from views.app.clock import now
from views.commands import account
from views.commands.terminal import Group, reading, writing

group = Group("deadline", help="The clocks of the requests: sweep, account.")


@group.command("account")
@click.argument("number")
@click.option("--agency", help="Key of the LPSE, where several have a request of this number.")
def show_account(number: str, agency: str | None) -> None:
    """Show for the request NUMBER how each minute of each step was counted."""
    with reading() as session:
        account.show(session, account.find(session, number, agency), now())


@group.command("sweep")
def sweep_all() -> None:
    """Raise what has become overdue, and tell who is about to be late; run it as often as you like."""
    done = Sweep()
    with writing("deadline sweep") as session:
        for agency in session.scalars(select(Agency).order_by(Agency.id)).all():
            done += sweep(session, agency, now())
        session.flush()
        for deviation in done.raised:
            click.echo(f"{deviation.change.number}  {deviation.step}  {deviation.measured_minutes} minutes, "
                       f"standard {deviation.allowed_minutes}")  # fmt: skip
        click.echo(f"{len(done.raised)} raised, {done.overdue} late, {done.soon} about to be late")
