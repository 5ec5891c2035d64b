"""`flask history`: compare the stored state of requests with their moves."""

from __future__ import annotations

import sys

from lpse_admin.i18n import _
from models.changes.history import verify_histories
from views.commands.terminal import CommandGroup, read_session, say
from views.i18n.wording import terminal_text

group = CommandGroup("history", help=terminal_text(_("The history of requests: verify.")))


@group.command("verify")
def verify_history() -> None:
    """Replay all moves of all requests; exit 1 with a line for each discrepancy."""
    count = 0
    with read_session() as session:
        for discrepancy in verify_histories(session):
            count += 1
            say(discrepancy.message, err=True)
    if count:
        sys.exit(1)
    say(_("Every request agrees with its history."))
