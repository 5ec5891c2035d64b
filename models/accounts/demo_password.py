"""Accounts that still have the demo's password, which everybody knows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.secrets.passwords import DEMO_PASSWORD
from models.accounts.user import User, is_hash_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@cache
def _is_known(password_hash: str) -> bool:
    return is_hash_of(password_hash, DEMO_PASSWORD)


def accounts_with_demo_password(session: Session) -> list[str]:
    """Return the user names of active accounts with the demo's password, in order.

    A hash takes about 50 ms, so only those are compared whose owner has never chosen a password since that is recorded;
    all accounts that the demo made at once share one hash.
    """
    accounts = session.execute(
        select(User.username, User.password_hash)
        .where(User.is_active, User.is_password_initial.is_(False), User.password_set_at.is_(None))
        .order_by(User.username)
    )
    return [username for username, password_hash in accounts if _is_known(password_hash)]
