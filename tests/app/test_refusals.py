"""Error responses: each is a page with advice or JSON, and never a traceback."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import abort, request
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lpse_admin.config import VERSION
from lpse_admin.errors import (
    FileTooLarge,
    Malformed,
    NoSuchMove,
    NotAllowed,
    NotFound,
    TooManyAttempts,
    UploadLimitReached,
    ValidationFailed,
)
from lpse_admin.i18n import _
from models.accounts.user import User
from models.database import db, takes_write_lock
from tests.support.program import Visitor, close_app, make_app
from views.app.access import public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase

SENTENCE = _("This is why: %(why)s.", why=_("because"))
REFUSALS = {
    "malformed": (400, Malformed(SENTENCE)),
    "not-allowed": (403, NotAllowed(SENTENCE)),
    "not-found": (404, NotFound(SENTENCE)),
    "no-such-move": (409, NoSuchMove(SENTENCE)),
    "too-large": (413, FileTooLarge(SENTENCE)),
    "too-much-today": (413, UploadLimitReached(SENTENCE, retry_after=60)),
    "incomplete": (422, ValidationFailed(SENTENCE, field_errors={"title": _("A title is needed.")})),
    "too-many": (429, TooManyAttempts(SENTENCE, retry_after=60)),
}
DATABASE = {
    "data": (500, DataError("SELECT secret", {}, Exception("driver"))),
    "locked": (503, OperationalError("SELECT secret", {}, Exception("database is locked"))),
    "pool": (503, PoolTimeout("no connection")),
}


def _raise(error: Exception) -> Any:
    raise error


def _abort(status: int) -> Any:
    abort(status)


@pytest.fixture(scope="module")
def program(new_database: NewDatabase) -> Iterator[Flask]:
    """Give the program with an address for each kind of refusal."""
    with new_database("sqlite") as url:
        app = make_app(url)
        app.logger.disabled = True
        for name, (_status, error) in {**REFUSALS, **DATABASE}.items():
            app.add_url_rule(f"/{name}", name, public(lambda error=error: _raise(error)), methods=["GET", "POST"])
        app.add_url_rule("/abort/<int:status>", "abort", public(_abort))
        app.add_url_rule("/fault", "fault", public(lambda: str(1 // 0)))
        app.add_url_rule("/closed", "closed", lambda: "in")
        app.add_url_rule("/writes", "writes", public(lambda: str(takes_write_lock.get())), methods=["GET", "POST"])
        app.add_url_rule("/upload", "upload", public(lambda: str(len(request.form))), methods=["POST"])
        app.add_url_rule("/twice", "twice", public(_same_user_twice), methods=["POST"])
        yield app
        close_app(app)


def _same_user_twice() -> str:
    user = User(username="pemohon", full_name="Another", password_hash="-", is_administrator=True)
    db.session.add(user)
    db.session.commit()
    return "never"


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_of_the_rules_is_shown_with_its_status_and_its_sentence(program: Flask, name: str) -> None:
    status = REFUSALS[name][0]
    page = Visitor(program).get(f"/{name}?lang=en")
    assert page.status_code == status
    assert "This is why: because." in page.text
    assert page.headers["X-Request-ID"] in page.text
    assert page.text.count("<h1>") == 1
    answer = Visitor(program).get(f"/{name}", json=True)
    assert answer.status_code == status
    assert _json(answer)["error"] == "This is why: because."
    assert _json(answer)["status"] == status


def test_what_is_wrong_with_single_fields_is_named(program: Flask) -> None:
    assert "A title is needed." in Visitor(program).get("/incomplete").text
    assert _json(Visitor(program).get("/incomplete", json=True))["fields"] == {"title": "A title is needed."}


def test_whoever_tried_too_often_is_told_when_to_come_back(program: Flask) -> None:
    for path in ("/too-many", "/too-much-today"):
        assert Visitor(program).get(path).headers["Retry-After"] == "60"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 415, 418, 422, 429, 500, 502, 503])
def test_every_status_has_a_page(program: Flask, status: int) -> None:
    page = Visitor(program).get(f"/abort/{status}")
    assert page.status_code == status
    assert "<h1>" in page.text
    assert _json(Visitor(program).get(f"/abort/{status}", json=True))["status"] == status


def test_an_address_that_is_not_there_is_refused_to_strangers_and_users_alike(program: Flask) -> None:
    assert Visitor(program).get("/nowhere").status_code == 404
    assert _json(Visitor(program, "pemohon").get("/nowhere", json=True))["status"] == 404


def test_an_address_that_nobody_has_opened_is_closed(program: Flask) -> None:
    assert Visitor(program).get("/closed").location == "/login?next=/closed"
    assert Visitor(program, "pemohon").get("/closed").text == "in"


def test_the_wrong_method_says_which_are_right(program: Flask) -> None:
    answer = Visitor(program).get("/logout")
    assert answer.status_code in {302, 405}
    answer = Visitor(program, "pemohon").get("/logout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_form_without_its_token_is_refused_and_the_page_says_that_nothing_was_saved(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    answer = visitor.client.post("/language?lang=en", data={"lang": "en"})
    assert answer.status_code == 400
    answer = visitor.client.post("/logout", headers={"Accept": "application/json"})
    assert _json(answer)["status"] == 400


def test_a_form_that_is_too_large_is_refused(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    large = "x" * (3 * 1024 * 1024)
    assert visitor.post("/upload", text=large).status_code == 413
    token = {"X-CSRFToken": _token(visitor.get("/profile").text)}
    kind = "multipart/form-data; boundary=x"
    part = b'--x\r\nContent-Disposition: form-data; name="old"\r\n\r\n%s\r\n'
    for body in (part % large.encode(), part % b"x" * 1500):
        sent = visitor.client.post("/profile/password", data=body + b"--x--\r\n", content_type=kind, headers=token)
        assert sent.status_code == 413


def test_a_stranger_cannot_send_large_files(program: Flask) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    body = head + b"x" * (3 * 1024 * 1024) + b"\r\n--x--\r\n"
    visitor = Visitor(program, "pemohon")
    token = {"X-CSRFToken": _token(visitor.get("/profile").text)}
    kind = "multipart/form-data; boundary=x"
    assert (
        visitor.client.post("/profile/sessions/end-others", data=body, content_type=kind, headers=token).status_code
        == 303
    )
    assert visitor.client.post("/login", data=body, content_type=kind, headers=token).status_code == 413


def _token(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_a_fault_of_the_program_shows_its_number_and_nothing_else(
    program: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(program.config, "PROPAGATE_EXCEPTIONS", False)  # noqa: FBT003 - as Flask has it
    page = Visitor(program).get("/fault")
    assert page.status_code == 500
    assert page.headers["X-Request-ID"] in page.text
    assert "ZeroDivision" not in page.text
    assert _json(Visitor(program).get("/fault", json=True))["status"] == 500


@pytest.mark.parametrize("name", DATABASE)
def test_what_the_database_cannot_do_is_told_without_its_words(program: Flask, name: str) -> None:
    page = Visitor(program, "pemohon").get(f"/{name}")
    assert page.status_code == DATABASE[name][0]
    assert "secret" not in page.text
    assert Visitor(program).get(f"/{name}", json=True).status_code == DATABASE[name][0]


def test_what_the_database_refuses_leaves_nothing_behind(program: Flask) -> None:
    visitor = Visitor(program, "pemohon")
    assert visitor.post("/twice").status_code == 409
    with program.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM user_account WHERE full_name = 'Another'")) == 0
        db.session.rollback()
    assert visitor.get("/profile").status_code == 200


def test_without_a_database_there_is_still_a_page_that_says_so(program: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor(program, "pemohon")

    def gone(*_arguments: object, **_options: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("sqlalchemy.engine.default.DefaultDialect.do_execute", gone)
    page = visitor.get("/profile")
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert "<h1>" in page.text
    assert _json(visitor.get("/profile", json=True))["status"] == 503
    assert visitor.get("/nowhere").status_code == 404
    health = visitor.get("/healthz")
    assert health.status_code == 503
    assert _json(health)["status"] == "unavailable"


def test_health_tells_versions_to_whoever_asks(program: Flask) -> None:
    answer = program.test_client().get("/healthz")
    assert answer.status_code == 200
    assert _json(answer)["program"] == VERSION
    assert _json(answer)["database"]["kind"] == "sqlite"
    assert set(_json(answer)["parts"]) == {"Flask", "Flask-Admin", "SQLAlchemy", "WTForms"}
    assert "Set-Cookie" not in answer.headers


def test_only_a_request_that_changes_something_takes_the_database_s_write_lock(program: Flask) -> None:
    visitor = Visitor(program)
    assert visitor.get("/writes").text == "False"
    assert visitor.post("/writes").text == "True"
    assert takes_write_lock.get() is True


def test_every_answer_forbids_scripts_frames_and_guesses(program: Flask) -> None:
    for path in ("/login", "/nowhere", "/static/app.css"):
        with Visitor(program).get(path) as answer:
            headers = answer.headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_not_kept_and_static_files_are(program: Flask) -> None:
    visitor = Visitor(program)
    page = visitor.get("/login")
    assert page.headers["Cache-Control"] == "no-store"
    style = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    with visitor.get(style) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_no_template_holds_a_script_a_style_or_a_handler_of_its_own(program: Flask) -> None:
    folder = Path(program.root_path) / "templates"
    # Those of the dossier are files that are opened from disk, each whole by itself; no browser gets them from here.
    templates = [
        path
        for path in folder.rglob("*.html")
        if path.name not in {"change.html", "index.html"} or path.parent.name != "inspection"
    ]
    assert templates
    for template in templates:
        source = template.read_text(encoding="utf-8")
        assert not re.search(r"<style|<script>|\sstyle=|\son[a-z]+=|javascript:", source), template


def test_the_answer_is_json_only_where_it_is_wanted_more_than_a_page(program: Flask) -> None:
    client = program.test_client()
    for accept, is_json in (
        ("application/json", True),
        ("application/json, text/html;q=0.5", True),
        ("text/html, application/json;q=0.9", False),
        ("*/*", False),
        ("", False),
    ):
        answer = client.get("/nowhere", headers={"Accept": accept})
        assert (answer.mimetype == "application/json") is is_json
        if is_json:
            assert json.loads(answer.text)["error"]


def _json(answer: TestResponse) -> Any:
    return json.loads(answer.text)
