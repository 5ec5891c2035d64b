"""Check pages in a browser: axe-core's findings, horizontal overflow, and violations of the content security policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from playwright.sync_api import BrowserContext, Page, Request, ViewportSize

    from tests.support.pages.documents import Document

    Scheme = Literal["light", "dark"]

AXE = Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js"

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 640}

#: WCAG 2.2 A and AA, and axe-core's best practices; ``target-size`` is off by default.
ALL_RULES: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: A colour scheme changes colours only.
COLOUR_RULES: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
#: A width changes the layout: target sizes and scrollable regions.
LAYOUT_RULES: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: Expanded elements have other colours and names.
EXPANDED_RULES: dict[str, Any] = {
    "runOnly": {
        "type": "rule",
        "values": [
            *COLOUR_RULES["runOnly"]["values"],
            *LAYOUT_RULES["runOnly"]["values"],
            "button-name",
            "label",
            "link-name",
        ],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: The runs for each document, in order, by language. Another language changes the texts: their colours and their space.
RUNS: dict[str, tuple[tuple[ViewportSize, Scheme, dict[str, Any]], ...]] = {
    "id": ((WIDE, "light", ALL_RULES), (NARROW, "dark", EXPANDED_RULES)),
    "en": ((WIDE, "dark", COLOUR_RULES), (NARROW, "light", LAYOUT_RULES)),
}

_RECORD_VIOLATIONS = """
window.__refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__refused.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""
_RUN_AXE = """async ([options, menu]) => {
  const root = document.documentElement;
  const found = await axe.run(menu ? document.querySelector(menu) : document, { ...options, iframes: false });
  const over = root.scrollWidth > root.clientWidth
    ? [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
      .slice(0, 4).map((one) => one.outerHTML.slice(0, 110)) : null;
  return {
    faults: found.violations.flatMap((rule) => rule.nodes.slice(0, 4).map(
      (node) => `axe ${rule.id}: ${node.html.replace(/[0-9]+/g, "9").slice(0, 160)} | ${
        [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ").slice(0, 220)}`)),
    over: over && [`sideways: ${root.scrollWidth} > ${root.clientWidth}`, ...over].join(" | "),
    language: root.lang,
    headings: document.querySelectorAll("h1").length,
    refused: window.__refused.splice(0),
  };
}"""
#: Expands everything except menus that cover the page.
_OPEN_DETAILS = """document.querySelectorAll('details:not(.account)').forEach((one) => {
  one.removeAttribute('name');
  one.open = true;
})"""


class ReplayMiddleware:
    """The app, but documents that were fetched before are answered from memory."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.document: Document | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the stored document, and everything else from the app."""
        if environ.get("HTTP_SEC_FETCH_DEST") == "iframe":
            # A previewed file is rendered by the browser itself, and has a test of its own.
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b""]
        if self.document is None or environ.get("HTTP_SEC_FETCH_DEST") != "document":
            return self.app(environ, start_response)
        body = self.document.body.encode()
        saved = [(name, value) for name, value in self.document.headers if name not in {"Set-Cookie", "Content-Length"}]
        start_response(f"{self.document.status} .", [*saved, ("Content-Length", str(len(body)))])
        return [body]


class PageChecker:
    """A browser page that checks one document after another."""

    def __init__(self, context: BrowserContext, address: str, replay: ReplayMiddleware) -> None:
        self.address, self.replay = address, replay
        context.add_init_script(_RECORD_VIOLATIONS)
        context.add_init_script(path=AXE)
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda said: self._on_console(said.type, said.text))
        self.page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))
        self.page.on("request", self._on_request)

    def _on_console(self, kind: str, text: str) -> None:
        # Chromium reports an error page as a resource that failed to load.
        is_itself = "Failed to load resource" in text and self.replay.document and self.replay.document.status >= 400
        if kind in {"error", "warning"} and not is_itself:
            self.errors.append(f"console: {text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.errors.append(f"another host: {request.url}")

    def check(self, document: Document, session: str, *, menu: tuple[str, str] | None = None) -> Iterator[str]:
        """Yield the errors of ``document`` for the user with the cookie ``session``: wide, then narrow, loaded once.

        ``menu`` is what is clicked first, and what opens over the page then: axe-core looks at that alone.
        """
        self.replay.document = document
        self.errors.clear()
        self.page.context.clear_cookies()
        if session:  # the page's own requests are made by the user it was rendered for
            self.page.context.add_cookies([{"name": "lpse", "value": session, "url": self.address}])
        for index, (size, scheme, asked) in enumerate(RUNS[document.language]):
            self._set_viewport(size, scheme)
            if index == 0:
                self.page.goto(f"{self.address}{document.path}")
                if menu:
                    self.page.click(menu[0])
                    self.page.wait_for_selector(menu[1])
            else:
                self.page.evaluate(_OPEN_DETAILS)
            self._show_whole_page(size)
            yield from self._page_errors(document, f"{scheme} {size['width']}", [asked, menu[1] if menu else None])
        yield from self.errors

    def _set_viewport(self, size: ViewportSize, scheme: Scheme) -> None:
        self.page.set_viewport_size(size)
        # Colours in a transition would be measured half way.
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def _show_whole_page(self, size: ViewportSize) -> None:
        """Make the window as high as the page: the size of a target is not that of what a sticking bar leaves of it."""
        height = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})

    def _page_errors(self, document: Document, how: str, asked: list[object]) -> Iterator[str]:
        seen = self.page.evaluate(_RUN_AXE, asked)
        for fault in (*seen["faults"], *filter(None, [seen["over"]]), *seen["refused"]):
            yield f"{how}: {fault}"
        if seen["language"] != document.language:
            yield f"the page says that it is written in {seen['language']!r}"
        if seen["headings"] != 1:
            yield f"{seen['headings']} first headings"
