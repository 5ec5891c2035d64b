"""Four eyes: what of an account one administrator does not do alone (docs/four-eyes.md has the table)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.i18n import LabelledEnum, Message, _

if TYPE_CHECKING:
    from collections.abc import Collection

#: Whoever holds one of these can decide for the office, or make others who can.
GUARDED_ROLES = frozenset({Role.HEAD, Role.ADMINISTRATOR})

#: How long a request waits for its second person.
REQUEST_LIFETIME = dt.timedelta(days=7)


class AccountAct(LabelledEnum):
    """What is done to an account."""

    CREATE = "create", _("New account")
    ROLES = "roles", _("Change of roles")
    EMAIL = "email", _("Change of the e-mail address")
    RESET = "reset", _("New password")
    FACTOR = "factor", _("Reset of the second factor")
    DISABLE = "disable", _("Disabling of the account")
    ENABLE = "enable", _("Enabling of the account")


class RequestState(LabelledEnum):
    """What has become of a request for a second person."""

    WAITING = "waiting", _("Waiting for a second person")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


def needs_second_person(act: AccountAct, before: Collection[Role], after: Collection[Role]) -> bool:
    """Whether ``act`` waits for a second person; ``before`` and ``after`` are the roles of the account."""
    if act is AccountAct.ROLES:
        return not GUARDED_ROLES.isdisjoint(frozenset(before) ^ frozenset(after))
    return not GUARDED_ROLES.isdisjoint({*before, *after})


def may_owner_refuse(act: AccountAct) -> bool:
    """Whether the owner of the account may refuse ``act``.

    Not what takes a stolen session its access: whoever sits in that could refuse it for ever.
    """
    return act not in {AccountAct.DISABLE, AccountAct.RESET, AccountAct.FACTOR}


def mixed_roles_error(roles: Collection[Role]) -> Message | None:
    """Return why nobody may hold these roles at once, or None: who gives rights takes no part in the procedure."""
    if Role.ADMINISTRATOR in roles and not frozenset(ACTOR_ROLES).isdisjoint(roles):
        return _(
            "An administrator gives the rights and takes no part in requests: not requester, change manager or head as "
            "well. Use two people."
        )
    return None


def may_second(roles: Collection[Role], *, is_asker: bool, is_owner: bool) -> bool:
    """Whether somebody of the office (or of the installation) with ``roles`` may be the second person.

    They are a head or an administrator, and neither who asked nor the owner of the account.
    """
    return not GUARDED_ROLES.isdisjoint(roles) and not is_asker and not is_owner
