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
from models.audit.trail import AuditEntry, history_of
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from tests.delegation.test_screens_delegation import sent as sent_delegation
from tests.support.cast import LUMAJANG, NOW, at, delegation, move
from tests.support.house import form, house  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.house import House

TODAY = NOW.date()
DAY = dt.timedelta(days=1)
UNCOVERED = "sejak 2 Maret 2026 tidak ada pendelegasian yang berlaku"


def absences(house: House) -> list[Absence]:
    with house.session() as opened:
        return list(opened.scalars(select(Absence).order_by(Absence.id)))


def sent(house: House, by: str = "kepala", *, json: bool = False, **typed: Any) -> TestResponse:
    """Send the form for an absence from today on."""
    with house.session() as opened:
        head = opened.scalars(select(User.id).where(User.username == "kepala")).one()
    fields = {"head_id": str(head), "from_date": str(TODAY), "until_date": "", "reason": "Sakit <keras>"} | typed
    return house.visitor(by).post("/admin/absence/new/", json=json, **fields)


def recorded(house: House, by: str = "kepala", **typed: Any) -> Absence:
    answer = sent(house, by, **typed)
    assert answer.status_code == 303, answer.text
    return absences(house)[-1]


@pytest.fixture(autouse=True)
def _afterwards_the_head_is_back(house: House) -> Iterator[None]:
    yield
    house.now = NOW
    head = house.visitor("kepala")
    with house.session() as opened:
        left = list(opened.scalars(select(Delegation.id).where(Delegation.withdrawn_at.is_(None))))
    for id_ in left:
        assert head.post(f"/admin/delegation/{id_}/withdraw", reason="Selesai").status_code == 303
    for one in absences(house):
        if one.ended_at is None:
            assert head.post(f"/admin/absence/{one.id}/end").status_code == 303


def page(house: House, name: str, change_id: int) -> str:
    return house.visitor(name).get(f"/admin/change/details/?id={change_id}").text


def test_the_head_records_an_absence_and_ends_it_and_the_trail_tells_both(house: House):
    head = house.visitor("kepala")
    assert 'name="because"' not in head.get("/admin/absence/new/").text
    one = recorded(house)
    path = f"/admin/absence/details/?id={one.id}"
    shown = house.visitor("pemeriksa").get(path).text
    assert "Sakit &lt;keras&gt;" in shown
    assert f"/admin/absence/{one.id}/end" not in shown
    assert f"/admin/absence/{one.id}/end" in head.get(path).text
    assert head.get(f"/admin/absence/{one.id}/end").status_code == 405
    assert head.post(f"/admin/absence/{one.id}/end").status_code == 303
    assert head.post(f"/admin/absence/{one.id}/end").status_code == 409
    assert f"/admin/absence/{one.id}/end" not in head.get(path).text
    with house.session() as opened:
        told = [(entry.action, entry.reason) for entry in history_of(opened, "absence", one.id)]
    assert told == [("absence.end", None), ("absence.record", "Sakit <keras>")]


@pytest.mark.parametrize("name", ["pengelola", "administrator"])
def test_the_office_records_and_ends_it_for_a_head_who_cannot_and_says_why(name, house: House):
    without = sent(house, name)
    assert (without.status_code, 'id="because-error"' in without.text) == (422, True)
    assert "Sakit &lt;keras&gt;" in without.text
    one = recorded(house, name, because="Keluarganya menelepon")
    assert "Keluarganya menelepon" in house.visitor("kepala").get(f"/admin/absence/details/?id={one.id}").text
    visitor, path = house.visitor(name), f"/admin/absence/{one.id}/end"
    without = visitor.post(path, because=" ")
    assert (without.status_code, 'id="because-error"' in without.text) == (422, True)
    assert visitor.post(path, because="Sudah kembali").status_code == 303


def test_nobody_else_records_or_ends_it(house: House):
    one = recorded(house)
    for name in ("pemohon", "pemeriksa"):
        assert house.visitor(name).get("/admin/absence/new/").status_code == 403
        assert sent(house, name, because="Sebab").status_code == 403
        assert house.visitor(name).post(f"/admin/absence/{one.id}/end", because="Sebab").status_code == 403
    for name in ("kepala.tt", "pengelola.tt", "administrator.tt"):
        assert house.visitor(name).post(f"/admin/absence/{one.id}/end", because="Sebab").status_code == 404
        assert sent(house, name, because="Sebab", from_date="2026-04-01").status_code == 422
    assert house.visitor("pemohon").get("/admin/absence/").status_code == 403
    assert absences(house)[-1].ended_at is None


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
def test_wrong_input_is_refused_beside_its_field(house: House, typed, field):
    before = len(absences(house))
    answer = sent(house, **typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    told = sent(house, json=True, **typed)
    assert (told.status_code, list(told.get_json()["fields"])) == (422, [field])
    assert len(absences(house)) == before


def test_the_list_says_what_each_means_today_and_is_exported(house: House):
    now = recorded(house, until_date=str(TODAY + DAY))
    later = recorded(house, from_date=str(TODAY + 9 * DAY))
    head = house.visitor("kepala")

    def listed(state: str) -> set[int]:
        text = head.get(f"/admin/absence/?state={state}&size=100").text
        return {one.id for one in absences(house) if f'details/?id={one.id}"' in text}

    assert (listed("now"), listed("coming")) == ({now.id}, {later.id})
    assert not listed("over") & {now.id, later.id}
    house.now = NOW + 5 * DAY
    assert now.id in listed("over")
    assert head.get("/admin/absence/?state=bogus").status_code == 400
    assert "Sakit <keras>" in head.get("/admin/absence/export/csv/?state=coming").text
    assert head.get("/admin/absence/export/xlsx/").status_code == 200


def test_a_request_says_that_it_waits_for_an_absent_head_since_when_and_how_that_is_mended(house: House):
    change_id = house.at(LUMAJANG, Step.APPROVAL)
    assert "/admin/absence/new/" in page(house, "pengelola", change_id)
    assert "tidak di tempat sejak" not in page(house, "pengelola", change_id)
    one = recorded(house, from_date=str(TODAY - 3 * DAY))
    for name in ("pengelola", "pemeriksa", "administrator", "kepala"):
        shown = page(house, name, change_id)
        assert "Menunggu Kepala LPSE, yang tidak di tempat sejak 27 Februari 2026 (Sakit &lt;keras&gt;)" in shown, name
        assert "sejak 27 Februari 2026 tidak ada pendelegasian yang berlaku" in shown
        assert f"/admin/absence/details/?id={one.id}" in shown
        assert ("/admin/delegation/new/" in shown) is (name in {"administrator", "kepala"})
    asked = page(house, "pemohon", change_id)
    assert "yang tidak di tempat sejak 27 Februari 2026; sejak" in asked
    assert "keras" not in asked.replace("<form", "")
    assert "/admin/absence/" not in asked
    elsewhere = house.at(LUMAJANG, Step.IMPLEMENTATION)
    assert "tidak di tempat" not in page(house, "pengelola", elsewhere)


def test_home_and_the_queues_say_it_once_for_all_rows(house: House):
    with house.session() as opened:
        office = house.cast(opened).lumajang
        for _again in range(3):
            at(opened, office, Step.APPROVAL)
        at(opened, office, Step.VERIFICATION)
    recorded(house)
    for name in ("pemohon", "pengelola"):
        shown = house.visitor(name).get("/").text
        short = "tidak di tempat sejak 2 Maret 2026; tidak ada pendelegasian yang berlaku"
        assert shown.count(short) == 1
        assert "keras" not in shown
    for screen in ("approval", "verification"):
        assert UNCOVERED in house.visitor("pengelola").get(f"/admin/{screen}/").text
        assert "keras" not in house.visitor("pemohon").get(f"/admin/{screen}/").text
        assert UNCOVERED not in house.visitor("pengelola.tt").get(f"/admin/{screen}/").text
        assert house.visitor("admin").get(f"/admin/{screen}/").status_code == 200


def test_with_a_delegation_it_says_who_decides_by_which_decree_until_when(house: House):
    change_id = house.at(LUMAJANG, Step.APPROVAL)
    recorded(house)
    assert sent_delegation(house).status_code == 303
    shown = page(house, "pengelola", change_id)
    with house.session() as opened:
        delegate = opened.scalars(select(User.full_name).where(User.username == "plh")).one()
    assert (
        f"yang memutuskan Plh. Kepala LPSE {delegate}, berdasarkan surat keputusan 800/77/2026,"
        " mulai 2 Maret 2026 sampai 4 Maret 2026" in shown
    )
    assert UNCOVERED not in shown
    assert f"yang memutuskan Plh. Kepala LPSE {delegate}" in house.visitor("pengelola").get("/").text
    assert "800/77/2026" in house.visitor("pengelola").get("/admin/approval/").text
    house.now = NOW + 3 * DAY
    assert "sejak 5 Maret 2026 tidak ada pendelegasian yang berlaku" in page(house, "pengelola", change_id)


def test_a_delegate_who_had_a_part_in_the_request_is_said_not_to_decide_on_it(house: House):
    change_id = house.at(LUMAJANG, Step.APPROVAL)
    with house.session() as opened:
        office = house.cast(opened).lumajang
        delegation(opened, office, office.manager)
    assert "Penerima delegasi telah mengambil bagian" in page(house, "pengelola", change_id)
    refused = house.visitor("pengelola").post(f"/admin/change/{change_id}/move", outcome="approved")
    assert refused.status_code == 403
    assert house.where(change_id)[0] is Step.APPROVAL


def test_a_head_who_is_disabled_is_absent_since_then(house: House):
    change_id = house.at(LUMAJANG, Step.APPROVAL)
    admin = house.visitor("administrator")
    with house.session() as opened:
        head_id = opened.scalars(select(User.id).where(User.username == "kepala")).one()
    house.now = NOW + dt.timedelta(hours=2)
    assert admin.post(f"/admin/user/{head_id}/disable").status_code == 303
    house.now = NOW + dt.timedelta(hours=5)
    shown = page(house, "pengelola", change_id)
    assert admin.post(f"/admin/user/{head_id}/enable").status_code == 303
    house._visitors.pop("kepala")
    assert "sejak 2 Maret 2026 pukul 11.00 WIB (Akun Kepala LPSE dinonaktifkan)" in shown


def test_decisions_under_a_delegation_say_so_in_lists_details_exports_and_trail(house: House):
    with house.session() as opened:
        office = house.cast(opened).lumajang
        change = at(opened, office, Step.APPROVAL)
        delegation(opened, office, days=2)
        change_id = change.id
        fields = form(change, Outcome.APPROVED)
    answer = house.visitor("plh").post(f"/admin/change/{change_id}/move", **fields)
    assert answer.status_code == 303
    with house.session() as opened:
        office = house.cast(opened).lumajang
        change = opened.get_one(type(change), change_id)
        for outcome in (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
            move(opened, change, outcome, office.manager)
        verified = move(opened, change, Outcome.VERIFIED, office.delegate)
        ids = {one.step.value: one.id for one in change.activities}
        entry = opened.scalars(select(AuditEntry).where(AuditEntry.action == "change.approved")).all()[-1]
        assert (entry.capacity, verified.capacity) == ("Plh. Kepala LPSE", "Plh. Kepala LPSE")
        assert '"delegation_id"' in entry.rows
        number = change.number
    inspector = house.visitor("pemeriksa")
    for screen in ("approval", "verification"):
        assert "800/12/2026" in inspector.get(f"/admin/{screen}/?state=done").text
        details = inspector.get(f"/admin/{screen}/details/?id={ids[screen]}").text
        assert "800/12/2026" in details
        assert "3 Maret 2026" in details
        rows = csv.DictReader(io.StringIO(inspector.get(f"/admin/{screen}/export/csv/").text.lstrip("\ufeff")))
        (row,) = [row for row in rows if number in row.values()]
        assert row["Nomor surat keputusan pendelegasian"] == "800/12/2026"
        assert row["Dalam kapasitas"] == "Plh. Kepala LPSE"
        assert (row["Didelegasikan mulai"], row["Didelegasikan sampai"]) == ("2026-03-02", "2026-03-03")
    assert "Plh. Kepala LPSE (800/12/2026)" in page(house, "pemeriksa", change_id)


def test_a_delegation_that_ends_ends_in_an_open_page_too(house: House):
    with house.session() as opened:
        office = house.cast(opened).lumajang
        change = at(opened, office, Step.APPROVAL)
        change_id = change.id
        delegation(opened, office, office.manager2)
    open_page, late_page = house.form(change_id, Outcome.APPROVED), house.form(change_id, Outcome.APPROVED)
    visitor = house.visitor("pengelola2")
    assert 'value="approved"' in visitor.get(f"/admin/change/details/?id={change_id}").text
    house.now = dt.datetime(2026, 3, 2, 17, 0, tzinfo=dt.UTC)  # midnight in Lumajang
    assert visitor.post(f"/admin/change/{change_id}/move", **late_page).status_code == 403
    house.now = NOW
    with house.session() as opened:
        granted = opened.scalars(select(Delegation.id).where(Delegation.withdrawn_at.is_(None))).one()
    assert house.visitor("kepala").post(f"/admin/delegation/{granted}/withdraw", reason="Kembali").status_code == 303
    assert visitor.post(f"/admin/change/{change_id}/move", **open_page).status_code == 403
    assert house.where(change_id)[0] is Step.APPROVAL
