"""`flask user`: add, disable, enable, reset and list users, and change their roles."""

from __future__ import annotations

import sys

import click
from sqlalchemy import select

from lpse_admin.accounts.four_eyes import RequestState
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotFound
from lpse_admin.i18n import Message, _
from models.accounts.user import User, find_user
from models.administration.account_request import AccountRequest
from models.administration.decisions import approve, refuse
from models.administration.operations import (
    NewAccount,
    change_roles,
    create_account,
    disable_account,
    enable_account,
    generate_password,
    reset_from_terminal,
)
from models.changes.requester_takeover import requests_that_need, waiting_message
from models.database import db, read_session
from models.office.agency import Agency
from views.app.clock import now
from views.commands.terminal import CommandGroup, print_table, say, write_session
from views.i18n.wording import terminal_text

group = CommandGroup(
    "user",
    help=terminal_text(_("Users: add, disable, enable, role, reset, list; requests that wait for a second person.")),
)

_SEVERAL = terminal_text(_("May be given several times."))
_GIVE = terminal_text(_("Give this role too; may be given several times."))
_TAKE_AWAY = terminal_text(_("Take this role away; may be given several times."))
_ROLE_TYPE = click.Choice([role.value for role in Role])
_MAX_USERNAME_LENGTH = 80
_PASSWORD_OPTION = click.option(
    "--password-stdin",
    is_flag=True,
    help=terminal_text(_("Read the password from standard input; without it one is generated and printed.")),
)
_VACANT_OPTION = click.option(
    "--leave-vacant",
    is_flag=True,
    help=terminal_text(_("Also if this is the last head: the post is vacant then, and the superior appoints a Plt.")),
)


@group.command()
@click.argument("username")
@click.option("--name", required=True, help=terminal_text(_("Full name.")))
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=_ROLE_TYPE,
    help=_SEVERAL,
)
@click.option("--agency", help=terminal_text(_("Key of the LPSE; without it an administrator of the installation.")))
@click.option("--nip", help=terminal_text(_("NIP, with dots and blanks or not.")))
@click.option("--email", help=terminal_text(_("E-mail address, to which links to set a new password are sent.")))
@_PASSWORD_OPTION
def add(
    username: str,
    name: str,
    roles: tuple[str, ...],
    agency: str | None,
    *,
    password_stdin: bool,
    **details: str | None,
) -> None:
    """Create an account; its password has to be changed at the first login."""
    if not username.isprintable() or username != username.strip() or not 0 < len(username) <= _MAX_USERNAME_LENGTH:
        raise click.BadParameter(
            terminal_text(_("1 to 80 characters, with no blanks around them")), param_hint="USERNAME"
        )
    if not name.strip():
        raise _bad(_("must not be empty"), "--name")
    held = frozenset(Role(role) for role in roles)
    if agency is None and Role.ADMINISTRATOR not in held:
        raise click.BadParameter(
            terminal_text(_("is needed: only an administrator belongs to no agency")), param_hint="--agency"
        )
    with write_session("user add") as session:
        password = _read_password() if password_stdin else generate_password()
        account = NewAccount(
            agency=_find_agency(agency) if agency else None,
            values={"username": username, "full_name": name, **details},
            roles=held,
            password=password,
        )
        user = create_account(session, None, account, now=now())
        added = user.username
    say(_("%(username)s: added.", username=added))
    if not password_stdin:
        say(_("Password: %(password)s", password=password))


@group.command()
@click.argument("username")
@_VACANT_OPTION
def disable(username: str, *, leave_vacant: bool) -> None:
    """Disable an account and end its sessions."""
    with write_session("user disable"):
        user = _find_user(username)
        if user.is_active:
            disable_account(user, None, now=now(), leaves_vacant=leave_vacant)
        name = user.username
        waiting = requests_that_need(db.session(), user)
        remark = waiting_message(waiting) if waiting else None
    if remark is not None:
        say(remark, err=True)
        say(_("On the page of the account an administrator gives them to another requester."), err=True)
    say(_("%(username)s: disabled.", username=name))


@group.command()
@click.argument("username")
def enable(username: str) -> None:
    """Enable an account again; its password and roles are as they were."""
    with write_session("user enable"):
        user = _find_user(username)
        enable_account(user, None, now=now())
        name = user.username
    say(_("%(username)s: enabled.", username=name))


@group.command("role")
@click.argument("username")
@click.argument("roles", nargs=-1, type=_ROLE_TYPE)
@click.option(
    "--add",
    "added",
    multiple=True,
    type=_ROLE_TYPE,
    help=_GIVE,
)
@click.option(
    "--remove",
    "removed",
    multiple=True,
    type=_ROLE_TYPE,
    help=_TAKE_AWAY,
)
@_VACANT_OPTION
def give_roles(
    username: str, roles: tuple[str, ...], added: tuple[str, ...], removed: tuple[str, ...], *, leave_vacant: bool
) -> None:
    """Give an account these ROLES and no others, or add and remove single ones; a change ends its sessions."""
    if bool(roles) == bool(added or removed):
        raise click.UsageError("name all roles that the account is to have, or --add and --remove single ones")
    if set(added) & set(removed):
        raise click.UsageError("the same role cannot be added and removed")
    with write_session("user role"):
        user = _find_user(username)
        held = frozenset(Role(role) for role in roles) or user.roles
        held = (held | {Role(role) for role in added}) - {Role(role) for role in removed}
        change_roles(user, None, held, now=now(), leaves_vacant=leave_vacant)
        name, keys = user.username, ",".join(role.value for role in Role if role in held)
    say(f"{name}: {keys}")


@group.command()
@click.argument("username")
@_PASSWORD_OPTION
def reset(username: str, *, password_stdin: bool) -> None:
    """Set a new password, which has to be changed at the next login, turn off the second factor, end all sessions."""
    with write_session("user reset"):
        user = _find_user(username)
        password = _read_password() if password_stdin else generate_password()
        reset_from_terminal(user, password, now=now())
        name, is_active = user.username, user.is_active
    say(_("%(username)s: reset.", username=name))
    if not is_active:
        say(_("The account is still disabled: flask user enable %(username)s", username=name))
    if not password_stdin:
        say(_("Password: %(password)s", password=password))


@group.command("requests")
def list_requests() -> None:
    """List what waits for a second person."""
    with read_session() as session:
        waiting = session.scalars(select(AccountRequest).order_by(AccountRequest.id)).all()
        print_table(
            (_("Number"), _("Account"), _("What"), _("Roles"), _("Asked by"), _("Until")),
            [
                (
                    str(one.id),
                    one.user.username,
                    one.act.title,
                    ",".join(role.value for role in one.roles or ()) or None,
                    one.asked_by.username,
                    one.expires_at.isoformat(timespec="minutes"),
                )
                for one in waiting
                if one.state(now()) is RequestState.WAITING
            ],
        )


@group.command("approve")
@click.argument("number", type=int)
def approve_request(number: int) -> None:
    """Approve a request, as its second person: who runs this is told to heads and administrators."""
    with write_session("user approve"):
        request = _find_request(number)
        name = request.user.username
        way_in = approve(request, None, now=now(), secret_key=None)
    say(_("%(username)s: approved.", username=name))
    if way_in is not None:
        say(_("Password: %(password)s", password=way_in.password))


@group.command("refuse")
@click.argument("number", type=int)
@click.option("--reason", required=True, help=terminal_text(_("Why it is refused.")))
def refuse_request(number: int, reason: str) -> None:
    """Refuse a request."""
    with write_session("user refuse"):
        request = _find_request(number)
        name = request.user.username
        refuse(request, None, now=now(), reason=reason)
    say(_("%(username)s: refused.", username=name))


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
                    _("Active") if user.is_active else _("Disabled"),
                )
                for user in users
            ],
        )


def _bad(message: Message, hint: str) -> click.BadParameter:
    return click.BadParameter(terminal_text(message), param_hint=hint)


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _find_user(username: str) -> User:
    user = find_user(db.session(), username)
    if user is None:
        raise NotFound(_("There is no user %(username)s.", username=username))
    return user


def _find_request(number: int) -> AccountRequest:
    request = db.session.get(AccountRequest, number)
    if request is None:
        raise NotFound(_("There is no request %(number)s.", number=number))
    return request


def _find_agency(key: str) -> Agency:
    agency = db.session.scalars(select(Agency).where(Agency.key == key)).one_or_none()
    if agency is None:
        raise NotFound(_("There is no agency %(key)s: load its SOP first.", key=key))
    return agency
