"""How every command ends, and who answers for what it writes.

0: done; 1: found what it looks for, or was refused; 2: wrong use. The reason goes to standard error, never a
traceback.
"""

from __future__ import annotations

import getpass
import sys
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import click
from flask.cli import AppGroup
from flask_babel import force_locale
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from typing_extensions import override

from lpse_admin.errors import Refused
from lpse_admin.sop import InvalidSopError, LineError
from models.accounts.user import Language
from models.audit.trail import AuditContext, set_audit_context
from models.database import db, is_sqlite, takes_write_lock
from views.app.clock import now
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.orm import Session


def fail(*lines: object) -> NoReturn:
    """End the command with 1 and the reason."""
    for line in lines:
        click.echo(localized(line), err=True)
    sys.exit(1)


def localized(line: object) -> str:
    """Return ``line`` as the terminal says it: what the rules say in Indonesian, everything else as it is."""
    with force_locale(Language.INDONESIAN.value):
        return tr(line.full_message if isinstance(line, LineError) else line)


@contextmanager
def exit_on_refusal() -> Iterator[None]:
    """Turn what the rules or the database refuse into the end of the command."""
    try:
        yield
    except InvalidSopError as refusal:
        fail(*refusal.errors)
    except Refused as refusal:
        fail(refusal.message, *refusal.field_errors.values())
    except IntegrityError as error:
        fail(f"The database refused the change: {_first_line(error)}")
    except SQLAlchemyError as error:
        fail(f"The database is unavailable or not set up (flask db upgrade): {_first_line(error)}")


def _first_line(error: SQLAlchemyError) -> str:
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__])[0]


_P = ParamSpec("_P")


class CommandGroup(AppGroup):
    """A group of commands that never end in a traceback for what can be foreseen."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and say in a sentence why it was refused."""
        with exit_on_refusal():
            return super().invoke(ctx)


def exit_on_refusal_in_group(group: click.Group) -> None:
    """Let the commands of a ``group`` that is not ours end as ours do."""
    for command in group.commands.values():
        if command.callback is not None:
            command.callback = _with_exit_on_refusal(command.callback)


def _with_exit_on_refusal(run: Callable[_P, object]) -> Callable[_P, object]:
    @wraps(run)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> object:
        with exit_on_refusal():
            return run(*args, **kwargs)

    return told


@contextmanager
def write_session(action: str) -> Iterator[Session]:
    """Give a session in which ``action`` is done by whoever sits at the terminal, and commit it at the end."""
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


@contextmanager
def read_session() -> Iterator[Session]:
    """Give a session that sees one moment of the database, however long it reads, and holds up nobody."""
    token = takes_write_lock.set(False)
    session = db.session()
    try:
        if not is_sqlite(session):
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session
    finally:
        session.rollback()
        takes_write_lock.reset(token)


def os_user_name() -> str:
    """Return the name of whoever sits at the terminal, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account that the system does not know by name
        return "?"


def print_table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print ``rows`` under ``headings``, in columns as wide as what is in them."""
    lines = [[*headings], *([str(cell) if cell is not None else "-" for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
