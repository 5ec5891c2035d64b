"""Passkeys in a real browser, with its virtual authenticator: made, used at the login, and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.cast import PASSWORD
from tests.support.pages.browser import serve_app
from tests.support.program import close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.conftest import NewDatabase

_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def address(new_database: NewDatabase) -> Iterator[str]:
    """Give the address of a running program; browsers bind passkeys to a name and never to a number."""
    with new_database("sqlite") as url:
        app = make_app(url)
        with serve_app(app) as result:
            yield result.replace("127.0.0.1", "localhost")
        close_app(app)


def send(page: Page, selector: str) -> None:
    """Press a button and wait for the page that follows."""
    with page.expect_navigation():
        page.click(selector)


def log_in(page: Page, address: str) -> None:
    """Fill in the first step of the login."""
    page.goto(f"{address}/login")
    page.fill("[name=username]", "pemohon")
    page.fill("[name=password]", PASSWORD)
    send(page, "main button[type=submit]")


def test_a_passkey_is_made_opens_the_account_with_its_password_and_is_removed(page: Page, address: str) -> None:
    page.set_default_timeout(20_000)
    authenticator = page.context.new_cdp_session(page)
    authenticator.send("WebAuthn.enable")
    authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    log_in(page, address)
    factors = f"{address}/profile/second-factor"
    page.goto(factors)
    page.fill("#passkey-password", PASSWORD)
    send(page, "#passkeys form button[type=submit]")
    page.fill("#passkeys [name=name]", "Telepon")
    send(page, "[data-passkey-button]")
    codes = page.locator("ul.codes code").all_inner_texts()
    assert len(codes) == 10

    page.context.clear_cookies()
    log_in(page, address)
    send(page, "[data-passkey-button]")
    page.goto(factors)
    assert "Telepon" in page.inner_text("#passkeys")
    assert "terakhir dipakai" in page.inner_text("#passkeys")

    page.context.clear_cookies()
    log_in(page, address)
    page.fill("[name=code]", codes[3])
    send(page, "main form button[type=submit]")
    page.goto(factors)
    page.click("#passkeys details summary")
    page.fill("#passkeys details input[type=password]", PASSWORD)
    send(page, "#passkeys details button")
    assert page.locator("#passkeys details").count() == 0
    page.context.clear_cookies()
    log_in(page, address)
    assert page.locator("[name=code]").count() == 0
