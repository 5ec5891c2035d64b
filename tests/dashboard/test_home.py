"""Home: ages against the standard, what is late, and the office at a glance, against a register counted by hand."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.changes.steps import durations
from models.changes.steps.durations import StepTime
from models.office.agency import Agency
from models.office.office_day import set_day
from models.worktime.deadlines import sweep
from tests.support.cast import LUMAJANG, TANA_TIDUNG
from tests.support.running_app import open_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import NewDatabase
    from tests.support.program import Visitor
    from tests.support.running_app import RunningApp

_CELL = re.compile(r'<td class="number"><a href="([^"]+)">(?:<span[^>]*>)?([\d.]+)(?: terlambat</span>)?</a>')
_KEY_NUMBER = re.compile(r'<dd><a (?:class="is-bad" )?href="(/[^"]+)">([\d.]+)</a>')
_COUNTED_LINK = re.compile(r'<p><a href="(/[^"]+)">[^<]+ \(([\d.]+)\)</a></p>')
_COUNT = re.compile(r'<span role="status">\s*([\d.]+)')


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def running_app(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[RunningApp]:
    """Open the program with a register of Lumajang that can be counted by hand, and one request of the other office.

    One rejected; one at evaluation, one emergency at the head, which has waited three hours of its one, one at the
    report, one returned; one draft.
    """
    with new_database(request.param) as url, open_app(url) as program:
        for step in (Step.EVALUATION, Step.APPROVAL, Step.REPORT, Step.RETURNED, Step.REQUEST):
            program.change_at_step(LUMAJANG, step)
        program.change_at_step(TANA_TIDUNG, Step.EVALUATION)
        rejected = program.change_at_step(LUMAJANG, Step.EVALUATION)
        program.make_move(rejected, Outcome.REJECTED)
        program.now += dt.timedelta(hours=3)
        yield program


def shown(visitor: Visitor, address: str) -> int:
    """Return how many rows the list at ``address`` says that it has."""
    page = visitor.get(address)
    assert page.status_code == 200, address
    if 'class="nothing-here"' in page.text:
        return 0
    match = _COUNT.search(page.text)
    assert match, address
    return int(match[1].replace(".", ""))


def linked(page: str) -> dict[str, int]:
    """Return the numbers of a page that lead to lists."""
    results = [*_CELL.findall(page), *_KEY_NUMBER.findall(page), *_COUNTED_LINK.findall(page)]
    return {unescape(url): int(number.replace(".", "")) for url, number in results if number.replace(".", "").isdigit()}


@pytest.mark.parametrize("reader", ["kepala", "admin", "pengelola", "pengelola.tt", "pemohon", "pemeriksa"])
def test_each_figure_is_the_number_of_rows_in_the_list_that_it_leads_to(running_app: RunningApp, reader: str) -> None:
    visitor = running_app.visitor(reader)
    figures = linked(visitor.get("/").text)
    assert len(figures) > (40 if reader in {"kepala", "admin", "pemeriksa"} else 1)
    wrong = {address: (number, shown(visitor, address)) for address, number in figures.items()}
    assert not {address: pair for address, pair in wrong.items() if pair[0] != pair[1]}


def test_the_figures_are_those_that_were_counted_by_hand(running_app: RunningApp) -> None:
    page = running_app.visitor("kepala").get("/").text
    figures = linked(page)
    day = running_app.now.astimezone(dt.UTC).date()
    whole = f"/admin/change/?submitted-from={day.year - 1}-04-01&submitted-until={day}"
    narrowed = ("", "&state=open", "&result=rejected", "&result=completed", "&urgency=emergency", "&urgency=normal",
                "&urgency=unjudged")  # fmt: skip
    # Six were begun in this office, and one is a draft; what was reported had been judged as normal.
    assert [figures[whole + part] for part in narrowed] == [5, 4, 1, 0, 1, 1, 3]
    finished = f"?state=done&finished-from={day.year - 1}-04-01&finished-until={day}"
    assert figures[f"/admin/evaluation/{finished}"] == 4
    assert figures[f"/admin/evaluation/{finished}&judged=in-time"] == 4
    assert figures["/admin/approval/?state=open&judged=late"] == 1
    assert figures["/admin/report/?state=open&judged=late"] == 1
    everywhere = linked(running_app.visitor("admin").get("/").text)
    assert max(n for url, n in everywhere.items() if url.startswith("/admin/change/?submitted-from")) == 6


def test_lateness_is_told_in_words(running_app: RunningApp) -> None:
    assert "terlambat 2 jam" in running_app.visitor("kepala").get("/").text
    assert re.search(r'<span class="badge-state badge-bad">terlambat [^<]+</span>', home_of(running_app, "pemohon"))


def home_of(running_app: RunningApp, name: str) -> str:
    """Return the home page of somebody."""
    return running_app.visitor(name).get("/").text


def test_the_head_decides_from_the_first_rows_and_has_three_counters_above_them(running_app: RunningApp) -> None:
    page = home_of(running_app, "kepala")
    counters = page[page.index('class="key-numbers counters"') : page.index('class="table worklist"')]
    assert linked(counters) == {
        "/admin/approval/?state=open&waiting=me": 1,
        "/admin/verification/?state=open&waiting=me": 0,
        "/admin/deviation/?state=accounted&waiting=me": 0,
    }
    row = page[page.index('<tr class="is-emergency">') :].partition("</tr>")[0]
    link = re.search(r'<a class="btn btn-sm btn-danger" href="(/admin/change/details/\?id=\d+)#step">Putuskan', row)
    assert link
    assert running_app.visitor("kepala").get(link[1]).status_code == 200
    assert page.index('class="table worklist"') < page.index('id="glance"')


def test_what_waits_for_me_and_for_others_leads_to_my_own_list(running_app: RunningApp) -> None:
    for name in ("pengelola", "pemohon", "kepala", "plh"):
        visitor = running_app.visitor(name)
        whole = shown(visitor, "/admin/change/?waiting=me")
        by_step = {url: n for url, n in linked(visitor.get("/").text).items() if "waiting=me" in url}
        of_steps = sum(n for url, n in by_step.items() if url.startswith("/admin/") and "deviation" not in url)
        assert by_step.get("/admin/change/?waiting=me", whole) == whole
        if name != "pemohon":
            assert of_steps - by_step.get("/admin/change/?waiting=me", 0) == whole
    assert shown(running_app.visitor("pemeriksa"), "/admin/change/?waiting=me") == 0
    assert running_app.visitor("kepala").get("/admin/change/?waiting=you").status_code == 400
    assert running_app.visitor("kepala").get("/admin/change/?judged=soon").status_code == 400
    assert running_app.visitor("kepala").get("/admin/deviation/?waiting=others").status_code == 400


def test_finished_steps_add_up_with_those_whose_sop_sets_no_standard(running_app: RunningApp) -> None:
    finished = re.compile(r"/admin/([\w-]+)/\?state=done&(finished-from=[\d-]+&finished-until=[\d-]+)(?:&judged=(.+))?")
    by_step: dict[str, dict[str, int]] = {}
    for url, number in linked(home_of(running_app, "admin")).items():
        if match := finished.fullmatch(url):
            by_step.setdefault(match[1], {})[match[3] or "all"] = number
    assert by_step["evaluation"]["all"] > 0
    for step, numbers in by_step.items():
        if "no-standard" in numbers:
            parts = [numbers[part] for part in ("in-time", "late", "no-standard")]
            assert sum(parts) == numbers["all"], step


@pytest.mark.parametrize(
    ("reader", "role", "address"),
    [
        ("pemohon", "Pemohon", "/admin/change/new/"),
        ("pengelola", "Pengelola Perubahan", ""),
        ("kepala", "Kepala LPSE", "/admin/delegation/new/"),
        ("pemeriksa", "Pemeriksa", "/admin/audit/"),
        ("administrator", "Administrator", "/admin/user/new/"),
        ("admin", "Administrator", "/admin/sop/"),
    ],
)
def test_each_home_says_how_to_begin_in_the_role(running_app: RunningApp, reader: str, role: str, address: str) -> None:
    visitor = running_app.visitor(reader)
    page = visitor.get("/").text
    begin = page[page.index('class="first-steps"') :].partition("</details>")[0]
    assert f"Cara memulai selaku {role}" in begin
    assert begin.count("<li>") == 3
    guide = re.search(r'href="(/help/[a-z-]+)"', begin)
    assert guide
    assert f"Panduan {role}" in visitor.get(guide[1]).text
    for link in {address, *re.findall(r'href="([^"#]+)', begin)} - {""}:
        assert link in begin
        assert visitor.get(link).status_code == 200


def test_a_new_user_finds_the_beginning_unfolded(running_app: RunningApp) -> None:
    assert '<details class="first-steps" open>' in home_of(running_app, "pemohon2")
    assert '<details class="first-steps">' in home_of(running_app, "pemohon")


def test_a_returned_request_shows_its_reason_and_a_button(running_app: RunningApp) -> None:
    page = home_of(running_app, "pemohon")
    returned = page[page.index('<section class="returned"') :].partition("</section>")[0]
    assert re.search(r"<strong>[^<]+:</strong> \S+", returned)
    button = re.search(r'<a class="btn btn-primary" href="([^"#]+)[^"]*">Perbaiki', returned)
    assert button
    form = running_app.visitor("pemohon").get(f"/admin/change/edit/?id={button[1].rpartition('=')[2]}")
    assert unescape(button[0]).count(f'href="{form.request.path}?') == 1
    assert "dikembalikan kepada Anda" in form.text
    assert "Ajukan kembali" in form.text


def test_the_installation_chooses_an_office_and_everybody_a_period(running_app: RunningApp) -> None:
    with running_app.session() as session:
        other = session.scalars(select(Agency).where(Agency.key != "lumajang")).first()
        assert other is not None
        chosen = other.id
    figures = linked(running_app.visitor("admin").get(f"/?agency={chosen}").text)
    assert all(f"agency={chosen}" in url for url in figures)
    assert running_app.visitor("admin").get("/?agency=99").status_code == 404
    head = running_app.visitor("kepala")
    nothing = head.get("/?period=dates&from=2020-01-01&until=2020-01-31").text
    assert "NIHIL" in nothing
    for wrong in ("period=dates&from=2026-02-01&until=2026-01-01", "period=dates&from=x", "period=never",
                  "period=dates&from=2000-01-01&until=2026-01-01"):  # fmt: skip
        answer = head.get(f"/?{wrong}")
        assert answer.status_code == 400
        assert 'id="period-error"' in answer.text
    assert 'id="glance"' not in running_app.visitor("pengelola").get("/").text
    assert 'id="glance"' not in running_app.visitor("pemohon").get("/").text


def test_the_requester_s_home_leads_to_their_requests_by_state(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemohon")
    page = visitor.get("/").text
    figures = linked(page)
    assert figures["/admin/change/?state=draft"] == 1
    assert figures["/admin/change/?step=returned"] == 1
    assert figures["/admin/change/?state=with-office"] == 3
    assert all(shown(visitor, url) == number for url, number in figures.items())
    assert page.index('class="returned"') < page.index(">Draf</a></th>")


def test_an_inspector_reaches_an_export_from_home(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemeriksa")
    links = re.findall(r'href="(/admin/[\w-]+/export/(?:csv|xlsx)/)"', visitor.get("/").text)
    assert "/admin/change/export/csv/" in links
    assert "/admin/audit/export/csv/" in links
    assert all(visitor.get(link).status_code == 200 for link in links)


def test_what_is_kept_of_clocks_follows_the_calendar_and_the_trail_is_not_told(running_app: RunningApp) -> None:
    with running_app.session() as session:
        agency = session.scalars(select(Agency).where(Agency.key == "lumajang")).one()
        of_office = f"agency_id = {agency.id} and finished_at is not null and step <> 'request'"
        finished = session.scalar(text(f"select count(*) from activity where {of_office}"))
        saved = select(StepTime).where(StepTime.agency_id == agency.id)
        assert len(session.scalars(saved).all()) == finished
        sweep(session, agency, running_app.now)
        session.commit()
        assert durations.is_up_to_date(session, [agency], running_app.now)
        day = running_app.now.astimezone(agency.zone).date()
        by = running_app.cast(session).lumajang.administrator
        set_day(session, agency, date=day, kind=DayOverrideKind.HOLIDAY, name="Libur", hours="", reason="SKB", by=by,
                now=running_app.now)  # fmt: skip
        session.commit()
        assert not durations.is_up_to_date(session, [agency], running_app.now)
        assert durations.recompute_stale(session, agency, running_app.now) == finished
        session.commit()
        assert durations.is_up_to_date(session, [agency], running_app.now)
        assert not session.scalar(text("select count(*) from audit_row where table_name = 'step_time'"))
        session.rollback()


# The last one: it adds requests.
def test_late_requests_are_all_counted_however_many_rows_are_shown(running_app: RunningApp) -> None:
    for _number in range(12):
        running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    running_app.now += dt.timedelta(days=10)
    try:
        visitor = running_app.visitor("pemohon")
        late = linked(visitor.get("/").text)["/admin/change/?judged=late"]
        assert late >= 12
        assert shown(visitor, "/admin/change/?judged=late") == late
    finally:
        running_app.now -= dt.timedelta(days=10)
