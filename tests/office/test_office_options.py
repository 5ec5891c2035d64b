"""What an office chooses: the kinds of files that it takes, and when its daily digest of mail goes out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.documents.file_types import ALL_FILE_TYPES, FileType
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.documents.document import Document
from models.office.options import OfficeOptions, load_accepted_types, load_digest_time
from tests.support.cast import LUMAJANG
from tests.support.program import PDF
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

FILES, DIGEST = "/admin/setting/files", "/admin/setting/digest"
STRANGERS = ("pengelola", "kepala", "pemeriksa", "plh")


def agency_of(running_app: RunningApp, username: str = "administrator") -> int:
    with running_app.session() as session:
        return session.scalars(select(User.agency_id).where(User.username == username)).one() or 0


def accepted(running_app: RunningApp, username: str = "administrator") -> frozenset[FileType]:
    agency_id = agency_of(running_app, username)
    with running_app.session() as session:
        return load_accepted_types(session, agency_id)


def test_an_office_that_has_chosen_nothing_takes_all_kinds_and_sends_its_digest_at_half_past_seven(
    running_app: RunningApp,
) -> None:
    assert accepted(running_app, "pengelola") >= {FileType.PDF, FileType.TXT}
    with running_app.session() as session:
        assert load_accepted_types(session, None) == ALL_FILE_TYPES
        assert load_digest_time(session, 999_999) == dt.time(7, 30)


def test_an_administrator_chooses_the_kinds_of_files_and_the_trail_tells_why(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    page = administrator.get(FILES).text
    assert page.count('type="checkbox"') >= len(FileType)
    answer = administrator.post(FILES, file_types=["pdf", "jpeg"], reason="Edaran Sekda 12")
    assert answer.status_code == 303
    assert accepted(running_app) == {FileType.PDF, FileType.JPEG}
    shown = administrator.get("/admin/setting/").text
    assert "Dokumen PDF, Gambar JPEG (foto)." in shown
    with running_app.session() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "setting.files")).all()[-1]
        assert entry.reason == "Edaran Sekda 12"
        assert session.scalars(select(OfficeOptions)).one().set_by.username == "administrator"
    # What is left out is refused with those that are taken, and the page offers only these.
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    opened = running_app.visitor("pengelola")
    assert 'accept=".pdf,.jpg,.jpeg,.jpe,.jfif"' in opened.get(f"/admin/change/details/?id={change_id}").text
    refused = attach(running_app, change_id, "catatan.txt", b"Catatan")
    assert refused.status_code == 422
    assert "Yang dapat diterima: PDF, JPEG" in refused.text
    assert attach(running_app, change_id, "surat.pdf", PDF).status_code == 303
    with running_app.session() as session:
        names = session.scalars(select(Document.name).where(Document.change_id == change_id)).all()
    assert "surat.pdf" in names
    assert "catatan.txt" not in names
    every = [kind.value for kind in FileType]
    assert administrator.post(FILES, file_types=every, reason="Kembali").status_code == 303
    assert accepted(running_app) == ALL_FILE_TYPES


def attach(running_app: RunningApp, change_id: int, name: str, content: bytes) -> TestResponse:
    """Save a file on the step of a request."""
    visitor = running_app.visitor("pengelola")
    return visitor.post(f"/admin/change/{change_id}/save", document=upload_file(name, content))


@pytest.mark.parametrize(
    ("path", "typed", "sentence"),
    [
        (FILES, {"reason": "x"}, "sekurang-kurangnya satu jenis"),
        (FILES, {"file_types": ["exe"], "reason": "x"}, "exe"),
        (FILES, {"file_types": ["pdf"], "reason": ""}, "Alasan"),
        (DIGEST, {"digest_time": "pagi-pagi", "reason": "x"}, "misalnya 07.30"),
        (DIGEST, {"digest_time": "", "reason": "x"}, "misalnya 07.30"),
        (DIGEST, {"digest_time": "06.45", "reason": ""}, "Alasan"),
    ],
)
def test_what_is_missing_is_told_and_what_was_typed_stays(
    running_app: RunningApp, path: str, typed: dict[str, Any], sentence: str
) -> None:
    answer = running_app.visitor("administrator").post(path, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    if typed.get("digest_time"):
        assert f'value="{typed["digest_time"]}"' in answer.text


def test_an_administrator_sets_the_time_of_the_digest(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    assert 'value="07.30"' in administrator.get(DIGEST).text
    assert administrator.post(DIGEST, digest_time="16:05", reason="Sore").status_code == 303
    assert "pukul 16.05" in administrator.get("/admin/setting/").text
    agency_id = agency_of(running_app)
    with running_app.session() as session:
        assert load_digest_time(session, agency_id) == dt.time(16, 5)
    assert administrator.post(DIGEST, digest_time="7.30", reason="Pagi").status_code == 303


@pytest.mark.parametrize("path", [FILES, DIGEST])
@pytest.mark.parametrize("who", STRANGERS)
def test_nobody_but_an_administrator_changes_them(running_app: RunningApp, path: str, who: str) -> None:
    visitor = running_app.visitor(who)
    assert visitor.get(path).status_code == 403
    assert visitor.post(path, file_types=["pdf"], digest_time="8.00", reason="x").status_code == 403
