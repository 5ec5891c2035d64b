"""What whoever starts the program is told of its settings, and what a login page over plain HTTP says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from app import _announce, create_app
from lpse_admin.config import RunMode, Settings
from lpse_admin.notifications.smtp_url import parse_smtp_url
from lpse_admin.start_notices import database_notices, reset_link_notices, start_notices
from tests.support.program import OWN_PASSWORD, Visitor, close_app, give_own_passwords, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import NewDatabase

MAIL = parse_smtp_url("smtp://surel.example.go.id", "lpse@example.go.id", program_host="")
COMPLETE: dict[str, Any] = {"proxies": 1, "base_url": "https://perubahan.example.go.id", "mail_server": MAIL}


def told(mode: RunMode = RunMode.PRODUCTION, **settings: Any) -> str:
    """Return the notices."""
    return "\n".join(map(str, start_notices(Settings(mode, "sqlite://", "x" * 32, **settings))))


def test_production_is_always_told_that_it_takes_https() -> None:
    assert told(**COMPLETE).count("\n") == 0
    assert "https://" in told(**COMPLETE)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"proxies": 0}, "LPSE_PROXIES"),
        ({"proxies": 0, "host": "::1"}, "LPSE_PROXIES"),
        ({"base_url": None}, "LPSE_BASE_URL"),
        ({"base_url": "http://perubahan.example.go.id"}, "LPSE_BASE_URL"),
        ({"mail_server": None}, "LPSE_SMTP_URL"),
    ],
)
def test_each_setting_that_people_would_run_into_is_named(changed: dict[str, Any], named: str) -> None:
    assert named not in told(**COMPLETE)
    assert named in told(**COMPLETE | changed)


@pytest.mark.parametrize(
    ("address", "is_told"),
    [
        ("postgresql://lpse@db.example.go.id/lpse", True),
        ("postgresql+psycopg://lpse@192.0.2.7/lpse?sslmode=prefer", True),
        ("postgresql://lpse@/lpse?host=db.example.go.id", True),
        ("postgresql://lpse@db.example.go.id/lpse?sslmode=require", False),
        ("postgresql://lpse@db.example.go.id/lpse?sslmode=verify-full", False),
        ("postgresql://lpse@localhost/lpse", False),
        ("postgresql://lpse@127.0.0.1/lpse", False),
        ("postgresql://lpse@/lpse?host=/run/postgresql", False),
        ("sqlite:////srv/lpse.db", False),
    ],
)
def test_a_database_on_another_machine_that_is_reached_without_encryption_is_named(address: str, is_told: bool) -> None:
    notices = database_notices(Settings(RunMode.PRODUCTION, address, "x" * 32))
    assert ["sslmode" in str(notice) for notice in notices] == [True] * is_told


def test_whoever_serves_others_directly_needs_no_proxy_and_the_demo_is_told_nothing() -> None:
    assert "LPSE_PROXIES" not in told(**COMPLETE | {"proxies": 0, "host": "192.0.2.1"})
    assert told(RunMode.DEMO) == ""


@pytest.fixture
def production(new_database: NewDatabase) -> Iterator[tuple[Flask, Settings]]:
    """Give the program in production with its settings."""
    with new_database("sqlite") as url:
        close_app(make_app(url))
        settings = Settings(RunMode.PRODUCTION, url, "y" * 32, **COMPLETE)
        app = create_app(settings)
        yield app, settings
        close_app(app)


def test_the_notices_are_printed_at_the_start(
    production: tuple[Flask, Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    _announce(*production)
    assert "hanya dapat masuk lewat https://" in capsys.readouterr().out


@pytest.mark.parametrize(("username", "expected"), [("admin", True), ("pemeriksa", False)])
def test_administrators_read_on_the_users_screen_why_no_links_are_mailed(
    new_database: NewDatabase, username: str, expected: bool
) -> None:
    with new_database("sqlite") as url:
        demo = make_app(url)
        give_own_passwords(demo)
        close_app(demo)
        app = create_app(Settings(RunMode.PRODUCTION, url, "y" * 32))
        page = Visitor(app, username, OWN_PASSWORD).get("/admin/user/")
        assert page.status_code == 200
        assert ("LPSE_BASE_URL belum diisi" in page.text) is expected
        assert ("LPSE_SMTP_URL belum diisi" in page.text) is expected
        close_app(app)


def test_a_login_page_over_plain_http_says_that_it_takes_https_and_where(production: tuple[Flask, Settings]) -> None:
    client = production[0].test_client()
    plain = "http://perubahan.example.go.id"
    page = client.get("/login", base_url=plain)
    assert page.status_code == 200
    assert 'href="https://perubahan.example.go.id/login"' in page.text
    # A browser keeps no Secure cookie here, so the form's token comes without its session.
    form_values = {"username": "kepala", "password": "x", "csrf_token": "x"}
    sent = production[0].test_client().post("/login", data=form_values, base_url=plain)
    assert sent.status_code == 400
    assert 'href="https://perubahan.example.go.id/login"' in sent.text
    assert 'value="kepala"' in sent.text


def test_over_https_it_says_nothing_of_it_and_the_demo_neither(
    production: tuple[Flask, Settings], new_database: NewDatabase
) -> None:
    page = production[0].test_client().get("/login", base_url="https://perubahan.example.go.id")
    assert not re.search(r"https?://perubahan|LPSE_PROXIES", page.text)
    with new_database("sqlite") as url:
        demo = make_app(url)
        assert "LPSE_PROXIES" not in Visitor(demo).get("/login").text
        close_app(demo)


def test_the_demo_has_no_notices_of_links_in_mail() -> None:
    assert reset_link_notices(Settings(RunMode.DEMO, "sqlite://", "x" * 32)) == []
