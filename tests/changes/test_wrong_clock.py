"""A server whose clock jumps: what it says, and how a request with times in the future is settled."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import entries_for_record
from models.changes.clock_correction import correct_clock
from models.changes.history import verify_histories
from models.changes.moves.assignment import take_up
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

TWO_HOURS, FOUR_HUNDRED_DAYS = dt.timedelta(hours=2), dt.timedelta(days=400)


@pytest.mark.parametrize("ahead", [TWO_HOURS, FOUR_HUNDRED_DAYS], ids=["two hours", "four hundred days"])
def test_a_move_before_the_arrival_says_that_the_clock_is_wrong(
    ahead: dt.timedelta, session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    with pytest.raises(NoSuchMove, match="clock is wrong"):
        make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW - ahead)
    with pytest.raises(NoSuchMove, match="clock is wrong"):
        take_up(change, office.manager, now=NOW - ahead)


def test_the_administrator_settles_a_request_of_the_future_on_record(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session, now=NOW + FOUR_HUNDRED_DAYS)
    take_up(change, office.manager, now=NOW + FOUR_HUNDRED_DAYS)
    session.commit()
    now = NOW + dt.timedelta(hours=1)
    for somebody in (office.manager, office.head, cast.tana_tidung.administrator):
        with pytest.raises(NotAllowed):
            correct_clock(change, by=somebody, now=now, reason="Jam server keliru")
    with pytest.raises(ValidationFailed):
        correct_clock(change, by=office.administrator, now=now, reason="\u200b")
    set_test_audit_context(session, now=now)
    created = correct_clock(change, by=office.administrator, now=now, reason="Jam server keliru")
    session.commit()
    assert (created.former_taken_up_at, created.taken_up_at) == (NOW + FOUR_HUNDRED_DAYS, now)
    assert (created.former_arrived_at, created.arrived_at) == (NOW, NOW)
    assert created.by_name == office.administrator.full_name
    with pytest.raises(NoSuchMove):
        correct_clock(change, by=office.administrator, now=now, reason="Jam server keliru")
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=now)
    assert [str(one) for one in verify_histories(session)] == []


def test_no_time_of_a_step_changes_without_a_correction(session: AuditedSession, cast: Cast) -> None:
    change_at_step(session, cast.lumajang, Step.EVALUATION)
    for column in ("arrived_at", "taken_up_at"):
        value = "'2020-01-01 00:00:00.000000'"
        if column == "taken_up_at":
            take_up(change_at_step(session, cast.lumajang, Step.EVALUATION), cast.lumajang.manager, now=NOW)
            session.commit()
        with pytest.raises(DatabaseError):
            session.connection().execute(
                text(f"UPDATE activity SET {column} = {value} WHERE {column} IS NOT NULL AND finished_at IS NULL")
            )
        session.rollback()


@pytest.mark.parametrize(("hours", "is_in"), [(-2, True), (2, True), (-9, False), (9, False)])
def test_a_session_survives_a_clock_that_is_set_two_hours_back(
    hours: int, is_in: bool, running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = running_app.visitor("pengelola")
    assert visitor.get("/").status_code == 200
    real = time.time
    with monkeypatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: real() + hours * 3600)
        assert (visitor.client.get("/").status_code == 200) == is_in
    running_app._visitors.pop("pengelola")


def test_the_page_and_the_terminal_lead_out_of_a_wrong_clock(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    running_app.now = NOW - TWO_HOURS
    try:
        answer = running_app.make_move(change_id, Outcome.ACCEPTED)
        assert answer.status_code == 409
        assert "Jam server salah" in answer.text
    finally:
        running_app.now = NOW
    running_app.now = NOW - TWO_HOURS
    try:
        runner = running_app.app.test_cli_runner()
        done = runner.invoke(args=["history", "correct-clock", "--by", "administrator", "--reason", "Jam keliru"])
        assert done.exit_code == 0, done.output
        assert running_app.make_move(change_id, Outcome.ACCEPTED).status_code == 303
    finally:
        running_app.now = NOW


def test_the_administrator_corrects_the_times_on_the_page_of_the_request(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    path, page = f"/admin/change/{change_id}/correct-clock", f"/admin/change/details/?id={change_id}"
    administrator = running_app.visitor("administrator")
    assert path not in administrator.get(page).text
    assert administrator.post(path, reason="Tidak perlu").status_code == 409
    running_app.now = NOW - TWO_HOURS
    try:
        assert path in administrator.get(page).text
        for name in ("pengelola", "kepala", "pemeriksa", "pemohon"):
            assert path not in running_app.visitor(name).get(page).text
            assert running_app.visitor(name).post(path, reason="Jam keliru").status_code == 403
        assert running_app.visitor("administrator.tt").post(path, reason="Jam keliru").status_code == 404
        empty = administrator.post(path, reason="\u200b")
        assert (empty.status_code, 'id="reason-error"' in empty.text) == (422, True)
        assert "Betulkan waktu dari jam yang keliru" in administrator.get(path).text
        assert administrator.post(path, reason="Jam server keliru").status_code == 303
        with running_app.session() as opened:
            entry = entries_for_record(opened, "change_request", change_id)[0]
            assert (entry.action, entry.reason) == ("change.correct-clock", "Jam server keliru")
        assert running_app.make_move(change_id, Outcome.ACCEPTED).status_code == 303
    finally:
        running_app.now = NOW
