"""Garbage sent to every address that writes: it is refused with a sentence, and nothing is written past the trail.

A body that is no form is refused before any database is asked, and so it is sent on SQLite alone; what a form's fields
and an address hold may come as far as a statement, and is sent on both.
"""

from __future__ import annotations

import io
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from lpse_admin.sop.steps import KNOWN_STEPS, Step
from models.audit.trail import AuditEntry
from models.audit.verification import chain_anchors, verify_chains
from models.base import Base
from models.changes.change import ChangeRequest
from tests.support.cast import LUMAJANG, asset, delegation
from tests.support.present import present
from tests.support.program import Visitor
from tests.support.running_app import move_form, running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

PEOPLE = ("pemohon", "pengelola", "kepala", "pemeriksa", "administrator", "admin")
#: Sent as they are by nobody's browser, and by every scanner.
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\n",
    "\u202e",
    "\ud7ff",
    "\ufeff",
    "0",
    "-1",
    "1" * 30,
    "1e999",
    "NaN",
    "true",
    "null",
    "[]",
    "{}",
    "2026-02-30",
    "9999-12-31T23:59",
    "0000-00-00",
    "2026-03-02T09:00+25:00",
    "'",
    '"',
    "\\",
    "%",
    "<script>",
    "=1+1",
    "../../etc/passwd",
    "x" * 70_000,
    "\U0001f680" * 500,
    "١٢٣",
    "accepted",
    "emergency",
    "production",
    "added",
    "B",
    "y",
    "1,2",
    "6c6f6c",
    "𝟙",
    "１",
    "${7*7}",
    "{{7*7}}",
    "__proto__",
)
ROUNDS = int(os.environ.get("LPSE_FUZZ_ROUNDS", "120"))


def writing(running_app: RunningApp, ids: dict[str, int]) -> list[str]:
    """Return an address for each route that takes a POST, aimed at records that are there."""
    results = []
    for rule in running_app.app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint == "access.logout":
            continue
        screen = rule.endpoint.partition(".")[0]
        with running_app.app.test_request_context():
            _domain, path = present(rule.build(dict.fromkeys(rule.arguments, str(ids.get(screen, 1)))))
        results.append(
            path
            + (
                f"?id={ids.get(screen, 1)}"
                if path.endswith("/edit/")
                else "?card=B"
                if path.endswith("asset/new/")
                else ""
            )
        )
    return sorted(results)


@pytest.fixture(scope="module")
def targets(running_app: RunningApp) -> dict[str, Any]:
    """Put something behind each address, and find the names that its forms have."""
    steps = {step: running_app.change_at_step(LUMAJANG, step) for step in (*KNOWN_STEPS, Step.CLOSED)}
    names: set[str] = {
        "outcome",
        "version",
        "confirm",
        "id",
        "lang",
        "next",
        "username",
        "password",
        "code",
        "csrf_token",
        "text",
        "key",
        "do",
        "roles",
        "reason",
        "head_id",
        "delegate_id",
        "kind",
        "decree",
        "from_date",
        "until_date",
    }
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        ids = {"asset": asset(session, office).id, "delegation": delegation(session, office, office.manager2).id}
        for step, change_id in steps.items():
            change = session.get_one(ChangeRequest, change_id)
            for move in change.sop.moves:
                if move.origin is step:
                    names |= set(move_form(change, move.outcome))
            if change.current_activity is not None:
                ids[step.value] = change.current_activity.id
            if change.documents:
                ids["document"] = change.documents[-1].id
    return {"steps": steps, "ids": ids, "names": sorted(names)}


#: Every table but the trail's own and what is derived, to be counted in one statement.
TABLES = [table for table in Base.metadata.sorted_tables if not table.name.startswith(("audit_", "search_"))]
COUNTED = select(*(select(func.count()).select_from(table).scalar_subquery() for table in TABLES))


def _counts(running_app: RunningApp) -> tuple[dict[str, int], int]:
    """Return how many rows every table has, and how many entries the trail."""
    with running_app.session() as session:
        row = session.execute(COUNTED).one()
        counts = {table.name: number for table, number in zip(TABLES, row, strict=True)}
        return counts, session.scalar(select(func.count(AuditEntry.id))) or 0


def _body(random_: random.Random, names: list[str], token: str) -> dict[str, Any]:
    """Return one form full of garbage, the token with it."""
    fields: dict[str, Any] = {}
    for name in random_.sample(names, random_.randrange(len(names))):
        match random_.randrange(8):
            case 0:
                fields[name] = [random_.choice(TEXTS) for _time in range(3)]
            case 1:
                fields[name] = (io.BytesIO(random_.randbytes(200)), random_.choice(TEXTS[:20]) or "x")
            case 2:
                fields[f"{name}-{random_.choice(['0', '999', '-1', 'x', ''])}-name"] = random_.choice(TEXTS)
            case _:
                fields[name] = random_.choice(TEXTS)
    return fields | {"csrf_token": token}


def _refused_or_done(answer: TestResponse, what: object) -> None:
    said = answer.get_data().decode(errors="replace")  # a file may be the answer
    answer.request.environ["wsgi.input"].close()  # the client leaves the temporary file of a long form open
    assert answer.status_code < 500, what
    assert answer.status_code != 200 or answer.mimetype != "text/html" or "refusal" not in said, what
    assert "Traceback" not in said, what
    assert "sqlalchemy" not in said.lower(), what


def test_garbage_in_the_fields_of_every_form_is_refused_and_what_is_written_is_told(
    running_app: RunningApp, targets: dict[str, Any]
) -> None:
    random_ = random.Random(20260302)  # noqa: S311 - the same garbage each time
    paths = writing(running_app, targets["ids"])
    visitors = {name: running_app.visitor(name) for name in PEOPLE}
    for visitor in visitors.values():
        visitor.post("/language", lang="id")  # has its token now
    changes = list(targets["steps"].values())
    before, entries = _counts(running_app)
    for round_ in range(ROUNDS):
        path = paths[round_ % len(paths)]
        if path.startswith("/admin/change/") and random_.random() < 0.8:
            path = f"/admin/change/{random_.choice(changes)}/{random_.choice(['move', 'save'])}"
        visitor = visitors[random_.choice(PEOPLE)]
        if path.startswith(("/profile", "/login")):
            visitor = visitors["pemeriksa"]
        fields = _body(random_, targets["names"], visitor.token)
        headers = {"Accept": "application/json"} if round_ % 2 else {}
        answer = visitor.client.post(path, data=fields, headers=headers)
        _refused_or_done(answer, (round_, path, fields))
        after, told = _counts(running_app)
        if after != before:
            assert told > entries, (round_, path)
        before, entries = after, told
    with running_app.session() as session:
        assert verify_chains(session) is None


def _bodies(token: str) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield bodies that are no form, or hardly one, by what is wrong with them."""
    boundary = "multipart/form-data; boundary=x"
    urlencoded = "application/x-www-form-urlencoded"
    parts = (
        "".join(f'--x\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\nv\r\n' for n in range(1200)) + "--x--\r\n"
    )
    yield "nothing", lambda: {"data": b""}
    yield "json", lambda: {"json": {"outcome": "accepted", "csrf_token": token}}
    yield "json that is none", lambda: {"data": b"{", "content_type": "application/json"}
    yield "text", lambda: {"data": b"outcome=accepted", "content_type": "text/plain"}
    yield (
        "xml",
        lambda: {
            "data": b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
            "content_type": "text/xml",
        },
    )
    yield "no utf-8", lambda: {"data": b"csrf_token=\xff\xfe&outcome=\xc3\x28", "content_type": urlencoded}
    yield (
        "no utf-8 behind a token",
        lambda: {
            "data": b"csrf_token=" + token.encode() + b"&outcome=accepted&findings=\xff\xfe\xc3\x28&reason=%ff%c0%80",
            "content_type": urlencoded,
        },
    )
    yield "half a percent sign", lambda: {"data": b"outcome=%&version=%zz&%=%", "content_type": urlencoded}
    yield "many fields", lambda: {"data": "&".join(f"a{n}=1" for n in range(5000)).encode(), "content_type": urlencoded}
    yield "1200 parts", lambda: {"data": parts.encode(), "content_type": boundary}
    yield (
        "a part cut off",
        lambda: {"data": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv', "content_type": boundary},
    )
    yield "no boundary", lambda: {"data": b"--x\r\n", "content_type": "multipart/form-data"}
    yield "a long boundary", lambda: {"data": b"--x\r\n", "content_type": "multipart/form-data; boundary=" + "x" * 3000}
    yield "a header of nonsense", lambda: {"data": b"--x\r\n\xff\xff: \x00\r\n\r\n\r\n--x--", "content_type": boundary}
    yield "a long name", lambda: {"data": b"a" * 100_000 + b"=1", "content_type": urlencoded}
    yield "3 MB of text", lambda: {"data": b"findings=" + b"x" * 3_000_000, "content_type": urlencoded}


@pytest.mark.sqlite_alone
def test_a_body_that_is_no_form_is_refused_at_every_address(running_app: RunningApp, targets: dict[str, Any]) -> None:
    visitor = running_app.visitor("pengelola")
    visitor.post("/language", lang="id")
    before = _counts(running_app)
    bodies = list(_bodies(visitor.token))
    for index, path in enumerate(writing(running_app, targets["ids"])):
        # Every address gets some of the bodies, and the one door all of them.
        for what, body in bodies if path.endswith("/move") else bodies[index % 4 : -1 : 4]:
            answer = visitor.client.post(
                path, headers={"X-CSRFToken": visitor.token} if "json" in what else {}, **body()
            )
            allowed = {400, 403, 404, 409, 413, 415, 422} | ({303} if path == "/language" else set())
            if what in {"json", "json that is none"}:
                allowed |= {200, 303}  # the token came in the header: an empty form is kept, or shown
            assert answer.status_code in allowed, (path, what, answer.status_code)
            assert "Traceback" not in answer.text
    after = _counts(running_app)
    changed = {name for name in before[0] if after[0][name] != before[0][name]}
    # The forms for a calendar's address and for printing have no field: with the token in the header an empty one is a
    # whole one.
    assert changed <= {"calendar_feed", "paper_print", "file_content"}


@pytest.mark.parametrize(
    "name", ["pengelola", *(pytest.param(one, marks=pytest.mark.sqlite_alone) for one in ("pemohon", None))]
)
def test_odd_headers_and_addresses_break_nothing(name: str | None, running_app: RunningApp) -> None:
    visitor = running_app.visitor(name) if name else Visitor(running_app.app)
    for headers in (
        {"Accept": "*/*;q=x, application/json;q=9"},
        {"Accept": "\xff"},
        {"Accept": "a" * 9000},
        {"Accept-Language": "xx;q=abc"},
        {"Range": "bytes=0-0,9-"},
        {"If-None-Match": '"' + "x" * 5000},
        {"If-Modified-Since": "yesterday"},
        {"Cookie": "lpse=\xff; lang=zz"},
        {"X-Forwarded-For": "1.2.3.4, \xff"},
        {"User-Agent": "x" * 9000},
        {"Referer": "javascript:alert(1)"},
        {"Content-Length": "0"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Authorization": "Basic !!!"},
    ):
        for path in ("/", "/login", "/admin/change/", "/healthz", "/static/app.css"):
            answer = visitor.client.get(path, headers=headers)
            answer.close()
            assert answer.status_code < 500, headers
    for query in (
        "lang=zz",
        "lang=",
        "next=" + "x" * 9000,
        "id=1&id=2",
        "%ff=%ff",
        "=",
        "&&&",
        "a" * 9000,
        "search=%F0%28%8C%28",
    ):
        for path in ("/", "/login", "/admin/change/", "/admin/change/details/", "/admin/change/export/csv/"):
            assert visitor.client.get(path, query_string=query).status_code < 500, (path, query)


def test_the_trail_holds_after_all_that(running_app: RunningApp) -> None:
    with running_app.session() as session:
        assert verify_chains(session) is None
        assert chain_anchors(session)
