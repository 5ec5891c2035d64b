"""What is told of a release window while it is typed: overlaps, freezes, and the days of its week."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from lpse_admin.sop.steps import Outcome, Step
from tests.support.cast import LUMAJANG, NOW, freeze
from tests.support.running_app import ACCOUNT_SUFFIXES, running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

SUFFIX = ACCOUNT_SUFFIXES[LUMAJANG]
#: Wednesday, 4 March 2026, in the office's own time.
EVENING = {"window_start_at": "2026-03-04T20:00", "window_end_at": "2026-03-04T21:00", "environment": "production"}


def check(running_app: RunningApp, change_id: int, **values: str) -> dict[str, Any]:
    query = urlencode({"change": str(change_id), **values})
    answer = running_app.visitor(f"pengelola{SUFFIX}").get(f"/admin/release/window?{query}", json=True)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.get_json()
    return result


def test_an_overlap_is_told_with_its_number_and_the_week_shows_both_days(running_app: RunningApp) -> None:
    first = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    second = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    assert not check(running_app, second, **EVENING)["overlaps"]
    typed: dict[str, Any] = {**EVENING}
    created = running_app.make_move(first, Outcome.SCHEDULED, **typed)
    assert created.status_code == 303
    result = check(running_app, second, **EVENING)
    assert "RFC/2026/" in result["overlaps"]
    assert len(result["days"]) == 7
    (chosen,) = [day for day in result["days"] if day["chosen"]]
    assert chosen["text"] == "Rabu, 4 Maret 2026"
    assert any("RFC/2026/" in entry["text"] for entry in chosen["entries"])
    after = EVENING | {"window_start_at": "2026-03-04T21:00", "window_end_at": "2026-03-04T22:00"}
    assert not check(running_app, second, **after)["overlaps"], "adjacent windows do not overlap"


def test_a_freeze_is_told_with_its_name(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    with running_app.session() as session:
        office = running_app.cast(session).office(LUMAJANG)
        freeze(session, office, first=100, last=102, name="Pembekuan akhir tahun")
    local = (NOW + dt.timedelta(days=100, hours=8)).strftime("%Y-%m-%dT%H:%M")
    until = (NOW + dt.timedelta(days=100, hours=9)).strftime("%Y-%m-%dT%H:%M")
    result = check(running_app, change_id, window_start_at=local, window_end_at=until, environment="production")
    assert "Pembekuan akhir tahun" in result["freezes"]


@pytest.mark.parametrize(
    "typed",
    [{}, {"window_start_at": "besok"}, {"window_start_at": "0001-01-01T00:00"}, {"window_end_at": "2026-03-04T21:00"},
     {"window_start_at": "9999-12-31T23:59", "environment": "nowhere"}],
)  # fmt: skip
def test_what_cannot_be_read_yet_tells_nothing(running_app: RunningApp, typed: dict[str, str]) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    assert check(running_app, change_id, **typed) == {"freezes": "", "overlaps": "", "days": []}


def test_only_the_actor_of_the_step_is_told(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    other = ACCOUNT_SUFFIXES[next(key for key in ACCOUNT_SUFFIXES if key != LUMAJANG)]
    for name, status in ((f"kepala{SUFFIX}", 403), (f"pemohon{SUFFIX}", 403), (f"pengelola{other}", 404)):
        answer = running_app.visitor(name).get(f"/admin/release/window?change={change_id}", json=True)
        assert answer.status_code == status, name
    early = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    answer = running_app.visitor(f"pengelola{SUFFIX}").get(f"/admin/release/window?change={early}", json=True)
    assert answer.status_code == 409
