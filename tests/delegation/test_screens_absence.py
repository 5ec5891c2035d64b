"""The screen of absences, and what every page that waits for an absent head says of it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.administration.operations import disable_account, enable_account
from models.audit.trail import AuditEntry, entries_for_record
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from tests.delegation.test_screens_delegation import sent as sent_delegation
from tests.support.cast import LUMAJANG, NOW, change_at_step, delegation, make_move, set_test_audit_context
from tests.support.running_app import move_form, running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

TODAY = NOW.date()
DAY = dt.timedelta(days=1)
UNCOVERED = "sejak 2 Maret 2026 tidak ada pendelegasian yang berlaku"


def absences(running_app: RunningApp) -> list[Absence]:
    with running_app.session() as opened:
        return list(opened.scalars(select(Absence).order_by(Absence.id)))


def sent(running_app: RunningApp, by: str = "kepala", *, json: bool = False, **values: Any) -> TestResponse:
    """Send the form for an absence from today on."""
    with running_app.session() as opened:
        head = opened.scalars(select(User.id).where(User.username == "kepala")).one()
    fields = {"head_id": str(head), "from_date": str(TODAY), "until_date": "", "reason": "Sakit <keras>"} | values
    return running_app.visitor(by).post("/admin/absence/new/", json=json, **fields)


def recorded(running_app: RunningApp, by: str = "kepala", **values: Any) -> Absence:
    answer = sent(running_app, by, **values)
    assert answer.status_code == 303, answer.text
    return absences(running_app)[-1]


@pytest.fixture(autouse=True)
def _afterwards_the_head_is_back(running_app: RunningApp) -> Iterator[None]:
    yield
    running_app.now = NOW
    head = running_app.visitor("kepala")
    with running_app.session() as opened:
        left = list(opened.scalars(select(Delegation.id).where(Delegation.is_standing)))
    for id_ in left:
        assert head.post(f"/admin/delegation/{id_}/withdraw", reason="Selesai").status_code == 303
    for one in absences(running_app):
        if one.ended_at is None:
            assert head.post(f"/admin/absence/{one.id}/end").status_code == 303


def page(running_app: RunningApp, name: str, change_id: int) -> str:
    return running_app.visitor(name).get(f"/admin/change/details/?id={change_id}").text


def test_the_head_records_an_absence_and_ends_it_and_the_trail_tells_both(running_app: RunningApp) -> None:
    head = running_app.visitor("kepala")
    assert 'name="because"' not in head.get("/admin/absence/new/").text
    one = recorded(running_app)
    path = f"/admin/absence/details/?id={one.id}"
    shown = running_app.visitor("pemeriksa").get(path).text
    assert "Sakit &lt;keras&gt;" in shown
    assert f"/admin/absence/{one.id}/end" not in shown
    assert f"/admin/absence/{one.id}/end" in head.get(path).text
    assert head.get(f"/admin/absence/{one.id}/end").status_code == 405
    assert head.post(f"/admin/absence/{one.id}/end").status_code == 303
    assert head.post(f"/admin/absence/{one.id}/end").status_code == 409
    assert f"/admin/absence/{one.id}/end" not in head.get(path).text
    with running_app.session() as opened:
        messages = [(entry.action, entry.reason) for entry in entries_for_record(opened, "absence", one.id)]
    assert messages == [("absence.end", None), ("absence.record", "Sakit <keras>")]


@pytest.mark.parametrize("name", ["pengelola", "administrator"])
def test_the_office_records_and_ends_it_for_a_head_who_cannot_and_says_why(name: str, running_app: RunningApp) -> None:
    without = sent(running_app, name)
    assert (without.status_code, 'id="because-error"' in without.text) == (422, True)
    assert "Sakit &lt;keras&gt;" in without.text
    one = recorded(running_app, name, because="Keluarganya menelepon")
    assert "Keluarganya menelepon" in running_app.visitor("kepala").get(f"/admin/absence/details/?id={one.id}").text
    visitor, path = running_app.visitor(name), f"/admin/absence/{one.id}/end"
    without = visitor.post(path, because=" ")
    assert (without.status_code, 'id="because-error"' in without.text) == (422, True)
    assert visitor.post(path, because="Sudah kembali").status_code == 303


def test_nobody_else_records_or_ends_it(running_app: RunningApp) -> None:
    one = recorded(running_app)
    for name in ("pemohon", "pemeriksa"):
        assert running_app.visitor(name).get("/admin/absence/new/").status_code == 403
        assert sent(running_app, name, because="Sebab").status_code == 403
        assert running_app.visitor(name).post(f"/admin/absence/{one.id}/end", because="Sebab").status_code == 403
    for name in ("kepala.tt", "pengelola.tt", "administrator.tt"):
        assert running_app.visitor(name).post(f"/admin/absence/{one.id}/end", because="Sebab").status_code == 404
        assert sent(running_app, name, because="Sebab", from_date="2026-04-01").status_code == 422
    assert running_app.visitor("pemohon").get("/admin/absence/").status_code == 403
    assert absences(running_app)[-1].ended_at is None


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"from_date": "kemarin"}, "from_date"),
        ({"from_date": ""}, "from_date"),
        ({"until_date": "lusa"}, "until_date"),
        ({"until_date": "2026-03-01"}, "until_date"),
        ({"from_date": "0001-01-01"}, "from_date"),
        ({"head_id": "x"}, "head_id"),
    ],
)
def test_wrong_input_is_refused_beside_its_field(running_app: RunningApp, typed: dict[str, Any], field: str) -> None:
    before = len(absences(running_app))
    answer = sent(running_app, **typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    told = sent(running_app, json=True, **typed)
    assert (told.status_code, list(told.get_json()["fields"])) == (422, [field])
    assert len(absences(running_app)) == before


def test_the_list_says_what_each_means_today_and_is_exported(running_app: RunningApp) -> None:
    now = recorded(running_app, until_date=str(TODAY + DAY))
    later = recorded(running_app, from_date=str(TODAY + 9 * DAY))
    head = running_app.visitor("kepala")

    def listed(state: str) -> set[int]:
        text = head.get(f"/admin/absence/?state={state}&size=100").text
        return {one.id for one in absences(running_app) if f'details/?id={one.id}"' in text}

    assert (listed("now"), listed("coming")) == ({now.id}, {later.id})
    assert not listed("over") & {now.id, later.id}
    running_app.now = NOW + 5 * DAY
    assert now.id in listed("over")
    assert head.get("/admin/absence/?state=bogus").status_code == 400
    assert "Sakit <keras>" in head.get("/admin/absence/export/csv/?state=coming").text
    assert head.get("/admin/absence/export/xlsx/").status_code == 200


def test_a_request_says_that_it_waits_for_an_absent_head_since_when_and_how_that_is_mended(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    assert "/admin/absence/new/" in page(running_app, "pengelola", change_id)
    assert "tidak di tempat sejak" not in page(running_app, "pengelola", change_id)
    one = recorded(running_app, from_date=str(TODAY - 3 * DAY))
    for name in ("pengelola", "pemeriksa", "administrator", "kepala"):
        shown = page(running_app, name, change_id)
        assert "Menunggu Kepala LPSE, yang tidak di tempat sejak 27 Februari 2026 (Sakit &lt;keras&gt;)" in shown, name
        assert "sejak 27 Februari 2026 tidak ada pendelegasian yang berlaku" in shown
        assert f"/admin/absence/details/?id={one.id}" in shown
        assert ("/admin/delegation/new/" in shown) is (name in {"administrator", "kepala"})
    asked = page(running_app, "pemohon", change_id)
    assert "yang tidak di tempat sejak 27 Februari 2026; sejak" in asked
    assert "keras" not in asked.replace("<form", "")
    assert "/admin/absence/" not in asked
    elsewhere = running_app.change_at_step(LUMAJANG, Step.IMPLEMENTATION)
    assert "tidak di tempat" not in page(running_app, "pengelola", elsewhere)


def test_home_and_the_queues_say_it_once_for_all_rows(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        for _again in range(3):
            change_at_step(opened, office, Step.APPROVAL)
        change_at_step(opened, office, Step.VERIFICATION)
    recorded(running_app)
    for name in ("pemohon", "pengelola"):
        shown = running_app.visitor(name).get("/").text
        short = "tidak di tempat sejak 2 Maret 2026; tidak ada pendelegasian yang berlaku"
        assert shown.count(short) == 1
        assert "keras" not in shown
    for screen in ("approval", "verification"):
        assert UNCOVERED in running_app.visitor("pengelola").get(f"/admin/{screen}/").text
        assert "keras" not in running_app.visitor("pemohon").get(f"/admin/{screen}/").text
        assert UNCOVERED not in running_app.visitor("pengelola.tt").get(f"/admin/{screen}/").text
        assert running_app.visitor("admin").get(f"/admin/{screen}/").status_code == 200


def test_with_a_delegation_it_says_who_decides_by_which_decree_until_when(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    recorded(running_app)
    assert sent_delegation(running_app, decree_number="800/77/2026").status_code == 303
    shown = page(running_app, "pengelola", change_id)
    with running_app.session() as opened:
        delegate = opened.scalars(select(User.full_name).where(User.username == "plh")).one()
    assert (
        f"yang memutuskan Plh. Kepala LPSE {delegate}, berdasarkan surat keputusan 800/77/2026,"
        " mulai 2 Maret 2026 sampai 4 Maret 2026" in shown
    )
    assert UNCOVERED not in shown
    assert f"yang memutuskan Plh. Kepala LPSE {delegate}" in running_app.visitor("pengelola").get("/").text
    assert "800/77/2026" in running_app.visitor("pengelola").get("/admin/approval/").text
    running_app.now = NOW + 3 * DAY
    assert "sejak 5 Maret 2026 tidak ada pendelegasian yang berlaku" in page(running_app, "pengelola", change_id)


def test_a_delegate_who_had_a_part_in_the_request_is_said_not_to_decide_on_it(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        delegation(opened, office, office.manager)
    assert "Penerima delegasi telah mengambil bagian" in page(running_app, "pengelola", change_id)
    refused = running_app.visitor("pengelola").post(f"/admin/change/{change_id}/move", outcome="approved")
    assert refused.status_code == 403
    assert running_app.step_and_version(change_id)[0] is Step.APPROVAL


def test_a_head_who_is_disabled_is_absent_since_then(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    with running_app.session() as opened:
        head = opened.scalars(select(User).where(User.username == "kepala")).one()
        set_test_audit_context(opened, now=NOW + dt.timedelta(hours=2))
        disable_account(head, None, now=NOW + dt.timedelta(hours=2), leaves_vacant=True)
        opened.commit()
        head_id = head.id
    running_app.now = NOW + dt.timedelta(hours=5)
    shown = page(running_app, "pengelola", change_id)
    with running_app.session() as opened:
        enable_account(opened.get_one(User, head_id), None, now=running_app.now)
        opened.commit()
    running_app._visitors.pop("kepala", None)
    assert "sejak 2 Maret 2026 pukul 11.00 WIB (Akun Kepala LPSE dinonaktifkan)" in shown


def test_decisions_under_a_delegation_say_so_in_lists_details_exports_and_trail(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        change = change_at_step(opened, office, Step.APPROVAL)
        decree = delegation(opened, office, days=2).decree_number
        change_id = change.id
        fields = move_form(change, Outcome.APPROVED)
    answer = running_app.visitor("plh").post(f"/admin/change/{change_id}/move", **fields)
    assert answer.status_code == 303
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        change = opened.get_one(type(change), change_id)
        for outcome in (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
            make_move(opened, change, outcome, office.manager)
        verified = make_move(opened, change, Outcome.VERIFIED, office.delegate)
        ids = {one.step.value: one.id for one in change.activities}
        entry = opened.scalars(select(AuditEntry).where(AuditEntry.action == "change.approved")).all()[-1]
        assert (entry.capacity, verified.capacity) == ("Plh. Kepala LPSE", "Plh. Kepala LPSE")
        assert '"delegation_id"' in entry.rows
        number = change.number
    inspector = running_app.visitor("pemeriksa")
    for screen in ("approval", "verification"):
        assert decree in inspector.get(f"/admin/{screen}/?state=done").text
        details = inspector.get(f"/admin/{screen}/details/?id={ids[screen]}").text
        assert decree in details
        assert "3 Maret 2026" in details
        rows = csv.DictReader(io.StringIO(inspector.get(f"/admin/{screen}/export/csv/").text.lstrip("\ufeff")))
        (row,) = [row for row in rows if number in row.values()]
        assert row["Nomor surat keputusan pendelegasian"] == decree
        assert row["Selaku"] == "Plh. Kepala LPSE"
        assert (row["Didelegasikan mulai"], row["Didelegasikan sampai"]) == ("2026-03-02", "2026-03-03")
    assert f"Plh. Kepala LPSE ({decree})" in page(running_app, "pemeriksa", change_id)


def test_a_delegation_that_ends_ends_in_an_open_page_too(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        office = running_app.cast(opened).lumajang
        change = change_at_step(opened, office, Step.APPROVAL)
        change_id = change.id
        delegation(opened, office, office.manager2)
    open_page, late_page = (
        running_app.move_form(change_id, Outcome.APPROVED),
        running_app.move_form(change_id, Outcome.APPROVED),
    )
    visitor = running_app.visitor("pengelola2")
    assert 'value="approved"' in visitor.get(f"/admin/change/details/?id={change_id}").text
    running_app.now = dt.datetime(2026, 3, 2, 17, 0, tzinfo=dt.UTC)  # midnight in Lumajang
    assert visitor.post(f"/admin/change/{change_id}/move", **late_page).status_code == 403
    running_app.now = NOW
    with running_app.session() as opened:
        granted = opened.scalars(select(Delegation.id).where(Delegation.is_standing)).one()
    assert (
        running_app.visitor("kepala").post(f"/admin/delegation/{granted}/withdraw", reason="Kembali").status_code == 303
    )
    assert visitor.post(f"/admin/change/{change_id}/move", **open_page).status_code == 403
    assert running_app.step_and_version(change_id)[0] is Step.APPROVAL
