"""The period of a dossier, and which rows of a list fall into it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, and_, or_, true

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from models.changes.steps.activity import Activity

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Column, ColumnElement

    from lpse_admin.i18n import Message
    from views.listing.lists import ListSpec

#: By which column a row begins to be, and by which it ends: the first pair that a table has. A row without an end
#: lasts; one that is a moment has no second column. A table with none of them is in every dossier as a whole.
_SPANS: tuple[tuple[str, str | None], ...] = (
    ("submitted_at", "closed_at"),
    ("arrived_at", "finished_at"),
    ("raised_at", "disposed_at"),
    ("from_date", "until_date"),
    ("from_at", "until_at"),
    ("enacted_at", "superseded_at"),
    ("uploaded_at", "uploaded_at"),
    ("date", "date"),
    ("at", "at"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a dossier, both included, in the office's zone."""

    first: dt.date
    last: dt.date
    zone: ZoneInfo

    @property
    def start(self) -> dt.datetime:
        """The beginning of the first day."""
        return dt.datetime.combine(self.first, dt.time(), self.zone)

    @property
    def end(self) -> dt.datetime:
        """The end of the last day, which is not within."""
        return dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(), self.zone)

    def criterion(self, spec: ListSpec) -> ColumnElement[bool]:
        """Return the criterion for the rows of a list that were there at some time of the period."""
        table = Activity.__table__ if spec.from_table is Activity.__table__ else spec.model.__table__
        for begins, ends in _SPANS:
            if begins in table.c:
                return self._overlaps(table.c[begins], table.c[ends or begins])
        return true()

    def _overlaps(self, begins: Column[Any], ends: Column[Any]) -> ColumnElement[bool]:
        is_date = isinstance(begins.type, Date)
        until, since = (self.last, self.first) if is_date else (self.end, self.start)
        starts_before = begins <= until if is_date else begins < until
        return and_(starts_before, or_(ends.is_(None), ends >= since))


def require_period(first: dt.date | None, last: dt.date | None) -> None:
    """Raise ValidationFailed unless the days are there and in order."""
    errors: dict[str, Message] = {}
    if first is None:
        errors["first"] = _("State the first day of the period.")
    if last is None:
        errors["last"] = _("State the last day of the period.")
    if first and last and first > last:
        errors["last"] = _("The last day is before the first.")
    if errors:
        raise ValidationFailed(_("The dossier cannot be made with these values."), field_errors=errors)
