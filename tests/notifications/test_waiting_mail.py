"""Mail that waits for the setting to be mended, for its recipient's other mail, or for the daily digest."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from lpse_admin.config import read_settings
from lpse_admin.notifications.events import Event
from lpse_admin.notifications.mail_faults import MailFault
from lpse_admin.sop.steps import Step
from models.audit.trail import entries_for_record
from models.notifications.mail import MailState
from models.notifications.notification import notify
from models.notifications.outbox import MAX_ATTEMPTS, MAX_SETTING_ATTEMPTS, setting_retry_delay
from tests.notifications.test_outbox import MINUTE, box, mails, office, put, sending  # noqa: F401 - fixtures
from tests.support.cast import NOW, new_change, set_test_audit_context
from tests.support.present import present
from tests.support.servers.certificates import make_certificates
from tests.support.servers.mail_server import running_server

if TYPE_CHECKING:
    from pathlib import Path

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Office
    from tests.support.servers.mail_server import Mailbox

NOT_OWNED = "553 5.7.1 <lpse@example.go.id>: Sender address rejected: not owned by user"
DAY = dt.timedelta(days=1)


# --- faults of the setting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "reply", "fault"),
    [
        pytest.param("recipient_replies", NOT_OWNED, MailFault.SENDER, id="553 to the recipient, for the sender"),
        pytest.param("data_replies", "550 5.7.1 Message rejected due to SPF policy", MailFault.POLICY,
                     id="550 to the content, for SPF"),
        pytest.param("data_replies", "554 5.7.1 blocked", MailFault.POLICY, id="554 to the content"),
        pytest.param("recipient_replies", "554 5.7.1 Relay access denied", MailFault.POLICY, id="554 for relaying"),
        pytest.param("sender_replies", "550 5.1.0 sender rejected", MailFault.SENDER, id="550 to the sender"),
        pytest.param("recipient_replies", "530 5.7.0 Authentication required", MailFault.LOGIN, id="530"),
        pytest.param("data_replies", "534 5.7.9 too weak", MailFault.LOGIN, id="534"),
    ],
)  # fmt: skip
def test_mail_waits_while_the_setting_is_at_fault_and_goes_out_by_itself_once_it_is_mended(
    session: AuditedSession, office: Office, box: Mailbox, where: str, reply: str, fault: MailFault
) -> None:
    put(session, office, *(f"key-{number}" for number in range(6)))
    getattr(box, where).extend([reply] * 60)
    now = NOW
    for _round in range(8):
        result = sending(session, box.server(), now)
        assert (result.sent, result.failed) == (0, 0)
        now += 15 * MINUTE
    tried = [mail for mail in mails(session) if mail.attempts]
    assert {mail.state for mail in mails(session)} == {MailState.WAITING}
    assert {(mail.fault, mail.last_error) for mail in tried} == {(fault, reply)}
    getattr(box, where).clear()
    for _round in range(2):
        session.rollback()
        sending(session, box.server(), now)
        now += 15 * MINUTE
    assert {(mail.state, mail.fault, mail.last_error) for mail in mails(session)} == {(MailState.SENT, None, None)}
    assert len(box.received) == 6


def test_an_unknown_recipient_is_final_and_harms_no_other(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    put(session, office, "a", "b")
    box.recipient_replies.append("550 5.1.1 <x@kantor.example>: Recipient address rejected: User unknown")
    assert (sending(session, box.server()).failed, len(box.received)) == (1, 1)
    failed, _sent = mails(session)
    assert (failed.state, failed.fault, failed.attempts) == (MailState.FAILED, MailFault.RECIPIENT, 1)


def test_three_refusals_for_the_setting_end_the_round(session: AuditedSession, office: Office, box: Mailbox) -> None:
    put(session, office, *(f"key-{number}" for number in range(9)))
    box.recipient_replies.extend([NOT_OWNED] * 9)
    result = sending(session, box.server())
    assert (result.postponed, result.fault) == (3, MailFault.SENDER)


def test_a_fault_of_the_setting_is_tried_for_a_month_and_at_least_each_quarter_of_an_hour_at_first() -> None:
    pauses = [setting_retry_delay(number) for number in range(1, MAX_SETTING_ATTEMPTS)]
    assert max(pauses[:90]) == 15 * MINUTE
    assert max(pauses) == 60 * MINUTE
    assert 28 * DAY < sum(pauses, dt.timedelta()) < 35 * DAY
    assert MAX_SETTING_ATTEMPTS > MAX_ATTEMPTS


# --- the region's own certificate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_with_the_region_s_own_certificate_is_trusted_once_the_setting_names_its_authority(
    session: AuditedSession, office: Office, tmp_path: Path, scheme: str
) -> None:
    ca_file, context = make_certificates(tmp_path)
    put(session, office, "a")
    with running_server(tls=context if scheme == "smtps" else None, offers=context) as box:
        variables = {"LPSE_SMTP_URL": f"{scheme}://localhost:{box.port}?from=lpse@lpse.example"}
        without = present(read_settings(variables, instance=tmp_path).mail_server)
        assert sending(session, without).postponed == 1
        (mail,) = mails(session)
        assert (mail.state, mail.fault) == (MailState.WAITING, MailFault.CERTIFICATE)
        assert "LPSE_SMTP_CA" in str(MailFault.CERTIFICATE.title)
        variables["LPSE_SMTP_CA"] = str(ca_file)
        server = present(read_settings(variables, instance=tmp_path).mail_server)
        assert sending(session, server, NOW + MINUTE).sent == 1
        assert len(box.received) == 1


# --- one mail for what waits together --------------------------------------------------------------------------------


def requests(session: AuditedSession, office: Office, count: int) -> list[ChangeRequest]:
    return [new_change(session, office) for _number in range(count)]


def tell(session: AuditedSession, change: ChangeRequest, user: User, *events: Event, now: dt.datetime = NOW) -> None:
    set_test_audit_context(session, "tell", now=now)
    for event in events:
        notify(session, event, [user], now=now, key=f"{event}-{change.id}", change=change, step=Step.TEST)
    session.commit()


def test_what_waits_for_one_recipient_goes_out_in_one_mail_and_an_emergency_in_its_own(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    for change in requests(session, office, 20):
        tell(session, change, office.manager, Event.OVERDUE, Event.DEVIATION)
        tell(session, change, office.head, Event.OVERDUE)
    urgent = requests(session, office, 1)[0]
    tell(session, urgent, office.head, Event.EMERGENCY, Event.OVERDUE)
    result = sending(session, box.server())
    assert result.sent == len(mails(session)) == 62
    assert sorted(box.recipients) == ["kepala@kantor.example"] * 2 + ["pengelola@kantor.example"]
    assert {mail.state for mail in mails(session)} == {MailState.SENT}
    # One entry for all rows of a mail.
    entries = {entry.id for mail in mails(session) for entry in entries_for_record(session, "mail", mail.id)
               if entry.action == "mail.send"}  # fmt: skip
    assert len(entries) == 3


def test_all_attempts_at_a_mail_have_the_same_content(session: AuditedSession, office: Office, box: Mailbox) -> None:
    first, second, third = requests(session, office, 3)
    tell(session, first, office.manager, Event.OVERDUE)
    tell(session, second, office.manager, Event.OVERDUE)
    box.data_replies.append("451 nanti")
    assert sending(session, box.server()).postponed == 2
    tell(session, third, office.manager, Event.OVERDUE, now=NOW + MINUTE)
    sent = sending(session, box.server(), NOW + MINUTE)
    assert sent.sent == 3
    assert len(box.received) == 2
    assert len({mail.message_id for mail in mails(session)}) == 2


# --- the daily digest ------------------------------------------------------------------------------------------------


def test_what_is_chosen_for_the_digest_waits_for_the_next_working_morning_and_emergencies_do_not(
    session: AuditedSession, office: Office, box: Mailbox
) -> None:
    set_test_audit_context(session)
    office.head.digest_events = [Event.OVERDUE.value, Event.EMERGENCY.value]
    office.head.muted_events = [Event.DEVIATION.value]
    session.commit()
    friday = dt.datetime(2026, 3, 6, 3, 0, tzinfo=dt.UTC)  # Friday 10.00 WIB
    for change in requests(session, office, 3):
        tell(session, change, office.head, Event.OVERDUE, Event.DEVIATION, now=friday)
    tell(session, requests(session, office, 1)[0], office.head, Event.EMERGENCY, now=friday)
    assert sending(session, box.server(), friday).sent == 1
    saturday = friday + DAY
    assert sending(session, box.server(), saturday).sent == 0
    monday = dt.datetime(2026, 3, 9, 0, 30, tzinfo=dt.UTC)  # 07.30 WIB
    assert sending(session, box.server(), monday - MINUTE).sent == 0
    assert sending(session, box.server(), monday).sent == 3
    assert len(box.received) == 2
