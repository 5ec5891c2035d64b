"""Number and classification code of the archive application: on the request, in lists, on papers and in its folder."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from lpse_admin.sop.steps import Step
from models.changes.change import ChangeRequest
from models.search.index import rebuild_index
from tests.support.cast import LUMAJANG
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.inspection.contents.folders import change_files
from views.papers.contents.source import read_source
from views.papers.papers import papers_of_source

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

NUMBER, CODE = "SRK-2026/0417", "000.9.3"
FILED: dict[str, Any] = {"reference_number": NUMBER, "classification_code": CODE}


@pytest.fixture(scope="module")
def change_id(running_app: RunningApp) -> int:
    """Return the id of a request that was filed from its page."""
    created = running_app.change_at_step(LUMAJANG, Step.URGENCY)
    assert NUMBER not in running_app.visitor("pengelola").get(page_of(created)).text
    opened = running_app.visitor("pengelola").get(link_of(running_app, created, "new")).text
    number = present(re.search(r'name="number"[^>]*value="([^"]+)"', opened))[1]
    answer = running_app.visitor("pengelola").post("/admin/archive-reference/new/", number=number, **FILED)
    assert answer.status_code == 303
    return created


def page_of(change_id: int) -> str:
    return f"/admin/change/details/?id={change_id}"


def link_of(running_app: RunningApp, change_id: int, form: str, name: str = "pengelola") -> str:
    """Return the address of a form of archive numbers on the page of a request; empty where there is none."""
    page = html.unescape(running_app.visitor(name).get(page_of(change_id)).text)
    found = re.search(rf'href="(/admin/archive-reference/{form}/[^"]*)"', page)
    return found[1] if found else ""


def found(running_app: RunningApp, query: str, name: str = "pemeriksa") -> bool:
    """Whether the list of requests, narrowed by ``query``, has a row."""
    answer = running_app.visitor(name).get(f"/admin/change/?{query}")
    assert answer.status_code == 200
    return "RFC/2026/" in answer.text


def test_whoever_sees_a_request_sees_where_it_is_filed(running_app: RunningApp, change_id: int) -> None:
    for name in ("pemohon", "pengelola", "kepala", "pemeriksa", "administrator"):
        page = running_app.visitor(name).get(page_of(change_id)).text
        assert NUMBER in page, name
        assert CODE in page, name


def test_only_who_may_note_it_is_led_to_the_form(running_app: RunningApp, change_id: int) -> None:
    assert "id=" in link_of(running_app, change_id, "edit")
    for name in ("pemohon", "kepala", "pemeriksa"):
        assert not link_of(running_app, change_id, "edit", name), name


def test_the_list_of_requests_has_it_as_columns_and_is_narrowed_by_it(running_app: RunningApp, change_id: int) -> None:
    page = running_app.visitor("pemeriksa").get("/admin/change/?columns=archive-number,archive-code").text
    assert NUMBER in page
    assert CODE in page
    for query in (f"archive-code={CODE}", "archive-code=000.9", f"archive-number={NUMBER}"):
        assert found(running_app, query), query
    for query in ("archive-code=000.7", "archive-number=SRK-1999"):
        assert not found(running_app, query), query


@pytest.mark.parametrize("text", [NUMBER, "SRK-2026", "0417", CODE, "srk 2026 0417"])
def test_a_request_is_found_by_where_it_is_filed(text: str, running_app: RunningApp, change_id: int) -> None:
    assert found(running_app, f"search={text}")
    assert page_of(change_id) in running_app.visitor("pemeriksa").get(f"/search?q={text}").text
    assert not found(running_app, f"search={text}", "pemeriksa.tt")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_an_export_of_the_requests_says_where_they_are_filed(
    kind: str, running_app: RunningApp, change_id: int
) -> None:
    text = running_app.visitor("pemeriksa").get(f"/admin/change/export/{kind}/").text
    assert NUMBER in text
    assert CODE in text
    assert "Kode klasifikasi" in text


def test_papers_and_folder_say_it_and_a_paper_that_was_printed_before_still_matches(
    running_app: RunningApp, change_id: int
) -> None:
    with running_app.session() as session, running_app.app.test_request_context():
        change = session.get_one(ChangeRequest, change_id)
        source = read_source(session, change)
        assert source.filed == (("Nomor dalam aplikasi arsip", NUMBER), ("Kode klasifikasi", CODE))
        assert NUMBER not in str([paper.content(source).as_data() for paper in papers_of_source(source)])
        files = {name: b"".join(content) for name, content in change_files(session, change_id, "folder")}
    summary = files["folder/ringkasan.html"].decode()
    assert NUMBER in summary
    assert CODE in summary


def test_what_was_corrected_is_found_and_the_former_is_not(running_app: RunningApp, change_id: int) -> None:
    address = link_of(running_app, change_id, "edit")
    corrected: dict[str, Any] = FILED | {"reference_number": "KRS-77"}
    assert running_app.visitor("pengelola").post(address, **corrected).status_code == 303
    assert found(running_app, "search=KRS-77")
    assert not found(running_app, f"search={NUMBER}")
    with running_app.session() as session:
        rebuild_index(session.connection())
        session.commit()
    assert found(running_app, "search=KRS-77")
    assert running_app.visitor("pengelola").post(address, **FILED).status_code == 303
