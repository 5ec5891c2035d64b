"""Every screen, as everybody, in both languages, in a real browser: what axe-core and the Nu checker find is nothing.

The documents are fetched over HTTP, and each way in which one is built is looked at once in each language: light and
dark, wide and narrow. Of two lists that differ in their rows alone, or two requests that differ in their words alone,
one is looked at; its words are long ones. The Nu checker reads them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.architecture.test_routes import NOBODY, classified, furnished, rules  # noqa: F401 - the fixture
from tests.support import cast as factories
from tests.support.pages import nu
from tests.support.pages.axe import PageChecker, ReplayMiddleware
from tests.support.pages.browser import serve_app
from tests.support.pages.documents import PART_ENDPOINTS, Crawler, Document
from tests.support.running_app import open_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import NewDatabase
    from tests.support.running_app import RunningApp

#: Addresses that are looked at and are no page: files, and those that lead on.
NO_PAGE = {
    "admin.index", "static", "health.healthz", "feed.show", "document.file", "document.preview", "sop.download",
    "edited-sop.download", "sop.template", "sop.trial_file",
    "sop.trial",  # no SOP here is a draft: tests/sops/trial
    "sop.bpmn", "release.window", "change.copy", "asset-period.card", "asset-period.half_year", "asset-period.room",
    "paper.draft", "inspection.progress", "integrity.anchor", "integrity.stamp", "access.enter_second_step",
    "paper.print_all", "paper.signed", "paper-setting.preview", *PART_ENDPOINTS,
    "own-step.details_view", "own-step.edit_view",  # no SOP here has such steps: tests/changes/own_steps
}  # fmt: skip

#: A word that nothing breaks: it must not push a page over its edge.
LONG = "konfigurasi_sertifikat_aplikasi_pengadaan_secara_elektronik_lpse"


@pytest.fixture(scope="module")
def running_app(new_database: NewDatabase) -> Iterator[RunningApp]:
    """Give the program with people who use long words; the pages are the same on the other database."""
    with pytest.MonkeyPatch.context() as patch, new_database("sqlite") as url, open_app(url) as created:
        for values in factories._VALUES.values():
            for key, value in values.items():
                if type(value) is str and key != "version":
                    patch.setitem(values, key, f"{value} {LONG}")
        yield created


@pytest.fixture(scope="module")
def walk(running_app: RunningApp, furnished: None) -> Crawler:
    """Give the way through every address."""
    return Crawler(running_app)


@pytest.fixture(scope="module")
def documents(walk: Crawler) -> list[Document]:
    """Give every document in the first language."""
    return list(walk.all_documents("id"))


@pytest.fixture(scope="module")
def chosen(walk: Crawler, documents: list[Document]) -> list[Document]:
    """Give one of each way in which a document is built, in both languages."""
    first = distinct(documents)
    second = []
    for who in dict.fromkeys(document.who for document in first):
        walk.set_language(who, "en")
        second += [walk.in_language(document, "en") for document in first if document.who == who]
    return [*first, *filter(None, second)]


def distinct(documents: list[Document]) -> list[Document]:
    """Return those of which a part is built like that of none before."""
    left = [(document.part_hashes, document) for document in documents]
    results = []
    while left:
        # The one that shows the most of what was not seen yet: so the fewest have to be looked at.
        seen, document = max(left, key=lambda one: len(one[0]))
        results.append(document)
        left = [(rest, other) for parts, other in left if (rest := parts - seen)]
    return results


def test_every_address_that_is_looked_at_has_a_page_in_the_walk(
    running_app: RunningApp, walk: Crawler, documents: list[Document]
) -> None:
    looked_at = {
        rule.endpoint
        for rule, method, _path in rules(running_app)
        if method == "GET" and classified(rule.endpoint) is not NOBODY and not rule.endpoint.endswith(".export")
    }
    assert looked_at - walk.opened_endpoints == NO_PAGE
    assert {document.status for document in documents} >= {200, 400, 401, 403, 404, 405, 409, 422, 500, 503}


def test_nothing_is_found_by_axe_nothing_goes_over_the_edge_and_nothing_is_refused_by_the_policy(
    browser: Browser, running_app: RunningApp, walk: Crawler, chosen: list[Document]
) -> None:
    replay = ReplayMiddleware(running_app.app)
    result: dict[str, list[str]] = {}
    with serve_app(replay) as address, browser.new_context(locale="id-ID", timezone_id="Asia/Jakarta") as context:
        eye = PageChecker(context, address, replay)
        for document in chosen:
            for fault in eye.check(document, walk.session_cookie(document.who)):
                result.setdefault(fault, []).append(str(document))
    messages = [f"{fault}\n    {len(where)} times: {', '.join(where[:3])}" for fault, where in result.items()]
    assert not result, "\n".join([f"{len(chosen)} documents", *messages])


def test_the_menu_under_the_bell_is_as_sound_as_the_page_that_it_opens_on(
    browser: Browser, running_app: RunningApp, walk: Crawler, documents: list[Document]
) -> None:
    homes = [document for document in documents if document.endpoint == "home.index" and document.who == "pengelola"]
    replay = ReplayMiddleware(running_app.app)
    with serve_app(replay) as address, browser.new_context(locale="id-ID", timezone_id="Asia/Jakarta") as context:
        eye = PageChecker(context, address, replay)
        menu = (".bell", ".bell-panel")
        assert list(eye.check(homes[0], walk.session_cookie("pengelola"), menu=menu)) == []
        assert eye.page.locator(".bell-panel a.is-unread").count() >= 1
        # Loaded again: Escape closes other menus too, and all of them were opened.
        eye.page.reload()
        eye.page.click(menu[0])
        eye.page.locator(".bell-panel a:focus").wait_for()
        eye.page.keyboard.press("Escape")
        assert eye.page.locator(".bell-panel").count() == 0
        assert eye.page.evaluate("document.activeElement.className") == "bell"


def test_every_answer_has_a_policy_without_unsafe(documents: list[Document]) -> None:
    for document in documents:
        policy = dict(document.headers)["Content-Security-Policy"]
        assert "unsafe" not in policy, str(document)
        assert "default-src 'self'" in policy, str(document)


def test_the_nu_checker_finds_nothing(tmp_path: Path, documents: list[Document], chosen: list[Document]) -> None:
    files: dict[str, tuple[Path, Document]] = {}
    for document in [*documents, *chosen]:
        files.setdefault(document.text, (tmp_path / f"{len(files)}.html", document))
    for text, (path, _document) in files.items():
        path.write_text(text, encoding="utf-8")
    named = {path.name: document for path, document in files.values()}
    faults: dict[str, list[str]] = {}
    for fault in nu.html_errors(path for path, _document in files.values()):
        name, _colon, said = fault.partition(": ")
        sentence, _bar, location = said.partition(" | ")
        faults.setdefault(sentence, []).append(f"{named[name]} {location}")
    messages = [f"{fault}\n    {len(where)} times: {', '.join(where[:3])}" for fault, where in faults.items()]
    assert not faults, "\n".join([f"{len(files)} documents", *messages])
