"""The commands of ``flask``: a module for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.cli import routes_command, run_command, shell_command

from views.commands import asset, click_texts, deadline, demo, mail, root, sop
from views.commands.accounts import agency, user
from views.commands.checks import audit, doctor, history, report, search, self_check
from views.commands.database import backup, migrations, upgrade
from views.commands.inspection import dossier, events
from views.commands.terminal import localize_help

#: For developers: they work, and are not listed among the office's commands.
_FLASK_S_OWN = (run_command, shell_command, routes_command)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def init_app(app: Flask, make_register: Callable[..., int]) -> None:
    """Register the commands of ``app``; ``make_register`` is called by `flask demo`."""
    groups = (
        agency.group, asset.group, sop.group, user.group, audit.group, history.group, deadline.group, mail.group,
        report.group, search.group, dossier.group, events.group,
    )  # fmt: skip
    for group in groups:
        app.cli.add_command(group)
    app.cli.add_command(demo.demo_command(make_register))
    app.cli.add_command(backup.backup_command)
    app.cli.add_command(backup.restore_command)
    app.cli.add_command(upgrade.upgrade_command)
    app.cli.add_command(doctor.doctor_command)
    app.cli.add_command(self_check.self_check_command)
    for command in app.cli.commands.values():
        localize_help(command)
    for command in _FLASK_S_OWN:
        command.hidden = True
    migrations.guard()
    click_texts.localize()
    root.localize()
