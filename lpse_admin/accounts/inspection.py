"""The days on which an inspector's account may be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class InspectionDates:
    """The first and the last day of an inspection; None for what is not stated."""

    first: dt.date | None = None
    last: dt.date | None = None

    def errors(self, *, today: dt.date, is_required: bool) -> dict[str, Message]:
        """Return what is wrong with them, by the names of their fields.

        An account of before may go without dates (``is_required`` False), but not with one of the two.
        """
        if self.first is self.last is None and not is_required:
            return {}
        errors: dict[str, Message] = {}
        if self.first is None:
            errors["inspects_from"] = _("An inspector's account needs the first day of the inspection.")
        if self.last is None:
            errors["inspects_until"] = _("An inspector's account needs the last day of the inspection.")
        elif self.first is not None and self.last < self.first:
            errors["inspects_until"] = _("The last day of the inspection is before the first.")
        elif is_required and self.last < today:
            errors["inspects_until"] = _("This day has passed: nobody could log in with this account.")
        return errors

    def refusal(self, today: dt.date) -> Message | None:
        """Return why nobody may use the account ``today``, or None."""
        if self.first is not None and today < self.first:
            return _(
                "This inspector's account is valid from %(first)s on. If the inspection begins earlier, ask the"
                " administrator of the LPSE for other dates.",
                first=f"{self.first:%d-%m-%Y}",
            )
        if self.last is not None and today > self.last:
            return _(
                "This inspector's account was valid until %(last)s. If the inspection goes on, ask the administrator"
                " of the LPSE for other dates.",
                last=f"{self.last:%d-%m-%Y}",
            )
        return None


def inspector_roles_error(roles: Collection[Role]) -> Message | None:
    """Return why an inspector may not have these roles, or None: whoever inspects changes nothing."""
    if Role.INSPECTOR in roles and len(set(roles)) > 1:
        return _("An inspector has no other role: whoever inspects the register does not change it.")
    return None
