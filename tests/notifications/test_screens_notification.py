"""The screen of notifications, the choice of mail, rendered mails, the scheduler and the mail commands."""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from dataclasses import replace
from threading import Event as Flag
from typing import TYPE_CHECKING

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from lpse_admin.notifications.events import ALWAYS_MAILED, Event
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.user import Language, User
from models.audit.trail import entries_for_record
from models.changes.change import ChangeRequest
from models.database import db
from models.delegation.delegation import DelegationKind
from models.delegation.grant import grant_delegation
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification, notify
from tests.commands.test_commands import run
from tests.support.cast import LUMAJANG, NOW, TANA_TIDUNG, make_move, new_change
from tests.support.present import present
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from tests.support.servers.mail_server import running_server
from views.app.scheduler import JOBS, Scheduler
from views.notifications import mailing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running_app import RunningApp
    from tests.support.servers.mail_server import Mailbox

BACK = "Kurang <b>lengkap</b>"


def told(running_app: RunningApp, username: str) -> list[Notification]:
    with running_app.session() as session:
        result = select(Notification).join(User, User.id == Notification.user_id).where(User.username == username)
        return list(session.scalars(result.order_by(Notification.id)))


def mails(running_app: RunningApp) -> list[Mail]:
    with running_app.session() as session:
        return list(session.scalars(select(Mail).order_by(Mail.id)))


def unread(running_app: RunningApp, username: str, path: str = "/") -> str:
    """Return the count in the head of a page."""
    match = re.search(r'class="bell-count">([^<]+)<', running_app.visitor(username).get(path).text)
    return match[1] if match else ""


def returned(running_app: RunningApp, key: str = LUMAJANG, **values: object) -> int:
    """Return a request that came back to its requester, with the reason BACK."""
    with running_app.session() as session:
        office = running_app.cast(session).office(key)
        change = new_change(session, office)
        make_move(session, change, Outcome.SUBMITTED, office.requester)
        make_move(session, change, Outcome.RETURNED, office.manager, values={"reason": BACK, **values})
        return change.id


@pytest.fixture
def all_read(running_app: RunningApp) -> None:
    """Begin with nothing unread and nothing to be sent."""
    for name in ("pemohon", "pengelola", "pengelola2", "kepala"):
        running_app.visitor(name).post("/admin/notification/read-all")
    with running_app.session() as session:
        for mail in session.scalars(select(Mail).where(Mail.state == MailState.WAITING)):
            mail.state = MailState.CANCELLED
        session.commit()


@contextmanager
def posted(running_app: RunningApp, **more: object) -> Iterator[Mailbox]:
    """Let the program send to a server of its own."""
    before = running_app.app.extensions["lpse_settings"]
    with running_server() as box:
        running_app.app.extensions["lpse_settings"] = replace(before, mail_server=box.server(), **more)
        yield box
    running_app.app.extensions["lpse_settings"] = before


@pytest.mark.usefixtures("all_read")
def test_the_head_of_every_page_counts_what_is_unread(running_app: RunningApp) -> None:
    assert unread(running_app, "pemohon") == ""
    returned(running_app)
    for path in ("/", "/admin/change/", "/profile", "/admin/nowhere"):
        assert unread(running_app, "pemohon", path) == "1"
    assert unread(running_app, "pengelola") == "1"
    assert unread(running_app, "kepala") == ""
    with running_app.session() as session:
        manager = running_app.cast(session).lumajang.manager
        for number in range(120):
            notify(session, Event.OVERDUE, [manager], now=NOW, key=f"many-{number}", step=Step.TEST)
        session.commit()
    assert unread(running_app, "pengelola") == "99+"
    assert 'class="bell' not in Visitor(running_app.app).get("/login").text


@pytest.mark.usefixtures("all_read")
def test_looking_reads_nothing_and_the_button_marks_it_and_leads_to_the_request(running_app: RunningApp) -> None:
    change_id = returned(running_app)
    (*_, one) = told(running_app, "pemohon")
    requester = running_app.visitor("pemohon")
    for path in ("/admin/notification/", f"/admin/notification/details/?id={one.id}"):
        page = requester.get(path).text
        assert "Kurang &lt;b&gt;lengkap&lt;/b&gt;" in page
        assert "“Evaluasi” atas permintaan Anda berakhir: Dikembalikan." in page
    assert unread(running_app, "pemohon") == "1"
    answer = requester.post(f"/admin/notification/{one.id}/open")
    assert (answer.status_code, answer.location) == (303, f"/admin/change/details/?id={change_id}")
    assert unread(running_app, "pemohon") == ""
    assert requester.post(f"/admin/notification/{one.id}/open").status_code == 303
    with running_app.session() as session:
        assert [entry.action for entry in entries_for_record(session, "notification", one.id)].count(
            "notification.read"
        ) == 1


@pytest.mark.usefixtures("all_read")
def test_everything_is_marked_as_read_at_once(running_app: RunningApp) -> None:
    returned(running_app)
    returned(running_app)
    page = running_app.visitor("pemohon").get("/admin/notification/").text
    assert "/admin/notification/read-all" in page
    answer = running_app.visitor("pemohon").post("/admin/notification/read-all")
    assert (answer.status_code, unread(running_app, "pemohon")) == (303, "")
    assert "/admin/notification/read-all" not in running_app.visitor("pemohon").get("/admin/notification/").text
    assert unread(running_app, "pengelola") == "2"


def test_each_sees_their_own_alone(running_app: RunningApp) -> None:
    returned(running_app)
    returned(running_app, TANA_TIDUNG, reason="Rahasia Tana Tidung")
    (*_, one) = told(running_app, "pemohon")
    for stranger in ("pemohon2", "pengelola", "kepala", "pemeriksa", "admin", "pemohon.tt"):
        visitor = running_app.visitor(stranger)
        assert visitor.get(f"/admin/notification/details/?id={one.id}").status_code == 404
        assert visitor.post(f"/admin/notification/{one.id}/open").status_code == 404
        for path in ("", "?search=RFC", "export/csv/"):
            page = visitor.get(f"/admin/notification/{path}").text
            assert f"/{one.id}/open" not in page
            if not stranger.endswith(".tt"):
                assert "Rahasia Tana Tidung" not in page
    assert "Rahasia Tana Tidung" in running_app.visitor("pemohon.tt").get("/admin/notification/").text


@pytest.mark.usefixtures("all_read")
def test_the_list_is_narrowed_and_exported_in_words(running_app: RunningApp) -> None:
    change_id = returned(running_app)
    with running_app.session() as session:
        notify(session, Event.OVERDUE, [running_app.cast(session).lumajang.requester], now=NOW, key=f"o-{change_id}",
             step=Step.TEST, due=NOW)  # fmt: skip
        session.commit()
    requester = running_app.visitor("pemohon")
    assert "/open" not in requester.get("/admin/notification/?state=read&event=overdue").text
    page = requester.get("/admin/notification/?state=unread&event=overdue").text
    assert page.count("/open") == 1
    assert "“Dokumentasi dan Uji Coba”" in page
    assert requester.get("/admin/notification/?event=bogus").status_code == 400
    rows = list(
        csv.reader(io.StringIO(requester.get("/admin/notification/export/csv/?state=unread").text.lstrip("\ufeff")))
    )
    assert {"“Evaluasi” atas permintaan Anda berakhir: Dikembalikan.", "“Dokumentasi dan Uji Coba” terlambat."} <= {
        cell for row in rows for cell in row
    }
    book = load_workbook(io.BytesIO(requester.get("/admin/notification/export/xlsx/?event=overdue").data))
    assert "“Dokumentasi dan Uji Coba” terlambat." in [cell for row in present(book.active).values for cell in row]


@pytest.mark.usefixtures("all_read")
def test_what_is_about_one_request_is_one_group_of_lines_and_opening_it_reads_all_of_them(
    running_app: RunningApp,
) -> None:
    change_id = returned(running_app)
    returned(running_app)
    with running_app.session() as session:
        notice = told(running_app, "pemohon")
        number = next(one.details["number"] for one in notice if one.change_id == change_id)
        change = session.get_one(ChangeRequest, change_id)
        notify(session, Event.OVERDUE, [running_app.cast(session).lumajang.requester], now=NOW, change=change,
               key=f"s-{change_id}", step=Step.TEST, due=NOW)  # fmt: skip
        session.commit()
    requester = running_app.visitor("pemohon")
    page = requester.get("/admin/notification/?state=unread").text
    groups = page.split('<li class="notice-group')[1:]
    mine = [group for group in groups if number in group]
    assert len(mine) == 1
    assert mine[0].count('<li class="notice') == 2
    opened = re.search(r'action="([^"]+/open)"', mine[0])
    assert opened
    assert requester.post(opened[1]).status_code == 303
    assert number not in requester.get("/admin/notification/?state=unread").text
    assert unread(running_app, "pemohon") == "1"


def test_the_menu_under_the_bell_has_the_newest_and_the_bell_is_a_link_without_it(running_app: RunningApp) -> None:
    change_id = returned(running_app)
    requester = running_app.visitor("pemohon")
    page = requester.get("/").text
    assert re.search(r'<a class="bell" data-menu="/admin/notification/latest" href="/admin/notification/', page)
    menu = requester.get("/admin/notification/latest").text
    assert f'href="/admin/change/details/?id={change_id}"' in menu
    assert 'href="/admin/change/?waiting=me"' in menu
    assert 'href="/admin/notification/"' in menu
    assert "<html" not in menu
    assert "waiting=me" not in running_app.visitor("pemeriksa").get("/admin/notification/latest").text


def test_what_belongs_to_no_request_leads_to_its_own_page(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        today = NOW.date()
        created = grant_delegation(session, head=office.head, delegate=office.manager2, kind=DelegationKind.PLH,
                decree_number="8/1",
                     from_date=today, until_date=today, by=office.head, now=NOW)  # fmt: skip
        session.commit()
        (*_, one) = told(running_app, "pengelola2")
        page = running_app.visitor("pengelola2").get(f"/admin/notification/details/?id={one.id}").text
        assert "menggantikan Kepala LPSE dari 2 Maret 2026 sampai 2 Maret 2026." in page
        answer = running_app.visitor("pengelola2").post(f"/admin/notification/{one.id}/open")
        assert answer.location == f"/admin/notification/details/?id={one.id}"
        created.withdraw(now=NOW, by=office.head)
        session.commit()
        grant_delegation(session, head=office.head, delegate=office.manager2, kind=DelegationKind.PLH,
                decree_number="8/2",
                     from_date=today, until_date=today, by=office.administrator, now=NOW)  # fmt: skip
        session.commit()
    assert (told(running_app, "pengelola2")[-1].event, told(running_app, "kepala")[-1].event) == (
        Event.DELEGATION_WITHDRAWN, Event.DELEGATION_UNCONFIRMED,
    )  # fmt: skip


# -- the choice of mail ------------------------------------------------------------------------------------------------


def chosen(running_app: RunningApp, username: str) -> set[str]:
    with running_app.session() as session:
        return set(session.scalars(select(User).where(User.username == username)).one().muted_events)


@pytest.mark.usefixtures("all_read")
def test_each_chooses_which_events_are_mailed_and_all_are_on_at_first(running_app: RunningApp) -> None:
    manager = running_app.visitor("pengelola2")
    page = manager.get("/profile").text
    assert "pengelola2@example.invalid" in page
    assert len(re.findall(r'<input checked[^>]*name="events"', page)) == len(Event) - len(ALWAYS_MAILED)
    answer = manager.post("/profile/mail", events=[Event.WAITING.value, Event.OVERDUE.value])
    assert answer.status_code == 303
    assert chosen(running_app, "pengelola2") == set(Event) - {Event.WAITING, Event.OVERDUE} - ALWAYS_MAILED
    assert len(re.findall(r'<input checked[^>]*name="events"', manager.get("/profile").text)) == 2
    with running_app.session() as session:
        id_ = session.scalars(select(User.id).where(User.username == "pengelola2")).one()
        assert entries_for_record(session, "user_account", id_)[0].action == "profile.mail"
    assert manager.post("/profile/mail", events=["bogus"]).status_code == 422
    manager.post("/profile/mail")
    returned(running_app)
    assert {mail.address for mail in mails(running_app) if mail.state is MailState.WAITING} == {
        "pemohon@example.invalid", "pengelola@example.invalid", "plh@example.invalid",
    }  # fmt: skip
    manager.post("/profile/mail", events=[event.value for event in Event if event not in ALWAYS_MAILED])
    assert chosen(running_app, "pengelola2") == set()


@pytest.mark.usefixtures("all_read")
def test_a_head_cannot_turn_emergencies_off(running_app: RunningApp) -> None:
    head = running_app.visitor("kepala")
    assert re.search(r'id="always-1" checked disabled', head.get("/profile").text)
    head.post("/profile/mail")
    running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    mailed = [mail for mail in mails(running_app) if mail.address == "kepala@example.invalid"]
    assert mailed[-1].state is MailState.WAITING
    head.post("/profile/mail", events=[event.value for event in Event if event not in ALWAYS_MAILED])


# -- the mail ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("all_read")
def test_a_mail_is_in_its_reader_s_language_with_the_reason_and_the_link(running_app: RunningApp) -> None:
    with running_app.session() as session:
        running_app.cast(session).lumajang.manager2.language = Language.ENGLISH
        session.commit()
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    running_app.make_move(change_id, Outcome.RETURNED, reason=BACK)
    with posted(running_app) as box:
        assert run(running_app.app, "mail", "send").exit_code == 0
    results = {message["To"].addresses[0].username: message for message in box.received}
    text = present(results["pemohon"].get_body(("plain",))).get_content()
    assert "“Evaluasi” atas permintaan Anda berakhir: Dikembalikan." in text
    assert BACK in text
    assert f"http://localhost/admin/change/details/?id={change_id}" in text
    assert "2 Maret 2026 pukul 09.00 WIB" in text
    html = present(results["pemohon"].get_body(("html",))).get_content()
    assert "Kurang &lt;b&gt;lengkap&lt;/b&gt;" in html
    assert 'lang="id"' in html
    assert results["pemohon"]["Subject"].startswith("[LPSE] RFC/2026/")
    assert results["pemohon"]["Content-Language"] == "id"
    english = present(results["pengelola2"].get_body(("plain",))).get_content()
    assert "“Evaluation” is waiting for you." in english
    assert "http" not in english  # it came about past the screens, so nobody knows the way
    with running_app.session() as session:
        running_app.cast(session).lumajang.manager2.language = Language.INDONESIAN
        session.commit()


@pytest.mark.usefixtures("all_read")
def test_the_set_address_stands_in_the_links_before_that_of_the_browser(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    running_app.make_move(change_id, Outcome.RETURNED, reason=BACK)
    with posted(running_app, base_url="https://lpse.example/rfc") as box:
        run(running_app.app, "mail", "send")
    assert {
        present(re.search(r"http\S+", present(message.get_body(("plain",))).get_content()))[0]
        for message in box.received
    } == {f"https://lpse.example/rfc/admin/change/details/?id={change_id}"}


@pytest.mark.usefixtures("all_read")
def test_a_title_can_end_no_header_and_break_no_page(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        change = new_change(session, office)
        change.title = "Judul\r\nBcc: semua@kantor.example <script>"
        make_move(session, change, Outcome.SUBMITTED, office.requester, values={"title": change.title})
    with posted(running_app) as box:
        run(running_app.app, "mail", "send")
    assert set(box.recipients) == {f"{name}@example.invalid" for name in ("pengelola", "pengelola2", "plh")}
    for message in box.received:
        assert message["Bcc"] is None
        assert "<script>" not in present(message.get_body(("html",))).get_content()


# -- commands and rounds -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("all_read")
def test_without_a_mail_server_mail_stays_and_the_command_says_so(running_app: RunningApp) -> None:
    returned(running_app)
    ended = run(running_app.app, "mail", "send")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "LPSE_SMTP_URL" in ended.stderr
    assert [mail.state for mail in mails(running_app)].count(MailState.WAITING) == 4


@pytest.mark.usefixtures("all_read")
def test_the_commands_tell_what_was_sent_put_off_and_failed(running_app: RunningApp) -> None:
    returned(running_app)
    with posted(running_app) as box:
        box.recipient_replies.extend(["550 tidak dikenal", "451 nanti"])
        ended = run(running_app.app, "mail", "send")
    assert (ended.exit_code, ended.stdout) == (1, "Terkirim 2, ditunda 1, gagal 1, tidak jadi dikirim 0.\n")
    assert "451 nanti" in ended.stderr
    listed = run(running_app.app, "mail", "list")
    assert listed.exit_code == 0
    assert "550 tidak dikenal" in listed.stdout
    assert "451 nanti" in listed.stdout
    assert "550" not in run(running_app.app, "mail", "list", "--state", "cancelled", "--state", "sent").stdout
    assert "Gagal 1" in listed.stdout
    assert run(running_app.app, "mail", "list", "--state", "lost").exit_code == 2


@pytest.mark.usefixtures("all_read")
def test_the_server_s_round_sends_what_is_due_and_ends_when_it_is_told_to(running_app: RunningApp) -> None:
    returned(running_app)
    went = Flag()
    with posted(running_app) as box:
        # The clock of the tests is not the database's, which would be told by mail too.
        jobs = [job for job in JOBS if job[0] != "clock"]
        rounds = Scheduler(running_app.app, 3600, (*jobs, ("after", lambda _is_stopped: went.set())))
        rounds.start()
        assert went.wait(60)
        rounds.stop()
    assert not rounds.is_running
    assert len(box.received) == 4


def test_the_fault_of_one_round_is_one_line_and_ends_neither_the_others_nor_the_thread(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Flag()
    lines = set()
    monkeypatch.setattr(running_app.app.logger, "error", lambda text, *values: lines.add(text % values))
    times = []

    def fail(_is_stopped: object) -> None:
        times.append(1)
        raise ValueError("first line\nsecond line")

    def succeed(_is_stopped: object) -> None:
        assert db.session.scalar(select(1)) == 1
        if len(times) > 2:
            done.set()

    rounds = Scheduler(running_app.app, 0.001, (("bad", fail), ("good", succeed)))
    rounds.start()
    assert done.wait(60)
    rounds.stop()
    assert not rounds.is_running
    assert lines == {"round “bad”: ValueError: first line second line"}


def test_a_round_without_a_mail_server_does_nothing(running_app: RunningApp) -> None:
    with running_app.app.app_context():
        assert mailing.send_due_mail() is None


def test_times_of_a_mail_are_those_of_the_reader_s_office(running_app: RunningApp) -> None:
    returned(running_app, TANA_TIDUNG)
    with posted(running_app) as box:
        run(running_app.app, "mail", "send")
    texts = [present(message.get_body(("plain",))).get_content() for message in box.received if ".tt@" in message["To"]]
    assert texts
    assert all("10.00 WITA" in text for text in texts)
