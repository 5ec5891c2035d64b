"""The table of the mail outbox. A mail is added in the transaction of its notification, and sent later."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, case, type_coerce
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.notifications.events import Event
from lpse_admin.notifications.mail_faults import MailFault
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type, partial_index
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule

if TYPE_CHECKING:
    import datetime as dt

    from models.notifications.notification import Notification


class MailState(LabelledEnum):
    """The state of a mail."""

    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class MailStatus(LabelledEnum):
    """The state of a notification's mail, or that it has none."""

    NOT_MAILED = "not-mailed", _("Not mailed")
    WAITING = MailState.WAITING.value, MailState.WAITING.title
    SENT = MailState.SENT.value, MailState.SENT.title
    FAILED = MailState.FAILED.value, MailState.FAILED.title
    CANCELLED = MailState.CANCELLED.value, MailState.CANCELLED.title


class Mail(Base):
    """The mail of a notification, to the address that its user had when it was last queued."""

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("notification_id"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at_a_time"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index(
            "ix_mail_due",
            "next_try_at",
            "id",
            **partial_index("state = 'waiting'"),
        ),
        Index("ix_mail_state", "state", "id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "mail_sent_once",
            "a mail that was sent is not sent again, and keeps its reader",
            (
                Immutable("OLD.state = 'sent'"),
                Immutable(
                    mutable=(
                        "address", "state", "attempts", "next_try_at", "claimed_until", "fault", "last_error",
                        "sent_at", "message_id",
                    )
                ),
                # One that failed for its address may go to another.
                Immutable("OLD.state <> 'failed' OR NEW.state <> 'waiting'", columns=("address",)),
                Immutable("OLD.message_id IS NOT NULL", columns=("message_id",)),
            ),
        ),
        DeleteRule("mail_kept", "a mail stays in the outbox"),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    notification_id: Mapped[int] = mapped_column(IdType, ForeignKey("notification.id"))
    address: Mapped[ShortText]
    state: Mapped[MailState] = mapped_column(enum_type(MailState, "state"), default=MailState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[Timestamp]
    #: The end of the lease of the sender that claimed it.
    claimed_until: Mapped[Timestamp | None]
    #: What was at fault at the last attempt, where it failed and the reason is known.
    fault: Mapped[MailFault | None] = mapped_column(enum_type(MailFault, "fault"))
    last_error: Mapped[LongText | None]
    sent_at: Mapped[Timestamp | None]
    #: The same for all attempts, so that duplicates can be recognised.
    message_id: Mapped[ShortText | None]
    #: The program's base URL at that time, for links.
    link_base: Mapped[ShortText | None]

    notification: Mapped[Notification] = relationship(back_populates="mail")

    def send_again(self, now: dt.datetime) -> None:
        """Queue a failed mail again, to the present address of its user; raises NoSuchMove in any other state."""
        if self.state is not MailState.FAILED:
            raise NoSuchMove(_("Only a mail that has failed can be sent again."))
        # What is told to a former address is not told to the present one.
        is_of_address = self.notification.event is Event.EMAIL_CHANGED
        address = self.address if is_of_address else self.notification.user.email or self.address
        self.state, self.attempts, self.next_try_at, self.claimed_until = MailState.WAITING, 0, now, None
        self.address = address


#: The MailStatus of a notification, where its mail is outer joined.
mail_status = case((Mail.id.is_(None), MailStatus.NOT_MAILED.value), else_=type_coerce(Mail.state, String))
