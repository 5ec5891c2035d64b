"""`flask history`: compare the stored state of requests with their moves."""

from __future__ import annotations

import sys

import click
from sqlalchemy import or_, select

from lpse_admin.errors import NotFound
from lpse_admin.i18n import _
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.clock_correction import correct_clock, has_future_times
from models.changes.history import verify_histories
from models.changes.steps.activity import Activity
from models.database import read_session
from views.app.clock import now
from views.commands.terminal import CommandGroup, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup(
    "history", help=terminal_text(_("The history of requests: verify, correct times of a wrong clock."))
)


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


@group.command("correct-clock")
@click.option("--by", "username", required=True, help=terminal_text(_("User name of the administrator.")))
@click.option("--reason", required=True, help=terminal_text(_("Why the times are wrong.")))
def correct_times(username: str, reason: str) -> None:
    """Let open steps whose times lie in the future, from when the server's clock was ahead, begin now."""
    with write_session("history correct-clock") as session:
        by = session.scalars(select(User).where(User.username == username)).one_or_none()
        if by is None:
            raise NotFound(_("There is no user %(username)s.", username=username))
        moment = now()
        is_ahead = or_(Activity.arrived_at > moment, Activity.taken_up_at > moment)
        ids = select(Activity.change_id).where(Activity.finished_at.is_(None), is_ahead)
        if not by.is_superadmin:
            ids = ids.where(Activity.agency_id == by.agency_id)
        changes = session.scalars(
            select(ChangeRequest).where(ChangeRequest.id.in_(ids)).order_by(ChangeRequest.id)
        ).all()
        numbers = [str(change) for change in changes if has_future_times(change, moment)]
        for change in changes:
            correct_clock(change, by=by, now=moment, reason=reason)
    for number in numbers:
        say(number)
    say(_("%(count)s requests corrected.", count=len(numbers)))
