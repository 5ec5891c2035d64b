"""What a list of accounts shows of roles, and what it is narrowed by."""

from __future__ import annotations

from functools import reduce
from operator import add

from sqlalchemy import case, exists, literal, or_

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from models.accounts.factors.passkey import Passkey
from models.accounts.user import User
from views.i18n.language import tr
from views.listing.filters.kinds import CaseFilter

_FLAGS = {role: getattr(User, f"is_{role.value}") for role in Role}
#: The keys of a user's roles, each with a blank behind it.
ROLE_KEYS = reduce(add, (case((flag, literal(f"{role.value} ")), else_="") for role, flag in _FLAGS.items()))

ROLE_FILTER = CaseFilter(
    "role", _("Role"), cases=tuple((role.value, role.title, flag.is_(True)) for role, flag in _FLAGS.items())
)
STATE_FILTER = CaseFilter(
    "state",
    _("State"),
    cases=(
        ("open", _("Account enabled"), User.is_active.is_(True)),
        ("disabled", _("Disabled"), User.is_active.is_(False)),
    ),
)


#: Codes of an app, or a passkey.
HAS_SECOND_FACTOR = or_(
    User.totp_secret.is_not(None), exists().where(Passkey.user_id == User.id, Passkey.removed_at.is_(None))
)


def role_titles(keys: str) -> str:
    """Return the titles of the roles in ``ROLE_KEYS``, in the reader's language."""
    return ", ".join(tr(Role(key).title) for key in keys.split())
