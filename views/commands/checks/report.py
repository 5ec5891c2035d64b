"""`flask report`: the summaries that the figures are read from."""

from __future__ import annotations

import sys

from lpse_admin.i18n import _
from models.database import read_session
from models.reports import totals
from views.commands.terminal import CommandGroup, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup("report", help=terminal_text(_("The summaries that the figures are read from: rebuild, verify.")))


@group.command("rebuild")
def rebuild() -> None:
    """Recompute the summaries from the register."""
    with write_session("report rebuild") as session:
        count = totals.rebuild(session.connection())
    say(_("The summaries have %(count)s rows.", count=count))


@group.command("verify")
def verify() -> None:
    """Compare the summaries with a recount; exit 1 and a line for each total that differs."""
    with read_session() as session:
        wrong = [
            f"{table}: {', '.join(str(value) for value in row)}"
            for table, row in totals.differences(session.connection())
        ]
    for one in wrong:
        say(_("%(total)s: the summary and the register differ", total=one), err=True)
    if wrong:
        say(_("flask report rebuild recomputes the summaries."), err=True)
        sys.exit(1)
    say(_("The summaries agree with the register."))
