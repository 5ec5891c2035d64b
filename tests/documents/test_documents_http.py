"""Files over HTTP: upload, download, preview and removal."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lpse_admin.documents.file_types import VIEWABLE_TYPES, FileType
from lpse_admin.documents.inspection import inspect_file
from lpse_admin.errors import ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.documents.document import Document, attach
from tests.documents.test_files import DOCX, JPEG, PNG, XLSX
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, delegation
from tests.support.program import PDF, Visitor
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

FILES = Path(__file__).parent / "files"
#: Ways in which files are made, around some bytes.
SHAPES: tuple[Callable[[bytes], bytes], ...] = (
    lambda filling: b"\xef\xbb\xbf\r\n" + variant(filling.hex().encode()) + b"\x1a",
    lambda filling: variant(filling.hex().encode()) + filling,
    lambda filling: JPEG + filling,
    lambda filling: PNG + filling,
    lambda filling: DOCX + bytes(len(filling)),
    lambda filling: XLSX + filling,
    lambda filling: b"Catatan: " + filling.hex().encode(),
    lambda filling: filling,
)
EXTENSIONS = {extension for kind in FileType for extension in kind.extensions} | {"doc", "xls", "2026", "HEIC"}

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


def attached(running_app: RunningApp, change_id: int) -> dict[str, int]:
    """Return the files of a request, by name."""
    with running_app.session() as session:
        rows = session.execute(select(Document.name, Document.id).where(Document.change_id == change_id))
        return {row.name: row.id for row in rows}


def send(running_app: RunningApp, change_id: int, *files: tuple[io.BytesIO, str], **fields: Any) -> TestResponse:
    """Keep the evaluation with some files, as its manager."""
    return running_app.visitor("pengelola").post(f"/admin/change/{change_id}/save", document=list(files), **fields)


@pytest.fixture
def change_id(running_app: RunningApp) -> int:
    """Give a request of its own that waits for its evaluation."""
    return running_app.change_at_step(LUMAJANG, Step.EVALUATION)


def test_a_file_comes_back_as_a_download_that_no_browser_runs(running_app: RunningApp, change_id: int) -> None:
    name = 'Hasil évaluasi; "akhir" 100%.pdf'
    assert send(running_app, change_id, upload_file(name)).status_code == 303
    (result,) = (id_ for stored, id_ in attached(running_app, change_id).items() if stored.startswith("Hasil"))
    answer = running_app.visitor("pengelola").get(f"/admin/document/{result}/file")
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
def test_a_pdf_and_a_picture_are_looked_at_within_the_page(name: str, running_app: RunningApp, change_id: int) -> None:
    content, media_type, policy = VIEWABLE[name]
    send(running_app, change_id, upload_file(name, content))
    address = f"/admin/document/{attached(running_app, change_id)[name]}/preview"
    manager = running_app.visitor("pengelola")
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
        assert running_app.visitor(stranger).get(address).status_code == 404


def test_nothing_else_is_shown_within_a_page(running_app: RunningApp, change_id: int) -> None:
    send(running_app, change_id, upload_file("catatan.txt", b"Catatan rapat"))
    with running_app.session() as session:  # as if something had got past the door
        change, by = session.get_one(ChangeRequest, change_id), running_app.cast(session).lumajang.manager
        attach(
            session, name="palsu.pdf", media_type="application/pdf", content=HTML, by=by, now=NOW,
            activity=change.current_activity,
        )  # fmt: skip
        session.commit()
    result = attached(running_app, change_id)
    for name in ("catatan.txt", "palsu.pdf"):
        answer = running_app.visitor("pengelola").get(f"/admin/document/{result[name]}/preview")
        assert answer.status_code == 404, name
    page = running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert f"/admin/document/{result['catatan.txt']}/preview" not in page


def test_the_hash_stands_wherever_the_file_is_named(running_app: RunningApp, change_id: int) -> None:
    send(running_app, change_id, upload_file("bukti.pdf", variant(b"sebuah bukti")))
    sha256 = hashlib.sha256(variant(b"sebuah bukti")).hexdigest()
    result = attached(running_app, change_id)["bukti.pdf"]
    visitor = running_app.visitor("pengelola")
    for path in (
        f"/admin/change/details/?id={change_id}",
        f"/admin/document/details/?id={result}",
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
        ("gambar.png", b"Hanya teks"),
        ("program.exe", b"MZ" + b"\0" * 200),
        ("program.txt", b"MZ\0\0\0" + bytes(range(256))),
        ("kosong.pdf", b""),
        ("arsip.zip", archive("a.txt")),
        ("makro.docx", archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")),
        ("bukan.xlsx", archive("a.txt")),
        ("rusak.docx", archive("[Content_Types].xml", "word/document.xml")[:-20]),
    ],
)
def test_what_is_not_on_the_list_is_422_with_a_sentence_beside_the_field(
    name: str, content: bytes, running_app: RunningApp, change_id: int
) -> None:
    answer = send(running_app, change_id, upload_file(name, content), findings="Yang diketik")
    assert answer.status_code == 422
    assert 'id="document-errors"' in answer.text
    assert name in answer.text
    assert "Yang diketik" in answer.text
    assert name not in attached(running_app, change_id)
    json = running_app.make_move(change_id, Outcome.ACCEPTED, json=True, document=upload_file(name, content))
    assert json.status_code == 422
    assert name in json.get_json()["fields"]["document"]


def test_a_bad_file_does_not_take_a_good_one_with_it(running_app: RunningApp, change_id: int) -> None:
    files = (upload_file("baik.pdf"), upload_file("buruk.html", HTML), upload_file("gambar.png", PNG))
    assert send(running_app, change_id, *files, findings="Yang diketik").status_code == 422
    assert {"baik.pdf", "gambar.png"} <= set(attached(running_app, change_id))


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
def test_a_name_is_cleaned_before_anybody_sees_it(
    sent: str, kept: str | None, running_app: RunningApp, change_id: int
) -> None:
    assert send(running_app, change_id, upload_file(sent)).status_code == 303
    names = set(attached(running_app, change_id)) - {"surat-permohonan.pdf", "formulir-perubahan.pdf"}
    (name,) = names
    assert kept is None or name == kept
    assert len(name) <= 150
    assert name.isprintable()
    assert "/" not in name
    answer = running_app.visitor("pengelola").get(f"/admin/document/{attached(running_app, change_id)[name]}/file")
    assert answer.status_code == 200
    assert "X-Evil" not in answer.headers


def test_only_those_who_may_see_the_request_may_see_its_files(running_app: RunningApp, change_id: int) -> None:
    send(running_app, change_id, upload_file("rahasia-kantor.pdf"))
    result = attached(running_app, change_id)["rahasia-kantor.pdf"]
    may = {"pemohon", "pengelola", "pengelola2", "kepala", "plh", "pemeriksa", "administrator", "admin"}
    for name in (*may, "pemohon2", "pemohon.tt", "pengelola.tt", "kepala.tt", "pemeriksa.tt", "administrator.tt"):
        visitor = running_app.visitor(name)
        for path in (f"/admin/document/{result}/file", f"/admin/document/details/?id={result}"):
            assert visitor.get(path).status_code == (200 if name in may else 404), (name, path)
        assert ("rahasia-kantor.pdf" in visitor.get("/admin/document/").text) == (name in may)
    assert Visitor(running_app.app).get(f"/admin/document/{result}/file").status_code == 302


def test_the_files_of_a_draft_are_the_requester_s_alone(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    requester = running_app.visitor("pemohon")
    requester.post(f"/admin/change/edit/?id={change_id}", document=upload_file("konsep.pdf"))
    result = attached(running_app, change_id)["konsep.pdf"]
    assert requester.get(f"/admin/document/{result}/file").status_code == 200
    for name in ("pemohon2", "pengelola", "kepala", "pemeriksa", "administrator", "admin", "kepala.tt"):
        assert running_app.visitor(name).get(f"/admin/document/{result}/file").status_code == 404, name


@pytest.mark.parametrize("address", ["0", "-1", "1,2", "1%20OR%201", "9" * 30, "٣", "abc", "1.0", "%00"])
def test_an_address_that_is_none_is_404(address: str, running_app: RunningApp) -> None:
    visitor = running_app.visitor("admin")
    assert visitor.get(f"/admin/document/{address}/file").status_code == 404
    assert visitor.post(f"/admin/document/{address}/remove", confirm="yes").status_code == 404


def test_a_wrongly_attached_file_is_removed_by_the_step_s_actor_while_the_step_is_open(
    running_app: RunningApp, change_id: int
) -> None:
    send(running_app, change_id, upload_file("keliru.pdf"), upload_file("benar.pdf"))
    result = attached(running_app, change_id)["keliru.pdf"]
    path, version = f"/admin/document/{result}/remove", running_app.step_and_version(change_id)[1]
    for name in ("pemohon", "kepala", "pemeriksa", "admin"):
        assert running_app.visitor(name).post(path, confirm="yes").status_code == 403, name
    for name in ("pemohon2", "pengelola.tt"):
        assert running_app.visitor(name).post(path, confirm="yes").status_code == 404, name
    manager = running_app.visitor("pengelola")
    assert manager.post(path).status_code == 400
    assert manager.post(path, confirm="yes", version=version - 1).status_code == 409
    assert "keliru.pdf" in attached(running_app, change_id)
    page = manager.get(f"/admin/change/details/?id={change_id}").text
    assert f'formaction="{path}"' in page
    answer = manager.post(path, confirm="yes", version=version, findings="Diketik sebelum menghapus")
    assert answer.status_code == 303
    assert set(attached(running_app, change_id)) & {"keliru.pdf", "benar.pdf"} == {"benar.pdf"}
    assert "Diketik sebelum menghapus" in manager.get(answer.location).text
    with running_app.session() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert entry.action == "document.remove"
        assert any(row["table"] == "document" and row["before"]["name"] == "keliru.pdf" for row in entry.row_changes)
    assert manager.post(path, confirm="yes").status_code == 404


def test_a_file_of_a_finished_step_is_never_removed(running_app: RunningApp, change_id: int) -> None:
    send(running_app, change_id, upload_file("tetap.pdf"))
    result = attached(running_app, change_id)["tetap.pdf"]
    assert running_app.make_move(change_id, Outcome.ACCEPTED).status_code == 303
    for name, status in (("pengelola", 409), ("pemohon", 409), ("kepala", 409), ("admin", 409), ("pemohon2", 404)):
        answer = running_app.visitor(name).post(f"/admin/document/{result}/remove", confirm="yes", json=True)
        assert (name, answer.status_code) == (name, status)
    assert "tetap.pdf" in attached(running_app, change_id)
    assert (
        f"/admin/document/{result}/remove"
        not in running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    )


def test_a_requester_removes_a_file_of_a_draft_and_what_the_paper_requires_is_asked_for_again(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(TANA_TIDUNG, Step.REQUEST)
    requester = running_app.visitor("pemohon.tt")
    requester.post(
        f"/admin/change/edit/?id={change_id}",
        **dict[str, Any]({"document-surat": upload_file("x.pdf")}),
        document=upload_file("y.pdf"),
    )
    result = attached(running_app, change_id)["y.pdf"]
    answer = requester.post(f"/admin/document/{result}/remove", confirm="yes")
    assert answer.status_code == 303
    assert "y.pdf" not in attached(running_app, change_id)


def test_the_decree_of_a_delegation_is_served_to_the_office_and_never_removed(running_app: RunningApp) -> None:
    with running_app.session() as session:
        from models.documents.document import attach  # noqa: PLC0415 - beside what it is for
        from tests.support.cast import NOW, set_test_audit_context  # noqa: PLC0415

        office = running_app.cast(session).lumajang
        created = delegation(session, office, office.manager2)
        set_test_audit_context(session, "attach")
        decree = attach(session, name="sk.pdf", media_type="application/pdf", content=PDF, by=office.head, now=NOW,
                        delegation=created)  # fmt: skip
        session.commit()
        result = decree.id
    for name, status in (("kepala", 200), ("pengelola", 200), ("pemeriksa", 200), ("pemohon", 404), ("kepala.tt", 404)):
        visitor = running_app.visitor(name)
        assert visitor.get(f"/admin/document/{result}/file").status_code == status, name
        removed = visitor.post(f"/admin/document/{result}/remove", confirm="yes").status_code
        assert removed == (409 if status == 200 else 404)


def test_the_same_bytes_attached_twice_are_kept_once_and_both_can_be_read(
    running_app: RunningApp, change_id: int
) -> None:
    content = variant(b"sama")
    send(running_app, change_id, upload_file("satu.pdf", content), upload_file("dua.pdf", content))
    result = attached(running_app, change_id)
    for name in ("satu.pdf", "dua.pdf"):
        assert running_app.visitor("pengelola").get(f"/admin/document/{result[name]}/file").data == content
    with running_app.session() as session:
        documents = session.get_one(ChangeRequest, change_id).documents
        assert len({document.sha256 for document in documents if document.name in {"satu.pdf", "dua.pdf"}}) == 1


@given(st.sampled_from(SHAPES), st.binary(max_size=40), st.sampled_from(sorted(EXTENSIONS)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_accepted_comes_out_with_the_same_bytes_as_the_type_that_it_is(
    running_app: RunningApp, change_id: int, shape: Callable[[bytes], bytes], filling: bytes, extension: str
) -> None:
    content = shape(filling)
    name = f"berkas {hashlib.sha256(content).hexdigest()[:12]}.{extension}"
    answer = send(running_app, change_id, upload_file(name, content))
    result = attached(running_app, change_id)
    try:
        expected = inspect_file(name, content)
    except ValidationFailed:
        assert answer.status_code == 422
        assert name not in result
        return
    assert answer.status_code == 303
    downloaded = running_app.visitor("pengelola").get(f"/admin/document/{result[expected.name]}/file")
    assert downloaded.data == content
    assert downloaded.mimetype == expected.type.media_type
    assert expected.name in unquote(downloaded.headers["Content-Disposition"])


@pytest.mark.parametrize(
    ("file", "name", "media_type"),
    [
        pytest.param("WhatsApp Image 2026-11-20.jfif", "", "image/jpeg", id="a photograph called .jfif"),
        pytest.param("foto-bergerak.jpg", "", "image/jpeg", id="a photograph with a film"),
        pytest.param("surat-bom.pdf", "", "application/pdf", id="a PDF behind a byte order mark"),
        pytest.param("surat-komentar.pdf", "", "application/pdf", id="a PDF with a comment behind it"),
        pytest.param("dari-dos.pdf", "", "application/pdf", id="a PDF with the end mark of DOS"),
        pytest.param("800.123.2026", "800.123.2026.pdf", "application/pdf", id="a PDF called after its letter"),
        pytest.param("formulir.doc", "formulir.docx", FileType.DOCX.media_type, id="a DOCX called .doc"),
        pytest.param("formulir-daring.docx", "", FileType.DOCX.media_type, id="a DOCX made online"),
        pytest.param("berita-acara-nul.docx", "", FileType.DOCX.media_type, id="a DOCX with zeros behind it"),
        pytest.param("layanan.log", "", "text/plain", id="a log"),
        pytest.param("hasil-uji.csv", "", "text/plain", id="a table"),
    ],
)
def test_a_file_as_offices_send_them_is_kept_byte_by_byte_and_shown_where_a_browser_can(
    running_app: RunningApp, change_id: int, file: str, name: str, media_type: str
) -> None:
    content = (FILES / file).read_bytes()
    assert send(running_app, change_id, upload_file(file, content)).status_code == 303
    document_id = attached(running_app, change_id)[name or file]
    visitor = running_app.visitor("pengelola")
    downloaded = visitor.get(f"/admin/document/{document_id}/file")
    assert (downloaded.data, downloaded.mimetype) == (content, media_type)
    preview = visitor.get(f"/admin/document/{document_id}/preview")
    if media_type in VIEWABLE_TYPES:
        assert (preview.status_code, preview.data, preview.mimetype) == (200, content, media_type)
    else:
        assert preview.status_code == 404


@pytest.mark.parametrize(
    ("file", "name", "sentence"),
    [
        pytest.param("IMG_0001.jpg", "IMG_0001.HEIC", "Paling Kompatibel", id="an iPhone's photograph"),
        pytest.param("IMG_0001.jpg", "IMG_0001.jpg", "sebagai JPEG", id="an iPhone's photograph called .jpg"),
        pytest.param("surat-terkunci.pdf", "surat-terkunci.pdf", "Hapus kata sandinya", id="a locked PDF"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_the_way_out_and_nothing_is_kept_of_it(
    running_app: RunningApp, change_id: int, file: str, name: str, sentence: str
) -> None:
    answer = send(running_app, change_id, upload_file(name, (FILES / file).read_bytes()))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert name not in attached(running_app, change_id)
