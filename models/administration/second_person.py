"""Who may be the second person for an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.four_eyes import may_second

if TYPE_CHECKING:
    from models.accounts.user import User


def can_second(user: User, agency_id: int | None, *, asker_id: int, owner_id: int) -> bool:
    """Whether ``user`` may be the second person for an act on the account ``owner_id`` of this agency."""
    if not user.is_active or user.agency_id not in {None, agency_id}:
        return False
    return may_second(user.roles, is_asker=user.id == asker_id, is_owner=user.id == owner_id)
