"""The SOP's flow chart on a request's page: the state of each row, and the arrows that were taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import Step
from lpse_admin.worktime.step_timing import standard_time_of
from views.i18n.language import tr

if TYPE_CHECKING:
    from lpse_admin.flowchart.chart import Arrow, FlowChart, FlowChartRow
    from lpse_admin.flowchart.layout import ChartLayout
    from lpse_admin.sop import Sop, StandardTime
    from models.changes.change import ChangeRequest
    from models.changes.moves.case_file import CaseFile


class RowState(LabelledEnum):
    """The progress of a request at a row of the SOP's table."""

    DONE = "done", _("Done")
    CURRENT = "current", _("Now")
    COMING = "coming", _("Not yet")

    @property
    def symbol(self) -> str:
        """The symbol in the row, for users who do not see colours."""
        return {RowState.DONE: "✓", RowState.CURRENT: "▶", RowState.COMING: ""}[self]


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of the chart with its state (None for a remark), and its texts.

    ``title`` is the step's short name; ``in_words`` is the state and how often the step was taken: "Done (2×)";
    ``standard`` is its standard time in the SOP's words, and whether that is time by the clock.
    """

    row: FlowChartRow
    state: RowState | None
    no: str
    text: str
    title: str
    symbol: str
    in_words: str
    standard: str

    @classmethod
    def of(
        cls, sop: Sop, row: FlowChartRow, state: RowState | None, times: int, standard: StandardTime | None
    ) -> ChartRow:
        """Return a row in the user's language."""
        state_text = tr(state.title) if state else ""
        return cls(
            row=row,
            state=state,
            no="" if row.no is None else str(row.no),
            text=tr(row.text),
            title=tr(sop.step_title(row.step)) if row.step else tr(row.text),
            symbol=state.symbol if state else "",
            in_words=f"{state_text} ({times}×)" if times > 1 else state_text,
            standard=_standard_text(standard) if standard else "",
        )


@dataclass(frozen=True, slots=True)
class ChangeChart:
    """The chart; ``taken_arrows`` are the indexes of the arrows that the request has taken."""

    diagram: FlowChart
    drawing: ChartLayout
    rows: tuple[ChartRow, ...]
    taken_arrows: frozenset[int]

    @property
    def last_no(self) -> str:
        """The number of the SOP's last numbered row."""
        return next((line.no for line in reversed(self.rows) if line.no), "")

    @classmethod
    def of(cls, case: CaseFile) -> ChangeChart:
        """Return the chart of the SOP of the request of ``case``."""
        change = case.change
        diagram, drawing = chart_with_layout(case.sop)
        moves = [(visit.step, visit.outcome) for visit in case.visits if visit.outcome is not None]
        times = {step: sum(step is taken for taken, _outcome in moves) for step, _outcome in moves}

        def is_taken(arrow: Arrow) -> bool:
            return (arrow.move.origin, arrow.move.outcome) in moves if arrow.move else not change.is_draft

        return cls(
            diagram,
            drawing,
            tuple(
                ChartRow.of(
                    case.sop,
                    row,
                    _row_state(change, row, times),
                    times.get(row.step, 0) if row.step else 0,
                    standard_time_of(case.sop, row.step) if row.step and row.step in case.sop.rules else None,
                )
                for row in diagram.rows
            ),
            frozenset(index for index, arrow in enumerate(diagram.arrows) if is_taken(arrow)),
        )


def _standard_text(standard: StandardTime) -> str:
    return f"{standard.text} ({tr(_('by the clock, day and night'))})" if standard.by_clock else standard.text


def _row_state(change: ChangeRequest, row: FlowChartRow, times: dict[Step, int]) -> RowState | None:
    if row.symbol is None:
        return None
    if row.step is change.step and row.step is not Step.CLOSED:
        return RowState.CURRENT
    # The start has no step: it is done for every request.
    is_done = row.step is None or row.step is change.step or row.step in times
    return RowState.DONE if is_done else RowState.COMING
