"""The office whose SOP asks a board, the requester and a second person for their consent, with its people."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.sops import sop
from models.sops.appointment import Decree, appoint
from tests.support.cast import NOW, set_test_audit_context, user, values_for
from tests.support.present import present
from tests.support.running_app import RunningApp, form_fields, move_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

KEY = "kabupaten-dewan-2026"
TEXT = (Path(__file__).parent / "files" / f"{KEY}.toml").read_text(encoding="utf-8")
REQUESTER, CHAIR, ADMINISTRATOR = "pemohon.kd", "kepala.kd", "admin.kd"
EVALUATOR, TESTER, TECHNICIAN, TECHNICIAN2 = "manajer1.kd", "manajer2.kd", "petugas1.kd", "petugas2.kd"
BOARD = ("dewan1.kd", "dewan2.kd", "dewan3.kd", "dewan4.kd")
ACCOUNTS: Mapping[str, Role] = {
    REQUESTER: Role.REQUESTER,
    ADMINISTRATOR: Role.ADMINISTRATOR,
    **dict.fromkeys((EVALUATOR, TESTER, TECHNICIAN, TECHNICIAN2), Role.CHANGE_MANAGER),
    **dict.fromkeys((CHAIR, *BOARD), Role.HEAD),
}
POSTS = {
    "manajer": (EVALUATOR, TESTER),
    "petugas": (TECHNICIAN, TECHNICIAN2),
    "dewan": BOARD,
    "kepala": (CHAIR,),
}


def open_office(session: Session) -> sop.SopRevision:
    """Load and enact the SOP, create its people, and appoint them."""
    revision = sop.load_revision(session, TEXT, KEY, now=NOW)
    revision.enact(now=NOW, by=None)
    people = {name: user(session, revision.agency, name, role) for name, role in ACCOUNTS.items()}
    session.commit()
    set_test_audit_context(session, "appointment.record")
    for post, names in POSTS.items():
        decree = Decree(post, [people[name] for name in names], f"800/{post}/2026", NOW.date(), NOW.date())
        appoint(session, revision.agency, decree, by=people[CHAIR], now=NOW - dt.timedelta(hours=1))
    session.commit()
    return revision


def person(session: Session, username: str) -> User:
    """Return a user of the office."""
    return session.scalars(select(User).where(User.username == username)).one()


def submit(app: RunningApp) -> int:
    """Submit a request over HTTP and return its id."""
    asked = values_for(Step.REQUEST, Outcome.SUBMITTED)
    form: dict[str, Any] = {
        key: value for name, part in asked.items() for key, value in form_fields(name, part).items()
    }
    response = app.visitor(REQUESTER).post("/admin/change/new/", **form)
    change_id = int(present(re.search(r"id=(\d+)", response.headers["Location"]))[1])
    move(app, REQUESTER, change_id, "submitted")
    return change_id


def step_of(app: RunningApp, change_id: int) -> Step:
    """Return where a request is."""
    with app.session() as session:
        return session.get_one(ChangeRequest, change_id).step


def send(app: RunningApp, username: str, change_id: int, outcome: str, **fields: Any) -> Any:
    """Send the form of the open step for ``outcome``."""
    with app.session() as session:
        form = move_form(session.get_one(ChangeRequest, change_id), Outcome(outcome))
    return app.visitor(username).post(f"/admin/change/{change_id}/move", **{**form, **fields})


def move(app: RunningApp, username: str, change_id: int, outcome: str, **fields: Any) -> None:
    """Make a move over HTTP."""
    moved = send(app, username, change_id, outcome, **fields)
    assert moved.status_code == 303, (outcome, moved.text[-3000:])


def speak(
    app: RunningApp, username: str, change_id: int, answer: str = "yes", reason: str = "Sesuai rencana.", **more: str
) -> Any:
    """Agree or object to the open step."""
    with app.session() as session:
        activity = present(session.get_one(ChangeRequest, change_id).current_activity).id
    fields: dict[str, Any] = {"agrees": answer, "consent_reason": reason, "activity": str(activity), **more}
    return app.visitor(username).post(f"/admin/change/{change_id}/consent", **fields)
