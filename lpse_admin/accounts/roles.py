"""The roles of users: the three actors of the procedure, the inspector and the administrator."""

from __future__ import annotations

from lpse_admin.i18n import LabelledEnum, _


class Role(LabelledEnum):
    """The role of a user. The SOPs name the first three."""

    REQUESTER = "requester", _("Requester")
    CHANGE_MANAGER = "change_manager", _("Change manager")
    HEAD = "head", _("Head of LPSE")
    INSPECTOR = "inspector", _("Inspector")
    ADMINISTRATOR = "administrator", _("Administrator")


#: Roles that can be the actor of a step.
ACTOR_ROLES = (Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)
