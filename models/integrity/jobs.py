"""Verifications that were asked for: by somebody, or by the server each day. Whichever server is free makes them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKey, Index, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import _
from models.accounts.permission import require_permission
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp
from models.database import takes_write_lock
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.integrity.record import VerificationRun, last_run

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

#: So long is a verification let alone since its last sign of progress: whoever made it has ended by then.
LEASE = dt.timedelta(minutes=20)
#: How often the server verifies by itself.
INTERVAL = dt.timedelta(hours=24)

_ASKED = AuditAction("audit.verify-ask", _("Asked for a verification of the register"))


class VerificationJob(Base):
    """A verification that was asked for."""

    __tablename__ = "audit_job"
    __table_args__ = (Index(None, "run_id", "id"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "audit_job_stands",
            "who asked for a verification, and when, stays as it is",
            (Immutable(mutable=("claimed_until", "run_id", "error")), Immutable("OLD.run_id IS NOT NULL")),
        ),
        DeleteRule("audit_job_kept", "that a verification was asked for is kept"),
    )

    id: Mapped[PrimaryKey]
    asked_at: Mapped[Timestamp]
    #: None for the server.
    asked_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    asked_by_name: Mapped[ShortText]
    #: The end of the lease of the server that is at it.
    claimed_until: Mapped[Timestamp | None]
    #: What it came to, or why it came to nothing.
    run_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("audit_check.id"))
    error: Mapped[LongText | None]

    run: Mapped[VerificationRun | None] = relationship()


def _is_open() -> ColumnElement[bool]:
    return VerificationJob.run_id.is_(None) & VerificationJob.error.is_(None)


def open_job(session: Session) -> VerificationJob | None:
    """Return the verification that waits, or is being made, if there is one."""
    return session.scalars(select(VerificationJob).where(_is_open()).order_by(VerificationJob.id).limit(1)).first()


def ask_for_verification(session: Session, *, by: User, now: dt.datetime) -> VerificationJob:
    """Ask for a verification now; raises NotAllowed, and NoSuchMove where one is waiting already."""
    refusal = _("Head, inspector and administrator have the register verified.")
    require_permission(by, Verb.EXPORT, Resource.INTEGRITY, by.agency_id, refusal)
    if open_job(session) is not None:
        raise NoSuchMove(_("A verification is waiting or being made already; its result will be here."))
    return _add(session, VerificationJob(asked_at=now, asked_by_id=by.id, asked_by_name=by.full_name))


def ask_daily(session: Session, *, now: dt.datetime) -> VerificationJob | None:
    """Ask for the verification of the day; the caller commits.

    None where one waits, the whole register was verified within the day, or the server has asked within the day: one
    that came to nothing is not made again at each round.
    """
    last = last_run(session)
    if open_job(session) is not None or (last is not None and last.finished_at > now - INTERVAL):
        return None
    asked = select(VerificationJob.id).where(
        VerificationJob.asked_by_id.is_(None), VerificationJob.asked_at > now - INTERVAL
    )
    if session.scalar(asked.limit(1)) is not None:
        return None
    return _add(session, VerificationJob(asked_at=now, asked_by_name="Sistem"))


def _add(session: Session, job: VerificationJob) -> VerificationJob:
    session.add(job)
    _ASKED.describe(session)
    session.flush()
    return job


def claim(session: Session, now: dt.datetime) -> int | None:
    """Take the verification that waits, so that no other server makes it, and return its id; commits.

    Claims are not in the audit trail.
    """
    table: Any = VerificationJob.__table__
    job = table.c
    is_free = or_(job.claimed_until.is_(None), job.claimed_until <= now)
    waiting = select(job.id).where(job.run_id.is_(None), job.error.is_(None), is_free).order_by(job.id).limit(1)
    connection = session.connection()
    id_ = connection.scalar(waiting)
    taken = id_ is not None and connection.execute(
        update(table).where(job.id == id_, is_free).values(claimed_until=now + LEASE)
    )
    session.commit()
    return id_ if taken and taken.rowcount == 1 else None


def renew(engine: Engine, job_id: int, now: dt.datetime) -> None:
    """Hold a verification for another lease, past the snapshot that it reads; not in the trail, as claims are not."""
    _set_lease(engine, job_id, now + LEASE)


def release(engine: Engine, job_id: int) -> None:
    """Let go of a verification that was broken off, so that the next server makes it."""
    _set_lease(engine, job_id, None)


def _set_lease(engine: Engine, job_id: int, until: dt.datetime | None) -> None:
    table: Any = VerificationJob.__table__
    token = takes_write_lock.set(True)
    try:
        with engine.begin() as connection:
            is_open = table.c.run_id.is_(None) & table.c.error.is_(None)
            connection.execute(update(table).where(table.c.id == job_id, is_open).values(claimed_until=until))
    finally:
        takes_write_lock.reset(token)
