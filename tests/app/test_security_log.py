"""The security log: what is told, in which form, and what is never told."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app import create_app
from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD as PASSWORD
from lpse_admin.config import ConfigurationError, RunMode, Settings, read_settings
from models.accounts import password_reset
from models.accounts import user as user_module
from models.accounts.factors import second_factor
from models.accounts.login import LoginFailure
from models.accounts.password_reset import PasswordReset
from models.accounts.user import User
from models.administration import decisions, operations
from models.audit.actions import AUDIT_ACTIONS, AuditAction
from models.audit.trail import AuditEntry
from models.database import db
from models.delegation import grant
from models.releases import freeze_permit
from tests.support.program import Visitor, close_app, make_app
from views.accounts.access import sessions
from views.app.security_log import LOGGED_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tests.conftest import NewDatabase

SECRET = "rahasia yang salah kolom"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "keamanan.jsonl"


@pytest.fixture
def program(new_database: NewDatabase, log: Path) -> Iterator[Flask]:
    """Give the program on SQLite with a security log in a file."""
    with new_database("sqlite") as url:
        close_app(make_app(url))
        app = create_app(Settings(RunMode.DEMO, url, "x" * 32, security_log=str(log)))
        yield app
        close_app(app)


def lines(log: Path) -> list[dict[str, Any]]:
    """Return what was told."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_logins_and_refusals_are_told_with_account_address_route_and_the_id_of_the_request(
    program: Flask, log: Path
) -> None:
    Visitor(program).post("/login", username="kepala", password="salah")
    visitor = Visitor(program, "pemohon")
    denied = visitor.get("/admin/user/new/")
    visitor.get("/admin/change/details/?id=99999")
    visitor.client.post("/logout")
    visitor.post("/logout")
    told = lines(log)
    assert [(line["kind"], line["outcome"], line.get("account")) for line in told] == [
        ("login", "refused", "kepala"),
        ("login", "opened", "pemohon"),
        ("refused", "forbidden", "pemohon"),
        ("refused", "not-found", "pemohon"),
        ("refused", "csrf", "pemohon"),
        ("action", "done", "Ani Lestari"),
    ]
    refused = told[2]
    assert refused["request_id"] == denied.headers["X-Request-ID"]
    assert (refused["method"], refused["route"], refused["status"]) == ("GET", "user.create_view", 403)
    assert refused["address"] == "127.0.0.1"
    assert dt.datetime.fromisoformat(refused["at"]).utcoffset() == dt.timedelta()


def test_too_many_attempts_and_too_large_requests_are_told(program: Flask, log: Path) -> None:
    for _time in range(7):
        Visitor(program).post("/login", username="kepala", password="salah")
    visitor = Visitor(program, "pemohon")
    assert visitor.post("/profile/contact", phone="1" * (3 * 1024 * 1024)).status_code == 413
    outcomes = [line["outcome"] for line in lines(log)]
    assert outcomes[:7] == ["refused"] * 5 + ["too-many-logins"] * 2
    assert outcomes[-1] == "too-large"


def test_exports_and_downloads_are_told(program: Flask, log: Path) -> None:
    head = Visitor(program, "kepala")
    answer = head.get("/admin/change/export/csv/")
    assert answer.status_code == 200
    answer.close()
    told = lines(log)[-1]
    assert (told["kind"], told["route"], told["account"]) == ("export", "change.export", "kepala")


def test_changes_of_accounts_sessions_and_factors_are_told_as_they_are_committed(program: Flask, log: Path) -> None:
    visitor = Visitor(program, "pemohon")
    new = "kuda terbang sampai pagi"
    visitor.post("/profile/password", old=PASSWORD, new=new, again=new)
    visitor.post("/profile/sessions/end-others")
    assert [line["action"] for line in lines(log) if line["kind"] == "action"] == ["profile.password"]
    Visitor(program).post("/login", username="pemohon", password=new)
    visitor.post("/profile/sessions/end-others")
    assert [line["action"] for line in lines(log) if line["kind"] == "action"][-1] == "session.end"


def test_every_action_on_accounts_sessions_factors_and_grants_has_a_line() -> None:
    """By the modules that declare them, so that a new one is not left out; and no beginning is one of nothing."""
    modules = (operations, decisions, second_factor, password_reset, user_module, sessions, grant, freeze_permit)
    actions = {one.value for module in modules for one in vars(module).values() if isinstance(one, AuditAction)}
    assert {"account-request.approve", "user.enable", "factor.reset", "session.end", "freeze.permit"} <= actions
    assert [action for action in sorted(actions) if not action.startswith(LOGGED_ACTIONS)] == []
    known = {*(one.value for one in AUDIT_ACTIONS), "POST access.logout"}
    assert [start for start in LOGGED_ACTIONS if not any(action.startswith(start) for action in known)] == []


def test_a_grant_has_a_line_although_the_approval_names_the_entry(program: Flask, log: Path) -> None:
    administrator, head = Visitor(program, "admin"), Visitor(program, "kepala")
    typed: dict[str, Any] = {"full_name": "Kepala Kedua", "roles": ["head"], "password": "empat kata yang panjang"}
    with program.app_context():
        typed["agency"] = str(db.session.scalar(select(User.agency_id).where(User.username == "kepala")))
    assert administrator.post("/admin/user/new/", username="kepala.dua", **typed).status_code == 303
    assert head.post("/admin/account-request/1/approve").status_code == 303
    told = [(line["account"], line["action"]) for line in lines(log) if line["kind"] == "action"]
    assert [action for name, action in told if name != "Endah Kusuma"] == ["user.create", "account-request.ask"]
    assert [action for name, action in told if name == "Endah Kusuma"] == [
        "user.enable",
        "user.password",
        "account-request.approve",
    ]


def test_a_password_in_the_field_of_the_user_name_is_kept_nowhere(program: Flask, log: Path) -> None:
    for typed in (SECRET, SECRET.upper(), "kata\nbaru"):
        Visitor(program).post("/login", username=typed, password="x")
    Visitor(program).post("/forgot-password", name=SECRET)
    told = log.read_text()
    with program.app_context():
        trail = "".join(f"{entry.rows}{entry.reason}" for entry in db.session.scalars(select(AuditEntry)))
        saved = [*db.session.scalars(select(LoginFailure.username)), *db.session.scalars(select(PasswordReset.name))]
    for text in (told, trail, " ".join(saved)):
        assert SECRET not in text.casefold()
    assert len(saved) == 4
    assert all(re.fullmatch(r"\?[0-9a-f]{32}", name) for name in saved)
    assert saved[0] == saved[1] == saved[3]
    assert len(told.splitlines()) == len(lines(log))


def test_no_line_can_be_forged_by_what_somebody_sends(program: Flask, log: Path) -> None:
    visitor = Visitor(program, "pemohon")
    answer = visitor.client.get('/admin/change/details/?id=1%0a{"kind":"login"}', headers={"User-Agent": 'x"} {"k'})
    assert answer.status_code in {400, 404}
    assert visitor.client.get("/admin/user/new/%0a%7B%7D").status_code == 404
    assert visitor.client.get("/admin/user/new/").status_code == 403
    assert len(log.read_text().splitlines()) == len(lines(log))
    assert {line["kind"] for line in lines(log)} == {"login", "refused"}


def test_a_log_that_cannot_be_written_ends_nothing(program: Flask, log: Path) -> None:
    log.unlink(missing_ok=True)
    log.mkdir()
    assert Visitor(program, "pemohon").get("/admin/user/new/").status_code == 403


def test_production_writes_to_the_standard_error_and_the_demo_nothing(
    new_database: NewDatabase, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert read_settings({}, instance=tmp_path).security_log is None
    variables = {"LPSE_ENV": "production", "LPSE_DATABASE_URL": "sqlite:///x.db", "LPSE_SECRET_KEY": "x" * 32}
    assert read_settings(variables).security_log == "-"
    with new_database("sqlite") as url:
        close_app(make_app(url))
        app = create_app(Settings(RunMode.DEMO, url, "x" * 32, security_log="-"))
        Visitor(app, "pemohon")
        close_app(app)
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["outcome"] == "opened"


def test_a_log_that_cannot_be_made_is_said_at_the_start(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "tidak" / "ada.log"):
        with pytest.raises(ConfigurationError, match="LPSE_SECURITY_LOG"):
            read_settings({"LPSE_SECURITY_LOG": str(path)}, instance=tmp_path)
    there = tmp_path / "log"
    assert read_settings({"LPSE_SECURITY_LOG": str(there)}, instance=tmp_path).security_log == str(there)
    assert read_settings({"LPSE_SECURITY_LOG": "-"}, instance=tmp_path).security_log == "-"


def test_an_account_is_named_as_it_is_and_not_as_it_was_typed(program: Flask, log: Path) -> None:
    Visitor(program).post("/login", username="  KEPALA ", password="salah")
    assert lines(log)[-1]["account"] == "kepala"
    with program.app_context():
        assert db.session.scalar(select(LoginFailure.username)) == "kepala"
        assert db.session.scalar(select(User.username).where(User.username == "kepala")) == "kepala"
