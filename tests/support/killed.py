"""Processes that are killed: for each line of stdin, fork a child that runs up to a stage and kills itself there.

``python -m tests.support.killed DATABASE CHANGE PORT``; lines: "number stage". A child ends itself with SIGKILL, so
that nothing is cleaned up: no handler runs, no connection is closed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import create_engine

from lpse_admin.notifications.smtp_url import MailServer
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.notifications.outbox import send_outbox
from models.notifications.smtp_client import OutgoingMail, RenderedMail
from models.sops.sop import SopRevision
from tests.support.cast import NOW, AuditedSession, attach_required, set_test_audit_context, values_for

if TYPE_CHECKING:
    from sqlalchemy import Engine


def kill_this_process() -> NoReturn:
    """Kill this process with SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def move_and_send(engine: Engine, change_id: int, port: int, stage: str) -> None:
    """Move the request, and continue up to ``stage``."""
    with AuditedSession(engine) as session:
        change = session.get_one(ChangeRequest, change_id)
        session.get_one(SopRevision, change.sop_id)
        is_back = change.step is Step.RETURNED
        outcome = Outcome.RESUBMITTED if is_back else Outcome.RETURNED
        by = change.requester if is_back else session.query(User).filter_by(username="pengelola").one()
        set_test_audit_context(session, f"change.{outcome}")
        values = values_for(Step.REQUEST if is_back else change.step, outcome)
        change.advance(outcome, by, now=NOW, values=values, equipment=attach_required(session, change))
        if stage == "warm":
            session.rollback()
        if stage == "moved":
            kill_this_process()
        session.commit()
        if stage == "committed":
            kill_this_process()

        def compose(parcel: OutgoingMail) -> RenderedMail:
            if stage == "claimed":
                kill_this_process()
            return RenderedMail("Kabar", "Isi", "Isi", parcel.agency_name)

        send_outbox(session, MailServer("127.0.0.1", port, "lpse@lpse.example"), compose, now=lambda: NOW, by="tests")
        if stage != "warm":
            kill_this_process()


def main() -> None:
    """Fork a child for each line."""
    url, change_id, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    engine = create_engine(url)
    move_and_send(engine, change_id, port, "warm")  # loaded and compiled here once for all children
    engine.dispose()
    for line in sys.stdin:
        number, stage = line.split()
        child = os.fork()
        if child == 0:
            move_and_send(engine, change_id, port, stage)
            os._exit(1)
        _pid, status = os.waitpid(child, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(1)
        print(number, stage, flush=True)


if __name__ == "__main__":
    main()
