"""Papers over HTTP: printed, checked by their code, filed when they come back, and set by the office."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from sqlalchemy import select, text

from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import AuditEntry
from models.papers.printed import PaperPrint, SignedPaper
from tests.papers.authority import altered, authority
from tests.support.cast import LUMAJANG
from tests.support.insider import insider
from tests.support.pages.records import code_in
from tests.support.present import present
from tests.support.program import Visitor
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture
from views.papers import check_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_app import RunningApp

BASE = "/admin/paper-setting"


def print_form(running_app: RunningApp, change_id: int, username: str = "pengelola") -> PaperPrint:
    """Print the change form and return its row."""
    answer = running_app.visitor(username).post(
        f"/admin/paper/of/{change_id}/print", kind="change-form", subject=str(change_id)
    )
    assert answer.status_code == 303, answer.text
    with running_app.session() as session:
        return session.scalars(select(PaperPrint).order_by(PaperPrint.id.desc())).first() or PaperPrint()


def draft_of(running_app: RunningApp, row: PaperPrint) -> bytes:
    """Return the file of a print."""
    return running_app.visitor("pengelola").get(f"/admin/paper/{row.id}/draft.pdf").get_data()


def test_a_print_is_kept_with_both_hashes_and_is_in_the_trail(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    row = print_form(running_app, change_id)
    assert row.number.endswith("/FP")
    assert draft_of(running_app, row).startswith(b"%PDF-")
    with running_app.session() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)).all()
    assert actions == ["paper.print"]


def test_the_page_of_a_request_leads_to_its_papers_and_all_come_in_one_file(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.IMPLEMENTATION)
    reader = running_app.visitor("pemeriksa")
    assert f"/admin/paper/of/{change_id}" in reader.get(f"/admin/change/details/?id={change_id}").text
    page = reader.get(f"/admin/paper/of/{change_id}")
    assert page.status_code == 200
    answer = reader.get(f"/admin/paper/of/{change_id}/all.pdf")
    with pikepdf.open(io.BytesIO(answer.data)) as pdf:
        assert len(pdf.pages) >= 4
        with pdf.open_metadata() as metadata:
            assert metadata["pdfaid:conformance"] == "A"


def test_pages_are_counted_paper_by_paper_and_no_page_has_the_code_or_a_signature_alone(
    running_app: RunningApp, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("no poppler on this system")
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    file = tmp_path / "naskah.pdf"
    file.write_bytes(running_app.visitor("pemeriksa").get(f"/admin/paper/of/{change_id}/all.pdf").data)
    output = subprocess.run(["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True).stdout.decode()
    pages = [re.search(r"Halaman (\d+) dari (\d+)", page) for page in output.split("\f")[:-1]]
    numbers = [(int(present(page)[1]), int(present(page)[2])) for page in pages]
    expected: list[tuple[int, int]] = []
    while len(expected) < len(numbers):
        last = numbers[len(expected)][1]
        expected += [(number, last) for number in range(1, last + 1)]
    assert numbers == expected
    assert numbers.count((1, 1)) + sum(page == 1 < last for page, last in numbers) >= 8, "of as many papers"
    for page in output.split("\f")[:-1]:
        if "NIP" in page or "Kode ini bukan tanda tangan" in page:
            facts = [line for line in page.splitlines() if re.search(r"\S\s+:\s+\S", line)]
            assert facts, page


def test_nobody_sees_the_papers_of_what_they_may_not_see(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    row = print_form(running_app, change_id)
    for username in ("pemohon2", "pengelola.tt"):
        stranger = running_app.visitor(username)
        for path in (f"/admin/paper/of/{change_id}", f"/admin/paper/{row.id}/draft.pdf"):
            assert stranger.get(path).status_code == 404, path
        form: dict[str, Any] = {"kind": "change-form", "subject": str(change_id)}
        assert stranger.post(f"/admin/paper/of/{change_id}/print", **form).status_code == 404


def test_a_paper_that_a_request_has_not_yet_is_not_printed(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    answer = running_app.visitor("pengelola").post(f"/admin/paper/of/{change_id}/print", kind="handover", subject="1")
    assert answer.status_code == 404


# --- the code on a paper ----------------------------------------------------------------------------------------------


def test_the_code_leads_to_a_page_that_tells_no_more_than_number_kind_and_date(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    path = code_in(draft_of(running_app, print_form(running_app, change_id)))
    page = Visitor(running_app.app).get(path)
    assert page.status_code == 200
    assert "Masih sesuai dengan register" in page.text
    assert "Formulir perubahan" in page.text
    assert "Sertifikat lama berakhir" not in page.text
    assert "Pemohon 1" not in page.text


def test_the_code_tells_when_the_register_has_gone_on(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    path = code_in(draft_of(running_app, print_form(running_app, change_id)))
    assert running_app.make_move(change_id, Outcome.NORMAL).status_code == 303
    assert "Sudah digantikan" in Visitor(running_app.app).get(path).text


def test_the_code_tells_when_the_record_was_changed_behind_its_back(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    path = code_in(draft_of(running_app, print_form(running_app, change_id)))
    with running_app.session() as session:
        if session.get_bind().dialect.name != "sqlite":
            pytest.skip("the triggers are dropped one by one on SQLite alone")
        connection = session.connection()
        connection.execute(text("DROP TRIGGER change_request_says_what_was_asked"))
        connection.execute(text("UPDATE change_request SET purpose = 'lain' WHERE id = :id"), {"id": change_id})
        connection.commit()
    assert "Tidak sesuai dengan register" in Visitor(running_app.app).get(path).text


def test_a_code_that_no_office_has_made_is_not_found_and_asking_is_limited(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_page, "_limiter", check_page._Limiter())
    visitor = Visitor(running_app.app)
    answers = [visitor.get(f"/paper/{'a' * 59}{letter}").status_code for letter in "abcdefghijklmnopqrstuvwxyz234567"]
    assert answers == [404] * 30 + [429] * 2


# --- signed papers that come back -------------------------------------------------------------------------------------


def file_signed(running_app: RunningApp, row: PaperPrint, form: str, name: str, content: bytes) -> tuple[int, str]:
    """File a signed paper, and return status and page."""
    answer = running_app.visitor("pengelola").post(
        f"/admin/paper/{row.id}/file", signed_as=form, file=upload_file(name, content)
    )
    return answer.status_code, answer.text


def test_a_signed_pdf_is_filed_beside_its_draft_with_what_pyhanko_says(running_app: RunningApp) -> None:
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    signed = authority().sign(draft_of(running_app, row))
    assert file_signed(running_app, row, "electronic", "ttd.pdf", signed)[0] == 303
    page = running_app.visitor("pemeriksa").get(f"/admin/paper/details/?id={row.id}").text
    assert "Mencakup seluruh berkas." in page
    assert "Tidak dipercaya menurut daftar kantor." in page
    with running_app.session() as session:
        filed = session.scalars(select(SignedPaper).where(SignedPaper.print_id == row.id)).one()
        assert filed.findings["begins_with_draft"]
        assert filed.sha256 != row.sha256
        told = select(AuditEntry.action).where(AuditEntry.action.startswith("paper.")).order_by(AuditEntry.id.desc())
        assert session.scalars(told).first() == "paper.file"
        signed_id = filed.id
    assert running_app.visitor("pemeriksa").get(f"/admin/paper/signed/{signed_id}/file").data == signed
    assert running_app.visitor("pemohon2").get(f"/admin/paper/signed/{signed_id}/file").status_code == 404
    status, again = file_signed(running_app, row, "electronic", "ttd.pdf", signed)
    assert (status, "Berkas ini sudah disimpan." in again) == (422, True)
    with insider(running_app.engine.url.render_as_string(hide_password=False)) as connection:
        connection.execute(text("UPDATE file_content SET content = :forged WHERE content = :signed"),
                           {"forged": b"%PDF-1.4 palsu", "signed": signed})  # fmt: skip
    forged = running_app.visitor("pemeriksa").get(f"/admin/paper/signed/{signed_id}/file")
    assert forged.status_code == 409
    assert b"palsu" not in forged.data


def test_an_altered_one_is_filed_and_said_to_be_altered(running_app: RunningApp) -> None:
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    signed = altered(authority().sign(draft_of(running_app, row)))
    assert file_signed(running_app, row, "electronic", "ttd.pdf", signed)[0] == 303
    page = running_app.visitor("kepala").get(f"/admin/paper/details/?id={row.id}").text
    assert "Isi yang dicakup berubah setelah ditandatangani." in page
    assert "tidak diawali draf tersebut" in page


def test_a_scan_is_said_to_be_one(running_app: RunningApp) -> None:
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    scan = draft_of(running_app, print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY)))
    assert file_signed(running_app, row, "scan", "pindaian.pdf", scan)[0] == 303
    page = running_app.visitor("kepala").get(f"/admin/paper/details/?id={row.id}").text
    assert "Pindaian: aplikasi tidak menilai tanda tangan di atas kertas." in page


@pytest.mark.parametrize(
    ("form", "name", "content", "sentence"),
    [
        ("electronic", "x.txt", b"bukan PDF", "Naskah bertanda tangan elektronik berupa PDF."),
        ("scan", "x.txt", b"catatan", "Pindaian berupa PDF, JPEG, atau PNG."),
        ("electronic", "x.pdf", None, "PDF ini tidak memuat tanda tangan elektronik."),
        ("scan", "x.pdf", None, "Ini draf itu sendiri, belum ditandatangani."),
    ],
)
def test_what_is_not_signed_is_refused(
    running_app: RunningApp, form: str, name: str, content: bytes | None, sentence: str
) -> None:
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    status, page = file_signed(running_app, row, form, name, content or draft_of(running_app, row))
    assert status == 422
    assert sentence in page


def test_an_inspector_files_nothing(running_app: RunningApp) -> None:
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    answer = running_app.visitor("pemeriksa").post(f"/admin/paper/{row.id}/file", signed_as="scan")
    assert answer.status_code == 403


# --- what an office sets ----------------------------------------------------------------------------------------------


def test_the_letterhead_stands_on_papers_and_a_wrong_one_is_refused_with_what_was_typed(
    running_app: RunningApp,
) -> None:
    admin = running_app.visitor("admin")
    typed: dict[str, Any] = {
        "names": "PEMERINTAH\nLPSE UJI",
        "place": "Lumajang",
        "signs_for": "Kepala Dinas",
        "reason": "Kop baru",
    }
    refused = admin.post(f"{BASE}/letterhead?agency=lumajang", **typed, number_pattern="{salah}")
    assert (refused.status_code, "LPSE UJI" in refused.text) == (422, True)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'
    pattern = "{klasifikasi}/{urut}/{jenis}/{tahun}"
    answer = admin.post(
        f"{BASE}/letterhead?agency=lumajang", **typed, number_pattern=pattern, classification="000.5",
        arms=(io.BytesIO(svg), "lambang.svg"),
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    assert re.fullmatch(r"000\.5/\d{4}/FP/\d{4}", row.number)
    assert admin.get(f"{BASE}/layout/base/preview?agency=lumajang").data.startswith(b"%PDF-")
    bad = admin.post(f"{BASE}/letterhead?agency=lumajang", **typed, arms=(io.BytesIO(b"GIF89a"), "x.gif"))
    assert bad.status_code == 422


@pytest.mark.parametrize(
    "layout",
    [
        "#unknown",
        "#set page(",
        '#read("/etc/passwd")',
        '#read("../../../etc/passwd")',
        '#import "@preview/cetz:0.2.0"\n= x',
        '#image("http://127.0.0.1/x.png")',
        "#let f(n) = f(n)\n#f(1)",
    ],
)
def test_a_faulty_layout_is_refused_with_its_fault_and_never_replaces_the_good_one(
    running_app: RunningApp, layout: str
) -> None:
    admin = running_app.visitor("admin")
    answer = admin.post(f"{BASE}/layout/minutes?agency=lumajang", text=layout, reason="Coba")
    assert answer.status_code == 422
    assert "Tata letak tidak dapat disusun" in answer.text
    assert "bawaan" in admin.get(f"{BASE}/?agency=lumajang").text
    shown = admin.post(f"{BASE}/layout/minutes?agency=lumajang", text=layout, do="preview")
    assert shown.status_code == 422


def test_a_layout_is_adapted_previewed_and_given_back(running_app: RunningApp) -> None:
    admin = running_app.visitor("admin")
    page = admin.get(f"{BASE}/layout/list?agency=tana-tidung")
    assert "page-setup" in page.text
    layout = '#import "base.typ": *\n#show: page-setup\n#letterhead()\n#title-block()\nDisesuaikan'
    shown = admin.post(f"{BASE}/layout/list?agency=tana-tidung", text=layout, do="preview")
    assert shown.data.startswith(b"%PDF-")
    assert admin.post(f"{BASE}/layout/list?agency=tana-tidung", text=layout, reason="Coba").status_code == 303
    assert "disesuaikan" in admin.get(f"{BASE}/?agency=tana-tidung").text
    assert admin.post(f"{BASE}/layout/list/restore?agency=tana-tidung", reason="Kembali").status_code == 303
    assert admin.post(f"{BASE}/layout/list/restore?agency=tana-tidung", reason="Kembali").status_code == 422
    assert admin.get(f"{BASE}/layout/lain").status_code == 404


def test_a_certificate_is_trusted_until_it_is_removed(running_app: RunningApp) -> None:
    admin = running_app.visitor("admin")
    file = (io.BytesIO(authority("Balai tepercaya").pem), "balai.pem")
    answer = admin.post(f"{BASE}/new/?agency=lumajang", file=file, reason="Surat BSrE")
    assert answer.status_code == 303, answer.text
    again = (io.BytesIO(authority("Balai tepercaya").pem), "balai.pem")
    assert admin.post(f"{BASE}/new/?agency=lumajang", file=again, reason="Lagi").status_code == 422
    none = (io.BytesIO(b"bukan sertifikat"), "x.pem")
    assert admin.post(f"{BASE}/new/?agency=lumajang", file=none, reason="Lagi").status_code == 422
    row = print_form(running_app, running_app.change_at_step(LUMAJANG, Step.URGENCY))
    signed = authority("Balai tepercaya").sign(draft_of(running_app, row))
    assert file_signed(running_app, row, "electronic", "ttd.pdf", signed)[0] == 303
    page = running_app.visitor("kepala").get(f"/admin/paper/details/?id={row.id}").text
    assert "Dipercaya menurut daftar kantor." in page
    certificate_id = answer.location.rsplit("=", 1)[1]
    assert admin.post(f"{BASE}/{certificate_id}/remove", reason="Dicabut").status_code == 303
    assert admin.post(f"{BASE}/{certificate_id}/remove", reason="Dicabut").status_code == 409


def test_nobody_but_an_administrator_sets_anything(running_app: RunningApp) -> None:
    for path in ("letterhead", "layout/list", "new/"):
        assert running_app.visitor("kepala").post(f"{BASE}/{path}", reason="x").status_code == 403
