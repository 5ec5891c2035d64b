"""What the reply of a mail server means: the mail's own fault, or that of our setting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.notifications.mail_faults import MailFault, SmtpCommand, classify_reply

MAIL, RCPT, DATA = SmtpCommand


@pytest.mark.parametrize(
    ("code", "text", "command", "fault"),
    [
        (553, "5.7.1 <lpse@example.go.id>: Sender address rejected: not owned by user", RCPT, MailFault.SENDER),
        (553, "sorry, that domain isn't in my list of allowed hosts", RCPT, MailFault.SENDER),
        (553, "5.1.8 Domain of sender address does not exist", RCPT, MailFault.SENDER),
        (550, "5.1.7 Invalid address", RCPT, MailFault.SENDER),
        (550, "5.1.0 Address rejected", MAIL, MailFault.SENDER),
        (501, "bad address syntax", MAIL, MailFault.SENDER),
        (550, "5.7.1 Message rejected due to SPF policy", DATA, MailFault.POLICY),
        (550, "5.7.26 This mail is unauthenticated", DATA, MailFault.POLICY),
        (550, "Relaying denied", RCPT, MailFault.POLICY),
        (550, "Sender verify failed: not permitted", RCPT, MailFault.SENDER),
        (554, "5.7.1 <budi@contoh.example>: Relay access denied", RCPT, MailFault.POLICY),
        (554, "Transaction failed", DATA, MailFault.POLICY),
        (571, "5.7.1 delivery not authorized", RCPT, MailFault.POLICY),
        (530, "5.7.0 Authentication required", RCPT, MailFault.LOGIN),
        (534, "5.7.9 mechanism too weak", RCPT, MailFault.LOGIN),
        (535, "5.7.8 bad credentials", MAIL, MailFault.LOGIN),
        (538, "encryption required", DATA, MailFault.LOGIN),
        (550, "5.1.1 <tidak.ada@contoh.example>: Recipient address rejected: User unknown", RCPT, MailFault.RECIPIENT),
        (550, "5.1.1 user unknown: blocked", DATA, MailFault.RECIPIENT),
        (550, "5.2.1 mailbox disabled", RCPT, MailFault.RECIPIENT),
        (553, "5.1.3 bad recipient address syntax", RCPT, MailFault.RECIPIENT),
        (556, "5.1.10 null MX", RCPT, MailFault.RECIPIENT),
        (550, "No such user here", RCPT, MailFault.RECIPIENT),
        (551, "user not local", RCPT, MailFault.RECIPIENT),
        (552, "message too large", DATA, MailFault.CONTENT),
        (552, "5.3.4 message too large", MAIL, MailFault.CONTENT),
        (554, "5.6.0 malformed message", DATA, MailFault.CONTENT),
        (550, "rejected as spam", DATA, MailFault.CONTENT),
        (450, "4.7.1 greylisted", RCPT, None),
        (451, "relay denied for now", DATA, None),
        (250, "OK", DATA, None),
    ],
)
def test_a_reply_tells_whether_the_setting_or_the_mail_is_at_fault(
    code: int, text: str, command: SmtpCommand, fault: MailFault | None
) -> None:
    assert classify_reply(code, text, command) is fault


def test_only_the_recipient_s_address_and_the_mail_itself_are_no_fault_of_the_setting() -> None:
    assert {fault for fault in MailFault if not fault.is_of_setting} == {MailFault.RECIPIENT, MailFault.CONTENT}


@given(st.integers(400, 599), st.text(max_size=80), st.sampled_from(SmtpCommand))
def test_every_final_refusal_has_its_fault_and_no_other_has_one(code: int, text: str, command: SmtpCommand) -> None:
    assert (classify_reply(code, text, command) is None) == (code < 500)
