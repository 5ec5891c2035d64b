"""The screen of holidays: a year at a glance, and days that the office sets, alters and removes, with a reason each."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.worktime.working_calendar import TimeKind
from models.accounts.user import User
from models.audit.trail import AuditEntry, entries_for_record
from models.office.agency import Agency
from models.office.calendars import load_calendar
from models.office.office_day import OfficeDay
from tests.support.cast import LUMAJANG
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

#: Nyepi of 2026, and the joint leave beside it.
NYEPI, LEAVE = "2026-03-19", "2026-03-18"
FORM = "/admin/holiday/new/"


def days(running_app: RunningApp) -> list[OfficeDay]:
    with running_app.session() as opened:
        return list(opened.scalars(select(OfficeDay).order_by(OfficeDay.id)))


def kind_of(running_app: RunningApp, date: str, agency: str = "kepala") -> TimeKind:
    """Return what a date is to the office of this user."""
    with running_app.session() as opened:
        of = opened.scalars(select(User).where(User.username == agency)).one().agency
        return load_calendar(opened, present(of)).day(dt.date.fromisoformat(date)).kind


def sent(running_app: RunningApp, by: str = "administrator", *, json: bool = False, **values: Any) -> TestResponse:
    fields = {
        "date": "2026-05-04",
        "kind": "holiday",
        "name": "Hari <jadi>",
        "hours": "",
        "reason": "SK Bupati",
    } | values
    return running_app.visitor(by).post(FORM, json=json, **fields)


def made(running_app: RunningApp, by: str = "administrator", **values: Any) -> OfficeDay:
    answer = sent(running_app, by, **values)
    assert answer.status_code == 303, answer.text
    return days(running_app)[-1]


@pytest.fixture(autouse=True)
def _afterwards_nothing_is_set(running_app: RunningApp) -> Iterator[None]:
    yield
    for one in days(running_app):
        gone = running_app.visitor("admin").post("/admin/holiday/delete/", id=one.id, reason="Selesai")
        assert gone.status_code == 303


def test_the_year_shows_every_holiday_and_joint_leave_with_a_way_to_override_it(running_app: RunningApp) -> None:
    page = running_app.visitor("administrator").get("/admin/holiday/?year=2026").text
    assert page.count("new/?date=2026-") > 20
    assert "Hari Suci Nyepi" in page
    assert f"new/?date={LEAVE}" in page
    assert "?year=2025" in page
    assert "?year=2027" in page
    read_only = running_app.visitor("pengelola").get("/admin/holiday/?year=2026").text
    assert "Hari Suci Nyepi" in read_only
    assert "new/?date=" not in read_only
    assert running_app.visitor("pemohon").get("/admin/holiday/").text.count("2026") > 20
    edge = running_app.visitor("pemohon").get("/admin/holiday/?year=1990").text
    assert "?year=1989" not in edge
    for bad in ("1989", "2051", "abc", "٢٠٢٦"):
        assert running_app.visitor("pemohon").get(f"/admin/holiday/?year={bad}").status_code == 400


def test_the_form_is_filled_in_with_the_day_that_is_to_be_overridden(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    page = administrator.get(f"{FORM}?date={LEAVE}").text
    assert f'value="{LEAVE}"' in page
    assert '<option selected value="workday">' in page
    assert "Cuti Bersama" in page
    assert '<option selected value="holiday">' in administrator.get(f"{FORM}?date=2026-05-05").text
    assert administrator.get(f"{FORM}?date=besok").status_code == 200
    assert administrator.get(f"{FORM}?date=2200-01-01").status_code == 200
    one = made(running_app, date=LEAVE, kind="workday", name="Cuti bersama ditiadakan")
    assert administrator.get(f"{FORM}?date={LEAVE}").location.endswith(f"edit/?id={one.id}")
    assert kind_of(running_app, LEAVE) is TimeKind.WORK
    assert kind_of(running_app, LEAVE, "kepala.tt") is TimeKind.JOINT_LEAVE
    listed = running_app.visitor("pemohon").get("/admin/holiday/?year=2026").text
    assert "Cuti bersama ditiadakan" in listed


def test_the_reason_stands_in_the_trail_and_on_the_day_s_own_page(running_app: RunningApp) -> None:
    one = made(running_app)
    administrator = running_app.visitor("administrator")
    answer = administrator.post(
        f"/admin/holiday/edit/?id={one.id}", kind="workday", name="Setengah hari", hours="7.30-11.30", reason="SE Sekda"
    )
    assert answer.status_code == 303
    page = administrator.get(f"/admin/holiday/details/?id={one.id}").text
    assert "07.30–11.30" in page
    assert "SE Sekda" in page
    assert "SK Bupati" in page
    with running_app.session() as opened:
        entries = entries_for_record(opened, "office_day", one.id)
        assert [(entry.action, entry.reason) for entry in entries] == [
            ("holiday.alter", "SE Sekda"), ("holiday.set", "SK Bupati"),
        ]  # fmt: skip
    reader = running_app.visitor("pengelola").get(f"/admin/holiday/details/?id={one.id}").text
    assert "delete/" not in reader
    assert "edit/" not in reader


def test_a_removal_asks_first_and_for_a_reason(running_app: RunningApp) -> None:
    one = made(running_app, date=NYEPI, kind="workday", name="Keliru")
    administrator = running_app.visitor("administrator")
    page = administrator.get(f"/admin/holiday/details/?id={one.id}").text
    assert re.search(r"<details[^>]*>\s*<summary>.*?/admin/holiday/delete/", page, re.DOTALL)
    refused = administrator.post("/admin/holiday/delete/", id=one.id, reason=" ")
    assert (refused.status_code, 'id="reason-error"' in refused.text) == (422, True)
    assert f'value="{one.id}"' in refused.text
    assert kind_of(running_app, NYEPI) is TimeKind.WORK
    assert administrator.post("/admin/holiday/delete/", id=one.id, reason="SKB dicabut").status_code == 303
    assert kind_of(running_app, NYEPI) is TimeKind.HOLIDAY
    assert administrator.post("/admin/holiday/delete/", id=one.id, reason="Lagi").status_code == 404
    with running_app.session() as opened:
        last = opened.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (present(last).action, present(last).reason) == ("holiday.remove", "SKB dicabut")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"date": ""}, "date"),
        ({"date": "besok"}, "date"),
        ({"date": "2051-01-01"}, "date"),
        ({"kind": "pesta"}, "kind"),
        ({"name": " "}, "name"),
        ({"hours": "07.30–11.30"}, "hours"),
        ({"kind": "workday", "hours": "pagi"}, "hours"),
        ({"reason": ""}, "reason"),
    ],
)
def test_wrong_input_is_refused_beside_its_field_and_nothing_is_lost(
    running_app: RunningApp, typed: dict[str, Any], field: str
) -> None:
    saved = {"name": "Hari &lt;jadi&gt;"} | ({} if "reason" in typed else {"reason": "SK Bupati"})
    answer = sent(running_app, **typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    assert all(text in answer.text for name, text in saved.items() if name not in typed)
    assert days(running_app) == []
    told = sent(running_app, json=True, **typed)
    assert (told.status_code, list(told.get_json()["fields"])) == (422, [field])


def test_a_day_is_set_once(running_app: RunningApp) -> None:
    made(running_app)
    answer = sent(running_app)
    assert (answer.status_code, 'id="date-error"' in answer.text) == (422, True)
    one = days(running_app)[0]
    wrong = running_app.visitor("administrator").post(
        f"/admin/holiday/edit/?id={one.id}", kind="holiday", name="", reason="x"
    )
    assert (wrong.status_code, 'id="name-error"' in wrong.text) == (422, True)


def test_only_administrators_write_and_nobody_another_office_s(running_app: RunningApp) -> None:
    one = made(running_app)
    for name in ("pemohon", "pengelola", "kepala", "pemeriksa", "plh"):
        visitor = running_app.visitor(name)
        assert visitor.get("/admin/holiday/").status_code == 200
        assert visitor.get(FORM).status_code == 403
        assert sent(running_app, name).status_code == 403
        assert visitor.post(f"/admin/holiday/edit/?id={one.id}", name="x", reason="x").status_code == 403
        assert visitor.post("/admin/holiday/delete/", id=one.id, reason="x").status_code == 403
    stranger = running_app.visitor("administrator.tt")
    assert stranger.get(f"/admin/holiday/details/?id={one.id}").status_code == 404
    assert stranger.post(f"/admin/holiday/edit/?id={one.id}", name="x", reason="x").status_code == 404
    assert stranger.post("/admin/holiday/delete/", id=one.id, reason="x").status_code == 404
    assert stranger.get("/admin/holiday/?agency=lumajang").status_code == 404


def test_the_installation_s_administrator_chooses_the_office_and_an_office_s_own_is_never_asked(
    running_app: RunningApp,
) -> None:
    with running_app.session() as opened:
        keys = {agency.key: agency.id for agency in opened.scalars(select(Agency))}
        lumajang = present(opened.scalars(select(User).where(User.username == "kepala")).one().agency).key
    (other,) = set(keys) - {lumajang}
    installer = running_app.visitor("admin")
    assert f"agency={other}" in installer.get("/admin/holiday/?year=2026").text
    page = installer.get(f"/admin/holiday/?year=2026&agency={other}").text
    assert f"date={NYEPI}&amp;agency={other}" in page
    assert f'<option selected value="{other}">' in installer.get(f"{FORM}?agency={other}").text
    one = made(running_app, "admin", agency=other, date=NYEPI, kind="workday")
    assert one.agency_id == keys[other]
    assert kind_of(running_app, NYEPI, "kepala.tt") is TimeKind.WORK
    assert kind_of(running_app, NYEPI) is TimeKind.HOLIDAY
    answer = sent(running_app, "admin", agency="nowhere")
    assert (answer.status_code, 'id="agency-error"' in answer.text) == (422, True)
    assert 'name="agency"' not in running_app.visitor("administrator").get(FORM).text
    own = made(running_app, agency=other, date="2026-05-05")
    assert own.agency_id == keys[lumajang]
    assert LUMAJANG.startswith(lumajang)


def test_the_list_is_narrowed_by_year_and_kind_and_exported(running_app: RunningApp) -> None:
    first, second = made(running_app), made(running_app, date="2027-05-04", kind="joint-leave", name="Cuti")
    reader = running_app.visitor("pemeriksa")

    def listed(query: str) -> set[int]:
        page = reader.get(f"/admin/holiday/?{query}").text.rpartition("<h2>")[2]
        return {one.id for one in (first, second) if f'details/?id={one.id}"' in page}

    assert (listed("year=2026"), listed("kind=joint-leave"), listed("")) == (
        {first.id},
        {second.id},
        {first.id, second.id},
    )
    exported = reader.get("/admin/holiday/export/csv/?year=2027").text
    assert "Cuti" in exported
    assert "jadi" not in exported
    assert reader.get("/admin/holiday/export/xlsx/").status_code == 200
