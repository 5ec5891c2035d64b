"""The one door, knocked at by HTTP: every move of both papers is made there, and nothing else is.

On SQLite all of it is tried. A form is read and the rules are asked before a statement is sent, so PostgreSQL gets
every step by one of the papers, each value that it would take amiss itself, and a part of the rest.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.documents.files import MOST_BYTES
from lpse_admin.sop import ItemKind, papers, parse
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import REASON, RECORDS, FieldKind
from models.changes.change import ChangeRequest
from tests.support.cast import LUMAJANG, ROUTES, TANA_TIDUNG, values_for
from tests.support.house import SENT_AS, SUFFIX, house, thinned, upload  # noqa: F401 - the fixture
from tests.support.papers import LUMAJANG_MOVES, LUMAJANG_STEPS, TANA_TIDUNG_MOVES, TANA_TIDUNG_STEPS
from tests.support.program import PDF, Visitor

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House

T = TypeVar("T")

SIGNED = {LUMAJANG: LUMAJANG_MOVES, TANA_TIDUNG: TANA_TIDUNG_MOVES}
ACTORS = {
    key: {step: role for _no, step, role, _time in steps}
    for key, steps in ((LUMAJANG, LUMAJANG_STEPS), (TANA_TIDUNG, TANA_TIDUNG_STEPS))
}
LOADED = {key: parse(text, key) for key, text in papers()}
EVERY_STEP = [
    pytest.param(key, step, marks=pytest.mark.sqlite_alone if key == LUMAJANG else ())
    for key, paper in LOADED.items()
    for step in (*paper.steps, Step.CLOSED)
]
NAMES = ("pemohon", "pengelola", "kepala", "pemeriksa", "administrator")
OPEN = [(move.origin, move.outcome) for move in LOADED[LUMAJANG].moves]


def told(answer: TestResponse) -> dict[str, Any]:
    """Return a refusal in JSON, which has the shape that scripts rely on."""
    found = answer.get_json()
    assert found["status"] == answer.status_code
    assert found["error"]
    assert isinstance(found["fields"], dict)
    return found


def path(change_id: int, verb: str = "move") -> str:
    return f"/admin/change/{change_id}/{verb}"


def sample(house: House, all_: list[T]) -> list[T]:
    """Return all on SQLite and a third on PostgreSQL: a wrong move is refused before the database is asked."""
    return all_ if house.engine.name == "sqlite" else all_[::3]


def test_the_door_stands_for_the_moves_of_the_signed_papers():
    for key, paper in LOADED.items():
        assert sorted((move.origin, move.outcome, move.target) for move in paper.moves) == sorted(SIGNED[key])


@pytest.mark.parametrize(("key", "step"), EVERY_STEP)
def test_from_each_step_the_paper_s_moves_are_made_and_every_other_outcome_is_409(key, step, house: House):
    leads_to = {Outcome(outcome): target for origin, outcome, target in SIGNED[key] if origin == step}
    change_id = house.at(key, step)
    stands = house.where(change_id)
    actor = house.actor(change_id)
    fields = {name: value for name, value in house.form(change_id, next(iter(leads_to), Outcome.DONE)).items() if value}
    fields = {name: value for name, value in fields.items() if isinstance(value, str)}

    for outcome in sample(house, [outcome for outcome in Outcome if outcome not in leads_to]):
        answer = actor.post(path(change_id), json=True, **fields | {"outcome": outcome.value})
        assert (outcome, answer.status_code) == (outcome, 409)
        told(answer)
    assert house.where(change_id) == stands

    for place, (outcome, target) in enumerate(leads_to.items()):
        moving = change_id if place == 0 else house.at(key, step)
        answer = house.move(moving, outcome)
        assert (outcome, answer.status_code) == (outcome, 303)
        assert answer.location == f"/admin/change/details/?id={moving}"
        assert house.where(moving)[0] == target
        assert house.actor_page(moving).status_code == 200


@pytest.mark.parametrize(("key", "step"), EVERY_STEP)
def test_at_each_step_the_wrong_people_get_403_and_those_who_may_not_see_it_404(key, step, house: House):
    change_id = house.at(key, step)
    stands = house.where(change_id)
    role = ACTORS[key].get(step)
    acting = {Role.REQUESTER: {"pemohon"}, Role.CHANGE_MANAGER: {"pengelola"},
              Role.HEAD: {"kepala"}, None: set()}[role]  # fmt: skip
    outcomes = [Outcome(outcome) for origin, outcome, _target in SIGNED[key] if origin == step] or [Outcome.DONE]
    other = SUFFIX[TANA_TIDUNG if key == LUMAJANG else LUMAJANG]
    strangers = {f"pengelola{other}", f"kepala{other}", f"pemohon2{SUFFIX[key]}"}
    if step is Step.REQUEST:  # a draft is its requester's alone
        strangers |= {name + SUFFIX[key] for name in NAMES if name != "pemohon"} | {"admin"}
    people = {f"{name}{SUFFIX[key]}" for name in NAMES} | strangers | {"admin"}
    for place, name in enumerate(sample(house, sorted(people - {f"{name}{SUFFIX[key]}" for name in acting}))):
        wrong = 404 if name in strangers else 409 if step is Step.CLOSED else 403
        visitor = house.visitor(name)
        for verb in ("move", "save")[: 1 + (place == 0)]:
            answer = visitor.post(path(change_id, verb), json=True, outcome=outcomes[0].value, version=stands[1])
            assert (name, verb, answer.status_code) == (name, verb, wrong)
            told(answer)
        page = visitor.get(f"/admin/change/details/?id={change_id}", json=name in strangers)
        assert page.status_code == (404 if name in strangers else 200)
        assert "step-form" not in page.text
    assert house.where(change_id) == stands


@pytest.fixture(scope="module")
def waiting(house: House) -> int:
    """Give a request that waits for its evaluation, and that no test moves."""
    return house.at(LUMAJANG, Step.EVALUATION)


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
def test_a_malformed_move_is_400(fields, house: House, waiting):
    stands = house.where(waiting)
    visitor = house.visitor("pengelola")
    answer = visitor.post(path(waiting), json=True, **fields)
    assert answer.status_code == 400
    told(answer)
    assert visitor.post(path(waiting), **fields).status_code == 400
    assert house.where(waiting) == stands


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("token", [None, "", "forged", "x" * 5000])
def test_a_move_without_its_token_is_400(token, house: House, waiting):
    visitor = house.visitor("pengelola")
    data = {"outcome": "accepted"} | ({} if token is None else {"csrf_token": token})
    for headers in ({}, {"Accept": "application/json"}):
        answer = visitor.client.post(path(waiting), data=data, headers=headers)
        assert answer.status_code == 400
    assert house.where(waiting)[0] is Step.EVALUATION


def test_a_token_of_another_session_is_400(house: House, waiting):
    manager, head = house.visitor("pengelola"), house.visitor("kepala")
    head.get("/")
    head.post(path(waiting), outcome="nonsense")
    answer = manager.client.post(path(waiting), data={"outcome": "accepted", "csrf_token": head.token})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "address", ["0", "-1", "99999999", "9" * 19, "9" * 400, "1%20OR%201", "1,2", "٣", "1.0", "%00"]
)
def test_a_move_of_what_is_not_there_is_404(address, house: House):
    answer = house.visitor("pengelola").post(f"/admin/change/{address}/move", json=True, outcome="accepted")
    assert answer.status_code == 404
    told(answer)


def _needed(step: Step, outcome: Outcome) -> set[str]:
    return {SENT_AS.get(field.key, field.key) for field in (*RECORDS[step], REASON) if outcome in field.needed_for}


def _items(key: str, step: Step, outcome: Outcome) -> set[str]:
    if outcome in {Outcome.RETURNED, Outcome.REJECTED, Outcome.WITHDRAWN, Outcome.REFUSED}:
        return set()
    return {
        f"{item.kind}-{item.key}"
        for item in LOADED[key].rules[step].requires
        if item.kind is not ItemKind.RECORD and item.when is None
    }


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("key", [LUMAJANG, TANA_TIDUNG])
@pytest.mark.parametrize(("step", "outcome"), OPEN)
def test_what_is_missing_is_named_field_by_field_in_json_and_beside_the_field_on_the_page(
    key, step, outcome, house: House
):
    change_id = house.at(key, step)
    with house.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        version = change.version
        attached = {f"document-{document.item_key}" for document in change.documents}
    visitor = house.actor(change_id)
    blank = {SENT_AS.get(field.key, field.key): "" for field in RECORDS[step] if field.kind not in _ROWS}
    expected = (_needed(step, outcome) | _items(key, step, outcome)) - attached
    if not expected:
        return
    answer = visitor.post(path(change_id), json=True, outcome=outcome.value, version=version, **blank)
    assert answer.status_code == 422
    assert set(told(answer)["fields"]) == expected
    assert house.where(change_id)[0] is step

    if key == TANA_TIDUNG:  # its page is the same
        return
    page = visitor.post(path(change_id), outcome=outcome.value, **blank)
    assert page.status_code == 422
    assert 'id="refusal"' in page.text
    for name in expected:
        assert f'id="{name}-errors"' in page.text, name
    assert house.where(change_id)[0] is step


_ROWS = frozenset({FieldKind.CASES, FieldKind.ASSETS, FieldKind.MUTATIONS})


def field_of(page: str, name: str) -> str:
    """Return what a page shows in the form field of this name, as a browser would send it back."""
    if found := re.search(rf'<textarea[^>]* name="{name}"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL):
        return unescape(found.group(1))
    if found := re.search(rf'<select[^>]* name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', found.group(1))
        return chosen.group(1) if chosen else ""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', page)
    assert found, name
    if 'type="checkbox"' in found.group():
        return "y" if " checked" in found.group() else ""
    value = re.search(r' value="([^"]*)"', found.group())
    return unescape(value.group(1)) if value else ""


@pytest.mark.parametrize(("step", "outcome"), thinned(OPEN))
def test_after_a_422_everything_that_was_typed_is_still_on_the_page(step, outcome, house: House):
    change_id = house.at(LUMAJANG, step)
    missing = next(iter(sorted(_needed(step, outcome) | _items(LUMAJANG, step, outcome))), None)
    if missing is None:
        return
    fields = house.form(change_id, outcome, document=upload("catatan.pdf"))
    fields = {name: value for name, value in fields.items() if name != missing and not name.startswith(f"{missing}-")}
    if step in {Step.REQUEST, Step.RETURNED}:
        fields = fields | {missing: ""}
    visitor = house.actor(change_id)
    answer = visitor.post(path(change_id), **fields)
    if answer.status_code == 303:  # what was missing now was there before
        return
    assert answer.status_code == 422
    for name, value in fields.items():
        if isinstance(value, str) and name not in {"outcome", "version"}:
            assert field_of(answer.text, name) == value, name
    with house.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        assert "catatan.pdf" in {document.name for document in change.documents}
        assert field_of(answer.text, "version") == str(change.version)
    # What came with the refused form need not be given again: only what lacked.
    whole = house.form(change_id, outcome)
    again = {name: value for name, value in whole.items() if not isinstance(value, tuple) or name == missing}
    assert visitor.post(path(change_id), **again).status_code == 303


def test_text_in_all_its_forms_is_still_there_after_a_422(house: House):
    change_id = house.at(LUMAJANG, Step.EVALUATION)
    text = "\n\n  baris <b>satu</b> & \"dua\" 'tiga'\n</textarea><script>alert(1)</script>\n\U0001f680 selesai"
    answer = house.visitor("pengelola").post(path(change_id), outcome="accepted", findings=text)
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
        pytest.param(Step.RETURNED, "wanted_by", "31/12/2026", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RETURNED, "wanted_by", "2026-02-30", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RETURNED, "linked_change_id", "RFC/9999/0001", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.RETURNED, "kind", "everything", marks=pytest.mark.sqlite_alone),
        pytest.param(Step.IMPLEMENTATION, "claimed_start_at", "2199-01-01T00:00", marks=pytest.mark.sqlite_alone),
        pytest.param(
            Step.IMPLEMENTATION, "claimed_start_at", "2026-03-02T09:00:00+99:00", marks=pytest.mark.sqlite_alone
        ),
    ],
)
def test_a_value_that_cannot_be_is_422_beside_its_field_and_the_rest_is_kept(step, name, value, house: House):
    change_id = house.at(LUMAJANG, step)
    outcome = {
        Step.RELEASE: Outcome.SCHEDULED, Step.EVALUATION: Outcome.ACCEPTED, Step.RETURNED: Outcome.RESUBMITTED,
        Step.IMPLEMENTATION: Outcome.DONE,
    }[step]  # fmt: skip
    answer = house.move(change_id, outcome, json=True, **{name: value})
    assert answer.status_code == 422
    assert set(told(answer)["fields"]) == {name}
    page = house.move(change_id, outcome, **{name: value})
    assert page.status_code == 422
    assert f'id="{name}-errors"' in page.text
    for other, typed in values_for(step, outcome).items():
        if SENT_AS.get(other, other) != name and isinstance(typed, str):
            assert field_of(page.text, SENT_AS.get(other, other)) == typed
    assert house.where(change_id)[0] is step
    assert house.move(change_id, outcome).status_code == 303


def test_a_file_larger_than_20_mb_is_413_and_what_was_typed_stays(house: House):
    change_id = house.at(LUMAJANG, Step.EVALUATION)
    large = PDF + b"\n" * (MOST_BYTES + 1 - len(PDF))
    answer = house.move(change_id, Outcome.ACCEPTED, json=True, document=upload("besar.pdf", large))
    assert answer.status_code == 413
    assert "document" in told(answer)["fields"]
    page = house.move(change_id, Outcome.ACCEPTED, findings="Yang diketik", document=upload("besar.pdf", large))
    assert page.status_code == 413
    assert field_of(page.text, "findings") == "Yang diketik"
    assert 'id="document-errors"' in page.text
    assert house.where(change_id)[0] is Step.EVALUATION
    kept = house.visitor("pengelola").post(
        path(change_id, "save"), findings="Yang disimpan", document=upload("besar.pdf", large)
    )
    assert kept.status_code == 413
    assert field_of(kept.text, "findings") == "Yang disimpan"
    assert field_of(house.actor_page(change_id).text, "findings") == "Yang disimpan"


def test_a_file_of_exactly_20_mb_is_taken(house: House):
    change_id = house.at(LUMAJANG, Step.EVALUATION)
    full = PDF[:-7] + b"\n" * (MOST_BYTES - len(PDF)) + PDF[-7:]
    assert len(full) == MOST_BYTES
    assert house.move(change_id, Outcome.ACCEPTED, document=upload("pas.pdf", full)).status_code == 303


def test_more_than_the_program_reads_at_all_is_413(house: House, waiting):
    answer = house.visitor("pengelola").post(path(waiting), json=True, outcome="accepted", findings="x" * 3_000_000)
    assert answer.status_code == 413
    told(answer)


@pytest.mark.parametrize(("step", "outcome"), thinned(OPEN))
def test_the_second_of_two_sendings_of_one_form_is_409(step, outcome, house: House):
    change_id = house.at(TANA_TIDUNG, step)
    first, second = house.form(change_id, outcome), house.form(change_id, outcome)
    visitor = house.actor(change_id)
    assert visitor.post(path(change_id), **first).status_code == 303
    stands = house.where(change_id)
    page = visitor.post(path(change_id), **second)
    assert page.status_code == 409
    assert 'role="alert"' in page.text
    assert house.where(change_id) == stands


def test_who_was_slower_gets_409_and_sees_what_happened_and_what_they_typed(house: House):
    change_id = house.at(LUMAJANG, Step.EVALUATION)
    slower = house.form(
        change_id, Outcome.RETURNED, findings="Temuan yang kalah cepat", reason="Alasan yang kalah cepat"
    )
    assert house.move(change_id, Outcome.REJECTED, reason="Alasan yang menang").status_code == 303
    answer = house.visitor("pengelola2").post(path(change_id), **slower)
    assert answer.status_code == 409
    for sentence in ("Temuan yang kalah cepat", "Alasan yang kalah cepat", "Alasan yang menang"):
        assert sentence in answer.text


@pytest.mark.parametrize("verb", ["move", "save", "edit"])
def test_a_form_that_is_older_than_what_a_colleague_kept_is_409_with_both_on_the_page(verb, house: House):
    change_id = house.at(LUMAJANG, Step.EVALUATION)
    mine = house.form(change_id, Outcome.ACCEPTED, findings="Milik saya")
    kept = house.visitor("pengelola2").post(path(change_id, "save"), version=mine["version"], findings="Milik rekan")
    assert kept.status_code == 303
    address = path(change_id, verb)
    if verb == "edit":
        with house.session() as session:
            current = session.get_one(ChangeRequest, change_id).current
            address = f"/admin/evaluation/edit/?id={current.id}"
    answer = house.visitor("pengelola").post(address, **mine)
    assert answer.status_code == 409
    assert field_of(answer.text, "findings") == "Milik saya"
    assert field_of(answer.text, "version") == str(house.where(change_id)[1])
    with house.session() as session:
        assert session.get_one(ChangeRequest, change_id).current.findings == "Milik rekan"


def test_a_requester_s_form_that_is_older_than_their_other_window_is_409_with_what_was_typed(house: House):
    change_id = house.at(LUMAJANG, Step.REQUEST)
    requester, version = house.visitor("pemohon"), house.where(change_id)[1]
    address = f"/admin/change/edit/?id={change_id}"
    assert requester.post(address, version=version, title="Dari jendela pertama").status_code == 303
    answer = requester.post(address, version=version, title="Dari jendela kedua")
    assert answer.status_code == 409
    assert field_of(answer.text, "title") == "Dari jendela kedua"


def test_a_script_whose_move_lacked_something_can_send_it_again_with_the_same_version(house: House):
    change_id = house.at(LUMAJANG, Step.EVALUATION)
    stands = house.where(change_id)
    visitor = house.visitor("pengelola")
    fields = {"outcome": "accepted", "version": stands[1], "findings": "Lengkap"}
    assert visitor.post(path(change_id), json=True, **fields).status_code == 422
    assert house.where(change_id) == stands
    assert visitor.post(path(change_id), json=True, risk="low", **fields).status_code == 303


def test_a_whole_request_goes_from_a_blank_form_to_closed_and_its_page_tells_of_every_step(house: House):
    requester = house.visitor("pemohon.tt")
    draft = requester.post("/admin/change/new/", title="Dari formulir kosong")
    assert draft.status_code == 303
    change_id = int(draft.location.rpartition("=")[2])
    for outcome in ROUTES[Step.CLOSED]:
        answer = house.move(change_id, outcome)
        assert answer.status_code == 303, (outcome, answer.text)
    page = requester.get(answer.location)
    assert page.status_code == 200
    for step in RECORDS:
        for outcome, value in ((one, values_for(step, one)) for one in ROUTES[Step.CLOSED]):
            if outcome in LOADED[TANA_TIDUNG].rules.get(step, _NONE).leads_to and "reason" in value:
                assert value["reason"] in page.text
    assert page.text.count("<summary><h3>") == len(ROUTES[Step.CLOSED])


class _NoRule:
    leads_to: tuple[()] = ()


_NONE = _NoRule()


def test_a_request_is_submitted_at_once_and_a_failed_try_leaves_one_draft(house: House):
    requester = house.visitor("pemohon2")

    def drafts() -> set[str]:
        listed = requester.get("/admin/change/?state=draft").text
        return set(re.findall(r"/admin/change/(?:details|edit)/\?id=(\d+)", listed))

    before = drafts()
    assert requester.post("/admin/change/new/", outcome="nonsense", title="Tidak terbaca").status_code == 400
    answer = requester.post("/admin/change/new/", outcome="submitted", title="Belum lengkap")
    assert answer.status_code == 422
    assert field_of(answer.text, "title") == "Belum lengkap"
    assert len(drafts() - before) == 1


def test_a_stranger_is_asked_to_log_in_and_moves_nothing(house: House, waiting):
    stranger = Visitor(house.app)
    assert stranger.post(path(waiting), json=True, outcome="accepted").status_code == 401
    assert stranger.post(path(waiting), outcome="accepted").status_code == 401
    assert house.where(waiting)[0] is Step.EVALUATION
