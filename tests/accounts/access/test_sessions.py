"""Sessions: their ends, kept in their rows; the page of one's own; and those that administrators end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD as PASSWORD
from lpse_admin.accounts.sessions import SessionEnd, device_name, session_limits
from models.accounts.login_session import Login
from models.accounts.user import User
from models.database import db
from tests.support.program import Visitor

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPICursor

    from tests.accounts.access.conftest import Clock

WRONG = "katakan-teman-dan-masuk"


def logins_of(program: Flask, username: str) -> list[Login]:
    """Return the sessions of a user, the oldest first."""
    with program.app_context():
        result = select(Login).join(User, User.id == Login.user_id).where(User.username == username).order_by(Login.id)
        return list(db.session.scalars(result))


def ends_of(program: Flask, username: str) -> list[SessionEnd | None]:
    """Return why the sessions of a user ended, the oldest first."""
    return [login.end_reason for login in logins_of(program, username)]


def is_in(visitor: Visitor) -> bool:
    """Whether somebody is logged in."""
    return visitor.get("/profile").status_code == 200


@pytest.mark.parametrize(("username", "idle", "absolute"), [("pemohon", 8, 12), ("kepala", 2, 10), ("admin", 2, 10)])
def test_a_session_ends_without_use_and_at_the_latest_after_a_day_of_work(
    program: Flask, clock: Clock, username: str, idle: int, absolute: int
) -> None:
    resting, working = Visitor(program, username), Visitor(program, username)
    for _step in range(2 * absolute - 1):
        clock.forward(minutes=30)
        assert is_in(working)
        if _step == 2 * idle - 2:
            assert is_in(resting)  # half an hour before its end: it begins to rest anew
    clock.forward(minutes=30)
    assert not is_in(working)
    assert not is_in(resting)


def test_a_session_that_nobody_used_for_its_time_is_over_whatever_its_cookie_says(program: Flask, clock: Clock) -> None:
    visitor = Visitor(program, "kepala")
    clock.forward(hours=2, seconds=-1)
    assert is_in(visitor)
    clock.forward(hours=2)
    assert not is_in(visitor)
    clock.forward(hours=-1)
    assert is_in(visitor)


def test_a_page_writes_at_most_once_a_minute_that_the_session_is_used(program: Flask, clock: Clock) -> None:
    visitor = Visitor(program, "pemohon")
    is_in(visitor)
    written: list[str] = []

    def note(
        _connection: Connection, _cursor: DBAPICursor, statement: str, _parameters: object, *_context: object
    ) -> None:
        if statement.startswith("UPDATE"):
            written.append(statement)

    with program.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    for seconds, count in ((59, 0), (1, 1), (59, 1), (2, 2)):
        clock.forward(seconds=seconds)
        assert is_in(visitor)
        assert is_in(visitor)
        assert len(written) == count
    event.remove(engine, "before_cursor_execute", note)
    assert all("UPDATE login SET seen_at" in statement for statement in written)


def test_the_use_of_a_session_waits_for_nobody_who_writes(program: Flask, clock: Clock) -> None:
    visitor = Visitor(program, "pemohon")
    clock.forward(minutes=5)
    with program.app_context(), db.engine.begin():
        assert is_in(visitor)
    seen = logins_of(program, "pemohon")[-1].seen_at
    assert is_in(visitor)
    assert logins_of(program, "pemohon")[-1].seen_at != seen


def test_whoever_logs_in_anew_in_the_same_browser_ends_the_former_session(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    former = visitor.client.get_cookie("lpse")
    assert former is not None
    visitor.token = ""
    assert visitor.post("/login", username="pemohon2", password=PASSWORD).status_code == 303
    thief = Visitor(program)
    thief.client.set_cookie("lpse", former.value)
    assert not is_in(thief)
    assert is_in(visitor)
    assert ends_of(program, "pemohon") == [SessionEnd.REPLACED]


def test_a_new_password_other_roles_and_a_disabled_account_end_the_rows_too(program: Flask) -> None:
    here, elsewhere = Visitor(program, "pemohon"), Visitor(program, "pemohon")
    new = "kuda terbang sampai pagi"
    assert here.post("/profile/password", old=PASSWORD, new=new, again=new).status_code == 303
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert ends_of(program, "pemohon") == [SessionEnd.PASSWORD, SessionEnd.PASSWORD, None]
    user_id = logins_of(program, "pemohon")[0].user_id
    assert Visitor(program, "admin").post(f"/admin/user/{user_id}/disable", successor_id="0").status_code == 303
    assert not is_in(here)
    assert ends_of(program, "pemohon")[-1] is SessionEnd.ACCOUNT


def test_my_sessions_shows_device_address_and_times_and_ends_one_or_all_others(program: Flask, clock: Clock) -> None:
    here = Visitor(program, "pemohon")
    others = [Visitor(program, "pemohon") for _time in range(3)]
    firefox = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"}
    phone = Visitor(program)
    login = {"csrf_token": phone._token(), "username": "pemohon", "password": PASSWORD}
    assert phone.client.post("/login", data=login, headers=firefox).status_code == 303
    page = here.get("/profile/sessions").text
    assert "Firefox, Windows" in page
    assert page.count("127.0.0.1") == 5
    assert page.count("Sesi ini") == 1
    first = logins_of(program, "pemohon")[1]
    assert here.post(f"/profile/sessions/{first.id}/end").status_code == 303
    assert [is_in(other) for other in others] == [False, True, True]
    assert here.post(f"/profile/sessions/{first.id}/end").status_code == 404
    own = logins_of(program, "pemohon")[0]
    assert here.post(f"/profile/sessions/{own.id}/end").status_code == 404
    assert others[1].post("/profile/sessions/end-others").status_code == 303
    assert [is_in(one) for one in (here, others[1], others[2], phone)] == [False, True, False, False]


def test_nobody_sees_or_ends_the_sessions_of_others_but_administrators_do(program: Flask) -> None:
    head, clerk = Visitor(program, "kepala"), Visitor(program, "pemohon")
    theirs = logins_of(program, "kepala")[0]
    assert clerk.post(f"/profile/sessions/{theirs.id}/end").status_code == 404
    assert clerk.post(f"/admin/user/{theirs.user_id}/end-sessions").status_code == 403
    administrator = Visitor(program, "admin")
    assert "127.0.0.1" in administrator.get(f"/admin/user/details/?id={theirs.user_id}").text
    assert is_in(head)
    assert administrator.post(f"/admin/user/{theirs.user_id}/end-sessions").status_code == 303
    assert not is_in(head)
    assert ends_of(program, "kepala") == [SessionEnd.ADMINISTRATOR]
    assert Visitor(program, "pemeriksa").get(f"/admin/user/details/?id={theirs.user_id}").text.count("127.0.0.1") == 0


def test_wrong_passwords_within_a_session_are_counted_and_end_it(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    new = "kuda terbang sampai pagi"
    answers = [visitor.post("/profile/password", old=WRONG, new=new, again=new).status_code for _time in range(5)]
    assert answers == [422, 422, 422, 422, 429]
    assert not is_in(visitor)
    assert ends_of(program, "pemohon") == [SessionEnd.GUESSES]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "Chrome, Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit Version/17 Safari/604.1",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 14; SM-A) AppleWebKit Chrome/126 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.5.0", "curl"),
        ("Werkzeug/3.1", "Werkzeug"),
        ("<script>", None),
        ("", None),
    ],
)
def test_a_device_is_called_by_its_browser_and_its_system(user_agent: str, name: str | None) -> None:
    assert device_name(user_agent) == name


def test_sessions_of_heads_and_administrators_are_shorter() -> None:
    usual, strict = session_limits({Role.REQUESTER, Role.CHANGE_MANAGER}), session_limits({Role.REQUESTER, Role.HEAD})
    assert strict == session_limits({Role.ADMINISTRATOR})
    assert (strict.idle < usual.idle, strict.absolute < usual.absolute) == (True, True)
