"""Lists over HTTP: readable addresses, searches that take every sign literally, the head's queue, counts with a cap."""

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
from tests.support.cast import LUMAJANG, NOW, ROUTES, delegation, move, new
from tests.support.house import house  # noqa: F401 - the fixture
from views.listing import lists
from views.listing.lists import COUNTED

if TYPE_CHECKING:
    from tests.support.house import House
    from views.listing.lists import ListSpec

SCREENS = (
    "change", "evaluation", "urgency", "approval", "implementation", "test", "rollback", "report", "verification",
    "release", "asset-review", "asset-update", "asset", "document", "delegation", "absence", "sop", "user", "audit",
)  # fmt: skip

#: Titles that contain what SQL, HTML and patterns make something of.
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
def register(house: House) -> list[str]:
    """Make requests with odd titles, each an emergency that reached the head a day after the one before."""
    numbers = []
    with house.session() as session:
        office = house.cast(session).lumajang
        for place, title in enumerate(ODD):
            when = NOW + dt.timedelta(days=place)
            change = new(session, office, now=when)
            kind = ChangeKind.SERVICE if place % 2 else ChangeKind.INFRASTRUCTURE
            for outcome in ROUTES[Step.APPROVAL]:
                typed = {"title": title, "kind": kind} if outcome is Outcome.SUBMITTED else {}
                move(session, change, outcome, office.actor(change.step), now=when, values=typed)
            numbers.append(change.number)
        change = new(session, office, now=NOW)
        for outcome in (*ROUTES[Step.APPROVAL], Outcome.APPROVED):
            move(session, change, outcome, office.actor(change.step))
    house.now = NOW + dt.timedelta(days=30)
    return numbers


def titles(page: str) -> list[str]:
    """Return what stands in the second column of a list of requests."""
    found = re.findall(r'<th scope="row"><a href="[^"]*">[^<]*</a></th><td[^>]*>(.*?)</td>', page, re.DOTALL)
    return [unescape(title) for title in found]


@pytest.mark.parametrize("title", ODD)
def test_a_search_takes_every_sign_as_it_is(title, house: House):
    page = house.visitor("kepala").get(f"/admin/change/?search={quote(title)}")
    assert page.status_code == 200
    assert titles(page.text) == [title]
    assert "<b>tebal</b>" not in page.text


@pytest.mark.parametrize(
    ("search", "found"),
    [("%", 1), ("_", 1), ("'", 1), ('"', 1), ("\\", 1), ("O'NEILL", 1), ("%%", 0), ("__", 0), ("  kutip ", 1)],
)
def test_wildcards_and_quotes_are_signs_like_others(search, found, house: House):
    page = house.visitor("kepala").get(f"/admin/change/?search={quote(search)}")
    assert len(titles(page.text)) == found


@pytest.mark.parametrize("screen", SCREENS)
def test_no_search_fails_on_any_screen(screen, house: House):
    visitor = house.visitor("kepala" if screen != "user" else "administrator")
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
def test_a_bad_question_is_400_with_a_sentence(screen, query, house: House):
    if query.startswith("state") and screen in {"document", "audit"}:
        return
    visitor = house.visitor("administrator")
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
        "submitted-from=31/12/2026",
        "submitted-from=2026-02-30",
        "submitted-until=0001-01-01",
        "submitted-until=9999-12-31",
        "submitted-from=%00",
        "submitted-from=2026-W01-1x",
    ],
)
def test_a_filter_that_has_no_such_value_is_400_and_names_itself(query, house: House):
    answer = house.visitor("kepala").get(f"/admin/change/?{query}")
    assert answer.status_code == 400
    assert 'class="refusal-sentence"' in answer.text


def test_unknown_names_in_an_address_change_nothing(house: House):
    visitor = house.visitor("kepala")
    plain = titles(visitor.get("/admin/change/").text)
    assert titles(visitor.get("/admin/change/?flt0_0=x&requester_id=1&agency=2&_=1").text) == plain


def test_a_page_beyond_the_end_is_empty_and_says_so(house: House):
    answer = house.visitor("kepala").get("/admin/change/?page=999")
    assert answer.status_code == 200
    assert titles(answer.text) == []
    assert 'class="nothing-here"' in answer.text
    assert 'href="?"' in answer.text


def test_a_filtered_list_is_an_address_that_can_be_sent(house: House):
    query = "kind=service&urgency=emergency&search=a"
    first, second = (house.visitor(name).get(f"/admin/change/?{query}").text for name in ("kepala", "pemeriksa"))
    assert titles(first) == titles(second)
    assert re.search(r'<option value="service" selected>', first)
    assert 'name="search" value="a"' in first


def test_the_head_s_queue_is_one_click_from_home_and_has_the_longest_waiting_first(house: House, register):
    head = house.visitor("kepala")
    queue = "/admin/approval/?state=open&amp;urgency=emergency"
    home = head.get("/").text
    assert f'href="{queue}"' in home
    assert f"{len(ODD)} " in home[home.index(queue) :][:200]
    page = head.get("/admin/approval/?state=open&urgency=emergency").text
    numbers = re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)
    assert numbers == register
    above = page[page.index('class="queue-head"') :][:600]
    assert f"{len(ODD)} " in above
    assert "2 Maret 2026" in above
    assert "bulan" in above or "minggu" in above or "hari" in above


def test_a_decision_takes_two_clicks_from_the_queue_with_what_it_needs_beside_the_buttons(house: House):
    head = house.visitor("kepala")
    page = head.get("/admin/approval/?state=open&urgency=emergency").text
    (first, *_others) = re.findall(r'<th scope="row"><a href="([^"]*)">', page)
    request_page = head.get(unescape(first).partition("#")[0]).text
    now = request_page[request_page.index('id="step"') : request_page.index('id="procedure"')]
    for button in ("approved", "refused"):
        assert f'value="{button}"' in now
    for fact in ("Layanan tidak dapat diakses", "Memasang kembali sertifikat lama", "Berkas lengkap"):
        assert fact in now


def test_a_delegate_has_the_queue_on_the_days_of_the_delegation_only(house: House):
    delegate = house.visitor("pengelola2")
    assert "/admin/approval/?state=open&amp;urgency=emergency" not in delegate.get("/").text
    with house.session() as session:
        office = house.cast(session).lumajang
        delegation(session, office, office.manager2)
    later, house.now = house.now, NOW
    try:
        assert "/admin/approval/?state=open&amp;urgency=emergency" in delegate.get("/").text
    finally:
        house.now = later
    assert "/admin/approval/?state=open&amp;urgency=emergency" not in delegate.get("/").text


def test_a_queue_of_open_steps_shows_how_long_they_wait_and_nothing_that_only_finished_ones_have(house: House):
    visitor = house.visitor("kepala")
    page = visitor.get("/admin/approval/?state=open&urgency=emergency").text
    assert headings(page) == [
        "Nomor", "Judul", "Diterima pada", "Menunggu (menit)", "Ditangani (menit)", "Batas waktu", "Penilaian",
        "Catatan",
    ]  # fmt: skip
    assert {"Hasil", "Oleh", "Dalam kapasitas", "Alasan"} < set(headings(visitor.get("/admin/approval/").text))
    assert headings(visitor.get("/admin/approval/?state=open&columns=number,reason").text) == [
        "Nomor",
        "Alasan",
        "Catatan",
    ]


def headings(page: str) -> list[str]:
    """Return what stands above the columns of a list."""
    row = re.search(r"<thead>(.*?)</thead>", page, re.DOTALL)
    assert row is not None
    cells = re.findall(r"<th[^>]*>(.*?)</th>", row[1], re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>|[↑↓]", "", cell)).strip() for cell in cells]


def test_a_count_stops_at_its_cap_and_says_so(house: House, monkeypatch):
    assert COUNTED == 10_000
    count_up_to, counted = lists._counting, []

    def counting(spec: ListSpec, criteria: Any, most: int | None) -> Select[Any]:
        """Count to three only, and say that there were as many more as the list counts."""
        assert most == COUNTED
        with house.session() as session:
            counted.append(session.scalar(count_up_to(spec, criteria, 3)))
        return select(count_up_to(spec, criteria, 3).scalar_subquery() + COUNTED - 3)

    monkeypatch.setattr(lists, "_counting", counting)
    lists._kept_statements.cache_clear()
    page = house.visitor("kepala").get("/admin/audit/").text
    lists._kept_statements.cache_clear()
    assert counted == [4]
    assert re.search(r'role="status">10\.000\+ baris<', page)


@pytest.mark.parametrize("screen", SCREENS)
def test_an_empty_list_says_what_would_fill_it(screen, house: House):
    page = house.visitor("administrator.tt").get(f"/admin/{screen}/?search=tidakadasamasekali")
    assert page.status_code == 200
    assert re.search(r'class="nothing-here">Tidak ada yang cocok\. Hapus saringan.*?href="\?"', page.text, re.DOTALL)


def test_an_empty_list_that_nothing_narrows_says_what_begins_it(house: House):
    page = house.visitor("administrator.tt").get("/admin/freeze/").text
    assert re.search(r'class="nothing-here">Belum ada masa pembekuan.*?href="/admin/freeze/new/"', page, re.DOTALL)
    assert "Daftar ini berakhir sebelum" in house.visitor("kepala").get("/admin/change/?page=900").text


def test_a_home_shows_what_waits_for_its_reader_and_what_they_sent_on(house: House):
    change_id = house.at(LUMAJANG, Step.IMPLEMENTATION)
    link = f"/admin/change/details/?id={change_id}"
    assert link in house.visitor("pengelola").get("/").text
    requester = house.visitor("pemohon").get("/").text
    assert link in requester[requester.index("<h2") :]
    assert link not in house.visitor("pemohon2").get("/").text
    assert link not in house.visitor("pengelola.tt").get("/").text
