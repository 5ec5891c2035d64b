"""Passkeys (WebAuthn): keys in a device or a telephone that open an account together with its password."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, IdType, LongText, PrimaryKey, Timestamp
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule

if TYPE_CHECKING:
    from collections.abc import Sequence


class Passkey(Base):
    """A key: its public half, and when it was last used; a removed one is kept."""

    __tablename__ = "passkey"
    __table_args__ = (Index(None, "user_id"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "passkey_stands",
            "a passkey can only be used and removed",
            (
                Immutable(mutable=("sign_count", "used_at", "removed_at")),
                Immutable("OLD.removed_at IS NOT NULL"),
            ),
        ),
        DeleteRule("passkey_kept", "a passkey is kept"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    name: Mapped[str] = mapped_column(String(80))
    #: As base64url: what the browser calls the key, and its public half (COSE).
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[LongText]
    sign_count: Mapped[int]
    added_at: Mapped[Timestamp]
    used_at: Mapped[Timestamp | None]
    removed_at: Mapped[Timestamp | None]


def load_passkeys(session: Session, user_id: int) -> Sequence[Passkey]:
    """Return the passkeys that open an account, the oldest first."""
    keys = select(Passkey).where(Passkey.user_id == user_id, Passkey.removed_at.is_(None))
    return session.scalars(keys.order_by(Passkey.id)).all()
