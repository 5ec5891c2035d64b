"""The terminal: one file for each group of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from views.commands import audit, deadline, demo, history, mail, migrations, search, sop, user

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Give ``app`` its commands."""
    for group in (sop.group, user.group, audit.group, history.group, deadline.group, mail.group, search.group):
        app.cli.add_command(group)
    app.cli.add_command(demo.command)
    migrations.guard()
