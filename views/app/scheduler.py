"""What the server does by itself at a set interval, so that a small office needs no scheduler."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from sqlalchemy import select

from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from models.office.agency import Agency
from models.worktime.deadlines import sweep
from views.app.clock import now
from views.notifications import mailing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask

    #: Something to be done at each round; it is given what tells it that the server stops.
    Job = Callable[[Callable[[], bool]], object]

#: How long a stopping server waits for the round that is under way; what is cut off there is done by the next one.
_STOP_TIMEOUT = 10.0


def _send_mail(is_stopped: Callable[[], bool]) -> object:
    return mailing.send_due_mail(is_stopped=is_stopped)


def _sweep_deadlines(is_stopped: Callable[[], bool]) -> object:
    """Raise what has become overdue, one transaction for each office."""
    session = db.session()
    for agency_id in session.scalars(select(Agency.id).order_by(Agency.id)).all():
        if is_stopped():
            break
        # Begun anew for each: it is over with the commit.
        set_audit_context(session, AuditContext(at=now(), actor_id=None, actor_name="LPSE", action="deadline.sweep"))
        sweep(session, session.get_one(Agency, agency_id), now())
        session.commit()
    return None


#: What is done at each round, in this order: what the sweep tells is in the mail of the same round.
JOBS: tuple[tuple[str, Job], ...] = (("deadlines", _sweep_deadlines), ("mail", _send_mail))


class Scheduler:
    """A thread that goes its rounds until it is stopped; the fault of one ends neither the others nor the thread."""

    def __init__(self, app: Flask, seconds: float, jobs: Sequence[tuple[str, Job]] = JOBS) -> None:
        """Get ready to do ``jobs`` for ``app``, at once and then every so many ``seconds``."""
        self._app, self._seconds, self._jobs = app, seconds, tuple(jobs)
        self._stopped = Flag()
        self._thread = Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is under way."""
        self._stopped.set()
        self._thread.join(_STOP_TIMEOUT)

    @property
    def is_running(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for name, round_ in self._jobs:
                self._run_job(name, round_)
            self._stopped.wait(self._seconds)

    def _run_job(self, name: str, job: Job) -> None:
        """Do one round with a session of its own, and say in one line what went wrong."""
        try:
            with self._app.app_context():
                job(self._stopped.is_set)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next round must come
            reason = " ".join(str(error).split()) or "no reason given"
            self._app.logger.error("round “%s”: %s: %s", name, type(error).__name__, reason[:300])  # noqa: TRY400 - one line
