"""Steps that an SOP has more than once, and steps of its own, from the request to the end."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from sqlalchemy import text

from lpse_admin.sop.steps import Step
from models.changes.change import ChangeRequest
from models.changes.history import verify_histories
from models.integrity.run import verify_register
from tests.changes.own_steps.office import ACCOUNTS, move, open_office, send, step_of, submit
from tests.support import insider
from tests.support.cast import NOW
from tests.support.running_app import RunningApp, running_app

__all__ = ["running_app"]

pytestmark = pytest.mark.usefixtures("office")
MANAGER, HEAD, REQUESTER = "pengelola.kl", "kepala.kl", "pemohon.kl"
TO_THE_ACCEPTANCE = ("accepted", "approved", "approved", "done", "done", "passed", "reported", "verified")


@pytest.fixture(scope="module")
def office(running_app: RunningApp) -> None:
    """Open the office."""
    with running_app.session() as session:
        open_office(session)


@pytest.fixture(scope="module")
def accepted(running_app: RunningApp, office: None) -> int:
    """Return the id of a request whose work was accepted after a complaint, and which is watched."""
    change_id = submit(running_app)
    move(running_app, change_id, *TO_THE_ACCEPTANCE)
    assert step_of(running_app, change_id) is Step("acceptance.serah-terima")
    move(running_app, change_id, "keberatan", reason="Menu belum lengkap.")
    move(running_app, change_id, "diperbaiki", "diterima")
    return change_id


def test_a_step_that_stands_twice_is_gone_through_twice(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    move(running_app, change_id, "accepted")
    assert step_of(running_app, change_id) is Step("approval.kepala-bidang")
    move(running_app, change_id, "approved")
    assert step_of(running_app, change_id) is Step.APPROVAL
    move(running_app, change_id, "refused", reason="Belum perlu.")
    assert step_of(running_app, change_id) is Step.EVALUATION


def test_a_reason_that_the_sop_wants_is_demanded(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    move(running_app, change_id, *TO_THE_ACCEPTANCE)
    refused = send(running_app, change_id, "keberatan", reason="")
    assert refused.status_code == 422
    move(running_app, change_id, "keberatan", reason="Menu belum lengkap.")
    assert step_of(running_app, change_id) is Step("task.perbaikan")
    refused = send(running_app, change_id, "diperbaiki", **{"field-tindakan": ""})
    assert (refused.status_code, "Tindakan perbaikan" in refused.text) == (422, True)


def test_an_outcome_that_the_step_does_not_have_is_refused(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    move(running_app, change_id, "accepted")
    assert send(running_app, change_id, "diterima").status_code == 409
    assert send(running_app, change_id, "setuju-sekali").status_code == 400
    assert running_app.visitor(HEAD).post(f"/admin/change/{change_id}/move", outcome="; DROP TABLE").status_code == 400


def test_a_waiting_step_is_finished_no_earlier_than_the_sop_says(running_app: RunningApp, accepted: int) -> None:
    assert step_of(running_app, accepted) is Step("waiting.masa-pantau")
    early = send(running_app, accepted, "selesai")
    assert (early.status_code, step_of(running_app, accepted)) == (403, Step("waiting.masa-pantau"))
    page = html.unescape(running_app.visitor(MANAGER).get(f"/admin/change/details/?id={accepted}").text)
    assert "Masa pantau" in page
    assert "menunggu sampai 01-04-2026 09.00 WIB" in page
    running_app.now = NOW + dt.timedelta(days=31)
    move(running_app, accepted, "selesai")
    assert step_of(running_app, accepted) is Step("waiting.hari-tinjau")
    assert send(running_app, accepted, "selesai").status_code == 403
    running_app.now = dt.datetime(2026, 5, 1, 3, tzinfo=dt.UTC)
    move(running_app, accepted, "selesai", "memadai", "dicatat")
    assert step_of(running_app, accepted) is Step.CLOSED
    _check_everything(running_app, accepted)


def _check_everything(app: RunningApp, change_id: int) -> None:
    """Look at what a request through steps of an SOP's own left: pages, lists, exports, trail."""
    with app.session() as session:
        assert list(verify_histories(session)) == []
        assert verify_register(session).findings == []
    visitor = app.visitor(HEAD)
    page = html.unescape(re.sub(r"<[^>]+>", "", visitor.get(f"/admin/change/details/?id={change_id}").text))
    for words in (
        "Peninjauan setelah pelaksanaan",
        "Serah terima",
        "Menu belum lengkap.",
        "Menu diperbaiki.",
        "Diterima",
    ):
        assert words in page, words
    own = html.unescape(visitor.get("/admin/own-step/?state=done").text)
    assert all(words in own for words in ("Serah terima", "Perbaikan", "Masa pantau", "Diperbaiki"))
    narrowed = visitor.get("/admin/own-step/?step=task.perbaikan")
    assert narrowed.text.count("Diperbaiki") >= 1
    assert "Masa pantau</td>" not in narrowed.text
    assert visitor.get("/admin/own-step/?outcome=diterima").status_code == 200
    assert visitor.get("/admin/own-step/?step=task.tidak-ada").status_code == 400
    both = html.unescape(visitor.get("/admin/approval/?state=done").text)
    assert "Kepala bidang" in both
    assert "Peninjauan" in visitor.get("/admin/own-step/export/csv/").text
    hits = re.sub(r"<[^>]+>", "", html.unescape(visitor.get("/search?q=diperbaiki").text))
    assert "Menu diperbaiki" in hits
    for address in (
        "/",
        "/admin/change/?step=decision.peninjauan",
        "/admin/deviation/",
        "/admin/audit/",
        "/help/",
        "/help/step/decision.peninjauan",
    ):
        assert visitor.get(address).status_code == 200, address


def test_a_step_of_its_own_is_saved_and_read_on_a_page_of_its_own(running_app: RunningApp) -> None:
    change_id = submit(running_app)
    move(running_app, change_id, *TO_THE_ACCEPTANCE)
    move(running_app, change_id, "keberatan", reason="Menu belum lengkap.")
    with running_app.session() as session:
        step_id = session.get_one(ChangeRequest, change_id).activities[-1].id
    manager = running_app.visitor(MANAGER)
    form = manager.get(f"/admin/own-step/edit/?id={step_id}")
    assert (form.status_code, "Tindakan perbaikan" in form.text) == (200, True)
    version = running_app.step_and_version(change_id)[1]
    fields: dict[str, Any] = {"notes": "Menunggu penyedia.", "field-tindakan": "Mulai", "version": str(version)}
    assert manager.post(f"/admin/own-step/edit/?id={step_id}", **fields).status_code == 303
    details = manager.get(f"/admin/own-step/details/?id={step_id}").text
    assert "Menunggu penyedia." in details
    assert running_app.visitor(HEAD).get(f"/admin/own-step/edit/?id={step_id}").status_code == 403


def test_the_figures_of_the_office_count_the_steps_that_its_sop_names(running_app: RunningApp, accepted: int) -> None:
    head = running_app.visitor(HEAD)
    home = html.unescape(head.get("/").text)
    for step, screen in (("acceptance.serah-terima", "own-step"), ("approval.kepala-bidang", "approval")):
        link = re.search(rf'href="(/admin/{screen}/\?state=done[^"]*&step={step})"[^>]*>(\d+)<', home)
        assert link
        assert int(link[2]) > 0
        assert head.get(link[1]).text.count('<th scope="row">') == int(link[2])
    assert ">Tugas<" not in running_app.visitor("kepala").get("/").text


def test_the_menu_has_the_steps_of_the_sop_alone(running_app: RunningApp) -> None:
    menu = running_app.visitor(MANAGER).get("/").text
    assert "/admin/own-step/" in menu
    assert "/admin/release/" not in menu
    assert "/admin/urgency/" not in menu


@pytest.mark.parametrize("account", ACCOUNTS.values())
def test_every_screen_of_steps_opens_for_everybody(running_app: RunningApp, account: str, accepted: int) -> None:
    visitor = running_app.visitor(account)
    for screen in ("own-step", "approval", "implementation"):
        for query in (
            "",
            "?state=open",
            "?judged=late",
            "?judged=in-time",
            "?sort=lateness",
            "?sort=-due",
            "?search=menu",
        ):
            assert visitor.get(f"/admin/{screen}/{query}").status_code == 200, (screen, query)


def test_a_step_and_an_outcome_that_nobody_can_have_are_found_and_break_no_verification(
    running_app: RunningApp, accepted: int
) -> None:
    with running_app.session() as session:
        url = session.get_bind().engine.url.render_as_string(hide_password=False)
    set_outcome = "UPDATE activity SET outcome = '{}' WHERE sequence = 2 AND change_id = :id"
    with insider.insider(url) as connection:
        connection.execute(text(set_outcome.format("tidak ada!")), {"id": accepted})
    with running_app.session() as session:
        found = {(one.table, one.column) for one in verify_register(session).findings}
    with insider.insider(url) as connection:
        connection.execute(text(set_outcome.format("accepted")), {"id": accepted})
    assert ("activity", "outcome") in found
