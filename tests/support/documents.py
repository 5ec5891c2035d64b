"""All pages that the program can send, by user, grouped by template, for the browser tests."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import make_response
from sqlalchemy import column, select

from lpse_admin.accounts.permissions import Verb
from models.changes.change import ChangeRequest
from tests.architecture.test_routes import NOBODY, TABLES, classified, rules
from tests.support.program import Visitor
from tests.support.running_app import _actor_username as house_actor
from views.app import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

#: Who looks: every role, the delegate while they stand in, somebody for whom nothing waits, the installation's own
#: administrator, and whoever is not logged in.
USERNAMES = ("", "pemohon", "pemohon2", "pengelola", "kepala", "plh", "pemeriksa", "administrator", "admin")

#: How often a kind of record is opened by each reader: a request in all of its states, of others the first ones.
MAX_CHANGES, MAX_RECORDS = 40, 3
RECORD_LIMITS = {"change": MAX_CHANGES, "deviation": 6, "release": 6}

FORBIDDEN = 403

#: Whose lists are narrowed, sorted and emptied.
FILTERING_USERS = ("pengelola", "administrator")

#: What a page looks like besides as it opens by itself.
ADDRESS_VARIANTS = {
    "index_view": ("?search=tidak-ada-yang-begini", "?size=10&page=1", "?sort=-id&search=sertifikat"),
    "calendar": ("?view=week", "?view=month&month=2026-04"),
}

#: Addresses whose empty form would end the walk: the session, or the account of somebody who walks.
SKIPPED_ENDPOINTS = {"access.logout", "user.disable", "language.choose"}

VOID_TAGS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
#: The children of these come in any order and number.
UNORDERED_TAGS = frozenset(["table", "thead", "tbody", "tr", "ul", "ol", "dl", "select", "datalist", "g"])
#: What a page is put together from.
PART_TAGS = frozenset(
    ["html", "head", "body", "header", "nav", "main", "footer", "section", "article", "aside", "form", "fieldset",
     "details", "table", "tr", "td", "th", "ul", "ol", "li", "dl", "div", "figure", "svg", "p"]
)  # fmt: skip
#: What of an element does not change how it is built: addresses, names and words.
_CONTENT_ATTRIBUTES = re.compile(
    r"\s(?:href|src|value|id|name|for|datetime|title|action|formaction|content|aria-(?:label|labelledby|describedby|"
    r"controls|details)|data-[\w-]+|[dxy]|[cr][xy]?|[xy][12]|viewBox|points|width|height|transform|download|list|label|"
    r'hreflang|nonce|max|min|maxlength|rows|placeholder)="[^"]*"'
)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:[^>\"]|\"[^\"]*\")*)>([^<]*)")
_SPACE = re.compile(r"\s+")
_HEADING = re.compile(r"<h([1-6])")
_VOLATILE = re.compile(
    r'(?<=name="csrf_token" value=")[^"]+|(?<=name="next" value=")[^"]+|(?<=<code>)[0-9a-f-]{16,36}(?=</code>)'
)


class RequestInfo(NamedTuple):
    """Who asks for what, and in which language."""

    who: str
    language: str
    endpoint: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Document:
    """One answer that a browser shows."""

    who: str
    language: str
    endpoint: str
    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status} {self.who or 'stranger'}/{self.language}"

    @property
    def part_hashes(self) -> frozenset[int]:
        """How each part of it is built, without words and names."""
        return part_hashes(self.body)

    @property
    def text(self) -> str:
        """The document without what differs each time."""
        return _VOLATILE.sub("x", self.body)


def part_hashes(html: str) -> frozenset[int]:
    """Return one number for each part of a document: the same for parts with the same elements.

    A part is counted without the parts within it, so that two pages of the same parts are alike, however many rows
    their tables have; the levels of the headings, in their order, are a part too.
    """
    found: set[int] = set()
    stack: list[tuple[str, str, list[int]]] = [("", "", [])]
    for closing, name, attributes, text in _TAG.findall(html):
        tag = name.lower()
        if not closing:
            described = _SPACE.sub(" ", _CONTENT_ATTRIBUTES.sub("", attributes))
            if tag in VOID_TAGS or attributes.endswith("/"):
                stack[-1][2].append(hash((tag, described)))
            else:
                stack.append((tag, f"{described}{bool(text.strip())}", []))
        elif any(tag == open_tag for open_tag, _said, _children in stack):
            while True:
                open_tag, said, children = stack.pop()
                number = _element_hash(open_tag, said, children)
                if open_tag in PART_TAGS:
                    found.add(number)
                    number = hash(open_tag)
                stack[-1][2].append(number)
                if open_tag == tag:
                    break
    levels = _HEADING.findall(html)
    found.add(hash(tuple(level for place, level in enumerate(levels) if place == 0 or level != levels[place - 1])))
    return frozenset(found)


def _element_hash(tag: str, said: str, children: list[int]) -> int:
    """Return the number of an element: of those alike that follow one another, one counts; in a heap, one at all."""
    if tag in UNORDERED_TAGS:
        return hash((tag, said, frozenset(children)))
    kept = [child for place, child in enumerate(children) if place == 0 or child != children[place - 1]]
    return hash((tag, said, *kept))


class Crawler:
    """The way through all addresses, as everybody."""

    def __init__(self, running_app: RunningApp) -> None:
        self.running_app = running_app
        self.visitors = {name: Visitor(running_app.app, name or None) for name in USERNAMES}
        self.opened_endpoints: set[str] = set()
        with running_app.session() as session:
            self.ids: dict[str, Sequence[Any]] = {
                screen: session.scalars(select(column("id")).select_from(of).order_by(column("id"))).all()
                for screen, of in TABLES.items()
            }
            actors = [(house_actor(change), change.id) for change in session.scalars(select(ChangeRequest))]
        self.change_ids_to_move = {who: [id_ for actor, id_ in actors if actor == who] or [1] for who in USERNAMES}
        addresses = [
            (rule.endpoint, method, path.partition("?")[0] if method == "POST" else path)
            for rule, method, path in rules(running_app)
            if classified(rule.endpoint) is not NOBODY and rule.endpoint != "static"
        ]
        # A screen's list first: whoever may not see it is shown that once.
        addresses.sort(key=lambda address: not address[0].endswith(".index_view"))
        self.get_addresses = [(endpoint, path) for endpoint, method, path in addresses if method == "GET"]
        self.post_addresses = [
            (endpoint, path)
            for endpoint, method, path in addresses
            if method == "POST" and endpoint not in SKIPPED_ENDPOINTS
        ]

    def all_documents(self, language: str) -> Iterator[Document]:
        """Yield what every reader gets at every address, first by looking and then by sending empty forms."""
        for who in USERNAMES:
            self.set_language(who, language)
            yield from self._pages(who, language)
            yield from self._wrong_forms(who, language)
        yield from self._refusals(language)

    def in_language(self, document: Document, language: str) -> Document | None:
        """Return the same document in another language, if it is shown to whoever looks."""
        if document.endpoint == "refusal":
            return None
        return self._get(document.who, language, document.endpoint, document.path) if document.method == "GET" else None

    def session_cookie(self, who: str) -> str:
        """Return the cookie by which the program knows somebody, or nothing for a stranger."""
        cookie = self.visitors[who].client.get_cookie("lpse") if who else None
        return cookie.value if cookie else ""

    def set_language(self, who: str, language: str) -> None:
        """Let somebody choose a language."""
        self.visitors[who].post("/language", lang=language, next="/healthz")

    def _pages(self, who: str, language: str) -> Iterator[Document]:
        """Yield what there is to look at; of a screen that is not this reader's nothing but its refusal."""
        refused = set()
        for endpoint, path in self.addresses(who):
            screen = endpoint.partition(".")[0]
            if screen in refused:
                continue
            if found := self._get(who, language, endpoint, path):
                yield found
                if found.status == FORBIDDEN and classified(endpoint) is Verb.READ:
                    refused.add(screen)
        for path in ("/nowhere", "/admin/change/details/?id=99999999", "/admin/change/?sort=nothing"):
            if found := self._get(who, language, "refusal", path):
                yield found

    def addresses(self, who: str) -> Iterator[tuple[str, str]]:
        """Yield each address that ``who`` looks at, with its endpoint: of records, every one that the walk opens."""
        for endpoint, path in self.get_addresses:
            screen, _dot, tail = endpoint.partition(".")
            if "id=" in path or "/1" in path:
                for id_ in self.ids.get(screen, [1])[
                    : MAX_RECORDS if tail == "edit_view" else RECORD_LIMITS.get(screen, MAX_RECORDS)
                ]:
                    yield endpoint, path.replace("id=1", f"id={id_}").replace("/1", f"/{id_}")
            else:
                yield endpoint, path
                for variant in ADDRESS_VARIANTS.get(tail, ()) if who in FILTERING_USERS else ():
                    yield endpoint, path + variant

    def _get(self, who: str, language: str, endpoint: str, path: str) -> Document | None:
        return self._document(self.visitors[who].get(path), RequestInfo(who, language, endpoint, "GET", path))

    def _document(self, answer: TestResponse, asked: RequestInfo) -> Document | None:
        """Return what a browser would show of an answer, if it is a page."""
        is_page = answer.mimetype == "text/html" and not 300 <= answer.status_code < 400
        found = Document(*asked, answer.status_code, tuple(answer.headers), answer.text) if is_page else None
        if found and answer.status_code == 200:
            self.opened_endpoints.add(asked.endpoint)
        answer.close()
        return found

    def _wrong_forms(self, who: str, language: str) -> Iterator[Document]:
        """Send every form empty: what comes back says what is missing."""
        visitor = self.visitors[who]
        for endpoint, path in self.post_addresses:
            screen = endpoint.partition(".")[0]
            for id_ in self.change_ids_to_move[who] if endpoint == "change.move" else self.ids.get(screen, [1])[:1]:
                here = re.sub(r"/1(?=/|$)", f"/{id_}", path) + (f"?id={id_}" if path.endswith("/edit/") else "")
                answer = visitor.post(here, **(dict[str, Any](self._outcome(id_) if endpoint == "change.move" else {})))
                if found := self._document(answer, RequestInfo(who, language, endpoint, "POST", here)):
                    yield found
                    if found.status == FORBIDDEN:
                        break
        if who:
            yield from filter(None, [self._get(who, language, "profile.show", "/profile")])
        stale = visitor.client.post("/language", data={"lang": "id"})
        yield from filter(None, [self._document(stale, RequestInfo(who, language, "refusal", "POST", "/language"))])

    def _outcome(self, change_id: int) -> dict[str, str]:
        with self.running_app.session() as session:
            change = session.get_one(ChangeRequest, change_id)
            rule = change.sop.rules.get(change.step)
            outcomes = list(rule.leads_to) if rule else []
            return {"version": str(change.version), "outcome": str(outcomes[0]) if outcomes else ""}

    def _refusals(self, language: str) -> Iterator[Document]:
        """Yield the page of each status, those that cannot be had by asking among them."""
        for status in errors._TITLES:
            with self.running_app.app.test_request_context("/nowhere", query_string={"lang": language}):
                answer = self.running_app.app.process_response(make_response(errors.error_response(status)))
                yield Document("", language, "refusal", "GET", f"/?status={status}", status, tuple(answer.headers),
                               answer.get_data(as_text=True))  # fmt: skip
