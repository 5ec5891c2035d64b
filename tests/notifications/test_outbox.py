"""The outbox: each mail is sent once to a real server, in spite of refusals, stalls and disconnects."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url, select

from lpse_admin.accounts.roles import Role
from lpse_admin.notifications.events import Event
from lpse_admin.notifications.smtp_url import MailServer
from lpse_admin.sop.steps import Outcome, Step
from models.administration.operations import disable_account
from models.audit.trail import AuditEntry, entries_for_record
from models.audit.verification import verify_chains
from models.notifications import outbox, smtp_client
from models.notifications.mail import Mail, MailState
from models.notifications.notification import Notification, notify
from models.notifications.outbox import CLAIM_LEASE, MAX_ATTEMPTS, retry_delay, send_outbox
from models.notifications.smtp_client import RenderedMail
from tests.support.cast import NOW, change_at_step, create_cast, open_session, set_test_audit_context, user
from tests.support.present import present
from tests.support.servers.mail_server import DROP, STALL, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

    from models.accounts.user import User
    from models.notifications.outbox import SendResult
    from models.notifications.smtp_client import OutgoingMail
    from tests.support.cast import AuditedSession, Cast, Office
    from tests.support.servers.mail_server import Mailbox

MINUTE = dt.timedelta(minutes=1)


def compose(parcel: OutgoingMail) -> RenderedMail:
    return RenderedMail(f"Kabar {parcel.mail_id}", "Isi", "<p>Isi</p>", parcel.agency_name)


def give_addresses(session: AuditedSession, cast: Cast) -> None:
    set_test_audit_context(session, "addresses")
    for office in (cast.lumajang, cast.tana_tidung):
        for person in office.people:
            person.email = f"{person.username}@kantor.example"
    session.commit()


@pytest.fixture
def office(session: AuditedSession, cast: Cast) -> Office:
    """Give an office whose people have addresses."""
    give_addresses(session, cast)
    return cast.lumajang


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Give a mail server that takes everything."""
    with running_server() as opened:
        yield opened


def put(session: AuditedSession, office: Office, *keys: str, people: Sequence[User] | None = None) -> None:
    """Put a mail for each key into the outbox, and commit."""
    set_test_audit_context(session, "tell")
    for key in keys:
        notify(session, Event.OVERDUE, people or [office.manager], now=NOW, key=key, step=Step.TEST)
    session.commit()


def sending(session: AuditedSession, server: MailServer, now: dt.datetime = NOW, **more: Any) -> SendResult:
    return send_outbox(session, server, compose, now=lambda: now, by="tests", **more)


def mails(session: AuditedSession) -> list[Mail]:
    session.rollback()
    return list(session.scalars(select(Mail).order_by(Mail.id).execution_options(populate_existing=True)))


def test_a_mail_is_sent_once_and_the_trail_says_so_in_one_entry(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a")
    tally = sending(session, box.server())
    assert (tally.sent, tally.postponed, tally.failed, tally.last_error) == (1, 0, 0, "")
    (mail,) = mails(session)
    assert (mail.state, mail.sent_at, mail.attempts, mail.claimed_until) == (MailState.SENT, NOW, 1, None)
    assert (box.message_ids, box.recipients) == ([mail.message_id], ["pengelola@kantor.example"])
    assert [(entry.action, entry.actor_name) for entry in entries_for_record(session, "mail", mail.id)] == [
        ("mail.send", "tests"), ("tell", "tests"),
    ]  # fmt: skip
    assert verify_chains(session) is None
    session.rollback()
    assert sending(session, box.server(), NOW + 100 * CLAIM_LEASE).sent == 0
    assert len(box.received) == 1


def test_the_head_of_a_mail_says_who_what_when_and_that_nobody_wrote_it(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a")
    sending(session, box.server())
    (message,) = box.received
    assert message["From"].addresses[0].addr_spec == "lpse@lpse.example"
    assert message["From"].addresses[0].display_name == office.agency.name
    assert message["To"].addresses[0].addr_spec == "pengelola@kantor.example"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@lpse.example>")
    assert present(message.get_body(("plain",))).get_content().strip() == "Isi"
    assert present(message.get_body(("html",))).get_content().strip() == "<p>Isi</p>"


def test_nothing_in_a_name_or_a_subject_ends_a_header(session: AuditedSession, office: Office, box: Mailbox) -> None:
    set_test_audit_context(session)
    office.manager.full_name = "Pengelola\r\nBcc: semua@kantor.example"
    session.commit()
    put(session, office, "a")
    subject = "Judul\r\nBcc: semua@kantor.example\r\n\r\nIsi lain\u2028x" + "y" * 500
    send_outbox(
        session,
        box.server(),
        lambda _: RenderedMail(subject, "Isi", "Isi", "LPSE\nX-Lain: y"),
        now=lambda: NOW,
        by="tests",
    )
    (message,) = box.received
    assert box.recipients == ["pengelola@kantor.example"]
    assert message["Bcc"] is None
    assert message["X-Lain"] is None
    assert message["Subject"].startswith("Judul Bcc: semua@kantor.example Isi lain x")
    assert len(message["Subject"]) <= 160


def test_a_refusal_for_now_is_tried_again_later_and_later(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a")
    box.recipient_replies.extend(["451 penuh", "451 masih penuh"])
    assert sending(session, box.server()).postponed == 1
    (mail,) = mails(session)
    first = mail.message_id
    assert (mail.state, mail.next_try_at, mail.last_error) == (MailState.WAITING, NOW + MINUTE, "451 penuh")
    assert sending(session, box.server(), NOW + MINUTE / 2) == outbox.SendResult()
    assert sending(session, box.server(), NOW + MINUTE).postponed == 1
    assert mails(session)[0].next_try_at == NOW + 3 * MINUTE
    assert sending(session, box.server(), NOW + 3 * MINUTE).sent == 1
    (mail,) = mails(session)
    assert (mail.state, mail.attempts, mail.last_error, mail.message_id) == (MailState.SENT, 3, None, first)
    assert box.message_ids == [first]


def test_the_pauses_double_up_to_six_hours_and_make_five_days_of_trying() -> None:
    assert [retry_delay(number) // MINUTE for number in range(1, 12)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert (
        dt.timedelta(days=4.5) < sum(map(retry_delay, range(1, MAX_ATTEMPTS)), dt.timedelta()) < dt.timedelta(days=5.5)
    )
    assert retry_delay(10**6) == retry_delay(11)


@pytest.mark.parametrize("where", ["recipient_replies", "data_replies"])
def test_a_refusal_for_good_fails_with_the_server_s_answer_and_does_not_hold_up_the_next(
    session: AuditedSession, office: Office, box: Mailbox, where: str
) -> None:
    put(session, office, "a", "b")
    getattr(box, where).append("550 tidak dikenal")
    tally = sending(session, box.server())
    assert (tally.failed, tally.sent, tally.last_error) == (1, 1, "550 tidak dikenal")
    failed, sent = mails(session)
    assert (failed.state, failed.last_error, sent.state) == (MailState.FAILED, "550 tidak dikenal", MailState.SENT)
    session.rollback()
    assert sending(session, box.server(), NOW + 100 * CLAIM_LEASE) == outbox.SendResult()


def test_a_mail_that_no_server_took_in_five_days_of_trying_has_failed(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a")
    box.data_replies.extend(["451 nanti"] * MAX_ATTEMPTS)
    now = NOW
    for _attempt in range(MAX_ATTEMPTS - 1):
        assert sending(session, box.server(), now).postponed == 1
        now = mails(session)[0].next_try_at
    assert sending(session, box.server(), now).failed == 1
    (mail,) = mails(session)
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.FAILED, MAX_ATTEMPTS, "451 nanti")


def test_a_server_that_drops_the_line_in_the_middle_of_a_mail_gets_it_again(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a", "b")
    box.data_replies.append(DROP)
    tally = sending(session, box.server())
    assert (tally.sent, tally.postponed) == (1, 1)
    assert sending(session, box.server(), NOW + MINUTE).sent == 1
    assert sorted(box.message_ids) == sorted(present(mail.message_id) for mail in mails(session))


def test_a_server_that_keeps_dropping_is_left_alone_until_the_next_round(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, *"abcde")
    box.data_replies.extend([DROP] * 5)
    tally = sending(session, box.server())
    assert (tally.sent, tally.postponed) == (0, 3)
    box.data_replies.clear()
    assert sending(session, box.server(), NOW + MINUTE).sent == 5
    assert len(set(box.message_ids)) == len(box.message_ids) == 5


def test_a_server_that_stalls_is_given_up_after_the_timeout(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a")
    box.data_replies.append(STALL)
    tally = sending(session, box.server(timeout=0.2))
    assert tally.postponed == 1
    assert "timed out" in tally.last_error
    assert sending(session, box.server(), NOW + MINUTE).sent == 1
    assert box.message_ids == [mails(session)[0].message_id]


def test_a_server_that_dribbles_is_cut_off_however_lively_it_seems(
    session: AuditedSession, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_client, "SEND_TIMEOUT", 0.2)
    put(session, office, "a")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble() -> None:
            line, _address = listener.accept()
            with line:
                line.sendall(b"220 siap\r\n")
                line.recv(1024)
                line.sendall(b"250 halo\r\n")
                line.recv(1024)
                try:
                    while True:
                        line.sendall(b"250-")
                        line.settimeout(0.02)
                        try:
                            if not line.recv(1024):
                                break
                        except TimeoutError:
                            continue
                except OSError:
                    pass

        thread = Thread(target=dribble, daemon=True)
        thread.start()
        tally = sending(session, MailServer("127.0.0.1", listener.getsockname()[1], "lpse@lpse.example", timeout=30))
        thread.join()
    assert tally.postponed == 1


def test_where_nobody_listens_one_mail_is_tried_and_all_are_kept(session: AuditedSession, office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    put(session, office, "a", "b")
    tally = sending(session, MailServer("127.0.0.1", port, "lpse@lpse.example", timeout=5))
    assert (tally.sent, tally.postponed) == (0, 1)
    assert [(mail.state, mail.attempts) for mail in mails(session)] == [(MailState.WAITING, 1), (MailState.WAITING, 0)]
    assert not [entry for entry in session.scalars(select(AuditEntry)) if entry.action == "mail.send"]


def test_a_server_that_needs_so_long_that_the_claim_may_lapse_gets_nothing(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a")
    clock = iter([NOW, NOW, *[NOW + CLAIM_LEASE] * 10])
    assert send_outbox(session, box.server(), compose, now=lambda: next(clock), by="tests").postponed == 1
    assert not box.received


def test_it_logs_in_where_the_setting_has_a_password(session: AuditedSession, office: Office) -> None:
    put(session, office, "a")
    with running_server(login=("lpse", "rahasia % besar")) as box:
        assert sending(session, box.server()).postponed == 1
        assert present(mails(session)[0].last_error).startswith("530")
        assert sending(session, box.server(user="lpse", password="salah"), NOW + MINUTE).postponed == 1
        error = present(mails(session)[0].last_error)
        assert error.startswith("535")
        assert "salah" not in error
        server = box.server(user="lpse", password="rahasia % besar")
        assert sending(session, server, NOW + 3 * MINUTE).sent == 1
        assert len(box.received) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give (certificate, key) for localhost, made for this run."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    created = folder / "localhost.pem", folder / "key.pem"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-out", created[0], "-keyout", created[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return created


@pytest.mark.parametrize("kind", ["tls", "offers"])
def test_it_speaks_tls_from_the_start_or_where_it_is_offered_and_trusts_no_stranger(
    session: AuditedSession, office: Office, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    put(session, office, "a")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    with running_server(**dict[str, Any]({kind: context})) as box:
        server = box.server(host="localhost", is_tls=kind == "tls")
        assert sending(session, server).postponed == 1
        assert "certificate" in present(mails(session)[0].last_error)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert sending(session, server, NOW + MINUTE).sent == 1
        assert len(box.received) == 1


def test_an_address_that_is_none_fails_and_harms_no_other(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    set_test_audit_context(session)
    office.manager.email = "dua@@kantor.example"
    office.manager2.email = "söröwö@kantor.example"
    session.commit()
    put(session, office, "a", people=[office.manager, office.manager2, office.head])
    tally = sending(session, box.server())
    assert (tally.failed, tally.sent) == (2, 1)
    assert box.recipients == ["kepala@kantor.example"]


def test_whoever_has_left_is_not_written_to(session: AuditedSession, office: Office, box: Mailbox) -> None:
    put(session, office, "a")
    set_test_audit_context(session)
    office.manager.is_active = False
    session.commit()
    assert sending(session, box.server()).cancelled == 1
    assert (mails(session)[0].state, box.received) == (MailState.CANCELLED, [])


def test_whoever_is_disabled_is_told_that_and_of_nobody_else(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    set_test_audit_context(session)
    user(session, office.agency, "kepala2", Role.HEAD).email = "kepala2@kantor.example"
    office.head.email = "kepala@kantor.example"
    session.flush()
    disable_account(office.manager, None, now=NOW)
    session.commit()
    set_test_audit_context(session)
    disable_account(office.head, None, now=NOW)
    session.commit()
    sending(session, box.server())
    assert box.recipients.count("pengelola@kantor.example") == 1
    assert box.recipients.count("kepala@kantor.example") == 1, "what was told of the other is not sent any more"
    assert box.recipients.count("kepala2@kantor.example") == 2


def test_a_stopping_server_begins_no_further_mail(session: AuditedSession, office: Office, box: Mailbox) -> None:
    put(session, office, "a", "b")
    assert sending(session, box.server(), is_stopped=lambda: bool(box.received)).sent == 1
    assert len(box.received) == 1


def test_two_senders_at_once_send_each_mail_once(
    database_url: str, session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, *(f"key-{number}" for number in range(30)))
    start, tallies = Barrier(2), []

    def go() -> None:
        with open_session(database_url) as own:
            start.wait()
            tallies.append(sending(own, box.server()))

    threads = [Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(tally.sent for tally in tallies) == 30
    assert len(box.message_ids) == len(set(box.message_ids)) == 30
    assert {mail.state for mail in mails(session)} == {MailState.SENT}
    assert verify_chains(session) is None


def test_what_a_sender_has_claimed_no_other_takes_before_the_lease_is_over(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    class Killed(BaseException):
        pass

    def die(_parcel: OutgoingMail) -> NoReturn:
        raise Killed

    put(session, office, "a")
    with pytest.raises(Killed):
        send_outbox(session, box.server(), die, now=lambda: NOW, by="tests")
    session.rollback()
    assert sending(session, box.server(), NOW + CLAIM_LEASE - MINUTE) == outbox.SendResult()
    assert sending(session, box.server(), NOW + CLAIM_LEASE).sent == 1
    (mail,) = mails(session)
    assert (mail.attempts, box.message_ids) == (2, [mail.message_id])


#: Where the program is killed: with its move not committed, committed, with a mail claimed, and after sending all.
STAGES = ("moved", "committed", "claimed", "sent")
#: A hundred on SQLite, whose one file is the harder to leave whole; on PostgreSQL seven at each stage.
KILLS = {"sqlite": 100, "postgresql": 28}


def test_a_program_killed_again_and_again_loses_no_mail_and_sends_none_twice(database_url: str, box: Mailbox) -> None:
    kills = KILLS[make_url(database_url).get_backend_name()]
    with open_session(database_url) as session:
        cast = create_cast(session)
        give_addresses(session, cast)
        change_id = change_at_step(session, cast.lumajang, Step.EVALUATION).id
        before = len(mails(session))
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.support.killed", database_url, str(change_id), str(box.port)],
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with worker:
        for kill in range(kills):
            stage = STAGES[kill % len(STAGES)]
            present(worker.stdin).write(f"{kill} {stage}\n")
            present(worker.stdin).flush()
            assert present(worker.stdout).readline().split() == [str(kill), stage]
        present(worker.stdin).close()
    assert worker.returncode == 0
    with open_session(database_url) as session:
        sending(session, box.server(), NOW + dt.timedelta(days=30))
        result = mails(session)
        told = Counter(session.scalars(select(Notification.event)))
        assert {mail.state for mail in result} == {MailState.SENT}
        # Mails that waited for the same recipient at the same time went out as one, and each of those once.
        assert set(Counter(box.message_ids).values()) == {1}
        assert set(box.message_ids) == {mail.message_id for mail in result}
        assert len(result) > before + kills * 3 // 4
        moves = [entry.action for entry in session.scalars(select(AuditEntry)) if entry.action.startswith("change.")]
        # Every move that was committed was told, and no other.
        returned, resubmitted = moves.count(f"change.{Outcome.RETURNED}"), moves.count(f"change.{Outcome.RESUBMITTED}")
        assert returned + resubmitted == kills * 3 // 4
        assert told == {Event.OUTCOME: returned, Event.WAITING: 2 * (resubmitted + 1)}
        assert verify_chains(session) is None
