"""Assignment of steps: one assignee at a time, reassignment with a reason, and no moves by others."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import entries_for_record
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import Reassignment, reassign, take_up
from models.changes.steps import timing
from models.notifications.notification import Notification
from models.reports.waiting import ActingUser, waiting_for_others, waiting_for_user
from tests.support.cast import LUMAJANG, NOW, change_at_step, delegation, make_move, new_change, set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

HOUR = dt.timedelta(hours=1)


def test_taking_up_ends_the_waiting_and_begins_the_handling(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    current = take_up(change, office.manager, now=NOW + HOUR)
    session.commit()
    assert (current.taken_up_at, current.taken_up_by_id, current.held_by_id) == (
        NOW + HOUR, office.manager.id, office.manager.id,
    )  # fmt: skip
    read = timing.measure_activity(change, current, NOW + 2 * HOUR)
    assert (read.waiting_time, read.handling_time, read.basis) == (HOUR, HOUR, "handling")
    with pytest.raises(NoSuchMove, match="already assigned to you"):
        take_up(change, office.manager, now=NOW + 2 * HOUR)


def test_what_one_has_taken_up_nobody_else_acts_on(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    session.commit()
    with pytest.raises(NoSuchMove, match="somebody else"):
        take_up(change, office.manager2, now=NOW)
    with pytest.raises(NotAllowed, match="somebody else"):
        change.save(office.manager2, now=NOW, values={})
    with pytest.raises(NotAllowed, match="somebody else"):
        make_move(session, change, Outcome.ACCEPTED, office.manager2)
    assert waiting_for_user(session, ActingUser(office.manager2), 10, NOW) == []
    (mine,) = waiting_for_user(session, ActingUser(office.manager), 10, NOW)
    assert mine.is_assigned_to_user
    (sent,) = waiting_for_others(session, ActingUser(office.requester), 10, NOW)
    assert sent.assignee == office.manager.full_name


def test_nobody_takes_up_what_is_not_theirs(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    draft = new_change(session, office)
    set_test_audit_context(session)
    with pytest.raises(NoSuchMove, match="requester's own"):
        take_up(draft, office.requester, now=NOW)
    change = change_at_step(session, office, Step.EVALUATION)
    for person in (office.requester, office.head, office.inspector, cast.tana_tidung.manager):
        set_test_audit_context(session)
        with pytest.raises(Exception, match=r"Only the|no such request"):
            take_up(change, person, now=NOW)


def test_a_step_is_reassigned_to_a_colleague_with_the_reason(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    with pytest.raises(NoSuchMove, match="no assignee"):
        reassign(change, office.manager2, office.manager, now=NOW, reason="Cuti")
    take_up(change, office.manager, now=NOW)
    session.commit()
    for to, reason, field in (
        (office.manager2, "  ", "reason"),
        (office.manager2, "\x00", "reason"),
        (office.head, "Cuti", "to"),
        (office.manager, "Cuti", "to"),
    ):
        set_test_audit_context(session)
        with pytest.raises(ValidationFailed) as refusal:
            reassign(change, to, office.manager, now=NOW, reason=reason)
        assert field in refusal.value.field_errors
        session.rollback()
    with pytest.raises(NotAllowed):
        reassign(change, office.manager, office.inspector, now=NOW, reason="Ikut campur")
    set_test_audit_context(session)
    reassign(change, office.manager2, office.manager, now=NOW + HOUR, reason="Cuti")
    session.commit()
    finished = make_move(session, change, Outcome.ACCEPTED, office.manager2, now=NOW + HOUR)
    assert (finished.taken_up_by_id, finished.held_by_id) == (office.manager.id, office.manager2.id)
    assert [one.reason for one in finished.reassignments] == ["Cuti"]
    assert finished.taken_up_at == NOW


def test_a_colleague_takes_over_from_an_assignee_who_cannot_reassign(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    session.commit()
    set_test_audit_context(session)
    with pytest.raises(NotAllowed, match="take it over yourself"):
        reassign(change, office.manager, office.manager2, now=NOW, reason="Sakit")
    reassign(change, office.manager2, office.manager2, now=NOW, reason="Sakit")
    session.commit()
    make_move(session, change, Outcome.ACCEPTED, office.manager2)


def test_the_delegate_takes_over_from_a_head_who_leaves(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    set_test_audit_context(session)
    take_up(change, office.head, now=NOW)
    session.commit()
    delegation(session, office)
    set_test_audit_context(session)
    reassign(change, office.delegate, office.delegate, now=NOW, reason="Kepala LPSE dinas luar")
    session.commit()
    finished = make_move(session, change, Outcome.APPROVED, office.delegate)
    assert finished.capacity == "Plh. Kepala LPSE"


def test_the_others_are_notified_of_the_assignee(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    activity = take_up(change, office.manager, now=NOW)
    reassign(change, office.manager2, office.manager, now=NOW, reason="Cuti")
    session.commit()
    told = session.scalars(select(Notification).where(Notification.activity_id == activity.id)).all()
    assert {(one.event.value, one.user_id) for one in told if one.event.value != "waiting"} == {
        ("taken-up", office.manager2.id),
        ("handed-over", office.manager2.id),
    }


def test_the_database_refuses_to_change_a_reassignment(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    reassign(change, office.manager2, office.manager, now=NOW, reason="Cuti")
    session.commit()
    with pytest.raises(DatabaseError, match="stays as it is"):
        session.connection().execute(update(Reassignment).values(reason="Lain"))
    session.rollback()


@pytest.mark.parametrize("change_at", [Step.EVALUATION])
def test_the_page_offers_what_one_may_do_and_keeps_what_was_typed(running_app: RunningApp, change_at: Step) -> None:
    change_id = running_app.change_at_step(LUMAJANG, change_at)
    manager, colleague = running_app.visitor("pengelola"), running_app.visitor("pengelola2")
    assert f"/admin/change/{change_id}/take-up" in manager.get(f"/admin/change/details/?id={change_id}").text
    assert f"/admin/change/{change_id}/take-up" not in running_app.visitor("kepala").get(
        f"/admin/change/details/?id={change_id}").text  # fmt: skip
    assert running_app.visitor("kepala").post(f"/admin/change/{change_id}/take-up").status_code == 403
    assert running_app.visitor("pengelola.tt").post(f"/admin/change/{change_id}/take-up").status_code == 404
    version = str(running_app.step_and_version(change_id)[1])
    assert manager.post(f"/admin/change/{change_id}/take-up", version=version).status_code == 303
    assert colleague.post(f"/admin/change/{change_id}/take-up", version=version).status_code == 409
    page = colleague.get(f"/admin/change/details/?id={change_id}").text
    assert 'class="step-form"' not in page
    assert f"/admin/change/{change_id}/hand-over" in page
    version = str(running_app.step_and_version(change_id)[1])
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        mine, theirs = str(office.manager.id), str(office.manager2.id)
    path = f"/admin/change/{change_id}/hand-over"
    empty = colleague.post(path, version=version, to=theirs, reason=" ")
    assert empty.status_code == 422
    nobody = manager.post(path, version=version, to="999999", reason="Alasan yang panjang")
    assert nobody.status_code == 422
    assert "Alasan yang panjang" in nobody.text
    assert manager.post(path, json=True, version=version, to="abc", reason="x").status_code == 422
    assert manager.post(path, version="1", to=theirs, reason="Cuti bersama").status_code == 409
    assert manager.post(path, version=version, to=theirs, reason="Cuti bersama").status_code == 303
    assert mine != theirs
    assert "Cuti bersama" in colleague.get(f"/admin/change/details/?id={change_id}").text
    assert running_app.make_move(change_id, Outcome.ACCEPTED).status_code == 403  # the colleague is the assignee
    with running_app.session() as session:
        entries = entries_for_record(session, "change_request", change_id)
        assert [entry.action for entry in entries[:2]] == ["change.hand-over", "change.take-up"]
        assert entries[0].reason == "Cuti bersama"


def test_a_hand_over_is_shown_with_the_titles_of_both_at_that_time(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    with running_app.session() as session:
        set_test_audit_context(session)
        office = running_app.cast(session).lumajang
        office.manager.position, office.manager2.position = "Pranata Komputer Muda", "Pengelola PBJ Pertama"
        session.commit()
        change = session.get_one(ChangeRequest, change_id)
        set_test_audit_context(session)
        take_up(change, office.manager, now=NOW)
        reassign(change, office.manager2, office.manager, now=NOW, reason="Cuti bersama")
        session.commit()
        set_test_audit_context(session)
        office.manager.position = "Kepala Bidang"
        names = office.manager.full_name, office.manager2.full_name
        session.commit()
    page = running_app.visitor("pengelola2").get(f"/admin/change/details/?id={change_id}").text
    assert f"{names[0]}, Pranata Komputer Muda kepada {names[1]}, Pengelola PBJ Pertama" in page
    assert "Kepala Bidang" not in page.partition("Cuti bersama")[0].rpartition("<p")[2]
