"""Filters of the lists of requests and steps by what waits for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from typing_extensions import override

from lpse_admin.i18n import _
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.reports.waiting import waits_for, waits_for_others
from views.listing.filters.kinds import OptionFilter
from views.listing.record_view import current_principal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

    from lpse_admin.i18n import Message

_activity: Any = Activity.__table__.c
#: The values of the filters.
ME, OTHERS, LATE = "me", "others", "late"


@dataclass(frozen=True, slots=True)
class WaitingFilter(OptionFilter):
    """What waits for the reader, or what of theirs waits for somebody else: ``?waiting=me``.

    ``of_requests`` is for a list of requests, which has no step in its rows.
    """

    of_requests: bool = False

    @override
    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return both."""
        return [(ME, _("Waiting for me")), (OTHERS, _("Waiting for others"))]

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the open steps. Raises Malformed for an unknown value."""
        value = values.get(self.key)
        if not value:
            return None
        if value not in {ME, OTHERS}:
            raise self._malformed(value)
        is_waiting = (waits_for if value == ME else waits_for_others)(current_principal())
        if self.of_requests:
            return ChangeRequest.id.in_(select(_activity.change_id).where(is_waiting))
        return is_waiting
