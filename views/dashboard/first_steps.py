"""What somebody does first, by role: shown on the home page of whoever has nothing there yet, and folded for others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from views.app.access import can
from views.help.guides import GUIDES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: Sentences, each with the endpoint that its link leads to ("" for none) and the text of the link.
_STEPS: dict[Role, tuple[tuple[Message, str, Message | None], ...]] = {
    Role.REQUESTER: (
        (_("Write down what is to be changed, and why."), "change.create_view", _("New request")),
        (_("Keep it as a draft, or submit it: it gets its number and goes to the change manager."), "", None),
        (_("Follow it here. If it is returned, the reason and the button to revise it are on top of this page."), "",
         None),
    ),
    Role.CHANGE_MANAGER: (
        (_("Open the first row: what is an emergency and what has waited longest is on top."), "", None),
        (_("Take the step up, record what you found, and choose its outcome."), "", None),
        (_("The next request is offered as soon as you have finished one."), "", None),
    ),
    Role.HEAD: (
        (_("Open the first row with “Decide”: what is an emergency and what has waited longest is on top."), "", None),
        (_("Read the material of the decision, then approve or refuse; the next one is offered afterwards."), "", None),
        (_("When you will be away, delegate by decree."), "delegation.create_view", _("Record a delegation")),
    ),
    Role.INSPECTOR: (
        (_("Read the summary of performance; click a number to open its list."), "", None),
        (_("See who did what, and when."), "audit.index_view", _("Audit trail")),
        (_("Take the registers with you as CSV or XLSX, below under “For an inspection”."), "", None),
    ),
    Role.ADMINISTRATOR: (
        (_("Create the accounts of your office."), "user.create_view", _("New user")),
        (_("Enter the days on which the office is closed."), "holiday.index_view", _("Holidays")),
        (_("See which SOP is in force."), "sop.index_view", _("SOP")),
    ),
}  # fmt: skip


#: What is created there: an acting head decides as the head does, and delegates nothing.
_CREATED = {"delegation.create_view": Resource.DELEGATION}


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """The first steps of a role: sentences with the address and the text of a link, and the address of its guide."""

    role: Role
    steps: Sequence[tuple[Message, str, Message | None]]
    guide_url: str


def first_steps(roles: Collection[Role]) -> list[FirstSteps]:
    """Return the first steps of each of ``roles``, in the order of the procedure."""
    guides = {role: key for key, role in GUIDES.items()}
    return [
        FirstSteps(
            role,
            [
                (text, url_for(endpoint) if endpoint else "", link)
                for text, endpoint, link in steps
                if endpoint not in _CREATED or can(Verb.CREATE, _CREATED[endpoint])
            ],
            url_for("help.show", guide=guides[role]),
        )
        for role, steps in _STEPS.items()
        if role in roles
    ]
