"""The page of the dossiers: asked for in one form, made in the background one at a time, downloaded by who may."""

from __future__ import annotations

import errno
import io
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from demo.cast import PASSWORD
from lpse_admin.errors import Refused
from lpse_admin.i18n import _
from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome
from models.audit.trail import AuditEntry
from models.database import db
from models.inspection.dossier import KEPT, Dossier, DossierState
from models.notifications.notification import Notification
from tests.support.cast import make_move, new_change
from tests.support.pages.browser import serve_app
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.inspection import making, periksa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

YEAR: dict[str, Any] = {"from": "2026-01-01", "until": "2026-12-31"}


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> Iterator[None]:
    """Submit a request in each office."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        for office in (cast.lumajang, cast.tana_tidung):
            change = new_change(session, office)
            make_move(session, change, Outcome.SUBMITTED, change.requester)
    yield
    shutil.rmtree(running_app.app.config["DOSSIER_FOLDER"], ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_waits(running_app: RunningApp) -> Iterator[None]:
    """Make what a test has left, so that each begins with none."""
    yield
    make_all(running_app)


def make_all(running_app: RunningApp) -> int:
    with running_app.app.app_context():
        return making.make_waiting()


def ask(running_app: RunningApp, name: str = "pemeriksa", **period: Any) -> int:
    """Ask for a dossier, and return its id."""
    answer = running_app.visitor(name).post("/admin/inspection/", **(YEAR | period))
    assert answer.status_code == 303, answer.text
    assert answer.location.startswith("/admin/inspection/#dossier-")
    return int(answer.location.rpartition("-")[2])


def record(running_app: RunningApp, id_: int) -> Dossier:
    with running_app.session() as session:
        return session.get_one(Dossier, id_)


def download(running_app: RunningApp, name: str, id_: int, **headers: str) -> TestResponse:
    """Return the answer to a download, read to its end."""
    answer = running_app.visitor(name).client.get(f"/admin/inspection/{id_}/export/zip/", headers=headers)
    assert answer.data is not None
    answer.close()
    return answer


def page_of(running_app: RunningApp, name: str = "pemeriksa") -> str:
    return running_app.visitor(name).get("/admin/inspection/").text


def test_an_inspector_a_head_and_an_administrator_get_the_dossier_of_their_office(running_app: RunningApp) -> None:
    created = {}
    for index, name in enumerate(("pemeriksa", "kepala", "administrator", "pemeriksa.tt")):
        id_ = ask(running_app, name, until=f"2026-12-{28 + index}")
        assert make_all(running_app) == 1
        answer = download(running_app, name, id_)
        assert answer.status_code == 200, name
        assert answer.mimetype == "application/zip"
        assert "no-store" in answer.headers["Cache-Control"]
        assert periksa.verify(io.BytesIO(answer.data)) == []
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        created[name] = manifest["agency"], manifest["requests"]
    assert created["pemeriksa"] == created["kepala"] == created["administrator"]
    assert created["pemeriksa"][0] != created["pemeriksa.tt"][0]
    assert created["pemeriksa"][1] == 1


def test_others_get_neither_the_page_nor_the_dossier(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-12-27")
    make_all(running_app)
    for name in ("pemohon", "pengelola"):
        visitor = running_app.visitor(name)
        assert visitor.get("/admin/inspection/").status_code == 403
        assert visitor.post("/admin/inspection/", **YEAR).status_code == 403
        assert visitor.get(f"/admin/inspection/{id_}/export/zip/").status_code == 403
        assert visitor.get(f"/admin/inspection/{id_}/progress").status_code == 403
    for address in ("export/zip/", "progress"):
        assert running_app.visitor("pemeriksa.tt").get(f"/admin/inspection/{id_}/{address}").status_code == 404
    assert running_app.visitor("pemeriksa").post("/admin/inspection/", **YEAR, office="tana-tidung").status_code == 404
    assert running_app.visitor("pemeriksa").get(f"/admin/inspection/{id_}/export/pdf/").status_code == 404


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"from": "", "until": "2026-12-31"}, "Isi hari pertama periode."),
        ({"from": "2026-01-01", "until": ""}, "Isi hari terakhir periode."),
        ({"from": "2026-02-01", "until": "2026-01-01"}, "Hari terakhir mendahului hari pertama."),
        ({"from": "kemarin dulu", "until": "2026-01-01"}, "kemarin dulu"),
    ],
)
def test_a_period_that_is_none_comes_back_with_what_was_typed(
    typed: dict[str, Any], sentence: str, running_app: RunningApp
) -> None:
    answer = running_app.visitor("pemeriksa").post("/admin/inspection/", **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    for text in typed.values():
        assert f'value="{text}"' in answer.text


def test_a_dossier_waits_is_made_and_is_told_to_who_asked_for_it(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-30")
    assert "Menunggu giliran" in page_of(running_app)
    assert running_app.visitor("pemeriksa").get(f"/admin/inspection/{id_}/progress").json == {
        "finished": False,
        "percent": 0,
    }
    assert running_app.visitor("pemeriksa").get(f"/admin/inspection/{id_}/export/zip/").status_code == 409
    make_all(running_app)
    assert running_app.visitor("pemeriksa").get(f"/admin/inspection/{id_}/progress").get_json()["finished"]
    page = page_of(running_app)
    created = record(running_app, id_)
    assert f"/admin/inspection/{id_}/export/zip/" in page
    assert str(created.fingerprint) in page
    assert str(created.anchor) in page
    with running_app.session() as session:
        told = session.scalars(select(Notification).where(Notification.key == f"dossier-{id_}")).one()
        assert told.event is Event.DOSSIER_READY
    assert "siap diunduh" in running_app.visitor("pemeriksa").get("/admin/notification/").text


def test_how_far_it_is_stands_on_the_page_without_a_script(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-29")
    with running_app.app.app_context():
        making._write_progress(id_, making.Progress(1, 3, 12))
        assert making.read_progress(id_).percent == 25
    with running_app.session() as session:
        session.get_one(Dossier, id_).start(running_app.now)
        session.commit()
    page = page_of(running_app)
    assert "Sedang dibuat" in page
    assert 'value="25"' in page
    with running_app.app.app_context():
        making._path(f"{id_}.progress").write_text("rusak")
        assert making.read_progress(id_) == making.Progress()


def test_asking_again_for_what_is_not_finished_makes_no_second_one(running_app: RunningApp) -> None:
    first = ask(running_app, until="2026-11-28")
    assert ask(running_app, "kepala", until="2026-11-28") == first
    assert make_all(running_app) == 1


def test_only_so_many_wait(running_app: RunningApp) -> None:
    for day in range(1, 6):
        ask(running_app, until=f"2026-10-0{day}")
    answer = running_app.visitor("pemeriksa").post("/admin/inspection/", **(YEAR | {"until": "2026-10-06"}))
    assert answer.status_code == 409
    assert "5 berkas" in answer.text
    assert make_all(running_app) == 5


def test_one_dossier_is_made_at_a_time_whoever_makes_it(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-27")
    with running_app.app.app_context(), making.making_lock() as is_held:
        assert is_held
        assert making.make_waiting() == 0
    assert record(running_app, id_).state is DossierState.WAITING
    assert make_all(running_app) == 1


def test_one_that_is_stopped_is_made_again(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-26")
    answers = iter((False, True))
    with running_app.app.app_context():
        assert making.make_waiting(lambda: next(answers, True)) == 0
        assert making.read_progress(id_).attempt == 0
        assert not making._path(f"{id_}.part").exists()
    assert record(running_app, id_).state is DossierState.MAKING
    assert make_all(running_app) == 1
    assert record(running_app, id_).state is DossierState.READY


def test_one_that_ends_its_process_again_and_again_is_given_up(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-25")
    with running_app.app.app_context():
        making._write_progress(id_, making.Progress(3))
        partial = making._path(f"{id_}.part")
        partial.write_bytes(b"half")
    make_all(running_app)
    assert record(running_app, id_).state is DossierState.FAILED
    assert list(partial.parent.glob(f"{id_}.*")) == []
    assert "beberapa kali" in page_of(running_app)
    with running_app.session() as session:
        told = session.scalars(select(Notification.event).where(Notification.key == f"dossier-{id_}")).all()
    assert told == [Event.DOSSIER_FAILED]


def test_why_one_cannot_be_made_is_said(running_app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = ask(running_app, until="2026-11-24")

    def refuse(*_arguments: object) -> None:
        raise Refused(_("There is no such record, or you may not see it."))

    monkeypatch.setattr(making, "write_dossier", refuse)
    make_all(running_app)
    failed = record(running_app, id_)
    assert failed.state is DossierState.FAILED
    assert str(failed.error) in page_of(running_app)


def test_one_for_which_there_is_no_room_is_given_up_and_says_so(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = ask(running_app, until="2026-11-21")

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making, "_write_progress", fail)
    assert make_all(running_app) == 1
    assert "No space left" in str(record(running_app, id_).error)


def test_a_file_whose_record_could_not_be_stored_does_not_stay(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = ask(running_app, until="2026-11-20")
    there: list[Path] = []

    def commit() -> None:
        there.extend(Path(running_app.app.config["DOSSIER_FOLDER"]).glob(f"{id_}-*.zip"))
        if there:
            raise OSError(errno.EIO, "Input/output error")
        really()

    with running_app.app.app_context(), monkeypatch.context() as patch:
        really = db.session().commit
        patch.setattr(db.session(), "commit", commit)
        with pytest.raises(OSError, match="Input/output"):
            making.make_waiting()
    assert len(there) == 1
    assert not there[0].exists()
    assert make_all(running_app) == 1
    assert record(running_app, id_).state is DossierState.READY


def test_files_that_no_dossier_names_are_removed_and_others_are_let_alone(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-19")
    make_all(running_app)
    with running_app.app.app_context():
        kept = making.dossier_path(record(running_app, id_))
        strays = [making._path(name) for name in ("9999-0123456789abcdef.zip", "9999.part", "9999.progress")]
        others = [making._path(name) for name in ("catatan.txt", "arsip.zip")]
        for path in (*strays, *others):
            path.write_bytes(b"x")
        making.remove_expired()
    assert [path.exists() for path in (*strays, *others, kept)] == [False, False, False, True, True, True]
    for path in others:
        path.unlink()


def test_the_file_is_served_only_as_it_was_made(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-23")
    make_all(running_app)
    with running_app.app.app_context():
        path = making.dossier_path(record(running_app, id_))
    whole = path.read_bytes()
    part = download(running_app, "pemeriksa", id_, Range="bytes=10-19")
    assert (part.status_code, part.data) == (206, whole[10:20])
    path.write_bytes(whole[:-1] + b"x")
    assert download(running_app, "pemeriksa", id_).status_code == 409
    path.unlink()
    assert download(running_app, "pemeriksa", id_).status_code == 409


def test_the_file_is_kept_for_some_days_and_its_record_longer(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-22")
    make_all(running_app)
    before = running_app.now
    with running_app.app.app_context():
        path = making.dossier_path(record(running_app, id_))
        making.continue_unfinished()
        assert path.exists()
        running_app.now = before + KEPT
        making.continue_unfinished()
    running_app.now = before
    assert not path.exists()
    removed = record(running_app, id_)
    assert removed.state is DossierState.REMOVED
    assert str(removed.fingerprint) in page_of(running_app)


def test_asking_making_and_downloading_are_in_the_trail(running_app: RunningApp) -> None:
    id_ = ask(running_app, until="2026-11-21")
    make_all(running_app)
    assert download(running_app, "pemeriksa", id_).status_code == 200
    fingerprint = record(running_app, id_).fingerprint
    with running_app.session() as session:
        noted = session.execute(
            select(AuditEntry.action, AuditEntry.reason)
            .where(AuditEntry.action.startswith("inspection."))
            .order_by(AuditEntry.id.desc())
            .limit(4)
        ).all()
    period = "2026-01-01 – 2026-11-21"
    assert [tuple(one) for one in noted] == [
        ("inspection.download", f"{period}; {fingerprint}"),
        ("inspection.make", f"{period}; {fingerprint}"),
        ("inspection.start", None),
        ("inspection.ask", period),
    ]
    assert (
        "Mengunduh berkas pemeriksaan"
        in running_app.visitor("kepala").get("/admin/audit/?action=inspection.download").text
    )


def test_the_same_dossier_after_the_first_was_made_and_told_has_the_same_bytes(running_app: RunningApp) -> None:
    hashes = set()
    for _time in range(2):
        id_ = ask(running_app, until="2026-11-20")
        make_all(running_app)
        hashes.add(record(running_app, id_).sha256)
    assert len(hashes) == 1


def test_an_inspector_gets_from_the_login_to_the_dossier_by_four_clicks_and_two_dates(
    running_app: RunningApp, page: Page, tmp_path: Path
) -> None:
    with serve_app(running_app.app) as address:
        page.goto(f"{address}/login")
        page.fill("[name=username]", "pemeriksa")
        page.fill("[name=password]", PASSWORD)
        with page.expect_event("load"):
            page.locator("form button[type=submit]").last.click()
        with page.expect_event("load"):
            page.get_by_role("link", name="Berkas pemeriksaan").click()
        page.get_by_label("Hari pertama").fill("2026-01-01")
        page.get_by_label("Hari terakhir").fill("2026-11-19")
        with page.expect_event("load"):
            page.get_by_role("button", name="Buat berkas").click()
        page.get_by_role("progressbar", name="Kemajuan").wait_for()
        make_all(running_app)
        link = page.get_by_role("link", name=re.compile("Unduh")).first
        link.wait_for()  # the page asks by itself, and shows it
        with page.expect_download() as download:
            link.click()
        file = tmp_path / "berkas.zip"
        download.value.save_as(file)
    assert periksa.verify(str(file)) == []


def test_those_who_inspect_find_the_page_in_the_menu_and_others_do_not(running_app: RunningApp) -> None:
    link = 'href="/admin/inspection/"'
    for name in ("pemeriksa", "kepala", "administrator"):
        assert link in running_app.visitor(name).get("/admin/change/").text, name
        assert f'{link} aria-current="page"' in running_app.visitor(name).get("/admin/inspection/").text, name
    for name in ("pemohon", "pengelola"):
        assert link not in running_app.visitor(name).get("/admin/change/").text, name
