"""The end of every second factor of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.accounts.factors.passkey import load_passkeys
from models.accounts.factors.recovery_code import end_recovery_codes
from models.audit.trail import context_time

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.accounts.user import User


def end_factors(user: User, session: Session) -> None:
    """Turn every second factor of ``user`` off, the recovery codes included, at the time of the audit context."""
    now = context_time(session)
    user.totp_secret = user.totp_last_step = None
    if now is None:
        return  # nothing can be committed
    for passkey in load_passkeys(session, user.id):
        passkey.removed_at = now
    end_recovery_codes(session, user.id, now)
