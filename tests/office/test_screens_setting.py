"""The screen of settings: hours from a day on, months of Ramadan and the threshold, each change with its reason."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.worktime.office_hours import DEFAULT_HOURS, RAMADAN_HOURS
from models.accounts.user import User
from models.audit.trail import AuditEntry, entries_for_record
from models.office.agency import Agency
from models.office.calendars import load_calendar, load_warning_share
from models.office.setting import Threshold
from models.office.working_hours import RAMADAN_WEEK, WEEK, RamadanMonth, WorkingHours
from tests.support.present import one_of, present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpse_admin.worktime.working_calendar import WorkCalendar
    from tests.support.running_app import RunningApp

FORM = "/admin/setting/new/"
WEEKS: dict[str, Any] = dict(zip((*WEEK, *RAMADAN_WEEK), (*DEFAULT_HOURS.texts, *RAMADAN_HOURS.texts), strict=True))
STRANGERS = ("pengelola", "kepala", "pemeriksa", "plh")


def rows(running_app: RunningApp, table: type[Any]) -> list[Any]:
    with running_app.session() as opened:
        return list(opened.scalars(select(table).order_by(table.id)))


def calendar(running_app: RunningApp, of: str = "kepala") -> WorkCalendar:
    with running_app.session() as opened:
        return load_calendar(opened, present(opened.scalars(select(User).where(User.username == of)).one().agency))


def hours(running_app: RunningApp, by: str = "administrator", **values: Any) -> WorkingHours:
    answer = running_app.visitor(by).post(FORM, **(WEEKS | {"since": "2026-05-04", "reason": "Perbup 1"} | values))
    assert answer.status_code == 303, answer.text
    return one_of(WorkingHours, rows(running_app, WorkingHours)[-1])


@pytest.fixture(autouse=True)
def _afterwards_nothing_is_set(running_app: RunningApp) -> Iterator[None]:
    yield
    installer = running_app.visitor("admin")
    for one in rows(running_app, WorkingHours):
        assert installer.post("/admin/setting/delete/", id=one.id, reason="Selesai").status_code == 303
    for month in rows(running_app, RamadanMonth):
        assert installer.post(f"/admin/setting/ramadan/{month.id}/remove", reason="Selesai").status_code == 303


def test_the_screen_shows_what_holds_what_comes_and_what_was(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    page = administrator.get("/admin/setting/").text
    assert "Perpres 21/2023" in page
    assert "07.30–12.00, 13.00–16.00" in page
    assert "427.53/7.01/2018" in page
    hours(running_app, since="2025-01-06", monday="06.30–12.00")
    hours(running_app, since="2026-01-05", monday="07.00–12.00, 13.00–16.30")
    hours(running_app, since="2026-07-06", monday="08.00–12.00, 13.00–16.00")
    page = administrator.get("/admin/setting/").text
    assert page.count("07.00–12.00, 13.00–16.30") == 2
    assert "6 Juli 2026" in page.partition('<h2 id="ramadan">')[0]
    exported = administrator.get("/admin/setting/export/csv/").text
    states = [line for line in exported.splitlines() if "06.30–12.00" in line or "08.00–12.00, 13.00–16.00" in line]
    assert len(states) == 2
    assert states[0] != states[1]


def test_new_hours_begin_with_the_present_ones_and_count_from_their_day_on(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    page = administrator.get(FORM).text
    assert 'value="07.30–11.30, 13.00–16.30"' in page
    assert 'value="2026-03-03"' in page
    one = hours(running_app, since="2026-05-04", monday="8.00-12.00")
    assert one.monday == "08.00–12.00"
    days = [calendar(running_app).day(dt.date(2026, 4, 27)), calendar(running_app).day(dt.date(2026, 5, 4))]
    assert [len(day.spans) for day in days] == [2, 1]
    assert len(calendar(running_app, "kepala.tt").day(dt.date(2026, 5, 4)).spans) == 2


def test_hours_are_altered_and_removed_with_reasons_that_stand_in_the_trail(running_app: RunningApp) -> None:
    one = hours(running_app)
    administrator = running_app.visitor("administrator")
    path = f"/admin/setting/edit/?id={one.id}"
    assert 'name="since"' not in administrator.get(path).text
    assert administrator.post(path, **WEEKS | {"friday": "", "reason": "Perbup 2"}).status_code == 303
    page = administrator.get(f"/admin/setting/details/?id={one.id}").text
    assert "Perbup 1" in page
    assert "Perbup 2" in page
    without = administrator.post("/admin/setting/delete/", id=one.id, reason="")
    assert (without.status_code, 'id="reason-error"' in without.text) == (422, True)
    assert administrator.post("/admin/setting/delete/", id=one.id, reason="Perbup 3").status_code == 303
    with running_app.session() as opened:
        messages = [(entry.action, entry.reason) for entry in entries_for_record(opened, "working_hours", one.id)]
    assert messages == [
        ("setting.hours.remove", "Perbup 3"), ("setting.hours.alter", "Perbup 2"), ("setting.hours", "Perbup 1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"since": ""}, "since"),
        ({"since": "2051-01-01"}, "since"),
        ({"tuesday": "pagi"}, "tuesday"),
        ({"ramadan_friday": "12.00-08.00"}, "ramadan_friday"),
        (dict.fromkeys(WEEK, ""), "monday"),
        ({"reason": " "}, "reason"),
    ],
)
def test_wrong_hours_are_refused_beside_their_field_and_nothing_is_lost(
    running_app: RunningApp, typed: dict[str, str], field: str
) -> None:
    given: dict[str, Any] = WEEKS | {"since": "2026-05-04", "reason": "Perbup <1>", "sunday": "09.00–10.00"} | typed
    answer = running_app.visitor("administrator").post(FORM, **given)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    assert "sunday" in typed or "09.00–10.00" in answer.text
    assert "reason" in typed or "Perbup &lt;1&gt;" in answer.text
    assert rows(running_app, WorkingHours) == []


def test_a_month_of_ramadan_is_set_and_removed(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    wrong = administrator.post("/admin/setting/ramadan", first_day="2027-02-09", last_day="2027-02-20", reason="x")
    assert (wrong.status_code, 'id="last_day-error"' in wrong.text) == (422, True)
    given: dict[str, Any] = {"first_day": "2027-02-09", "last_day": "2027-03-09"}
    assert administrator.post("/admin/setting/ramadan", **given, reason="Sidang isbat").status_code == 303
    (month,) = rows(running_app, RamadanMonth)
    assert not calendar(running_app).day(dt.date(2027, 2, 8)).in_ramadan
    assert calendar(running_app, "kepala.tt").day(dt.date(2027, 2, 8)).in_ramadan
    path = f"/admin/setting/ramadan/{month.id}/remove"
    assert path in administrator.get("/admin/setting/").text
    assert path not in running_app.visitor("kepala").get("/admin/setting/").text
    for name in STRANGERS:
        assert running_app.visitor(name).post(path, reason="x").status_code == 403
    assert running_app.visitor("administrator.tt").post(path, reason="x").status_code == 404
    without = administrator.post(path, reason="")
    assert (without.status_code, 'id="reason-error"' in without.text) == (422, True)
    assert administrator.post(path, reason="Keliru").status_code == 303
    assert administrator.post(path, reason="Lagi").status_code == 404
    with running_app.session() as opened:
        messages = [(entry.action, entry.reason) for entry in entries_for_record(opened, "ramadan_month", month.id)]
    assert messages == [("setting.ramadan.remove", "Keliru"), ("setting.ramadan", "Sidang isbat")]


def test_the_threshold_is_set_with_a_reason(running_app: RunningApp) -> None:
    administrator = running_app.visitor("administrator")
    assert 'value="80"' in administrator.get("/admin/setting/threshold").text
    for wrong in ("0", "101", "banyak", ""):
        answer = administrator.post("/admin/setting/threshold", warning_share=wrong, reason="Sebab <x>")
        assert (answer.status_code, 'id="warning_share-error"' in answer.text) == (422, True)
        assert "Sebab &lt;x&gt;" in answer.text
    assert administrator.post("/admin/setting/threshold", warning_share="60", reason="").status_code == 422
    assert administrator.post("/admin/setting/threshold", warning_share="60", reason="Lebih awal").status_code == 303
    assert 'value="60"' in administrator.get("/admin/setting/threshold").text
    (threshold,) = rows(running_app, Threshold)
    with running_app.session() as opened:
        assert load_warning_share(opened, threshold.agency_id) == 60
        last = opened.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (present(last).action, present(last).reason, present(last).chain) == (
            "setting.threshold",
            "Lebih awal",
            threshold.agency_id,
        )
    assert "60" in running_app.visitor("pengelola").get("/admin/setting/").text


def test_the_office_reads_the_settings_and_only_its_administrator_writes_them(running_app: RunningApp) -> None:
    one = hours(running_app)
    assert running_app.visitor("pemohon").get("/admin/setting/").status_code == 403
    for name in STRANGERS[:3]:
        visitor = running_app.visitor(name)
        page = visitor.get("/admin/setting/").text
        assert "/admin/setting/new/" not in page
        assert "/admin/setting/threshold" not in page
        assert visitor.get(f"/admin/setting/details/?id={one.id}").status_code == 200
        for path in (FORM, "/admin/setting/threshold", "/admin/setting/ramadan", f"/admin/setting/edit/?id={one.id}"):
            assert visitor.get(path).status_code == 403
            assert visitor.post(path, reason="x").status_code == 403
        assert visitor.post("/admin/setting/delete/", id=one.id, reason="x").status_code == 403
    stranger = running_app.visitor("administrator.tt")
    assert stranger.get(f"/admin/setting/details/?id={one.id}").status_code == 404
    assert stranger.post(f"/admin/setting/edit/?id={one.id}", **WEEKS, reason="x").status_code == 404
    assert stranger.post("/admin/setting/delete/", id=one.id, reason="x").status_code == 404


def test_the_installation_s_administrator_chooses_the_office(running_app: RunningApp) -> None:
    with running_app.session() as opened:
        keys = {agency.key: agency.id for agency in opened.scalars(select(Agency))}
        lumajang = present(opened.scalars(select(User).where(User.username == "kepala")).one().agency).key
    (other,) = set(keys) - {lumajang}
    installer = running_app.visitor("admin")
    for path in ("new/", "ramadan", "threshold"):
        page = installer.get(f"/admin/setting/{path}?agency={other}").text
        assert f'<option selected value="{other}">' in page
        assert 'name="agency"' not in running_app.visitor("administrator").get(f"/admin/setting/{path}").text
    assert installer.get("/admin/setting/?agency=nowhere").status_code == 404
    assert installer.get(f"/admin/setting/?agency={other}").status_code == 200
    assert hours(running_app, "admin", agency=other).agency_id == keys[other]
