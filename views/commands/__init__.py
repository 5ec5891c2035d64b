"""The terminal: one file for each group of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from views.commands import audit, deadline, demo, history, mail, migrations, search, sop, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def init_app(app: Flask, make_register: Callable[..., int]) -> None:
    """Give ``app`` its commands; ``make_register`` is what `flask demo` runs."""
    for group in (sop.group, user.group, audit.group, history.group, deadline.group, mail.group, search.group):
        app.cli.add_command(group)
    app.cli.add_command(demo.demo_command(make_register))
    migrations.guard()
