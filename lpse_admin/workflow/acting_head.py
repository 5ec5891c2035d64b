"""Who may act for the head, and what about a delegation needs a reason on record (procedure.md, reading 4)."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_DAY = dt.timedelta(days=1)
#: The longest term of an acting head of a vacant post, in months, and how often it may be given in a row.
_TERM_MONTHS = 3
_MAX_TERMS = 2
_MONTHS_PER_YEAR = 12


def reason_cannot_act_for_head(roles: Collection[Role]) -> Message | None:
    """Return why a user with ``roles`` cannot be Plh. or Plt., or None if they can."""
    if Role.HEAD in roles:
        return _("The delegate must not be a head.")
    if Role.INSPECTOR in roles:
        return _("An inspector cannot act for the head: whoever examines the decisions does not make them.")
    if set(roles) <= {Role.REQUESTER}:
        return _("Somebody who is only a requester cannot act for the head: name an official of the LPSE.")
    return None


def backdating_to_explain(first: dt.date, today: dt.date) -> Message | None:
    """Return what has to be explained of a delegation that begins more than a day before ``today``."""
    days = (today - first).days
    if days <= 1:
        return None
    return _("The first day lies %(days)s days in the past: state why it is recorded only now.", days=days)


def length_to_explain(first: dt.date, last: dt.date, earlier: Iterable[tuple[dt.date, dt.date]]) -> Message | None:
    """Return what has to be explained of the length of a Plt. of a vacant post.

    ``earlier`` are the first and last days of the earlier terms of the same person; those that follow one another
    without a gap count as one stretch.
    """
    if last >= _add_months(first, _TERM_MONTHS):
        return _("An acting head is appointed for at most three months at a time: state why this decree is for longer.")
    begins, terms = first, 1
    for earlier_first, earlier_last in sorted(earlier, reverse=True):
        if earlier_last + _DAY >= begins > earlier_first:
            begins, terms = earlier_first, terms + 1
    if terms > _MAX_TERMS:
        return _(
            "An acting head is appointed for three months and once more for three: state why there is another term."
        )
    return None


def _add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day ``months`` later, or the last day of that month if it is shorter."""
    years, month = divmod(day.month - 1 + months, _MONTHS_PER_YEAR)
    year, month = day.year + years, month + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
