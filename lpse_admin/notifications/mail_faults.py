"""What the refusal of a mail server means: whether the mail or our own setting is at fault.

A reply has a code (RFC 5321), mostly an enhanced code (RFC 3463: 5.1.1 is an unknown mailbox, 5.7.1 a policy), and a
text. The enhanced code says most, then the command that was refused, then the code, then the words.
"""

from __future__ import annotations

import re
from enum import StrEnum

from lpse_admin.i18n import LabelledEnum, _


class MailFault(LabelledEnum):
    """Why a mail was not accepted, in words that say what to do."""

    SENDER = (
        "sender",
        _("The mail server refuses the sender address: set LPSE_MAIL_FROM to an address that the account may use."),
    )
    LOGIN = "login", _("The mail server refuses the user name or password in LPSE_SMTP_URL.")
    POLICY = (
        "policy",
        _(
            "The mail server refuses mail from this program (relaying, SPF, DKIM or DMARC): ask whoever runs the mail"
            " server to allow this sender and this host."
        ),
    )
    CERTIFICATE = (
        "certificate",
        _(
            "The certificate of the mail server is not trusted: put the region's own CA certificate into a file and"
            " name it in LPSE_SMTP_CA, and write the host in LPSE_SMTP_URL as the certificate has it."
        ),
    )
    ENCRYPTION = (
        "encryption",
        _("No encrypted connection to the mail server is possible: check smtp:// or smtps:// and the port."),
    )
    UNREACHABLE = "unreachable", _("The mail server cannot be reached: check host and port in LPSE_SMTP_URL.")
    RECIPIENT = "recipient", _("The recipient's address does not exist or cannot take mail: correct it in the account.")
    CONTENT = "content", _("The mail server refuses this mail itself.")

    @property
    def is_of_setting(self) -> bool:
        """Whether the setting of this installation is at fault, and not the mail: it waits until that is mended."""
        return self not in {MailFault.RECIPIENT, MailFault.CONTENT}


class SmtpCommand(StrEnum):
    """The command that was refused."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"


_PERMANENT_CODES = range(500, 600)
#: Replies about the authentication and not the mail (RFC 4954).
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_ADDRESS, _MAILBOX, _CONTENT, _SECURITY = 1, 2, 6, 7
#: 5.1.7 and 5.1.8: the address or the domain of the sender.
_SENDER_DETAILS = frozenset({"7", "8"})
_SENDER_WORDS = re.compile(r"sender|from address|return.?path|pengirim|not owned|mail from", re.IGNORECASE)
_POLICY_WORDS = re.compile(
    r"relay|spf|dkim|dmarc|policy|kebijakan|not (?:allowed|permitted|authori[sz]ed)|authenticat|black.?list|block.?list"
    r"|blocked|banned|spamhaus|denied",
    re.IGNORECASE,
)
_SENDER_CODE, _TOO_LARGE_CODE, _FAILED_CODE = 553, 552, 554


def classify_reply(code: int, text: str, command: SmtpCommand) -> MailFault | None:
    """Return what is at fault when ``command`` was answered so; None for a refusal that is only for now."""
    if code not in _PERMANENT_CODES:
        return None
    if code in _LOGIN_CODES:
        return MailFault.LOGIN
    match = _ENHANCED.search(text)
    subject, detail = (int(match[1]), match[2]) if match else (None, "")
    words_of_sender = MailFault.SENDER if _SENDER_WORDS.search(text) else MailFault.POLICY
    # The first that holds.
    reasons = (
        (subject == _SECURITY, words_of_sender),
        (subject == _ADDRESS and detail in _SENDER_DETAILS, MailFault.SENDER),
        (code == _TOO_LARGE_CODE or subject == _CONTENT, MailFault.CONTENT),
        (command is SmtpCommand.MAIL, MailFault.SENDER),
        (subject in {_ADDRESS, _MAILBOX}, MailFault.RECIPIENT),
        (code == _SENDER_CODE, MailFault.SENDER),
        (code == _FAILED_CODE or _POLICY_WORDS.search(text) is not None, words_of_sender),
        (command is SmtpCommand.RCPT, MailFault.RECIPIENT),
    )
    return next((fault for holds, fault in reasons if holds), MailFault.CONTENT)
