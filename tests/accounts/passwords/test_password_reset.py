"""A forgotten password: the link by mail, what it does once, and that nobody learns who has an account."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app import create_app
from lpse_admin.config import RunMode, Settings
from models.accounts.password_reset import PasswordReset
from models.accounts.user import User
from models.audit.trail import AuditContext, AuditEntry, set_audit_context
from models.database import db
from models.notifications.mail import Mail
from models.notifications.notification import Notification
from models.notifications.outbox import _outgoing_mail
from tests.support.program import OWN_PASSWORD, Visitor, close_app, make_app
from views.notifications.mailing import render_mail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from models.notifications.smtp_client import RenderedMail
    from tests.conftest import NewDatabase

START = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
PASSWORD = "lpse-demo-2026"
OFFICE, HOME = "192.0.2.10", "198.51.100.7"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> dt.datetime:
        return self.time

    def pass_minutes(self, minutes: int) -> None:
        """Let time pass."""
        self.time += dt.timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def program(database_url: str, clock: Clock) -> Iterator[Flask]:
    """Give the program with the demo's users."""
    app = make_app(database_url, clock=clock)
    yield app
    close_app(app)


def visitor(program: Flask, address: str = OFFICE) -> Visitor:
    """Return a stranger from ``address``."""
    stranger = Visitor(program)
    stranger.client.environ_base["REMOTE_ADDR"] = address
    return stranger


def ask(program: Flask, name: str, address: str = OFFICE) -> TestResponse:
    """Ask for a link."""
    return visitor(program, address).post("/forgot-password", name=name)


def mails(program: Flask, event: str = "password-reset") -> list[tuple[str, RenderedMail, bool]]:
    """Return (address, mail, whether it would be sent now) of each mail of this event."""
    with program.app_context():
        result = db.session.scalars(
            select(Mail).join(Notification).where(Notification.event == event).order_by(Mail.id)
        ).all()
        ids = [mail.id for mail in result]
        outgoing = [_outgoing_mail(db.session(), [id_], program.extensions["test_clock"]()) for id_ in ids]
    return [(mail.address, render_mail_in(program, mail), mail.is_active) for mail in outgoing]


def render_mail_in(program: Flask, mail: object) -> RenderedMail:
    """Render a mail as the outbox does."""
    with program.app_context():
        return render_mail(mail)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _known_clock(program: Flask, clock: Clock) -> None:
    program.extensions["test_clock"] = clock


def link(program: Flask, number: int = -1) -> str:
    """Return the path of the link in a mail, the last one by default."""
    text = mails(program)[number][1].text
    match = re.search(r"https?://[^/\s]+(/reset-password/\S+)", text)
    assert match, text
    return match[1]


def enter(program: Flask, username: str, password: str, address: str = OFFICE) -> int:
    """Log in and return the status."""
    return visitor(program, address).post("/login", username=username, password=password).status_code


def test_a_link_by_mail_sets_a_new_password_once_and_ends_the_sessions(program: Flask, clock: Clock) -> None:
    open_session = Visitor(program, "kepala")
    assert 'href="/forgot-password"' in visitor(program).get("/login").text
    answer = ask(program, " Kepala ")
    assert (answer.status_code, answer.location) == (303, "/login")
    ((address, mail, is_sent),) = mails(program)
    assert (address, is_sent) == ("kepala@example.invalid", True)
    assert "kepala" in mail.text
    assert OFFICE in mail.text
    clock.pass_minutes(29)
    path = link(program)
    reader = visitor(program, HOME)
    assert reader.get(path).status_code == reader.get(path).status_code == 200
    assert reader.post(path, new="pendek", again="pendek").status_code == 422
    assert reader.post(path, new=OWN_PASSWORD, again="lain sama sekali").status_code == 422
    assert open_session.get("/profile").status_code == 200
    assert reader.post(path, new=OWN_PASSWORD, again=OWN_PASSWORD).status_code == 303
    assert open_session.get("/profile").status_code == 302
    assert reader.get(path).status_code == 404
    assert reader.post(path, new="enam kuda di padang", again="enam kuda di padang").status_code == 404
    assert enter(program, "kepala", PASSWORD) == 401
    assert enter(program, "kepala", OWN_PASSWORD) == 303


def test_a_link_is_good_for_thirty_minutes_and_is_not_mailed_later(program: Flask, clock: Clock) -> None:
    ask(program, "kepala")
    path = link(program)
    clock.pass_minutes(30)
    assert visitor(program).get(path).status_code == 404
    assert visitor(program).post(path, new=OWN_PASSWORD, again=OWN_PASSWORD).status_code == 404
    assert [is_sent for _address, _mail, is_sent in mails(program)] == [False]
    page = visitor(program).get("/reset-password/none")
    assert page.status_code == 404
    assert "/forgot-password" in page.text
    assert visitor(program).get("/reset-password/none", json=True).status_code == 404


def test_the_other_links_end_when_one_is_used_or_the_password_is_changed(program: Flask, clock: Clock) -> None:
    ask(program, "kepala")
    ask(program, "kepala", HOME)
    first, second = link(program, 0), link(program, 1)
    assert first != second
    clock.pass_minutes(1)
    assert visitor(program).get(first).status_code == 200
    assert visitor(program).post(second, new=OWN_PASSWORD, again=OWN_PASSWORD).status_code == 303
    assert visitor(program).get(first).status_code == 404


@pytest.mark.parametrize("name", ["kepala", "tidak.ada", "ditutup", "tanpa.surel", "kepala@example.invalid", "a@b.id"])
def test_the_answer_is_the_same_whether_there_is_an_account_or_not(program: Flask, name: str) -> None:
    with program.app_context():
        set_audit_context(db.session(), AuditContext(at=START, actor_id=None, actor_name="test", action="alter"))
        users = {user.username: user for user in db.session.scalars(select(User))}
        users["pemohon"].username, users["pemohon"].is_active = "ditutup", False
        users["pemohon2"].username, users["pemohon2"].email = "tanpa.surel", None
        db.session.commit()
    stranger = visitor(program)
    answer = stranger.post("/forgot-password", name=name)
    assert (answer.status_code, answer.location) == (303, "/login")
    shown = stranger.get("/login").text
    reference = visitor(program)
    reference.post("/forgot-password", name="kepala")
    assert re.findall(r'role="status">[^<]*', shown) == re.findall(r'role="status">[^<]*', reference.get("/login").text)
    assert len(mails(program)) == 1 + (name.startswith("kepala"))


def test_an_address_that_several_accounts_have_gets_a_link_for_each(program: Flask) -> None:
    with program.app_context():
        set_audit_context(db.session(), AuditContext(at=START, actor_id=None, actor_name="test", action="alter"))
        for user in db.session.scalars(select(User).where(User.username.in_(["pemohon", "pemohon2"]))):
            user.email = "Bersama@example.invalid"
        db.session.commit()
    ask(program, "bersama@EXAMPLE.invalid")
    told = " ".join(mail.text for _address, mail, _is_sent in mails(program))
    assert len(mails(program)) == 2
    assert "pemohon2" in told


def test_an_administrator_of_the_installation_gets_a_link_too(program: Flask) -> None:
    ask(program, "admin")
    assert visitor(program).post(link(program), new=OWN_PASSWORD, again=OWN_PASSWORD).status_code == 303
    assert enter(program, "admin", OWN_PASSWORD) == 303


def test_no_token_is_in_the_database_and_request_and_use_are_in_the_trail(program: Flask, clock: Clock) -> None:
    ask(program, "kepala")
    ask(program, "tidak.ada")
    token = link(program).rpartition("/")[2]
    clock.pass_minutes(1)
    visitor(program, HOME).post(link(program), new=OWN_PASSWORD, again=OWN_PASSWORD)
    with program.app_context():
        resets = db.session.scalars(select(PasswordReset).order_by(PasswordReset.id)).all()
        assert [one.user_id is not None for one in resets] == [True, False]
        assert resets[0].name == "kepala"
        # What is no account's name may be a password: its hash is kept.
        assert resets[1].name.startswith("?")
        assert "tidak.ada" not in resets[1].name
        assert resets[0].used_from == HOME
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action.in_(["password.link", "password.reset"])).order_by(AuditEntry.id)
        ).all()
        assert [(entry.action, entry.actor_name, entry.address) for entry in entries] == [
            ("password.link", "tanpa akun", OFFICE),
            ("password.link", "tanpa akun", OFFICE),
            ("password.reset", "Endah Kusuma", HOME),
        ]
        told = "".join(entry.rows for entry in db.session.scalars(select(AuditEntry)))
        details = str([one.details for one in db.session.scalars(select(Notification))])
        assert token not in told + details + str([one.token_hash for one in resets])
        assert '"token_hash":"*** ' in told


def test_links_are_limited_for_an_account_and_those_that_were_mailed_stay_good(program: Flask) -> None:
    for number in range(8):
        assert ask(program, "kepala", f"203.0.113.{number}").status_code == 303
    assert len(mails(program)) == 5
    assert visitor(program).get(link(program, 0)).status_code == 200


def test_an_address_that_asks_without_end_is_stopped(program: Flask) -> None:
    with program.app_context():
        set_audit_context(db.session(), AuditContext(at=START, actor_id=None, actor_name="test", action="ask"))
        db.session.add_all(PasswordReset(at=START, name=f"nama{number}", address=OFFICE) for number in range(100))
        db.session.commit()
    refused = ask(program, "kepala")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert visitor(program).post("/forgot-password", json=True, name="kepala").status_code == 429
    assert ask(program, "kepala", HOME).status_code == 303


def test_whoever_is_locked_out_gets_in_by_the_link(program: Flask, clock: Clock) -> None:
    for _time in range(6):
        enter(program, "kepala", "salah terus dan terus", HOME)
    assert enter(program, "kepala", PASSWORD, HOME) == 429
    clock.pass_minutes(1)
    ask(program, "kepala", HOME)
    visitor(program, HOME).post(link(program), new=OWN_PASSWORD, again=OWN_PASSWORD)
    clock.pass_minutes(1)
    for number in range(21):  # others go on trying, from many places and from here
        for _time in range(5):
            enter(program, "kepala", "salah terus dan terus", f"203.0.113.{number}")
    for _time in range(6):
        enter(program, "kepala", "salah terus dan terus", HOME)
    assert enter(program, "kepala", OWN_PASSWORD, HOME) == 303


def test_a_request_without_a_name_is_422(program: Flask) -> None:
    assert ask(program, "").status_code == 422
    assert ask(program, "x" * 301).status_code == 422


@pytest.mark.parametrize("base_url", [None, "https://perubahan.example.go.id"])
def test_in_production_links_are_mailed_only_with_the_address_of_the_setting(
    new_database: NewDatabase, base_url: str | None
) -> None:
    with new_database("sqlite") as url:
        close_app(make_app(url))
        program = create_app(Settings(RunMode.PRODUCTION, url, "y" * 32, base_url=base_url), clock=lambda: START)
        program.extensions["test_clock"] = lambda: START
        client, origin = program.test_client(), base_url or "https://evil.example"
        page = client.get("/login", base_url=origin).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        form_values = {"name": "kepala", "csrf_token": token[1]}
        headers = {"Referer": f"{origin}/forgot-password"}
        answer = client.post("/forgot-password", data=form_values, headers=headers, base_url=origin)
        assert answer.status_code == (303 if base_url else 409)
        assert ("administrator" in client.get("/forgot-password", base_url=origin).text) is True
        result = mails(program)
        if base_url:
            assert f"{base_url}/reset-password/" in result[0][1].text
            assert "evil.example" not in result[0][1].text
        else:
            assert result == []
        close_app(program)
