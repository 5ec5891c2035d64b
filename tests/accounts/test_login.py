"""Login, lockout, sessions and logout."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from itsdangerous import TimestampSigner
from sqlalchemy import select

from app import create_app
from lpse_admin.config import LoginLimit, RunMode, Settings
from models.accounts.login import LoginFailure
from models.accounts.user import User
from models.administration.operations import reset_from_terminal
from models.audit.trail import AuditContext, AuditEntry, set_audit_context
from models.database import db
from tests.support.program import Visitor, close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase

PASSWORD = "lpse-demo-2026"
WRONG = "katakan-teman-dan-masuk"
START = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> dt.datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def program(new_database: NewDatabase, clock: Clock) -> Iterator[Flask]:
    """Give the program on SQLite, where nothing hangs on the kind of database."""
    with new_database("sqlite") as url:
        app = make_app(url, clock=clock)
        yield app
        close_app(app)


def alter(app: Flask, username: str, /, **columns: object) -> None:
    """Change a user behind the screens."""
    with app.app_context():
        set_audit_context(db.session(), AuditContext(at=START, actor_id=None, actor_name="test", action="alter"))
        user = db.session.scalars(select(User).where(User.username == username)).one()
        for name, value in columns.items():
            setattr(user, name, value)
        db.session.commit()


def told(app: Flask) -> list[tuple[int, str, str, str]]:
    """Return (chain, action, who, rows) of every entry of the trail that a request of the browser made."""
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.request_id.is_not(None)).order_by(AuditEntry.id)
        )
        return [(entry.chain, entry.action, entry.actor_name, entry.rows) for entry in entries]


def test_a_stranger_is_sent_to_the_login_and_from_there_to_where_they_wanted_to_go(program: Flask) -> None:
    visitor = Visitor(program)
    sent = visitor.get("/profile?lang=en")
    assert sent.status_code == 302
    assert sent.location == "/login?next=/profile?lang%3Den"
    assert visitor.get(sent.location).status_code == 200
    entered = visitor.post(sent.location, username="pemohon", password=PASSWORD)
    assert (entered.status_code, entered.location) == (303, "/profile?lang=en")
    assert visitor.get("/profile").status_code == 200


@pytest.mark.parametrize("path", ["/profile", "/", "/admin/change/"])
def test_a_stranger_who_asks_for_json_is_told_401(program: Flask, path: str) -> None:
    answer = Visitor(program).get(path, json=True)
    assert answer.status_code == 401
    assert _json(answer)["status"] == 401


def test_what_a_stranger_sends_is_refused_before_anything_else(program: Flask) -> None:
    answer = program.test_client().post("/logout")
    assert answer.status_code == 401


@pytest.mark.parametrize("username", ["pemohon", "nobody", "p\0emohon", "x" * 80])
def test_a_failed_login_says_the_same_of_everybody_and_keeps_the_name(program: Flask, username: str) -> None:
    answer = Visitor(program).post("/login", username=username, password=WRONG)
    assert answer.status_code == 401
    assert f'value="{username}"' in answer.text or "\0" in username
    assert WRONG not in answer.text
    assert "_user_id" not in answer.headers.get("Set-Cookie", "")
    reference = Visitor(program).post("/login", username="kepala", password=WRONG)
    assert _alert(answer.text) == _alert(reference.text) != ""


def test_a_failed_login_by_a_program_is_told_as_json(program: Flask) -> None:
    answer = Visitor(program).post("/login", json=True, username="pemohon", password=WRONG)
    assert answer.status_code == 401
    assert _json(answer)["error"]


def test_an_empty_form_names_what_is_missing(program: Flask) -> None:
    answer = Visitor(program).post("/login", username="", password="")
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2


def test_a_login_without_the_page_s_token_is_refused(program: Flask) -> None:
    answer = program.test_client().post("/login", data={"username": "pemohon", "password": PASSWORD})
    assert answer.status_code == 400


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\tb", "evil"])
def test_nobody_is_sent_on_to_another_place(program: Flask, onward: str) -> None:
    answer = Visitor(program).post("/login", username="pemohon", password=PASSWORD, next=onward)
    assert answer.location == "/"


def test_whoever_is_in_already_need_not_log_in_again(program: Flask) -> None:
    assert Visitor(program, "pemohon").get("/login?next=/profile").location == "/profile"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_five_failures_lock_an_account_even_for_the_right_password_until_the_time_is_over(
    new_database: NewDatabase, clock: Clock, kind: Literal["sqlite", "postgresql"]
) -> None:
    with new_database(kind) as url:
        program = make_app(url, clock=clock)
        for _ in range(5):
            assert Visitor(program).post("/login", username="kepala", password=WRONG).status_code == 401
        locked = Visitor(program).post("/login", username="kepala", password=PASSWORD)
        assert locked.status_code == 429
        assert locked.headers["Retry-After"] == "900"
        assert "15" in _alert(locked.text)
        assert Visitor(program).post("/login", json=True, username="kepala", password=PASSWORD).status_code == 429
        clock.time += dt.timedelta(minutes=15)
        assert Visitor(program).post("/login", username="kepala", password=PASSWORD).status_code == 303
        close_app(program)


def from_address(program: Flask, address: str) -> Visitor:
    """Return a visitor from ``address``."""
    visitor = Visitor(program)
    visitor.client.environ_base["REMOTE_ADDR"] = address
    return visitor


def fail(program: Flask, username: str, address: str, times: int = 1) -> list[int]:
    """Log in with a wrong password from ``address``, and return the statuses."""
    visitor = from_address(program, address)
    return [visitor.post("/login", username=username, password=WRONG).status_code for _time in range(times)]


def enter(program: Flask, username: str, address: str, code: str = "") -> int:
    """Log in with the right password from ``address``, and return the status."""
    return from_address(program, address).post("/login", username=username, password=PASSWORD, code=code).status_code


OFFICE, HOME = "192.0.2.10", "198.51.100.7"


def test_the_typing_errors_of_a_colleague_shut_nobody_else_out(program: Flask) -> None:
    assert fail(program, "pengelola", OFFICE, 5) == [401] * 5
    assert enter(program, "pengelola", OFFICE) == 429
    assert enter(program, "kepala", OFFICE) == 303


def test_wrong_logins_as_somebody_from_afar_do_not_shut_them_out_elsewhere(program: Flask) -> None:
    assert fail(program, "kepala", "203.0.113.5", 6) == [401] * 5 + [429]
    assert enter(program, "kepala", OFFICE) == 303


def test_a_hundred_failures_lock_an_address_whatever_names_were_tried(program: Flask) -> None:
    names = [f"tebakan{number}" for number in range(20)]
    for name in names:
        assert fail(program, name, OFFICE, 5) == [401] * 5
    assert enter(program, "pemohon", OFFICE) == 429
    assert enter(program, "pemohon", HOME) == 303


def test_the_right_password_gets_in_from_where_the_account_was_opened_before(program: Flask, clock: Clock) -> None:
    assert enter(program, "kepala", OFFICE) == 303
    clock.time += dt.timedelta(days=30)
    assert fail(program, "kepala", OFFICE, 8) == [401] * 5 + [429] * 3
    assert enter(program, "kepala", OFFICE) == 303
    for number in range(21):  # somebody tries from many places
        fail(program, "kepala", f"203.0.113.{number}", 5)
    assert enter(program, "kepala", HOME) == 429
    assert enter(program, "kepala", OFFICE) == 303
    clock.time += dt.timedelta(minutes=15)
    assert enter(program, "kepala", HOME) == 303


def test_failures_where_an_account_is_at_home_do_not_shut_it_out_elsewhere(program: Flask) -> None:
    assert enter(program, "kepala", OFFICE) == 303
    assert fail(program, "kepala", OFFICE, 101)[-1] == 429
    assert enter(program, "kepala", HOME) == 303


def test_wrong_codes_after_the_right_password_lock_the_account_even_where_it_is_known(
    program: Flask, clock: Clock
) -> None:
    secret = pyotp.random_base32()
    assert enter(program, "kepala", OFFICE) == 303
    alter(program, "kepala", totp_secret=secret)
    assert [enter(program, "kepala", OFFICE, code="000000") for _time in range(6)] == [401] * 5 + [429]
    assert enter(program, "kepala", OFFICE, code=pyotp.TOTP(secret).at(clock.time)) == 429
    clock.time += dt.timedelta(minutes=15)
    code = pyotp.TOTP(secret).at(clock.time)
    assert enter(program, "kepala", OFFICE, code=f"{code[:3]}-{code[3:]}") == 303


def test_every_failed_guess_is_in_the_trail(program: Flask) -> None:
    assert enter(program, "kepala", OFFICE) == 303
    fail(program, "kepala", OFFICE, 7)
    assert sum('"table":"login_failure"' in rows for *_rest, rows in told(program)) == 7


def test_a_new_password_ends_the_lock_of_the_former_one(program: Flask, clock: Clock) -> None:
    fail(program, "pengelola", HOME, 6)
    clock.time += dt.timedelta(minutes=1)
    with program.app_context():
        set_audit_context(db.session(), AuditContext(at=clock.time, actor_id=None, actor_name="test", action="reset"))
        user = db.session.scalars(select(User).where(User.username == "pengelola")).one()
        reset_from_terminal(user, "dari administrator saja", now=clock.time)
        db.session.commit()
    answer = from_address(program, HOME).post("/login", username="pengelola", password="dari administrator saja")
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "typed",
    [
        "Kepala",
        "KEPALA",
        " kepala ",
        "kepala\t",
        "ｋｅｐａｌａ",
        "ke\u00adpala",
        "\ufeffkepala",
        "kepala\u200b",
        "\u202akepala\u202c",
    ],
)
def test_a_user_name_is_the_same_in_capitals_with_blanks_and_in_wide_letters(program: Flask, typed: str) -> None:
    assert enter(program, typed, OFFICE) == 303
    with program.app_context():
        assert db.session.scalars(select(LoginFailure)).all() == []


def test_failures_are_counted_for_the_account_in_whatever_letters_it_is_typed(program: Flask) -> None:
    for typed in ("Kepala", "KEPALA", " kepala", "kepala ", "ｋepala"):
        fail(program, typed, HOME)
    assert enter(program, "kepala", HOME) == 429
    for typed in ("Siapa", "SIAPA", " siapa", "siapa ", "ｓiapa"):
        fail(program, typed, HOME)
    assert fail(program, "siapa", HOME) == [429]


def test_earlier_accounts_that_differ_in_capitals_alone_are_each_opened_as_they_are_written(program: Flask) -> None:
    alter(program, "pengelola2", username="Kepala")
    alter(program, "pemohon2", username="Ani")
    for typed, name in (("Kepala", "Dimas Saputra"), ("kepala", "Endah Kusuma"), ("KEPALA", "Endah Kusuma"),
                        ("ani", "Bagus Pratama"), ("ANI", "Bagus Pratama")):  # fmt: skip
        visitor = from_address(program, OFFICE)
        assert visitor.post("/login", username=typed, password=PASSWORD).status_code == 303
        assert f'id="who">{name}<' in visitor.get("/profile").text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.7", "127.0.0.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7, 192.0.2.1", "198.51.100.7"),
        (1, "", "127.0.0.1"),
    ],
)
def test_where_somebody_comes_from_is_taken_from_the_office_s_own_proxies_alone(
    new_database: NewDatabase, proxies: int, forwarded: str, address: str
) -> None:
    with new_database("sqlite") as url:
        close_app(make_app(url))
        program = create_app(Settings(RunMode.PRODUCTION, url, "x" * 32, proxies=proxies))
        visitor = Visitor(program)
        visitor.client.environ_base |= {"HTTP_X_FORWARDED_FOR": forwarded, "HTTP_X_FORWARDED_PROTO": "https"}
        visitor.client.environ_base |= {"wsgi.url_scheme": "https", "HTTP_REFERER": "https://localhost/login"}
        assert visitor.post("/login", username="kepala", password=WRONG).status_code == 401
        with program.app_context():
            assert db.session.scalars(select(LoginFailure.address)).one() == address
        close_app(program)


def test_the_limit_is_a_setting(new_database: NewDatabase) -> None:
    with new_database("sqlite") as url:
        program = make_app(url, login_limit=LoginLimit(1, 60))
        Visitor(program).post("/login", username="kepala", password=WRONG)
        assert Visitor(program).post("/login", username="kepala", password=PASSWORD).status_code == 429
        close_app(program)


def test_a_login_takes_nothing_over_from_the_session_before_it(program: Flask) -> None:
    visitor = Visitor(program)
    visitor.get("/login")
    with visitor.client.session_transaction() as session:
        session["planted"] = "by somebody else"
        before = session["csrf_token"]
    visitor.post("/login", username="pemohon", password=PASSWORD)
    visitor.get("/profile")
    with visitor.client.session_transaction() as session:
        assert "planted" not in session
        assert session["csrf_token"] != before


def test_the_session_s_cookie_is_kept_from_scripts_and_other_sites(program: Flask) -> None:
    cookie = Visitor(program).post("/login", username="pemohon", password=PASSWORD).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_somebody_who_is_disabled_is_out_at_once_and_cannot_come_back(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    alter(program, "pemohon", is_active=False)
    assert visitor.get("/profile").location == "/login?next=/profile"
    assert Visitor(program).post("/login", username="pemohon", password=PASSWORD).status_code == 401


def test_a_logout_ends_every_copy_of_the_session_s_cookie(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    copy = visitor.client.get_cookie("lpse")
    assert copy is not None
    assert visitor.post("/logout").location == "/login"
    thief = program.test_client()
    thief.set_cookie("lpse", copy.value)
    assert thief.get("/profile").status_code == 302
    assert visitor.get("/profile").status_code == 302


def test_a_logout_here_leaves_a_session_elsewhere_alone(program: Flask) -> None:
    here, elsewhere = Visitor(program, "pemohon"), Visitor(program, "pemohon")
    here.post("/logout")
    assert elsewhere.get("/profile").status_code == 200


def test_a_link_does_not_log_out(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/profile").status_code == 200


def test_a_session_ends_after_eight_idle_hours_and_not_before(program: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor(program, "pemohon")
    real = TimestampSigner.get_timestamp
    for hours, status in ((7, 200), (14, 200), (23, 302)):
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer, ahead=hours: real(signer) + ahead * 3600)
        assert visitor.get("/profile").status_code == status


def test_a_forged_or_broken_session_is_nobody_s(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    for planted in ({"_user_id": "1"}, {"_user_id": "x.y"}, {"_user_id": "1.1", "login": "1"}, {"_user_id": "999.1"}):
        with visitor.client.session_transaction() as session:
            session.clear()
            session.update(planted)
        assert visitor.get("/profile").status_code == 302


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(program: Flask) -> None:
    here, elsewhere = Visitor(program, "pemohon"), Visitor(program, "pemohon")
    new = "kuda terbang sampai pagi"
    answer = here.post("/profile/password", old=PASSWORD, new=new, again=new)
    assert (answer.status_code, answer.location) == (303, "/profile")
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302
    assert Visitor(program).post("/login", username="pemohon", password=PASSWORD).status_code == 401
    assert Visitor(program).post("/login", username="pemohon", password=new).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "wrong"),
    [
        (WRONG, "kuda terbang sampai pagi", "kuda terbang sampai pagi", "old"),
        (PASSWORD, "pendek", "pendek", "new"),
        (PASSWORD, "x" * 201, "x" * 201, "new"),
        (PASSWORD, "Pemohon-1234567", "Pemohon-1234567", "new"),
        (PASSWORD, "Password12345", "Password12345", "new"),
        (PASSWORD, "123456789012", "123456789012", "new"),
        (PASSWORD, "aaaaaaaaaaaab", "aaaaaaaaaaaab", "new"),
        (PASSWORD, PASSWORD, PASSWORD, "new"),
        (PASSWORD, "kuda terbang sampai pagi", "kuda terbang sampai sore", "again"),
        ("", "", "", "old"),
    ],
)
def test_a_bad_new_password_is_refused_beside_its_field(
    program: Flask, old: str, new: str, again: str, wrong: str
) -> None:
    visitor = Visitor(program, "pemohon")
    answer = visitor.post("/profile/password", old=old, new=new, again=again)
    assert answer.status_code == 422
    assert f'id="{wrong}-error"' in answer.text
    assert Visitor(program).post("/login", username="pemohon", password=PASSWORD).status_code == 303


def test_login_failure_and_logout_are_told_in_the_trail_of_the_agency_and_no_secret_is(program: Flask) -> None:
    Visitor(program).post("/login", username="kepala", password=WRONG)
    Visitor(program).post("/login", username="nobody", password=WRONG)
    visitor = Visitor(program, "kepala")
    visitor.post("/logout")
    entries = told(program)
    assert [(action, who) for _chain, action, who, _rows in entries] == [
        ("POST access.login", "tanpa akun"),
        ("POST access.login", "tanpa akun"),
        ("POST access.login", "Endah Kusuma"),
        ("POST access.logout", "Endah Kusuma"),
    ]
    assert [chain for chain, *_rest in entries] == [1, 0, 1, 1]
    assert '"username":"kepala"' in entries[0][3]
    assert '"table":"login"' in entries[2][3]
    assert '"ended_at"' in entries[3][3]
    visitor = Visitor(program, "kepala")
    new = "kuda terbang sampai pagi"
    visitor.post("/profile/password", old=PASSWORD, new=new, again=new)
    whole = "".join(rows for *_rest, rows in told(program))
    assert '"password_hash":"*** ' in whole
    assert "argon2" not in whole
    assert new not in whole


def _alert(page: str) -> str:
    """Return what the page says went wrong."""
    return page.partition('role="alert">')[2].partition("</div>")[0]


def _json(answer: TestResponse) -> Any:
    return json.loads(answer.text)
