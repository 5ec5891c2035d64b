"""A form of fields that an SOP asks for itself, from the request to the papers."""

from __future__ import annotations

import html
import re
import runpy
from typing import Any

import pytest
from flask import url_for
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import sop_fields
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.loading import steps_of
from models.changes.revision import ChangeRevision
from models.changes.steps.field_value import FieldValue, read_field_values
from models.integrity.run import verify_register
from models.retention.erase import ErasedBy, erase_request
from models.sops import sop
from tests.changes.own_fields.office import KEY, TEXT, WORDS, move, open_office, run_to_the_end, send, submit
from tests.support.cast import NOW
from tests.support.migrations import FOLDER
from tests.support.running_app import RunningApp, running_app
from views.inspection.contents.folders import _record
from views.papers.contents.request_papers import change_form
from views.papers.contents.sop_paper import sop_paper
from views.papers.contents.source import read_source
from views.papers.contents.step_papers import step_paper

__all__ = ["running_app"]

pytestmark = pytest.mark.usefixtures("office")
MANAGER, HEAD, REQUESTER = "pengelola.ki", "kepala.ki", "pemohon.ki"


@pytest.fixture(scope="module")
def office(running_app: RunningApp) -> None:
    """Open the office."""
    with running_app.session() as session:
        open_office(session)


@pytest.fixture(scope="module")
def closed(running_app: RunningApp, office: None) -> int:
    """Return the id of a request that ran to the end."""
    return run_to_the_end(running_app)


def test_the_request_s_page_says_every_field_as_people_read_it(running_app: RunningApp, closed: int) -> None:
    assert running_app.step_and_version(closed)[0] is Step.CLOSED
    page = running_app.visitor(HEAD).get(f"/admin/change/details/?id={closed}").text
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert [label for label, words in WORDS.items() if label not in text or words not in text] == []
    assert "Penjelasan ketidaksesuaian" not in text, "it is asked for where the result does not agree"


def test_a_refused_form_names_each_own_field_and_keeps_what_was_typed(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    wrong: dict[str, Any] = {
        "field-biaya": "banyak sekali",
        "field-lama-henti": "",
        "field-kategori": "Raksasa",
        "field-jumlah-orang": "1,23456",
        "field-pelaksana": "tidak.ada",
    }
    refused = send(running_app, change_id, Outcome.ACCEPTED, **wrong)
    page = html.unescape(refused.text)
    assert refused.status_code == 422
    assert all(text in page for text in ("banyak sekali", "1,23456", "tidak.ada", "Keamanan", "Ruang mesin"))
    response = running_app.visitor(MANAGER).post(
        f"/admin/change/{change_id}/move", json=True, outcome="accepted", findings="Layak", **wrong
    )
    errors = set(response.get_json()["fields"])
    assert set(wrong) <= errors, "the valid ones were kept, among them that the service stops"
    assert not errors & {"field-lingkup", "field-ada-henti", "field-dampak-lingkungan"}
    move(running_app, change_id, Outcome.ACCEPTED, **{"field-ada-henti": "Tidak", "field-lama-henti": "2 jam"})
    assert "lama-henti" not in _keys(running_app, change_id), "it is not asked for, so not kept"


def test_a_field_is_not_asked_for_where_the_one_it_rests_on_is_not(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    unasked: dict[str, Any] = {"field-ada-henti": "Tidak", "field-luar-jam": "Tidak", "field-alasan-jam": ""}
    move(running_app, change_id, Outcome.ACCEPTED, **unasked)
    assert set(_keys(running_app, change_id)).isdisjoint({"luar-jam", "alasan-jam", "lama-henti"})


def test_a_wrong_value_of_a_field_that_is_not_asked_for_stands_in_no_way(running_app: RunningApp) -> None:
    change_id, visitor = submit(running_app), running_app.visitor(MANAGER)
    wrong: dict[str, Any] = {"field-ada-henti": "Tidak", "field-lama-henti": "lama sekali", "field-luar-jam": "mungkin"}
    assert visitor.post(f"/admin/change/{change_id}/save", **wrong).status_code == 303
    both = visitor.post(f"/admin/change/{change_id}/save", **wrong | {"field-biaya": "banyak"}, json=True)
    assert (both.status_code, list(both.get_json()["fields"])) == (422, ["field-biaya"])
    move(running_app, change_id, Outcome.ACCEPTED, **wrong)
    assert set(_keys(running_app, change_id)).isdisjoint({"luar-jam", "lama-henti"})


def _keys(app: RunningApp, change_id: int) -> list[str]:
    """Return the keys of the own fields that the second step of the request says something in."""
    with app.session() as session:
        return [row.key for row in session.get_one(ChangeRequest, change_id).activities[1].field_values]


def test_what_is_saved_without_finishing_stands_in_the_form_again(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    visitor = running_app.visitor(MANAGER)
    typed: dict[str, Any] = {"field-biaya": "7500", "field-lama-henti": "45"}
    visitor.post(f"/admin/change/{change_id}/save", **typed)
    page = visitor.get(f"/admin/change/details/?id={change_id}").text
    assert 'value="7.500"' in page
    assert 'value="45 menit"' in page


def test_an_answer_to_a_return_begins_with_what_the_request_said(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    move(running_app, change_id, Outcome.RETURNED, **{"field-alasan-kembali": "Kode tender"})
    page = running_app.visitor(REQUESTER).get(f"/admin/change/edit/?id={change_id}").text
    assert 'value="TDR 4711"' in page
    move(running_app, change_id, Outcome.RESUBMITTED, **{"field-kode-tender": "TDR 9000"})
    page = running_app.visitor(HEAD).get(f"/admin/change/details/?id={change_id}").text
    assert ("TDR 9000" in page, "1 April 2026" in page) == (True, True)
    listed = running_app.visitor(HEAD).get("/admin/change/?field-kode-tender=9000").text
    assert ("TDR 9000" in listed, "TDR 4711" in listed) == (True, False)


def test_what_an_answer_to_a_return_removes_stays_removed_in_form_lists_and_exports(running_app: RunningApp) -> None:
    change_id, kept = submit(running_app), submit(running_app)
    visitor = running_app.visitor(REQUESTER)
    cleared: dict[str, Any] = {"field-berlaku-mulai": "", "field-kode-tender": "", "field-narahubung": ""}
    for one in (change_id, kept):
        move(running_app, one, Outcome.RETURNED, **{"field-alasan-kembali": "Kode tender"})
    assert visitor.post(f"/admin/change/{change_id}/save", **cleared).status_code == 303
    assert "TDR 4711" not in visitor.get(f"/admin/change/edit/?id={change_id}").text
    listed = running_app.visitor(HEAD).get("/admin/change/?field-kode-tender=4711").text
    assert [f"details/?id={one}" in listed for one in (change_id, kept)] == [False, True]
    move(running_app, change_id, Outcome.RESUBMITTED, **cleared | {"field-berlaku-mulai": "2026-05-01"})
    page = running_app.visitor(HEAD).get(f"/admin/change/details/?id={change_id}").text
    with running_app.session() as session:
        paper = str(change_form(read_source(session, session.get_one(ChangeRequest, change_id))))
    own = page.partition("Isian menurut SOP")[2].partition("</dl>")[0]
    assert ("1 Mei 2026" in own, "Kode tender" in own, "TDR 4711" in paper) == (True, False, False)
    listed = running_app.visitor(HEAD).get("/admin/change/?field-kode-tender=4711").text
    assert [f"details/?id={one}" in listed for one in (change_id, kept)] == [False, True]


def test_an_answer_that_names_no_own_field_keeps_them_all(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    move(running_app, change_id, Outcome.RETURNED, **{"field-alasan-kembali": "Judul"})
    version = running_app.step_and_version(change_id)[1]
    answer = running_app.visitor(REQUESTER).post(
        f"/admin/change/{change_id}/move", json=True, version=version, outcome="resubmitted"
    )
    assert answer.status_code == 303, answer.text
    with running_app.session() as session:
        contents = session.scalars(
            select(ChangeRevision.content)
            .where(ChangeRevision.change_id == change_id)
            .order_by(ChangeRevision.revision)
        ).all()
        copied = [row.key for row in session.get_one(ChangeRequest, change_id).activities[2].field_values]
    assert copied == ["berlaku-mulai", "kode-tender", "narahubung"]
    assert contents[0]["field-kode-tender"] == contents[1]["field-kode-tender"]


def test_the_upgrade_gives_open_answers_what_the_request_says(running_app: RunningApp) -> None:
    fill = runpy.run_path(str(FOLDER / "versions" / "0028_keep_own_fields_of_answers_and_erase_their_numbers.py"))[
        "FILL"
    ]
    ids = [submit(running_app) for _ in range(3)]
    move(running_app, ids[0], Outcome.RETURNED, **{"field-alasan-kembali": "Judul"})
    move(running_app, ids[1], Outcome.RETURNED, **{"field-alasan-kembali": "Judul"})
    saved: dict[str, Any] = {"field-berlaku-mulai": "", "field-kode-tender": "TDR 1"}
    running_app.visitor(REQUESTER).post(f"/admin/change/{ids[1]}/save", **saved)
    own: Any = FieldValue.__table__
    said = select(own.c.key, own.c.words).where(own.c.change_id.in_(ids)).order_by(own.c.activity_id, own.c.position)
    with running_app.session() as session:
        connection = session.connection()
        before = connection.execute(said).all()
        answer = session.get_one(ChangeRequest, ids[0]).activities[-1].id
        connection.execute(delete(own).where(own.c.activity_id == answer))
        assert connection.execute(said).all() != before
        connection.execute(text(fill))
        assert connection.execute(said).all() == before
        session.rollback()


def test_a_requester_is_offered_names_and_positions_and_no_names_of_accounts(running_app: RunningApp) -> None:
    with running_app.session() as session:
        head = session.scalars(select(User).where(User.username == HEAD)).one()
        head.position, name = "Kepala Bagian", head.full_name
        session.commit()
    change_id, visitor = submit(running_app), running_app.visitor(REQUESTER)
    page = html.unescape(visitor.get("/admin/change/new/").text)
    assert f'value="{name} (Kepala Bagian)"' in page
    assert not re.search(r'value="[^"]*\((?:kepala|pengelola)\.ki\)"', page)
    assert f'value="{name} ({HEAD})"' in running_app.visitor(MANAGER).get(f"/admin/change/details/?id={change_id}").text
    move(running_app, change_id, Outcome.RETURNED, **{"field-alasan-kembali": "Narahubung"})
    move(running_app, change_id, Outcome.RESUBMITTED, **{"field-narahubung": f"{name} (Kepala Bagian)"})
    with running_app.session() as session:
        values = session.get_one(ChangeRequest, change_id).activities[2].field_values
        assert [row.words for row in values if row.key == "narahubung"] == [name]


def test_a_copy_takes_over_the_own_fields_that_the_sop_still_asks_for(running_app: RunningApp) -> None:
    change_id, visitor = submit(running_app), running_app.visitor(REQUESTER)
    page = visitor.get(f"/admin/change/new/?copy={change_id}").text
    for value in ("TDR 4711", "2026-04-01", "Pengelola.ki"):
        assert f'value="{value}' in page
    with running_app.session() as session:
        assert len(session.get_one(ChangeRequest, change_id).activities) == 2, "nothing is written by looking"


LISTS = (
    ("evaluation", "field-kategori=Besar", "field-kategori=Kecil"),
    ("evaluation", "field-lingkup=Keamanan", "field-lingkup=Aplikasi"),
    ("evaluation", "field-biaya-from=12.000.000&field-biaya-until=12500000", "field-biaya-from=12500001"),
    ("evaluation", "field-jumlah-orang-from=2,5", "field-jumlah-orang-from=2,6"),
    ("evaluation", "field-lama-henti-until=90", "field-lama-henti-until=1+jam&field-lama-henti-from=1"),
    ("evaluation", "field-pelaksana=pengelola", "field-pelaksana=kepala"),
    ("evaluation", "field-dampak-lingkungan=bising", "field-dampak-lingkungan=sepi"),
    ("approval", "field-jadwal-from=2026-03-03&field-jadwal-until=2026-03-03", "field-jadwal-from=2026-03-04"),
    ("implementation", "field-komunikasi=penyedia", "field-komunikasi=radio"),
    ("change", "field-berlaku-mulai-until=2026-04-01", "field-berlaku-mulai-until=2026-03-31"),
)


@pytest.mark.parametrize(("screen", "with_it", "without_it"), LISTS)
def test_lists_are_narrowed_by_every_kind_of_own_field(
    running_app: RunningApp, closed: int, screen: str, with_it: str, without_it: str
) -> None:
    with running_app.session() as session:
        number = session.get_one(ChangeRequest, closed).number or ""
    visitor = running_app.visitor(HEAD)
    shown = [visitor.get(f"/admin/{screen}/?{query}&search={number}") for query in (with_it, without_it)]
    assert [answer.status_code for answer in shown] == [200, 200]
    assert [f"details/?id={closed}" in answer.text for answer in shown] == [True, False]


def test_a_value_that_a_filter_cannot_read_is_refused_by_name(running_app: RunningApp) -> None:
    answer = running_app.visitor(HEAD).get("/admin/evaluation/?field-biaya-from=banyak")
    assert (answer.status_code, "Perkiraan biaya" in answer.text) == (400, True)


def test_a_listed_field_is_a_column_from_the_start_and_any_can_be_chosen(running_app: RunningApp, closed: int) -> None:
    visitor = running_app.visitor(HEAD)
    listed = visitor.get("/admin/evaluation/").text
    assert ("Rp12.500.000,00" in listed, "1 jam 30 menit" in listed) == (True, False)
    chosen = visitor.get("/admin/evaluation/?columns=number,field-lama-henti,field-jumlah-orang").text
    assert ("1 jam 30 menit" in chosen, "2,5" in chosen) == (True, True)


def test_exports_have_every_own_field_with_figures_and_dates_as_such(running_app: RunningApp, closed: int) -> None:
    text = running_app.visitor(HEAD).get("/admin/evaluation/export/csv/").text
    assert "Perkiraan biaya" in text
    assert all(cell in text for cell in ("12500000", "Data, informasi; Keamanan", "Pengelola.ki")), text[:2000]
    requests = running_app.visitor(HEAD).get("/admin/change/export/csv/").text
    assert "2026-04-01" in requests or "01/04/2026" in requests, requests[:1000]


def test_lists_and_exports_of_an_erased_request_have_nothing_in_its_own_fields(running_app: RunningApp) -> None:
    change_id = run_to_the_end(running_app)
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        head = session.scalars(select(User).where(User.username == HEAD)).one()
        erase_request(session, change, ErasedBy(head, NOW, "Masa simpan habis"))
        session.commit()
        assert verify_register(session).findings == []
        rows = session.execute(select(*_SAID).where(FieldValue.change_id == change_id)).all()
        activities = session.get_one(ChangeRequest, change_id).activities
        read = [read_field_values(one, sop_fields(change.sop, one.step)) for one in activities]
    assert {tuple(row) for row in rows} == {("***", "***", None)}
    assert {"***", None} >= {value for values in read for value in values.values()}
    visitor = running_app.visitor(HEAD)
    for path in ("evaluation/?columns=number,field-biaya,field-lama-henti", "approval/?columns=number,field-jadwal"):
        assert visitor.get(f"/admin/{path}").status_code == 200, path
    for screen in ("evaluation", "approval", "change"):
        assert f"details/?id={change_id}" in visitor.get(f"/admin/{screen}/").text
        text = visitor.get(f"/admin/{screen}/export/csv/").text
        assert text.count("\n") > 1, screen


_SAID = (FieldValue.value, FieldValue.words, FieldValue.number)


def test_the_search_finds_words_of_own_fields_in_requests_and_steps(running_app: RunningApp, closed: int) -> None:
    visitor = running_app.visitor(HEAD)
    for word, label in (("4711", "Kode tender"), ("bising", "Dampak terhadap lingkungan"), ("Penyedia", "Komunikasi")):
        response = visitor.get(f"/search?q={word}")
        assert (response.status_code, label in response.text) == (200, True), word


def test_papers_print_the_own_fields_in_their_place(running_app: RunningApp, closed: int) -> None:
    with running_app.app.test_request_context(), running_app.session() as session:
        source = read_source(session, session.get_one(ChangeRequest, closed))
        form = {part.key: {fact.label: fact.value for fact in part.facts} for part in change_form(source).parts}
        approval = step_paper(source, source.finished[2]).parts[0].facts
        sop_rows = sop_paper(session.get_one(ChangeRequest, closed).sop_revision).extra["fields"]
    assert form["applicant"]["Kode tender"] == WORDS["Kode tender"]
    assert form["evaluation"]["Perkiraan biaya"] == WORDS["Perkiraan biaya"]
    assert form["approval"]["Jadwal pelaksanaan"] == WORDS["Jadwal pelaksanaan"]
    assert form["implementation"]["Komunikasi"] == WORDS["Komunikasi"]
    assert ("Catatan untuk pelaksana", WORDS["Catatan untuk pelaksana"]) in [(one.label, one.value) for one in approval]
    assert [
        "Evaluasi",
        "Lama berhenti",
        "Lama waktu",
        "wajib untuk: Diterima; hanya bila “Layanan berhenti”: Ya",
    ] in sop_rows
    answer = running_app.visitor(HEAD).get(f"/admin/paper/of/{closed}/all.pdf")
    assert answer.status_code == 200


def test_the_sop_s_page_and_its_printed_paper_show_the_fields(running_app: RunningApp, closed: int) -> None:
    with running_app.session() as session:
        sop_id = session.get_one(ChangeRequest, closed).sop_id
    visitor = running_app.visitor(HEAD)
    page = html.unescape(visitor.get(f"/admin/sop/details/?id={sop_id}").text)
    assert "Isian yang diminta SOP ini" in page
    assert "hanya bila “Kesesuaian dengan rencana”: Sebagian, Tidak sesuai" in page
    with running_app.app.test_request_context():
        address = url_for("paper.print_sop", sop_id=sop_id)
    assert visitor.post(address).status_code in {200, 303}


def test_the_dossier_s_summary_of_a_request_and_its_trail_name_the_fields(running_app: RunningApp, closed: int) -> None:
    with running_app.app.test_request_context(), running_app.session() as session:
        steps = steps_of(session, closed)
        entries = session.scalars(select(AuditEntry.rows)).all()
        rows = session.scalars(select(FieldValue).where(FieldValue.change_id == closed)).all()
    assert dict(_record(steps[1]))["Perkiraan biaya"] == WORDS["Perkiraan biaya"]
    assert any("Rp12.500.000,00" in entry for entry in entries)
    assert len(rows) == len(WORDS)


def test_the_own_fields_of_a_finished_step_are_immutable(running_app: RunningApp, closed: int) -> None:
    statements = (
        "UPDATE field_value SET words = 'x' WHERE change_id = :id",
        "DELETE FROM field_value WHERE change_id = :id",
        "INSERT INTO field_value (agency_id, change_id, activity_id, position, key, label, kind, value, words)"
        " SELECT agency_id, change_id, activity_id, 99, 'baru', 'Baru', 'line', 'x', 'x' FROM field_value"
        " WHERE change_id = :id LIMIT 1",
    )
    for statement in statements:
        with running_app.engine.begin() as connection, pytest.raises(DBAPIError, match="finished step"):
            connection.execute(text(statement), {"id": closed})


def test_a_field_that_a_later_revision_drops_stays_readable_and_another_can_take_its_place(
    running_app: RunningApp, closed: int
) -> None:
    revised = re.sub(r'\[\[steps.fields\]\]\nkey = "biaya".*?\n\n', "", TEXT, flags=re.DOTALL)
    revised = revised.replace('number = "06/SOP/2024"', 'number = "07/SOP/2026"')
    with running_app.session() as session:
        sop.load_revision(session, revised, KEY, now=NOW).enact(now=NOW, by=None)
        session.commit()
    visitor = running_app.visitor(HEAD)
    assert WORDS["Perkiraan biaya"] in visitor.get(f"/admin/change/details/?id={closed}").text
    assert WORDS["Perkiraan biaya"] in visitor.get("/admin/evaluation/?field-biaya-from=12.000.000").text
    newer = submit(running_app)
    assert "field-biaya" not in running_app.visitor(MANAGER).get(f"/admin/change/details/?id={newer}").text
    move(running_app, newer, Outcome.ACCEPTED)
    assert running_app.step_and_version(newer)[0] is Step.APPROVAL
