"""Papers of steps that an SOP has more than once, and of steps of its own."""

from __future__ import annotations

import datetime as dt
import html
import io
from typing import TYPE_CHECKING

import pikepdf
import pytest
from sqlalchemy import select

from models.changes.change import ChangeRequest
from models.papers.printed import PaperPrint
from tests.changes.own_steps.office import move, open_office, submit
from tests.support.cast import NOW
from tests.support.pages.pdf import require_valid
from tests.support.pages.records import code_in
from tests.support.program import Visitor
from tests.support.running_app import running_app
from views.inspection.contents.folders import change_files
from views.papers.contents.source import read_source
from views.papers.papers import papers_of_source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_app import RunningApp

__all__ = ["running_app"]

#: The papers of a request that went through all of them, by the names of their files.
NAMES = [
    "change-form", "evaluation", "decision-kepala-bidang", "decision-2", "implementation-latihan", "implementation-2",
    "test", "report", "verification", "own-step-serah-terima", "own-step-perbaikan-2", "own-step-serah-terima-3",
    "own-step-masa-pantau-4", "own-step-hari-tinjau-5", "own-step-peninjauan-6", "own-step-tanda-terima-SPBE-7",
    "deviations", "handover",
]  # fmt: skip


@pytest.fixture(scope="module")
def change_id(running_app: RunningApp) -> int:
    """Return the id of a request that was closed after all steps of the SOP."""
    with running_app.session() as session:
        open_office(session)
    created = submit(running_app)
    move(running_app, created, "accepted", "approved", "approved", "done", "done", "passed", "reported", "verified")
    move(running_app, created, "keberatan", reason="Menu belum lengkap.")
    move(running_app, created, "diperbaiki", "diterima")
    running_app.now = NOW + dt.timedelta(days=31)
    move(running_app, created, "selesai")
    running_app.now = dt.datetime(2026, 5, 1, 3, tzinfo=dt.UTC)
    move(running_app, created, "selesai", "memadai", "dicatat")
    return created


def test_the_folder_of_a_request_has_a_paper_of_each_step(
    running_app: RunningApp, change_id: int, tmp_path: Path
) -> None:
    with running_app.session() as session, running_app.app.test_request_context():
        files = {name: b"".join(content) for name, content in change_files(session, change_id, "folder")}
    papers = {name.rpartition("/")[2]: content for name, content in files.items() if "/naskah/" in name}
    assert [name[3:-4] for name in papers] == NAMES
    for name in ("10-own-step-serah-terima.pdf", "11-own-step-perbaikan-2.pdf", "13-own-step-masa-pantau-4.pdf"):
        (tmp_path / name).write_bytes(papers[name])
        require_valid(tmp_path / name)
    summary = html.unescape(files["folder/ringkasan.html"].decode())
    for words in ("Peninjauan setelah pelaksanaan", "Persetujuan: Kepala bidang", "Menu diperbaiki.", "Masa pantau"):
        assert words in summary, words


def test_a_paper_says_what_the_sop_calls_the_step_what_it_asks_for_and_who_finished_it(
    running_app: RunningApp, change_id: int
) -> None:
    with running_app.session() as session:
        source = read_source(session, session.get_one(ChangeRequest, change_id))
        by_number = dict(enumerate((paper.content(source) for paper in papers_of_source(source)), 1))
    assert [by_number[number].title for number in (3, 4, 10, 11, 15)] == [
        "Keputusan atas perubahan: Kepala bidang",
        "Keputusan atas perubahan",
        "Serah terima",
        "Perbaikan",
        "Peninjauan setelah pelaksanaan",
    ]
    record = by_number[11].parts[0]
    assert [(fact.label, fact.value) for fact in record.facts] == [
        ("Hasil", "Diperbaiki"),
        ("Tindakan perbaikan", "Menu diperbaiki."),
    ]
    assert [(fact.label, fact.value) for fact in by_number[10].parts[0].facts] == [
        ("Hasil", "Keberatan"),
        ("Alasan", "Menu belum lengkap."),
    ]
    assert [signer.capacity for signer in by_number[3].signers] == [("Kepala Bidang",)]
    assert by_number[10].signers[0].name
    assert by_number[10].signers[0].capacity == ("Pemohon",)
    assert len({paper.fingerprint() for paper in by_number.values()}) == len(NAMES)


def test_the_change_form_is_signed_by_each_who_approved(running_app: RunningApp, change_id: int) -> None:
    with running_app.session() as session:
        source = read_source(session, session.get_one(ChangeRequest, change_id))
        form = papers_of_source(source)[0].content(source)
    approval = next(part for part in form.parts if part.key == "approval")
    assert [signer.capacity for signer in approval.signers] == [("Kepala Bidang",), ("Kepala LPSE",)]
    assert ("Persetujuan: Kepala bidang: Hasil", "Disetujui") in [(fact.label, fact.value) for fact in approval.facts]


def test_a_step_is_printed_from_its_screen_and_its_code_is_known(running_app: RunningApp, change_id: int) -> None:
    with running_app.session() as session:
        steps = session.get_one(ChangeRequest, change_id).activities
        own = next(one.id for one in steps if str(one.step) == "task.perbaikan")
    manager = running_app.visitor("pengelola.kl")
    assert f"/admin/paper/step/{own}/print" in manager.get(f"/admin/own-step/details/?id={own}").text
    answer = manager.post(f"/admin/paper/step/{own}/print")
    assert answer.status_code == 303
    with running_app.session() as session:
        row = session.scalars(select(PaperPrint).where(PaperPrint.subject_id == own)).one()
        assert (row.kind.value, row.number.rpartition("/")[2]) == ("own-step", "CL-2")
    path = code_in(manager.get(f"/admin/paper/{row.id}/draft.pdf").data)
    page = html.unescape(Visitor(running_app.app).get(path).text)
    assert "Masih sesuai dengan register" in page
    listed = html.unescape(manager.get("/admin/paper/?kind=own-step").text)
    assert row.number in listed
    assert "Catatan langkah" in listed


def test_all_papers_of_a_request_come_in_one_file_with_those_of_its_own_steps(
    running_app: RunningApp, change_id: int
) -> None:
    manager = running_app.visitor("pengelola.kl")
    page = html.unescape(manager.get(f"/admin/paper/of/{change_id}").text)
    for words in ("Keputusan atas perubahan: Kepala bidang", "Masa pantau", "Peninjauan setelah pelaksanaan"):
        assert words in page, words
    with pikepdf.open(io.BytesIO(manager.get(f"/admin/paper/of/{change_id}/all.pdf").data)) as pdf:
        assert len(pdf.pages) >= len(NAMES)
