"""The scheduler: a thread of the server that sweeps deadlines and sends mail at a fixed interval."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import select

from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.forms.pending_upload import remove_old_uploads
from models.forms.submission import remove_old_submissions
from models.integrity.clock import clock_error
from models.notifications.security_notices import alert
from models.office.agency import Agency
from models.office.upload import forget_old_uploads
from models.reports import totals
from models.self_check.run import INTERVAL, run_self_check
from models.worktime.deadlines import sweep
from views.app import security_log
from views.app.clock import now
from views.audit.verifying import run_waiting_verification
from views.inspection import making
from views.notifications import anchoring, mailing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask

    #: A job of the scheduler; its argument is a function that returns whether the server is stopping.
    Job = Callable[[Callable[[], bool]], object]

#: Seconds to wait for the running job when the server stops.
_STOP_TIMEOUT = 10.0


def _send_mail(is_stopped: Callable[[], bool]) -> object:
    return mailing.send_due_mail(is_stopped=is_stopped)


def _sweep_deadlines(is_stopped: Callable[[], bool]) -> object:
    """Sweep the deadlines of all agencies, one transaction for each."""
    session = db.session()
    for agency_id in session.scalars(select(Agency.id).order_by(Agency.id)).all():
        if is_stopped():
            break
        # Set for each agency, since the commit ends the audit context.
        set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name="Sistem", action="deadline.sweep"))
        sweep(session, session.get_one(Agency, agency_id), now())
        totals.merge(session.connection(), agency_id)
        session.commit()
    return None


def _check_registers(is_stopped: Callable[[], bool]) -> object:
    """Check the registers of all agencies by the rules every few hours, one transaction for each."""
    last = current_app.extensions.get("self_check_at")
    if last is not None and last <= now() < last + INTERVAL:
        return None
    session = db.session()
    for agency_id in session.scalars(select(Agency.id).order_by(Agency.id)).all():
        if is_stopped():
            return None
        set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name="Sistem", action="self-check.run"))
        run_self_check(session, session.get_one(Agency, agency_id), now())
        session.commit()
    current_app.extensions["self_check_at"] = now()
    return None


def _anchor(is_stopped: Callable[[], bool]) -> object:
    """Make the anchors of the day, and send and stamp those that are due."""
    return anchoring.anchor_all(by="Sistem", is_stopped=is_stopped)


def _compare_clocks(_is_stopped: Callable[[], bool]) -> object:
    """Alert the administrators of a clock that is wrong, at most once an hour."""
    session = db.session()
    error = clock_error(session, now())
    if error is None:
        session.rollback()
        return None
    set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name="Sistem", action="clock.compare"))
    security_log.write("clock", "wrong", reason=str(error))
    for agency_id in [None, *session.scalars(select(Agency.id).order_by(Agency.id))]:
        alert(session, "clock", error, agency_id=agency_id, now=now())
    session.commit()
    return None


def _forget_old_forms(_is_stopped: Callable[[], bool]) -> object:
    """Forget forms that were sent long ago, and files of forms that were never sent again."""
    session = db.session()
    remove_old_submissions(session, now())
    remove_old_uploads(session, now())
    forget_old_uploads(session, now())
    session.commit()
    return None


def _continue_dossiers(_is_stopped: Callable[[], bool]) -> object:
    """See to the dossiers that are not finished, and to the files of those that were kept long enough."""
    making.continue_unfinished()
    return None


#: The jobs in order: notifications of the sweep are mailed in the same run.
JOBS: tuple[tuple[str, Job], ...] = (
    ("clock", _compare_clocks),
    ("deadlines", _sweep_deadlines),
    ("mail", _send_mail),
    ("anchors", _anchor),
    ("forms", _forget_old_forms),
    ("self-check", _check_registers),
    ("dossiers", _continue_dossiers),
)

#: What may take minutes, by a thread of its own: mail and deadlines do not wait for it.
LONG_JOBS: tuple[tuple[str, Job], ...] = (("verification", run_waiting_verification),)


class Scheduler:
    """A thread that runs the jobs until it is stopped; an exception in a job ends neither the others nor the thread."""

    def __init__(self, app: Flask, seconds: float, jobs: Sequence[tuple[str, Job]] = JOBS) -> None:
        """Prepare to run ``jobs`` for ``app``, at once and then every ``seconds``."""
        self._app, self._seconds, self._jobs = app, seconds, tuple(jobs)
        self._stopped = Flag()
        self._thread = Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running job."""
        self._stopped.set()
        self._thread.join(_STOP_TIMEOUT)

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for name, round_ in self._jobs:
                self._run_job(name, round_)
            self._stopped.wait(self._seconds)

    def _run_job(self, name: str, job: Job) -> None:
        """Run a job in its own app context, and log an exception in one line."""
        try:
            with self._app.app_context():
                job(self._stopped.is_set)
        except Exception as error:  # noqa: BLE001 - the scheduler must go on
            reason = " ".join(str(error).split()) or "no reason given"
            self._app.logger.error("round “%s”: %s: %s", name, type(error).__name__, reason[:300])  # noqa: TRY400 - one line
