"""Moves over HTTP: all moves of both SOPs can be made, and no others.

SQLite gets all cases. Forms and rules are checked before a statement is sent, so PostgreSQL gets every step of one of
the SOPs, each value that it would refuse itself, and a part of the rest.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.documents.file_types import MAX_FILE_BYTES
from lpse_admin.sop import ItemKind, bundled_sops, parse
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import REASON_FIELD, RECORD_FIELDS, FieldKind, fields_of_step
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Evaluation
from tests.support.cast import LUMAJANG, OUTCOMES_TO, TANA_TIDUNG, values_for
from tests.support.papers import LUMAJANG_MOVES, LUMAJANG_STEPS, TANA_TIDUNG_MOVES, TANA_TIDUNG_STEPS
from tests.support.present import one_of, present
from tests.support.program import PDF, Visitor
from tests.support.running_app import ACCOUNT_SUFFIXES, FORM_FIELD_NAMES, running_app, sample_for_postgres, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

T = TypeVar("T")

SIGNED = {LUMAJANG: LUMAJANG_MOVES, TANA_TIDUNG: TANA_TIDUNG_MOVES}
ACTORS = {
    key: {step: role for _no, step, role, _time in steps}
    for key, steps in ((LUMAJANG, LUMAJANG_STEPS), (TANA_TIDUNG, TANA_TIDUNG_STEPS))
}
LOADED = {key: parse(text, key) for key, text in bundled_sops()}
EVERY_STEP = [
    pytest.param(key, step, marks=pytest.mark.sqlite_alone if key == LUMAJANG else ())
    for key, paper in LOADED.items()
    for step in (*paper.steps, Step.CLOSED)
]
NAMES = ("pemohon", "pengelola", "kepala", "pemeriksa", "administrator")
OPEN = [(move.origin, move.outcome) for move in LOADED[LUMAJANG].moves]


def told(answer: TestResponse) -> dict[str, Any]:
    """Return the JSON of a refusal, and check its documented structure."""
    result: dict[str, Any] = answer.get_json()
    assert result["status"] == answer.status_code
    assert result["error"]
    assert isinstance(result["fields"], dict)
    return result


def path(change_id: int, verb: str = "move") -> str:
    return f"/admin/change/{change_id}/{verb}"


def sample(running_app: RunningApp, all_: list[T]) -> list[T]:
    """Return all for SQLite and a third for PostgreSQL: a wrong move is refused before any statement."""
    return all_ if running_app.engine.name == "sqlite" else all_[::3]


def test_the_moves_over_http_are_those_of_the_signed_sops() -> None:
    for key, paper in LOADED.items():
        assert sorted((move.origin, move.outcome, move.target) for move in paper.moves) == sorted(SIGNED[key])


@pytest.mark.parametrize(("key", "step"), EVERY_STEP)
def test_from_each_step_the_sop_s_moves_are_made_and_every_other_outcome_is_409(
    key: str, step: Step, running_app: RunningApp
) -> None:
    leads_to = {Outcome(outcome): target for origin, outcome, target in SIGNED[key] if origin == step}
    change_id = running_app.change_at_step(key, step)
    stands = running_app.step_and_version(change_id)
    actor = running_app.actor(change_id)
    fields = {
        name: value
        for name, value in running_app.move_form(change_id, next(iter(leads_to), Outcome.DONE)).items()
        if value
    }
    fields = {name: value for name, value in fields.items() if isinstance(value, str)}

    for outcome in sample(running_app, [outcome for outcome in Outcome if outcome not in leads_to]):
        answer = actor.post(path(change_id), json=True, **fields | {"outcome": outcome.value})
        assert (outcome, answer.status_code) == (outcome, 409)
        told(answer)
    assert running_app.step_and_version(change_id) == stands

    for index, (outcome, target) in enumerate(leads_to.items()):
        moving = change_id if index == 0 else running_app.change_at_step(key, step)
        answer = running_app.make_move(moving, outcome)
        assert (outcome, answer.status_code) == (outcome, 303)
        assert answer.location == f"/admin/change/details/?id={moving}"
        assert running_app.step_and_version(moving)[0] == target
        assert running_app.actor_page(moving).status_code == 200


@pytest.mark.parametrize(("key", "step"), EVERY_STEP)
def test_at_each_step_the_wrong_people_get_403_and_those_who_may_not_see_it_404(
    key: str, step: Step, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(key, step)
    stands = running_app.step_and_version(change_id)
    role = ACTORS[key].get(step)
    acting: set[str] = {Role.REQUESTER: {"pemohon"}, Role.CHANGE_MANAGER: {"pengelola"},
              Role.HEAD: {"kepala"}, None: set()}[Role(role) if role else None]  # fmt: skip
    outcomes = [Outcome(outcome) for origin, outcome, _target in SIGNED[key] if origin == step] or [Outcome.DONE]
    other = ACCOUNT_SUFFIXES[TANA_TIDUNG if key == LUMAJANG else LUMAJANG]
    strangers = {f"pengelola{other}", f"kepala{other}", f"pemohon2{ACCOUNT_SUFFIXES[key]}"}
    if step is Step.REQUEST:  # only its requester sees a draft
        strangers |= {name + ACCOUNT_SUFFIXES[key] for name in NAMES if name != "pemohon"} | {"admin"}
    people = {f"{name}{ACCOUNT_SUFFIXES[key]}" for name in NAMES} | strangers | {"admin"}
    for index, name in enumerate(
        sample(running_app, sorted(people - {f"{name}{ACCOUNT_SUFFIXES[key]}" for name in acting}))
    ):
        wrong = 404 if name in strangers else 409 if step is Step.CLOSED else 403
        visitor = running_app.visitor(name)
        for verb in ("move", "save")[: 1 + (index == 0)]:
            answer = visitor.post(path(change_id, verb), json=True, outcome=outcomes[0].value, version=stands[1])
            assert (name, verb, answer.status_code) == (name, verb, wrong)
            told(answer)
        page = visitor.get(f"/admin/change/details/?id={change_id}", json=name in strangers)
        assert page.status_code == (404 if name in strangers else 200)
        assert "step-form" not in page.text
    assert running_app.step_and_version(change_id) == stands


@pytest.fixture(scope="module")
def waiting(running_app: RunningApp) -> int:
    """Return a request at its evaluation, which no test moves."""
    return running_app.change_at_step(LUMAJANG, Step.EVALUATION)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"outcome": ""},
        {"outcome": "ACCEPTED"},
        {"outcome": "accepted "},
        {"outcome": "'; DROP TABLE change_request; --"},
        {"outcome": "accepted\x00"},
        {"outcome": ["nonsense", "accepted"]},
        {"outcome": "accepted", "version": "one"},
        {"outcome": "accepted", "version": "-1"},
        {"outcome": "accepted", "version": "1.0"},
        {"outcome": "accepted", "version": "٣"},
        {"outcome": "accepted", "version": "9" * 40},
        {"outcome": "accepted", "version": "0x1"},
    ],
)
def test_a_malformed_move_is_400(fields: dict[str, Any], running_app: RunningApp, waiting: int) -> None:
    stands = running_app.step_and_version(waiting)
    visitor = running_app.visitor("pengelola")
    answer = visitor.post(path(waiting), json=True, **fields)
    assert answer.status_code == 400
    told(answer)
    assert visitor.post(path(waiting), **fields).status_code == 400
    assert running_app.step_and_version(waiting) == stands


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("token", [None, "", "forged", "x" * 5000])
def test_a_move_without_its_token_is_400(token: str | None, running_app: RunningApp, waiting: int) -> None:
    visitor = running_app.visitor("pengelola")
    data = {"outcome": "accepted"} | ({} if token is None else {"csrf_token": token})
    for headers in ({}, {"Accept": "application/json"}):
        answer = visitor.client.post(path(waiting), data=data, headers=headers)
        assert answer.status_code == 400
    assert running_app.step_and_version(waiting)[0] is Step.EVALUATION


def test_a_token_of_another_session_is_400(running_app: RunningApp, waiting: int) -> None:
    manager, head = running_app.visitor("pengelola"), running_app.visitor("kepala")
    head.get("/")
    head.post(path(waiting), outcome="nonsense")
    answer = manager.client.post(path(waiting), data={"outcome": "accepted", "csrf_token": head.token})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "address", ["0", "-1", "99999999", "9" * 19, "9" * 400, "1%20OR%201", "1,2", "٣", "1.0", "%00"]
)
def test_a_move_of_what_is_not_there_is_404(address: str, running_app: RunningApp) -> None:
    answer = running_app.visitor("pengelola").post(f"/admin/change/{address}/move", json=True, outcome="accepted")
    assert answer.status_code == 404
    told(answer)


def _needed(step: Step, outcome: Outcome) -> set[str]:
    return {
        FORM_FIELD_NAMES.get(field.key, field.key)
        for field in (*fields_of_step(step), REASON_FIELD)
        if outcome in field.required_for
    }


def _items(key: str, step: Step, outcome: Outcome) -> set[str]:
    if outcome in {Outcome.RETURNED, Outcome.REJECTED, Outcome.WITHDRAWN, Outcome.REFUSED}:
        return set()
    return {
        f"{item.kind}-{item.key}"
        for item in LOADED[key].rules[step].requires
        if item.kind is not ItemKind.RECORD and item.condition is None
    }


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("key", [LUMAJANG, TANA_TIDUNG])
@pytest.mark.parametrize(("step", "outcome"), OPEN)
def test_what_is_missing_is_named_field_by_field_in_json_and_beside_the_field_on_the_page(
    key: str, step: Step, outcome: Outcome, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(key, step)
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        version = change.version
        attached = {f"document-{document.item_key}" for document in change.documents}
    visitor = running_app.actor(change_id)
    blank: dict[str, Any] = {
        FORM_FIELD_NAMES.get(field.key, field.key): "" for field in fields_of_step(step) if field.kind not in _ROWS
    }
    expected = (_needed(step, outcome) | _items(key, step, outcome)) - attached
    if not expected:
        return
    answer = visitor.post(path(change_id), json=True, outcome=outcome.value, version=version, **blank)
    assert answer.status_code == 422
    assert set(told(answer)["fields"]) == expected
    assert running_app.step_and_version(change_id)[0] is step

    if key == TANA_TIDUNG:  # its page is the same
        return
    page = visitor.post(path(change_id), outcome=outcome.value, **blank)
    assert page.status_code == 422
    assert 'id="refusal"' in page.text
    for name in expected:
        assert f'id="{name}-errors"' in page.text, name
    assert running_app.step_and_version(change_id)[0] is step


_ROWS = frozenset({FieldKind.TEST_CASES, FieldKind.ASSETS, FieldKind.MUTATIONS})


def field_of(page: str, name: str) -> str:
    """Return the value of a form field on a page, as a browser would submit it."""
    if match := re.search(rf'<textarea[^>]* name="{name}"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL):
        return unescape(match.group(1))
    if match := re.search(rf'<select[^>]* name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', match.group(1))
        return chosen.group(1) if chosen else ""
    if boxes := re.findall(rf'<input[^>]* name="{name}" type="checkbox"[^>]*>', page):
        ticked = [re.search(r' value="([^"]*)"', box) for box in boxes if " checked" in box]
        return " ".join(one.group(1) for one in ticked if one)
    match = re.search(rf'<input[^>]* name="{name}"[^>]*>', page)
    assert match, name
    value = re.search(r' value="([^"]*)"', match.group())
    return unescape(value.group(1)) if value else ""


@pytest.mark.parametrize(("step", "outcome"), sample_for_postgres(OPEN))
def test_after_a_422_everything_that_was_typed_is_still_on_the_page(
    step: Step, outcome: Outcome, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, step)
    missing = next(iter(sorted(_needed(step, outcome) | _items(LUMAJANG, step, outcome))), None)
    if missing is None:
        return
    fields = running_app.move_form(change_id, outcome, document=upload_file("catatan.pdf"))
    fields = {name: value for name, value in fields.items() if name != missing and not name.startswith(f"{missing}-")}
    if step in {Step.REQUEST, Step.RETURNED}:
        fields = fields | {missing: ""}
    visitor = running_app.actor(change_id)
    answer = visitor.post(path(change_id), **fields)
    if answer.status_code == 303:  # the field that is missing now was saved before
        return
    assert answer.status_code == 422
    for name, value in fields.items():
        if isinstance(value, str) and name not in {"outcome", "version"}:
            assert field_of(answer.text, name) == value, name
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        assert "catatan.pdf" in {document.name for document in change.documents}
        assert field_of(answer.text, "version") == str(change.version)
    # Only the missing values are sent: those of the refused form were saved.
    whole = running_app.move_form(change_id, outcome)
    again = {name: value for name, value in whole.items() if not isinstance(value, tuple) or name == missing}
    assert visitor.post(path(change_id), **again).status_code == 303


def test_text_in_all_its_forms_is_still_there_after_a_422(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    text = "\n\n  baris <b>satu</b> & \"dua\" 'tiga'\n</textarea><script>alert(1)</script>\n\U0001f680 selesai"
    answer = running_app.visitor("pengelola").post(path(change_id), outcome="accepted", findings=text)
    assert answer.status_code == 422
    assert field_of(answer.text, "findings") == text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("step", "name", "value"),
    [
        pytest.param(Step.RELEASE, "downtime_minutes", "sepuluh", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RELEASE, "downtime_minutes", "-5", marks=pytest.mark.sqlite_alone),
        (Step.RELEASE, "downtime_minutes", "9" * 30),
        pytest.param(Step.RELEASE, "window_start_at", "besok pagi", marks=pytest.mark.sqlite_alone),
        (Step.RELEASE, "window_start_at", "0001-01-01T00:00"),
        (Step.RELEASE, "window_end_at", "9999-12-31T23:59"),
        pytest.param(Step.RELEASE, "release_version", "v" * 81, marks=pytest.mark.sqlite_alone),
        (Step.RELEASE, "person_in_charge", "a\x00b"),
        pytest.param(Step.RELEASE, "person_in_charge", "x" * 301, marks=pytest.mark.sqlite_alone),
        pytest.param(Step.EVALUATION, "risk", "terrible", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.EVALUATION, "findings", "x" * 100_001, marks=pytest.mark.sqlite_alone),
        (Step.EVALUATION, "findings", "\x07"),
        pytest.param(Step.RETURNED, "wanted_by", "31/13/2026", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RETURNED, "wanted_by", "2026-02-30", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RETURNED, "linked_change_id", "RFC/9999/0001", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RETURNED, "kind", "everything", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.IMPLEMENTATION, "claimed_start_at", "2199-01-01T00:00", marks=pytest.mark.sqlite_alone),
        pytest.param(
            Step.IMPLEMENTATION, "claimed_start_at", "2026-03-02T09:00:00+99:00", marks=pytest.mark.sqlite_alone
        ),
    ],
)
def test_a_value_that_cannot_be_is_422_beside_its_field_and_the_rest_is_kept(
    step: Step, name: str, value: str, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, step)
    outcome = {
        Step.RELEASE: Outcome.SCHEDULED, Step.EVALUATION: Outcome.ACCEPTED, Step.RETURNED: Outcome.RESUBMITTED,
        Step.IMPLEMENTATION: Outcome.DONE,
    }[step]  # fmt: skip
    answer = running_app.make_move(change_id, outcome, json=True, **{name: value})
    assert answer.status_code == 422
    assert set(told(answer)["fields"]) == {name}
    page = running_app.make_move(change_id, outcome, **dict[str, Any]({name: value}))
    assert page.status_code == 422
    assert f'id="{name}-errors"' in page.text
    for other, typed in values_for(step, outcome).items():
        if FORM_FIELD_NAMES.get(other, other) != name and isinstance(typed, str):
            assert field_of(page.text, FORM_FIELD_NAMES.get(other, other)) == typed
    assert running_app.step_and_version(change_id)[0] is step
    assert running_app.make_move(change_id, outcome).status_code == 303


def test_a_file_larger_than_20_mb_is_413_and_what_was_typed_stays(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    large = PDF + b"\n" * (MAX_FILE_BYTES + 1 - len(PDF))
    answer = running_app.make_move(change_id, Outcome.ACCEPTED, json=True, document=upload_file("besar.pdf", large))
    assert answer.status_code == 413
    assert "document" in told(answer)["fields"]
    page = running_app.make_move(
        change_id, Outcome.ACCEPTED, findings="Yang diketik", document=upload_file("besar.pdf", large)
    )
    assert page.status_code == 413
    assert field_of(page.text, "findings") == "Yang diketik"
    assert 'id="document-errors"' in page.text
    assert running_app.step_and_version(change_id)[0] is Step.EVALUATION
    saved = running_app.visitor("pengelola").post(
        path(change_id, "save"), findings="Yang disimpan", document=upload_file("besar.pdf", large)
    )
    assert saved.status_code == 413
    assert field_of(saved.text, "findings") == "Yang disimpan"
    assert field_of(running_app.actor_page(change_id).text, "findings") == "Yang disimpan"


def test_a_file_of_exactly_20_mb_is_taken(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    full = PDF[:-7] + b"\n" * (MAX_FILE_BYTES - len(PDF)) + PDF[-7:]
    assert len(full) == MAX_FILE_BYTES
    assert running_app.make_move(change_id, Outcome.ACCEPTED, document=upload_file("pas.pdf", full)).status_code == 303


def test_more_than_the_program_reads_at_all_is_413(running_app: RunningApp, waiting: int) -> None:
    answer = running_app.visitor("pengelola").post(
        path(waiting), json=True, outcome="accepted", findings="x" * 3_000_000
    )
    assert answer.status_code == 413
    told(answer)


@pytest.mark.parametrize(("step", "outcome"), sample_for_postgres(OPEN))
def test_the_second_of_two_sendings_of_one_form_is_409(step: Step, outcome: Outcome, running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(TANA_TIDUNG, step)
    first, second = running_app.move_form(change_id, outcome), running_app.move_form(change_id, outcome)
    visitor = running_app.actor(change_id)
    assert visitor.post(path(change_id), **first).status_code == 303
    stands = running_app.step_and_version(change_id)
    page = visitor.post(path(change_id), **second)
    assert page.status_code == 409
    assert 'role="alert"' in page.text
    assert running_app.step_and_version(change_id) == stands


def test_who_was_slower_gets_409_and_sees_what_happened_and_what_they_typed(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    slower = running_app.move_form(
        change_id, Outcome.RETURNED, findings="Temuan yang kalah cepat", reason="Alasan yang kalah cepat"
    )
    assert running_app.make_move(change_id, Outcome.REJECTED, reason="Alasan yang menang").status_code == 303
    answer = running_app.visitor("pengelola2").post(path(change_id), **slower)
    assert answer.status_code == 409
    for sentence in ("Temuan yang kalah cepat", "Alasan yang kalah cepat", "Alasan yang menang"):
        assert sentence in answer.text


@pytest.mark.parametrize("verb", ["move", "save", "edit"])
def test_a_form_that_is_older_than_what_a_colleague_kept_is_409_with_both_on_the_page(
    verb: str, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    mine = running_app.move_form(change_id, Outcome.ACCEPTED, findings="Milik saya")
    saved = running_app.visitor("pengelola2").post(
        path(change_id, "save"), version=mine["version"], findings="Milik rekan"
    )
    assert saved.status_code == 303
    address = path(change_id, verb)
    if verb == "edit":
        with running_app.session() as session:
            current = session.get_one(ChangeRequest, change_id).current_activity
            address = f"/admin/evaluation/edit/?id={present(current).id}"
    answer = running_app.visitor("pengelola").post(address, **mine)
    assert answer.status_code == 409
    assert field_of(answer.text, "findings") == "Milik saya"
    assert field_of(answer.text, "version") == str(running_app.step_and_version(change_id)[1])
    with running_app.session() as session:
        assert one_of(Evaluation, session.get_one(ChangeRequest, change_id).current_activity).findings == "Milik rekan"


def test_a_requester_s_form_that_is_older_than_their_other_window_is_409_with_what_was_typed(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    requester, version = running_app.visitor("pemohon"), running_app.step_and_version(change_id)[1]
    address = f"/admin/change/edit/?id={change_id}"
    assert requester.post(address, version=version, title="Dari jendela pertama").status_code == 303
    answer = requester.post(address, version=version, title="Dari jendela kedua")
    assert answer.status_code == 409
    assert field_of(answer.text, "title") == "Dari jendela kedua"


def test_a_script_whose_move_lacked_something_can_send_it_again_with_the_same_version(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    stands = running_app.step_and_version(change_id)
    visitor = running_app.visitor("pengelola")
    fields = {"outcome": "accepted", "version": stands[1], "findings": "Lengkap"}
    assert visitor.post(path(change_id), json=True, **fields).status_code == 422
    assert running_app.step_and_version(change_id) == stands
    assert visitor.post(path(change_id), json=True, risk="low", resources="Satu orang", **fields).status_code == 303


def test_a_whole_request_goes_from_a_blank_form_to_closed_and_its_page_shows_every_step(
    running_app: RunningApp,
) -> None:
    requester = running_app.visitor("pemohon.tt")
    draft = requester.post("/admin/change/new/", title="Dari formulir kosong")
    assert draft.status_code == 303
    change_id = int(draft.location.rpartition("=")[2])
    for outcome in OUTCOMES_TO[Step.CLOSED]:
        answer = running_app.make_move(change_id, outcome)
        assert answer.status_code == 303, (outcome, answer.text)
    page = requester.get(answer.location)
    assert page.status_code == 200
    for step in RECORD_FIELDS:
        for outcome, value in ((one, values_for(step, one)) for one in OUTCOMES_TO[Step.CLOSED]):
            if outcome in LOADED[TANA_TIDUNG].rules.get(step, _NONE).leads_to and "reason" in value:
                assert value["reason"] in page.text
    assert page.text.count("<summary><h3>") == len(OUTCOMES_TO[Step.CLOSED])


class _NoRule:
    leads_to: tuple[()] = ()


_NONE = _NoRule()


def test_a_request_is_submitted_at_once_and_a_failed_try_leaves_one_draft(running_app: RunningApp) -> None:
    requester = running_app.visitor("pemohon2")

    def drafts() -> set[str]:
        listed = requester.get("/admin/change/?state=draft").text
        return set(re.findall(r"/admin/change/(?:details|edit)/\?id=(\d+)", listed))

    before = drafts()
    assert requester.post("/admin/change/new/", outcome="nonsense", title="Tidak terbaca").status_code == 400
    answer = requester.post("/admin/change/new/", outcome="submitted", title="Belum lengkap")
    assert answer.status_code == 422
    assert field_of(answer.text, "title") == "Belum lengkap"
    assert len(drafts() - before) == 1


def test_a_stranger_is_asked_to_log_in_and_moves_nothing(running_app: RunningApp, waiting: int) -> None:
    stranger = Visitor(running_app.app)
    assert stranger.post(path(waiting), json=True, outcome="accepted").status_code == 401
    assert stranger.post(path(waiting), outcome="accepted").status_code == 401
    assert running_app.step_and_version(waiting)[0] is Step.EVALUATION
