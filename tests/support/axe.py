"""What a real browser finds about a page: axe-core's findings, what goes over the edge, what the policy refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from playwright.sync_api import BrowserContext, Page, Request, ViewportSize

    from tests.support.documents import Document

    Scheme = Literal["light", "dark"]

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 640}

#: WCAG 2.2 at A and AA, and what axe-core calls best practice; a target's size it measures only when asked to.
ALL_RULES: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: Another scheme changes nothing but colours.
COLOUR_RULES: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
#: Another width changes where things stand, and what can be scrolled or pressed.
LAYOUT_RULES: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: What is unfolded has colours and names of its own.
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
#: How each document is looked at, in this order. Another language changes words: their colours and their room.
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
_RUN_AXE = """async (options) => {
  const root = document.documentElement;
  const found = await axe.run(document, { ...options, iframes: false });
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
#: Everything that folds is opened, but for what lies over the page when it is open.
_OPEN_DETAILS = """document.querySelectorAll('details:not(.account)').forEach((one) => {
  one.removeAttribute('name');
  one.open = true;
})"""


class ReplayMiddleware:
    """The program, except that a page that was fetched before is shown again as it was, whoever looks."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.document: Document | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the window with the document, and everything that it loads from the program."""
        if environ.get("HTTP_SEC_FETCH_DEST") == "iframe":
            # A file that is previewed: what a browser draws of it is its own, and has a test of its own.
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b""]
        if self.document is None or environ.get("HTTP_SEC_FETCH_DEST") != "document":
            return self.app(environ, start_response)
        body = self.document.body.encode()
        kept = [(name, value) for name, value in self.document.headers if name not in {"Set-Cookie", "Content-Length"}]
        start_response(f"{self.document.status} .", [*kept, ("Content-Length", str(len(body)))])
        return [body]


class PageChecker:
    """A window that looks at one document after another."""

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
        # A page that is itself a refusal is reported by Chromium as a resource that failed to load.
        is_itself = "Failed to load resource" in text and self.replay.document and self.replay.document.status >= 400
        if kind in {"error", "warning"} and not is_itself:
            self.errors.append(f"console: {text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.errors.append(f"another host: {request.url}")

    def check(self, document: Document, session: str) -> Iterator[str]:
        """Yield what is wrong with ``document``, whose reader has ``session``: wide, then narrow, loaded once."""
        self.replay.document = document
        self.errors.clear()
        self.page.context.clear_cookies()
        if session:  # what the page fetches or frames by itself is asked for by whoever it was made for
            self.page.context.add_cookies([{"name": "lpse", "value": session, "url": self.address}])
        for place, (size, scheme, asked) in enumerate(RUNS[document.language]):
            self._set_viewport(size, scheme)
            if place == 0:
                self.page.goto(f"{self.address}{document.path}")
            else:
                self.page.evaluate(_OPEN_DETAILS)
            yield from self._page_errors(document, f"{scheme} {size['width']}", asked)
        yield from self.errors

    def _set_viewport(self, size: ViewportSize, scheme: Scheme) -> None:
        self.page.set_viewport_size(size)
        # Colours that fade into one another would be measured half way.
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def _page_errors(self, document: Document, how: str, options: dict[str, object]) -> Iterator[str]:
        seen = self.page.evaluate(_RUN_AXE, options)
        for fault in (*seen["faults"], *filter(None, [seen["over"]]), *seen["refused"]):
            yield f"{how}: {fault}"
        if seen["language"] != document.language:
            yield f"the page says that it is written in {seen['language']!r}"
        if seen["headings"] != 1:
            yield f"{seen['headings']} first headings"
