"""Recovery codes of an account: each opens it once, in place of a code of the second factor."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lpse_admin.accounts.secrets import recovery_codes
from models.accounts.login_session import MAX_ADDRESS_LENGTH
from models.base import Base, IdType, PrimaryKey, ShortText, Timestamp, partial_index
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule

if TYPE_CHECKING:
    from collections.abc import Callable


class RecoveryCode(Base):
    """One code, by its hash; it ends when it is used, or when others take its place."""

    __tablename__ = "recovery_code"
    __table_args__ = (
        Index("uq_recovery_code_number", "user_id", "number", unique=True, **partial_index("ended_at IS NULL")),
    )
    secret_columns: ClassVar[frozenset[str]] = frozenset({"code_hash"})

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "recovery_code_used_once",
            "a recovery code is used once",
            (Immutable(mutable=("ended_at", "used_from")), Immutable("OLD.ended_at IS NOT NULL")),
        ),
        DeleteRule("recovery_code_kept", "a recovery code is kept"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    agency_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("agency.id"))
    number: Mapped[int]
    code_hash: Mapped[ShortText]
    made_at: Mapped[Timestamp]
    ended_at: Mapped[Timestamp | None]
    #: The address from which it was used; None if others took its place.
    used_from: Mapped[str | None] = mapped_column(String(MAX_ADDRESS_LENGTH))


def _open_codes(session: Session, user_id: int) -> list[RecoveryCode]:
    codes = select(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.ended_at.is_(None))
    return list(session.scalars(codes.order_by(RecoveryCode.number)))


def count_recovery_codes(session: Session, user_id: int) -> int:
    """Return how many codes of an account are good."""
    counted = select(func.count()).select_from(RecoveryCode)
    return session.scalar(counted.where(RecoveryCode.user_id == user_id, RecoveryCode.ended_at.is_(None))) or 0


def end_recovery_codes(session: Session, user_id: int, now: dt.datetime) -> None:
    """End the codes of an account that are left."""
    for code in _open_codes(session, user_id):
        code.ended_at = now
    session.flush()


def make_recovery_codes(
    session: Session, user_id: int, agency_id: int | None, now: dt.datetime, *, hash_secret: Callable[[str], str]
) -> list[str]:
    """Make new codes in place of former ones, and return them as they are shown, this once."""
    end_recovery_codes(session, user_id, now)
    created = {number: recovery_codes.make_secret() for number in range(1, recovery_codes.CODES + 1)}
    session.add_all(
        RecoveryCode(user_id=user_id, agency_id=agency_id, number=number, code_hash=hash_secret(secret), made_at=now)
        for number, secret in created.items()
    )
    session.flush()
    return [recovery_codes.format_code(number, secret) for number, secret in created.items()]


def use_recovery_code(
    session: Session,
    user_id: int,
    text: str,
    *,
    address: str,
    now: dt.datetime,
    is_hash_of: Callable[[str, str], bool],
) -> bool:
    """Whether ``text`` is a code of the account that is good; it is used up."""
    parsed = recovery_codes.parse_code(text)
    if parsed is None:
        return False
    number, secret = parsed
    code = next((code for code in _open_codes(session, user_id) if code.number == number), None)
    if code is None or not is_hash_of(code.code_hash, secret):
        return False
    code.ended_at, code.used_from = now, address[:MAX_ADDRESS_LENGTH]
    session.flush()
    return True
