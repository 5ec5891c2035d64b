"""Who acted stays with the act, whatever becomes of the account."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.base import Base
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from tests.support.cast import LUMAJANG, cast, change_at_step, session  # noqa: F401 - fixtures
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

#: Columns that name a user who has not acted: owners of personal rows, recipients, and keys of totals.
NOT_AN_ACT = {
    ("activity", "requester_id"),
    ("audit_job", "asked_by_id"),  # its name is stored too, and is the system's where there is no user
    ("calendar_feed", "user_id"),
    ("list_choice", "user_id"),
    ("deviation_total", "executor_id"),
    ("login", "user_id"),
    ("notification", "user_id"),
    ("passkey", "user_id"),
    ("password_reset", "user_id"),
    ("recovery_code", "user_id"),
    ("pending_upload", "user_id"),
    ("requester_deviation", "requester_id"),
    ("requester_deviation_total", "executor_id"),
    ("requester_deviation_total", "follower_id"),
    ("requester_deviation_total", "requester_id"),
    ("requester_total", "requester_id"),
    ("saved_view", "user_id"),
    ("submission", "user_id"),
    ("upload", "user_id"),  # counted, not kept
}


def rename(running_app: RunningApp, username: str, name: str, title: str) -> None:
    """Let the administrator give an account another name and title."""
    with running_app.session() as opened:
        user = opened.scalars(select(User).where(User.username == username)).one()
        typed: dict[str, Any] = {
            "username": username,
            "full_name": name,
            "position": title,
            "roles": [role.value for role in user.roles],
        }
    answer = running_app.visitor("administrator").post(f"/admin/user/edit/?id={user.id}", **typed)
    assert answer.status_code == 303, answer.text


def test_the_name_and_title_of_a_step_stay_as_they_were_when_it_was_finished(running_app: RunningApp) -> None:
    rename(running_app, "pengelola", "Staf A, S.Kom.", "Pranata Komputer Pertama")
    rename(running_app, "pemohon", "Pemohon B, S.H.", "Analis Hukum")
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert running_app.make_move(change_id, Outcome.ACCEPTED).status_code == 303
    rename(running_app, "pengelola", "Staf A, S.Kom., M.T.", "Kepala Seksi")
    rename(running_app, "pemohon", "Pemohon B, S.H., M.H.", "Kepala Bagian Hukum")
    reader = running_app.visitor("kepala")
    page = reader.get(f"/admin/change/details/?id={change_id}").text
    for known, unknown in (("Staf A, S.Kom., Pranata Komputer Pertama", "M.T."), ("Pemohon B, S.H., Analis", "M.H.")):
        assert known in page
        taken = re.search(r'<ol class="steps-taken">.*?</ol>', page, re.DOTALL)
        assert taken is not None
        assert unknown not in taken[0]
    with running_app.session() as opened:
        activity_id = opened.scalars(
            select(Activity.id).where(Activity.change_id == change_id, Activity.step == Step.EVALUATION)
        ).one()
    for address, name, later in (
        ("/admin/evaluation/", "Staf A, S.Kom.", "M.T."),
        ("/admin/evaluation/export/csv/", "Pranata Komputer Pertama", "Kepala Seksi"),
        (f"/admin/evaluation/details/?id={activity_id}", "Pranata Komputer Pertama", "Kepala Seksi"),
        ("/admin/change/", "Pemohon B, S.H.", "M.H."),
        ("/admin/change/export/csv/", "Analis Hukum", "Kepala Bagian Hukum"),
    ):
        answer = reader.get(address).text.split('aria-labelledby="history"')[0]
        assert name in answer, address
        assert later not in answer, address
    sheet = load_workbook(io.BytesIO(reader.get("/admin/evaluation/export/xlsx/").data)).active
    assert sheet is not None
    cells = {str(cell) for row in sheet.iter_rows(values_only=True) for cell in row}
    assert {"Staf A, S.Kom.", "Pranata Komputer Pertama"} <= cells
    assert "Staf A, S.Kom., M.T." not in cells


def test_every_act_that_names_a_user_stores_the_name_beside_the_id() -> None:
    missing = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name == "user_account" for key in column.foreign_keys)
        and not any(
            other.info.get("snapshot_user") == column.name and other.info["snapshot_source"] == "full_name"
            for other in table.columns
        )
    }
    assert missing == NOT_AN_ACT


def test_the_requester_of_a_draft_is_stored_as_of_its_submission(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.REQUEST)
    cast.lumajang.requester.position = "Kepala Seksi"
    session.commit()
    assert change.asked_by_title is None
    submitted = change_at_step(session, cast.lumajang, Step.EVALUATION)
    assert submitted.asked_by_title == "Kepala Seksi"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE activity SET actor_name = 'Orang lain' WHERE finished_at IS NOT NULL",
        "UPDATE activity SET actor_title = 'Jabatan lain' WHERE finished_at IS NOT NULL",
        "UPDATE change_request SET asked_by_name = 'Orang lain' WHERE number IS NOT NULL",
    ],
)
def test_the_database_refuses_another_name_for_who_acted(session: AuditedSession, cast: Cast, statement: str) -> None:
    change_at_step(session, cast.lumajang, Step.URGENCY)
    with pytest.raises(DatabaseError):
        session.connection().execute(text(statement))
    session.rollback()


def test_the_database_refuses_a_finished_step_without_a_name(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.EVALUATION)
    assert isinstance(change, ChangeRequest)
    statement = text(
        "UPDATE activity SET finished_at = arrived_at, outcome = 'accepted', target = 'urgency', actor_id = :user,"
        " capacity = 'Pengelola' WHERE change_id = :change AND finished_at IS NULL"
    )
    with pytest.raises(DatabaseError, match="by name"):
        session.connection().execute(statement, {"user": cast.lumajang.manager.id, "change": change.id})
    session.rollback()
