"""Lists over HTTP: readable addresses, literal searches, the head's queue, counts with a limit."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from sqlalchemy import Select, select

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import ChangeKind
from tests.support.cast import LUMAJANG, NOW, OUTCOMES_TO, delegation, make_move, new_change
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.listing import lists
from views.listing.lists import MAX_COUNT

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp
    from views.listing.lists import ListSpec

SCREENS = (
    "change", "evaluation", "urgency", "approval", "implementation", "test", "rollback", "report", "verification",
    "release", "asset-review", "asset-update", "asset", "document", "delegation", "absence", "sop", "user", "audit",
)  # fmt: skip

#: Titles with special characters of SQL, HTML and patterns.
ODD = (
    "100% selesai",
    "data_penyedia",
    "O'Neill",
    'kata "kutip"',
    "C:\\temp\\x",
    "<b>tebal</b> & kurus",
    "\U0001f680 naik",
)


@pytest.fixture(scope="module", autouse=True)
def register(running_app: RunningApp) -> list[str]:
    """Create emergencies with odd titles, which reached the head one day after another."""
    numbers = []
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        for index, title in enumerate(ODD):
            when = NOW + dt.timedelta(days=index)
            change = new_change(session, office, now=when)
            kind = ChangeKind.SERVICE if index % 2 else ChangeKind.INFRASTRUCTURE
            for outcome in OUTCOMES_TO[Step.APPROVAL]:
                typed = {"title": title, "kind": (kind,)} if outcome is Outcome.SUBMITTED else {}
                make_move(session, change, outcome, office.actor(change.step), now=when, values=typed)
            numbers.append(present(change.number))
        change = new_change(session, office, now=NOW)
        for outcome in (*OUTCOMES_TO[Step.APPROVAL], Outcome.APPROVED):
            make_move(session, change, outcome, office.actor(change.step))
    running_app.now = NOW + dt.timedelta(days=30)
    return numbers


def titles(page: str) -> list[str]:
    """Return the second column of a list of requests."""
    result = re.findall(r'<th scope="row"><a href="[^"]*">[^<]*</a></th><td[^>]*>(.*?)</td>', page, re.DOTALL)
    return [unescape(title) for title in result]


@pytest.mark.parametrize("title", ODD)
def test_a_search_takes_every_sign_as_it_is(title: str, running_app: RunningApp) -> None:
    page = running_app.visitor("kepala").get(f"/admin/change/?search={quote(title)}")
    assert page.status_code == 200
    assert titles(page.text) == [title]
    assert "<b>tebal</b>" not in page.text


@pytest.mark.parametrize(
    ("search", "found"),
    [("%", 1), ("_", 1), ("'", 1), ('"', 1), ("\\", 1), ("O'NEILL", 1), ("%%", 0), ("__", 0), ("  kutip ", 1)],
)
def test_wildcards_and_quotes_are_signs_like_others(search: str, found: int, running_app: RunningApp) -> None:
    page = running_app.visitor("kepala").get(f"/admin/change/?search={quote(search)}")
    assert len(titles(page.text)) == found


@pytest.mark.parametrize("screen", SCREENS)
def test_no_search_fails_on_any_screen(screen: str, running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala" if screen != "user" else "administrator")
    for search in ("%", "'", '"', "\\", "\\%", ":x %(x)s ? $1 {} [a (", "\U0001f680\u202e\ufeff", "a" * 200,
                   "' UNION SELECT password_hash FROM user_account --"):  # fmt: skip
        answer = visitor.get(f"/admin/{screen}/?search={quote(search)}")
        assert answer.status_code == 200, search
        assert "argon2" not in answer.text
    for search in ("\x00", "a\x00b", "a" * 201):
        assert visitor.get(f"/admin/{screen}/?search={quote(search)}").status_code == 400, search
    assert visitor.get(f"/admin/{screen}/?search=%ff%fe").status_code in {200, 400}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(
    "query",
    [
        "sort=nothing",
        "sort=password_hash",
        "sort=--id",
        "sort=id;drop",
        "page=-1",
        "page=x",
        "page=1e3",
        "page=99999999999",
        "page=٣",
        "size=0",
        "size=26",
        "size=1000000",
        "size=x",
        "state=everything",
        "sort=%00",
    ],
)
def test_a_bad_question_is_400_with_a_sentence(screen: str, query: str, running_app: RunningApp) -> None:
    if query.startswith("state") and screen in {"document", "audit"}:
        return
    visitor = running_app.visitor("administrator")
    if screen == "change":
        answer = visitor.get(f"/admin/{screen}/?{query}")
        assert answer.status_code == 400
        sentence = re.search(r'<p class="refusal-sentence">(.*?)</p>', answer.text, re.DOTALL)
        assert sentence
        assert len(sentence.group(1)) > 10
    told = visitor.get(f"/admin/{screen}/?{query}", json=True).get_json()
    assert told["status"] == 400
    assert told["error"]


@pytest.mark.parametrize(
    "query",
    [
        "urgency=EMERGENCY",
        "urgency=emergency%20",
        "kind=x",
        "step=nowhere",
        "result=%27",
        "submitted-from=31/13/2026",
        "submitted-from=2026-02-30",
        "submitted-until=0001-01-01",
        "submitted-until=9999-12-31",
        "submitted-from=%00",
        "submitted-from=2026-W01-1x",
    ],
)
def test_a_filter_that_has_no_such_value_is_400_and_names_itself(query: str, running_app: RunningApp) -> None:
    answer = running_app.visitor("kepala").get(f"/admin/change/?{query}")
    assert answer.status_code == 400
    assert 'class="refusal-sentence"' in answer.text


@pytest.mark.parametrize("name", ["flt0_0", "requester_id", "agency", "_"])
def test_an_unknown_name_in_an_address_is_refused_by_its_name(name: str, running_app: RunningApp) -> None:
    answer = running_app.visitor("kepala").get(f"/admin/change/?{name}=1")
    assert answer.status_code == 400
    assert f"“{name}”" in answer.text


def test_a_page_beyond_the_end_is_empty_and_says_so(running_app: RunningApp) -> None:
    answer = running_app.visitor("kepala").get("/admin/change/?page=999")
    assert answer.status_code == 200
    assert titles(answer.text) == []
    assert 'class="nothing-here"' in answer.text
    assert 'href="?"' in answer.text


def test_a_filtered_list_is_an_address_that_can_be_sent(running_app: RunningApp) -> None:
    query = "kind=service&urgency=emergency&search=a"
    first, second = (running_app.visitor(name).get(f"/admin/change/?{query}").text for name in ("kepala", "pemeriksa"))
    assert titles(first) == titles(second)
    assert re.search(r'<option value="service" selected>', first)
    assert 'name="search" value="a"' in first


def test_the_head_s_queue_is_one_click_from_home_and_has_the_longest_waiting_first(
    running_app: RunningApp, register: list[str]
) -> None:
    head = running_app.visitor("kepala")
    queue = "/admin/approval/?state=open&amp;waiting=me"
    home = head.get("/").text
    assert f'href="{queue}"' in home
    assert f">{len(ODD)}<" in home[home.index(queue) :][:200]
    page = head.get("/admin/approval/?state=open&urgency=emergency").text
    numbers = re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)
    assert numbers == register
    above = page[page.index('class="queue-head"') :][:600]
    assert f"{len(ODD)} " in above
    assert "2 Maret 2026" in above
    assert "bulan" in above or "minggu" in above or "hari" in above


def test_a_decision_takes_two_clicks_from_the_queue_with_what_it_needs_beside_the_buttons(
    running_app: RunningApp,
) -> None:
    head = running_app.visitor("kepala")
    page = head.get("/admin/approval/?state=open&urgency=emergency").text
    (first, *_others) = re.findall(r'<th scope="row"><a href="([^"]*)">', page)
    request_page = head.get(unescape(first).partition("#")[0]).text
    now = request_page[request_page.index('id="step"') : request_page.index('id="procedure"')]
    for button in ("approved", "refused"):
        assert f'value="{button}"' in now
    for fact in ("Layanan tidak dapat diakses", "Memasang kembali sertifikat lama", "Berkas lengkap"):
        assert fact in now


def test_a_delegate_has_the_queue_on_the_days_of_the_delegation_only(running_app: RunningApp) -> None:
    delegate = running_app.visitor("pengelola2")
    assert "/admin/approval/?state=open&amp;waiting=me" not in delegate.get("/").text
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        delegation(session, office, office.manager2)
    later, running_app.now = running_app.now, NOW
    try:
        assert "/admin/approval/?state=open&amp;waiting=me" in delegate.get("/").text
    finally:
        running_app.now = later
    assert "/admin/approval/?state=open&amp;waiting=me" not in delegate.get("/").text


def test_a_queue_of_open_steps_shows_how_long_they_wait_and_nothing_that_only_finished_ones_have(
    running_app: RunningApp,
) -> None:
    visitor = running_app.visitor("kepala")
    page = visitor.get("/admin/approval/?state=open&urgency=emergency").text
    assert headings(page) == [
        "Nomor", "Judul", "Pemohon", "Jenis perubahan", "Dasar", "Risiko", "Batas waktu", "Tindakan",
    ]  # fmt: skip
    assert {"Hasil", "Oleh", "Selaku", "Alasan"} < set(headings(visitor.get("/admin/approval/").text))
    assert headings(visitor.get("/admin/approval/?state=open&columns=number,reason").text) == [
        "Nomor",
        "Alasan",
    ]


def headings(page: str) -> list[str]:
    """Return the headings of a list's columns."""
    row = re.search(r"<thead>(.*?)</thead>", page, re.DOTALL)
    assert row is not None
    cells = re.findall(r"<th[^>]*>(.*?)</th>", row[1], re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>|[↑↓]", "", cell)).strip() for cell in cells]


def test_a_count_stops_at_its_cap_and_says_so(running_app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_COUNT == 10_000
    count_up_to, counted = lists._count_statement, []

    def counting(spec: ListSpec, criteria: Any, most: int | None) -> Select[Any]:
        """Return the count up to three, plus ``MAX_COUNT - 3``."""
        assert most == MAX_COUNT
        with running_app.session() as session:
            counted.append(session.scalar(count_up_to(spec, criteria, 3)))
        return select(count_up_to(spec, criteria, 3).scalar_subquery() + MAX_COUNT - 3)

    monkeypatch.setattr(lists, "_count_statement", counting)
    page = running_app.visitor("kepala").get("/admin/audit/").text
    assert counted == [4]
    assert re.search(r'role="status">1–25 dari 10\.000\+ baris<', page)


def test_time_and_size_are_in_words_on_a_page_and_in_one_unit_in_an_export(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    page = visitor.get("/admin/approval/?state=open&columns=number,waited,standard").text
    assert headings(page) == ["Nomor", "Menunggu", "Waktu baku"]
    assert re.search(r'data-label="Menunggu">(<span[^>]*>)?\d+ hari kerja', page)
    assert re.search(r'data-label="Waktu baku">1 jam<', page)
    exported = visitor.get("/admin/approval/export/csv/?state=open").text.splitlines()
    assert {"Menunggu (menit)", "Waktu baku (menit)"} < set(exported[0].lstrip("\ufeff").split(","))
    assert ",60," in exported[1]
    assert headings(visitor.get("/admin/document/?columns=name,size").text) == ["Nama berkas", "Ukuran"]
    assert "Ukuran (byte)" in visitor.get("/admin/document/export/csv/").text.splitlines()[0]


def test_a_step_with_one_outcome_has_no_column_of_it(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    assert "Hasil" not in headings(visitor.get("/admin/implementation/").text)
    assert "Hasil" in headings(visitor.get("/admin/evaluation/").text)
    assert "Hasil" in headings(visitor.get("/admin/implementation/?columns=number,outcome").text)


def test_a_name_stays_on_one_line_and_a_moment_breaks_where_there_are_many_columns(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    assert '<td class="short" data-label="Pemohon">' in visitor.get("/admin/change/").text
    few = visitor.get("/admin/change/?columns=number,title,submitted").text
    assert '<td class="short" data-label="Diajukan">' in few
    many = visitor.get("/admin/change/?columns=number,title,urgency,step,result,requester,institution,submitted").text
    assert '<td data-label="Diajukan">' in many


@pytest.mark.parametrize("screen", SCREENS)
def test_an_empty_list_says_what_would_fill_it(screen: str, running_app: RunningApp) -> None:
    page = running_app.visitor("administrator.tt").get(f"/admin/{screen}/?search=tidakadasamasekali")
    assert page.status_code == 200
    assert re.search(r'class="nothing-here">Tidak ada yang cocok\. Hapus saringan.*?href="\?"', page.text, re.DOTALL)


def test_an_empty_list_that_nothing_narrows_says_what_begins_it(running_app: RunningApp) -> None:
    page = running_app.visitor("administrator.tt").get("/admin/freeze/").text
    assert re.search(r'class="nothing-here">Belum ada masa pembekuan.*?href="/admin/freeze/new/"', page, re.DOTALL)
    assert "Daftar ini berakhir sebelum" in running_app.visitor("kepala").get("/admin/change/?page=900").text


def test_a_home_shows_what_waits_for_its_reader_and_what_they_sent_on(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.IMPLEMENTATION)
    link = f"/admin/change/details/?id={change_id}"
    assert link in running_app.visitor("pengelola").get("/").text
    requester, in_office = running_app.visitor("pemohon"), "/admin/change/?state=with-office"
    assert in_office in requester.get("/").text
    assert link in requester.get(in_office).text
    assert link not in running_app.visitor("pemohon2").get(in_office).text
    assert link not in running_app.visitor("pengelola.tt").get("/").text


def test_the_page_of_a_request_leads_back_to_the_list_as_it_was(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = running_app.visitor("pengelola")
    address = "/admin/evaluation/?state=open&size=50"
    assert visitor.get(address).status_code == 200
    page = visitor.get(f"/admin/change/details/?id={change_id}").text
    back = re.search(r'href="([^"]+)">Kembali ke daftar<', page)
    assert back
    assert unescape(back[1]) == address
    assert visitor.get(unescape(back[1])).status_code == 200
