"""The office of the second bundled SOP takes a request to its end, and reads nothing of the first one's."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from tests.support.cast import TANA_TIDUNG
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

#: What only the other office says: its name, its zone, the number of its SOP, its standard times.
FOREIGN = ("Lumajang", "WIB", "427.53", "terlambat")
EMERGENCY = (
    "accepted",
    "emergency",
    "approved",
    "done",
    "passed",
    "reported",
    "verified",
    "scheduled",
    "changed",
    "updated",
)
ROLLED_BACK = ("accepted", "normal", "done", "failed", "rolled-back", "reported", "verified", "no-release", "unchanged")


@pytest.mark.parametrize(
    "outcomes", [pytest.param(EMERGENCY, id="urgent"), pytest.param(ROLLED_BACK, id="rolled back")]
)
def test_a_request_of_the_second_office_goes_to_its_end_in_its_own_words(
    running_app: RunningApp, outcomes: tuple[str, ...]
) -> None:
    change_id = running_app.change_at_step(TANA_TIDUNG, Step.REQUEST)
    assert running_app.make_move(change_id, Outcome.SUBMITTED).status_code == 303
    with running_app.session() as session:
        sop = session.get_one(ChangeRequest, change_id).sop
    for outcome in outcomes:
        step, _version = running_app.step_and_version(change_id)
        page = html.unescape(running_app.actor_page(change_id).text)
        assert f"Saat ini: {terminal_text(sop.step_title(step))}" in page
        assert "Waktu baku: tidak ditetapkan" in page
        assert [word for word in FOREIGN if word in page] == []
        assert running_app.make_move(change_id, Outcome(outcome)).status_code == 303
    assert running_app.step_and_version(change_id)[0] is Step.CLOSED
    for reader in ("pemohon.tt", "pengelola.tt", "kepala.tt", "pemeriksa.tt"):
        page = html.unescape(running_app.visitor(reader).get(f"/admin/change/details/?id={change_id}").text)
        assert [word for word in FOREIGN if word in page] == []
        assert "WITA" in page
        for capacity in ("Pemohon", "Pengelola Perubahan", "Kepala LPSE"):
            assert f" · {capacity} · " in page
        exported = running_app.visitor(reader).get("/admin/change/export/csv/").text
        assert [word for word in FOREIGN if word in exported] == []
