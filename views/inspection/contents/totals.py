"""The totals of a period by result, counted as its registers are: what was there, came, ended and is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import Result, Step
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from views.inspection.contents.period import Period

_change: Any = ChangeRequest.__table__.c
_step: Any = Activity.__table__.c


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests of a period: ``brought_forward`` and ``submitted`` are as many as those of ``results`` and ``open``."""

    brought_forward: int
    submitted: int
    results: Mapping[Result, int]
    open: int
    #: Requests that were returned to their requester in the period, whatever became of them.
    returned: int

    def lines(self) -> list[tuple[Message, int]]:
        """Return each total with its label."""
        return [
            (_("Requests brought forward"), self.brought_forward),
            (_("Submitted in the period"), self.submitted),
            *((result.title, self.results[result]) for result in Result),
            (_("Open at the end of the period"), self.open),
            (_("Returned in the period"), self.returned),
        ]

    def manifest(self) -> dict[str, int]:
        """Return the totals by key."""
        return {
            "brought-forward": self.brought_forward,
            "submitted": self.submitted,
            **{result.value: count for result, count in self.results.items()},
            "open": self.open,
            "returned": self.returned,
        }


def totals_of(session: Session, agency_id: int, period: Period) -> Totals:
    """Count the requests of an office in a period."""

    def count(*criteria: ColumnElement[bool]) -> int:
        statement = select(func.count()).select_from(ChangeRequest.__table__).where(_change.agency_id == agency_id)
        return session.scalar(statement.where(*criteria)) or 0

    is_open_since = _change.closed_at.is_(None) | (_change.closed_at >= period.start)
    is_open_after = _change.closed_at.is_(None) | (_change.closed_at >= period.end)
    ended = (
        select(_change.result, func.count())
        .where(_change.agency_id == agency_id, _change.closed_at >= period.start, _change.closed_at < period.end)
        .where(_change.submitted_at.is_not(None))
        .group_by(_change.result)
    )
    results: dict[Result, int] = {row[0]: row[1] for row in session.execute(ended)}
    returned = select(func.count(_step.change_id.distinct())).where(
        _step.agency_id == agency_id,
        _step.step == Step.RETURNED,
        _step.arrived_at >= period.start,
        _step.arrived_at < period.end,
    )
    return Totals(
        brought_forward=count(_change.submitted_at < period.start, is_open_since),
        submitted=count(_change.submitted_at >= period.start, _change.submitted_at < period.end),
        results={result: results.get(result, 0) for result in Result},
        open=count(_change.submitted_at < period.end, is_open_after),
        returned=session.scalar(returned) or 0,
    )
