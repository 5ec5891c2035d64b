"""A standard time by the clock ("24 jam kalender"), on every page that tells how long a step took or has left."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop.durations import is_by_clock
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import DetectedDeviation, DeviationKind
from lpse_admin.worktime.step_timing import duration_message
from models.changes.change import ChangeRequest
from models.sops.sop import load_revision
from models.worktime.deadlines import sweep
from tests.support.cast import LUMAJANG, NOW, make_move, new_change
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

_BY_THE_CLOCK = "menurut jam, siang dan malam"


def test_time_of_the_clock_is_written_in_calendar_days() -> None:
    written = {60: "1 h", 1439: "23 h 59 min", 1440: "1 calendar day", 1441: "1 calendar day 1 h"}
    written |= {2879: "2 calendar days", 4320 + 61: "3 calendar days 2 h", 14_401: "11 calendar days"}
    assert {minutes: str(duration_message(minutes, by_clock=True)) for minutes in written} == written


@pytest.mark.parametrize(
    ("standard", "words"),
    [("24 jam kalender", "3 calendar days 2 h;"), ("2 jam", "9 working days 7 h of working time")],
)
def test_a_delay_is_told_in_the_time_that_its_standard_is_measured_by(standard: str, words: str) -> None:
    late = DetectedDeviation(DeviationKind.TIME, "arrival", standard=standard, measured_minutes=4440)
    assert f"has taken {words}" in str(late.account_error)
    assert late.by_clock is is_by_clock(standard)


def test_only_a_standard_time_is_by_the_clock() -> None:
    other = DetectedDeviation(DeviationKind.EQUIPMENT, "letter", what="Surat", standard="24 jam kalender")
    assert not other.by_clock
    assert not is_by_clock("kapan saja kalender")


def test_a_step_with_a_time_by_the_clock_is_told_in_calendar_days_everywhere(running_app: RunningApp) -> None:
    paper = resources.files("lpse_admin.sop.papers").joinpath(f"{LUMAJANG}.toml").read_text(encoding="utf-8")
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        text = paper.replace('time = "2 jam"', 'time = "24 jam kalender"', 1)
        text = text.replace("approved = 2018-03-31", "approved = 2026-01-05\nrevised = 2026-01-05")
        revision = load_revision(session, text, LUMAJANG, now=NOW)
        revision.enact(now=NOW, by=office.head)
        assert [step for step, rule in revision.sop.rules.items() if rule.standard and rule.standard.by_clock] == [
            Step.EVALUATION
        ]
        change = new_change(session, office)
        make_move(session, change, Outcome.SUBMITTED, office.requester)
        id_, number = change.id, str(change.number)
    running_app.now = NOW + dt.timedelta(days=3, hours=2)
    late = "terlambat 2 hari kalender 2 jam"
    with running_app.session() as session:
        sweep(session, session.get_one(ChangeRequest, id_).agency, running_app.now)
        session.commit()
    manager, page = running_app.visitor("pengelola"), f"/admin/change/details/?id={id_}"
    shown = manager.get(page).text
    assert "2 hari kalender 2 jam" in shown
    assert f"24 jam kalender ({_BY_THE_CLOCK})" in shown
    assert "3 hari kalender 2 jam" in shown
    for address in ("/", f"/admin/change/?state=open&search={number}", "/admin/evaluation/?state=open"):
        assert late in manager.get(address).text
    ledger = running_app.visitor("kepala").get("/admin/deviation/").text
    assert "3 hari kalender 2 jam" in ledger
    assert "hari kerja" not in present(ledger[ledger.index("<tbody") : ledger.index("</tbody")])
    sop = manager.get(f"/admin/sop/details/?id={_revision_id(running_app, id_)}").text
    assert f'24 jam kalender <span class="aside">({_BY_THE_CLOCK})' in sop
    figures = running_app.visitor("kepala").get("/admin/deviation/export/csv/").text
    assert ",4440," in figures


def _revision_id(running_app: RunningApp, change_id: int) -> int:
    with running_app.session() as session:
        return session.get_one(ChangeRequest, change_id).sop_id
