"""`flask user`: add, disable, reset and list users."""

from __future__ import annotations

import secrets
import sys

import click
from sqlalchemy import select

from lpse_admin.accounts.passwords import password_error
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotFound, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.user import User
from models.database import db
from models.office.agency import Agency
from views.commands.terminal import CommandGroup, print_table, read_session, write_session

group = CommandGroup("user", help="Users: add, disable, reset, list.")

_ROLE_TYPE = click.Choice([role.value for role in Role])
_MAX_USERNAME_LENGTH = 80
_PASSWORD_OPTION = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input; without it one is generated and printed.",
)


@group.command()
@click.argument("username")
@click.option("--name", required=True, help="Full name.")
@click.option("--role", "roles", required=True, multiple=True, type=_ROLE_TYPE, help="May be given several times.")
@click.option("--agency", help="Key of the LPSE; without it an administrator of the installation.")
@_PASSWORD_OPTION
def add(username: str, name: str, roles: tuple[str, ...], agency: str | None, *, password_stdin: bool) -> None:
    """Create an account."""
    if not username.isprintable() or username != username.strip() or not 0 < len(username) <= _MAX_USERNAME_LENGTH:
        raise click.BadParameter("1 to 80 characters, with no blanks around them", param_hint="USERNAME")
    if not name.strip():
        raise click.BadParameter("must not be empty", param_hint="--name")
    held = frozenset(Role(role) for role in roles)
    if agency is None and Role.ADMINISTRATOR not in held:
        raise click.BadParameter("is needed: only an administrator belongs to no agency", param_hint="--agency")
    with write_session("user add") as session:
        if session.scalars(select(User.id).where(User.username == username)).first() is not None:
            raise ValidationFailed(_("There is already a user %(username)s.", username=username))
        user = User(username=username, full_name=name.strip(), agency=_find_agency(agency) if agency else None)
        user.roles = held
        password_note = _set_password(user, from_input=password_stdin)
        session.add(user)
    click.echo(f"{username}: added.{password_note}")


@group.command()
@click.argument("username")
def disable(username: str) -> None:
    """Disable an account and end its sessions."""
    with write_session("user disable"):
        user = _find_user(username)
        if user.is_active:
            user.is_active = False
            user.session_version += 1
    click.echo(f"{username}: disabled.")


@group.command()
@click.argument("username")
@_PASSWORD_OPTION
def reset(username: str, *, password_stdin: bool) -> None:
    """Set a new password, turn off the second factor, and end all sessions."""
    with write_session("user reset"):
        user = _find_user(username)
        password_note = _set_password(user, from_input=password_stdin)
        user.totp_secret = user.totp_last_step = None
        disabled_note = "" if user.is_active else " It is still disabled."
    click.echo(f"{username}: reset.{disabled_note}{password_note}")


@group.command("list")
def list_users() -> None:
    """List all accounts."""
    with read_session() as session:
        users = session.scalars(select(User).order_by(User.agency_id, User.username)).all()
        print_table(
            (_("User name"), _("Name"), _("Agency"), _("Roles"), _("State")),
            [
                (
                    user.username,
                    user.full_name,
                    user.agency.key if user.agency else None,
                    ",".join(role.value for role in Role if role in user.roles),
                    "active" if user.is_active else "disabled",
                )
                for user in users
            ],
        )


def _set_password(user: User, *, from_input: bool) -> str:
    """Set the password from standard input, or a generated one, and return a note with it."""
    password = sys.stdin.readline().rstrip("\r\n") if from_input else secrets.token_urlsafe(15)
    if from_input and (error := password_error(password, known_names=(user.username, user.full_name))):
        raise ValidationFailed(error)
    user.set_password(password)
    return "" if from_input else f" Password: {password}"


def _find_user(username: str) -> User:
    user = db.session.scalars(select(User).where(User.username == username)).one_or_none()
    if user is None:
        raise NotFound(_("There is no user %(username)s.", username=username))
    return user


def _find_agency(key: str) -> Agency:
    agency = db.session.scalars(select(Agency).where(Agency.key == key)).one_or_none()
    if agency is None:
        raise NotFound(_("There is no agency %(key)s: load its SOP first.", key=key))
    return agency
