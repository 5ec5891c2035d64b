"""Shared parts of the commands: exit codes, sessions with an audit context, tables.

Exit code 0: done; 1: refused, or a check found something; 2: wrong usage. The reason goes to standard error, never a
traceback.
"""

from __future__ import annotations

import getpass
import inspect
import sys
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import click
from flask.cli import AppGroup
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from typing_extensions import override

from lpse_admin.errors import Refused
from lpse_admin.i18n import Message, _
from lpse_admin.sop import InvalidSopError, LineError
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from views.app.clock import now
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.orm import Session


def fail(*lines: object) -> NoReturn:
    """Exit with code 1 and the reasons on standard error."""
    for line in lines:
        click.echo(localized(line), err=True)
    sys.exit(1)


def say(line: object, *, err: bool = False) -> None:
    """Print ``line``, or write it to standard error; Messages in Indonesian."""
    click.echo(localized(line), err=err)


def localized(line: object) -> str:
    """Return ``line`` as text; Messages in Indonesian."""
    return terminal_text(line.full_message if isinstance(line, LineError) else line)


@contextmanager
def exit_on_refusal() -> Iterator[None]:
    """Exit with code 1 on a refusal or a database error."""
    try:
        yield
    except InvalidSopError as refusal:
        fail(*refusal.errors)
    except Refused as refusal:
        fail(refusal.message, *refusal.field_errors.values())
    except IntegrityError as error:
        fail(_("The database refused the change: %(reason)s", reason=_first_line(error)))
    except SQLAlchemyError as error:
        fail(_("The database is unavailable or not set up (flask db upgrade): %(reason)s", reason=_first_line(error)))


def _first_line(error: SQLAlchemyError) -> str:
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__])[0]


_P = ParamSpec("_P")


def localize_help(command: click.Command) -> None:
    """Put the help of ``command``, its docstring, into the language of the terminal."""
    if command.help:
        command.help = terminal_text(Message(inspect.cleandoc(command.help)))
    command.options_metavar = "[OPSI]"
    if isinstance(command, click.Group):
        command.subcommand_metavar = "PERINTAH [ARGUMEN]..."


def localize_command(command: click.Command) -> None:
    """Put the help of another package's ``command`` and of its options into the language of the terminal."""
    localize_help(command)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = terminal_text(Message(inspect.cleandoc(parameter.help)))


class CommandGroup(AppGroup):
    """A group of commands that exit with code 1 on a refusal or a database error; its help is in Indonesian."""

    @override
    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command; its help is shown in Indonesian."""
        localize_help(cmd)
        super().add_command(cmd, name)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit with code 1 and the reason if it is refused."""
        with exit_on_refusal():
            return super().invoke(ctx)


def exit_on_refusal_in_group(group: click.Group) -> None:
    """Wrap the commands of another package's ``group`` with ``exit_on_refusal``."""
    for command in group.commands.values():
        if command.callback is not None:
            command.callback = _with_exit_on_refusal(command.callback)


def _with_exit_on_refusal(run: Callable[_P, object]) -> Callable[_P, object]:
    @wraps(run)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> object:
        with exit_on_refusal():
            return run(*args, **kwargs)

    return wrapped


@contextmanager
def write_session(action: str) -> Iterator[Session]:
    """Yield a session with an audit context for the terminal's user, and commit it at the end."""
    session = db.session()
    set_audit_context(
        session,
        AuditContext(at=now(), actor_id=None, actor_name=f"terminal ({os_user_name()})", action=f"flask {action}"),
    )
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def os_user_name() -> str:
    """Return the name of the operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "?"


def print_table(headings: Iterable[Message], rows: Iterable[Iterable[object]]) -> None:
    """Print ``rows`` under ``headings``, in aligned columns."""
    lines = [
        [terminal_text(heading).upper() for heading in headings],
        *([terminal_text(cell) if cell is not None else "-" for cell in row] for row in rows),
    ]
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
