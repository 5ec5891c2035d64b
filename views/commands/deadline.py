"""`flask deadline`: the deadlines of requests."""

from __future__ import annotations

import click
from sqlalchemy import select

from lpse_admin.i18n import _
from models.database import read_session
from models.forms.pending_upload import remove_old_uploads
from models.forms.submission import remove_old_submissions
from models.office.agency import Agency
from models.reports import totals
from models.worktime.deadlines import SweepResult, sweep
from views.app.clock import now
from views.commands import timing
from views.commands.terminal import CommandGroup, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup("deadline", help=terminal_text(_("The deadlines of requests: sweep, account.")))


@group.command("account")
@click.argument("number")
@click.option("--agency", help=terminal_text(_("Key of the LPSE, where several have a request of this number.")))
def show_account(number: str, agency: str | None) -> None:
    """Show the time breakdown of each step of the request NUMBER."""
    with read_session() as session:
        timing.print_timing(session, timing.find_change(session, number, agency), now())


@group.command("sweep")
def sweep_all() -> None:
    """Record overdue steps, and notify of those due soon; it can be run at any time."""
    result = SweepResult()
    with write_session("deadline sweep") as session:
        for agency in session.scalars(select(Agency).order_by(Agency.id)).all():
            result += sweep(session, agency, now())
            totals.merge(session.connection(), agency.id)
        remove_old_submissions(session, now())
        remove_old_uploads(session, now())
        session.flush()
        for deviation in result.raised:
            say(
                _(
                    "%(number)s, %(step)s: %(measured)s minutes, standard time %(allowed)s minutes",
                    number=deviation.change.number,
                    step=deviation.step.title,
                    measured=deviation.measured_minutes,
                    allowed=deviation.allowed_minutes,
                )
            )
        say(
            _(
                "Deviations recorded: %(raised)s. Late: %(late)s. Due soon: %(soon)s.",
                raised=len(result.raised),
                late=result.overdue,
                soon=result.due_soon,
            )
        )
