"""Posts held by appointment, a board with its quorum, the requester's consent, two people present, steps kept apart."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.history import verify_histories
from models.changes.requester_takeover import needs_requester, waits_for_requester
from models.integrity.run import verify_register
from models.notifications.notification import Notification
from tests.changes.consents.office import (
    BOARD,
    CHAIR,
    EVALUATOR,
    REQUESTER,
    TECHNICIAN,
    TECHNICIAN2,
    TESTER,
    move,
    open_office,
    person,
    send,
    speak,
    step_of,
    submit,
)
from tests.support.cast import NOW
from tests.support.running_app import RunningApp, running_app

__all__ = ["running_app"]

pytestmark = pytest.mark.usefixtures("office")


@pytest.fixture(scope="module")
def office(running_app: RunningApp) -> None:
    """Open the office."""
    with running_app.session() as session:
        open_office(session)


def _waits_for(app: RunningApp, username: str, change_id: int) -> bool:
    return f"/admin/change/details/?id={change_id}" in app.visitor(username).get("/admin/change/?waiting=me").text


def _text(app: RunningApp, username: str, change_id: int) -> str:
    page = app.visitor(username).get(f"/admin/change/details/?id={change_id}").text
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_a_request_goes_to_its_end_by_the_people_appointed_and_with_the_consents_that_the_sop_asks_for(
    running_app: RunningApp,
) -> None:
    change_id = submit(running_app)
    assert _waits_for(running_app, EVALUATOR, change_id)
    assert not _waits_for(running_app, TECHNICIAN, change_id)
    assert send(running_app, TECHNICIAN, change_id, "accepted").status_code == 403

    # The requester agrees to the evaluation before it is finished.
    assert _waits_for(running_app, REQUESTER, change_id)
    lacking = send(running_app, EVALUATOR, change_id, "accepted")
    assert (lacking.status_code, step_of(running_app, change_id)) == (422, Step.EVALUATION)
    assert "membutuhkan persetujuan 1 Pemohon; sejauh ini 0 setuju" in html.unescape(lacking.text)
    assert speak(running_app, EVALUATOR, change_id).status_code == 403
    assert speak(running_app, REQUESTER, change_id, reason="").status_code == 422
    for _time in range(2):  # the same form, sent twice
        assert speak(running_app, REQUESTER, change_id, form_id="1" * 32).status_code == 303
    assert _text(running_app, REQUESTER, change_id).count("Sesuai rencana.") == 1
    assert not _waits_for(running_app, REQUESTER, change_id)
    move(running_app, EVALUATOR, change_id, "accepted")

    # A board of four, of which three must agree; whoever objects says why, and the chair decides.
    assert send(running_app, BOARD[0], change_id, "approved").status_code == 403
    for member, answer in zip(BOARD, ("yes", "no", "yes", "yes"), strict=True):
        assert _waits_for(running_app, member, change_id)
        assert send(running_app, CHAIR, change_id, "approved").status_code == 422
        assert speak(running_app, member, change_id, answer, f"Alasan {member}").status_code == 303
    assert "Anggota Dewan Perubahan: 3 dari 3 setuju, 1 keberatan" in _text(running_app, CHAIR, change_id)
    move(running_app, CHAIR, change_id, "approved")

    # Two technicians: whoever finishes is one of them.
    assert send(running_app, TECHNICIAN, change_id, "done").status_code == 422
    assert speak(running_app, TECHNICIAN, change_id).status_code == 303
    assert send(running_app, TECHNICIAN, change_id, "done").status_code == 422
    assert speak(running_app, TECHNICIAN2, change_id).status_code == 303
    move(running_app, TECHNICIAN, change_id, "done")

    # Whoever evaluated does not test.
    assert not _waits_for(running_app, EVALUATOR, change_id)
    refused = send(running_app, EVALUATOR, change_id, "passed")
    assert (refused.status_code, "harus orang lain" in html.unescape(refused.text)) == (403, True)
    move(running_app, TESTER, change_id, "passed")
    move(running_app, EVALUATOR, change_id, "reported")
    for member in BOARD[:3]:
        assert speak(running_app, member, change_id).status_code == 303
    assert send(running_app, CHAIR, change_id, "verified").status_code == 422  # all who are appointed
    assert speak(running_app, BOARD[3], change_id).status_code == 303
    move(running_app, CHAIR, change_id, "verified")
    assert step_of(running_app, change_id) is Step.CLOSED
    page = _text(running_app, REQUESTER, change_id)
    for words in ("Alasan dewan2.kd", "Keberatan", "Anggota Dewan Perubahan", "Kepala LPSE"):
        assert words in page, words
    with running_app.session() as session:
        assert list(verify_histories(session)) == []
        assert verify_register(session).findings == []


def test_the_last_word_counts_and_a_step_that_went_on_takes_none(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    assert speak(running_app, REQUESTER, change_id, "no", "Belum jelas.").status_code == 303
    assert send(running_app, EVALUATOR, change_id, "accepted").status_code == 422
    assert speak(running_app, REQUESTER, change_id, "yes", "Sudah dijelaskan.").status_code == 303
    move(running_app, EVALUATOR, change_id, "accepted")
    fields: dict[str, Any] = {"agrees": "yes", "consent_reason": "Terlambat", "activity": "1"}
    assert running_app.visitor(BOARD[0]).post(f"/admin/change/{change_id}/consent", **fields).status_code == 409
    assert running_app.visitor(REQUESTER).post(f"/admin/change/{change_id}/consent", **fields).status_code == 403
    # Who says no needs nobody's consent.
    move(running_app, CHAIR, change_id, "refused", reason="Belum perlu.")
    assert step_of(running_app, change_id) is Step.EVALUATION


def test_whose_consent_is_asked_is_told_of_the_step_and_nobody_who_holds_another_post(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    assert _told(running_app, change_id) == {EVALUATOR, TESTER}
    speak(running_app, REQUESTER, change_id)
    move(running_app, EVALUATOR, change_id, "accepted")
    assert _told(running_app, change_id) == {EVALUATOR, TESTER, REQUESTER, CHAIR, *BOARD}


def test_a_requester_who_leaves_is_needed_while_their_consent_is(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        assert waits_for_requester(change)
        assert needs_requester(change)
        assert change.capacity_of(person(session, EVALUATOR), NOW) == "Manajer Perubahan"
    speak(running_app, REQUESTER, change_id)
    move(running_app, EVALUATOR, change_id, "accepted")
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        assert not waits_for_requester(change)
        assert change.capacity_of(person(session, CHAIR), NOW) == "Kepala LPSE"


def _told(app: RunningApp, change_id: int) -> set[str]:
    told = select(User.username).join(Notification, Notification.user_id == User.id)
    with app.session() as session:
        return set(session.scalars(told.where(Notification.change_id == change_id)))
