"""What a provider of OpenID Connect may send that proves nothing: each is refused with a sentence."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from app import create_app
from lpse_admin.accounts.identity_provider import IdentityProvider
from lpse_admin.config import RunMode, Settings
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context
from models.database import db
from tests.support.program import Visitor, close_app, make_app
from tests.support.servers import forging_provider as forging
from tests.support.servers.forging_provider import CLIENT_ID, CLIENT_SECRET, Forger, forging_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase

NIP = "198001012005011001"
HOUR = 3600
NOT_CONFIRMED, UNREACHABLE = "belum memastikan", "tidak dapat dihubungi"


@pytest.fixture(scope="module")
def forger() -> Iterator[Forger]:
    """Run the provider."""
    with forging_provider() as result:
        yield result


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def program(request: pytest.FixtureRequest, new_database: NewDatabase, forger: Forger) -> Iterator[Flask]:
    """Give the program, on either database, with somebody whom the provider may name."""
    with new_database(request.param) as url:
        first = make_app(url)
        with first.app_context():
            session = db.session()
            at = dt.datetime.now(dt.UTC)
            set_audit_context(session, AuditContext(at=at, actor_id=None, actor_name="test", action="set up"))
            session.scalars(select(User).where(User.username == "kepala")).one().nip = NIP
            session.commit()
        close_app(first)
        provider = IdentityProvider(forger.address, CLIENT_ID, CLIENT_SECRET, "SSO Daerah")
        settings = Settings(RunMode.DEMO, url, "x" * 32, base_url="http://127.0.0.1", identity_provider=provider)
        app = create_app(settings)
        yield app
        close_app(app)


@pytest.fixture(autouse=True)
def honest(forger: Forger) -> None:
    """Begin with a provider that names the head."""
    forger.claims, forger.token, forger.answers = {"nip": NIP}, None, {}


def enter(program: Flask, forger: Forger, state: Callable[[str], str] = str) -> tuple[Visitor, TestResponse]:
    """Go to the provider and come back; return the browser and what it is answered."""
    visitor = Visitor(program)
    led = visitor.client.get("/login/provider")
    assert led.status_code == 302, led.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(str(led.location)).query).items()}
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    forger.nonce = asked["nonce"]
    return visitor, visitor.client.get(f"/login/provider/return?code=x&state={state(asked['state'])}")


def assert_refused(visitor: Visitor, answer: TestResponse, sentence: str = NOT_CONFIRMED) -> None:
    """Check that nothing was opened, and that the login page says why and offers the password."""
    assert answer.status_code == 401, answer.text
    assert sentence in answer.text
    assert 'name="password"' in answer.text
    assert "Traceback" not in answer.text
    assert visitor.get("/profile", json=True).status_code == 401


def test_an_honest_answer_opens_the_account(program: Flask, forger: Forger) -> None:
    visitor, answer = enter(program, forger)
    assert answer.status_code == 303, answer.text
    assert "Endah Kusuma" in visitor.get("/profile").text


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "other"},
        {"nonce": None},
        {"nonce": ["x"]},
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another-program"},
        {"aud": ["another-program"]},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-program"], "azp": "another-program"},
        {"exp": int(time.time()) - HOUR},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": int(time.time()) + HOUR},
        {"nbf": int(time.time()) + HOUR},
        {"sub": None},
    ],
    ids=[
        "another nonce",
        "no nonce",
        "a list of nonces",
        "another issuer",
        "no issuer",
        "another audience",
        "a list without us",
        "no audience",
        "presented by another",
        "expired",
        "no end",
        "an end in words",
        "issued in the future",
        "not valid yet",
        "nobody",
    ],
)
def test_claims_that_are_not_for_this_login_are_refused(claims: dict[str, Any], program: Flask, forger: Forger) -> None:
    forger.claims |= claims
    assert_refused(*enter(program, forger))


@pytest.mark.parametrize(
    "token",
    [forging.unsigned, forging.signed_by_another, forging.signed_with_the_secret, forging.signed_with_the_public_key],
)
def test_a_signature_that_is_not_the_provider_s_is_refused(
    token: Callable[[Forger, dict[str, Any]], str], program: Flask, forger: Forger
) -> None:
    forger.token = token
    assert_refused(*enter(program, forger))


def _stripped(forger: Forger, claims: dict[str, Any]) -> str:
    return forging.signed(forger, claims).rpartition(".")[0] + "."


def _altered(forger: Forger, claims: dict[str, Any]) -> str:
    head, _body, signature = forging.signed(forger, claims).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {"nip": "1" * 18}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize(
    "token",
    [_stripped, _altered, "", "x", "a.b.c", None, 7, {}, []],
    ids=["stripped", "altered", "empty", "a letter", "three letters", "null", "a number", "an object", "a list"],
)
def test_what_is_no_token_is_refused(token: Any, program: Flask, forger: Forger) -> None:
    forger.token = token if callable(token) else lambda _forger, _claims: token
    visitor, answer = enter(program, forger)
    assert answer.status_code == 401, answer.text
    assert 'name="password"' in answer.text
    assert visitor.get("/profile", json=True).status_code == 401


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"null", b"7", b"{}", b'{"error": "server_error"}', b"\xff"]
)
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("path", ["/token", "/keys"])
def test_a_provider_that_fails_is_said_on_the_login_page(
    path: str, status: int, content: bytes, program: Flask, forger: Forger
) -> None:
    forger.answers = {path: (status, content)}
    if path == "/keys":
        program.extensions["lpse_identity_provider"].server_metadata.pop("jwks", None)
    visitor, answer = enter(program, forger)
    assert answer.status_code == 401, answer.text
    assert NOT_CONFIRMED in answer.text or UNREACHABLE in answer.text
    assert visitor.get("/profile", json=True).status_code == 401


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"null", b"7", b"{}", b'{"issuer": 7}', b"\xff"])
@pytest.mark.parametrize("status", [200, 500])
def test_metadata_that_cannot_be_used_are_said_on_the_login_page(
    status: int, content: bytes, program: Flask, forger: Forger
) -> None:
    forger.answers = {"/.well-known/openid-configuration": (status, content)}
    client = program.extensions["lpse_identity_provider"]
    known = dict(client.server_metadata)
    client.server_metadata.clear()
    client.server_metadata["_url"] = known.get("_url")
    vars(client)["_server_metadata_url"] = f"{forger.address}/.well-known/openid-configuration"
    try:
        answer = Visitor(program).client.get("/login/provider")
    finally:
        client.server_metadata.update(known)
    assert answer.status_code == 401, answer.text
    assert UNREACHABLE in answer.text


@pytest.mark.parametrize("state", ["", "x", "x" * 3000, "%00", "a&state=b"])
def test_a_state_of_another_login_is_refused(state: str, program: Flask, forger: Forger) -> None:
    assert_refused(*enter(program, forger, lambda _own: state))


@pytest.mark.parametrize("query", ["", "?code=x", "?error=x%00", "?error=access_denied&error_description=%3Cscript%3E"])
def test_an_answer_that_nobody_asked_for_is_refused(query: str, program: Flask) -> None:
    visitor = Visitor(program)
    answer = visitor.client.get(f"/login/provider/return{query}")
    assert_refused(visitor, answer)
    assert "<script>" not in answer.text.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("claims", [{"nip": 7}, {"nip": ["x"]}, {"nip": "\x00" * 18}, {"nip": None, "email": {"a": 1}}])
def test_claims_of_another_type_name_nobody(claims: dict[str, Any], program: Flask, forger: Forger) -> None:
    forger.claims |= claims
    assert_refused(*enter(program, forger), "NIP atau alamat surel")
