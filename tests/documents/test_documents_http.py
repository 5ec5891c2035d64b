"""Files over HTTP: taken by what they are, served as a download to those who may see them, fixed once a step ends."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.documents.document import Document, attach
from tests.documents.test_files import PNG
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, delegation
from tests.support.house import house, upload  # noqa: F401 - the fixture
from tests.support.program import PDF, Visitor

if TYPE_CHECKING:
    from tests.support.house import House

HTML = b"<!doctype html><script>alert(document.cookie)</script>"


def archive(*names: str) -> bytes:
    """Return an archive with empty members of these names."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as zipped:
        for name in names:
            zipped.writestr(name, "<x/>")
    return written.getvalue()


def variant(mark: bytes) -> bytes:
    """Return a PDF whose bytes are no other's."""
    return PDF[:9] + b"%" + mark + b"\n" + PDF[9:]


def attached(house: House, change_id: int) -> dict[str, int]:
    """Return the files of a request, by name."""
    with house.session() as session:
        rows = session.execute(select(Document.name, Document.id).where(Document.change_id == change_id))
        return {row.name: row.id for row in rows}


def send(house: House, change_id: int, *files: tuple[io.BytesIO, str], **fields: object):
    """Keep the evaluation with some files, as its manager."""
    return house.visitor("pengelola").post(f"/admin/change/{change_id}/save", document=list(files), **fields)


@pytest.fixture
def change_id(house: House) -> int:
    """Give a request of its own that waits for its evaluation."""
    return house.at(LUMAJANG, Step.EVALUATION)


def test_a_file_comes_back_as_a_download_that_no_browser_runs(house: House, change_id):
    name = 'Hasil évaluasi; "akhir" 100%.pdf'
    assert send(house, change_id, upload(name)).status_code == 303
    (found,) = (id_ for stored, id_ in attached(house, change_id).items() if stored.startswith("Hasil"))
    answer = house.visitor("pengelola").get(f"/admin/document/{found}/file")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert unquote(disposition.partition("UTF-8''")[2]).startswith("Hasil évaluasi")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers.getlist("Content-Security-Policy")[1:] == []


VIEWABLE = {
    "surat.pdf": (PDF, "application/pdf", "default-src 'none'; frame-ancestors 'self'"),
    "layar.png": (PNG, "image/png", "sandbox; default-src 'none'; frame-ancestors 'self'"),
}


@pytest.mark.parametrize("name", VIEWABLE)
def test_a_pdf_and_a_picture_are_looked_at_within_the_page(name, house: House, change_id):
    content, media_type, policy = VIEWABLE[name]
    send(house, change_id, upload(name, content))
    address = f"/admin/document/{attached(house, change_id)[name]}/preview"
    manager = house.visitor("pengelola")
    answer = manager.get(address)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, content, media_type)
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert answer.headers.getlist("Content-Security-Policy") == [policy]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    page = manager.get(f"/admin/change/details/?id={change_id}")
    assert address in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-src 'none'" in manager.get("/admin/change/").headers["Content-Security-Policy"]
    for stranger in ("pemohon2", "pengelola.tt"):
        assert house.visitor(stranger).get(address).status_code == 404


def test_nothing_else_is_shown_within_a_page(house: House, change_id):
    send(house, change_id, upload("catatan.txt", b"Catatan rapat"))
    with house.session() as session:  # as if something had got past the door
        change, by = session.get_one(ChangeRequest, change_id), house.cast(session).lumajang.manager
        attach(
            session, name="palsu.pdf", media_type="application/pdf", content=HTML, by=by, now=NOW,
            activity=change.current,
        )  # fmt: skip
        session.commit()
    found = attached(house, change_id)
    for name in ("catatan.txt", "palsu.pdf"):
        answer = house.visitor("pengelola").get(f"/admin/document/{found[name]}/preview")
        assert answer.status_code == 404, name
    page = house.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert f"/admin/document/{found['catatan.txt']}/preview" not in page


def test_the_hash_stands_wherever_the_file_is_named(house: House, change_id):
    send(house, change_id, upload("bukti.pdf", variant(b"sebuah bukti")))
    sha256 = hashlib.sha256(variant(b"sebuah bukti")).hexdigest()
    found = attached(house, change_id)["bukti.pdf"]
    visitor = house.visitor("pengelola")
    for path in (
        f"/admin/change/details/?id={change_id}",
        f"/admin/document/details/?id={found}",
        f"/admin/document/?sha256={sha256}",
        "/admin/document/export/csv/",
    ):
        assert sha256 in visitor.get(path).text, path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("halaman.html", HTML),
        ("halaman.pdf", HTML),
        ("gambar.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("gambar.png", PDF),
        ("program.exe", b"MZ" + b"\0" * 200),
        ("program.txt", b"MZ\0\0\0" + bytes(range(256))),
        ("kosong.pdf", b""),
        ("arsip.zip", archive("a.txt")),
        ("makro.docx", archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")),
        ("bukan.xlsx", archive("a.txt")),
        ("rusak.docx", archive("[Content_Types].xml", "word/document.xml")[:-20]),
    ],
)
def test_what_is_not_on_the_list_is_422_with_a_sentence_beside_the_field(name, content, house: House, change_id):
    answer = send(house, change_id, upload(name, content), findings="Yang diketik")
    assert answer.status_code == 422
    assert 'id="document-errors"' in answer.text
    assert name in answer.text
    assert "Yang diketik" in answer.text
    assert name not in attached(house, change_id)
    json = house.move(change_id, Outcome.ACCEPTED, json=True, document=upload(name, content))
    assert json.status_code == 422
    assert name in json.get_json()["fields"]["document"]


def test_a_bad_file_does_not_take_a_good_one_with_it(house: House, change_id):
    files = (upload("baik.pdf"), upload("buruk.html", HTML), upload("gambar.png", PNG))
    assert send(house, change_id, *files, findings="Yang diketik").status_code == 422
    assert {"baik.pdf", "gambar.png"} <= set(attached(house, change_id))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:/Users/x/surat.pdf", "surat.pdf"),
        ("nama\tX-Evil: 1.pdf", None),
        ("gnp\u202efdp.pdf", "gnpfdp.pdf"),
        ("tanpa-akhiran", "tanpa-akhiran.pdf"),
        ("x" * 400 + ".pdf", None),
    ],
)
def test_a_name_is_cleaned_before_anybody_sees_it(sent, kept, house: House, change_id):
    assert send(house, change_id, upload(sent)).status_code == 303
    names = set(attached(house, change_id)) - {"surat-permohonan.pdf", "formulir-perubahan.pdf"}
    (name,) = names
    assert kept is None or name == kept
    assert len(name) <= 150
    assert name.isprintable()
    assert "/" not in name
    answer = house.visitor("pengelola").get(f"/admin/document/{attached(house, change_id)[name]}/file")
    assert answer.status_code == 200
    assert "X-Evil" not in answer.headers


def test_only_those_who_may_see_the_request_may_see_its_files(house: House, change_id):
    send(house, change_id, upload("rahasia-kantor.pdf"))
    found = attached(house, change_id)["rahasia-kantor.pdf"]
    may = {"pemohon", "pengelola", "pengelola2", "kepala", "plh", "pemeriksa", "administrator", "admin"}
    for name in (*may, "pemohon2", "pemohon.tt", "pengelola.tt", "kepala.tt", "pemeriksa.tt", "administrator.tt"):
        visitor = house.visitor(name)
        for path in (f"/admin/document/{found}/file", f"/admin/document/details/?id={found}"):
            assert visitor.get(path).status_code == (200 if name in may else 404), (name, path)
        assert ("rahasia-kantor.pdf" in visitor.get("/admin/document/").text) == (name in may)
    assert Visitor(house.app).get(f"/admin/document/{found}/file").status_code == 302


def test_the_files_of_a_draft_are_the_requester_s_alone(house: House):
    change_id = house.at(LUMAJANG, Step.REQUEST)
    requester = house.visitor("pemohon")
    requester.post(f"/admin/change/edit/?id={change_id}", document=upload("konsep.pdf"))
    found = attached(house, change_id)["konsep.pdf"]
    assert requester.get(f"/admin/document/{found}/file").status_code == 200
    for name in ("pemohon2", "pengelola", "kepala", "pemeriksa", "administrator", "admin", "kepala.tt"):
        assert house.visitor(name).get(f"/admin/document/{found}/file").status_code == 404, name


@pytest.mark.parametrize("address", ["0", "-1", "1,2", "1%20OR%201", "9" * 30, "٣", "abc", "1.0", "%00"])
def test_an_address_that_is_none_is_404(address, house: House):
    visitor = house.visitor("admin")
    assert visitor.get(f"/admin/document/{address}/file").status_code == 404
    assert visitor.post(f"/admin/document/{address}/remove", confirm="yes").status_code == 404


def test_a_wrongly_attached_file_is_removed_by_the_step_s_actor_while_the_step_is_open(house: House, change_id):
    send(house, change_id, upload("keliru.pdf"), upload("benar.pdf"))
    found = attached(house, change_id)["keliru.pdf"]
    path, version = f"/admin/document/{found}/remove", house.where(change_id)[1]
    for name in ("pemohon", "kepala", "pemeriksa", "admin"):
        assert house.visitor(name).post(path, confirm="yes").status_code == 403, name
    for name in ("pemohon2", "pengelola.tt"):
        assert house.visitor(name).post(path, confirm="yes").status_code == 404, name
    manager = house.visitor("pengelola")
    assert manager.post(path).status_code == 400
    assert manager.post(path, confirm="yes", version=version - 1).status_code == 409
    assert "keliru.pdf" in attached(house, change_id)
    page = manager.get(f"/admin/change/details/?id={change_id}").text
    assert f'formaction="{path}"' in page
    answer = manager.post(path, confirm="yes", version=version, findings="Diketik sebelum menghapus")
    assert answer.status_code == 303
    assert set(attached(house, change_id)) & {"keliru.pdf", "benar.pdf"} == {"benar.pdf"}
    assert "Diketik sebelum menghapus" in manager.get(answer.location).text
    with house.session() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert entry.action == "document.remove"
        assert any(row["table"] == "document" and row["before"]["name"] == "keliru.pdf" for row in entry.told)
    assert manager.post(path, confirm="yes").status_code == 404


def test_a_file_of_a_finished_step_is_never_removed(house: House, change_id):
    send(house, change_id, upload("tetap.pdf"))
    found = attached(house, change_id)["tetap.pdf"]
    assert house.move(change_id, Outcome.ACCEPTED).status_code == 303
    for name, status in (("pengelola", 409), ("pemohon", 409), ("kepala", 409), ("admin", 409), ("pemohon2", 404)):
        answer = house.visitor(name).post(f"/admin/document/{found}/remove", confirm="yes", json=True)
        assert (name, answer.status_code) == (name, status)
    assert "tetap.pdf" in attached(house, change_id)
    assert (
        f"/admin/document/{found}/remove"
        not in house.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    )


def test_a_requester_removes_a_file_of_a_draft_and_what_the_paper_requires_is_asked_for_again(house: House):
    change_id = house.at(TANA_TIDUNG, Step.REQUEST)
    requester = house.visitor("pemohon.tt")
    requester.post(
        f"/admin/change/edit/?id={change_id}", **{"document-surat": upload("x.pdf")}, document=upload("y.pdf")
    )
    found = attached(house, change_id)["y.pdf"]
    answer = requester.post(f"/admin/document/{found}/remove", confirm="yes")
    assert answer.status_code == 303
    assert "y.pdf" not in attached(house, change_id)


def test_the_decree_of_a_delegation_is_served_to_the_office_and_never_removed(house: House):
    with house.session() as session:
        from models.documents.document import attach  # noqa: PLC0415 - beside what it is for
        from tests.support.cast import NOW, answer  # noqa: PLC0415

        office = house.cast(session).lumajang
        made = delegation(session, office, office.manager2)
        answer(session, "attach")
        decree = attach(session, name="sk.pdf", media_type="application/pdf", content=PDF, by=office.head, now=NOW,
                        delegation=made)  # fmt: skip
        session.commit()
        found = decree.id
    for name, status in (("kepala", 200), ("pengelola", 200), ("pemeriksa", 200), ("pemohon", 404), ("kepala.tt", 404)):
        visitor = house.visitor(name)
        assert visitor.get(f"/admin/document/{found}/file").status_code == status, name
        removed = visitor.post(f"/admin/document/{found}/remove", confirm="yes").status_code
        assert removed == (409 if status == 200 else 404)


def test_the_same_bytes_attached_twice_are_kept_once_and_both_can_be_read(house: House, change_id):
    content = variant(b"sama")
    send(house, change_id, upload("satu.pdf", content), upload("dua.pdf", content))
    found = attached(house, change_id)
    for name in ("satu.pdf", "dua.pdf"):
        assert house.visitor("pengelola").get(f"/admin/document/{found[name]}/file").data == content
    with house.session() as session:
        documents = session.get_one(ChangeRequest, change_id).documents
        assert len({document.sha256 for document in documents if document.name in {"satu.pdf", "dua.pdf"}}) == 1
