"""`flask deadline`: the clocks of the requests."""

from __future__ import annotations

import click

from views.clock import now
from views.commands import account
from views.commands.terminal import Group, reading

group = Group("deadline", help="The clocks of the requests: account.")


@group.command("account")
@click.argument("number")
@click.option("--agency", help="Key of the LPSE, where several have a request of this number.")
def show_account(number: str, agency: str | None) -> None:
    """Show for the request NUMBER how each minute of each step was counted."""
    with reading() as session:
        account.show(session, account.find(session, number, agency), now())
