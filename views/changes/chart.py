"""The paper's chart on the page of one request: how far each row is, and the way that was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    from lpse_admin.flowchart.chart import Arrow, FlowChart, FlowChartRow
    from lpse_admin.flowchart.layout import ChartLayout
    from models.changes.change import ChangeRequest


class RowState(LabelledEnum):
    """How far a row of the paper's table is for a request."""

    DONE = "done", _("Done")
    CURRENT = "current", _("Now")
    COMING = "coming", _("Not yet")

    @property
    def symbol(self) -> str:
        """What stands in the row's sign, for those who see no colours."""
        return {RowState.DONE: "✓", RowState.CURRENT: "▶", RowState.COMING: ""}[self]


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of the chart with its state (None for a mere remark), and how often its step was taken."""

    row: FlowChartRow
    state: RowState | None
    visits: int


@dataclass(frozen=True, slots=True)
class ChangeChart:
    """The chart; ``taken`` are the places of the arrows in it that the request went along."""

    diagram: FlowChart
    drawing: ChartLayout
    rows: tuple[ChartRow, ...]
    taken_arrows: frozenset[int]

    @classmethod
    def of(cls, change: ChangeRequest) -> ChangeChart:
        """Return the chart of the paper that ``change`` falls under."""
        diagram, drawing = chart_with_layout(change.sop)
        moves = [(activity.step, activity.outcome) for activity in change.activities if not activity.is_open]
        times = {step: sum(step is taken for taken, _outcome in moves) for step, _outcome in moves}

        def is_taken(arrow: Arrow) -> bool:
            return (arrow.move.origin, arrow.move.outcome) in moves if arrow.move else not change.is_draft

        return cls(
            diagram,
            drawing,
            tuple(
                ChartRow(row, _row_state(change, row, times), times.get(row.step, 0) if row.step else 0)
                for row in diagram.rows
            ),
            frozenset(place for place, arrow in enumerate(diagram.arrows) if is_taken(arrow)),
        )


def _row_state(change: ChangeRequest, row: FlowChartRow, times: dict[Step, int]) -> RowState | None:
    if row.symbol is None:
        return None
    if row.step is change.step and row.step is not Step.CLOSED:
        return RowState.CURRENT
    # The start has no step of its own: it is behind every request.
    is_done = row.step is None or row.step is change.step or row.step in times
    return RowState.DONE if is_done else RowState.COMING
