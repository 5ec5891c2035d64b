"""Comments and questions on a request, without a move; and a request copied as a new one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import User
from models.audit.trail import entries_for_record
from models.changes.change import ChangeRequest
from models.changes.comment import Comment
from models.notifications.notification import Notification
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp


def user_id(running_app: RunningApp, username: str) -> int:
    with running_app.session() as session:
        return session.scalars(select(User.id).where(User.username == username)).one()


def write(
    running_app: RunningApp, change_id: int, who: str, text: str, to: str = "", *, json: bool = False
) -> TestResponse:
    addressee = str(user_id(running_app, to)) if to else ""
    return running_app.visitor(who).post(
        f"/admin/change/{change_id}/comment", json=json, text=text, addressee_id=addressee
    )


def comments(running_app: RunningApp, change_id: int) -> list[Comment]:
    with running_app.session() as session:
        return list(session.scalars(select(Comment).where(Comment.change_id == change_id).order_by(Comment.id)))


def test_a_question_reaches_the_one_it_is_for_who_answers_there_and_the_request_stays(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    stands = running_app.step_and_version(change_id)
    assert write(running_app, change_id, "pengelola", "Server yang <mana>?", "pemohon").status_code == 303
    requester = user_id(running_app, "pemohon")
    with running_app.session() as session:
        told = select(Notification.user_id).where(Notification.event == Event.COMMENT)
        assert session.scalars(told.where(Notification.change_id == change_id)).all() == [requester]
    page = running_app.visitor("pemohon").get(f"/admin/change/details/?id={change_id}").text
    assert "Server yang &lt;mana&gt;?" in page
    assert write(running_app, change_id, "pemohon", "Server aplikasi", "pengelola").status_code == 303
    assert running_app.step_and_version(change_id) == stands
    result = comments(running_app, change_id)
    assert [(one.author_name, one.addressee_name) for one in result] == [
        (one.author_name, result[1 - index].author_name) for index, one in enumerate(result)
    ]


@pytest.mark.parametrize(
    ("who", "status"),
    [("pemeriksa", 403), ("administrator", 403), ("pemohon2", 404), ("pengelola.tt", 404), ("kepala", 303)],
)
def test_only_those_who_take_part_and_may_read_it_write(who: str, status: int, running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert write(running_app, change_id, who, "Mohon kabar").status_code == status
    assert len(comments(running_app, change_id)) == (status == 303)


def test_a_draft_has_no_comments(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    assert write(running_app, change_id, "pemohon", "Catatan").status_code == 409


@pytest.mark.parametrize(("text", "to"), [("", ""), ("\u200b", ""), ("x" * 10_001, ""), ("Halo", "pemohon2")])
def test_a_comment_that_cannot_be_is_refused_and_what_was_typed_is_kept(
    text: str, to: str, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    answer = write(running_app, change_id, "pengelola", text, to)
    assert answer.status_code == 422
    assert text.strip("\u200b")[:50] in answer.text
    assert write(running_app, change_id, "pengelola", text, to, json=True).status_code == 422
    assert comments(running_app, change_id) == []


def test_a_comment_stays_as_written_is_audited_listed_and_exported(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    write(running_app, change_id, "pengelola", "Perlu jadwal cadangan", "kepala")
    (comment,) = comments(running_app, change_id)
    with running_app.session() as session:
        entry = entries_for_record(session, "change_request", change_id)[0]
        assert entry.action == "change.comment"
        session.get_one(Comment, comment.id).text = "lain"
        with pytest.raises(DBAPIError):
            session.flush()
    for address in ("", "export/csv/"):
        assert "Perlu jadwal cadangan" in running_app.visitor("pemeriksa").get(f"/admin/comment/{address}").text
        assert "Perlu jadwal cadangan" not in running_app.visitor("pemohon2").get(f"/admin/comment/{address}").text
    assert running_app.visitor("pemeriksa").get(f"/admin/comment/details/?id={comment.id}").status_code == 200
    assert "cadangan" in running_app.visitor("kepala").get("/search?q=jadwal+cadangan").text


def test_a_copy_opens_the_form_of_a_new_request_with_its_content(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.REQUEST)
    typed: dict[str, Any] = {"title": "Pembaruan bulanan", "wanted_by": f"{running_app.now:%Y-%m-%d}"}
    assert running_app.make_move(change_id, Outcome.SUBMITTED, **typed).status_code == 303
    visitor = running_app.visitor("pemohon")
    details = f"/admin/change/details/?id={change_id}"
    assert f"/admin/change/{change_id}/copy" in visitor.get(details).text
    assert f"/admin/change/{change_id}/copy" not in running_app.visitor("pengelola").get(details).text
    led = visitor.get(f"/admin/change/{change_id}/copy")
    page = visitor.get(led.location).text
    assert 'value="Pembaruan bulanan"' in page
    box = re.search(r'<input[^>]* name="kind"[^>]* value="application"[^>]*>', page)
    assert box
    assert " checked" in box.group()
    assert "RFC/" not in page.partition('id="step-form"')[2].partition("<datalist")[0]
    with running_app.session() as session:
        copied = session.get_one(ChangeRequest, change_id)
        assert copied.title == "Pembaruan bulanan"


def test_nobody_copies_what_they_may_not_read(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert running_app.visitor("pemohon2").get(f"/admin/change/{change_id}/copy").status_code == 404
    assert running_app.visitor("pemohon2").get(f"/admin/change/new/?copy={change_id}").status_code == 404
    assert running_app.visitor("pengelola").get(f"/admin/change/{change_id}/copy").status_code == 403
