"""The screen of freeze periods, and the head's permission on the request's page."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import entries_for_record
from models.office.agency import Agency
from models.releases.freeze import Freeze, FreezePermit
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, delegation
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp


def moment(days: float, zone: str = "+07:00") -> str:
    """Return a moment so many days from NOW as Lumajang's clocks have it."""
    hours = int(zone[1:3])
    return (NOW + dt.timedelta(days=days, hours=hours)).strftime("%Y-%m-%dT%H:%M")


def sent(running_app: RunningApp, by: str = "administrator", *, json: bool = False, **values: Any) -> TestResponse:
    fields = {
        "name": "Penutupan <tender>", "environment": "", "from_at": moment(10), "until_at": moment(12),
        "reason": "Masa pemasukan penawaran",
    } | values  # fmt: skip
    return running_app.visitor(by).post("/admin/freeze/new/", json=json, **fields)


def entered(running_app: RunningApp, by: str = "administrator", **values: Any) -> Freeze:
    answer = sent(running_app, by, **values)
    assert answer.status_code == 303, answer.text
    with running_app.session() as opened:
        return opened.scalars(select(Freeze).order_by(Freeze.id.desc()).limit(1)).one()


def allow(
    running_app: RunningApp, frozen: Freeze, change_id: object, by: str = "kepala", **values: Any
) -> TestResponse:
    fields: dict[str, Any] = {"change": change_id, "reason": "Perbaikan keamanan <segera>"} | values
    return running_app.visitor(by).post(f"/admin/freeze/{frozen.id}/permit", **fields)


@pytest.fixture(autouse=True)
def _afterwards_nothing_is_frozen(running_app: RunningApp) -> Iterator[None]:
    yield
    running_app.now = NOW
    with running_app.session() as opened:
        for frozen in opened.scalars(select(Freeze).where(Freeze.lifted_at.is_(None))):
            superadmin = running_app.cast(opened).superadmin
            if frozen.can_be_lifted_by(superadmin, NOW):
                frozen.lift("Selesai", by=superadmin, now=NOW)
        opened.commit()


def test_an_administrator_enters_one_which_the_office_reads(running_app: RunningApp) -> None:
    frozen = entered(running_app)
    assert (frozen.from_at, frozen.environment) == (NOW + dt.timedelta(days=10), None)
    for name in ("pengelola", "kepala", "pemeriksa"):
        page = running_app.visitor(name).get(f"/admin/freeze/details/?id={frozen.id}")
        assert "Penutupan &lt;tender&gt;" in page.text
        assert "12 Maret 2026 pukul 09.00 WIB" in page.text
        assert "/lift" not in page.text
        assert running_app.visitor(name).get("/admin/freeze/new/").status_code == 403
        assert sent(running_app, name).status_code == 403
    assert running_app.visitor("pemohon").get("/admin/freeze/").status_code == 403
    assert running_app.visitor("kepala.tt").get(f"/admin/freeze/details/?id={frozen.id}").status_code == 404
    with running_app.session() as opened:
        entries = entries_for_record(opened, "freeze_period", frozen.id)
        assert [(entry.action, entry.reason) for entry in entries] == [("freeze.enter", "Masa pemasukan penawaran")]


def test_an_installation_administrator_chooses_the_agency(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        agency = opened.scalars(select(Agency.id).where(Agency.key != "x").order_by(Agency.id.desc()).limit(1)).one()
    assert entered(running_app, "admin", agency_id=agency).agency_id == agency
    assert sent(running_app, "admin").status_code == 422
    assert sent(running_app, "admin", agency_id=999).status_code == 422


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"), ({"from_at": ""}, "from_at"), ({"until_at": "besok"}, "until_at"),
        ({"until_at": moment(9)}, "until_at"), ({"until_at": moment(-1), "from_at": moment(-2)}, "until_at"),
        ({"reason": ""}, "reason"), ({"environment": "x"}, "environment"), ({"from_at": "0001-01-01T00:00"}, "from_at"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_beside_its_field_and_nothing_is_lost(
    running_app: RunningApp, typed: dict[str, Any], field: str
) -> None:
    answer = sent(running_app, **typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    if field != "reason":
        assert "Masa pemasukan penawaran" in answer.text
    assert list(sent(running_app, json=True, **typed).get_json()["fields"]) == [field]


def test_it_is_corrected_with_a_reason_until_it_begins(running_app: RunningApp) -> None:
    frozen, keeper = entered(running_app), running_app.visitor("administrator")
    path = f"/admin/freeze/edit/?id={frozen.id}"
    assert "Penutupan &lt;tender&gt;" in keeper.get(path).text
    fields: dict[str, Any] = {
        "name": "Tender akhir tahun", "environment": "production", "from_at": moment(10), "until_at": moment(13),
        "reason": "Diperpanjang",
    }  # fmt: skip
    without = keeper.post(path, **fields, why=" ")
    assert (without.status_code, 'id="why-error"' in without.text) == (422, True)
    assert keeper.post(path, **fields, why="Salah tanggal").status_code == 303
    page = keeper.get(f"/admin/freeze/details/?id={frozen.id}").text
    assert "Tender akhir tahun" in page
    assert "Salah tanggal" in page
    running_app.now = NOW + dt.timedelta(days=11)
    assert keeper.post(path, **fields, why="Terlambat").status_code == 409
    assert path not in keeper.get(f"/admin/freeze/details/?id={frozen.id}").text


def test_it_is_lifted_once_with_a_reason(running_app: RunningApp) -> None:
    frozen, keeper = entered(running_app), running_app.visitor("administrator")
    path = f"/admin/freeze/{frozen.id}/lift"
    for name, status in (("pengelola", 403), ("kepala", 403), ("administrator.tt", 404)):
        assert running_app.visitor(name).post(path, reason="Tidak berhak").status_code == status
    without = keeper.post(path, reason=" ")
    assert (without.status_code, 'id="reason-error"' in without.text) == (422, True)
    assert keeper.post(path, reason="Tender dibatalkan").status_code == 303
    assert "Tender dibatalkan" in keeper.get(f"/admin/freeze/details/?id={frozen.id}").text
    assert keeper.post(path, reason="Lagi").status_code == 409


def test_the_list_tells_what_each_is_now(running_app: RunningApp) -> None:
    now, later = (
        entered(running_app, from_at=moment(-1), until_at=moment(1)),
        entered(running_app, environment="staging"),
    )
    reader = running_app.visitor("pengelola")

    def listed(query: str) -> set[int]:
        page = reader.get(f"/admin/freeze/?{query}&size=100").text
        return {one.id for one in (now, later) if f'details/?id={one.id}"' in page}

    assert (listed("state=now"), listed("state=coming")) == ({now.id}, {later.id})
    assert (listed("state=past"), listed("state=lifted")) == (set(), set())
    assert (listed("environment=all"), listed("environment=staging")) == ({now.id}, {later.id})
    for wrong in ("state=x", "environment=x"):
        assert reader.get(f"/admin/freeze/?{wrong}").status_code == 400
    running_app.now = NOW + dt.timedelta(days=20)
    assert listed("state=past") == {now.id, later.id}
    assert reader.get("/admin/freeze/export/xlsx/").status_code == 200


def test_a_release_in_a_freeze_is_refused_named_and_allowed_by_the_head_on_the_request_s_page(
    running_app: RunningApp,
) -> None:
    frozen, change_id = entered(running_app), running_app.change_at_step(LUMAJANG, Step.RELEASE)
    window: dict[str, Any] = {"window_start_at": moment(11), "window_end_at": moment(11.1)}
    refused = running_app.make_move(change_id, Outcome.SCHEDULED, **window)
    assert refused.status_code == 422
    assert "Penutupan &lt;tender&gt;" in refused.text
    assert f'/admin/freeze/details/?id={frozen.id}"' in refused.text
    path = f"/admin/freeze/{frozen.id}/permit"
    details = f"/admin/change/details/?id={change_id}"
    assert path not in running_app.visitor("pengelola").get(details).text
    assert path in running_app.visitor("kepala").get(details).text
    for name, status in (("pengelola", 403), ("administrator", 403), ("pemeriksa", 403), ("pemohon", 403),
                         ("plh", 403), ("kepala.tt", 404)):  # fmt: skip
        assert allow(running_app, frozen, change_id, name).status_code == status
    without = allow(running_app, frozen, change_id, reason=" ", letter=upload_file("izin.pdf"))
    assert (without.status_code, 'id="reason-error"' in without.text) == (422, True)
    assert "Sudah terunggah: izin.pdf" in without.text
    assert allow(running_app, frozen, change_id, letter=upload_file("izin.pdf", b"MZ")).status_code == 422
    assert allow(running_app, frozen, change_id, letter=upload_file("izin.pdf")).status_code == 303
    assert allow(running_app, frozen, change_id).status_code == 409
    assert running_app.make_move(change_id, Outcome.SCHEDULED, **window).status_code == 303
    for name in ("pemohon", "pengelola", "pemeriksa"):
        page = running_app.visitor(name).get(details).text
        assert "Perbaikan keamanan &lt;segera&gt;" in page
        assert "izin.pdf" in page
        assert (f'/admin/freeze/details/?id={frozen.id}"' in page) is (name != "pemohon")
    number = in_export(running_app, "release", "Perbaikan keamanan <segera>")
    assert number in running_app.visitor("pengelola").get(f"/admin/freeze/details/?id={frozen.id}").text
    assert in_export(running_app, "freeze", f"{number} (Kepala LPSE): Perbaikan keamanan <segera>")
    with running_app.session() as opened:
        given = opened.scalars(select(FreezePermit).where(FreezePermit.change_id == change_id)).one()
        (entry,) = entries_for_record(opened, "freeze_permit", given.id)
        assert (entry.action, entry.reason) == ("freeze.permit", "Perbaikan keamanan <segera>")


def in_export(running_app: RunningApp, screen: str, text: str) -> str:
    """Return the first cell of the row of an export that has ``text`` in it."""
    body = running_app.visitor("pemeriksa").get(f"/admin/{screen}/export/csv/").text.removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(body), delimiter=";" if ";" in body.splitlines()[0] else ","))
    return next(row[0] for row in rows if any(text in cell for cell in row))


def test_a_delegate_allows_it_and_the_page_says_in_whose_place(running_app: RunningApp) -> None:
    frozen, change_id = entered(running_app), running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    with running_app.session() as opened:
        created = delegation(opened, running_app.cast(opened).lumajang)
        made_id = created.id
    assert allow(running_app, frozen, change_id, "plh").status_code == 303
    page = running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert "Plh. Kepala LPSE (800/12/2026)" in page
    assert (
        running_app.visitor("kepala").post(f"/admin/delegation/{made_id}/withdraw", reason="Selesai").status_code == 303
    )


def test_the_request_is_the_head_s_own_to_see(running_app: RunningApp) -> None:
    frozen, foreign = entered(running_app), running_app.change_at_step(TANA_TIDUNG, Step.EVALUATION)
    for change in (foreign, 10**6, "x", ""):
        assert allow(running_app, frozen, change).status_code == 404


def test_an_overlap_is_named_on_the_form_before_and_after_it_is_sent(running_app: RunningApp) -> None:
    window: dict[str, Any] = {"window_start_at": moment(40), "window_end_at": moment(40.1)}
    first, second = (
        running_app.change_at_step(LUMAJANG, Step.RELEASE),
        running_app.change_at_step(LUMAJANG, Step.RELEASE),
    )
    assert running_app.make_move(first, Outcome.SCHEDULED, **window, overlap_reason="").status_code == 303
    refused = running_app.make_move(second, Outcome.SCHEDULED, **window, overlap_reason="")
    assert refused.status_code == 422
    assert f'href="/admin/change/details/?id={first}"' in refused.text
    told = running_app.make_move(second, Outcome.SCHEDULED, json=True, **window, overlap_reason="")
    assert list(told.get_json()["fields"]) == ["overlap_reason"]
    assert f'href="/admin/change/details/?id={first}"' in running_app.actor_page(second).text  # what was typed is kept
    assert (
        running_app.make_move(second, Outcome.SCHEDULED, **window, overlap_reason="Dikerjakan bersama").status_code
        == 303
    )
    assert "Dikerjakan bersama" in running_app.visitor("pemohon").get(f"/admin/change/details/?id={second}").text
    assert in_export(running_app, "release", "Dikerjakan bersama")
