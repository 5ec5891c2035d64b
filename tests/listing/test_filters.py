"""What lists are narrowed by: periods that move, who has a step, lateness, risk; and what an address may not ask."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import Risk
from models.changes.steps.activity import Evaluation
from models.inventory.asset import Asset
from tests.support.cast import NOW, OUTCOMES_TO, asset, change_at_step, make_move, new_change
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running_app import RunningApp


@pytest.fixture(autouse=True)
def clock(running_app: RunningApp) -> Iterator[None]:
    """Put the clock back after each test."""
    yield
    running_app.now = NOW


def submitted(app: RunningApp, at: dt.datetime, **values: object) -> str:
    """Submit a request at a moment and return its number."""
    with app.session() as session:
        office = app.cast(session).lumajang
        change = new_change(session, office, now=at)
        make_move(session, change, Outcome.SUBMITTED, office.requester, now=at, values=values)
        return present(change.number)


def numbers(app: RunningApp, query: str, who: str = "kepala", screen: str = "change") -> set[str]:
    """Return the numbers in a list."""
    answer = app.visitor(who).get(f"/admin/{screen}/?size=100&{query}")
    assert answer.status_code == 200, query
    return set(re.findall(r'<th scope="row"><a href="[^"]*">([^<]+)</a>', answer.text))


def test_a_saved_view_of_this_month_shows_the_next_month_in_the_next_month(running_app: RunningApp) -> None:
    in_november = submitted(running_app, dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC))
    in_december = submitted(running_app, dt.datetime(2026, 12, 1, 3, tzinfo=dt.UTC))
    running_app.now = dt.datetime(2026, 11, 25, 3, tzinfo=dt.UTC)
    visitor = running_app.visitor("kepala")
    saved = visitor.post("/lists/change/", name="Permintaan bulan ini", address="submitted=this-month")
    assert saved.status_code == 303
    page = visitor.get("/admin/change/").text
    address = re.search(r'href="\?([^"]+)"[^>]*>Permintaan bulan ini<', page)
    assert address is not None
    assert {in_november, in_december} & numbers(running_app, address[1]) == {in_november}
    running_app.now = dt.datetime(2026, 12, 2, 3, tzinfo=dt.UTC)
    visitor = running_app.visitor("kepala")
    assert {in_november, in_december} & numbers(running_app, address[1]) == {in_december}
    assert in_november in numbers(running_app, "submitted=last-month")
    csv = visitor.get("/admin/change/export/csv/?submitted=this-month").text
    assert in_december in csv
    assert in_november not in csv
    assert "Bulan ini, 1 Desember 2026 s.d. 31 Desember 2026" in visitor.get("/admin/change/?submitted=this-month").text


def test_a_period_and_dates_together_are_both_kept_to(running_app: RunningApp) -> None:
    first = submitted(running_app, dt.datetime(2027, 3, 2, 3, tzinfo=dt.UTC))
    second = submitted(running_app, dt.datetime(2027, 3, 20, 3, tzinfo=dt.UTC))
    running_app.now = dt.datetime(2027, 3, 25, 3, tzinfo=dt.UTC)
    assert numbers(running_app, "submitted=this-month") == {first, second}
    assert numbers(running_app, "submitted=this-month&submitted-from=2027-03-10") == {second}
    assert numbers(running_app, "submitted=this-month&submitted-until=2027-03-10") == {first}


@pytest.mark.parametrize(
    ("screen", "query", "named"),
    [
        pytest.param("change", "sumbitted=2026", "sumbitted", id="a misspelled filter"),
        pytest.param("change", "submitted=someday", "someday", id="a period that does not exist"),
        pytest.param("evaluation", "risiko=high", "risiko", id="a filter in another language"),
        pytest.param("asset", "card=B&kondisi=baik", "kondisi", id="one known and one unknown filter"),
        pytest.param("change", "flt0_0=1", "flt0_0", id="a filter as the framework numbers it"),
        pytest.param("change/export/csv", "sumbitted=2026", "sumbitted", id="a misspelled filter of an export"),
    ],
)
def test_an_address_that_asks_what_a_list_does_not_know_is_told_so(
    running_app: RunningApp, screen: str, query: str, named: str
) -> None:
    answer = running_app.visitor("kepala").get(f"/admin/{screen}/?{query}")
    assert answer.status_code == 400
    assert f"“{named}”" in answer.text


def test_requests_are_narrowed_by_who_asks_where_from_and_who_has_them(running_app: RunningApp) -> None:
    asked = {"requester_name": "Rahayu Puspita", "requester_institution": "Dinas Arsip Kota"}
    theirs = submitted(running_app, NOW, **asked)
    assert numbers(running_app, "requester=puspita+rahayu") == {theirs}
    assert numbers(running_app, "institution=arsip") == {theirs}
    assert theirs in numbers(running_app, "handler=nobody")
    assert theirs in numbers(running_app, "handler=nobody", screen="evaluation")
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        step = session.scalars(select(Evaluation).order_by(Evaluation.id.desc())).first()
        change_id, manager_id = present(step).change_id, office.manager.id
        name = office.manager.full_name
    assert running_app.visitor("pengelola").post(f"/admin/change/{change_id}/take-up").status_code == 303
    for screen in ("change", "evaluation"):
        assert theirs not in numbers(running_app, "handler=nobody", screen=screen)
        assert theirs in numbers(running_app, "handler=me", "pengelola", screen)
        assert theirs not in numbers(running_app, "handler=me", "kepala", screen)
        assert theirs in numbers(running_app, f"handler={manager_id}", screen=screen)
        assert theirs in numbers(running_app, f"handler-name={name.replace(' ', '+')}", screen=screen)


def test_requests_are_narrowed_by_whether_their_open_step_is_late(running_app: RunningApp) -> None:
    number = submitted(running_app, NOW)
    assert number not in numbers(running_app, "judged=late")
    assert number in numbers(running_app, "judged=in-time")
    running_app.now = NOW + dt.timedelta(days=60)
    assert number in numbers(running_app, "judged=late")
    assert number not in numbers(running_app, "judged=in-time")
    assert running_app.visitor("kepala").get("/admin/change/?judged=perhaps").status_code == 400


def test_approvals_are_narrowed_by_the_risk_that_was_assessed(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        results = {}
        for risk in (Risk.HIGH, Risk.LOW):
            change = new_change(session, office)
            for outcome in OUTCOMES_TO[Step.APPROVAL]:
                typed = {"risk": risk} if outcome is Outcome.ACCEPTED else {}
                make_move(session, change, outcome, office.actor(change.step), values=typed)
            results[risk] = present(change.number)
    assert numbers(running_app, "risk=high", screen="approval") & set(results.values()) == {results[Risk.HIGH]}
    assert numbers(running_app, "risk=low", screen="approval") & set(results.values()) == {results[Risk.LOW]}


def test_releases_are_narrowed_by_windows_to_come(running_app: RunningApp) -> None:
    with running_app.session() as session:
        change_at_step(session, running_app.cast(session).lumajang, Step.RELEASE)
    page = running_app.visitor("kepala").get("/admin/release/").text
    assert '<option value="next-7-days">' in page
    assert running_app.visitor("kepala").get("/admin/release/?window=next-month").status_code == 200
    assert '<option value="next-7-days">' not in running_app.visitor("kepala").get("/admin/change/").text


def test_the_asset_list_leaves_out_what_was_removed_until_it_is_asked_for(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        asset(session, office, "0901", name="Masih dipakai")
        gone = asset(session, office, "0902", name="Sudah dihapus")
        change = change_at_step(session, office, Step.ASSET_UPDATE)
        rows = [{"kind": "retired", "asset_id": gone.id, "value": "Dihapus dengan keputusan bupati"}]
        make_move(session, change, Outcome.UPDATED, office.actor(change.step), values={"mutations": rows})
        assert present(session.get(Asset, gone.id)).is_retired
    visitor = running_app.visitor("pengelola")
    for query, names in (
        ("", {"Masih dipakai"}),
        ("state=retired", {"Sudah dihapus"}),
        ("state=all", {"Masih dipakai", "Sudah dihapus"}),
    ):
        page = visitor.get(f"/admin/asset/?{query}").text.partition("<tbody>")[2]
        csv = visitor.get(f"/admin/asset/export/csv/?{query}").text
        for name in ("Masih dipakai", "Sudah dihapus"):
            assert (name in page) == (name in csv) == (name in names), query
    shown = visitor.get("/admin/asset/").text
    chip = re.search(r'<a class="chip" href="\?([^"]+)">Status: Tercantum dalam daftar', shown)
    assert chip is not None
    assert chip[1] == "state=all"
    assert 'class="chip"' not in visitor.get("/admin/asset/?state=all").text


def test_requests_are_narrowed_by_the_asset_that_they_have_to_do_with(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        item = asset(session, office, "0777", name="Genset ruang server")
        item.details = {"plate_number": "Z 9 QQ"}
        session.commit()
        change = change_at_step(session, office, Step.ASSET_UPDATE)
        rows = [{"kind": "retired", "asset_id": item.id, "value": "Dihapus dengan keputusan bupati"}]
        make_move(session, change, Outcome.UPDATED, office.actor(change.step), values={"mutations": rows})
        number = present(change.number)
    for query in ("z9qq", "Z+9+QQ", "genset+server", "gensat", "132100102002"):
        assert number in numbers(running_app, f"asset={query}"), query
    assert numbers(running_app, "asset=zzzzqqqq") == set()


def test_requests_are_sorted_by_requester_and_institution(running_app: RunningApp) -> None:
    for name in ("Badan Awal", "Zona Akhir"):
        submitted(running_app, NOW, requester_institution=name)
    visitor = running_app.visitor("kepala")
    for sort, first in (("institution", "Badan Awal"), ("-institution", "Zona Akhir")):
        rows = visitor.get(f"/admin/change/?sort={sort}&columns=number,institution&institution=a").text
        shown = re.findall(r'data-label="Instansi[^"]*">([^<]+)<', rows)
        assert shown[0] == first
        assert shown == sorted(shown, reverse=sort.startswith("-"))
    assert visitor.get("/admin/change/?sort=requester").status_code == 200
