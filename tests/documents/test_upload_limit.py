"""How much a user and an office may send in files on a day."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, select

from lpse_admin.config import UploadLimit
from lpse_admin.errors import UploadLimitReached
from lpse_admin.papers.numbering import DEFAULT_PATTERN
from lpse_admin.sop import bundled_sops
from lpse_admin.sop.steps import Step
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Evaluation
from models.documents.document import Document
from models.office import upload
from models.office.upload import Upload, count_upload, forget_old_uploads, set_upload_limit
from tests.support.cast import LUMAJANG, NOW
from tests.support.pages.records import print_paper
from tests.support.program import PDF
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture
from tests.support.servers.certificates import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.running_app import RunningApp

MIB = 1024 * 1024
#: Most of what may be sent in these tests: of two such files one is too much.
LARGE = 600 * 1024


@pytest.fixture(autouse=True)
def limit(running_app: RunningApp) -> Iterator[None]:
    """Let a user send one MiB, and an office two; nothing was sent before."""
    former = upload._LIMITS[0]
    set_upload_limit(UploadLimit(user_mib=1, office_mib=2))
    moment = running_app.now
    yield
    running_app.now = moment
    set_upload_limit(former)
    with running_app.session() as session:
        session.connection().execute(delete(Upload))
        session.commit()


def pdf(mark: str, size: int = LARGE) -> bytes:
    """Return a PDF of ``size`` bytes that is no other's."""
    start = PDF[:9] + f"%{mark} ".encode()
    return start + b"x" * (size - len(PDF) - len(start) + 8) + b"\n" + PDF[9:]


def sent(running_app: RunningApp, username: str) -> int:
    """Return what was counted of a user."""
    with running_app.session() as session:
        user = running_app.cast(session).office(LUMAJANG)
        user_id = {"pengelola": user.manager.id, "kepala": user.head.id}[username]
        return session.scalar(select(func.sum(Upload.size)).where(Upload.user_id == user_id)) or 0


def save(running_app: RunningApp, change_id: int, name: str, content: bytes, *, json: bool = False, **more: Any) -> Any:
    """Save an evaluation with a file."""
    path = f"/admin/change/{change_id}/save"
    return running_app.visitor("pengelola").post(path, json=json, document=upload_file(name, content), **more)


def test_the_file_that_is_too_much_is_refused_with_a_sentence_and_what_was_typed_is_saved(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert save(running_app, change_id, "satu.pdf", pdf("satu")).status_code == 303
    refused = save(running_app, change_id, "dua.pdf", pdf("dua"), impact="Ditulis sebelum ditolak.")
    assert refused.status_code == 413
    assert "Anda dapat mengirim berkas 1 MB dalam sehari" in refused.text
    with running_app.session() as session:
        text = session.scalars(select(Evaluation.impact).where(Evaluation.change_id == change_id)).one()
    assert text == "Ditulis sebelum ditolak."
    assert save(running_app, change_id, "kecil.pdf", pdf("kecil", 20_000)).status_code == 303


def test_a_client_is_told_when_it_may_send_again(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    save(running_app, change_id, "satu.pdf", pdf("satu lagi"))
    refused = save(running_app, change_id, "dua.pdf", pdf("dua lagi"), json=True)
    assert refused.status_code == 413
    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        with pytest.raises(UploadLimitReached) as error:
            count_upload(session, office.agency.id, LARGE, by=office.manager, now=NOW, field="file")
        local = NOW.astimezone(office.agency.zone)
    assert error.value.retry_after == 86_400 - (local.hour * 3600 + local.minute * 60 + local.second)
    assert list(error.value.field_errors) == ["file"]


def test_what_is_taken_off_again_makes_no_room(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert save(running_app, change_id, "satu.pdf", pdf("dilepas")).status_code == 303
    with running_app.session() as session:
        document_id = session.scalars(
            select(Document.id).where(Document.change_id == change_id, Document.name == "satu.pdf")
        ).one()
    taken_off = running_app.visitor("pengelola").post(f"/admin/document/{document_id}/remove", confirm="yes")
    assert taken_off.status_code == 303
    assert save(running_app, change_id, "dua.pdf", pdf("sesudah dilepas")).status_code == 413


def test_the_next_day_of_the_office_begins_anew(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    save(running_app, change_id, "satu.pdf", pdf("kemarin"))
    with running_app.session() as session:
        zone = running_app.cast(session).office(LUMAJANG).agency.zone
    midnight = running_app.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(
        days=1
    )
    running_app.now = midnight - dt.timedelta(seconds=1)
    assert save(running_app, change_id, "dua.pdf", pdf("masih hari itu")).status_code == 413
    running_app.now = midnight
    assert save(running_app, change_id, "tiga.pdf", pdf("hari ini")).status_code == 303


def test_an_office_has_a_limit_of_its_own_whoever_sends(running_app: RunningApp) -> None:
    with running_app.session() as session:
        cast = running_app.cast(session)
        office = cast.office(LUMAJANG)
        for by in (office.manager, office.head, office.requester):
            count_upload(session, office.agency.id, LARGE, by=by, now=NOW)
        with pytest.raises(UploadLimitReached, match="office may send 2 MB"):
            count_upload(session, office.agency.id, LARGE, by=office.administrator, now=NOW)


def test_two_who_send_at_once_do_not_both_pass(running_app: RunningApp) -> None:
    outcomes: list[str] = []

    def send_second() -> None:
        with running_app.session() as session:
            office = running_app.cast(session).office(LUMAJANG)
            try:
                count_upload(session, office.agency.id, LARGE, by=office.manager, now=NOW)
                session.commit()
                outcomes.append("taken")
            except UploadLimitReached:
                outcomes.append("refused")

    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        count_upload(session, office.agency.id, LARGE, by=office.manager, now=NOW)
        second = threading.Thread(target=send_second)
        second.start()
        session.commit()
        second.join()
    assert outcomes == ["refused"]


def test_counts_are_forgotten_after_two_days(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        count_upload(session, office.agency.id, 5, by=office.manager, now=NOW)
        forget_old_uploads(session, NOW + upload.KEPT_FOR)
        assert session.scalar(select(func.count()).select_from(Upload)) == 1
        forget_old_uploads(session, NOW + upload.KEPT_FOR * 1.001)
        assert session.scalar(select(func.count()).select_from(Upload)) == 0


@contextmanager
def used_up(running_app: RunningApp, username: str) -> Iterator[None]:
    """Count as much for a user as they may send."""
    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        user = {"kepala": office.head, "administrator": office.administrator, "pengelola": office.manager}[username]
        count_upload(session, office.agency.id, MIB, by=user, now=running_app.now)
        session.commit()
    yield


ARMS = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0h9v9z'/></svg>"
CODES = b"Kode barang;Nama barang\n1.3.2.10.01.02.001;Personal Computer\n"


def forms(running_app: RunningApp, folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Return each form that takes a file: who sends it, where, and what with."""
    today = running_app.now.date().isoformat()
    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        head, deputy = office.head.id, office.delegate.id
    authority, _server = make_certificates(folder)
    sop = dict(bundled_sops())[LUMAJANG].replace("2024", "2025")
    decree = {
        "head_id": str(head), "delegate_id": str(deputy), "kind": "plh", "decree_number": "800/1/2026",
        "from_date": today, "until_date": today, "reason": "Dinas luar", "decree": upload_file("surat.pdf"),
    }  # fmt: skip
    arms = {
        "names": "Kabupaten\nLPSE",
        "number_pattern": DEFAULT_PATTERN,
        "reason": "Lambang",
        "arms": upload_file("l.svg", ARMS),
    }
    return [
        ("kepala", "/admin/delegation/new/", decree),
        ("administrator", "/admin/paper-setting/letterhead", arms),
        (
            "administrator",
            "/admin/paper-setting/new/",
            {"file": upload_file("ca.pem", authority.read_bytes()), "reason": "x"},
        ),
        ("administrator", "/admin/asset-code/new/", {"file": upload_file("kode.csv", CODES)}),
        (
            "administrator",
            "/admin/asset-import/new/",
            {"profile": "", "card": "", "file": upload_file("kib.csv", b"Kode;Nama\n1;x\n")},
        ),
        ("kepala", "/admin/sop/new/", {"do": "load", "key": "uji-batas", "text": sop}),
        ("kepala", "/admin/sop/new/", {"do": "edit", "key": "uji-batas", "text": sop}),
    ]


def test_every_form_that_takes_a_file_is_counted(running_app: RunningApp, tmp_path: Path) -> None:
    for username, path, fields in forms(running_app, tmp_path):
        with running_app.session() as session:
            session.connection().execute(delete(Upload))
            session.commit()
        with used_up(running_app, username):
            refused = running_app.visitor(username).post(path, **fields)
        assert refused.status_code == 413, (path, refused.status_code, refused.text[-3000:])
        assert "mengirim berkas 1 MB dalam sehari" in refused.text, path
        typed = [value for value in fields.values() if isinstance(value, str) and len(value) < 60]
        assert all(value in refused.text for value in typed if value not in {"load", "edit"}), path


def test_a_signed_paper_is_counted_for_whoever_files_it(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    with running_app.session() as session:
        office, change = running_app.cast(session).office(LUMAJANG), session.get_one(ChangeRequest, change_id)
        session.connection().execute(delete(Upload))  # of the request's own files
        print_paper(session, office, change)
        assert session.scalars(select(Upload.user_id)).all() == [office.manager.id]
        filed = session.scalars(select(Upload.size)).one()
        count_upload(session, office.agency.id, MIB - filed, by=office.manager, now=NOW)
        with pytest.raises(UploadLimitReached):
            print_paper(session, office, change, lambda text: f"{text} lagi" * 9)
