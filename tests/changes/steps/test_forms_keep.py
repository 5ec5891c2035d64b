"""Entered values are kept when a form is refused, and when the session expires before it is submitted."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from demo.cast import PASSWORD
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import AuditEntry
from tests.support.cast import LUMAJANG, change_at_step
from tests.support.program import Visitor
from tests.support.running_app import move_form, running_app  # noqa: F401 - the fixture
from views.forms.recovery import is_recoverable

if TYPE_CHECKING:
    from typing import Any

    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

SENTENCE = "Sesi Anda sempat berakhir"
#: Every form that creates a record, and a user who may create it.
FORMS_OF_RECORDS = [
    ("pemohon", "/admin/change/new/"),
    ("administrator", "/admin/user/new/"),
    ("administrator", "/admin/user/edit/?id=1"),
    ("administrator", "/admin/freeze/new/"),
    ("administrator", "/admin/holiday/new/"),
    ("administrator", "/admin/setting/new/"),
    ("administrator", "/admin/setting/ramadan"),
    ("administrator", "/admin/setting/threshold"),
    ("administrator", "/admin/delegation/new/"),
    ("kepala", "/admin/delegation/new/"),
    ("pengelola", "/admin/absence/new/"),
    ("pengelola", "/admin/asset/new/?card=B"),
    ("kepala", "/admin/sop/new/"),
    ("kepala", "/admin/edited-sop/new/"),
    ("pengelola", "/admin/finding/new/"),
]


class Inputs(HTMLParser):
    """The fields of a page's forms with their values and types."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.kinds: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag in {"input", "textarea", "select"} and name:
            self.kinds[name] = given.get("type") or tag
            self.values[name] = given.get("value") or ""
            self._open = name if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.values[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._open = ""


def lapsed(running_app: RunningApp, name: str) -> Visitor:
    """Return a user with an open form, whose session has expired."""
    visitor = Visitor(running_app.app, name)
    visitor.token = visitor._token()
    visitor.client.delete_cookie("lpse")
    return visitor


def log_in(visitor: Visitor, page: TestResponse, name: str, password: str = PASSWORD) -> TestResponse:
    """Log in on the page that was shown instead of the form's response."""
    typed = Inputs(page.text).values
    fields = {"csrf_token": typed["csrf_token"], "typed": typed.get("typed", ""), "username": name}
    return visitor.client.post("/login", data=fields | {"password": password})


def open_again(visitor: Visitor, page: TestResponse) -> TestResponse:
    """Press the button that shows the form again."""
    fields = {name: value.removeprefix("\n") for name, value in Inputs(page.text).values.items()}
    main = page.text.partition("data-keeps-drafts")[2]
    action = re.search(r'action="([^"]+)"', main)
    assert action is not None
    return visitor.client.post(html.unescape(action.group(1)), data=fields)


def entries(running_app: RunningApp) -> int:
    with running_app.session() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.mark.parametrize(("name", "path"), FORMS_OF_RECORDS)
def test_what_comes_back_is_shown_and_not_done_with_everything_that_was_typed(
    name: str, path: str, running_app: RunningApp
) -> None:
    visitor = running_app.visitor(name)
    asked = Inputs(visitor.get(path).text)
    typed: dict[str, Any] = {
        key: f"Ketikan <{index}>"
        for index, (key, kind) in enumerate(asked.kinds.items())
        if kind in {"text", "textarea", "email", "tel"} and key not in {"q", "password"}
    }
    assert typed, path
    choices: dict[str, Any] = {
        key: value for key, value in asked.values.items() if asked.kinds[key] in {"date", "number"} and value
    }
    answer = visitor.post(path, **choices, **typed, outcome="submitted", do="load", resumed="yes")
    assert answer.status_code == 422, answer.text
    result = Inputs(answer.text).values
    assert {key: result.get(key, "").strip() for key in typed} == typed


def test_a_complete_move_that_comes_back_is_not_made(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = lapsed(running_app, "pengelola")
    fields = running_app.move_form(change_id, Outcome.ACCEPTED, findings="Berkas <lengkap>\n& benar")
    page = visitor.post(f"/admin/change/{change_id}/move", **fields)
    assert page.status_code == 401
    assert "Set-Cookie" in page.headers
    assert "benar" not in page.text  # compressed and signed, not readable as plain text
    assert "tidak hilang" in page.text
    failed = log_in(visitor, page, "pengelola", "salah")
    assert failed.status_code == 401
    offered = log_in(visitor, failed, "pengelola")
    assert offered.status_code == 200
    assert "masih ada" in offered.text
    assert running_app.step_and_version(change_id)[0] is Step.EVALUATION
    back = open_again(visitor, offered)
    assert back.status_code == 422
    assert SENTENCE in back.text
    assert Inputs(back.text).values["findings"].strip() == "Berkas <lengkap>\n& benar"
    assert running_app.step_and_version(change_id)[0] is Step.EVALUATION
    sent = Inputs(back.text).values
    again = {key: sent[key] for key in ("csrf_token", "version", "findings")}
    answer = visitor.client.post(f"/admin/change/{change_id}/move", data=fields | again)
    assert answer.status_code == 303
    assert running_app.step_and_version(change_id)[0] is Step.URGENCY


def test_a_form_of_records_comes_back_too_without_its_password(running_app: RunningApp) -> None:
    visitor = lapsed(running_app, "administrator")
    before = entries(running_app)
    page = visitor.post("/admin/user/new/", full_name="Orang <Baru>", username="orang.baru", password="rahasia-sekali")
    assert page.status_code == 401
    offered = log_in(visitor, page, "administrator")
    assert "rahasia-sekali" not in offered.text
    back = open_again(visitor, offered)
    assert back.status_code == 422
    assert Inputs(back.text).values["full_name"] == "Orang <Baru>"
    assert entries(running_app) == before + 1  # the login


def test_somebody_else_is_shown_nothing_of_it(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = lapsed(running_app, "pengelola")
    page = visitor.post(f"/admin/change/{change_id}/save", findings="Hanya untuk saya")
    answer = log_in(visitor, page, "kepala")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Hanya untuk saya" not in visitor.get("/").text


def test_a_page_of_an_ended_session_comes_back_once_its_writer_has_logged_in_elsewhere(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = lapsed(running_app, "pengelola")
    stale = visitor.token
    visitor.token = ""
    assert visitor.post("/login", username="pengelola", password=PASSWORD).status_code == 303
    visitor.token = stale
    page = visitor.post(f"/admin/change/{change_id}/save", findings="Dari tab lama")
    assert page.status_code == 400
    assert "masih ada" in page.text
    saved = open_again(visitor, page)
    assert saved.status_code == 303  # saving is not a move
    assert "Dari tab lama" in visitor.get(f"/admin/change/details/?id={change_id}").text


@pytest.mark.parametrize("token", ["", "palsu", "IjEuYWJjIg.aaaa.bbbb"])
def test_what_is_not_from_a_form_of_ours_is_not_carried(token: str, running_app: RunningApp) -> None:
    stranger = running_app.app.test_client()
    data = {"csrf_token": token, "title": "Dari luar"}
    page = stranger.post("/admin/change/new/", data=data)
    assert page.status_code == 401
    assert 'name="typed"' not in page.text
    assert "Dari luar" not in page.text


@pytest.mark.parametrize("path", ["/logout", "/profile/password", "/admin/change/delete/", "/admin/document/1/remove"])
def test_what_could_not_be_shown_again_is_not_carried(path: str, running_app: RunningApp) -> None:
    page = lapsed(running_app, "pengelola").post(path, id="1", reason="Apa saja")
    assert page.status_code == 401
    assert 'name="typed"' not in page.text


def test_what_is_too_much_to_go_with_a_login_is_refused_as_before(running_app: RunningApp) -> None:
    visitor = lapsed(running_app, "kepala")
    large = "".join(chr(0x4E00 + (location * 7919) % 20000) for location in range(600_000))
    page = visitor.post("/admin/sop/new/", text=large)
    assert page.status_code in {401, 413}
    assert 'name="typed"' not in page.text


#: Every form that is recovered after an expired session, besides those of ``new/`` and ``edit/``.
RECOVERABLE_ENDPOINTS = {
    "absence.end",
    "account-request.refuse",
    "asset-update.item",
    "appointment.end",
    "change.comment",
    "change.consent",
    "change.correct_clock",
    "change.move",
    "change.reassign",
    "change.save",
    "delegation.withdraw",
    "deviation.dispose",
    "deviation.follow_up",
    "finding.act",
    "finding.agree",
    "inspection.ask",
    "destruction.approve",
    "edited-sop.actors", "edited-sop.field", "edited-sop.head", "edited-sop.new_field", "edited-sop.new_row",
    "edited-sop.row", "edited-sop.settings",
    "destruction.refuse",
    "document.erase",
    "freeze.lift",
    "freeze.permit",
    "hold.lift",
    "paper-setting.letterhead",
    "asset-import.layout",
    "asset-import.undo",
    "asset-period.signatories",
    "paper-setting.layout",
    "paper-setting.remove",
    "paper-setting.restore",
    "paper.file_paper",
    "release.actual",
    "release.correct_actual",
    "release.move_window",
    "release.set_aside",
    "setting.digest",
    "setting.anchors",
    "setting.files",
    "setting.ramadan", "setting.threshold",
    "user.disable", "user.hand_over_requests", "user.password",
}  # fmt: skip
#: Screens with a form to create and a form to edit a record.
WITH_NEW = {
    "absence",
    "appointment",
    "asset",
    "change",
    "delegation",
    "edited-sop",
    "finding",
    "freeze",
    "holiday",
    "setting",
    "sop",
    "user",
}
WITH_EDIT = {"asset", "change", "finding", "freeze", "holiday", "setting", "user", "approval", "release"}


def test_every_form_that_comes_back_is_named_here(running_app: RunningApp) -> None:
    with running_app.app.app_context():
        marked = {endpoint for endpoint in running_app.app.view_functions if is_recoverable(endpoint)}
    assert {one for one in marked if not one.endswith(("create_view", "edit_view"))} == RECOVERABLE_ENDPOINTS
    assert marked >= {f"{screen}.create_view" for screen in WITH_NEW} | {f"{screen}.edit_view" for screen in WITH_EDIT}


# --- the head of the form ---------------------------------------------------------------------------------------------


def test_the_form_counts_what_the_sop_requires_as_it_is_stored(running_app: RunningApp) -> None:
    requester = running_app.visitor("pemohon")
    page = requester.get("/admin/change/new/").text
    assert "0 dari 2 ada" in page
    assert "Isian wajib: 3 dari 6 terisi" in page
    with running_app.session() as session:
        complete = move_form(
            change_at_step(session, running_app.cast(session).office(LUMAJANG), Step.REQUEST), Outcome.SUBMITTED
        )
    complete.pop("outcome"), complete.pop("version")
    response = requester.post("/admin/change/new/", **complete)
    page = requester.get(response.location).text
    assert "2 dari 2 ada" in page
    assert "Isian wajib: 6 dari 6 terisi" in page


def test_earlier_requests_are_offered_by_number_and_title_and_nobody_else_s(running_app: RunningApp) -> None:
    running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    page = running_app.visitor("pemohon").get("/admin/change/new/").text
    offered = page.partition('id="known-requests"')[2].partition("</datalist>")[0]
    assert "RFC/" in offered
    others = running_app.visitor("pemohon2").get("/admin/change/new/").text
    assert "<option" not in others.partition('id="known-requests"')[2].partition("</datalist>")[0]
