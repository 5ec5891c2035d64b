"""The account of an inspector: its days, from the form of the administrator to the login and the session."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.accounts.inspection import InspectionDates, inspector_roles_error
from lpse_admin.accounts.roles import Role
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from tests.support.program import Visitor, close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import NewDatabase

FIRST, LAST = dt.date(2026, 3, 2), dt.date(2026, 3, 6)
PASSWORD = "lpse-demo-2026"
SOMEBODY: dict[str, Any] = {
    "username": "auditor", "full_name": "Auditor BPK", "roles": ["inspector"], "password": "empat kata yang panjang",
}  # fmt: skip


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def program(new_database: NewDatabase, clock: Clock) -> Iterator[Flask]:
    with new_database("sqlite") as url:
        app = make_app(url, clock=clock)
        with app.app_context():
            set_audit_context(db.session(), AuditContext(clock(), None, "test", "set up"))
            administrator = db.session.scalars(select(User).where(User.username == "pengelola2")).one()
            administrator.roles = {Role.ADMINISTRATOR}
            db.session.commit()
        yield app
        close_app(app)


@pytest.fixture(autouse=True)
def first_day(program: Flask, clock: Clock) -> None:
    """Begin each test in the morning of the first day, with the inspector's dates set."""
    clock.time = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
    date(program, FIRST, LAST)


def date(program: Flask, first: dt.date | None, last: dt.date | None) -> int:
    with program.app_context():
        set_audit_context(db.session(), AuditContext(dt.datetime.now(dt.UTC), None, "test", "set up"))
        user = db.session.scalars(select(User).where(User.username == "pemeriksa")).one()
        user.inspects_from, user.inspects_until = first, last
        db.session.commit()
        return user.id


@pytest.mark.parametrize(
    ("first", "last", "day", "is_required", "fields"),
    [
        (FIRST, LAST, FIRST, True, []),
        (None, None, FIRST, True, ["inspects_from", "inspects_until"]),
        (None, None, FIRST, False, []),
        (FIRST, None, FIRST, False, ["inspects_until"]),
        (None, LAST, FIRST, False, ["inspects_from"]),
        (LAST, FIRST, FIRST, True, ["inspects_until"]),
        (FIRST, LAST, dt.date(2026, 3, 7), True, ["inspects_until"]),
        (FIRST, LAST, dt.date(2026, 3, 7), False, []),
    ],
)
def test_an_inspection_has_a_first_and_a_last_day_that_is_to_come(
    first: dt.date | None, last: dt.date | None, day: dt.date, is_required: bool, fields: list[str]
) -> None:
    assert list(InspectionDates(first, last).errors(today=day, is_required=is_required)) == fields


def test_an_account_is_refused_before_its_first_and_after_its_last_day_alone() -> None:
    dates = InspectionDates(FIRST, LAST)
    refused = [day for day in range(1, 9) if dates.refusal(dt.date(2026, 3, day))]
    assert refused == [1, 7, 8]
    assert InspectionDates().refusal(FIRST) is None


def test_whoever_inspects_has_no_other_role() -> None:
    assert inspector_roles_error({Role.INSPECTOR}) is None
    assert inspector_roles_error({Role.REQUESTER, Role.HEAD}) is None
    assert inspector_roles_error({Role.INSPECTOR, Role.REQUESTER}) is not None


@pytest.mark.parametrize(
    ("days", "field", "sentence"),
    [
        ({}, "inspects_from", "Akun pemeriksa memerlukan hari pertama pemeriksaan."),
        ({"inspects_from": "2026-03-02"}, "inspects_until", "Akun pemeriksa memerlukan hari terakhir pemeriksaan."),
        ({"inspects_from": "5-3-2026", "inspects_until": "4 Maret 2026"}, "inspects_until", "mendahului hari"),
        ({"inspects_from": "2026-02-01", "inspects_until": "2026-02-28"}, "inspects_until", "sudah lewat"),
        ({"inspects_from": "2026-03-02", "inspects_until": "besok"}, "inspects_until", "besok"),
    ],
)
def test_a_new_inspector_without_valid_days_is_422_beside_the_field_and_nothing_typed_is_lost(
    program: Flask, days: dict[str, Any], field: str, sentence: str
) -> None:
    answer = Visitor(program, "pengelola2").post("/admin/user/new/", **SOMEBODY, **days)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert sentence in answer.text
    assert "Auditor BPK" in answer.text


def test_an_inspector_is_made_with_days_and_others_keep_none(program: Flask) -> None:
    administrator = Visitor(program, "pengelola2")
    days: dict[str, Any] = {"inspects_from": "2 Maret 2026", "inspects_until": "06-03-2026"}
    assert administrator.post("/admin/user/new/", **SOMEBODY, **days).status_code == 303
    other = SOMEBODY | {"username": "staf.baru", "roles": ["requester"]}
    assert administrator.post("/admin/user/new/", **other, **days).status_code == 303
    both = SOMEBODY | {"username": "dua.peran", "roles": ["inspector", "requester"]}
    answer = administrator.post("/admin/user/new/", **both, **days)
    assert (answer.status_code, 'id="roles-error"' in answer.text) == (422, True)
    with program.app_context():
        created = {user.username: user.inspection for user in db.session.scalars(select(User))}
    assert created["auditor"] == InspectionDates(FIRST, LAST)
    assert created["staf.baru"] == InspectionDates()
    assert "dua.peran" not in created


def test_the_login_says_from_and_until_when_to_who_knows_the_password_alone(program: Flask, clock: Clock) -> None:
    date(program, dt.date(2026, 3, 3), LAST)
    early = Visitor(program).post("/login", username="pemeriksa", password=PASSWORD)
    assert (early.status_code, "berlaku mulai 03-03-2026" in early.text) == (403, True)
    clock.time = dt.datetime(2026, 3, 6, 16, 30, tzinfo=dt.UTC)  # half past eleven at night in Lumajang
    assert Visitor(program, "pemeriksa").get("/").status_code == 200
    clock.time += dt.timedelta(hours=1)
    late = Visitor(program).post("/login", username="pemeriksa", password=PASSWORD)
    assert (late.status_code, "berlaku sampai 06-03-2026" in late.text) == (403, True)
    wrong = Visitor(program).post("/login", username="pemeriksa", password="kata sandi yang salah")
    assert (wrong.status_code, "berlaku" in wrong.text) == (401, False)


def test_an_open_session_ends_on_the_day_after_with_the_reason(program: Flask, clock: Clock) -> None:
    clock.time = dt.datetime(2026, 3, 6, 16, 50, tzinfo=dt.UTC)
    browser, script = Visitor(program, "pemeriksa"), Visitor(program, "pemeriksa")
    assert browser.get("/admin/change/").status_code == 200
    clock.time += dt.timedelta(minutes=20)
    answer = browser.get("/admin/change/")
    assert answer.location == "/login?next=/admin/change/"
    assert "Akun pemeriksa ini berlaku sampai 06-03-2026." in browser.get(answer.location).text
    response = script.get("/admin/change/", json=True)
    assert (response.status_code, "berlaku sampai" in response.get_json()["error"]) == (401, True)


def test_other_days_end_the_sessions_of_the_former_ones(program: Flask) -> None:
    browser = Visitor(program, "pemeriksa")
    number = date(program, FIRST, LAST)
    typed: dict[str, Any] = {"username": "pemeriksa", "full_name": "Gita Maharani", "roles": ["inspector"]}
    administrator = Visitor(program, "pengelola2")
    same: dict[str, Any] = {"inspects_from": "2026-03-02", "inspects_until": "2026-03-06"}
    assert administrator.post(f"/admin/user/edit/?id={number}", **typed, **same).status_code == 303
    assert browser.get("/").status_code == 200
    longer = same | {"inspects_until": "2026-03-20"}
    assert administrator.post(f"/admin/user/edit/?id={number}", **typed, **longer).status_code == 303
    assert browser.get("/").status_code == 302


def test_an_account_of_before_without_days_is_kept_and_may_be_edited_without(program: Flask) -> None:
    number = date(program, None, None)
    assert Visitor(program, "pemeriksa").get("/").status_code == 200
    typed: dict[str, Any] = {"username": "pemeriksa", "full_name": "Gita M.", "roles": ["inspector"]}
    administrator = Visitor(program, "pengelola2")
    assert administrator.post(f"/admin/user/edit/?id={number}", **typed).status_code == 303
    half = administrator.post(f"/admin/user/edit/?id={number}", **typed, inspects_from="2026-03-02")
    assert (half.status_code, 'id="inspects_until-error"' in half.text) == (422, True)


def test_the_calendar_address_of_an_inspector_is_shut_after_the_last_day(program: Flask, clock: Clock) -> None:
    page = Visitor(program, "pemeriksa").post("/profile/calendar")
    address = re.search(r"http://localhost(/calendar/[\w-]+\.ics)", page.text)
    assert address is not None
    assert Visitor(program).get(address[1]).status_code == 200
    clock.time = dt.datetime(2026, 3, 7, 2, 0, tzinfo=dt.UTC)
    assert Visitor(program).get(address[1]).status_code == 404
