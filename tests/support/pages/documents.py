"""All pages that the app can send, by user, grouped by template, for the browser tests."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import make_response
from sqlalchemy import column, select

from lpse_admin.accounts.permissions import Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.secrets.reset_tokens import hash_token
from models.accounts.password_reset import PasswordReset
from models.changes.change import ChangeRequest
from tests.architecture.test_routes import NOBODY, TABLES, classified, rules
from tests.support.cast import user
from tests.support.pages.records import code_in
from tests.support.program import Visitor
from tests.support.running_app import _actor_username as house_actor
from views.app import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from werkzeug.test import TestResponse

    from tests.support.cast import AuditedSession
    from tests.support.running_app import RunningApp

#: The users: every role, an acting delegate, one with empty queues, the superadmin, and an anonymous one ("").
USERNAMES = ("", "pemohon", "pemohon2", "pengelola", "kepala", "plh", "pemeriksa", "administrator", "admin")

#: How many records of a kind each user opens: requests in all states, of other kinds the first ones.
MAX_CHANGES, MAX_RECORDS = 40, 3
RECORD_LIMITS = {"change": MAX_CHANGES, "deviation": 6, "release": 6}

FORBIDDEN = 403

#: Users whose lists are filtered, sorted and emptied.
FILTERING_USERS = ("pengelola", "administrator")

#: Query strings to open a page with, besides none.
ADDRESS_VARIANTS = {
    "index_view": ("?search=tidak-ada-yang-begini", "?size=10&page=1", "?sort=-id&search=sertifikat"),
    "calendar": ("?view=week", "?view=month&month=2026-04"),
}

#: Endpoints whose empty form would end the crawl: they end the session or disable a user.
SKIPPED_ENDPOINTS = {"access.logout", "user.disable", "language.choose"}

#: Endpoints that answer with a part of a page, which a page takes in: it is looked at there.
PART_ENDPOINTS = {"notification.latest"}

#: Somebody who has the password that an administrator chose, and the token of a link to set another.
NEWCOMER, RESET_TOKEN = "baru", "1"

VOID_TAGS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
#: Elements whose children may have any order and number.
UNORDERED_TAGS = frozenset(["table", "thead", "tbody", "tr", "ul", "ol", "dl", "select", "datalist", "g"])
#: Elements that are parts of a page.
PART_TAGS = frozenset(
    ["html", "head", "body", "header", "nav", "main", "footer", "section", "article", "aside", "form", "fieldset",
     "details", "table", "tr", "td", "th", "ul", "ol", "li", "dl", "div", "figure", "svg", "p"]
)  # fmt: skip
#: Attributes that do not matter for the structure: addresses, names and texts.
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
    """User, address and language of a request."""

    who: str
    language: str
    endpoint: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Document:
    """One response that a browser shows."""

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
        """The hashes of the structure of its parts."""
        return part_hashes(self.body)

    @property
    def text(self) -> str:
        """The document without the values that differ each time."""
        return _VOLATILE.sub("x", self.body)


def part_hashes(html: str) -> frozenset[int]:
    """Return one hash for each part of a document: equal for parts with the same elements.

    The hash of a part does not depend on the parts within it, so that pages differ by their kinds of parts and not by
    the number of table rows. The sequence of heading levels is a part too.
    """
    hashes: set[int] = set()
    stack: list[tuple[str, str, list[int]]] = [("", "", [])]
    for closing, name, attributes, text in _TAG.findall(html):
        tag = name.lower()
        if not closing:
            described = _SPACE.sub(" ", _CONTENT_ATTRIBUTES.sub("", attributes))
            if tag in VOID_TAGS or attributes.endswith("/"):
                stack[-1][2].append(hash((tag, described)))
            else:
                stack.append((tag, f"{described}{bool(text.strip())}", []))
        elif any(tag == open_tag for open_tag, _signature, _children in stack):
            while True:
                open_tag, signature, children = stack.pop()
                number = _element_hash(open_tag, signature, children)
                if open_tag in PART_TAGS:
                    hashes.add(number)
                    number = hash(open_tag)
                stack[-1][2].append(number)
                if open_tag == tag:
                    break
    levels = _HEADING.findall(html)
    changes = (level for index, level in enumerate(levels) if index == 0 or level != levels[index - 1])
    hashes.add(hash(tuple(changes)))
    return frozenset(hashes)


def _element_hash(tag: str, signature: str, children: list[int]) -> int:
    """Return the hash of an element; equal adjacent children count once, in ``UNORDERED_TAGS`` all equal ones."""
    if tag in UNORDERED_TAGS:
        return hash((tag, signature, frozenset(children)))
    distinct = [child for index, child in enumerate(children) if index == 0 or child != children[index - 1]]
    return hash((tag, signature, *distinct))


class Crawler:
    """Requests all addresses as all users."""

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
            _add_newcomer(session, running_app)
        self.visitors[NEWCOMER] = Visitor(running_app.app, NEWCOMER)
        self.change_ids_to_move = {who: [id_ for actor, id_ in actors if actor == who] or [1] for who in USERNAMES}
        addresses = [
            (rule.endpoint, method, path.partition("?")[0] if method == "POST" else path)
            for rule, method, path in rules(running_app)
            if classified(rule.endpoint) is not NOBODY and rule.endpoint != "static"
        ]
        # A screen's list first: a user without access gets its refusal once.
        addresses.sort(key=lambda address: not address[0].endswith(".index_view"))
        self.get_addresses = [(endpoint, path) for endpoint, method, path in addresses if method == "GET"]
        self.post_addresses = [
            (endpoint, path)
            for endpoint, method, path in addresses
            if method == "POST" and endpoint not in SKIPPED_ENDPOINTS
        ]

    def all_documents(self, language: str) -> Iterator[Document]:
        """Yield the documents of all users at all addresses: first by GET, then by POST of empty forms."""
        for who in USERNAMES:
            self.set_language(who, language)
            yield from self._pages(who, language)
            yield from self._wrong_forms(who, language)
        self.set_language(NEWCOMER, language)
        yield from filter(None, [self._get(NEWCOMER, language, "access.first_password", "/first-password")])
        yield from self._refusals(language)
        yield from filter(None, [self._get("", language, "paper_check.show", self._paper_path())])

    def _paper_path(self) -> str:
        """Return where the code on a paper leads, which no page tells: it is read from a print."""
        reader = self.visitors["kepala"]
        prints = (
            reader.post(f"/admin/paper/of/{id_}/print", kind="change-form", subject=str(id_)).location
            for id_ in self.ids["change"]
        )
        return code_in(reader.get(next(filter(None, prints))).data)

    def in_language(self, document: Document, language: str) -> Document | None:
        """Return the same document in another language, if it is still a page."""
        if document.endpoint == "refusal":
            return None
        return self._get(document.who, language, document.endpoint, document.path) if document.method == "GET" else None

    def session_cookie(self, who: str) -> str:
        """Return the session cookie of a user; empty for the anonymous one."""
        cookie = self.visitors[who].client.get_cookie("lpse") if who else None
        return cookie.value if cookie else ""

    def set_language(self, who: str, language: str) -> None:
        """Set a user's language."""
        self.visitors[who].post("/language", lang=language, next="/healthz")

    def _pages(self, who: str, language: str) -> Iterator[Document]:
        """Yield the pages of a user; of a screen without access only its refusal."""
        refused = set()
        for endpoint, path in self.addresses(who):
            screen = endpoint.partition(".")[0]
            if screen in refused:
                continue
            if result := self._get(who, language, endpoint, path):
                yield result
                if result.status == FORBIDDEN and classified(endpoint) is Verb.READ:
                    refused.add(screen)
        for path in ("/nowhere", "/admin/change/details/?id=99999999", "/admin/change/?sort=nothing"):
            if result := self._get(who, language, "refusal", path):
                yield result

    def addresses(self, who: str) -> Iterator[tuple[str, str]]:
        """Yield (endpoint, address) of all pages of ``who``, including those of the records to open."""
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
        """Return a response as a document, or None if it is not a page."""
        is_page = answer.mimetype == "text/html" and not 300 <= answer.status_code < 400
        is_page = is_page and asked.endpoint not in PART_ENDPOINTS
        result = Document(*asked, answer.status_code, tuple(answer.headers), answer.text) if is_page else None
        if result and answer.status_code == 200:
            self.opened_endpoints.add(asked.endpoint)
        answer.close()
        return result

    def _wrong_forms(self, who: str, language: str) -> Iterator[Document]:
        """Submit every form empty and yield the pages with its errors."""
        visitor = self.visitors[who]
        for endpoint, path in self.post_addresses:
            screen = endpoint.partition(".")[0]
            for id_ in self.change_ids_to_move[who] if endpoint == "change.move" else self.ids.get(screen, [1])[:1]:
                here = re.sub(r"/1(?=/|$)", f"/{id_}", path) + (f"?id={id_}" if path.endswith("/edit/") else "")
                answer = visitor.post(here, **(dict[str, Any](self._outcome(id_) if endpoint == "change.move" else {})))
                if result := self._document(answer, RequestInfo(who, language, endpoint, "POST", here)):
                    yield result
                    if result.status == FORBIDDEN:
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
        """Yield the error page of each status, including those that no request causes."""
        for status in errors._TITLES:
            with self.running_app.app.test_request_context("/nowhere", query_string={"lang": language}):
                answer = self.running_app.app.process_response(make_response(errors.error_response(status)))
                yield Document("", language, "refusal", "GET", f"/?status={status}", status, tuple(answer.headers),
                               answer.get_data(as_text=True))  # fmt: skip


def _add_newcomer(session: AuditedSession, running_app: RunningApp) -> None:
    """Create somebody who has not chosen a password yet, and a link to set one that is good for half an hour."""
    created = user(session, running_app.cast(session).lumajang.agency, NEWCOMER, Role.REQUESTER)
    created.is_password_initial = True
    reset = PasswordReset(
        at=running_app.now, name=NEWCOMER, address="127.0.0.1", user=created, agency_id=created.agency_id,
        token_hash=hash_token(RESET_TOKEN), expires_at=running_app.now + dt.timedelta(minutes=30),
    )  # fmt: skip
    session.add(reset)
    session.commit()
