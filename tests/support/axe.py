"""What a real browser finds about a page: axe-core's findings, what goes over the edge, what the policy refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from playwright.sync_api import BrowserContext, Page, Request, ViewportSize

    from tests.support.documents import Document

    Scheme = Literal["light", "dark"]

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 640}

#: WCAG 2.2 at A and AA, and what axe-core calls best practice; a target's size it measures only when asked to.
EVERYTHING: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: Another scheme changes nothing but colours.
COLOURS: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
#: Another width changes where things stand, and what can be scrolled or pressed.
PLACES: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: What is unfolded has colours and names of its own.
UNFOLDED: dict[str, Any] = {
    "runOnly": {
        "type": "rule",
        "values": [*COLOURS["runOnly"]["values"], *PLACES["runOnly"]["values"], "button-name", "label", "link-name"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
#: How each document is looked at, in this order. Another language changes words: their colours and their room.
WAYS: dict[str, tuple[tuple[ViewportSize, Scheme, dict[str, Any]], ...]] = {
    "id": ((WIDE, "light", EVERYTHING), (NARROW, "dark", UNFOLDED)),
    "en": ((WIDE, "dark", COLOURS), (NARROW, "light", PLACES)),
}

_LISTEN = """
window.__refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__refused.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""
_LOOK = """async (options) => {
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
_OPEN = """document.querySelectorAll('details:not(.account)').forEach((one) => {
  one.removeAttribute('name');
  one.open = true;
})"""


class Replay:
    """The program, except that a page that was fetched before is shown again as it was, whoever looks."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.document: Document | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> object:
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


class Eye:
    """A window that looks at one document after another."""

    def __init__(self, context: BrowserContext, address: str, replay: Replay) -> None:
        self.address, self.replay = address, replay
        context.add_init_script(_LISTEN)
        context.add_init_script(path=AXE)
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda said: self._said(said.type, said.text))
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("request", self._asked)

    def _said(self, kind: str, text: str) -> None:
        # A page that is itself a refusal is reported by Chromium as a resource that failed to load.
        is_itself = "Failed to load resource" in text and self.replay.document and self.replay.document.status >= 400
        if kind in {"error", "warning"} and not is_itself:
            self.faults.append(f"console: {text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"another host: {request.url}")

    def look(self, document: Document, session: str) -> Iterator[str]:
        """Yield what is wrong with ``document``, whose reader has ``session``: wide, then narrow, loaded once."""
        self.replay.document = document
        self.faults.clear()
        self.page.context.clear_cookies()
        if session:  # what the page fetches or frames by itself is asked for by whoever it was made for
            self.page.context.add_cookies([{"name": "lpse", "value": session, "url": self.address}])
        for place, (size, scheme, asked) in enumerate(WAYS[document.language]):
            self._stand(size, scheme)
            if place == 0:
                self.page.goto(f"{self.address}{document.path}")
            else:
                self.page.evaluate(_OPEN)
            yield from self._faults(document, f"{scheme} {size['width']}", asked)
        yield from self.faults

    def _stand(self, size: ViewportSize, scheme: Scheme) -> None:
        self.page.set_viewport_size(size)
        # Colours that fade into one another would be measured half way.
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def _faults(self, document: Document, how: str, options: dict[str, object]) -> Iterator[str]:
        seen = self.page.evaluate(_LOOK, options)
        for fault in (*seen["faults"], *filter(None, [seen["over"]]), *seen["refused"]):
            yield f"{how}: {fault}"
        if seen["language"] != document.language:
            yield f"the page says that it is written in {seen['language']!r}"
        if seen["headings"] != 1:
            yield f"{seen['headings']} first headings"
