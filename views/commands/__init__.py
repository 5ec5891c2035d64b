"""The commands of ``flask``: a module for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from views.commands import audit, backup, deadline, demo, history, mail, migrations, report, search, sop, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def init_app(app: Flask, make_register: Callable[..., int]) -> None:
    """Register the commands of ``app``; ``make_register`` is called by `flask demo`."""
    groups = (sop.group, user.group, audit.group, history.group, deadline.group, mail.group, report.group, search.group)
    for group in groups:
        app.cli.add_command(group)
    app.cli.add_command(demo.demo_command(make_register))
    app.cli.add_command(backup.backup_command)
    app.cli.add_command(backup.restore_command)
    migrations.guard()
