"""Exports over HTTP: the rows of the list in its order, without formulas."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import ChangeKind
from models.database import db
from tests.support.cast import NOW, OUTCOMES_TO, asset, make_move, move_through, new_change
from tests.support.present import one_of, present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.exports import columns as export_columns

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

TITLES = (
    "=1+1", "+SUM(A1)", "-2+3", "@cmd", "\ttab", '=HYPERLINK("http://x";"y")', "Baris; =SUM(1)", "Biasa saja",
    'Tanda "kutip", koma', "Émoji \U0001f680 dan 漢字",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> None:
    """Create a request for each odd title, some closed, some emergencies, over some days."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        for index, title in enumerate(TITLES):
            when = NOW + dt.timedelta(days=index, hours=index)
            change = new_change(
                session, office, requester=office.requester if index % 2 else office.requester2, now=when
            )
            asked = {"title": title, "kind": (ChangeKind.SERVICE if index % 3 == 0 else ChangeKind.APPLICATION,)}
            way = (
                OUTCOMES_TO[Step.APPROVAL] if index < 4 else (Outcome.SUBMITTED, Outcome.REJECTED) if index < 6 else ()
            )
            for outcome in (*way, *(() if way else (Outcome.SUBMITTED,))):
                actor = change.requester if change.step is Step.REQUEST else office.actor(change.step)
                make_move(
                    session, change, outcome, actor, now=when, values=asked if outcome is Outcome.SUBMITTED else {}
                )
        asset(session, office, price="1234567.89", year="2021")


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def read_xlsx(data: bytes) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(data), read_only=True)
    return list(present(book.active).values)


def numbers(running_app: RunningApp, query: str, name: str = "kepala") -> tuple[list[str], list[str], list[str]]:
    """Return the request numbers in a list, in its CSV and in its XLSX, in order."""
    visitor = running_app.visitor(name)
    listed = visitor.get(f"/admin/change/?size=100&{query}").text
    shown = re.findall(r'<th scope="row"><a href="/admin/change/details/\?id=\d+">([^<]+)</a>', listed)
    rows = read_csv(visitor.get(f"/admin/change/export/csv/?{query}").text)
    cells = read_xlsx(visitor.get(f"/admin/change/export/xlsx/?{query}").data)
    location = rows[0].index("Nomor")
    return shown, [row[location] for row in rows[1:]], [str(row[location]) for row in cells[1:]]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=open",
        "state=closed",
        "urgency=emergency",
        "kind=service",
        "result=rejected",
        "search=Biasa",
        "search=%25",
        "search=%22kutip%22",
        "search=%F0%9F%9A%80",
        "sort=submitted",
        "sort=-submitted",
        "sort=id&kind=service",
        "submitted-from=2026-03-04&submitted-until=2026-03-07",
        "state=open&kind=application&sort=submitted&search=a",
    ],
)
def test_an_export_has_the_list_s_filters_search_and_order(query: str, running_app: RunningApp) -> None:
    shown, in_csv, in_xlsx = numbers(running_app, query)
    assert shown == in_csv == in_xlsx
    assert shown or query == "search=%25"


def test_the_links_of_a_list_lead_to_its_own_export(running_app: RunningApp) -> None:
    page = running_app.visitor("kepala").get("/admin/change/?state=open&kind=service&sort=submitted&page=0").text
    for kind in ("csv", "xlsx"):
        assert f"/admin/change/export/{kind}/?state=open&amp;kind=service&amp;sort=submitted" in page


def test_no_cell_is_a_formula(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    rows = read_csv(visitor.get("/admin/change/export/csv/").text)
    location = rows[0].index("Judul")
    titles = {row[location] for row in rows[1:]}
    assert {"'=1+1", "'+SUM(A1)", "'-2+3", "'@cmd", "Biasa saja", 'Tanda "kutip", koma'} <= titles
    assert not [title for title in titles if title[:1] in "=+-@\t\r"]
    book = load_workbook(io.BytesIO(visitor.get("/admin/change/export/xlsx/").data))
    cells = [cell for row in present(book.active).iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d", "inlineStr"}
    assert "=1+1" in {cell.value for cell in cells}


def test_headings_are_the_reader_s_language_and_moments_name_their_zone(running_app: RunningApp) -> None:
    manager = running_app.visitor("pengelola2")
    heading = read_csv(manager.get("/admin/change/export/csv/").text)[0]
    assert heading[:2] == ["Nomor", "Judul"]
    assert "Diajukan (WIB)" in heading
    assert not {"Number", "Title", "Kind", "Requester", "Current step"} & set(heading)
    manager.post("/language", lang="en")
    assert read_csv(manager.get("/admin/change/export/csv/").text)[0][:2] == ["Number", "Title"]
    manager.post("/language", lang="id")
    for screen in ("evaluation", "approval", "document", "asset"):
        heading = read_csv(running_app.visitor("kepala.tt").get(f"/admin/{screen}/export/csv/").text)[0]
        assert not [name for name in heading if name in {"Number", "Title", "Arrived", "Finished", "Outcome", "By"}]


def test_cells_of_a_workbook_have_their_types(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    heading, *rows = read_xlsx(visitor.get("/admin/change/export/xlsx/?sort=submitted").data)
    first = dict(zip(heading, rows[0], strict=True))
    assert first["Diajukan (WIB)"] == dt.datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - as the cell holds it
    assert first["Revisi"] == 1
    heading, *rows = read_xlsx(visitor.get("/admin/asset/export/xlsx/").data)
    item = dict(zip(heading, rows[0], strict=True))
    assert 1234567.89 in item.values()
    assert any(isinstance(value, dt.datetime) for value in item.values())


def test_an_empty_list_exports_its_headings_alone(running_app: RunningApp) -> None:
    for screen in ("change", "rollback", "asset", "document", "delegation", "user", "audit", "sop", "release"):
        visitor = running_app.visitor("pemeriksa.tt")
        # What was searched for in an export is in the trail itself.
        query = "at-from=2031-01-01" if screen == "audit" else "search=tidakadasamasekali"
        rows = read_csv(visitor.get(f"/admin/{screen}/export/csv/?{query}").text)
        cells = read_xlsx(visitor.get(f"/admin/{screen}/export/xlsx/?{query}").data)
        assert len(rows) == len(cells) == 1, screen
        assert list(cells[0]) == rows[0]


def test_a_requester_s_export_has_their_own_and_nothing_else(running_app: RunningApp) -> None:
    for name, own in (("pemohon", TITLES[1::2]), ("pemohon2", TITLES[::2])):
        rows = read_csv(running_app.visitor(name).get("/admin/change/export/csv/").text)
        titles = {row[1].replace("'", "") for row in rows[1:]}
        assert titles == {title.strip() for title in own}
        _shown, in_csv, in_xlsx = numbers(running_app, "", name)
        assert in_csv == in_xlsx
        assert len(in_csv) == len(own)


def test_an_export_arrives_whole_after_its_request_is_over(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemeriksa")
    whole = visitor.get("/admin/change/export/csv/").data
    answer = visitor.client.get("/admin/change/export/csv/", buffered=False)
    with running_app.app.app_context():
        db.session.remove()
    parts = [one_of(bytes, part) for part in answer.response]
    answer.close()
    assert b"".join(parts) == whole
    abandoned = visitor.client.get("/admin/change/export/csv/", buffered=False)
    next(iter(abandoned.response))
    abandoned.close()
    assert visitor.get("/admin/change/").status_code == 200


def test_an_export_is_a_file_that_nobody_else_keeps(running_app: RunningApp) -> None:
    for kind, mimetype in (
        ("csv", "text/csv"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ):
        answer = running_app.visitor("kepala").get(f"/admin/change/export/{kind}/")
        assert answer.mimetype == mimetype
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment;")
        assert disposition.endswith(f'.{kind}"')
        assert answer.headers["Cache-Control"] == "no-store"
        answer.close()  # an export that is still read keeps the next one waiting
    assert running_app.visitor("kepala").get("/admin/change/export/docx/").status_code == 404


def test_an_export_of_a_bad_question_is_400_before_anything_is_sent(running_app: RunningApp) -> None:
    for query in ("sort=title", "urgency=everything", "submitted-from=kemarin", "search=%00", "page=x", "size=7"):
        for kind in ("csv", "xlsx"):
            assert running_app.visitor("kepala").get(f"/admin/change/export/{kind}/?{query}").status_code == 400, query


def test_every_list_exports_as_many_rows_as_it_counts(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    for screen in ("change", "evaluation", "urgency", "approval", "document", "asset", "sop", "audit"):
        page = visitor.get(f"/admin/{screen}/").text
        (count,) = re.findall(r'<span role="status">\s*(?:[\d.–]+ dari )?([\d.]+) baris', page)
        rows = read_csv(visitor.get(f"/admin/{screen}/export/csv/").text)
        # An export of the trail has its own entry too.
        assert len(rows) - 1 == int(count.replace(".", "")) + (screen == "audit"), screen


def test_a_walked_request_is_in_the_export_of_each_step_that_it_passed(running_app: RunningApp) -> None:
    with running_app.session() as session:
        change = move_through(session, running_app.cast(session).tana_tidung, *OUTCOMES_TO[Step.REPORT])
        number = change.number
    visitor = running_app.visitor("pemeriksa.tt")
    for screen in ("evaluation", "urgency", "implementation", "test", "report"):
        rows = read_csv(visitor.get(f"/admin/{screen}/export/csv/?search={number}").text)
        assert [row[0] for row in rows[1:]] == [number], screen


def test_a_slow_reader_of_an_export_keeps_no_writer_waiting(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are read while they are sent, after the end of the request, without SQLite's write lock."""
    monkeypatch.setattr(export_columns, "_BATCH_SIZE", 1)
    reader, writer = running_app.visitor("pemeriksa"), running_app.visitor("pemohon")
    parts = reader.client.get("/admin/change/export/csv/", buffered=False).iter_encoded()
    begun = [next(parts), next(parts)]  # the headings and a first row: the export's transaction is open
    with ThreadPoolExecutor(1) as another:  # in another thread, as in the server
        answer = another.submit(writer.post, "/profile/colours", scheme="dark").result()
    assert answer.status_code == 303, answer.text
    assert len(read_csv(b"".join([*begun, *parts]).decode())) > len(TITLES)
