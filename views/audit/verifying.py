"""A verification of the register: made, kept and told, for the command, the screen and the server's own of each day."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy.exc import OperationalError

from models.audit.trail import AuditContext, set_audit_context
from models.database import db, read_session
from models.integrity import jobs
from models.integrity.alerts import alert, alert_of_report
from models.integrity.findings import FindingKind
from models.integrity.jobs import VerificationJob
from models.integrity.record import save_run
from models.integrity.run import verify_register
from views.app.access import settings
from views.app.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from lpse_admin.i18n import Message
    from models.audit.anchors import Anchor
    from models.integrity.record import VerificationRun
    from models.integrity.run import Progress, Report

_ACTION = "audit.verify"
#: A server that has just started has other things to do than its verification of the day.
_SETTLED_AFTER = dt.timedelta(minutes=10)
_STARTED_KEY = "verification_started_at"
_MAX_ERROR = 500
#: How often a verification under way says that it is.
_RENEWED_EVERY = dt.timedelta(minutes=1)


class _StoppedError(Exception):
    """The server is to end; the verification is made again by the next."""


class _Lease:
    """Holds the verification that was claimed for as long as it goes on, and breaks it off when the server stops."""

    def __init__(self, job_id: int, is_stopped: Callable[[], bool]) -> None:
        self._job_id, self._is_stopped, self._renewed_at = job_id, is_stopped, now()

    def begin(self, _stage: Message, _total: int) -> None:
        """Go on to the next stage."""
        self.advance()

    def advance(self, _parts: int = 1) -> None:
        """Renew the lease where it is time; raises _StoppedError."""
        if self._is_stopped():
            raise _StoppedError
        if now() - self._renewed_at < _RENEWED_EVERY:
            return
        self._renewed_at = now()
        with suppress(OperationalError):  # others write just now: there is time until the lease ends
            jobs.renew(db.engine, self._job_id, now())


def verify_and_save(
    *,
    by: str,
    anchors: Sequence[Anchor] = (),
    since: Sequence[Anchor] = (),
    progress: Progress | None = None,
    job_id: int | None = None,
) -> Report:
    """Verify the register in one snapshot, then store the result and tell of what was found, in one transaction."""
    started_at = now()
    with read_session() as session:
        report = verify_register(session, anchors=anchors, since=since, progress=progress, ca_file=settings().tsa_ca)
    session = _answering(by)
    run = save_run(session, report, started_at=started_at, now=now(), by=by)
    _finish_job(session, job_id, run)
    if report.found:
        alert_of_report(session, report, now())
    session.commit()
    return report


def _answering(by: str) -> Session:
    session = db.session()
    set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name=by, action=_ACTION))
    return session


def _finish_job(session: Session, job_id: int | None, run: VerificationRun) -> None:
    if job_id is not None and (job := session.get_one(VerificationJob, job_id)).run_id is None:
        job.run_id = run.id


def run_waiting_verification(is_stopped: Callable[[], bool]) -> Report | None:
    """Make the verification that was asked for, or is due today; None where there is none. A job of the scheduler."""
    session = db.session()
    if _is_settled():
        _answering("Sistem")
        jobs.ask_daily(session, now=now())
        session.commit()
    job_id = None if is_stopped() else jobs.claim(session, now())
    if job_id is None:
        return None
    by = session.get_one(VerificationJob, job_id).asked_by_name
    session.commit()
    try:
        return verify_and_save(by=by, job_id=job_id, progress=_Lease(job_id, is_stopped))
    except _StoppedError:
        jobs.release(db.engine, job_id)
        return None
    except Exception as error:
        session.rollback()
        _answering(by).get_one(VerificationJob, job_id).error = f"{type(error).__name__}: {error}"[:_MAX_ERROR]
        session.commit()
        raise


def _is_settled() -> bool:
    """Whether the server has run long enough for its verification of the day."""
    started: dt.datetime = current_app.extensions.setdefault(_STARTED_KEY, now())
    return now() - started >= _SETTLED_AFTER


def alert_of_triggers(names: Sequence[str]) -> int:
    """Tell heads and administrators of triggers that are not as they should be, and return how many were told."""
    session = _answering("Sistem")
    count = alert(session, {FindingKind.SCHEMA: len(names)}, now())
    session.commit()
    return count
