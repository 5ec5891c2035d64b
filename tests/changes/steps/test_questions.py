"""What is possible and hardly meant comes back with a question; what does not belong to an outcome is not kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message
from lpse_admin.parsing.blank import says_nothing
from lpse_admin.sop import RequirementCondition, bundled_sops, parse
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.questions import ask, date_questions, plan_question
from lpse_admin.workflow.record_fields import ChangeKind, EmergencyGround, Environment, fields_of_step, unrelated_fields
from lpse_admin.workflow.transitions import Evidence, Position, letters_of_the_type, missing_items
from models.changes.change import ChangeRequest
from models.changes.moves.case_file import open_case
from models.changes.moves.transition import Given, advance
from models.changes.steps.activity import Evaluation, Release, UrgencyAssessment
from tests.support.cast import LUMAJANG, NOW, Cast, attach_required, change_at_step, make_move, new_change, values_for
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from lpse_admin.sop import Sop
    from tests.support.cast import AuditedSession
    from tests.support.running_app import RunningApp

DAY = dt.timedelta(days=1)
CONFIRMED: dict[str, Any] = {"confirm-rollback_plan": "y"}


def asked(step: Step, outcome: Outcome, **record: object) -> set[str]:
    """Return the keys of the questions about a record at NOW, of a request that was submitted an hour ago."""
    return set(date_questions(step, outcome, record, now=NOW, since=NOW - dt.timedelta(hours=1)))


def test_a_question_says_what_to_do() -> None:
    assert str(ask(Message("Is it so?"))) == "Is it so? Correct it, or confirm that it is so."


@pytest.mark.parametrize(
    ("day", "is_asked"),
    [
        pytest.param(dt.date(2019, 12, 4), True, id="years ago"),
        pytest.param((NOW - DAY).date(), True, id="yesterday"),
        pytest.param(NOW.date(), False, id="today"),
        pytest.param((NOW + 300 * DAY).date(), False, id="this year"),
        pytest.param(dt.date(2199, 1, 1), True, id="in another century"),
        pytest.param(None, False, id="no date"),
    ],
)
def test_a_requested_date_out_of_reach_is_asked_about(day: dt.date | None, is_asked: bool) -> None:
    assert (asked(Step.REQUEST, Outcome.SUBMITTED, wanted_by=day) == {"wanted_by"}) is is_asked
    assert asked(Step.RETURNED, Outcome.WITHDRAWN, wanted_by=day) == set()


def test_times_out_of_reach_are_asked_about() -> None:
    assert asked(Step.REQUEST, Outcome.SUBMITTED, incident_at=NOW - 800 * DAY) == {"incident_at"}
    assert asked(Step.REQUEST, Outcome.SUBMITTED, incident_at=NOW - DAY) == set()
    window = {"window_start_at": NOW + 2000 * DAY, "window_end_at": NOW + 2001 * DAY}
    assert asked(Step.RELEASE, Outcome.SCHEDULED, **window) == set(window)


def test_a_window_that_has_passed_is_asked_about_unless_its_actual_time_is_given() -> None:
    window = {"window_start_at": NOW - 2 * DAY, "window_end_at": NOW - DAY}
    assert asked(Step.RELEASE, Outcome.SCHEDULED, **window) == {"window_end_at"}
    assert asked(Step.RELEASE, Outcome.SCHEDULED, **window, actual_at=NOW - DAY) == set()


@pytest.mark.parametrize("plan", ["-", "–", "tidak ada", "...", "n/a", "", None, "\u200b"])
def test_the_plan_of_an_emergency_that_says_nothing_is_asked_about(plan: str | None) -> None:
    assert says_nothing(plan or "")
    assert list(plan_question(Outcome.EMERGENCY, plan, is_emergency=False)) == ["rollback_plan"]
    assert list(plan_question(Outcome.APPROVED, plan, is_emergency=True)) == ["rollback_plan"]
    assert plan_question(Outcome.APPROVED, plan, is_emergency=False) == {}
    assert plan_question(Outcome.NORMAL, plan, is_emergency=False) == {}
    assert plan_question(Outcome.EMERGENCY, "Memulihkan cadangan", is_emergency=True) == {}


@pytest.mark.parametrize("outcome", [Outcome.EMERGENCY, Outcome.NORMAL])
def test_the_ground_of_an_emergency_belongs_to_an_emergency_alone(outcome: Outcome) -> None:
    assert ("ground" in unrelated_fields(fields_of_step(Step.URGENCY), outcome)) is (outcome is Outcome.NORMAL)


def test_a_date_in_the_past_is_submitted_once_it_is_confirmed(session: AuditedSession, cast: Cast) -> None:
    change = new_change(session, cast.lumajang)
    attach_required(session, change)
    session.commit()
    values = {"wanted_by": dt.date(2019, 12, 4)}
    with pytest.raises(ValidationFailed) as refusal:
        change.advance(Outcome.SUBMITTED, cast.lumajang.requester, now=NOW, values=values)
    assert list(refusal.value.questions) == list(refusal.value.field_errors) == ["wanted_by"]
    session.rollback()
    case = open_case(change, cast.lumajang.requester, NOW)
    advance(case, Outcome.SUBMITTED, Given(values, confirmed={"wanted_by"}))
    assert change.wanted_by == values["wanted_by"]


def test_normal_keeps_no_ground_and_no_release_keeps_no_window(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.URGENCY)
    judged = make_move(session, change, Outcome.NORMAL, office.manager, values={"ground": EmergencyGround.SECURITY})
    assert isinstance(judged, UrgencyAssessment)
    assert judged.ground is None
    change = change_at_step(session, office, Step.RELEASE)
    window = values_for(Step.RELEASE, Outcome.SCHEDULED)
    none = make_move(session, change, Outcome.NO_RELEASE, office.manager, values=window)
    assert isinstance(none, Release)
    assert (none.window_start_at, none.version, none.environment) == (None, None, None)
    assert Environment.PRODUCTION in window.values()


def test_an_answer_to_a_refusal_that_never_was_is_not_kept(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.EVALUATION)
    answer = {"answer_to_refusal": "Sudah dilengkapi"}
    accepted = make_move(session, change, Outcome.ACCEPTED, cast.lumajang.manager, values=answer)
    assert isinstance(accepted, Evaluation)
    assert accepted.answer_to_refusal is None


def test_an_emergency_whose_plan_is_a_dash_is_questioned_on_the_page_and_goes_on_when_confirmed(
    running_app: RunningApp,
) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        change = change_at_step(session, office, Step.EVALUATION)
        make_move(session, change, Outcome.ACCEPTED, office.manager, values={"rollback_plan": "-"})
        change_id = change.id
    refused = running_app.make_move(change_id, Outcome.EMERGENCY)
    assert refused.status_code == 422
    assert 'name="confirm-rollback_plan"' in refused.text
    assert running_app.make_move(change_id, Outcome.EMERGENCY, **CONFIRMED).status_code == 303
    assert running_app.make_move(change_id, Outcome.APPROVED).status_code == 422
    assert running_app.make_move(change_id, Outcome.APPROVED, **CONFIRMED).status_code == 303


def test_a_date_in_the_past_comes_back_with_a_box_to_confirm_it(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    refused = running_app.make_move(change_id, Outcome.SUBMITTED, wanted_by="2019-12-04")
    assert refused.status_code == 422
    assert 'name="confirm-wanted_by"' in refused.text
    assert "Memang demikian" in refused.text
    confirmed: dict[str, Any] = {"wanted_by": "2019-12-04", "confirm-wanted_by": "y"}
    assert running_app.make_move(change_id, Outcome.SUBMITTED, **confirmed).status_code == 303


def test_a_request_may_change_several_things_and_the_list_finds_it_by_each(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    sent = running_app.move_form(
        change_id, Outcome.SUBMITTED, title="Aplikasi dan server", kind=["application", "infrastructure"]
    )
    assert running_app.actor(change_id).post(f"/admin/change/{change_id}/move", **sent).status_code == 303
    reader = running_app.visitor("pengelola")
    for kind, is_found in (("application", True), ("infrastructure", True), ("account", False)):
        page = reader.get(f"/admin/change/?kind={kind}&search=Aplikasi+dan+server")
        assert page.status_code == 200
        assert (f"id={change_id}" in page.text) is is_found
    assert "Aplikasi, Infrastruktur" in reader.get(f"/admin/change/details/?id={change_id}").text
    assert "Aplikasi, Infrastruktur" in reader.get("/admin/change/export/csv/?kind=application").text
    with running_app.session() as session:
        assert session.get_one(ChangeRequest, change_id).kind == (ChangeKind.APPLICATION, ChangeKind.INFRASTRUCTURE)


def test_the_evaluation_demands_what_the_requester_left_out(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    few: dict[str, Any] = {
        "kind": "",
        "impact": "",
        "test_plan": "",
        "rollback_plan": "",
        "source": "",
        "risk_if_not_done": "",
    }
    assert running_app.make_move(change_id, Outcome.SUBMITTED, **few).status_code == 303
    refused = running_app.make_move(change_id, Outcome.ACCEPTED, json=True, resources="")
    assert refused.status_code == 422
    assert set(refused.get_json()["fields"]) == {"kind", "impact", "resources", "test_plan", "rollback_plan"}
    text: dict[str, Any] = {
        "kind": "service",
        "impact": "Satu pengguna",
        "test_plan": "Masuk",
        "rollback_plan": "Sandi lama",
    }
    assert running_app.make_move(change_id, Outcome.ACCEPTED, **text).status_code == 303
    with running_app.session() as session:
        assert session.get_one(ChangeRequest, change_id).kind == (ChangeKind.SERVICE,)


def test_an_evaluation_that_makes_it_an_account_s_change_asks_for_its_letter(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    refused = running_app.make_move(change_id, Outcome.ACCEPTED, json=True, kind="account")
    assert refused.status_code == 422
    assert [name.partition("-")[0] for name in refused.get_json()["fields"]] == ["document"]


def test_a_missing_letter_is_told_in_the_same_round_as_wrong_and_missing_fields(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemohon")
    refused = visitor.post(
        "/admin/change/new/", json=True, outcome="submitted", title="", wanted_by="kapan saja", description="Ubah"
    )
    fields = refused.get_json()["fields"]
    assert {"title", "wanted_by", "purpose"} <= set(fields)
    assert any(name.startswith("document-") for name in fields)


def test_work_before_the_request_is_stated_beside_the_program_s_times(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    local = running_app.now + dt.timedelta(hours=7)
    before, now = f"{local - dt.timedelta(hours=7):%Y-%m-%dT%H:%M}", f"{local:%Y-%m-%dT%H:%M}"
    refused = running_app.make_move(change_id, Outcome.SUBMITTED, json=True, done_before_at=now)
    assert list(refused.get_json()["fields"]) == ["done_before_at"]
    stated: dict[str, Any] = {"incident_at": before, "done_before_at": before}
    assert running_app.make_move(change_id, Outcome.SUBMITTED, json=False, **stated).status_code == 303
    page = running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert "Dikerjakan pada, sebelum permintaan (menurut keterangan)" in page
    with running_app.session() as session:
        assert session.get_one(ChangeRequest, change_id).submitted_at == running_app.now


def test_the_very_minute_of_the_request_is_not_before_it(running_app: RunningApp) -> None:
    now = running_app.now
    running_app.now = now + dt.timedelta(seconds=42)
    try:
        change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
        assert running_app.make_move(change_id, Outcome.SUBMITTED).status_code == 303
        for outcome in (Outcome.ACCEPTED, Outcome.NORMAL):
            assert running_app.make_move(change_id, outcome).status_code == 303
        minute = f"{now + dt.timedelta(hours=7):%Y-%m-%dT%H:%M}"
        assert running_app.make_move(change_id, Outcome.DONE, claimed_start_at=minute).status_code == 303
    finally:
        running_app.now = now


@pytest.mark.parametrize("sop", [parse(text, key) for key, text in bundled_sops()], ids=lambda sop: sop.key)
def test_the_letter_of_an_account_is_due_where_the_evaluation_makes_it_one(sop: Sop) -> None:
    account = frozenset({RequirementCondition.ACCOUNT})
    position = Position(Step.EVALUATION)
    due = letters_of_the_type(sop, position)
    assert {item.condition for item in due} <= account
    assert letters_of_the_type(sop, replace(position, conditions=account)) == ()
    assert letters_of_the_type(sop, Position(Step.URGENCY)) == ()
    evaluated = replace(position, evaluated_conditions=account)
    assert missing_items(sop, position, Outcome.ACCEPTED, Evidence()) == ()
    assert missing_items(sop, evaluated, Outcome.ACCEPTED, Evidence()) == due
    there = Evidence(attached_documents={item.key for item in due})
    assert missing_items(sop, evaluated, Outcome.ACCEPTED, there) == ()
    assert missing_items(sop, evaluated, Outcome.REJECTED, Evidence()) == ()
