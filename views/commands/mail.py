"""`flask mail`: send and list the mail of the outbox."""

from __future__ import annotations

import sys

import click
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lpse_admin.i18n import _
from models.database import read_session
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification
from models.notifications.outbox import count_by_state
from models.office.agency import Agency
from views.app.clock import now
from views.commands.terminal import CommandGroup, fail, localized, os_user_name, print_table, say
from views.i18n.wording import terminal_text
from views.notifications.mailing import send_due_mail

group = CommandGroup("mail", help=terminal_text(_("The outbox: send, list.")))

_MAX_LISTED = 200


@group.command("send")
def send_mail() -> None:
    """Send the mail that is due; exit 1 if a mail failed permanently, or no mail server is set (LPSE_SMTP_URL)."""
    result = send_due_mail(by=f"terminal ({os_user_name()})")
    if result is None:
        fail(_("LPSE_SMTP_URL is not set: mail is kept in the outbox."))
    say(
        _(
            "Sent %(sent)s, postponed %(postponed)s, failed %(failed)s, cancelled %(cancelled)s.",
            sent=result.sent,
            postponed=result.postponed,
            failed=result.failed,
            cancelled=result.cancelled,
        )
    )
    if result.fault is not None:
        say(result.fault.title, err=True)
    if result.last_error:
        say(_("The mail server: %(error)s", error=result.last_error), err=True)
    if result.failed:
        sys.exit(1)


@group.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice([state.value for state in MailState]))
def list_mail(states: tuple[str, ...]) -> None:
    """List the newest mail that is waiting or failed (or in the given states), and the number in each state."""
    wanted = [MailState(state) for state in states] or [MailState.WAITING, MailState.FAILED]
    with read_session() as session:
        rows = session.execute(
            select(Mail, Agency.key)
            .outerjoin(Agency, Agency.id == Mail.agency_id)
            .where(Mail.state.in_(wanted))
            .options(joinedload(Mail.notification).joinedload(Notification.user))
            .order_by(Mail.id.desc())
            .limit(_MAX_LISTED)
        ).all()
        print_table(
            (
                _("ID"),
                _("Agency"),
                _("User"),
                _("Address"),
                _("Event"),
                _("State"),
                _("Attempts"),
                _("Next attempt (UTC)"),
                _("Last error"),
            ),
            [
                (
                    mail.id,
                    agency,
                    mail.notification.user.username,
                    mail.address,
                    mail.notification.event.title,
                    mail.state.title,
                    mail.attempts,
                    f"{mail.next_try_at:%Y-%m-%d %H:%M}" if mail.state is MailState.WAITING else None,
                    mail.last_error,
                )
                for mail, agency in rows
            ],
        )
        counts = count_by_state(session)
    sums = ", ".join(f"{localized(state.title)} {count}" for state, count in counts.items())
    say(f"{now():%Y-%m-%d %H:%M} UTC: {sums}")
