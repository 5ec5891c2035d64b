"""Bulk actions: a form for all rows, the same operation for each row, and a report by row."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import Disposal
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import Reassignment
from models.changes.steps.activity import Activity
from models.deviations.deviation import Deviation
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification, notify
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, deviation
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.program import Visitor
    from tests.support.running_app import RunningApp

HERE = "/admin/evaluation/action/"
NOT_THERE = "Tidak ada data seperti itu"


def open_step(running_app: RunningApp, key: str = LUMAJANG) -> int:
    """Create a request at its evaluation, and return the id of the step."""
    change_id = running_app.change_at_step(key, Step.EVALUATION)
    with running_app.session() as session:
        return session.scalars(
            select(Activity.id).where(Activity.change_id == change_id, Activity.step == Step.EVALUATION)
        ).one()


def finished_step(running_app: RunningApp) -> int:
    id_ = open_step(running_app)
    with running_app.session() as session:
        change_id = session.get_one(Activity, id_).change_id
    assert running_app.make_move(change_id, Outcome.REJECTED).status_code in {200, 303}
    return id_


def lines(page: str) -> list[tuple[str, str]]:
    """Return (result, reason) of each row of a report."""
    result = re.findall(r'<span class="badge-state[^>]*>(.*?)</span>.*?<p class="bulk-said">(.*?)</p>', page, re.DOTALL)
    return [(done, unescape(text)) for done, text in result]


def send(
    visitor: Visitor, action: str, ids: Sequence[object], *, path: str = HERE, json: bool = False, **fields: Any
) -> Any:
    return visitor.post(path, json=json, action=action, id=[str(id_) for id_ in ids], **fields)


def holders(running_app: RunningApp, ids: Sequence[int]) -> list[str | None]:
    with running_app.session() as session:
        results = {row.id: row.assignee for row in session.scalars(select(Activity).where(Activity.id.in_(ids)))}
        return [held.username if (held := results[id_]) else None for id_ in ids]


def test_only_who_can_do_something_sees_boxes_and_each_says_its_row(running_app: RunningApp) -> None:
    id_ = open_step(running_app)
    page = running_app.visitor("pengelola").get("/admin/evaluation/").text
    assert re.search(rf'name="id" value="{id_}" aria-label="Centang RFC/2026/\d+"', page)
    for name in ("kepala", "pemohon", "pemeriksa"):
        assert 'name="id"' not in running_app.visitor(name).get("/admin/evaluation/").text
        assert send(running_app.visitor(name), "take-up", [id_]).status_code == 403
    assert 'id="bulk"' not in running_app.visitor("kepala").get("/admin/approval/").text
    assert send(running_app.visitor("kepala"), "take-up", [id_], path="/admin/approval/action/").status_code == 404


def test_steps_are_taken_up_row_by_row_and_each_refusal_says_why(running_app: RunningApp) -> None:
    mine, theirs, done, foreign = (
        open_step(running_app),
        open_step(running_app),
        finished_step(running_app),
        open_step(running_app, TANA_TIDUNG),
    )
    assert send(running_app.visitor("pengelola2"), "take-up", [theirs], go="y").status_code == 200
    manager, ids = running_app.visitor("pengelola"), [mine, theirs, done, foreign, 10**12]
    asked = send(manager, "take-up", [*ids, mine], back="state=open&size=50")
    assert asked.status_code == 200
    assert holders(running_app, [mine]) == [None]
    assert re.findall(r'type="hidden" name="id" value="(\d+)"', asked.text) == [str(id_) for id_ in ids[:3]]
    assert 'href="/admin/evaluation/?state=open&amp;size=50"' in asked.text
    report = send(manager, "take-up", ids, go="y", back="state=open&size=50")
    assert report.status_code == 200
    result = lines(report.text)
    assert [became for became, _why in result] == ["Selesai", *["Tidak dilakukan"] * 4]
    assert "sedang ditangani orang lain" in result[1][1]
    assert "sudah selesai" in result[2][1]
    assert all(NOT_THERE in why or "tidak ada" in why.lower() for _became, why in result[3:])
    assert holders(running_app, [mine, theirs, foreign]) == ["pengelola", "pengelola2", None]
    with running_app.session() as session:
        change_id = session.get_one(Activity, mine).change_id
        last = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "change.take-up").order_by(AuditEntry.id.desc()).limit(1)
        ).one()
        assert {row["table"] for row in last.row_changes} >= {"activity", "change_request"}
        assert str(change_id) in {row["id"] for row in last.row_changes if row["table"] == "change_request"}
        assert last.capacity == "Pengelola Perubahan"
    # Repeated: nothing is left to do.
    again = send(manager, "take-up", [mine], go="y", json=True)
    assert again.status_code == 409
    assert [row["done"] for row in again.get_json()["rows"]] == [False]


def test_steps_are_reassigned_with_a_reason_that_is_asked_for(running_app: RunningApp) -> None:
    given, taken, untouched = open_step(running_app), open_step(running_app), open_step(running_app)
    manager, ids = running_app.visitor("pengelola"), [given, taken, untouched]
    send(manager, "take-up", [given], go="y")
    send(running_app.visitor("pengelola2"), "take-up", [taken], go="y")
    with running_app.session() as session:
        colleague = session.scalars(select(User.id).where(User.username == "pengelola2")).one()
        stranger = session.scalars(select(User.id).where(User.username == "pengelola.tt")).one()
    for to, reason in ((colleague, " "), ("", "Cuti"), (stranger, "Cuti"), ("x", "Cuti"), (colleague, "a\x00b")):
        answer = send(manager, "hand-over", ids, go="y", to=str(to), reason=reason)
        assert answer.status_code == 422, (to, reason)
    assert f'selected value="{colleague}"' in send(manager, "hand-over", ids, go="y", to=str(colleague), reason="").text
    assert set(send(manager, "hand-over", ids, go="y", json=True).get_json()["fields"]) == {"to", "reason"}
    report = send(manager, "hand-over", ids, go="y", to=str(colleague), reason="Cuti tahunan")
    assert [became for became, _why in lines(report.text)] == ["Selesai", "Tidak dilakukan", "Tidak dilakukan"]
    assert holders(running_app, ids) == ["pengelola2", "pengelola2", None]
    with running_app.session() as session:
        (handover,) = session.scalars(select(Reassignment).where(Reassignment.activity_id.in_(ids)))
        assert handover.reason == "Cuti tahunan"


def test_what_cannot_be_meant_is_refused_before_any_row(running_app: RunningApp) -> None:
    manager, id_ = running_app.visitor("pengelola"), open_step(running_app)
    assert send(manager, "take-up", []).status_code == 422
    assert send(manager, "take-up", range(1, 102)).status_code == 400
    assert send(manager, "nothing", [id_]).status_code == 400
    assert send(manager, "", [id_]).status_code == 400
    for bad in ("x", "-1", "1,2", "9" * 30, ""):
        assert send(manager, "take-up", [id_, bad], go="y").status_code == 404, bad
    assert send(manager, "take-up", [open_step(running_app, TANA_TIDUNG)], go="y").status_code == 404
    assert manager.client.post(HERE, data={"action": "take-up", "id": id_, "go": "y"}).status_code == 400
    assert holders(running_app, [id_]) == [None]


def test_the_head_disposes_of_several_deviations_with_one_word(running_app: RunningApp) -> None:
    path = "/admin/deviation/action/"
    with running_app.session() as session:
        cast = running_app.cast(session)
        ids = [deviation(session, cast.lumajang).id for _turn in range(2)]
        foreign = deviation(session, cast.tana_tidung).id
    head = running_app.visitor("kepala")
    assert all(f'name="id" value="{id_}"' in head.get("/admin/deviation/").text for id_ in ids)
    answer = send(running_app.visitor("pengelola"), "dispose", ids, path=path)
    assert answer.status_code == 403, re.sub("<[^>]+>", "", answer.text)
    assert all(text in send(head, "dispose", [*ids, foreign], path=path).text for text in ("disposal-0", "RFC/2026/"))
    missing: dict[str, Any] = {"disposal-0": Disposal.FOLLOW_UP.value, "note-0": "Harap <segera>"}
    refused = send(head, "dispose", ids, path=path, go="y", **missing)
    assert refused.status_code == 422
    assert "Harap &lt;segera&gt;" in refused.text
    assert 'id="follow-up-until-0-error"' in refused.text
    full: dict[str, Any] = {"disposal-0": Disposal.NOT_ACCEPTED.value, "note-0": "Bukan alasan"}
    report = send(head, "dispose", [*ids, foreign], path=path, go="y", **full)
    assert [became for became, _why in lines(report.text)] == ["Selesai", "Selesai", "Tidak dilakukan"]
    with running_app.session() as session:
        for id_ in ids:
            one = session.get_one(Deviation, id_)
            assert (one.disposal, one.disposal_note) == (Disposal.NOT_ACCEPTED, "Bukan alasan")
        assert session.get_one(Deviation, foreign).disposal is None
    assert send(head, "dispose", ids, path=path, go="y", **full).status_code == 409


@pytest.fixture
def told(running_app: RunningApp) -> dict[str, list[int]]:
    """Create notifications for two users, with a failed and a pending mail."""
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        change = session.get_one(ChangeRequest, change_id)
        ids = {}
        for index, person in enumerate((office.manager2, office.head)):
            person.email = "seseorang@example.id"
            both = [
                notify(session, Event.OVERDUE, [person], now=NOW + dt.timedelta(hours=index), key=f"{change.id}-{turn}",
                     change=change)[0]
                for turn in range(2)
            ]  # fmt: skip
            session.flush()
            ids[person.username] = [one.id for one in both]
            for one, state in zip(both, (MailState.FAILED, MailState.WAITING), strict=True):
                mail = session.scalars(select(Mail).where(Mail.notification_id == one.id)).one()
                mail.state = state
        session.commit()
    return ids


def test_one_marks_several_of_ones_own_notifications_as_read_at_once(
    told: dict[str, list[int]], running_app: RunningApp
) -> None:
    reader, path = running_app.visitor("pengelola2"), "/admin/notification/action/"
    own, others = told["pengelola2"], told["kepala"]
    assert all(f'name="id" value="{id_}"' in reader.get("/admin/notification/?size=100").text for id_ in own)
    report = send(reader, "read", [*own, *others], path=path)
    assert [became for became, _why in lines(report.text)] == ["Selesai"] * 2 + ["Tidak dilakukan"] * 2
    with running_app.session() as session:
        assert all(session.get_one(Notification, id_).read_at for id_ in own)
        assert not any(session.get_one(Notification, id_).read_at for id_ in others)
    assert send(reader, "read", others, path=path).status_code == 404


def test_an_administrator_has_several_failed_mails_sent_again(
    told: dict[str, list[int]], running_app: RunningApp
) -> None:
    path, ids = "/admin/mail/action/", told["pengelola2"]
    assert send(running_app.visitor("pemeriksa"), "again", ids, path=path).status_code == 403
    assert send(running_app.visitor("administrator.tt"), "again", ids, path=path).status_code == 404
    administrator = running_app.visitor("administrator")
    assert "seseorang" not in send(administrator, "again", ids, path=path).text
    report = send(administrator, "again", ids, path=path, go="y")
    assert [became for became, _why in lines(report.text)] == ["Selesai", "Tidak dilakukan"]
