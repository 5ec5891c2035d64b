"""`flask db`: Alembic's commands, with a confirmation before data loss, and no new migrations in production."""

from __future__ import annotations

from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import click
from flask.cli import with_appcontext
from flask_migrate.cli import db

from lpse_admin.i18n import Message, _
from views.app.access import settings
from views.commands.terminal import exit_on_refusal_in_group, fail, localize_command, localized
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Callback = Callable[..., Any]

_OPTION = "--yes-lose-data"

#: Commands that may lose data, and the warning.
_LOSING = {
    "downgrade": _("An earlier schema has no place for what only the present one holds: that data is lost."),
    "stamp": _("The database is noted to be at a revision whose schema it may not have: later upgrades can lose data."),
}

_P = ParamSpec("_P")

#: Commands that write migration files.
_WRITING = ("init", "revision", "migrate", "merge", "edit")
#: Commands that an office needs; the others of the group are for developers, and are not listed.
_LISTED = ("upgrade", "current", "heads", "history")


@cache
def guard() -> None:
    """Wrap the commands of the group, once for all apps of this process."""
    for name, warning in _LOSING.items():
        command = db.commands[name]
        command.params.append(
            click.Option([_OPTION], is_flag=True, help=terminal_text(_("Do not ask; needed in production.")))
        )
        command.callback = _asking(_callback(command), warning)
    for name in _WRITING:
        db.commands[name].callback = _in_development(_callback(db.commands[name]))
    exit_on_refusal_in_group(db)
    localize_command(db)
    db.help = terminal_text(_("The schema of the database: upgrade, current, heads, history."))
    for name, command in db.commands.items():
        command.hidden = name not in _LISTED
        localize_command(command)


def _callback(command: click.Command) -> Callback:
    if command.callback is None:
        raise TypeError(f"flask db {command.name} does nothing")
    return command.callback


def _asking(run: Callback, warning: Message) -> Callback:
    """Wrap a command with a confirmation, which `--sql` does not need."""

    @with_appcontext
    @wraps(run)
    def asking(*args: object, yes_lose_data: bool, **options: object) -> object:
        if not yes_lose_data and not options.get("sql"):
            if not settings().is_demo:
                fail(warning, _("In production this takes %(option)s, and a backup before it.", option=_OPTION))
            click.confirm(localized(_("%(warning)s Go on?", warning=warning)), abort=True, err=True)
        return run(*args, **options)

    return asking


def _in_development(run: Callable[_P, object]) -> Callable[_P, object]:
    """Wrap a command that is refused in production."""

    @with_appcontext
    @wraps(run)
    def in_development(*args: _P.args, **options: _P.kwargs) -> object:
        if not settings().is_demo:
            fail(_("Migrations are written where the program is developed, not in production."))
        return run(*args, **options)

    return in_development
