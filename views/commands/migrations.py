"""`flask db`: Alembic's commands, with a confirmation before data loss, and no new migrations in production."""

from __future__ import annotations

from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import click
from flask.cli import with_appcontext
from flask_migrate.cli import db

from views.app.access import settings
from views.commands.terminal import exit_on_refusal_in_group, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    Callback = Callable[..., Any]

_OPTION = "--yes-lose-data"

#: Commands that may lose data, and the warning.
_LOSING = {
    "downgrade": "An earlier schema has no place for what only the present one holds: that data is lost.",
    "stamp": "The database is noted to be at a revision whose schema it may not have: later upgrades can lose data.",
}

#: Commands that write migration files.
_P = ParamSpec("_P")
_WRITING = ("init", "revision", "migrate", "merge", "edit")


@cache
def guard() -> None:
    """Wrap the commands of the group, once for all apps of this process."""
    for name, warning in _LOSING.items():
        command = db.commands[name]
        command.params.append(click.Option([_OPTION], is_flag=True, help="Do not ask; needed in production."))
        command.callback = _asking(_callback(command), warning)
    for name in _WRITING:
        db.commands[name].callback = _in_development(_callback(db.commands[name]))
    exit_on_refusal_in_group(db)


def _callback(command: click.Command) -> Callback:
    if command.callback is None:
        raise TypeError(f"flask db {command.name} does nothing")
    return command.callback


def _asking(run: Callback, warning: str) -> Callback:
    """Wrap a command with a confirmation, which `--sql` does not need."""

    @with_appcontext
    @wraps(run)
    def asking(*args: Any, yes_lose_data: bool, **options: Any) -> Any:  # noqa: ANN401 - as the command has them
        if not yes_lose_data and not options.get("sql"):
            if not settings().is_demo:
                fail(warning, f"In production this takes {_OPTION}, and a backup before it.")
            click.confirm(f"{warning} Go on?", abort=True, err=True)
        return run(*args, **options)

    return asking


def _in_development(run: Callable[_P, object]) -> Callable[_P, object]:
    """Wrap a command that is refused in production."""

    @with_appcontext
    @wraps(run)
    def in_development(*args: _P.args, **options: _P.kwargs) -> object:
        if not settings().is_demo:
            fail("Migrations are written where the program is developed, not in production.")
        return run(*args, **options)

    return in_development
