"""Who may do what to the records of an agency: the permission table, for a user; and who may be a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.four_eyes import may_second
from lpse_admin.accounts.permissions import is_granted
from lpse_admin.errors import NotAllowed
from models.accounts.person import accounts_of_people
from models.base import session_of

if TYPE_CHECKING:
    from lpse_admin.accounts.permissions import Resource, Verb
    from lpse_admin.i18n import Message
    from models.accounts.user import User


def is_permitted(user: User, verb: Verb, resource: Resource, agency_id: int | None) -> bool:
    """Whether an active ``user`` may do ``verb`` to records of this agency; a superadmin's agencies are all of them."""
    return user.is_active and user.agency_id in {None, agency_id} and is_granted(user.roles, verb, resource)


def require_permission(user: User, verb: Verb, resource: Resource, agency_id: int | None, message: Message) -> None:
    """Raise NotAllowed with ``message`` unless ``is_permitted``."""
    if not is_permitted(user, verb, resource, agency_id):
        raise NotAllowed(message)


def can_second(user: User, agency_id: int | None, *, asker_id: int, owner_id: int) -> bool:
    """Whether ``user`` may be the second person for an act on the account ``owner_id`` of this agency.

    A person counts once, with however many accounts.
    """
    if not user.is_active or user.agency_id not in {None, agency_id}:
        return False
    if not may_second(user.roles, is_asker=False, is_owner=False):
        return False
    accounts = accounts_of_people(session_of(user), agency_id, {user.id})
    return may_second(user.roles, is_asker=asker_id in accounts, is_owner=owner_id in accounts)
