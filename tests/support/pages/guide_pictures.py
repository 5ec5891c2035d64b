"""Make the pictures of the guides from the running app: ``python -m tests.support.pages.guide_pictures``.

The app runs on its own database with the demo register at a fixed time, so that a picture changes only if its screen
does. A picture shows one address to one role at a fixed window size.
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from app import create_app, prepare
from demo import PASSWORD, REFERENCE
from lpse_admin.config import RunMode, Settings
from tests.support.pages import browser as chromium
from tests.support.program import close_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parents[3] / "views" / "static" / "guides"
#: The fixed time: a Friday morning, after the last day of the demo register.
CLOCK = REFERENCE + dt.timedelta(hours=2)
WIDTH, HEIGHT = 1200, 640


@dataclass(frozen=True, slots=True)
class Picture:
    """What ``username`` sees at ``path``, after the link ``follow`` is clicked, scrolled to ``top``."""

    name: str
    username: str
    path: str
    follow: str = ""
    top: str = ""
    opened: str = ""
    height: int = HEIGHT
    width: int = WIDTH


#: The link of a list's first row.
_FIRST = "main tbody th a"
#: The link of the first request that was submitted: a draft has no number.
_FIRST_WITH_NUMBER = "main tbody th a:has-text('RFC/')"

PICTURES = (
    Picture("pemohon-formulir", "pemohon", "/admin/change/new/", opened="details.about-step", top="h1", height=900),
    Picture(
        "pemohon-bagan",
        "pemohon",
        "/admin/change/?state=open",
        follow=_FIRST_WITH_NUMBER,
        top="#procedure",
        opened="#procedure",
        height=760,
    ),
    Picture("pengelola-evaluasi", "pengelola", "/admin/evaluation/?state=open", follow=_FIRST, top="#step", height=820),
    Picture("pengelola-penyimpangan", "pengelola", "/admin/deviation/"),
    Picture("kepala-persetujuan", "kepala", "/admin/approval/?state=open", follow=_FIRST, top="#step", height=900),
    Picture("kepala-sop", "kepala", "/admin/sop/details/?id=1", top="#paper-table", height=900, width=1280),
    Picture("kepala-pendelegasian", "kepala", "/admin/delegation/new/", height=900),
    Picture("kepala-dua-faktor", "kepala", "/profile/second-factor", height=820),
    Picture("kepala-sesi", "kepala", "/profile/sessions"),
    Picture("pengelola-arsip", "pengelola", "/admin/archive-reference/new/?number=RFC/2025/0002", height=500),
    Picture("kepala-masa-simpan", "kepala", "/admin/retention/new/", height=720),
    Picture("pemeriksa-berkas", "pemeriksa", "/admin/inspection/", height=480),
    Picture("pemeriksa-register", "pemeriksa", "/admin/change/"),
    Picture("pemeriksa-jejak", "pemeriksa", "/admin/audit/"),
    Picture("administrator-pengguna", "admin", "/admin/user/"),
    Picture("administrator-akun", "admin", "/admin/user/?search=pengelola", follow=_FIRST, height=760),
    Picture("administrator-akun-baru", "admin", "/admin/user/new/", height=1000),
    Picture("administrator-pengaturan", "admin", "/admin/setting/"),
)


def _log_in(browser: Browser, address: str, username: str) -> Page:
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="id-ID", color_scheme="light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{address}/")
    return page


def _take(page: Page, address: str, picture: Picture, folder: Path) -> None:
    page.set_viewport_size({"width": picture.width, "height": picture.height})
    page.goto(f"{address}{picture.path}")
    if picture.follow:
        page.click(picture.follow)
        page.wait_for_load_state()
    if picture.opened:
        page.locator(picture.opened).first.evaluate("details => { details.open = true }")
    if picture.top:
        page.locator(picture.top).first.evaluate(
            """element => {
                const bar = document.querySelector(".where")?.offsetHeight ?? 0;
                scrollTo(0, element.getBoundingClientRect().top + scrollY - bar - 12);
            }"""
        )
    else:
        page.evaluate("scrollTo(0, 0)")
    file = folder / f"{picture.name}.png"
    page.screenshot(path=file, animations="disabled", caret="hide")
    _shrink(file)


def _shrink(file: Path) -> None:
    """Keep 256 colours, which is what a screen of the program has: less than half the size."""
    with Image.open(file) as full:
        small = full.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


def take_all(folder: Path = FOLDER, pictures: tuple[Picture, ...] = PICTURES) -> Iterator[Picture]:
    """Save ``pictures`` in ``folder``, and yield each when it is saved."""
    result = chromium.find_browser()
    if not result:
        sys.exit("No Chromium was found to take the pictures with.")
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = stack.enter_context(TemporaryDirectory())
        settings = Settings(
            run_mode=RunMode.DEMO, database_url=f"sqlite:///{scratch}/guides.db", secret_key="guides" * 6
        )
        app = create_app(settings, clock=lambda: CLOCK)
        prepare(app, settings)
        stack.callback(close_app, app)
        address = stack.enter_context(chromium.serve_app(app))
        player = stack.enter_context(sync_playwright())
        browser = player.chromium.launch(executable_path=result, args=list(chromium.ARGUMENTS))
        pages: dict[str, Page] = {}
        for picture in pictures:
            if picture.username not in pages:
                pages[picture.username] = _log_in(browser, address, picture.username)
            _take(pages[picture.username], address, picture, folder)
            yield picture
        browser.close()


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    for taken in take_all():
        print(f"{FOLDER / taken.name}.png")
    for left in {file.name for file in FOLDER.glob("*.png")} - {f"{picture.name}.png" for picture in PICTURES}:
        (FOLDER / left).unlink()
