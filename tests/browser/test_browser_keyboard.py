"""One request from draft to closed by everybody whose step it is: with the keys alone, and without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from demo.cast import PASSWORD
from tests.browser.test_browser_journey import _CHOICES, _LETTER, _TEXTS, Desk
from tests.support.pages.browser import serve_app
from tests.support.program import close_app, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.conftest import NewDatabase

#: The way of a normal change, and who goes each step; whoever evaluates a request does not carry it out.
WAY = (
    ("pengelola", "accepted"),
    ("pengelola", "normal"),
    ("pengelola2", "done"),
    ("pengelola2", "passed"),
    ("pengelola2", "reported"),
    ("kepala", "verified"),
    ("pengelola2", "no-release"),
)
UNCHANGED = ("pengelola2", "unchanged")
CHANGED = (("pengelola2", "changed"), ("pengelola2", "updated"))

#: Fields of words that are filled in; what is typed in rows of assets is for other outcomes.
TYPED = {name for name in _TEXTS if not name.startswith(("assets-", "mutations-"))}

#: More than any page has to be stepped through.
MANY = 150

#: What has the focus: never the page as a whole, and always to be seen.
_FOCUS = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    tag: one.tagName.toLowerCase(), type: one.type || "", name: one.name || "", value: one.value || "", id: one.id,
    text: one.innerText || "", checked: Boolean(one.checked), inStep: Boolean(one.closest(".step-form")),
    isRequired: Boolean(one.closest(".requirement")),
    unfolds: one.matches(".decision:not([open]) > summary") ? one.parentElement.dataset.outcome : "",
    options: one.tagName === "SELECT" ? [...one.options].map((option) => option.value) : [],
    seen: box.width > 0 && box.height > 0 && box.bottom > 0
      && box.top < innerHeight && (style.outlineStyle !== "none" || style.boxShadow !== "none"),
  };
}"""


class Keys:
    """Somebody at a browser who has no mouse."""

    def __init__(self, browser: Browser, address: str, username: str) -> None:
        self.address = address
        self.page: Page = browser.new_context(locale="id-ID", reduced_motion="reduce").new_page()
        self.page.set_default_timeout(10_000)
        self.page.goto(f"{address}/login")
        self.page.bring_to_front()
        # The page takes the focus and gives it to this field after it has loaded; keys sent before go nowhere.
        expect(self.page.locator("[name=username]")).to_be_focused(timeout=10_000)
        self.reach(name="username")
        self.page.keyboard.type(username)
        self.reach(name="password")
        self.page.keyboard.type(PASSWORD)
        self.enter()
        assert self.page.url == f"{address}/"

    def enter(self) -> None:
        """Press Enter on what leads to another page, and wait for that."""
        with self.page.expect_event("load"):
            self.page.keyboard.press("Enter")

    def press(self, key: str) -> dict[str, Any]:
        """Press a key and return what has the focus then."""
        self.page.keyboard.press(key)
        focus: dict[str, Any] = self.page.evaluate(_FOCUS)
        assert focus["tag"] != "body", f"{key} has lost the focus on {self.page.url}"
        return focus

    def reach(self, **wanted: str) -> dict[str, Any]:
        """Go on with Tab until what is wanted has the focus."""
        focus: dict[str, Any] = self.page.evaluate(_FOCUS)
        for _step in range(MANY):
            if all(focus[name] == value for name, value in wanted.items()):
                return focus
            focus = self.press("Tab")
            assert focus["seen"] or focus["tag"] == "main", f"the focus is not to be seen: {focus} {self.page.url}"
        pytest.fail(f"{wanted} cannot be reached by Tab on {self.page.url}")

    def open(self, path: str) -> None:
        """Type an address, and skip to the content."""
        self.page.goto(f"{self.address}{path}")
        first = self.press("Tab")
        assert (first["tag"], first["seen"]) == ("a", True)
        assert self.press("Enter")["id"] == "main"

    def finish(self, outcome: str) -> None:
        """Fill in what the step's form asks for, field after field, and press the button of ``outcome``."""
        for _step in range(MANY):
            focus = self.press("Tab")
            if not focus["inStep"]:
                continue
            if focus["unfolds"] == outcome:
                focus = self.press("Enter")
            if (focus["name"], focus["value"]) == ("outcome", outcome):
                self.enter()
                break
            self.fill(focus)
        else:
            pytest.fail(f"no button of {outcome} on {self.page.url}")
        told = self.page.locator("main .alert-danger, .field-errors").all_inner_texts()
        assert not told, (outcome, told)

    def fill(self, focus: dict[str, Any]) -> None:
        """Do with the keys what the field that has the focus asks for."""
        keys, name = self.page.keyboard, focus["name"]
        if focus["tag"] == "select":
            steps = focus["options"].index(_CHOICES[name]) if name in _CHOICES else 0
            for _step in range(steps):
                keys.press("ArrowDown")
        elif focus["type"] == "checkbox" and not focus["checked"] and focus["value"] in {"y", "application"}:
            keys.press("Space")
        elif focus["type"] == "file" and focus["isRequired"]:
            with self.page.expect_file_chooser() as chooser:
                keys.press("Space")
            chooser.value.set_files(_LETTER)
        elif (focus["tag"] == "textarea" or focus["type"] == "text") and name in TYPED and not focus["value"]:
            keys.type("Uji")


@pytest.fixture(scope="module")
def address(new_database: NewDatabase) -> Iterator[str]:
    """Serve the program with its cast; the screens are the same on the other database."""
    with new_database("sqlite") as url:
        app = make_app(url)
        with serve_app(app) as result:
            yield result
        close_app(app)


def test_a_request_goes_from_draft_to_closed_by_the_keys_alone(browser: Browser, address: str) -> None:
    people = {name: Keys(browser, address, name) for name in ("pemohon", *dict(WAY))}
    requester = people["pemohon"]
    requester.open("/")
    requester.reach(tag="a", text="Permintaan baru")
    requester.enter()
    requester.finish("submitted")
    number = requester.page.inner_text(".where strong")
    way = (*WAY, UNCHANGED)
    for name, outcome in way:
        someone = people[name]
        someone.open("/")
        someone.reach(tag="a", text=number)
        someone.enter()
        someone.finish(outcome)
    inspector = Keys(browser, address, "pemeriksa")
    inspector.open("/admin/change/")
    inspector.reach(tag="a", text=number)
    inspector.enter()
    assert inspector.page.locator(".step-form").count() == 0
    assert inspector.page.locator(".steps-taken > li").count() == len(way) + 1


def test_a_request_goes_from_draft_to_closed_without_javascript(browser: Browser, address: str) -> None:
    people = {name: Desk(browser, address, name, java_script_enabled=False) for name in ("pemohon", *dict(WAY))}
    requester = people["pemohon"]
    number = requester.request()
    way = (*WAY, *CHANGED)
    for name, outcome in way:
        people[name].open(number)
        people[name].finish(outcome)
    requester.page.goto(f"{address}/admin/change/?search={number}")
    requester.click(f"main a:text-is('{number}')")
    assert requester.page.locator(".steps-taken > li").count() == len(way) + 1
