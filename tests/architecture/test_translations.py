"""Indonesian first: no text without its translation, and no word on any screen that is not in the catalogue."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import flask_admin
import pytest
import wtforms
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from jinja2 import Environment
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import Role
from lpse_admin.sop import bundled_sops
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, national_holidays
from models.accounts.user import User
from models.administration.operations import reset_account
from models.changes.comment import Comment, add_comment
from models.changes.moves.assignment import take_up
from models.changes.steps.activity import Activity
from models.listing.saved_view import save_view
from models.papers.trusted_certificate import TrustedCertificate
from models.releases.freeze_permit import grant_permit
from models.sops.sop import load_revision
from tests.support.cast import (  # fmt: skip
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    TANA_TIDUNG,
    absence,
    asset,
    delegation,
    deviation,
    freeze,
    move_through,
    new_change,
    set_test_audit_context,
    settings,
    user,
)
from tests.support.pages.records import (
    add_appointments,
    add_asset_records,
    add_edited_sop,
    add_finding,
    add_paper_settings,
    add_retention_records,
    code_in,
    print_paper,
    run_checks,
)
from tests.support.pages.wording import NAMES, has_unmarked_words, mark_sop, mark_text, marking, unmarked_texts  # noqa: F401 - the fixture
from tests.support.present import present
from tests.support.program import Visitor
from tests.support.running_app import open_app, upload_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from babel.messages.catalog import Message
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase
    from tests.support.running_app import RunningApp

ROOT = Path(__file__).parents[2]
CATALOGUES = ROOT / "views" / "translations" / "id" / "LC_MESSAGES"
PLACE = re.compile(r"%\(\w+\)[a-z]|%[a-z]")


def catalogue(name: str = "messages") -> Catalog:
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        return read_po(file)


def collected() -> Catalog:
    """Return every text for people in the sources, as `make translations` collects them."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    result = Catalog()
    keywords = {**DEFAULT_KEYWORDS, "lazy_gettext": None}
    for name, line, text, _comments, context in extract_from_dir(ROOT, methods, options, keywords):
        result.add(text, locations=[(name, line)], context=context)
    return result


def forms_of(text: Sequence[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def entries(found: Catalog) -> list[Message]:
    return [entry for entry in found if entry.id]


# -- the catalogue -------------------------------------------------------------------------------------------------


def test_every_text_of_the_program_is_translated() -> None:
    known, sources = catalogue(), collected()
    assert len(sources) > 500
    lacking = [entry.id for entry in entries(sources) if known.get(entry.id) is None]
    assert not lacking, "run `make translations`, and translate what is new in messages.po"
    assert not [entry.id for entry in entries(known) if not all(forms_of(present(entry.string)))]


def test_the_catalogue_holds_nothing_that_is_guessed_or_out_of_use() -> None:
    known, sources = catalogue(), collected()
    assert not [entry.id for entry in entries(known) if entry.fuzzy]
    assert not [entry.id for entry in entries(known) if sources.get(entry.id) is None], "run `make translations`"
    assert not known.obsolete


@pytest.mark.parametrize("name", ["messages", "admin"])
def test_a_translation_has_the_places_of_its_text(name: str) -> None:
    for entry in entries(catalogue(name)):
        # An English singular may leave the number out, which Indonesian has no singular to do in.
        asked = sorted(PLACE.findall(forms_of(entry.id)[-1]))
        for translation in forms_of(present(entry.string)):
            assert (entry.id, sorted(PLACE.findall(translation))) == (entry.id, asked)


@pytest.mark.parametrize("name", ["messages", "admin"])
def test_the_compiled_catalogue_is_the_written_one(name: str) -> None:
    written = catalogue(name)
    with (CATALOGUES / f"{name}.mo").open("rb") as file:
        compiled = read_mo(file)

    def translations(found: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
        return {forms_of(entry.id): forms_of(present(entry.string)) for entry in entries(found)}

    assert translations(compiled) == translations(written), "run `make translations`"
    assert (written.num_plurals, written.plural_expr) == (1, "0")


def test_a_translation_begins_and_ends_as_its_text_does() -> None:
    """A sentence keeps its full stop, and a part of a sentence its small letter."""
    wrong = []
    for entry in entries(catalogue()):
        text, translation = forms_of(entry.id)[0], forms_of(present(entry.string))[0]
        if text[-1] in ".:?" and text != "No." and translation[-1] != text[-1]:
            wrong.append(text)
    assert not wrong


def test_the_form_library_s_messages_are_in_the_catalogue() -> None:
    known = catalogue()
    with (Path(wtforms.__file__).parent / "locale" / "wtforms.pot").open("rb") as file:
        theirs = [text for entry in entries(read_po(file)) for text in forms_of(entry.id)]
    assert len(theirs) > 30
    assert not [text for text in theirs if known.get(text) is None]


def test_flask_admin_s_messages_are_in_a_catalogue_of_their_own() -> None:
    known = catalogue("admin")
    with (Path(flask_admin.__file__).parent / "translations" / "cs" / "LC_MESSAGES" / "admin.po").open("rb") as file:
        theirs = entries(read_po(file))
    assert len(theirs) > 100
    assert not [
        entry.id for entry in theirs if not (result := known.get(entry.id)) or not all(forms_of(present(result.string)))
    ]


# -- the templates, branch by branch -------------------------------------------------------------------------------


#: The block that holds names of the style sheet.
_CLASSES = re.compile(r"{% block body_class %}[a-z -]*{% endblock %}")
TEMPLATES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_holds_a_word_of_its_own(name: str) -> None:
    """Expressions are taken out, and what is left has no words in it."""
    left = []
    source = _CLASSES.sub("", (ROOT / name).read_text())
    for _line, kind, value in Environment().lex(source):  # noqa: S701 - nothing is rendered
        if kind == "data":
            left.append(value)
        elif kind in {"variable_begin", "block_begin"}:
            left.append("0")
    # A macro of attributes has no element around them.
    assert not unmarked_texts(re.sub(r' aria-(?:describedby|invalid)="[^"]*"', "", "".join(left)))


# -- the screens, as everybody sees them ---------------------------------------------------------------------------

READERS = ("pemohon", "pengelola", "kepala", "plh", "pemeriksa", "administrator", "admin", "pengelola.tt")
#: So many pages of one make are enough for each reader.
_ENOUGH, _ENOUGH_REQUESTS = 5, 20
#: Who answers for what the factories and the program itself write.
_ACTORS = ("tests", "test", "set up", "Sistem")
#: What the browser of the tests calls itself, in the list of sessions.
_DEVICE = "Werkzeug"
#: Routes that are not pages of words.
DRAFT = "lumajang-2019"
NO_PAGES = frozenset(
    {
        "static",
        "paper.draft",
        "paper.print_all",
        "paper.signed",
        "paper-setting.preview",
        "asset-period.card",
        "asset-period.half_year",
        "asset-period.room",
        "inspection.progress",
        "health.healthz",
        "health.show",
        "document.file",
        "document.preview",
        "delegation.decree",
        "integrity.anchor",
        "integrity.stamp",
        "sop.download",
        "sop.bpmn",
        "sop.trial_file",
        "edited-sop.download",
        "sop.template",
        "feed.show",
        "release.window",
        "notification.latest",  # a part of every page, read with the menu under the bell
    }
)
#: How far a server's clock went ahead for a while.
FUTURE = dt.timedelta(days=400)
#: Parts of an address that change which rows a list shows and in what order, and not what it says.
_ROWS = frozenset({"sort", "page", "size", "next", "lang"})


@dataclass
class Walk:
    """Every page that the readers came to, and every form that stood on one."""

    pages: dict[tuple[str, str], str] = field(default_factory=dict)
    endpoints: set[str] = field(default_factory=set)
    forms: dict[tuple[str, ...], tuple[str, str, dict[str, str]]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def walked(
    marking: None, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningApp, Walk]]:
    """Fill a register with requests at every step, and send everybody from link to link."""
    with new_database("sqlite") as url, open_app(url) as running_app:
        _fill(running_app, tmp_path_factory.mktemp("certificates"))
        walk_ = Walk()
        for reader in READERS:
            _follow(running_app, reader, walk_, _unlinked(running_app, reader))
        yield running_app, walk_


def _fill(running_app: RunningApp, folder: Path) -> None:
    """Put data of every kind into the register, each word of it marked as typed."""
    with running_app.session() as session:
        for person in session.scalars(select(User)):
            for name in ("full_name", "position", "institution"):
                if getattr(person, name):
                    setattr(person, name, mark_text(getattr(person, name)))
        session.commit()
    with running_app.session() as session:
        everybody = running_app.cast(session)
        for office in (everybody.lumajang, everybody.tana_tidung):
            asset(session, office, name=mark_text("Laptop"), brand=mark_text("Merk"))
            for route in OUTCOMES_TO.values():
                move_through(session, office, *route)
        office = everybody.lumajang
        decided = (*OUTCOMES_TO[Step.APPROVAL], Outcome.REFUSED)
        for ending in (
            decided,
            (*decided, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.APPROVED),
            (*OUTCOMES_TO[Step.EVALUATION], Outcome.REJECTED),
            (*OUTCOMES_TO[Step.RETURNED], Outcome.RESUBMITTED),
            (*OUTCOMES_TO[Step.RETURNED], Outcome.WITHDRAWN),
            (
                *OUTCOMES_TO[Step.ROLLBACK], Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED,
                Outcome.NO_RELEASE,
                Outcome.CHANGED, Outcome.UPDATED,
            ),
        ):  # fmt: skip
            move_through(session, office, *ending)
        new_change(session, office)
        delegation(session, office)
        for shared_with in (None, Role.HEAD):
            save_view(
                session, office.manager, Resource.CHANGE, name=mark_text(f"Tampilan {shared_with}"), query="state=open",
                shared_with=shared_with, replaces=False, now=NOW,
            )  # fmt: skip
        deviation(session, office, mark_text("Antrean panjang"))
        absence(session, office, days=3, reason=mark_text("Dinas luar"))
        absence(session, everybody.tana_tidung, reason=mark_text("Sakit"))
        settings(session, office, mark_text("Libur daerah"))
        freeze(
            session, office, name=mark_text("Beku"), reason=mark_text("Tender")
        )  # nothing is allowed in it: to be corrected
        frozen = freeze(session, office, first=2, last=3, name=mark_text("Beku"), reason=mark_text("Tender"))
        allowed = move_through(session, office, *OUTCOMES_TO[Step.EVALUATION])
        set_test_audit_context(session)
        grant_permit(session, frozen, allowed, by=office.head, now=NOW, reason=mark_text("Mendesak"))
        add_comment(allowed, by=office.manager, now=NOW, text=mark_text("Mohon dilengkapi"))
        add_asset_records(session, office, mark_text)
        add_paper_settings(session, office, folder, mark_text)
        print_paper(session, office, allowed, mark_text)
        add_retention_records(session, office, allowed, mark_text)
        text = dict(bundled_sops())[LUMAJANG]
        load_revision(session, mark_sop(text.replace("427.53/7.01/2018", "427.53/7.02/2018")), DRAFT, now=NOW)
        add_edited_sop(session, office, mark_sop(text), mark_text)
        add_appointments(session, office, mark_text)
        add_finding(session, office, mark_text)
        run_checks(session, office)
        set_test_audit_context(session)
        newcomer = user(session, office.agency, "administrator2", Role.ADMINISTRATOR)
        newcomer.full_name = mark_text("Administrator 2")
        reset_account(newcomer, office.administrator, now=NOW, secret_key=None)  # waits for a second person
        ahead = move_through(session, office, *OUTCOMES_TO[Step.EVALUATION])
        set_test_audit_context(session, now=NOW + FUTURE)
        take_up(ahead, office.manager, now=NOW + FUTURE)
        session.commit()


def _unlinked(running_app: RunningApp, reader: str) -> list[str]:
    """Return the addresses that no link leads to: the search, step records, a request with times of the future."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        comments = session.scalars(select(Comment.id).where(Comment.agency_id == office.agency.id)).all()
        return [
            "/search",
            "/search?q=0",
            *[
                f"/admin/change/details/?id={change_id}"
                for change_id in session.scalars(select(Activity.change_id).where(Activity.taken_up_at > NOW))
                if reader == office.administrator.username
            ],
            *[f"/admin/comment/details/?id={id_}" for id_ in comments if reader == office.head.username],
            *[
                f"/admin/{activity.step.value}/edit/?id={activity.id}"
                for activity in session.scalars(select(Activity).where(Activity.finished_at.is_(None)))
                if activity.agency_id == office.agency.id
                and activity.step not in {Step.REQUEST, Step.RETURNED}
                and office.actor(activity.step).username == reader
            ],
            *[
                f"/admin/{activity.step.value}/details/?id={activity.id}"
                for activity in session.scalars(select(Activity).where(Activity.finished_at.is_not(None)))
                if activity.agency_id == office.agency.id
                and activity.step is not Step.REQUEST
                and reader == office.head.username
            ],
        ]


def _follow(running_app: RunningApp, reader: str, walk_: Walk, starts: list[str]) -> None:
    """Read every page that ``reader`` finds a link to, from home on."""
    visitor = running_app.visitor(reader)
    ahead, seen = deque(["/", *starts]), {"/", *starts}
    created: Counter[str] = Counter()
    while ahead:
        address = ahead.popleft()
        endpoint = _endpoint(running_app, address)
        created[endpoint] += 1
        most = _ENOUGH_REQUESTS if endpoint == "change.details_view" else _ENOUGH
        if created[endpoint] > most or (created[endpoint] > 1 and endpoint in NO_PAGES):
            continue
        answer = visitor.get(address)
        if answer.status_code in {302, 303, 308}:
            links = [answer.location]
        else:
            assert (reader, address, answer.status_code) == (reader, address, 200)
            if endpoint in NO_PAGES or endpoint.endswith(".export"):
                answer.close()  # an export that nobody reads on still holds its rows
                continue
            walk_.endpoints.add(endpoint)
            walk_.pages[reader, address] = answer.text
            links = _note(running_app, reader, address, answer.text, walk_)
        for link in links:
            target = _plain(urljoin(address, link))
            if target and target not in seen:
                seen.add(target)
                ahead.append(target)


def _endpoint(running_app: RunningApp, address: str, method: str = "GET") -> str:
    matched: str = running_app.app.url_map.bind("localhost").match(urlsplit(address).path, method)[0]
    return matched


def _plain(address: str) -> str | None:
    """Return an address without what only orders its rows; None for one that leads elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path.startswith("/static/"):
        return None
    query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] not in _ROWS])
    return f"{parts.path}?{query}" if query else parts.path


class _Page(HTMLParser):
    """The links and the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, list[dict[str, str]], dict[str, str]]] = []
        #: The forms by their ids, and buttons that stand elsewhere and name theirs.
        self._named: dict[str, list[dict[str, str]]] = {}
        self._elsewhere: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "a" and given.get("href", "").startswith(("/", "?")):
            self.links.append(given["href"])
        elif tag == "form" and given.get("method", "get") == "post":
            self.forms.append((given.get("action", ""), [], {}))
            self._named[given.get("id", "")] = self.forms[-1][1]
        elif tag == "button" and "form" in given:
            self._elsewhere.append((given["form"], given))
        elif tag == "button" and self.forms:
            self.forms[-1][1].append(given)
        elif tag == "input" and self.forms and given.get("type") == "hidden":
            self.forms[-1][2][given["name"]] = given.get("value", "")

    def close(self) -> None:
        """Give each button to the form that it names."""
        super().close()
        for name, button in self._elsewhere:
            self._named[name].append(button)


def _note(running_app: RunningApp, reader: str, address: str, text: str, walk_: Walk) -> list[str]:
    """Keep the forms of a page, one of each make, and return its links."""
    page = _Page()
    page.feed(text)
    page.close()
    for action, buttons, hidden in page.forms:
        for button in buttons:
            target = button.get("formaction") or action or address
            pressed = {button["name"]: button.get("value", "")} if "name" in button else {}
            make = (_endpoint(running_app, target, "POST"), *pressed.values())
            walk_.forms.setdefault(make, (reader, target, hidden | pressed))
    return page.links


def _names(running_app: RunningApp) -> frozenset[str]:
    """Return the names that the register itself holds: accounts, devices, certificates and the keys of papers."""
    with running_app.session() as session:
        accounts = set(session.scalars(select(User.username)))
        accounts |= set(session.scalars(select(TrustedCertificate.subject)))
    # The national list names its days in Indonesian, whoever reads.
    holidays = {day.name for year in range(FIRST_YEAR, LAST_YEAR + 1) for day in national_holidays(year).values()}
    return NAMES | accounts | holidays | {LUMAJANG, TANA_TIDUNG, DRAFT, _DEVICE, *_ACTORS}


def _check(found: dict[Any, list[str]]) -> None:
    messages = {location: texts for location, texts in found.items() if texts}
    distinct = sorted({text for texts in messages.values() for text in texts})
    assert not distinct, f"words outside the catalogue, first on {next(iter(messages))}: {distinct}"


@pytest.mark.parametrize(
    "page",
    [
        "<p>Selamat datang</p>",
        '<p title="Tutup">⟦Close⟧</p>',
        '<input placeholder="Cari">',
        '<button aria-label="Menu"></button>',
        "<option value=x>emergency</option>",
        "<p>⟦Now: ⟦Evaluation⟧⟧ oleh ‹Pengelola 1›</p>",
    ],
)
def test_a_word_that_is_neither_translated_nor_typed_is_found(page: str) -> None:
    assert unmarked_texts(page)


def test_what_is_translated_typed_or_a_figure_is_no_stray() -> None:
    page = "<p>⟦Row 1: ⟦“‹Merk›” is required here.⟧⟧ 31 Maret 2018, 14.30 WIB · RFC/2026/0001 · 1,5 MB · ‹Panjang…</p>"
    assert not unmarked_texts(page)


def test_every_page_was_read_by_somebody(walked: tuple[RunningApp, Walk]) -> None:
    running_app, walk_ = walked
    pages = {
        rule.endpoint
        for rule in running_app.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGES
    }
    # Leads home; are read by strangers, below.
    neighbour = {"admin.index", "access.login", "password_reset.ask", "password_reset.show", "access.first_password"}
    neighbour |= {"paper_check.show", "access.enter_second_step"}
    # The first leads to the form of a new request; the other has the form of a release's other corrections.
    neighbour |= {"change.copy", "release.correct_actual"}
    # No SOP here has steps of its own; tests/changes/own_steps reads these.
    neighbour |= {"own-step.index_view", "own-step.details_view", "own-step.edit_view"}
    closed = {
        page for page in pages if page in neighbour or page.rpartition(".")[2] in {"export", "ajax_lookup", "static"}
    }
    offered = {rule for rule in pages - closed if _is_offered(running_app, rule)}
    assert offered - walk_.endpoints == set()


def _is_offered(running_app: RunningApp, endpoint: str) -> bool:
    """Whether a screen has this page at all: Flask-Admin routes more than most screens offer."""
    view = getattr(running_app.app.view_functions[endpoint], "__self__", None)
    switch = {"create_view": "can_create", "edit_view": "can_edit"}.get(endpoint.rpartition(".")[2])
    return view is None or switch is None or bool(getattr(view, switch))


def test_no_page_shows_a_word_from_outside_the_catalogue(walked: tuple[RunningApp, Walk]) -> None:
    running_app, walk_ = walked
    names = _names(running_app)
    assert len(walk_.pages) > 150
    _check({location: unmarked_texts(text, names=names) for location, text in walk_.pages.items()})


def test_every_page_says_which_language_it_is_in(walked: tuple[RunningApp, Walk]) -> None:
    _house, walk_ = walked
    assert all('<html lang="id">' in text for text in walk_.pages.values())


def test_a_stranger_s_pages_show_no_word_from_outside_the_catalogue(walked: tuple[RunningApp, Walk]) -> None:
    running_app, _walk = walked
    stranger = Visitor(running_app.app)
    answers = [
        stranger.get("/login"),
        stranger.post("/login", username="", password=""),
        stranger.post("/login", username="x" * 100, password="x"),
        stranger.post("/login", username="pemohon", password="wrong"),
        stranger.client.post("/login"),
        stranger.get("/forgot-password"),
        stranger.post("/forgot-password", name=""),
        stranger.get("/reset-password/none"),
        stranger.get("/nowhere"),
        stranger.get("/logout"),
        *_first_password_pages(running_app),
        stranger.get(_code_of_a_paper(running_app)),
    ]
    names = _names(running_app)  # the user name of whoever has to change the first password
    _check({answer.request.path + str(answer.status): unmarked_texts(answer.text, names=names) for answer in answers})


def _code_of_a_paper(running_app: RunningApp) -> str:
    """Print a change form, and return the address that its code leads to."""
    change_id, reader = running_app.change_at_step(TANA_TIDUNG, Step.URGENCY), running_app.visitor("pengelola.tt")
    answer = reader.post(f"/admin/paper/of/{change_id}/print", kind="change-form", subject=str(change_id))
    return code_in(reader.get(answer.location).data)


def _first_password_pages(running_app: RunningApp) -> list[TestResponse]:
    with running_app.session() as session:
        user = session.scalars(select(User).where(User.username == "pemohon2")).one()
        user.is_password_initial, user_id = True, user.id
        session.commit()
    newcomer = Visitor(running_app.app, "pemohon2")
    pages = [newcomer.get("/first-password"), newcomer.post("/first-password", new="", again="")]
    with running_app.session() as session:
        session.get_one(User, user_id).is_password_initial = False
        session.commit()
    return [*pages, newcomer.get("/profile")]


def test_headings_of_exports_are_in_the_catalogue(walked: tuple[RunningApp, Walk]) -> None:
    running_app, _walk = walked
    names = _names(running_app)
    results = {}
    for rule in running_app.app.url_map.iter_rules():
        # A dossier is an archive: its files are the exports of the lists (tests/inspection/test_dossier.py).
        if rule.endpoint.endswith(".export") and rule.endpoint != "inspection.export":
            answer = running_app.visitor("admin" if rule.endpoint == "user.export" else "pemeriksa").get(
                str(rule).replace("<export_type>", "csv")
            )
            assert (rule.endpoint, answer.status_code) == (rule.endpoint, 200)
            rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=_delimiter(answer.text))
            results[rule.endpoint] = [heading for heading in next(rows) if has_unmarked_words(heading, names)]
    assert len(results) > 10
    _check(results)


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return ";" if head.count(";") > head.count(",") else ","


def test_refusals_and_answers_show_no_word_from_outside_the_catalogue(walked: tuple[RunningApp, Walk]) -> None:
    """Every form that anybody was shown is sent: empty, with nonsense in it, and as a script would send it."""
    running_app, walk_ = walked
    names = _names(running_app)
    result: dict[Any, list[str]] = {}
    last = {"access.logout"}
    for make, (reader, target, hidden) in sorted(walk_.forms.items(), key=lambda form: form[0][0] in last):
        if make[0] == "language.choose":
            continue
        visitor = running_app.visitor(reader)
        for typed_in in ({}, _nonsense(walk_, target)):
            fields: dict[str, Any] = {name.replace("-", "__"): value for name, value in (hidden | typed_in).items()}
            fields.pop("csrf_token", None)
            told = visitor.post(target, json=True, **fields)
            if told.is_json:
                faults = told.get_json()
                sentences = [faults["error"], *faults["fields"].values()]
                result[make, "json", told.status_code] = [text for text in sentences if has_unmarked_words(text, names)]
            answer = _answer(visitor, visitor.post(target, **fields))
            if answer.mimetype == "application/pdf":
                continue  # a paper
            result[make, answer.status_code] = unmarked_texts(answer.text, names=names)
    assert len(result) > 40
    _check(result)


def _nonsense(walk_: Walk, target: str) -> dict[str, str]:
    """Return something for each field that a page of ``target`` has, which fits none of them."""
    path = urlsplit(target).path
    pages = [text for (_reader, address), text in walk_.pages.items() if urlsplit(address).path == path]
    names = {name for text in pages for name in re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', text)}
    return {name: "‹?›" for name in names if name not in {"csrf_token", "next", "lang", "version"}}


def _answer(visitor: Visitor, answer: TestResponse) -> TestResponse:
    """Return the page that an answer leads to."""
    return visitor.get(answer.location) if answer.status_code in {302, 303} else answer


def test_a_file_that_is_not_taken_is_refused_in_words_of_the_catalogue(walked: tuple[RunningApp, Walk]) -> None:
    running_app, _walk = walked
    change_id = running_app.change_at_step(TANA_TIDUNG, Step.EVALUATION)
    answer = running_app.make_move(change_id, Outcome.ACCEPTED, document=upload_file("x.pdf", b"MZ"), json=True)
    assert answer.status_code >= 400
    sentences = [answer.get_json()["error"], *answer.get_json()["fields"].values()]
    assert not [text for text in sentences if has_unmarked_words(text)]
