"""What each user and each office has sent in files on a day, and how much that may be.

It is counted in the database, so that several servers share the count. Bookkeeping, which the trail does not tell of:
what a file belongs to is told there. Kept for ``KEPT_FOR``.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.config import UploadLimit
from lpse_admin.errors import UploadLimitReached
from lpse_admin.i18n import _
from models.base import Base, IdType, PrimaryKey, Timestamp
from models.database import is_sqlite
from models.office.agency import Agency

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from models.accounts.user import User

KEPT_FOR = dt.timedelta(days=2)
_LOCK_NAMESPACE = 0x4C505551
_MIB = 1024 * 1024
_LIMITS: list[UploadLimit] = [UploadLimit()]
_WAIT = _("send it tomorrow, or ask the administrator (LPSE_UPLOAD_LIMIT).")


class Upload(Base):
    """A file that was taken: whose it was, when, and its size in bytes."""

    __tablename__ = "upload"
    __table_args__ = (Index(None, "agency_id", "at"), Index(None, "user_id", "at"), Index(None, "at"))

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    at: Mapped[Timestamp]
    size: Mapped[int]


def set_upload_limit(limit: UploadLimit) -> None:
    """Take no more than ``limit`` from now on, in this process."""
    _LIMITS[:] = [limit]


def count_upload(
    session: Session, agency_id: int, size: int, *, by: User, now: dt.datetime, field: str | None = None
) -> None:
    """Count a file of ``size`` bytes that ``by`` sends to an office, in the transaction that takes it.

    Raises UploadLimitReached, with an error for ``field`` if it is given, where that is more than ``by`` or the office
    may send on a day of the office. The uploads of an office are counted one after the other.
    """
    if not is_sqlite(session):  # SQLite has one writer anyway
        session.execute(select(func.pg_advisory_xact_lock(_LOCK_NAMESPACE, bindparam("of", agency_id % 2**31))))
    limit, agency = _LIMITS[0], session.get_one(Agency, agency_id)
    midnight = now.astimezone(agency.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if _sent(session, Upload.user_id == by.id, midnight) + size > limit.user_mib * _MIB:
        message = _("You may send %(most)s MB of files in a day, and this would be more: %(wait)s", most=limit.user_mib,
                    wait=_WAIT)  # fmt: skip
    elif _sent(session, Upload.agency_id == agency_id, midnight) + size > limit.office_mib * _MIB:
        message = _("The office may send %(most)s MB of files in a day, and this would be more: %(wait)s",
                    most=limit.office_mib, wait=_WAIT)  # fmt: skip
    else:
        session.add(Upload(agency_id=agency_id, user_id=by.id, at=now, size=size))
        session.flush()
        return
    tomorrow = midnight + dt.timedelta(days=1)
    raise UploadLimitReached(
        message,
        retry_after=max(1, int((tomorrow - now).total_seconds())),
        field_errors={field: message} if field else None,
    )


def _sent(session: Session, criterion: ColumnElement[bool], midnight: dt.datetime) -> int:
    """Return the bytes that were sent since ``midnight``."""
    return session.scalar(select(func.coalesce(func.sum(Upload.size), 0)).where(criterion, Upload.at >= midnight)) or 0


def forget_old_uploads(session: Session, now: dt.datetime) -> None:
    """Forget what was sent longer than ``KEPT_FOR`` ago."""
    table: Any = Upload.__table__
    session.connection().execute(delete(table).where(table.c.at < now - KEPT_FOR))
