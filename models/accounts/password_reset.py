"""Requests for a link to set a new password, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.secrets.reset_tokens import hash_token
from lpse_admin.i18n import _
from models.accounts.login_session import MAX_ADDRESS_LENGTH
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, PrimaryKey, ShortText, Timestamp, session_of
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

PASSWORD_RESET = AuditAction("password.reset", _("Set a new password by a link that was mailed"))
LINK_REQUESTED = AuditAction("password.link", _("Asked for a link to set a new password"))


class PasswordReset(Base):
    """A request for a link; a name that no account has is recorded too, so that both are limited and told alike."""

    __tablename__ = "password_reset"
    __table_args__ = (
        Index(None, "token_hash", unique=True),
        Index(None, "user_id", "at"),
        Index(None, "address", "at"),
    )
    secret_columns: ClassVar[frozenset[str]] = frozenset({"token_hash"})

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "password_reset_used_once",
            "a link to set a new password is used once",
            (Immutable(mutable=("used_at", "used_from")), Immutable("OLD.used_at IS NOT NULL")),
        ),
        DeleteRule("password_reset_kept", "a request for a new password is kept"),
    )

    id: Mapped[PrimaryKey]
    at: Mapped[Timestamp]
    #: The user name or e-mail address that was typed, and where the request came from.
    name: Mapped[ShortText]
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS_LENGTH))
    #: The account that the link is for; None if no link was made.
    user_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    token_hash: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[Timestamp | None]
    used_at: Mapped[Timestamp | None]
    #: The address from which it was used.
    used_from: Mapped[str | None] = mapped_column(String(MAX_ADDRESS_LENGTH))

    user: Mapped[User | None] = relationship()

    def use(self, new: str, again: str, *, now: dt.datetime, address: str) -> None:
        """Set the password of its account, which ends the sessions; raises ValidationFailed ("new", "again").

        The other links of the account end with it, and its address becomes one where the account was opened.
        """
        user = self.user
        if user is None:
            raise ValueError("no link was made")
        user.choose_password(new, again)
        self.used_at, self.used_from = now, address[:MAX_ADDRESS_LENGTH]
        PASSWORD_RESET.describe(session_of(self))


def find_reset(session: Session, token: str, now: dt.datetime, *, is_locked: bool = False) -> PasswordReset | None:
    """Return the request that ``token`` was mailed for, or None if it does not set a password (any more).

    It was used, its time is over, the password was set since, or the account is disabled. ``is_locked`` locks it until
    the transaction ends, so that of two that use it at once one is too late.
    """
    statement = select(PasswordReset).join(User, User.id == PasswordReset.user_id)
    statement = statement.where(
        PasswordReset.token_hash == hash_token(token),
        PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > now,
        User.is_active,
        func.coalesce(User.password_set_at, PasswordReset.at) <= PasswordReset.at,
    )
    if is_locked:
        statement = statement.with_for_update()
    return session.scalars(statement).one_or_none()
