"""The office whose SOP has steps twice and steps of its own, with its people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.sops import sop
from tests.support.cast import NOW, user, values_for
from tests.support.present import present
from tests.support.running_app import RunningApp, form_fields, move_form

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEY = "kota-langkah-2025"
TEXT = (Path(__file__).parent / "files" / f"{KEY}.toml").read_text(encoding="utf-8")
ACCOUNTS = {Role.REQUESTER: "pemohon.kl", Role.CHANGE_MANAGER: "pengelola.kl", Role.HEAD: "kepala.kl"}
TYPED: dict[str, dict[str, Any]] = {
    "approval approved": {"field-tinjau-pada": "1 Mei 2026"},
    "task.perbaikan diperbaiki": {"field-tindakan": "Menu diperbaiki.", "equipment-pc": "y"},
}


def open_office(session: Session) -> sop.SopRevision:
    """Load and enact the SOP, and create its people."""
    revision = sop.load_revision(session, TEXT, KEY, now=NOW)
    revision.enact(now=NOW, by=None)
    for role, name in ACCOUNTS.items():
        user(session, revision.agency, name, role)
    session.commit()
    return revision


def submit(app: RunningApp) -> int:
    """Submit a request over HTTP and return its id."""
    asked = values_for(Step.REQUEST, Outcome.SUBMITTED)
    form: dict[str, Any] = {
        key: value for name, part in asked.items() for key, value in form_fields(name, part).items()
    }
    response = app.visitor(ACCOUNTS[Role.REQUESTER]).post("/admin/change/new/", **form)
    change_id = int(present(re.search(r"id=(\d+)", response.headers["Location"]))[1])
    move(app, change_id, "submitted")
    return change_id


def step_of(app: RunningApp, change_id: int) -> Step:
    """Return where a request is."""
    with app.session() as session:
        return session.get_one(ChangeRequest, change_id).step


def send(app: RunningApp, change_id: int, outcome: str, **fields: Any) -> Any:
    """Send the form of the open step for ``outcome`` as its actor."""
    with app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        role, form = change.sop.rules[change.step].actor, move_form(change, Outcome(outcome))
        typed = TYPED.get(f"{change.step} {outcome}", {})
    return app.visitor(ACCOUNTS[role]).post(f"/admin/change/{change_id}/move", **{**form, **typed, **fields})


def move(app: RunningApp, change_id: int, *outcomes: str, **fields: Any) -> None:
    """Make moves over HTTP."""
    for outcome in outcomes:
        moved = send(app, change_id, outcome, **fields)
        assert moved.status_code == 303, (outcome, moved.text[-3000:])
