"""Logging in by a real provider of OpenID Connect: whom it opens an account to, and what it does not decide."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests
from sqlalchemy import select

from app import create_app
from lpse_admin.accounts.identity_provider import IdentityProvider
from lpse_admin.accounts.roles import Role
from lpse_admin.config import ConfigurationError, RunMode, Settings, read_settings
from models.accounts.login_session import Login
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from tests.support.program import Visitor, close_app, make_app
from tests.support.servers.identity_provider import identity_provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase

pytestmark = pytest.mark.sqlite_alone

NIP, ADDRESS, SEED = "198001012005011001", "pemohon@lumajang.example", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOME = "http://127.0.0.1"
PEOPLE: dict[str, dict[str, Any]] = {
    "by-nip": {"nip": NIP, "email": "endah@elsewhere.example", "roles": ["administrator"], "groups": ["admin"]},
    "by-address": {"email": ADDRESS.upper(), "email_verified": True},
    "unverified": {"email": ADDRESS, "email_verified": False},
    "other-nip": {"nip": "1" * 18, "email": ADDRESS, "email_verified": True},
    "odd": {"nip": "' OR 1=1 --", "email": [ADDRESS], "email_verified": True},
    "disabled": {"email": "pemohon2@lumajang.example", "email_verified": True},
    "with-factor": {"email": "pengelola@lumajang.example", "email_verified": True},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run the provider, and give its address."""
    with identity_provider(PEOPLE) as address:
        yield address


@pytest.fixture(scope="module")
def url(new_database: NewDatabase) -> Iterator[str]:
    """Give a database with accounts that the provider knows."""
    with new_database("sqlite") as address:
        app = make_app(address)
        with app.app_context():
            session = db.session()
            at = dt.datetime.now(dt.UTC)
            set_audit_context(session, AuditContext(at=at, actor_id=None, actor_name="test", action="set up"))
            people = {user.username: user for user in session.scalars(select(User))}
            people["kepala"].nip = NIP
            for name in ("pemohon", "pemohon2", "pengelola"):
                people[name].email = f"{name}@lumajang.example"
            people["pemohon2"].is_active = False
            people["pengelola"].totp_secret = SEED
            session.commit()
        close_app(app)
        yield address


def program(url: str, issuer: str) -> Flask:
    """Return the program with this provider."""
    provider = IdentityProvider(issuer, "lpse", "secret-of-the-program", "SSO Daerah")
    return create_app(Settings(RunMode.DEMO, url, "x" * 32, base_url=HOME, identity_provider=provider))


@pytest.fixture(scope="module")
def app(url: str, issuer: str) -> Iterator[Flask]:
    """Give the program with the provider that runs."""
    result = program(url, issuer)
    yield result
    close_app(result)


def leave(visitor: Visitor, query: str = "") -> str:
    """Press the button of the login page, and return where it leads."""
    answer = visitor.client.get(f"/login/provider{query}")
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def come_back(leads_to: str, person: str) -> str:
    """Log in at the provider as ``person``, and return the address that it leads back to."""
    answer = requests.post(leads_to, data={"sub": person}, allow_redirects=False, timeout=20)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix(HOME)


def enter(app: Flask, person: str, query: str = "") -> tuple[Visitor, TestResponse]:
    """Log in as ``person`` of the provider; return the browser and the answer."""
    visitor = Visitor(app)
    return visitor, visitor.client.get(come_back(leave(visitor, query), person))


def test_without_a_setting_there_is_neither_a_button_nor_an_address(url: str) -> None:
    app = create_app(Settings(RunMode.DEMO, url, "x" * 32))
    visitor = Visitor(app)
    assert "/login/provider" not in visitor.get("/login").text
    assert visitor.get("/login/provider", json=True).status_code in {401, 404}
    close_app(app)


def test_who_is_named_by_nip_is_logged_in_with_the_roles_of_the_account(app: Flask) -> None:
    assert "SSO Daerah" in Visitor(app).get("/login").text
    visitor, answer = enter(app, "by-nip", "?next=/profile")
    assert (answer.status_code, answer.location) == (303, "/profile")
    assert "Endah Kusuma" in visitor.get("/profile").text
    assert visitor.get("/admin/user/new/", json=True).status_code == 403  # the provider's roles are not asked
    with app.app_context():
        assert db.session.scalars(select(User).where(User.nip == NIP)).one().roles == {Role.HEAD}


def test_a_verified_address_names_an_account_in_whatever_letters(app: Flask) -> None:
    visitor, answer = enter(app, "by-address")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Ani Lestari" in visitor.get("/profile").text


@pytest.mark.parametrize("person", ["unverified", "other-nip", "odd", "disabled", "somebody@new.example"])
def test_nobody_else_gets_an_account_or_a_session(person: str, app: Flask) -> None:
    with app.app_context():
        before = [len(db.session.scalars(select(table)).all()) for table in (User, Login)]
    visitor, answer = enter(app, person)
    assert answer.status_code == 401
    assert "NIP atau alamat surel" in answer.text
    assert visitor.get("/profile", json=True).status_code == 401
    with app.app_context():
        assert [len(db.session.scalars(select(table)).all()) for table in (User, Login)] == before


def test_the_second_factor_of_the_account_is_asked_for_all_the_same(app: Flask) -> None:
    visitor, answer = enter(app, "with-factor")
    assert answer.status_code == 401
    assert 'name="code"' in answer.text
    assert visitor.get("/profile", json=True).status_code == 401
    assert visitor.post("/login/second-step", code=pyotp.TOTP(SEED).now()).status_code == 303
    assert "Citra Dewanti" in visitor.get("/profile").text


def test_the_password_counts_as_not_entered(app: Flask) -> None:
    visitor, _answer = enter(app, "by-nip")
    with visitor.client.session_transaction() as session:
        assert "password_at" not in session


@pytest.mark.parametrize("spoilt", ["state", "code", "other browser", "twice", "denied"])
def test_an_answer_that_this_browser_has_not_asked_for_opens_nothing(spoilt: str, app: Flask) -> None:
    visitor = Visitor(app)
    back = come_back(leave(visitor), "by-nip")
    if spoilt in {"state", "code"}:
        given = parse_qs(urlsplit(back).query)
        back = back.replace(f"{spoilt}={given[spoilt][0]}", f"{spoilt}=other")
    elif spoilt == "other browser":
        visitor = Visitor(app)
    elif spoilt == "twice":
        assert visitor.client.get(back).status_code == 303
        visitor = Visitor(app)
        leave(visitor)
    else:
        back = "/login/provider/return?error=access_denied&state=x"
    answer = visitor.client.get(back)
    assert answer.status_code == 401
    assert "belum memastikan" in answer.text
    assert visitor.get("/profile", json=True).status_code == 401


@pytest.mark.parametrize("wrong", ["http://localhost:9", "{issuer}/"])
def test_a_provider_that_is_not_there_or_calls_itself_otherwise_is_said_on_the_login_page(
    wrong: str, url: str, issuer: str
) -> None:
    app = program(url, wrong.format(issuer=issuer))
    answer = Visitor(app).client.get("/login/provider")
    assert answer.status_code == 401
    assert "tidak dapat dihubungi" in answer.text
    assert 'name="password"' in answer.text
    close_app(app)


def test_the_settings_are_whole_or_named(tmp_path: Path) -> None:
    given = {"LPSE_OIDC_ISSUER": "https://sso.example.go.id", "LPSE_BASE_URL": "https://lpse.example.go.id"}
    secret = {"LPSE_OIDC_CLIENT_ID": "lpse", "LPSE_OIDC_CLIENT_SECRET": "s"}
    chosen = read_settings(given | secret, instance=tmp_path).identity_provider
    assert chosen == IdentityProvider("https://sso.example.go.id", "lpse", "s", "SSO", "nip")
    for faulty in (
        given,
        given | secret | {"LPSE_OIDC_ISSUER": "http://sso.example.go.id"},
        given | secret | {"LPSE_BASE_URL": ""},
    ):
        with pytest.raises(ConfigurationError, match="LPSE_OIDC_ISSUER"):
            read_settings(faulty, instance=tmp_path)
