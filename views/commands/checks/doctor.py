"""`flask doctor`: what an installation lacks for its work, each with what to do about it."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.national_holidays import LAST_YEAR
from models.accounts.demo_password import accounts_with_demo_password
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.database import db, is_sqlite, read_session
from models.notifications.mail import Mail, MailState
from models.notifications.smtp_client import connection_error
from models.office.agency import Agency
from models.schema import schema_error
from models.sops.sop import sop_in_force
from models.triggers import missing_triggers
from views.app.access import settings
from views.app.clock import now
from views.commands.terminal import localized, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

_GIB = 1024**3
#: The clocks of the program and the database may differ by so much.
_CLOCK_TOLERANCE = dt.timedelta(minutes=1)
#: Mail that waits for longer says that nothing sends it.
_MAIL_PATIENCE = dt.timedelta(hours=1)
#: From this month on the holidays of the coming year should be there.
_MONTH_OF_THE_DECREE = 11

#: The roles that every LPSE needs somebody in, and what stands still without.
_NEEDED = (Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """Check this installation: settings, database, accounts, mail; exit 1 with a line for each fault."""
    faults = 0
    for title, check in _CHECKS:
        result = _found(check)
        faults += len(result)
        say(f"{'!' if result else 'OK':<3} {localized(title)}")
        for fault in result:
            say(f"      {localized(fault)}", err=True)
    if faults:
        sys.exit(1)


def _found(check: Callable[[Session], Iterator[Message]]) -> list[Message]:
    try:
        with read_session() as session:
            return list(check(session))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return [_("The database is unavailable or not set up (flask db upgrade): %(reason)s", reason=reason)]


def _address(_session: Session) -> Iterator[Message]:
    """Yield what of the settings keeps people from logging in, or their mails from leading here."""
    chosen = settings()
    if chosen.is_demo:
        yield _("LPSE_ENV is demo: known passwords, for this machine alone. An office works with LPSE_ENV=production.")
        return
    if chosen.base_url is None:
        yield _("LPSE_BASE_URL is missing: mails have no link, and nobody can set a new password by mail.")
    elif not chosen.base_url.startswith("https://"):
        yield _("LPSE_BASE_URL is not https://: over plain HTTP browsers do not keep the login.")
    if chosen.proxies == 0:
        yield _("LPSE_PROXIES is 0: behind nginx set it to 1, or every reader has the address of the proxy.")


def _known_passwords(session: Session) -> Iterator[Message]:
    """Yield which accounts of production anybody can open."""
    if not settings().is_demo and (known := accounts_with_demo_password(session)):
        yield _("Accounts with the demo's password, which everybody knows: %(names)s.", names=", ".join(known))


def _schema(session: Session) -> Iterator[Message]:
    """Yield whether the database is of another version than the program, or has lost a trigger."""
    connection = session.connection()
    if (error := schema_error(connection)) is not None:
        yield error
    elif missing := missing_triggers(connection):
        yield _("The database has lost triggers that protect the records: %(names)s.", names=", ".join(missing))


def _storage(session: Session) -> Iterator[Message]:
    """Yield whether the disk is nearly full, or SQLite finds a fault in its file."""
    if not is_sqlite(session):
        return
    database = Path(db.engine.url.database or "")
    free = shutil.disk_usage(database.parent).free
    if free < _GIB:
        yield _("Only %(size)s MB are free where the database is.", size=free // 1024**2)
    if (answer := session.connection().exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
        yield _("SQLite finds a fault in the database: %(reason)s. Restore a backup.", reason=answer)


def _clocks(session: Session) -> Iterator[Message]:
    """Yield whether a clock is wrong: the database's, or this machine's by what the trail already has."""
    if not is_sqlite(session):
        elsewhere = session.execute(select(func.now())).scalar_one()
        if abs(elsewhere - dt.datetime.now(dt.UTC)) > _CLOCK_TOLERANCE:
            yield _("The clock of the database and of this machine differ by more than a minute.")
    last = session.scalar(select(func.max(AuditEntry.at)))
    if last is not None and last > now() + _CLOCK_TOLERANCE:
        yield _("The trail has entries of the future: the clock of this machine is, or was, wrong.")


def _offices(session: Session) -> Iterator[Message]:
    """Yield what an LPSE lacks for its procedure."""
    agencies = session.scalars(select(Agency).order_by(Agency.key)).all()
    if not agencies:
        yield _("There is no LPSE yet: load its SOP (flask sop load) and enact it (flask sop enact).")
    for agency in agencies:
        if sop_in_force(session, agency.id) is None:
            yield _("%(agency)s has no SOP in force: flask sop enact.", agency=agency.name)
        users = session.scalars(select(User).where(User.agency_id == agency.id, User.is_active)).all()
        held = {role for user in users for role in user.roles}
        for role in _NEEDED:
            if role not in held:
                yield _("%(agency)s has nobody who is %(role)s.", agency=agency.name, role=role.title)
    if not any(Role.ADMINISTRATOR in user.roles for user in session.scalars(select(User).where(User.is_active))):
        yield _("There is no administrator: flask user add NAME --role administrator.")


def _holidays(_session: Session) -> Iterator[Message]:
    """Yield whether the national holidays of the year are not known yet."""
    today = now().date()
    needed = today.year + (today.month >= _MONTH_OF_THE_DECREE)
    if needed > LAST_YEAR:
        yield _("The national holidays of %(year)s are not in the program: enter them, or update it.", year=needed)


def _mail(session: Session) -> Iterator[Message]:
    """Yield why mail does not leave."""
    server = settings().mail_server
    if server is None:
        yield _("LPSE_SMTP_URL is not set: mail is kept in the outbox.")
        return
    if (error := connection_error(server)) is not None:
        yield _("The mail server: %(error)s", error=error)
    waiting = select(func.count()).where(Mail.state == MailState.WAITING, Mail.next_try_at < now() - _MAIL_PATIENCE)
    if count := session.scalar(waiting):
        yield _("%(count)s mails have been waiting for more than an hour: flask mail list.", count=count)
    if count := session.scalar(select(func.count()).where(Mail.state == MailState.FAILED)):
        yield _("%(count)s mails have failed: flask mail list.", count=count)


_CHECKS: tuple[tuple[Message, Callable[[Session], Iterator[Message]]], ...] = (
    (_("Settings"), _address),
    (_("Known passwords"), _known_passwords),
    (_("Schema of the database"), _schema),
    (_("Storage"), _storage),
    (_("Clocks"), _clocks),
    (_("LPSEs and accounts"), _offices),
    (_("National holidays"), _holidays),
    (_("Mail"), _mail),
)
