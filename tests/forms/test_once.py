"""A form is taken once: who sends it again is led to what it made."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lpse_admin.errors import Malformed
from lpse_admin.i18n import _
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.documents.document import Document
from models.forms.submission import KEPT_FOR, Submission, remove_old_submissions
from models.office.office_day import OfficeDay
from models.releases.freeze import Freeze
from tests.support.cast import LUMAJANG
from tests.support.program import Visitor
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from models.base import Base
    from tests.support.running_app import RunningApp

NEW = "/admin/change/new/"

#: Each form that makes something: its address, who sends it, what is typed, and the table of what it makes.
FORMS: list[Any] = [
    pytest.param(
        "/admin/freeze/new/",
        "administrator",
        {"name": "Tutup tahun", "from_at": "2026-12-20T00:00", "until_at": "2026-12-31T23:59", "reason": "Tutup buku"},
        Freeze,
        id="a freeze",
    ),
    pytest.param(
        "/admin/holiday/new/",
        "administrator",
        {"date": "2026-12-15", "kind": "holiday", "name": "Hari jadi", "reason": "SK Bupati"},
        OfficeDay,
        id="a holiday",
    ),
    pytest.param(NEW, "pemohon", {"title": "Permintaan sekali saja"}, ChangeRequest, id="a draft"),
]


def form_ids(page: str) -> list[str]:
    """Return the ids of the forms on a page."""
    return re.findall(r'name="form_id"[^>]* value="([0-9a-f]{32})"', page)


def form_id(visitor: Visitor, address: str) -> str:
    """Open a page, and return the id of its form."""
    answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    return form_ids(answer.text)[-1]


def count(running_app: RunningApp, table: type[Base]) -> int:
    with running_app.session() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def complete_request(running_app: RunningApp, title: str) -> dict[str, Any]:
    """Return the fields and files of a complete new request."""
    draft = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    fields = running_app.move_form(draft, Outcome.SUBMITTED, title=title)
    fields = {name: value for name, value in fields.items() if name != "version"}
    with running_app.session() as session:
        items = session.get_one(ChangeRequest, draft).sop.rules[Step.REQUEST].requires
    letters = {f"document-{item.key}": upload_file("surat.pdf") for item in items if item.kind == "document"}
    return fields | letters


def fresh(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with files that are not read yet."""
    return {name: upload_file(value[1]) if isinstance(value, tuple) else value for name, value in fields.items()}


def is_made(answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return answer.location


@pytest.mark.parametrize(("address", "who", "typed", "table"), FORMS)
def test_a_form_that_is_sent_twice_makes_one_thing_and_the_second_is_led_to_it(
    address: str, who: str, typed: dict[str, Any], table: type[Base], running_app: RunningApp
) -> None:
    visitor = running_app.visitor(who)
    before = count(running_app, table)
    sent: dict[str, Any] = typed | {"form_id": form_id(visitor, address)}
    first = is_made(visitor.post(address, **sent))
    assert is_made(visitor.post(address, **sent)) == first
    assert count(running_app, table) == before + 1
    assert "Sudah terkirim" in visitor.get(first).text


@pytest.mark.parametrize(("address", "who", "typed", "table"), FORMS)
def test_two_pages_with_the_same_content_shortly_after_one_another_make_one_thing(
    address: str, who: str, typed: dict[str, Any], table: type[Base], running_app: RunningApp
) -> None:
    visitor = running_app.visitor(who)
    typed = {name: value.replace("15", "16").replace("Tutup tahun", "Akhir tahun") for name, value in typed.items()}
    typed |= {"title": "Dari dua tab"} if "title" in typed else {}
    ids = form_id(visitor, address), form_id(visitor, address)
    before = count(running_app, table)
    first, second = (is_made(visitor.post(address, form_id=one, **typed)) for one in ids)
    assert first == second
    assert count(running_app, table) == before + 1


def test_a_request_that_is_submitted_twice_gets_one_number(running_app: RunningApp) -> None:
    visitor, fields = running_app.visitor("pemohon"), complete_request(running_app, "Dua kali klik")
    before = count(running_app, ChangeRequest)
    sent = fields | {"form_id": form_id(visitor, NEW)}
    first = is_made(visitor.post(NEW, **fresh(sent)))
    assert first.startswith("/admin/change/details/?id=")
    assert is_made(visitor.post(NEW, **fresh(sent))) == first
    assert count(running_app, ChangeRequest) == before + 1


def test_saving_a_new_request_and_then_submitting_it_from_the_same_page_is_one_request(running_app: RunningApp) -> None:
    visitor, fields = running_app.visitor("pemohon"), complete_request(running_app, "Simpan, lalu ajukan")
    before, id_ = count(running_app, ChangeRequest), form_id(visitor, NEW)
    is_made(visitor.post(NEW, form_id=id_, title="Simpan, lalu ajukan"))
    is_made(visitor.post(NEW, form_id=id_, **fresh(fields)))
    assert count(running_app, ChangeRequest) == before + 1


def test_of_two_that_come_at_the_same_moment_one_makes_it_and_both_are_led_to_it(running_app: RunningApp) -> None:
    visitor = Visitor(running_app.app, "pemohon")
    sent: dict[str, Any] = {"form_id": form_id(visitor, NEW), "title": "Bersamaan", "csrf_token": form_token(visitor)}
    before, answers, ready = count(running_app, ChangeRequest), [], threading.Barrier(2)

    def send() -> None:
        client = running_app.app.test_client()
        for cookie in ("lpse",):
            result = visitor.client.get_cookie(cookie)
            assert result is not None
            client.set_cookie(cookie, result.value)
        ready.wait()
        answers.append(client.post(NEW, data=sent))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert count(running_app, ChangeRequest) == before + 1


def form_token(visitor: Visitor) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(NEW).text)
    assert match
    return match.group(1)


def test_a_move_that_is_sent_twice_is_led_to_its_request_and_not_refused(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = running_app.visitor("pengelola")
    sent = running_app.move_form(change_id, Outcome.ACCEPTED)
    sent["form_id"] = form_id(visitor, f"/admin/change/details/?id={change_id}")
    first = is_made(visitor.post(f"/admin/change/{change_id}/move", **sent))
    assert is_made(visitor.post(f"/admin/change/{change_id}/move", **sent)) == first
    assert running_app.step_and_version(change_id)[0] is Step.URGENCY


def test_the_same_file_twice_on_a_step_is_taken_once(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    visitor = running_app.visitor("pengelola")
    for name in ("catatan.pdf", "catatan.pdf", "salinan.pdf"):
        version = running_app.step_and_version(change_id)[1]
        is_made(visitor.post(f"/admin/change/{change_id}/save", version=str(version), document=upload_file(name)))
    with running_app.session() as session:
        names = session.scalars(
            select(Document.name).where(Document.change_id == change_id, Document.item_key.is_(None))
        ).all()
    assert sorted(names) == ["catatan.pdf", "salinan.pdf"]


def test_a_script_that_sends_no_id_makes_what_it_sends_each_time(running_app: RunningApp) -> None:
    visitor, before = running_app.visitor("pemohon"), count(running_app, ChangeRequest)
    places = {is_made(visitor.post(NEW, title="Dari skrip")) for _ in range(2)}
    assert len(places) == 2
    assert count(running_app, ChangeRequest) == before + 2


def test_somebody_else_s_form_leads_nowhere(running_app: RunningApp) -> None:
    one, other = running_app.visitor("pemohon"), running_app.visitor("pemohon2")
    sent: dict[str, Any] = {"form_id": form_id(one, NEW), "title": "Milik sendiri"}
    assert is_made(one.post(NEW, **sent)) != is_made(other.post(NEW, **sent))


def test_the_same_content_after_a_while_is_a_new_thing(running_app: RunningApp) -> None:
    visitor, now = running_app.visitor("pemohon"), running_app.now
    first = is_made(visitor.post(NEW, form_id=form_id(visitor, NEW), title="Setiap bulan"))
    running_app.now = now + dt.timedelta(minutes=11)
    second = is_made(visitor.post(NEW, form_id=form_id(visitor, NEW), title="Setiap bulan"))
    running_app.now = now
    assert first != second


def test_a_draft_that_was_discarded_can_be_made_again_from_its_page(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemohon")
    sent: dict[str, Any] = {"form_id": form_id(visitor, NEW), "title": "Dibuang dahulu"}
    first = is_made(visitor.post(NEW, **sent))
    is_made(visitor.post("/admin/change/delete/", id=first.rpartition("=")[2]))
    assert visitor.get(is_made(visitor.post(NEW, **sent))).status_code == 200


def test_a_refused_form_keeps_its_id_and_can_be_sent_again(running_app: RunningApp) -> None:
    visitor = running_app.visitor("administrator")
    typed: dict[str, Any] = {
        "name": "Libur",
        "from_at": "2026-08-20T00:00",
        "until_at": "2026-08-21T00:00",
        "reason": "Pawai",
    }
    id_ = form_id(visitor, "/admin/freeze/new/")
    refused = visitor.post("/admin/freeze/new/", form_id=id_, **typed | {"name": ""})
    assert refused.status_code == 422
    assert id_ in form_ids(refused.text)
    is_made(visitor.post("/admin/freeze/new/", form_id=id_, **typed))


def test_forms_that_were_sent_long_ago_are_forgotten(running_app: RunningApp) -> None:
    visitor = running_app.visitor("pemohon")
    is_made(visitor.post(NEW, form_id=form_id(visitor, NEW), title="Lama"))
    with running_app.session() as session:
        remove_old_submissions(session, running_app.now + KEPT_FOR + dt.timedelta(hours=1))
        session.commit()
    assert count(running_app, Submission) == 0


def test_a_new_request_that_is_submitted_is_one_transaction(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, fields = running_app.visitor("pemohon"), complete_request(running_app, "Satu transaksi")
    commits: list[str] = []
    commit = Session.commit

    def counted(session: Session) -> None:
        commits.append("commit")
        commit(session)

    monkeypatch.setattr(Session, "commit", counted)
    is_made(visitor.post(NEW, **fresh(fields)))
    assert commits == ["commit"]


def test_a_failure_before_the_commit_leaves_no_draft_behind(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, fields = running_app.visitor("pemohon"), complete_request(running_app, "Terputus")
    before = count(running_app, ChangeRequest)

    def fail(*_arguments: object) -> None:
        raise Malformed(_("The program could not read what was sent."))

    monkeypatch.setattr("views.changes.changes.keep_submission", fail)
    assert visitor.post(NEW, **fresh(fields)).status_code == 400
    assert count(running_app, ChangeRequest) == before
