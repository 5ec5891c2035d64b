"""For which hosts the program answers, whose known passwords open something, and what strangers learn of it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app import create_app, prepare, serving_options
from demo import PASSWORD
from lpse_admin.config import ConfigurationError, RunMode, Settings
from models.accounts.demo_password import accounts_with_demo_password
from models.database import db
from tests.support.program import OWN_PASSWORD, Visitor, close_app, give_own_passwords, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase

pytestmark = pytest.mark.sqlite_alone

BASE_URL = "https://perubahan.example.go.id"


@pytest.fixture(scope="module")
def url(new_database: NewDatabase) -> Iterator[str]:
    """Give a database that the demo filled."""
    with new_database("sqlite") as address:
        close_app(make_app(address))
        yield address


def program(url: str, mode: RunMode = RunMode.PRODUCTION, **settings: object) -> Flask:
    """Return the program with these settings on this database."""
    return create_app(Settings(mode, url, "x" * 32, **settings))  # type: ignore[arg-type] # any


def ask(app: Flask, host: str, path: str = "/login", **headers: str) -> TestResponse:
    """Open a page under this host."""
    written = {"Host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers=written, base_url="https://localhost")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:443", "127.0.0.1", "xperubahan.example.go.id", "perubahan.example.go.id.evil"],
)
def test_in_production_another_host_than_the_setting_says_is_400_and_is_not_repeated(url: str, host: str) -> None:
    app = program(url, base_url=BASE_URL)
    for path in ("/", "/login", "/admin/change/", "/nowhere", "/static/app.css"):
        answer = ask(app, host, path)
        assert answer.status_code == 400, path
        assert BASE_URL in answer.text
        assert "evil" not in answer.text + answer.headers.get("Location", "")
    assert ask(app, host, "/healthz").status_code == 200
    close_app(app)


@pytest.mark.parametrize("host", ["perubahan.example.go.id", "PERUBAHAN.example.go.id", "perubahan.example.go.id:443"])
def test_in_production_the_host_of_the_setting_is_answered(url: str, host: str) -> None:
    app = program(url, base_url=BASE_URL)
    assert ask(app, host).status_code == 200
    close_app(app)


@pytest.mark.parametrize(
    "host", ["evil.example", "192.0.2.7:5000", "10.0.0.7", "localhost.evil.example", "[2001:db8::1]"]
)
def test_the_demo_answers_this_machine_alone(url: str, host: str) -> None:
    app = program(url, RunMode.DEMO)
    answer = ask(app, host)
    assert answer.status_code == 400
    assert host.partition(":")[0] not in answer.text or "[" in host
    close_app(app)


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"])
def test_the_demo_answers_under_each_name_of_this_machine(url: str, host: str) -> None:
    app = program(url, RunMode.DEMO)
    assert ask(app, host).status_code == 200
    close_app(app)


@pytest.mark.parametrize("header", ["X_Forwarded_For", "X_Forwarded_Host", "X_Forwarded_Proto", "Forwarded"])
def test_the_demo_is_not_served_through_a_tunnel(url: str, header: str) -> None:
    settings = Settings(RunMode.DEMO, url, "x" * 32)
    assert serving_options(settings)["clear_untrusted_proxy_headers"] is False
    app = create_app(settings)
    assert ask(app, "localhost", **{header: "192.0.2.1"}).status_code == 400
    close_app(app)


def test_production_does_not_start_while_an_account_has_the_password_of_the_demo(url: str) -> None:
    settings = Settings(RunMode.PRODUCTION, url, "x" * 32)
    app = create_app(settings)
    with pytest.raises(ConfigurationError, match=r"kepala, kepala\.tt"):
        prepare(app, settings)
    close_app(app)


def test_the_server_ends_with_a_sentence_that_names_the_accounts(url: str) -> None:
    environment = {"LPSE_ENV": "production", "LPSE_DATABASE_URL": url, "LPSE_SECRET_KEY": "x" * 32, "LPSE_PORT": "1"}
    run = subprocess.run([sys.executable, "app.py"], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "kepala.tt" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_password_of_the_demo_opens_nothing_in_production_under_any_server(url: str) -> None:
    app = program(url)
    assert log_in(app, "kepala", PASSWORD).status_code == 401
    close_app(app)


def test_with_passwords_of_their_own_the_same_accounts_let_production_start(new_database: NewDatabase) -> None:
    with new_database("sqlite") as address:
        demo = make_app(address)
        give_own_passwords(demo)
        close_app(demo)
        settings = Settings(RunMode.PRODUCTION, address, "x" * 32)
        app = create_app(settings)
        prepare(app, settings)
        with app.app_context():
            assert accounts_with_demo_password(db.session()) == []
        answer = log_in(app, "kepala", OWN_PASSWORD)
        assert answer.status_code == 303
        assert answer.headers["Set-Cookie"].startswith("__Host-lpse=")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "Domain" not in answer.headers["Set-Cookie"]
        close_app(app)


def log_in(app: Flask, username: str, password: str) -> TestResponse:
    """Send the login form over HTTPS."""
    client = app.test_client()
    page = client.get("/login", base_url="https://localhost").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form_values = {"username": username, "password": password, "csrf_token": token[1]}
    return client.post(
        "/login", data=form_values, base_url="https://localhost", headers={"Referer": "https://localhost/"}
    )


def test_strangers_learn_no_versions(url: str) -> None:
    app = program(url)
    stranger = app.test_client().get("/healthz", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert stranger.json == {"status": "ok"}
    own = app.test_client().get("/healthz")
    assert own.json is not None
    assert own.json["parts"]["Flask"]
    assert serving_options(Settings(RunMode.PRODUCTION, url, "x" * 32))["ident"] is None
    close_app(app)


def test_who_logs_out_leaves_nothing_typed_in_the_browser(url: str) -> None:
    app = program(url, RunMode.DEMO)
    answer = Visitor(app, "kepala").post("/logout")
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    close_app(app)
