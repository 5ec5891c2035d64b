"""A password that somebody else chose opens the account for three days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from lpse_admin.accounts.secrets.passwords import FIRST_PASSWORD_LIFETIME, is_first_password_over
from models.accounts.login import LoginFailure
from models.accounts.user import User
from models.administration.operations import reset_from_terminal
from tests.support.cast import NOW, set_test_audit_context
from tests.support.program import OWN_PASSWORD, Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

FIRST = "empat kata yang panjang"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _clock(running_app: RunningApp) -> Iterator[None]:
    running_app.now = NOW
    yield
    running_app.now = NOW


@pytest.mark.rules
@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=400)))
def test_it_ends_after_three_days_to_the_second(age: dt.timedelta) -> None:
    assert is_first_password_over(NOW, NOW + age) == (age >= FIRST_PASSWORD_LIFETIME)
    assert not is_first_password_over(None, NOW + age)


def enter(running_app: RunningApp, username: str, password: str) -> TestResponse:
    return Visitor(running_app.app).post("/login", username=username, password=password)


def make(running_app: RunningApp, username: str) -> None:
    typed: dict[str, Any] = {"full_name": "Staf Baru", "roles": ["change_manager"], "password": FIRST}
    answer = running_app.visitor("administrator").post("/admin/user/new/", username=username, **typed)
    assert answer.status_code == 303


def test_a_new_account_s_password_is_refused_with_a_sentence_that_says_why(running_app: RunningApp) -> None:
    make(running_app, "berakhir.satu")
    running_app.now = NOW + FIRST_PASSWORD_LIFETIME
    refused = enter(running_app, "berakhir.satu", FIRST)
    assert (refused.status_code, "Kata sandi awal ini sudah berakhir" in refused.text) == (401, True)
    wrong = enter(running_app, "berakhir.satu", "bukan kata sandinya")
    assert "Kata sandi awal ini sudah berakhir" not in wrong.text, "a stranger learns nothing of it"
    with running_app.session() as session:
        failed = session.scalars(select(LoginFailure).where(LoginFailure.username == "berakhir.satu")).all()
    assert len(failed) == 1, "the right password is no guess"


def test_the_second_step_says_so_too(running_app: RunningApp) -> None:
    make(running_app, "berakhir.langkah")
    with running_app.session() as session:
        user = session.scalars(select(User).where(User.username == "berakhir.langkah")).one()
        user.totp_secret = SEED
        session.commit()
    running_app.now = NOW + FIRST_PASSWORD_LIFETIME
    visitor = Visitor(running_app.app)
    assert 'name="code"' in visitor.post("/login", username="berakhir.langkah", password=FIRST).text
    visitor.token = ""
    wrong = visitor.post("/login/second-step", code="000000")
    assert "Kata sandi awal ini sudah berakhir" not in wrong.text
    visitor.token = ""
    refused = visitor.post("/login/second-step", code=pyotp.TOTP(SEED).at(running_app.now))
    assert (refused.status_code, "Kata sandi awal ini sudah berakhir" in refused.text) == (401, True)


def test_up_to_then_it_opens_and_one_s_own_does_not_end(running_app: RunningApp) -> None:
    make(running_app, "berakhir.dua")
    running_app.now = NOW + FIRST_PASSWORD_LIFETIME - dt.timedelta(seconds=1)
    Visitor.first_login(running_app.app, "berakhir.dua", FIRST)
    running_app.now = NOW + dt.timedelta(days=300)
    assert enter(running_app, "berakhir.dua", OWN_PASSWORD).status_code == 303


def test_a_reset_begins_three_days_anew(running_app: RunningApp) -> None:
    make(running_app, "berakhir.tiga")
    later = NOW + dt.timedelta(days=30)
    with running_app.session() as session:
        set_test_audit_context(session, now=later)
        user = session.scalars(select(User).where(User.username == "berakhir.tiga")).one()
        reset_from_terminal(user, "lima kata dari terminal ini", now=later)
        session.commit()
    running_app.now = later + dt.timedelta(days=2)
    assert enter(running_app, "berakhir.tiga", "lima kata dari terminal ini").status_code == 303
    running_app.now = later + dt.timedelta(days=3)
    assert enter(running_app, "berakhir.tiga", "lima kata dari terminal ini").status_code == 401
