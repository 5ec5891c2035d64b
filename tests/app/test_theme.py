"""Style sheets, scripts and colour themes: small cached files, and the user's choice."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import flask_admin
import pytest
from sqlalchemy import select

from demo.cast import PASSWORD
from models.accounts.user import Scheme, User
from models.audit.trail import entries_for_record
from tests.support.pages.axe import AXE
from tests.support.pages.browser import serve_app
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from tools import vendor

if TYPE_CHECKING:
    from typing import Literal

    from playwright.sync_api import Browser

    from tests.support.running_app import RunningApp

STATIC = vendor.FOLDER.parent
KILOBYTE = 1000


@pytest.mark.parametrize(
    ("listed", "folder"),
    [
        (vendor.PACKAGE_LIST, vendor.FOLDER),
        (AXE.parents[1] / "vendor.toml", AXE.parents[1]),
    ],
    ids=["program", "tests"],
)
def test_the_files_of_others_are_those_of_the_list(listed: Path, folder: Path) -> None:
    named = {file["to"]: file["sha256"] for package in vendor.packages(listed) for file in package["files"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {listed.name}
    assert there == set(named)
    for name, digest in named.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_a_static_file_is_sent_compressed_and_kept_for_good_under_the_address_of_its_digest(
    running_app: RunningApp,
) -> None:
    visitor = Visitor(running_app.app)
    address = re.search(r'href="(/static/app\.css\?v=[0-9a-f]+)"', visitor.get("/login").text)
    assert address
    whole = (STATIC / "app.css").read_bytes()
    for url, saved in ((address[1], "public, max-age=31536000, immutable"), ("/static/app.css", "no-cache")):
        small = visitor.client.get(url, headers={"Accept-Encoding": "gzip, br"})
        assert small.headers["Content-Encoding"] == "gzip"
        assert len(small.data) * 2 < len(whole)
        assert gzip.decompress(small.data) == whole
        plain = visitor.client.get(url)
        assert "Content-Encoding" not in plain.headers
        assert plain.data == whole
        for answer in (small, plain):
            assert answer.headers["Cache-Control"] == saved
            assert "Accept-Encoding" in answer.headers["Vary"]
            again = {"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
            unchanged = visitor.client.get(url, headers=again)
            assert unchanged.status_code == 304
            for done in (unchanged, answer):
                done.close()


def test_nothing_of_flask_admin_s_own_files_is_served(running_app: RunningApp) -> None:
    folder = Path(flask_admin.__file__).parent / "static"
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 100
    visitor = running_app.visitor("admin")
    for name in files[::40]:
        for root in ("/static/", "/admin/static/", "/static/admin/"):
            assert visitor.get(f"{root}{name}").status_code == 404, name


def test_a_reader_chooses_light_or_dark_and_the_page_says_so_without_a_script(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemohon2")
    assert "data-scheme" not in visitor.get("/").text
    for chosen in (Scheme.DARK, Scheme.LIGHT):
        assert visitor.post("/profile/colours", scheme=chosen).status_code == 303
        assert re.search(rf'<html lang="id" data-scheme="{chosen}">', visitor.get("/").text)
    assert visitor.post("/profile/colours", scheme="mauve").status_code == 303
    with running_app.session() as session:
        user = session.scalars(select(User).where(User.username == "pemohon2")).one()
        assert user.scheme is Scheme.LIGHT
        entries = [
            entry for entry in entries_for_record(session, "user_account", user.id) if entry.action == "profile.colours"
        ]
        assert len(entries) == 2
    visitor.post("/profile/colours", scheme=Scheme.SYSTEM)
    assert "data-scheme" not in visitor.get("/").text


def _ground(browser: Browser, address: str, scheme: Literal["dark", "light"], chosen: str | None) -> str:
    """Return the colour of the page's ground in a browser without JavaScript whose system asks for ``scheme``."""
    with browser.new_context(color_scheme=scheme, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{address}/login")
        if chosen:
            page.fill("[name=username]", "pemohon")
            page.fill("[name=password]", PASSWORD)
            # A click alone returns while the page that it leads to has no body yet.
            with page.expect_event("load"):
                page.click("main button[type=submit]")
            page.goto(f"{address}/profile")
            page.check(f"[name=scheme][value={chosen}]")
            with page.expect_event("load"):
                page.click("#colours button")
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.sqlite_alone
def test_the_colours_follow_the_system_unless_the_reader_chose_and_a_first_page_is_small(
    browser: Browser, running_app: RunningApp
) -> None:
    with serve_app(running_app.app) as address:
        light, dark = (_ground(browser, address, scheme, None) for scheme in ("light", "dark"))
        assert light != dark
        assert _ground(browser, address, "light", "dark") == dark
        assert _ground(browser, address, "dark", "light") == light
        with browser.new_context() as context:
            page = context.new_page()
            loaded: list[float] = []
            network = context.new_cdp_session(page)
            network.send("Network.enable")
            network.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
            page.goto(f"{address}/login", wait_until="networkidle")
            page.fill("[name=username]", "kepala")
            page.fill("[name=password]", PASSWORD)
            with page.expect_event("load"):
                page.click("main button[type=submit]")
            page.wait_for_load_state("networkidle")
            first = sum(loaded)
            loaded.clear()
            page.goto(f"{address}/", wait_until="networkidle")
    assert first < 300 * KILOBYTE
    # Nothing but the page itself, and the icon, which Chromium asks for anew.
    assert sum(loaded) - max(loaded) < 2 * KILOBYTE
    assert max(loaded) < 60 * KILOBYTE
