"""The release calendar: each window on each of its days, in the office's own zone, for whoever may see it."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import Environment
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, change_at_step, freeze, make_move, set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from typing import Any

    from tests.support.running_app import RunningApp

WIB = dt.timezone(dt.timedelta(hours=7))


class _Cells(HTMLParser):
    """The text of each day's cell, by its date."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.day = ""
        self.headers: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in {"td", "th"}:
            self.inside = tag
        if tag == "time" and self.inside == "td":
            self.day = given["datetime"] or ""
            self.found[self.day] = ""
        if tag == "a" and self.inside == "td":
            self.found[self.day] += f" [{given['href']}] "

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "th" and data.strip():
            self.headers.append(data.strip())
        elif self.inside == "td" and self.day:
            self.found[self.day] += " ".join(data.split()) + " "


def cells(page: str) -> dict[str, str]:
    reader = _Cells()
    reader.feed(page)
    assert len(reader.headers) in {0, 7}
    return reader.found


def shown(running_app: RunningApp, name: str, query: str) -> dict[str, str]:
    answer = running_app.visitor(name).get(f"/admin/release/calendar?{query}")
    assert answer.status_code == 200, answer.text
    return cells(answer.text)


def days_with(running_app: RunningApp, name: str, query: str, text: str) -> list[str]:
    return [day for day, said in shown(running_app, name, query).items() if text in said]


@pytest.fixture(scope="module")
def numbers(running_app: RunningApp) -> dict[str, str]:
    """Releases over a year's end, over several days, at a month's edge, two that overlap, and one of another office."""
    windows = {
        "newyear": (dt.datetime(2026, 12, 31, 23, 0, tzinfo=WIB), dt.datetime(2027, 1, 1, 1, 0, tzinfo=WIB)),
        "long": (dt.datetime(2026, 4, 29, 20, 0, tzinfo=WIB), dt.datetime(2026, 5, 2, 0, 0, tzinfo=WIB)),
        "one": (dt.datetime(2026, 6, 10, 17, 0, tzinfo=WIB), dt.datetime(2026, 6, 10, 19, 0, tzinfo=WIB)),
        "two": (dt.datetime(2026, 6, 10, 18, 0, tzinfo=WIB), dt.datetime(2026, 6, 10, 20, 0, tzinfo=WIB)),
        "evening": (dt.datetime(2026, 7, 10, 20, 0, tzinfo=WIB), dt.datetime(2026, 7, 11, 0, 0, tzinfo=WIB)),
    }
    results = {}
    with running_app.session() as session:
        everybody = running_app.cast(session)
        for key, office in ((LUMAJANG, everybody.lumajang), (TANA_TIDUNG, everybody.tana_tidung)):
            for name, (start, end) in windows.items():
                change = change_at_step(session, office, Step.RELEASE)
                make_move(session, change, Outcome.SCHEDULED, office.manager, values={
                    "window_start_at": start, "window_end_at": end, "overlap_reason": "Bersama"})  # fmt: skip
                results[name if key == LUMAJANG else f"{name}.tt"] = f"id={change.id}]"
                if name == "one":
                    release = next(one for one in change.activities if isinstance(one, Release))
                    release.add_actual_time(NOW, now=NOW)
                    session.commit()
        freeze(session, everybody.lumajang, first=100, last=102, name="PEMBEKUANX")
        freeze(session, everybody.lumajang, first=100, last=102, name="LATIHANX", environment=Environment.TRAINING)
    return results


def test_a_window_stands_on_each_of_its_days_across_months_and_years(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    december = days_with(running_app, "pengelola", "date=2026-12-05", numbers["newyear"])
    assert december == ["2026-12-31", "2027-01-01"]
    assert days_with(running_app, "pengelola", "view=week&date=2027-01-01", numbers["newyear"]) == december
    assert days_with(running_app, "pengelola", "date=2026-04-01", numbers["long"]) == [
        "2026-04-29", "2026-04-30", "2026-05-01",
    ]  # fmt: skip
    assert days_with(running_app, "pengelola", "view=week&date=2026-05-02", numbers["long"])[-1] == "2026-05-01"
    text = shown(running_app, "pengelola", "date=2026-04-01")
    assert "mulai 20.00" in text["2026-04-29"]
    assert "sepanjang hari" in text["2026-04-30"]
    assert "20.00–" not in text["2026-05-01"]


def test_what_ends_at_midnight_lasts_until_the_end_of_its_last_day(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    last_day = shown(running_app, "pengelola", "date=2026-05-01")["2026-05-01"]
    assert "sepanjang hari" in last_day
    assert "00.00" not in last_day
    listed = running_app.visitor("pengelola").get("/admin/release/calendar?view=list&date=2026-04-01").text
    assert "29 April 2026, 20.00–1 Mei 2026, 24.00" in listed
    evening = shown(running_app, "pengelola", "date=2026-07-01")
    assert "20.00–24.00" in evening["2026-07-10"]
    assert numbers["evening"] not in evening["2026-07-11"]


def test_days_are_those_of_the_reader_s_zone(running_app: RunningApp, numbers: dict[str, str]) -> None:
    assert days_with(running_app, "pengelola.tt", "date=2026-04-01", numbers["long.tt"])[-1] == "2026-05-02"
    assert "23.00" in shown(running_app, "pengelola", "date=2026-12-31")["2026-12-31"]
    assert "00.00–02.00" in shown(running_app, "pengelola.tt", "date=2027-01-01")["2027-01-01"]


def test_overlaps_are_said_in_words_and_each_entry_leads_to_its_request(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    day = shown(running_app, "pemeriksa", "date=2026-06-01")["2026-06-10"]
    assert numbers["one"] in day
    assert numbers["two"] in day
    assert day.count("Tumpang tindih dengan RFC/2026/") == 2
    assert "17.00–19.00" in day
    assert "Tumpang tindih" not in shown(running_app, "pemeriksa", "date=2026-04-01")["2026-04-30"]


def test_an_overlap_names_the_other_release_to_whoever_may_see_it(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    with running_app.session() as session:
        number_of = {
            name: session.get_one(ChangeRequest, int(numbers[name].removeprefix("id=").removesuffix("]"))).number
            for name in ("one", "two")
        }
    day = shown(running_app, "kepala", "view=week&date=2026-06-10")["2026-06-10"]
    assert f"Tumpang tindih dengan {number_of['one']}" in day
    assert f"Tumpang tindih dengan {number_of['two']}" in day


def test_a_release_that_took_place_on_its_day_is_one_entry_and_told_apart_from_a_planned_one(
    running_app: RunningApp,
) -> None:
    window: dict[str, Any] = {"window_start_at": "2026-03-10T10:00", "window_end_at": "2026-03-10T11:00"}
    done, planned = (running_app.change_at_step(LUMAJANG, Step.RELEASE) for _number in range(2))
    for change_id in (done, planned):
        answer = running_app.make_move(change_id, Outcome.SCHEDULED, overlap_reason="Bersama", **window)
        assert answer.status_code == 303
    with running_app.session() as session:
        release = session.scalars(select(Release).where(Release.change_id == done)).one()
        release.actual_at = dt.datetime(2026, 3, 10, 10, 30, tzinfo=WIB)
        set_test_audit_context(session)
        session.commit()
    page = running_app.visitor("kepala").get("/admin/release/calendar?date=2026-03-10").text
    chips = re.findall(r'<li class="chip chip-(\w+)"><a href="/admin/change/details/\?id=(\d+)"', page)
    assert chips.count(("actual", str(done))) == 1
    assert chips.count(("planned", str(planned))) == 1
    assert ("planned", str(done)) not in chips


def test_what_is_beyond_a_crowded_day_is_in_the_page_for_paper(running_app: RunningApp) -> None:
    for _number in range(7):
        change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
        window: dict[str, Any] = {
            "window_start_at": "2026-08-12T10:00", "window_end_at": "2026-08-12T11:00", "overlap_reason": "Bersama",
        }  # fmt: skip
        assert running_app.make_move(change_id, Outcome.SCHEDULED, **window).status_code == 303
    page = running_app.visitor("kepala").get("/admin/release/calendar?date=2026-08-01").text
    day = page[page.index('datetime="2026-08-12"') : page.index('datetime="2026-08-13"')]
    assert day.count('<li class="chip chip-planned">') == 4
    assert day.count('<li class="chip chip-planned is-beyond">') == 3
    assert "3 lagi" in day
    whole = running_app.visitor("kepala").get("/admin/release/calendar?date=2026-08-01&all=1").text
    assert "is-beyond" not in whole
    assert whole.count('<li class="chip chip-planned">') == 7


def test_days_of_a_freeze_are_shaded(running_app: RunningApp, numbers: dict[str, str]) -> None:
    page = running_app.visitor("kepala").get("/admin/release/calendar?date=2026-06-01").text
    shaded = re.findall(r'<td class="([^"]*)"[^>]*>\s*<time datetime="([\d-]+)"', page)
    assert [day for classes, day in shaded if "is-frozen" in classes] == ["2026-06-10", "2026-06-11", "2026-06-12"]


def test_actual_times_and_freezes_stand_there_too(running_app: RunningApp, numbers: dict[str, str]) -> None:
    today = shown(running_app, "kepala", "view=week&date=2026-03-02")
    assert len(today) == 7
    assert "Realisasi rilis" in today["2026-03-02"]
    frozen = days_with(running_app, "kepala", "date=2026-06-01", "PEMBEKUANX")
    assert frozen == ["2026-06-10", "2026-06-11", "2026-06-12"]
    narrowed = shown(running_app, "kepala", "date=2026-06-01&environment=production")["2026-06-10"]
    assert "PEMBEKUANX" in narrowed
    assert "LATIHANX" not in narrowed
    assert days_with(running_app, "kepala", "date=2026-06-01&environment=training", numbers["one"]) == []


def test_holidays_are_named_in_their_cells(running_app: RunningApp, numbers: dict[str, str]) -> None:
    assert "Hari Libur" in shown(running_app, "kepala", "date=2026-05-01")["2026-05-01"] or re.search(
        "[Ll]ibur", shown(running_app, "kepala", "date=2026-05-01")["2026-05-01"]
    )
    assert running_app.visitor("kepala").get("/admin/release/calendar?date=2150-05-01").status_code == 200


def test_requesters_see_their_own_releases_and_nobody_another_agency_s(
    running_app: RunningApp, numbers: dict[str, str]
) -> None:
    assert days_with(running_app, "pemohon", "date=2026-06-01", numbers["one"])
    assert days_with(running_app, "pemohon", "date=2026-06-01", "PEMBEKUANX") == []
    assert days_with(running_app, "pemohon2", "date=2026-06-01", numbers["one"]) == []
    assert days_with(running_app, "kepala", "date=2026-06-01", numbers["one.tt"]) == []
    across = shown(running_app, "admin", "view=week&date=2026-06-10")["2026-06-10"]
    assert numbers["one"] in across
    assert numbers["one.tt"] in across


def test_each_role_opens_each_view_and_steps_through_it(running_app: RunningApp, numbers: dict[str, str]) -> None:
    for name in ("pemohon", "pengelola", "kepala", "pemeriksa", "administrator", "admin"):
        for view in ("month", "week", "list"):
            page = running_app.visitor(name).get(f"/admin/release/calendar?view={view}&date=2026-12-31").text
            later = re.search(r'rel="next" href="\?([^"]+)"', page)
            earlier = re.search(r'rel="prev" href="\?([^"]+)"', page)
            assert later
            assert earlier
            assert "2027-01" in later.group(1)
            assert "2026-1" in earlier.group(1)
            assert running_app.visitor(name).get(f"/admin/release/calendar?{later.group(1)}").status_code == 200
    assert "/admin/release/calendar" in running_app.visitor("pemohon").get("/admin/release/").text


def test_the_list_holds_the_month_in_order(running_app: RunningApp, numbers: dict[str, str]) -> None:
    page = running_app.visitor("pengelola").get("/admin/release/calendar?view=list&date=2026-06-30").text
    assert page.index("PEMBEKUANX") < page.index(numbers["one"][:-1]) < page.index(numbers["two"][:-1])
    empty = running_app.visitor("pengelola").get("/admin/release/calendar?view=list&date=2031-01-01").text
    assert "Tidak ada rencana rilis" in empty


def test_a_crowded_day_leads_to_its_week(running_app: RunningApp, numbers: dict[str, str]) -> None:
    for _number in range(6):
        change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
        window: dict[str, Any] = {"window_start_at": "2026-07-15T10:00", "window_end_at": "2026-07-15T11:00"}
        assert running_app.make_move(change_id, Outcome.SCHEDULED, **window).status_code == 303
    day = shown(running_app, "pengelola", "date=2026-07-01")["2026-07-15"]
    assert "2 lagi" in day
    assert "[?view=week&date=2026-07-15]" in day
    assert shown(running_app, "pengelola", "view=week&date=2026-07-15")["2026-07-15"].count("10.00–11.00") == 6


@pytest.mark.parametrize(
    "query",
    ["view=year", "date=besok", "date=0001-01-01", "date=9999-12-31", "date=2026-02-30", "environment=x", "view=%00"],
)
def test_what_cannot_be_shown_is_400(query: str, running_app: RunningApp) -> None:
    assert running_app.visitor("pengelola").get(f"/admin/release/calendar?{query}").status_code == 400


def test_the_edges_of_what_can_be_shown_open(running_app: RunningApp) -> None:
    for view in ("month", "week", "list"):
        for date in ("1900-02-01", "2199-12-01", "2028-02-29"):
            assert (
                running_app.visitor("pengelola").get(f"/admin/release/calendar?view={view}&date={date}").status_code
                == 200
            )
