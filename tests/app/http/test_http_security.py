"""What somebody who means harm tries over HTTP: sessions, tokens, headers, redirects, scripts in every text.

Headers, redirects and what a template makes of a text are no matter of the database: those are tried on SQLite alone.
"""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from lpse_admin.config import RunMode, Settings
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import FieldKind, fields_of_step
from models.changes.change import ChangeRequest
from tests.support.cast import (
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    PASSWORD,
    asset,
    attach_required,
    set_test_audit_context,
    values_for,
)
from tests.support.program import Visitor
from tests.support.running_app import move_form, running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

PAGES = ("/", "/admin/change/", "/admin/change/new/", "/profile", "/admin/change/details/?id=99999", "/nowhere",
         "/admin/document/", "/admin/change/export/csv/", "/admin/change/export/xlsx/")  # fmt: skip


def cookie_of(visitor: Visitor) -> str:
    result = visitor.client.get_cookie("lpse")
    return result.value if result else ""


def test_a_session_from_before_the_login_is_worth_nothing_after_it(running_app: RunningApp) -> None:
    visitor = Visitor(running_app.app)
    visitor.get("/login")
    planted = cookie_of(visitor)
    assert visitor.post("/login", username="pemohon", password=PASSWORD).status_code == 303
    assert cookie_of(visitor) != planted
    thief = Visitor(running_app.app)
    thief.client.set_cookie("lpse", planted)
    assert thief.get("/").status_code == 302


def test_a_token_from_before_the_login_is_not_taken_after_it(running_app: RunningApp) -> None:
    visitor = Visitor(running_app.app)
    visitor.post("/login", username="pemohon", password=PASSWORD)
    assert visitor.client.post("/admin/change/new/", data={"csrf_token": visitor.token}).status_code == 400


def test_a_copied_session_ends_with_the_logout(running_app: RunningApp) -> None:
    visitor = Visitor(running_app.app, "pemohon2")
    copied = cookie_of(visitor)
    thief = Visitor(running_app.app)
    thief.client.set_cookie("lpse", copied)
    assert thief.get("/").status_code == 200
    assert visitor.post("/logout").status_code == 303
    thief.client.set_cookie("lpse", copied)
    assert thief.get("/").status_code == 302


def test_a_forged_session_is_a_stranger_s(running_app: RunningApp) -> None:
    for value in ("", "x", "eyJsb2dpbiI6MX0.x.y", "." * 3000, "a" * 3000):
        stranger = Visitor(running_app.app)
        stranger.client.set_cookie("lpse", value)
        assert stranger.get("/").status_code == 302


def test_the_session_s_cookie_is_kept_from_scripts_and_other_sites(running_app: RunningApp) -> None:
    answer_ = Visitor(running_app.app)
    page = answer_.client.post(
        "/login", data={"username": "pemohon", "password": PASSWORD, "csrf_token": _token(answer_)}
    )
    cookies = SimpleCookie()
    for line in page.headers.getlist("Set-Cookie"):
        cookies.load(line)
    assert cookies["lpse"]["httponly"]
    assert cookies["lpse"]["samesite"] == "Lax"
    assert cookies["lpse"]["path"] == "/"


def test_production_sends_its_cookies_over_https_only(running_app: RunningApp) -> None:
    from app import create_app  # noqa: PLC0415 - a second program beside the running_app's

    settings = Settings(
        run_mode=RunMode.PRODUCTION,
        database_url=running_app.engine.url.render_as_string(hide_password=False),
        secret_key="y" * 32,
    )
    app = create_app(settings)
    answer_ = app.test_client().get("/login")
    assert all("Secure" in line for line in answer_.headers.getlist("Set-Cookie"))
    assert answer_.headers["Strict-Transport-Security"].startswith("max-age=")
    with app.app_context():
        from models.database import db  # noqa: PLC0415

        db.session.remove()
        db.engine.dispose()


def _token(visitor: Visitor) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/login").text)
    assert match
    return match.group(1)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "https:evil.example",
        " //evil.example",
        "@evil.example",
        "/%09/evil.example",
        "data:text/html,x",
    ],
)
def test_nobody_is_sent_on_to_another_site(onward: str, running_app: RunningApp) -> None:
    visitor = Visitor(running_app.app)
    answers = [visitor.post("/login", username="pemohon", password=PASSWORD, next=onward)]
    visitor.token = ""
    answers.extend(
        [
            visitor.client.get("/login", query_string={"next": onward}),
            visitor.post("/language", lang="id", next=onward),
        ]
    )
    for answer_ in answers:
        assert answer_.status_code in {302, 303}
        assert re.fullmatch(r"/(?:[^/\\].*)?", answer_.location), answer_.location
        assert "\t" not in answer_.location
        assert "\n" not in answer_.location


def test_one_is_sent_on_to_where_one_wanted_to_go(running_app: RunningApp) -> None:
    visitor = Visitor(running_app.app)
    response = visitor.get("/admin/approval/?state=open&urgency=emergency")
    assert response.status_code == 302
    page = visitor.client.get(response.location).text
    onward = re.search(r'name="next" value="([^"]*)"', page)
    assert onward
    answer_ = visitor.post("/login", username="kepala", password=PASSWORD, next=onward.group(1).replace("&amp;", "&"))
    assert answer_.location == "/admin/approval/?state=open&urgency=emergency"


def test_every_answer_is_guarded_by_its_headers(running_app: RunningApp) -> None:
    for visitor in (Visitor(running_app.app), running_app.visitor("pemohon"), running_app.visitor("kepala")):
        for path in (*PAGES, "/login", "/healthz"):
            answer_ = visitor.get(path)
            policy = answer_.headers["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "default-src 'self'" in policy
            for part in ("object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"):
                assert part in policy
            assert answer_.headers["X-Content-Type-Options"] == "nosniff"
            assert answer_.mimetype == "application/json" or answer_.headers["Content-Type"].endswith("charset=utf-8")
            assert answer_.headers["X-Frame-Options"] == "DENY"
            assert answer_.headers["Referrer-Policy"] in {"same-origin", "no-referrer", "strict-origin"}
            assert "no-store" in answer_.headers["Cache-Control"]
            assert "Server" not in answer_.headers or "Python" not in answer_.headers["Server"]
            assert "Access-Control-Allow-Origin" not in answer_.headers


@pytest.mark.sqlite_alone
def test_no_page_has_a_script_a_style_or_a_handler_of_its_own(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    for path in (*PAGES, f"/admin/change/details/?id={change_id}", "/admin/approval/", "/admin/audit/", "/admin/sop/"):
        page = running_app.visitor("kepala").get(path)
        if page.mimetype != "text/html":
            continue
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text), path
        assert not re.search(r"<[a-z][^>]*\s(?:on[a-z]+|style)\s*=", page.text), path
        assert "<style" not in page.text
        assert "javascript:" not in page.text
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text), path


def test_nobody_learns_from_the_login_who_has_an_account(running_app: RunningApp) -> None:
    answers = []
    for username in ("pemohon", "tidak-ada", "PEMOHON", "", "pemohon\x00", "a" * 80, "' OR 1=1 --"):
        visitor = Visitor(running_app.app)
        page = visitor.post("/login", username=username or "x", password="bukan-kata-sandinya")
        answers.append((page.status_code, *re.findall(r'role="alert">([^<]*)<', page.text)))
        response = visitor.post("/login", json=True, username=username or "x", password="bukan-kata-sandinya")
        assert response.status_code == 401
    assert len(set(answers)) == 1
    assert answers[0][0] == 401
    assert answers[0][1]


XSS = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}${7*7}"


@pytest.fixture(scope="module")
def poisoned(running_app: RunningApp) -> int:
    """Put a script into every text that anybody can type, along a way through every step but the roll back."""
    requester = running_app.visitor("pemohon")
    typed: dict[str, Any] = {
        field.key: XSS
        for field in fields_of_step(Step.REQUEST)
        if field.kind in {FieldKind.SINGLE_LINE, FieldKind.MULTI_LINE}
    }
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        asset(session, office, "0666", name=f"Laptop {XSS}", remarks=XSS, brand=XSS)
        created = _draft(session, office.requester)
    answer_ = requester.post(f"/admin/change/edit/?id={created}", **typed)
    assert answer_.status_code == 303
    way = (*OUTCOMES_TO[Step.RETURNED], Outcome.RESUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.APPROVED,
           Outcome.DONE, Outcome.PASSED, Outcome.REPORTED, Outcome.VERIFIED, Outcome.SCHEDULED, Outcome.CHANGED,
           Outcome.UPDATED)  # fmt: skip
    for outcome in way:
        step = running_app.step_and_version(created)[0]
        poison: dict[str, Any] = {
            name: XSS for name, value in running_app.move_form(created, outcome).items()
            if isinstance(value, str) and _is_free(name, step)
        }  # fmt: skip
        if step is Step.ASSET_UPDATE:
            poison |= {"mutations-1-kind": "altered", "mutations-1-asset": "1.3.2.10.01.02.002.0666",
                       "mutations-1-column": "remarks", "mutations-1-value": XSS}  # fmt: skip
        answer_ = running_app.make_move(created, outcome, **poison)
        assert answer_.status_code == 303, (outcome, re.findall(r"<li>(.*?)</li>", answer_.text))
    return created


def _draft(session: Any, requester: Any) -> int:
    from models.changes.moves.drafts import create_draft  # noqa: PLC0415

    set_test_audit_context(session)
    change = create_draft(session, requester, now=NOW, values=values_for(Step.REQUEST, Outcome.SUBMITTED))
    attach_required(session, change)
    from models.documents.document import attach  # noqa: PLC0415

    for item in ("surat-kuasa", "sk-pengangkatan-penunjukkan"):  # asked for once the request is on somebody's behalf
        attach(session, name=f"{item}.pdf", media_type="application/pdf", content=b"%PDF-1.4\n%%EOF\n", by=requester,
               now=NOW, item_key=item, activity=change.current_activity)  # fmt: skip
    session.commit()
    return change.id


def _is_free(name: str, step: Step) -> bool:
    kinds = {field.key: field.kind for field in fields_of_step(step)}
    if name in {"outcome", "version", "release_version"} or name.startswith(("equipment-", "document")):
        return False
    if "-" in name:
        return name.rpartition("-")[2] in {"name", "expected", "actual", "finding", "value"}
    return kinds.get(name, FieldKind.MULTI_LINE if name == "reason" else FieldKind.CHOICE) in {
        FieldKind.SINGLE_LINE,
        FieldKind.MULTI_LINE,
    }


@pytest.mark.sqlite_alone
def test_what_anybody_types_is_text_on_every_page(running_app: RunningApp, poisoned: int) -> None:
    ids: dict[str, list[int]] = {"change": [poisoned]}
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, poisoned)
        for activity in change.activities:
            ids.setdefault(activity.step.value, []).append(activity.id)
    seen = 0
    for name in ("pemohon", "pengelola", "kepala", "pemeriksa", "admin"):
        visitor = running_app.visitor(name)
        paths = ["/", *(f"/admin/{screen}/?size=100" for screen in (*ids, "asset", "document", "audit", "user"))]
        paths = [path for path in paths if "/request/" not in path and "/returned/" not in path]
        paths += [
            f"/admin/{screen}/details/?id={id_}" for screen, result in ids.items() for id_ in result
            if screen not in {"request", "returned"}
        ]  # fmt: skip
        audit = re.findall(r"/admin/audit/details/\?id=\d+", visitor.get("/admin/audit/?size=100").text)
        for path in (*paths, *audit):
            page = visitor.get(path)
            assert page.status_code in {200, 403}, path
            assert "<img src=x" not in page.text, path
            assert "<script>alert" not in page.text, path
            assert "49" not in re.findall(r"\{\{?7\*7|(?<=script&gt;)49", page.text)
            seen += page.text.count("&lt;script&gt;alert(2)")
    assert seen > 100


@pytest.mark.sqlite_alone
def test_what_anybody_types_is_text_in_a_refused_form_too(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.TEST)
    with running_app.session() as session:
        fields = move_form(session.get_one(ChangeRequest, change_id), Outcome.PASSED)
    fields = {name: XSS if _is_free(name, Step.TEST) else value for name, value in fields.items()}
    page = running_app.visitor("pengelola").post(f"/admin/change/{change_id}/move", **fields | {"documentation": ""})
    assert page.status_code == 422
    assert "<img src=x" not in page.text
    assert "<script>alert" not in page.text
    stale = running_app.visitor("kepala").get(f"/admin/change/?search={XSS[:60]}&sort=id")
    assert "<img src=x" not in stale.text
    for path in (f"/admin/change/?sort={XSS[:40]}", f"/admin/change/?kind={XSS}", f"/login?next=/{XSS}", f"/{XSS}"):
        for visitor in (running_app.visitor("kepala"), Visitor(running_app.app)):
            page = visitor.client.get(path, follow_redirects=True)
            assert "<img src=x" not in page.text
            assert "<script>alert" not in page.text
