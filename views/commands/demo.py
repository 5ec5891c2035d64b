"""`flask demo`: create a register of demo requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from lpse_admin.errors import NotAllowed
from lpse_admin.i18n import _
from views.app.access import settings
from views.app.clock import now
from views.commands.terminal import exit_on_refusal, say, write_session
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from collections.abc import Callable


def demo_command(make_register: Callable[..., int]) -> click.Command:
    """Return the command; ``make_register`` creates requests and returns the total in the register."""

    @click.command("demo")
    @click.option(
        "--requests", "count", required=True, type=click.IntRange(min=1), help=terminal_text(_("How many requests."))
    )
    @click.option(
        "--seed",
        default=1,
        show_default=True,
        type=int,
        help=terminal_text(_("The same number gives the same register.")),
    )
    @with_appcontext
    def command(count: int, seed: int) -> None:
        """Create plausible requests of every kind, in every step."""
        with exit_on_refusal():
            if not settings().is_demo:
                raise NotAllowed(_("Demo requests cannot be made in production."))
            with write_session("demo") as session:
                total = make_register(session, requests=count, seed=seed, now=now())
        say(_("%(count)s requests made; the register holds %(total)s.", count=count, total=total))

    return command
