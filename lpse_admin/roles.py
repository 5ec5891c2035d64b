"""Who there is: the actors of the procedure, and the two that an office needs beside them."""

from __future__ import annotations

from enum import StrEnum

from lpse_admin.message import Message, _


class Role(StrEnum):
    """What a user is to the procedure. The papers name the first three."""

    REQUESTER = "requester"
    CHANGE_MANAGER = "change_manager"
    HEAD = "head"
    INSPECTOR = "inspector"
    ADMINISTRATOR = "administrator"

    @property
    def title(self) -> Message:
        """The role's name as it is shown."""
        return _TITLES[self]


#: Roles that can be the actor of a step. The inspector and the administrator take none.
ACTING = (Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)

_TITLES = {
    Role.REQUESTER: _("Requester"),
    Role.CHANGE_MANAGER: _("Change manager"),
    Role.HEAD: _("Head of LPSE"),
    Role.INSPECTOR: _("Inspector"),
    Role.ADMINISTRATOR: _("Administrator"),
}
