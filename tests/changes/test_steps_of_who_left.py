"""Open steps of a change manager who has left: told at disabling, and the colleagues' to take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import reassign, steps_held_by, take_up
from models.reports.waiting import ActingUser, waiting_for_user
from tests.support.cast import (
    LUMAJANG,
    NOW,
    cast,  # noqa: F401 - fixtures
    change_at_step,
    make_move,
    session,  # noqa: F401
    set_test_audit_context,
)
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp


@pytest.mark.parametrize("left", ["disabled", "without the role"])
def test_the_steps_of_who_left_wait_for_the_colleagues_who_take_them_over(
    left: str, session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    session.commit()
    assert waiting_for_user(session, ActingUser(office.manager2), 10, NOW) == []
    set_test_audit_context(session)
    if left == "disabled":
        office.manager.disable(office.administrator)
    else:
        office.manager.roles = {Role.REQUESTER}
    session.commit()
    assert [step.change_id for step in steps_held_by(session, office.manager)] == [change.id]
    (found,) = waiting_for_user(session, ActingUser(office.manager2), 10, NOW)
    assert not found.is_assigned_to_user
    set_test_audit_context(session)
    reassign(change, office.manager2, office.manager2, now=NOW, reason="Pengelola pensiun")
    session.commit()
    assert list(steps_held_by(session, office.manager)) == []
    make_move(session, change, Outcome.ACCEPTED, office.manager2)


def test_the_administrator_is_told_at_disabling_and_on_the_page_of_the_account(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    version = str(running_app.step_and_version(change_id)[1])
    taken = running_app.visitor("pengelola2").post(f"/admin/change/{change_id}/take-up", version=version)
    assert taken.status_code == 303
    with running_app.session() as opened:
        user_id = opened.scalars(select(User.id).where(User.username == "pengelola2")).one()
        number = opened.get_one(ChangeRequest, change_id).number
    administrator, page = running_app.visitor("administrator"), f"/admin/user/details/?id={user_id}"
    assert f"/admin/change/details/?id={change_id}#step" in administrator.get(page).text
    assert administrator.post(f"/admin/user/{user_id}/disable").status_code == 303
    told = administrator.get(page).text
    assert f"{number} (Evaluasi" in told
    assert told.count("ambil alih") + told.count("mengambil alih") >= 2
    listed = running_app.visitor("pengelola").get("/admin/evaluation/?waiting=me").text
    assert str(number) in listed
    shown = running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert f"/admin/change/{change_id}/hand-over" in shown
