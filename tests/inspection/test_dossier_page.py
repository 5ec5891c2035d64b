"""The page of the dossiers: period and office in one form, for those who inspect, noted in the trail."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from demo.cast import PASSWORD
from lpse_admin.sop.steps import Outcome
from tests.support.cast import make_move, new_change
from tests.support.pages.browser import serve_app
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.inspection import dossier, periksa

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.running_app import RunningApp

YEAR = "from=2026-01-01&until=2026-12-31"


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> None:
    """Submit a request in each office."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        for office in (cast.lumajang, cast.tana_tidung):
            change = new_change(session, office)
            make_move(session, change, Outcome.SUBMITTED, change.requester)


def test_an_inspector_a_head_and_an_administrator_get_the_dossier_of_their_office(running_app: RunningApp) -> None:
    names = {}
    for name in ("pemeriksa", "kepala", "administrator", "pemeriksa.tt"):
        answer = running_app.visitor(name).get(f"/admin/inspection/export/zip/?{YEAR}")
        assert answer.status_code == 200, name
        assert answer.mimetype == "application/zip"
        assert periksa.verify(io.BytesIO(answer.data)) == []
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        names[name] = manifest["agency"], manifest["requests"]
    assert names["pemeriksa"] == names["kepala"] == names["administrator"]
    assert names["pemeriksa"][0] != names["pemeriksa.tt"][0]
    assert names["pemeriksa"][1] == 1


def test_others_get_neither_the_page_nor_the_dossier(running_app: RunningApp) -> None:
    for name in ("pemohon", "pengelola"):
        visitor = running_app.visitor(name)
        assert visitor.get("/admin/inspection/").status_code == 403
        assert visitor.get(f"/admin/inspection/export/zip/?{YEAR}").status_code == 403
    other = running_app.visitor("pemeriksa").get(f"/admin/inspection/export/zip/?{YEAR}&office=tana-tidung")
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("until=2026-12-31", "Isi hari pertama periode."),
        ("from=2026-01-01", "Isi hari terakhir periode."),
        ("from=2026-02-01&until=2026-01-01", "Hari terakhir mendahului hari pertama."),
    ],
)
def test_a_period_that_is_none_comes_back_with_what_was_typed(
    query: str, sentence: str, running_app: RunningApp
) -> None:
    answer = running_app.visitor("pemeriksa").get(f"/admin/inspection/export/zip/?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text
    for part in query.split("&"):
        assert f'value="{part.partition("=")[2]}"' in answer.text


def test_making_one_is_in_the_trail_with_its_fingerprint_and_on_the_page(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemeriksa")
    answer = visitor.get(f"/admin/inspection/export/zip/?{YEAR}")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        fingerprint = periksa.file_hash(archive.open("manifest.json"))
    assert fingerprint in visitor.get("/admin/inspection/").text
    assert "Membuat berkas pemeriksaan" in visitor.get("/admin/audit/?action=inspection.make").text


def test_one_dossier_is_made_at_a_time(running_app: RunningApp) -> None:
    with dossier._making:
        answer = running_app.visitor("pemeriksa").get(f"/admin/inspection/export/zip/?{YEAR}")
    assert answer.status_code == 409
    assert "sedang dibuat" in answer.text


def test_an_inspector_gets_from_the_login_to_the_dossier_by_three_clicks_and_two_dates(
    running_app: RunningApp, page: Page, tmp_path: Path
) -> None:
    with serve_app(running_app.app) as address:
        page.goto(f"{address}/login")
        page.fill("[name=username]", "pemeriksa")
        page.fill("[name=password]", PASSWORD)
        page.locator("form button[type=submit]").last.click()
        page.get_by_role("link", name="Berkas pemeriksaan").click()
        page.get_by_label("Hari pertama").fill("2026-01-01")
        page.get_by_label("Hari terakhir").fill("2026-12-31")
        with page.expect_download() as download:
            page.get_by_role("button", name="Buat berkas").click()
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
