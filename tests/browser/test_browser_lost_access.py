"""An office of three people is walked through a lost telephone, a head who is ill or has left, and a stolen session."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyotp
import pytest
from sqlalchemy import create_engine, select

from demo.cast import PASSWORD
from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.changes.change import ChangeRequest
from models.database import db
from models.sops.sop import SopRevision
from tests.support.cast import (
    LUMAJANG,
    AuditedSession,
    Office,
    change_at_step,
    official,
    set_test_audit_context,
    user,
)
from tests.support.pages.browser import serve_app
from tests.support.present import present
from tests.support.program import OWN_PASSWORD, PDF, close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from playwright.sync_api import Browser, Page

    from tests.conftest import NewDatabase

#: Who is left of the office: a head, a change manager and an administrator.
OFFICE = {"kepala", "pengelola", "administrator"}
FACTORS = "/profile/second-factor"


@pytest.fixture
def program(new_database: NewDatabase) -> Iterator[Flask]:
    """Give the program of an office of three."""
    with new_database("sqlite") as url:
        app = make_app(url)
        with app.app_context():
            session = db.session()
            now = dt.datetime.now(dt.UTC)
            set_audit_context(session, AuditContext(at=now, actor_id=None, actor_name="test", action="set up"))
            agency = present(session.scalars(select(User).where(User.username == "kepala")).one().agency)
            user(session, agency, "administrator", Role.ADMINISTRATOR)
            for one in session.scalars(select(User).where(User.agency_id == agency.id)):
                one.is_active = one.username in OFFICE
            session.commit()
        yield app
        close_app(app)


@pytest.fixture
def address(program: Flask) -> Iterator[str]:
    """Give the address at which it is served."""
    with serve_app(program) as result:
        yield result


def user_id(program: Flask, username: str) -> int:
    """Return the id of an account."""
    with program.app_context():
        return db.session.scalars(select(User.id).where(User.username == username)).one()


def send(page: Page, selector: str) -> None:
    """Press a button, unfold what it is in, and wait for the page that follows."""
    button = page.locator(selector).first
    if not button.is_visible():
        button.locator("xpath=ancestor::details").first.locator("summary").first.click()
    with page.expect_navigation():
        button.click()


def press(page: Page, ending: str) -> None:
    """Send the form whose address ends so."""
    send(page, f"form[action$='{ending}'] button:not([type=button])")


def log_in(page: Page, address: str, username: str, password: str = PASSWORD) -> None:
    """Fill in the first step of the login."""
    page.goto(f"{address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    send(page, "main form[action$='/login'] button")


@contextmanager
def window(browser: Browser, address: str, username: str, password: str = PASSWORD) -> Iterator[Page]:
    """Open a browser of somebody's own, and log in."""
    with browser.new_context(locale="id-ID") as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        log_in(page, address, username, password)
        yield page


def is_logged_in(page: Page, address: str) -> bool:
    """Whether the browser has a session that lasts."""
    page.goto(f"{address}/profile")
    return "/login" not in page.url


def test_a_lost_telephone(browser: Browser, page: Page, program: Flask, address: str) -> None:
    page.set_default_timeout(20_000)
    log_in(page, address, "pengelola")
    page.goto(f"{address}{FACTORS}")
    page.fill("#app input[type=password]", PASSWORD)
    press(page, "/offer")
    seed = present(page.locator("#app code.key").text_content())
    page.fill("#app [name=code]", pyotp.TOTP(seed).now())
    press(page, "/confirm")
    codes = page.locator("ul.codes code").all_inner_texts()

    # The telephone is gone: a recovery code opens the account, and a new app takes the place of the lost one.
    page.context.clear_cookies()
    log_in(page, address, "pengelola")
    page.fill("[name=code]", codes[0])
    press(page, "/second-step")
    assert is_logged_in(page, address)

    # The codes are gone too: the administrator, who knows whom they have before them, resets the factor.
    page.context.clear_cookies()
    log_in(page, address, "pengelola")
    page.fill("[name=code]", codes[0])
    press(page, "/second-step")
    assert page.locator(".alert-danger").count() == 1
    with window(browser, address, "administrator") as administrator:
        administrator.goto(f"{address}/admin/user/details/?id={user_id(program, 'pengelola')}")
        press(administrator, "/reset-factor")
        assert administrator.locator(".alert-success").count() == 1
    page.context.clear_cookies()
    log_in(page, address, "pengelola")
    assert is_logged_in(page, address)
    page.goto(f"{address}/admin/notification/")
    assert "dua faktor" in page.inner_text("main")


def test_a_departed_head(browser: Browser, page: Page, program: Flask, address: str) -> None:
    page.set_default_timeout(20_000)
    log_in(page, address, "administrator")
    head = user_id(program, "kepala")

    # The last head stays: no screen leaves the office without one.
    page.goto(f"{address}/admin/user/details/?id={head}")
    press(page, f"{head}/disable")
    assert "kepala terakhir" in page.inner_text("main")
    assert is_open(program, "kepala")

    # The successor's account waits for a second person, who is the head that leaves.
    page.goto(f"{address}/admin/user/new/")
    for name, value in {
        "full_name": "Kepala Yang Baru", "username": "kepala.baru", "nip": "198001012005011099",
        "email": "kepala.baru@lumajang.example.go.id",
    }.items():  # fmt: skip
        page.fill(f"[name={name}]", value)
    page.check("[name=roles][value=head]")
    send(page, "main form[method=post] button.btn-primary")
    assert not is_open(program, "kepala.baru")
    with window(browser, address, "kepala") as leaving:
        leaving.goto(f"{address}/admin/account-request/")
        send(leaving, "main tbody th a")
        press(leaving, "/approve")
    assert is_open(program, "kepala.baru")

    # There are two heads now; who has left is disabled by two: the administrator and that of the installation.
    page.goto(f"{address}/admin/user/details/?id={head}")
    press(page, f"{head}/disable")
    assert is_open(program, "kepala")
    with window(browser, address, "admin") as second:
        second.goto(f"{address}/admin/account-request/details/?id=2")
        press(second, "/approve")
    assert not is_open(program, "kepala")
    with window(browser, address, "kepala") as gone:
        assert not is_logged_in(gone, address)


def is_open(program: Flask, username: str) -> bool:
    """Whether an account can be used."""
    with program.app_context():
        return db.session.scalars(select(User.is_active).where(User.username == username)).one()


def test_an_administrator_who_is_away(browser: Browser, page: Page, program: Flask, address: str) -> None:
    page.set_default_timeout(20_000)
    with window(browser, address, "pengelola") as manager:
        manager.goto(f"{address}/admin/user/new/")
        assert "Administrator" not in manager.inner_text("main h1, main h2"), "nobody of the office has what is away"
        assert manager.locator("main [name=username]").count() == 0

    # The administrator of the installation gives the office another one, who waits for the head.
    log_in(page, address, "admin")
    page.goto(f"{address}/admin/user/new/")
    office = page.locator("[name=agency] option", has_text="Lumajang").first.get_attribute("value")
    page.select_option("[name=agency]", present(office))
    for name, value in {
        "full_name": "Administrator Pengganti", "username": "admin.pengganti", "nip": "198001012005011098",
        "email": "admin.pengganti@lumajang.example.go.id",
    }.items():  # fmt: skip
        page.fill(f"[name={name}]", value)
    page.check("[name=roles][value=administrator]")
    send(page, "main form[method=post] button.btn-primary")
    assert not is_open(program, "admin.pengganti")
    with window(browser, address, "kepala") as head:
        head.goto(f"{address}/admin/account-request/")
        send(head, "main tbody th a")
        press(head, "/approve")
    assert is_open(program, "admin.pengganti")


def test_a_stolen_session(browser: Browser, page: Page, program: Flask, address: str) -> None:
    page.set_default_timeout(20_000)
    log_in(page, address, "pengelola")
    with browser.new_context() as context:
        context.add_cookies([
            {"name": one["name"], "value": one["value"], "url": address} for one in page.context.cookies()
        ])  # fmt: skip
        thief = context.new_page()
        assert is_logged_in(thief, address)

        # What would let the thief stay takes the password.
        thief.goto(f"{address}{FACTORS}")
        thief.fill("#app input[type=password]", "bukan kata sandinya")
        press(thief, "/offer")
        assert thief.locator("#app code.key").count() == 0

        # The owner sets another password: every session ends but the one that this is done in, which is a new one.
        page.goto(f"{address}/profile")
        form = page.locator("form[action$='/profile/password']")
        for name, value in {"old": PASSWORD, "new": OWN_PASSWORD, "again": OWN_PASSWORD}.items():
            form.locator(f"[name={name}]").fill(value)
        press(page, "/profile/password")
        assert is_logged_in(page, address)
        assert not is_logged_in(thief, address)

        # Where the owner is away, the administrator ends all of an account's sessions.
        context.add_cookies([
            {"name": one["name"], "value": one["value"], "url": address} for one in page.context.cookies()
        ])  # fmt: skip
        assert is_logged_in(thief, address)
        with window(browser, address, "administrator") as administrator:
            administrator.goto(f"{address}/admin/user/details/?id={user_id(program, 'pengelola')}")
            press(administrator, "/end-sessions")
        assert not is_logged_in(thief, address)
        assert not is_logged_in(page, address)


def approval_waiting(program: Flask) -> int:
    """Put an emergency before the head, that others than the delegate have asked for and evaluated."""
    names = ("pemohon", "pemohon2", "pengelola", "pengelola2", "kepala", "plh", "pemeriksa", "administrator")
    engine = create_engine(program.config["SQLALCHEMY_DATABASE_URI"])
    with AuditedSession(engine) as session:
        set_test_audit_context(session)
        people = {one.username: one for one in session.scalars(select(User))}
        for name in names:
            people[name].is_active = True
        official(session, people["plh"])
        revision = session.scalars(select(SopRevision).where(SopRevision.key == LUMAJANG)).one()
        result = change_at_step(session, Office(revision, *(people[name] for name in names)), Step.APPROVAL).id
        session.commit()
    engine.dispose()
    return result


def is_decided(program: Flask, change_id: int) -> bool:
    """Whether the head's step of a request is finished."""
    with program.app_context():
        step = db.session.scalars(select(ChangeRequest.step).where(ChangeRequest.id == change_id)).one()
    return step is not Step.APPROVAL


def decide(page: Page, address: str, change_id: int) -> None:
    """Approve a request on its page."""
    page.goto(f"{address}/admin/change/details/?id={change_id}")
    form = page.locator("form[action$='/move']")
    for box in form.locator("input[type=checkbox]:visible").all():
        box.check()
    for text in form.locator("textarea:visible").all():  # also why the step is late
        text.fill("Risiko dapat diterima.")
    send(page, "button[name=outcome][value=approved]")


def test_the_only_head_is_ill(browser: Browser, page: Page, program: Flask, address: str, tmp_path: Path) -> None:
    page.set_default_timeout(20_000)
    change_id = approval_waiting(program)
    decree = tmp_path / "surat-perintah.pdf"
    decree.write_bytes(PDF)
    today = dt.datetime.now(dt.UTC).astimezone(ZoneInfo("Asia/Jakarta")).date().isoformat()

    # The administrator records from the decree who acts for the head.
    log_in(page, address, "administrator")
    page.goto(f"{address}/admin/delegation/new/")
    page.select_option("[name=delegate_id]", str(user_id(program, "plh")))
    for name, value in {
        "decree_number": "800/77/2026", "from_date": today, "until_date": today, "reason": "Sakit",
    }.items():  # fmt: skip
        page.fill(f"[name={name}]", value)
    page.set_input_files("[name=decree]", decree)
    send(page, "main form[method=post] button.btn-primary")
    recorded = page.url

    # It is not in force: neither who recorded it nor the delegate puts it in force.
    assert page.locator("form[action$='/confirm']").count() == 0
    with window(browser, address, "plh") as delegate:
        delegate.goto(f"{address}/admin/change/details/?id={change_id}")
        assert delegate.locator("button[name=outcome]").count() == 0
        delegate.goto(recorded)
        assert delegate.locator("form[action$='/confirm']").count() == 0

        # The administrator of the installation, or the head with a telephone, is the second person.
        with window(browser, address, "admin") as second:
            second.goto(recorded)
            press(second, "/confirm")
        decide(delegate, address, change_id)
        assert is_decided(program, change_id)
        assert "Plh. Kepala LPSE" in delegate.inner_text("main")
