"""Who there is: the actors of the procedure, and the two that an office needs beside them."""

from __future__ import annotations

from lpse_admin.i18n import LabelledEnum, _


class Role(LabelledEnum):
    """What a user is to the procedure. The papers name the first three."""

    REQUESTER = "requester", _("Requester")
    CHANGE_MANAGER = "change_manager", _("Change manager")
    HEAD = "head", _("Head of LPSE")
    INSPECTOR = "inspector", _("Inspector")
    ADMINISTRATOR = "administrator", _("Administrator")


#: Roles that can be the actor of a step. The inspector and the administrator take none.
ACTOR_ROLES = (Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)
