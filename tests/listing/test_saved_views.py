"""Lists for each user: filters that are removed one by one, saved columns, and saved views."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Step
from lpse_admin.worktime.step_timing import measure_step
from models.audit.trail import AuditEntry
from models.listing.saved_view import MAX_VIEWS, SavedView
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.changes.steps import times

if TYPE_CHECKING:
    from tests.support.program import Visitor
    from tests.support.running_app import RunningApp

STANDARD = ["Nomor", "Judul", "Tingkat Keterdesakan", "Langkah saat ini", "Hasil akhir", "Pemohon", "Diajukan"]


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> int:
    """Create an open and a closed request."""
    running_app.change_at_step(LUMAJANG, Step.CLOSED)
    return running_app.change_at_step(LUMAJANG, Step.EVALUATION)


def headings(page: str) -> list[str]:
    """Return the headings of a list's table."""
    head = page.partition("<thead>")[2].partition("</thead>")[0]
    cells = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', head, re.DOTALL)
    texts = [re.sub(r"<span.*?</span>|<[^>]+>", "", cell).strip() for cell in cells]
    return [unescape(text) for text in texts if text]


def exported_headings(reader: Visitor, address: str) -> list[str]:
    """Return the headings of an export as CSV."""
    answer = reader.get(address)
    assert answer.status_code == 200
    return next(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))


def chips(page: str) -> dict[str, dict[str, str]]:
    """Return the text of each chip, and the arguments of its address."""
    result = re.findall(r'class="chip" href="\?([^"]*)">(.*?) <span', page, re.DOTALL)
    return {unescape(text): dict(parse_qsl(unescape(address))) for address, text in result}


def save(visitor: Visitor, name: str, address: str = "state=open", screen: str = "change", **fields: Any) -> int:
    """Save a view and return the status."""
    return visitor.post(f"/lists/{screen}/", name=name, address=address, **fields).status_code


def view_id(running_app: RunningApp, name: str) -> int:
    with running_app.session() as session:
        return session.scalars(select(SavedView.id).where(SavedView.name == name)).one()


# -- chips and order -----------------------------------------------------------------------------------------


def test_each_chip_removes_one_thing_and_leaves_everything_else(running_app: RunningApp) -> None:
    asked = {
        "state": "open", "submitted-from": "2026-01-01", "submitted-until": "2026-03-31", "search": "kutip & <b>",
        "sort": "submitted", "size": "50", "columns": "title,number",
    }  # fmt: skip
    page = running_app.visitor("kepala").client.get("/admin/change/", query_string=asked).text
    result = chips(page)
    assert list(result) == [
        "Pencarian: “kutip & <b>”",
        "Status: Belum selesai",
        "Diajukan: 1 Januari 2026 s.d. 31 Maret 2026",
    ]
    for text, names in zip(result, (["search"], ["state"], ["submitted-from", "submitted-until"]), strict=True):
        assert result[text] == {name: value for name, value in asked.items() if name not in names}
    assert not chips(running_app.visitor("kepala").get("/admin/change/?search=&state=&sort=&size=25").text)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "diurutkan menurut saat dicatat, yang terbaru dulu"),
        ("sort=submitted", "diurutkan menurut Diajukan, yang terlama dulu"),
        ("sort=-submitted", "diurutkan menurut Diajukan, yang terbaru dulu"),
        ("sort=due", "diurutkan menurut Batas akhir, yang terlama dulu"),
        ("sort=-lateness", "diurutkan menurut Batas waktu, yang terbaru dulu"),
    ],
)
def test_a_list_says_how_it_is_sorted_and_offers_the_other_orders(
    query: str, sentence: str, running_app: RunningApp
) -> None:
    page = running_app.visitor("kepala").get(f"/admin/change/?{query}").text
    assert sentence in page
    chosen = query.partition("=")[2]
    offered = re.findall(
        r'<option value="([^"]*)"( selected)?>', page.partition('name="sort"')[2].partition("</select>")[0]
    )
    due = "due" if chosen == "due" else "lateness"
    orders = ("id", due, "requester", "submitted", "institution")
    assert [value for value, _ in offered] == ["", *(sort for key in orders for sort in (key, f"-{key}"))]
    assert [value for value, selected in offered if selected] == [chosen]


# -- columns -------------------------------------------------------------------------------------------------


def test_columns_are_kept_for_their_reader_in_their_order_and_put_back(running_app: RunningApp) -> None:
    reader, other = running_app.visitor("pemeriksa"), running_app.visitor("kepala")
    answer = reader.post(
        "/lists/change/columns", address="state=open&columns=title", show=["kind", "title", "number"],
        **dict[str, Any]({"place-kind": "1", "place-title": "2", "place-number": "9"}),
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, "/admin/change/?state=open&columns=title")
    assert headings(reader.get("/admin/change/").text) == ["Jenis perubahan", "Judul", "Nomor"]
    assert headings(other.get("/admin/change/").text) == STANDARD
    assert headings(reader.get("/admin/change/?columns=title").text) == ["Nomor", "Judul"]
    reader.post("/lists/change/columns", standard="y", show=["title"])
    assert headings(reader.get("/admin/change/").text) == STANDARD


def test_an_export_has_the_columns_of_its_link_and_the_list_has_a_link_for_all_and_one_for_those_it_shows(
    running_app: RunningApp,
) -> None:
    reader = running_app.visitor("pemeriksa")
    chosen = {"place-title": "1", "place-kind": "2"}
    reader.post("/lists/change/columns", show=["title", "kind"], **dict[str, Any](chosen))
    page = reader.get("/admin/change/?state=open").text
    reader.post("/lists/change/columns", standard="y", show=["title"])
    links = dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd>.*?href=\"([^\"]+/csv/[^\"]*)\"", page, re.DOTALL))
    everything, shown = (
        exported_headings(reader, unescape(links[label])) for label in ("Semua kolom", "Kolom yang ditampilkan")
    )
    assert shown == headings(page) == ["Nomor", "Judul", "Jenis perubahan"]
    assert {"Nomor", "Jenis perubahan", "Langkah saat ini", "Uraian perubahan"} < set(everything)
    assert exported_headings(reader, "/admin/change/export/csv/") == everything
    assert exported_headings(reader, "/admin/change/export/csv/?columns=title") == ["Nomor", "Judul"]


def test_a_reader_has_no_column_that_is_not_theirs_and_an_unknown_one_is_400(running_app: RunningApp) -> None:
    office, everywhere = running_app.visitor("kepala"), running_app.visitor("admin")
    assert 'value="agency"' not in office.get("/admin/change/").text
    assert headings(office.get("/admin/change/?columns=agency,title").text) == ["Nomor", "Judul"]
    assert headings(everywhere.get("/admin/change/?columns=agency,title").text) == ["Nomor", "LPSE", "Judul"]
    for columns in ("nothing", "title,", "password_hash", "a" * 3000):
        assert office.get(f"/admin/change/?columns={columns}", json=True).status_code == 400


def test_what_no_column_shows_is_not_worked_out(running_app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = measure_step

    def reading(*args: object) -> object:
        read.append(1)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(times, "measure_step", reading)
    reader = running_app.visitor("kepala")
    assert reader.get("/admin/evaluation/?columns=number,title,arrived").status_code == 200
    assert not read
    reader.get("/admin/evaluation/?columns=number,due")
    assert read


# -- saved views ---------------------------------------------------------------------------------------------


def test_a_list_begins_with_the_default_view_and_only_where_nothing_is_asked(running_app: RunningApp) -> None:
    reader = running_app.visitor("pengelola2")
    plain = reader.get("/admin/change/").text
    assert save(reader, "Yang terbuka", "state=open&sort=submitted&columns=title,number", begins="y") == 303
    page = reader.get("/admin/change/").text
    assert "tampilan baku Anda, “Yang terbuka”" in page
    assert headings(page) == ["Judul", "Nomor"]
    assert "diurutkan menurut Diajukan, yang terlama dulu" in page
    # Removing the last filter shows the whole list, not the default view again.
    assert chips(page) == {"Status: Belum selesai": {"sort": "submitted", "columns": "title,number"}}
    assert chips(reader.get("/admin/change/?state=open").text) == {"Status: Belum selesai": {"all": "1"}}
    for query in ("all=1", "search=", "state=", "sort=-id"):
        page = reader.get(f"/admin/change/?{query}").text
        assert "tampilan baku Anda, “" not in page
        assert headings(page) == headings(plain)
    exported = reader.get("/admin/change/export/csv/").text
    assert exported.count("\n") > 2  # an export ignores the default view
    assert reader.post(f"/lists/change/{view_id(running_app, 'Yang terbuka')}/begin", standard="y").status_code == 303
    assert "tampilan baku Anda, “" not in reader.get("/admin/change/").text


def test_a_view_that_can_not_be_read_any_more_leaves_the_list_as_it_is(running_app: RunningApp) -> None:
    reader = running_app.visitor("administrator")
    assert save(reader, "Lama", begins="y") == 303
    with running_app.session() as session:
        session.get_one(SavedView, view_id(running_app, "Lama")).query = "state=gone&columns=gone"
        session.commit()
    page = reader.get("/admin/change/")
    assert page.status_code == 200
    assert headings(page.text) == STANDARD


def test_a_shared_view_is_had_by_that_role_of_that_agency_and_shows_them_what_is_theirs(
    running_app: RunningApp,
) -> None:
    manager, inspector = running_app.visitor("pengelola"), running_app.visitor("pemeriksa")
    assert save(manager, "Untuk pemeriksa", shared_with="inspector") == 303
    assert save(manager, "Untuk pemohon", shared_with="requester") == 303
    shared = view_id(running_app, "Untuk pemeriksa")
    assert "Untuk pemeriksa" in inspector.get("/admin/change/").text
    assert "Dibagikan oleh" in inspector.get("/lists/change/").text
    for name in ("kepala", "pemeriksa.tt", "administrator.tt", "pemohon", "admin"):
        visitor = running_app.visitor(name)
        for page in ("/admin/change/", "/lists/change/"):
            assert "Untuk pemeriksa" not in visitor.get(page).text, name
        for verb in ("alter", "begin", "discard"):
            assert visitor.post(f"/lists/change/{shared}/{verb}", name="x").status_code == 404, name
    assert "Untuk pemohon" in running_app.visitor("pemohon").get("/admin/change/").text
    assert 'class="nothing-here"' in running_app.visitor("pemohon2").get("/admin/change/?state=open").text
    # It is the default of the users it is shared with, who can neither change nor remove it.
    assert inspector.post(f"/lists/change/{shared}/begin").status_code == 303
    assert "tampilan baku Anda, “Untuk pemeriksa”" in inspector.get("/admin/change/").text
    assert inspector.post(f"/lists/change/{shared}/alter", name="Milik saya").status_code == 403
    assert inspector.post(f"/lists/change/{shared}/discard").status_code == 403
    # It belongs to one list.
    assert manager.post(f"/lists/asset/{shared}/discard").status_code == 404
    assert manager.post(f"/lists/change/{shared}/discard").status_code == 303
    assert "tampilan baku Anda, “" not in inspector.get("/admin/change/").text


def test_only_who_works_in_the_office_shares_and_the_others_keep_their_own(running_app: RunningApp) -> None:
    for name in ("pemeriksa", "pemohon", "admin"):
        visitor = running_app.visitor(name)
        assert 'name="shared_with"' not in visitor.get("/admin/change/").text
        assert save(visitor, f"Bersama {name}", shared_with="head") == 422
        assert save(visitor, f"Sendiri {name}") == 303
    assert save(running_app.visitor("kepala"), "Peran", shared_with="nobody") == 400


def test_a_name_is_taken_once_what_was_typed_is_kept_and_a_tick_replaces(running_app: RunningApp) -> None:
    reader = running_app.visitor("kepala")
    assert save(reader, "Sama") == 303
    answer = reader.post("/lists/change/", name="  Sama ", address="state=closed", shared_with="inspector", begins="y")
    assert answer.status_code == 422
    for typed in ('value="state=closed"', 'value="  Sama "', 'value="inspector" selected', 'name="begins"', "checked"):
        assert typed in answer.text
    assert save(reader, "Sama", "state=closed", replaces="y") == 303
    with running_app.session() as session:
        assert session.scalars(select(SavedView.query).where(SavedView.name == "Sama")).all() == ["state=closed"]
    for name in ("", "   ", "a" * 81, "a\u0000b"):
        assert save(reader, name) == 422
    assert save(reader, "Lain") == 303
    assert reader.post(f"/lists/change/{view_id(running_app, 'Lain')}/alter", name="Sama").status_code == 422
    assert reader.post(f"/lists/change/{view_id(running_app, 'Lain')}/alter", name="Baru").status_code == 303
    for address in ("sort=nothing", "state=gone", "columns=gone", "x" * 5000):
        assert save(reader, "Rusak", address) == 400


def test_removing_asks_first_also_without_scripts_and_leaves_a_trail(running_app: RunningApp) -> None:
    manager, administrator = running_app.visitor("pengelola"), running_app.visitor("administrator")
    save(manager, "Dibuang", shared_with="administrator")
    id_ = view_id(running_app, "Dibuang")
    page = administrator.get("/lists/change/").text
    question = page.partition(f'action="/lists/change/{id_}/discard"')
    assert "<details>" in question[0].rpartition("<section")[2]
    assert "untuk seterusnya?" in question[2]
    assert f"/lists/change/{id_}/alter" not in page
    assert administrator.post(f"/lists/change/{id_}/discard").status_code == 303
    with running_app.session() as session:
        told = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(2)).all()
        assert told == ["list.view.discard", "list.view.save"]
        assert session.get(SavedView, id_) is None


def test_a_list_that_somebody_may_not_read_has_nothing_to_keep(running_app: RunningApp) -> None:
    requester = running_app.visitor("pemohon")
    assert requester.get("/lists/audit/").status_code == 403
    assert save(requester, "x", "", "audit") == 403
    assert requester.post("/lists/audit/columns").status_code == 403
    assert requester.get("/lists/nowhere/").status_code == 404
    assert requester.get("/lists/admin/").status_code == 404
    assert requester.post("/lists/notification/columns").status_code == 404
    for id_ in ("0", "x", "9" * 30):
        assert requester.post(f"/lists/change/{id_}/begin").status_code == 404


def test_nobody_keeps_more_views_than_a_list_takes(running_app: RunningApp) -> None:
    reader = running_app.visitor("pengelola.tt")
    for number in range(MAX_VIEWS):
        assert save(reader, f"Tampilan {number}") == 303
    assert save(reader, "Satu lagi") == 422
    assert save(reader, "Satu lagi", "", "asset") == 303
