"""The screen of notifications and mail, the notifications on a request's page, and the export."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po
from openpyxl import load_workbook
from sqlalchemy import event, select

from lpse_admin.notifications.events import Event
from lpse_admin.notifications.mail_faults import MailFault
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import entries_for_record
from models.changes.change import ChangeRequest
from models.notifications.mail import Mail, MailState, MailStatus
from models.notifications.notification import Notification, notify
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, delegation, make_move, set_test_audit_context
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

REFUSED = "550 <b>kotak surat</b> tidak dikenal"


@pytest.fixture(scope="module")
def told(running_app: RunningApp) -> int:
    """Return a request of which somebody is not mailed, one mail was sent, one has failed, and the others wait."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        for office in (cast.lumajang, cast.tana_tidung):
            for person in office.people:
                person.email = f"{person.username}@kantor.example"
        cast.lumajang.manager2.email = None
        session.commit()
        delegation(session, cast.lumajang, cast.lumajang.manager2)
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    running_app.change_at_step(TANA_TIDUNG, Step.URGENCY)
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        office = running_app.cast(session).lumajang
        make_move(session, change, Outcome.RETURNED, office.manager)
        make_move(session, change, Outcome.RESUBMITTED, office.requester)
        first, _second, third, *_ = session.scalars(
            select(Mail).join(Notification).where(Notification.change_id == change_id).order_by(Mail.id)
        )
        first.state, first.sent_at, first.attempts = MailState.SENT, NOW, 1
        third.state, third.last_error, third.attempts = MailState.FAILED, REFUSED, 3
        session.commit()
        return change_id


def people(running_app: RunningApp) -> list[str]:
    """Return the names of those who were told of that request, in order; whoever may stand in is a manager too."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        managers = [office.manager.full_name, office.manager2.full_name, office.delegate.full_name]
        return [*managers, office.requester.full_name, *managers]


STATES = ["Terkirim", "Tanpa surel", "Menunggu", "Gagal", "Menunggu", "Tanpa surel", "Menunggu"]


def section(page: str) -> str:
    """Return the part of a request's page that says who was told, or nothing."""
    match = re.search(r'<details class="panel" id="told">.*?</details>', page, re.DOTALL)
    return match[0] if match else ""


def number_of(running_app: RunningApp, change_id: int) -> str:
    with running_app.session() as session:
        return str(session.get_one(ChangeRequest, change_id).number)


def failed(running_app: RunningApp) -> Notification:
    with running_app.session() as session:
        return session.scalars(select(Notification).join(Mail).where(Mail.state == MailState.FAILED)).one()


def exported(running_app: RunningApp, query: str, name: str = "pemeriksa") -> list[list[str]]:
    text = running_app.visitor(name).get(f"/admin/mail/export/csv/?{query}").text.lstrip("\ufeff")
    return list(csv.reader(io.StringIO(text)))[1:]


def test_the_request_shows_those_of_the_office_who_was_told_in_order_and_what_became_of_the_mail(
    running_app: RunningApp, told: int
) -> None:
    for name in ("pengelola", "kepala", "pemeriksa", "administrator", "admin", "pengelola2"):
        page = section(running_app.visitor(name).get(f"/admin/change/details/?id={told}").text)
        assert "Pemberitahuan dan surel" in page, name
        assert re.findall(r"<strong>(.+?)</strong>", page) == people(running_app)
        assert "“Evaluasi” atas permintaan Anda berakhir: Dikembalikan." in page
        assert re.findall(r"Surel: ([\w ]+)", page) == STATES
        assert "550 &lt;b&gt;kotak surat&lt;/b&gt; tidak dikenal" in page
        assert ("/admin/mail/?search=" in page) is (name != "pengelola")


def test_who_only_asks_and_who_is_elsewhere_is_not_shown_whom_the_office_told(
    running_app: RunningApp, told: int
) -> None:
    page = running_app.visitor("pemohon").get(f"/admin/change/details/?id={told}")
    assert (page.status_code, section(page.text)) == (200, "")
    assert running_app.visitor("kepala.tt").get(f"/admin/change/details/?id={told}").status_code == 404
    for name in ("pemohon", "pemohon2", "pengelola"):
        assert running_app.visitor(name).get("/admin/mail/").status_code == 403
        assert running_app.visitor(name).get("/admin/mail/export/csv/").status_code == 403


def test_the_section_costs_one_statement_however_many_were_told(running_app: RunningApp, told: int) -> None:
    def statements() -> int:
        result: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            result.append(statement)

        with running_app.app.app_context():
            engine = running_app.app.extensions["sqlalchemy"].engine
        event.listen(engine, "before_cursor_execute", note)
        running_app.visitor("kepala").get(f"/admin/change/details/?id={change_id}")
        event.remove(engine, "before_cursor_execute", note)
        assert sum("FROM notification JOIN user_account" in one for one in result) == 1
        return len(result)

    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    statements()  # logs in, and puts together what is put together once
    before = statements()
    with running_app.session() as session:
        everybody = running_app.cast(session).lumajang.people
        change = session.get_one(ChangeRequest, change_id)
        for number in range(5):
            notify(
                session, Event.OVERDUE, everybody, now=NOW, key=f"many-{number}", change=change, step=Step.EVALUATION
            )
        session.commit()
    assert statements() == before


def test_the_screen_and_its_export_tell_the_mails_of_a_request_in_order(running_app: RunningApp, told: int) -> None:
    number = number_of(running_app, told)
    rows = exported(running_app, f"search={number}&sort=at")
    assert [row[2] for row in rows] == people(running_app)
    assert {row[1] for row in rows} == {number}
    assert [row[5] for row in rows] == STATES
    assert rows[3][6:8] == ["pemohon@kantor.example", "3"]
    assert REFUSED in rows[3]
    book = load_workbook(
        io.BytesIO(running_app.visitor("kepala").get(f"/admin/mail/export/xlsx/?search={number}").data)
    )
    assert "“Evaluasi” atas permintaan Anda berakhir: Dikembalikan." in [
        c for row in present(book.active).values for c in row
    ]
    page = running_app.visitor("administrator").get(f"/admin/mail/?search={number}").text
    own = re.findall(r'<th scope="row"><a href="(/admin/mail/details/\?id=\d+)">', page)
    assert len(set(own)) == 7
    assert f'<a href="/admin/change/details/?id={told}">' in running_app.visitor("administrator").get(own[0]).text


def test_it_is_narrowed_by_state_event_and_period(running_app: RunningApp, told: int) -> None:
    number = number_of(running_app, told)
    assert [row[5] for row in exported(running_app, f"search={number}&state=failed")] == ["Gagal"]
    assert len(exported(running_app, f"search={number}&state={MailStatus.NOT_MAILED}")) == 2
    assert len(exported(running_app, f"search={number}&event=outcome")) == 1
    assert exported(running_app, f"search={number}&at-until=2026-03-01") == []
    assert len(exported(running_app, f"search={number}&at-from=2026-03-02&at-until=2026-03-02")) == 7
    assert running_app.visitor("kepala").get("/admin/mail/?state=lost").status_code == 400


@pytest.mark.usefixtures("told")
def test_what_belongs_to_no_request_leads_to_its_own_page(running_app: RunningApp) -> None:
    page = running_app.visitor("kepala").get("/admin/mail/?event=delegation-granted").text
    (own,) = re.findall(r'<th scope="row"><a href="([^"]+)">', page)
    assert "Tanpa permintaan" in page
    assert own.startswith("/admin/mail/details/?id=")
    assert "menggantikan Kepala LPSE" in running_app.visitor("kepala").get(own).text


@pytest.mark.usefixtures("told")
def test_each_office_has_its_own_and_the_installation_all(running_app: RunningApp) -> None:
    def addresses(name: str) -> set[bool]:
        results = [row for row in exported(running_app, "", name) if any("@kantor.example" in cell for cell in row)]
        return {any(".tt@" in cell for cell in row) for row in results}

    assert addresses("pemeriksa") == addresses("kepala") == addresses("administrator") == {False}
    assert addresses("kepala.tt") == {True}
    assert addresses("admin") == {True, False}
    assert running_app.visitor("kepala.tt").get(f"/admin/mail/details/?id={failed(running_app).id}").status_code == 404


@pytest.mark.usefixtures("told")
def test_the_administrator_has_a_failed_mail_sent_again_and_nobody_else_has(running_app: RunningApp) -> None:
    one = failed(running_app)
    details, again = f"/admin/mail/details/?id={one.id}", f"/admin/mail/{one.id}/again"
    for name in ("kepala", "pemeriksa", "pengelola"):
        assert "/again" not in running_app.visitor(name).get(details).text
        assert running_app.visitor(name).post(again).status_code == 403
    assert running_app.visitor("administrator.tt").post(again).status_code == 404
    with running_app.session() as session:
        session.get_one(Notification, one.id).user.email = "alamat.baru@example.invalid"
        session.commit()
    administrator = running_app.visitor("administrator")
    assert again in administrator.get(details).text
    assert administrator.post(again).status_code == 303
    with running_app.session() as session:
        mail = session.scalars(select(Mail).where(Mail.notification_id == one.id)).one()
        assert (mail.state, mail.attempts, mail.next_try_at) == (MailState.WAITING, 0, running_app.now)
        assert mail.address == "alamat.baru@example.invalid"
        assert entries_for_record(session, "mail", mail.id)[0].action == "mail.again"
        without = session.scalars(select(Notification.id).where(~Notification.mail.has()).limit(1)).one()
    assert administrator.post(again).status_code == 409
    assert administrator.post(f"/admin/mail/{without}/again").status_code == 409
    assert "/again" not in administrator.get(details).text


def test_what_of_the_setting_keeps_mail_waiting_is_told_above_the_list(
    running_app: RunningApp,
) -> None:
    sender = in_indonesian(MailFault.SENDER)
    with running_app.session() as session:
        set_test_audit_context(session)
        office = running_app.cast(session).lumajang
        office.manager.email = "pengelola@kantor.example"
        notify(session, Event.OVERDUE, [office.manager], now=NOW, key="held-up", step=Step.TEST)
        (mail,) = session.scalars(select(Mail).join(Notification).where(Notification.key == "held-up"))
        mail.fault, mail.last_error = MailFault.SENDER, "553 5.7.1 not owned by user"
        session.commit()
    page = running_app.visitor("administrator").get("/admin/mail/").text
    above, _table, rows = page.partition("<table")
    assert sender in above
    assert "menunggu dan terkirim sendiri" in above
    assert sender in rows


def in_indonesian(fault: MailFault) -> str:
    """Return what an Indonesian reads of a fault."""
    with Path("views/translations/id/LC_MESSAGES/messages.po").open("rb") as file:
        return str(read_po(file)[fault.title.text].string)
