"""Open steps of a change manager who has left: told at disabling, and the colleagues' to take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed, NotFound, ValidationFailed
from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.administration.operations import disable_account
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import reassign, steps_held_by, take_up
from models.notifications.notification import Notification
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
        disable_account(office.manager, office.administrator, now=NOW)
    else:
        office.manager.roles = {Role.REQUESTER}
    session.commit()
    assert [step.change_id for step in steps_held_by(session, office.manager)] == [change.id]
    (result,) = waiting_for_user(session, ActingUser(office.manager2), 10, NOW)
    assert not result.is_assigned_to_user
    set_test_audit_context(session)
    reassign(change, office.manager2, office.manager2, now=NOW, reason="Pengelola pensiun")
    session.commit()
    assert list(steps_held_by(session, office.manager)) == []
    make_move(session, change, Outcome.ACCEPTED, office.manager2)


def test_an_administrator_gives_the_step_to_a_colleague_on_record_and_both_are_notified(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    session.commit()
    set_test_audit_context(session, capacity="Administrator", actor_id=office.administrator.id)
    handed = reassign(change, office.manager2, office.administrator, now=NOW, reason="Pengelola pindah tugas")
    session.commit()
    assert (handed.by_administrator, handed.by_capacity, handed.by_id) == (
        True, "Administrator", office.administrator.id,
    )  # fmt: skip
    told = session.scalars(select(Notification.user_id).where(Notification.event == Event.HANDED_OVER)).all()
    assert {office.manager.id, office.manager2.id} <= set(told)
    assert steps_held_by(session, office.manager2)[0].change_id == change.id


def test_only_an_administrator_of_the_office_gives_a_colleagues_step_to_a_third_and_only_to_who_may_act(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    session.commit()
    for other in (office.head, office.inspector, office.requester2, cast.tana_tidung.administrator):
        with pytest.raises((NotAllowed, NotFound)):
            reassign(change, office.manager2, other, now=NOW, reason="Pindah")
        session.rollback()
    for nobody in (office.requester, office.head, cast.tana_tidung.manager):
        with pytest.raises(ValidationFailed) as refusal:
            reassign(change, nobody, office.administrator, now=NOW, reason="Pindah")
        assert "to" in refusal.value.field_errors
        session.rollback()


def test_the_administrator_is_told_at_disabling_finds_the_steps_in_one_list_and_gives_them_to_a_colleague(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    version = str(running_app.step_and_version(change_id)[1])
    taken = running_app.visitor("pengelola2").post(f"/admin/change/{change_id}/take-up", version=version)
    assert taken.status_code == 303
    with running_app.session() as opened:
        users = {user.username: user.id for user in opened.scalars(select(User))}
        number = str(opened.get_one(ChangeRequest, change_id).number)
    administrator, page = running_app.visitor("administrator"), f"/admin/user/details/?id={users['pengelola2']}"
    lists = ("/admin/change/?handler=left", "/admin/evaluation/?handler=left")
    assert f"/admin/change/details/?id={change_id}#step" in administrator.get(page).text
    assert not any(number in administrator.get(one).text for one in lists)
    assert administrator.post(f"/admin/user/{users['pengelola2']}/disable").status_code == 303
    told = administrator.get(page).text
    assert f"{number} (Evaluasi" in told
    assert told.count("mengambil alih") >= 2
    assert number in running_app.visitor("pengelola").get("/admin/evaluation/?waiting=me").text
    address = f"/admin/change/{change_id}/hand-over"
    assert address in running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert all(number in administrator.get(one).text for one in lists)
    assert f'action="{address}"' in administrator.get(f"/admin/change/details/?id={change_id}").text
    version = str(running_app.step_and_version(change_id)[1])
    refused = administrator.post(address, version=version, to=str(users["pengelola"]), reason="")
    assert refused.status_code == 422
    done = administrator.post(address, version=version, to=str(users["pengelola"]), reason="Pindah tugas")
    assert done.status_code == 303
    assert not any(number in administrator.get(one).text for one in lists)
    with running_app.session() as opened:
        entry = opened.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        assert (entry.action, entry.reason, entry.capacity) == ("change.hand-over", "Pindah tugas", "Administrator")
