"""Measure the screens of a running demo: ``python -m bench.screens ADDRESS [--pictures FOLDER] [--office .tt]``.

One emergency travels through the procedure, filled in by its people in a browser. Reported are the height of each page
with its form, in screens of 1280×800 and 390×844, and what each person did: clicks, fields filled in, pages opened.
The requests that this makes stay in the register: use a demo of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from demo.cast import PASSWORD
from tests.support.pages.browser import ARGUMENTS, find_browser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

WIDE, NARROW = (1280, 800), (390, 844)
#: A page to work from has at most so many screens, wide and on a telephone.
MOST_SCREENS = {WIDE: 2.0, NARROW: 4.0}
_FILE: Any = {
    "name": "surat.pdf",
    "mimeType": "application/pdf",
    "buffer": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n",
}
_TEXT = "Diisi sesuai hasil pekerjaan pada langkah ini."

#: The names of the fields in sight that the outcome requires and that are empty.
_REQUIRED = """outcome => {
  const form = document.getElementById("step-form");
  const shown = one => one.checkVisibility({visibilityProperty: true}) && !one.disabled;
  const isEmpty = one => one.type === "checkbox" ? !one.checked : one.type === "file" ? !one.files.length : !one.value;
  const rows = [...form.querySelectorAll(`[data-needed-rows~="${outcome}"] .row-fields:first-of-type`)]
    .flatMap(row => [...row.querySelectorAll("input[type=text]:not([list])")]);
  const choices = form.querySelectorAll(`[data-needed-rows~="${outcome}"] .choices:not(:has(:checked))`);
  rows.push(...[...choices].map(one => one.querySelector("input[type=checkbox]")));
  const found = [...form.elements].filter(one => one.name && (
    (one.dataset.neededFor ?? "").split(" ").includes(outcome)
    || one.closest(".requirement") && (one.type === "checkbox" || one.type === "file") || rows.includes(one)));
  return found.filter(one => shown(one) && isEmpty(one)).map(one => one.name);
}"""


@dataclass
class Effort:
    """What a person has done so far."""

    clicks: int = 0
    fields: int = 0
    pages: int = 0


@dataclass
class Height:
    """The height of a page in screens; ``is_read`` if nothing is done on it, so that it may be longer."""

    title: str
    is_read: bool = False
    screens: dict[tuple[int, int], float] = field(default_factory=dict)


class Person:
    """Somebody at a browser, whose clicks, fields and pages are counted after the login."""

    def __init__(self, browser: Browser, address: str, username: str) -> None:
        """Log in."""
        self.address, self.username, self.effort = address, username, Effort()
        self.page: Page = browser.new_context(
            locale="id-ID", reduced_motion="reduce", viewport={"width": WIDE[0], "height": WIDE[1]}
        ).new_page()
        self.page.set_default_timeout(10_000)
        self.page.goto(f"{address}/login")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", PASSWORD)
        with self.page.expect_event("load"):
            self.page.click("main button[type=submit]")

    def open(self, path: str) -> None:
        """Go to a page by its address, or by a bookmark."""
        self.page.goto(self.address + path)
        self.effort.pages += 1

    def click(self, selector: str, *, opens: bool = True) -> None:
        """Click; wait for the page that it ``opens``."""
        self.effort.clicks += 1
        if not opens:
            self.page.click(selector)
            return
        with self.page.expect_event("load"):
            self.page.click(selector)
        self.effort.pages += 1

    def finish(self, outcome: str) -> None:
        """Fill in what the outcome requires, and make the move."""
        button = f"button[name=outcome][value='{outcome}']"
        self._fill(outcome)
        if not self.page.is_visible(button):
            self.click(f"details:has({button}) > summary", opens=False)
            self.page.evaluate("new Promise(done => setTimeout(done, 100))")  # what belongs to it is moved there
            self._fill(outcome)
        self.click(button)
        if self.page.locator("main .alert-danger").count():
            sys.exit(f"{self.username}, {outcome}: {self.page.inner_text('main .alert-danger')}")

    def _fill(self, outcome: str) -> None:
        for name in dict.fromkeys(self.page.evaluate(_REQUIRED, outcome)):
            one = self.page.locator(f"[name='{name}']:not([type=hidden])").first
            match one.evaluate("one => one.tagName === 'SELECT' ? 'select' : one.type"):
                case "select":
                    values = one.evaluate("one => [...one.options].map(option => option.value)")
                    one.select_option(next(value for value in values if value and value != "account"))
                case "checkbox":
                    one.check()
                    self.effort.clicks += 1
                    continue
                case "file":
                    one.set_input_files(_FILE)
                case "datetime-local":
                    # Of its own for each walk, so that its release overlaps no other.
                    start = dt.datetime.now(dt.UTC) + dt.timedelta(days=40)
                    one.fill(f"{start + dt.timedelta(minutes=1 if 'end' in name else 0):%Y-%m-%dT%H:%M}")
                case _:
                    # The time sets each walk's request apart: the same request sent twice is taken once.
                    one.fill("30" if "minutes" in name else f"{_TEXT} ({dt.datetime.now(dt.UTC):%H.%M.%S})")
            self.effort.fields += 1

    def look(self, title: str, pictures: Path | None, *, is_read: bool = False) -> Height:
        """Return the height of the page in screens of both sizes, and take its pictures."""
        height = Height(f"{self.username}: {title}", is_read)
        for size in (NARROW, WIDE):
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            height.screens[size] = self.page.evaluate("document.documentElement.scrollHeight") / size[1]
            if pictures:
                name = height.title.replace(": ", "-").replace(" ", "-")
                self.page.screenshot(path=pictures / f"{name}-{size[0]}.png", full_page=True)
                self.page.screenshot(path=pictures / f"{name}-{size[0]}-first.png")
        return height


class Walk:
    """An emergency's way through the procedure, and a request that is returned."""

    def __init__(self, browser: Browser, address: str, office: str, pictures: Path | None) -> None:
        """Log in as the people of the office with this suffix of user names."""
        names = ("pemohon", "pengelola", "kepala")
        self.requester, self.manager, self.head = (Person(browser, address, name + office) for name in names)
        self.pictures = pictures

    def heights(self) -> Iterator[Height]:
        """Make the moves, and look at each page before it is left."""
        requester, manager, head = self.requester, self.manager, self.head
        yield from self._returned()
        requester.effort, manager.effort = Effort(), Effort()
        requester.open("/")
        requester.click("main a[href$='/admin/change/new/']")
        yield requester.look("new request", self.pictures)
        requester.finish("submitted")
        yield requester.look("submitted", self.pictures, is_read=True)
        path = requester.page.url.removeprefix(requester.address)
        for person, outcomes in (
            (manager, ("accepted", "emergency")),
            (head, ("approved",)),
            (manager, ("done", "passed", "reported")),
            (head, ("verified",)),
            (manager, ("scheduled", "unchanged")),
        ):
            person.open(path)
            for outcome in outcomes:
                yield person.look(f"before {outcome}", self.pictures)
                person.finish(outcome)
            yield person.look(f"after {outcomes[-1]}", self.pictures, is_read=True)
        requester.page.goto(requester.address + path)
        yield requester.look("closed", self.pictures, is_read=True)

    def _returned(self) -> Iterator[Height]:
        requester, manager = self.requester, self.manager
        requester.open("/admin/change/new/")
        requester.finish("submitted")
        path = requester.page.url.removeprefix(requester.address)
        manager.open(path)
        manager.finish("returned")
        requester.open(path)
        yield requester.look("returned", self.pictures)
        requester.open(path.replace("details/", "edit/"))
        yield requester.look("returned, form", self.pictures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the measures; 1 if a page is higher than it may be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of a running demo, such as http://127.0.0.1:5000")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    parser.add_argument("--office", default="", help="the suffix of the office's user names, such as .tt")
    chosen = parser.parse_args(arguments)
    if chosen.pictures:
        chosen.pictures.mkdir(parents=True, exist_ok=True)
    too_high = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*ARGUMENTS])
        walk = Walk(browser, chosen.address.rstrip("/"), chosen.office, chosen.pictures)
        print(f"{'page':<40} {'1280×800':>9} {'390×844':>9}")
        for height in walk.heights():
            wide, narrow = height.screens[WIDE], height.screens[NARROW]
            is_high = not height.is_read and (wide > MOST_SCREENS[WIDE] or narrow > MOST_SCREENS[NARROW])
            too_high += is_high
            print(f"{height.title:<40} {wide:9.1f} {narrow:9.1f}{'  too high' if is_high else ''}", flush=True)
        print(f"\n{'person':<40} {'clicks':>9} {'fields':>9} {'pages':>9}")
        for one in (walk.requester, walk.manager, walk.head):
            print(f"{one.username:<40} {one.effort.clicks:9} {one.effort.fields:9} {one.effort.pages:9}")
        browser.close()
    return 1 if too_high else 0


if __name__ == "__main__":
    sys.exit(main())
