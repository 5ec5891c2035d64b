"""Reading an office's data as its inspector would, outside of a web request: from one snapshot, at a fixed moment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import current_app, g
from flask_babel import force_locale
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from models.accounts.user import Language, User
from models.audit.trail import AuditEntry
from models.database import db, has_time_limits, is_sqlite, takes_write_lock
from models.office.agency import Agency

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

#: What is noted in the trail of people who only read.
_READING = ("list.export", "POST access.login", "POST access.logout", "POST language.choose", "notification.read")
#: The beginning of the actions of this room.
ACTION_PREFIX = "inspection."


@contextmanager
def office_reader(agency_id: int) -> Iterator[tuple[Session, Agency, dt.datetime]]:
    """Yield a session, the office, and the moment of its data: that of the last entry of its trail that is no reading.

    Lists, columns and texts answer as they do an inspector of the office, in Indonesian, at that moment. So a dossier
    says the same whoever asks for it, and whenever, as long as nothing was written.
    """
    tokens = takes_write_lock.set(False), has_time_limits.set(False)
    try:
        with current_app.app_context(), current_app.test_request_context("/"), force_locale(Language.INDONESIAN.value):
            session = db.session()
            if not is_sqlite(session):
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            agency = session.get_one(Agency, agency_id)
            reader = User(full_name="Pemeriksa", is_active=True, language=Language.INDONESIAN, agency_id=agency.id)
            reader.roles = frozenset({Role.INSPECTOR})
            reader.id = 0
            reader.agency = agency
            g.current_user, g.delegation = reader, None
            g.moment = last_written(session, agency_id)
            with session.no_autoflush:
                yield session, agency, g.moment
            session.rollback()
    finally:
        takes_write_lock.reset(tokens[0])
        has_time_limits.reset(tokens[1])


def last_written(session: Session, agency_id: int) -> dt.datetime:
    """Return when the office's data was last written."""
    return last_entry(session, agency_id).at


def last_entry(session: Session, agency_id: int) -> AuditEntry:
    """Return the last entry of the office's trail that tells of more than reading."""
    return session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.chain == agency_id,
            AuditEntry.action.not_in(_READING),
            ~AuditEntry.action.startswith(ACTION_PREFIX),
        )
        .order_by(AuditEntry.number.desc())
        .limit(1)
    ).one()
