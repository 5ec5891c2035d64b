"""The SOP's flow chart on a request's page: the state of each row, and the arrows that were taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import Step
from lpse_admin.worktime.step_timing import standard_time_of
from views.i18n.language import tr
from views.i18n.sop_titles import wording_key
from views.sops.flow_cell import flow_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from lpse_admin.flowchart.chart import Arrow, FlowChart, FlowChartRow
    from lpse_admin.sop import Sop, StandardTime
    from models.changes.change import ChangeRequest
    from models.changes.moves.case_file import CaseFile
    from views.sops.flow_cell import FlowCell


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
class DrawnRow:
    """A row of an SOP's chart as every request shows it, in one language.

    ``title`` is the step's short name; ``standard`` is its standard time in the SOP's words, and whether that is time
    by the clock.
    """

    row: FlowChartRow
    no: str
    text: str
    title: str
    standard: str
    cell: FlowCell


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of the chart of a request with its state (None for a remark).

    ``in_words`` is the state and how often the step was taken: "Done (2×)"; ``cell`` shows the lines that were taken.
    """

    drawn: DrawnRow
    state: RowState | None
    symbol: str
    in_words: str
    cell: Markup

    @classmethod
    def of(cls, drawn: DrawnRow, state: RowState | None, times: int, taken: frozenset[int]) -> ChartRow:
        """Return a row in the user's language."""
        in_words, symbol = (tr(state.title), state.symbol) if state else ("", "")
        return cls(
            drawn, state, symbol, f"{in_words} ({times}×)" if times > 1 else in_words, drawn.cell.html(taken, symbol)
        )

    @property
    def row(self) -> FlowChartRow:
        """The row of the chart."""
        return self.drawn.row


@dataclass(frozen=True, slots=True)
class ChangeChart:
    """The chart; ``taken_arrows`` are the indexes of the arrows that the request has taken."""

    diagram: FlowChart
    rows: tuple[ChartRow, ...]
    taken_arrows: frozenset[int]

    @property
    def last_no(self) -> str:
        """The number of the SOP's last numbered row."""
        return next((line.drawn.no for line in reversed(self.rows) if line.drawn.no), "")

    @classmethod
    def of(cls, case: CaseFile) -> ChangeChart:
        """Return the chart of the SOP of the request of ``case``."""
        change = case.change
        diagram, drawn = _chart_of_sop(case.sop, wording_key())
        moves = {(visit.step, visit.outcome) for visit in case.visits if visit.outcome is not None}
        times = Counter(visit.step for visit in case.visits if visit.outcome is not None)

        def is_taken(arrow: Arrow) -> bool:
            return (arrow.move.origin, arrow.move.outcome) in moves if arrow.move else not change.is_draft

        taken = frozenset(index for index, arrow in enumerate(diagram.arrows) if is_taken(arrow))
        rows = (ChartRow.of(one, _row_state(change, one.row, times), _count(one.row, times), taken) for one in drawn)
        return cls(diagram, tuple(rows), taken)


# Saves 1.6 ms on every page of a request, which is for one of a few SOPs.
@lru_cache(maxsize=64)
def _chart_of_sop(sop: Sop, _wording: tuple[str, str | None]) -> tuple[FlowChart, tuple[DrawnRow, ...]]:
    """Return the chart of ``sop`` with its rows in the reader's wording."""
    diagram, layout = chart_with_layout(sop)
    cells = flow_cells(diagram, layout)
    return diagram, tuple(_drawn_row(sop, row, cell) for row, cell in zip(diagram.rows, cells, strict=True))


def _drawn_row(sop: Sop, row: FlowChartRow, cell: FlowCell) -> DrawnRow:
    text = tr(row.text)
    standard = standard_time_of(sop, row.step) if row.step and row.step in sop.rules else None
    return DrawnRow(
        row,
        no="" if row.no is None else str(row.no),
        text=text,
        title=tr(sop.step_title(row.step)) if row.step else text,
        standard=_standard_text(standard) if standard else "",
        cell=cell,
    )


def _standard_text(standard: StandardTime) -> str:
    return f"{standard.text} ({tr(_('by the clock, day and night'))})" if standard.by_clock else standard.text


def _count(row: FlowChartRow, times: Mapping[Step, int]) -> int:
    return times[row.step] if row.step else 0


def _row_state(change: ChangeRequest, row: FlowChartRow, times: Mapping[Step, int]) -> RowState | None:
    if row.symbol is None:
        return None
    if row.step is change.step and row.step is not Step.CLOSED:
        return RowState.CURRENT
    # The start has no step: it is done for every request.
    is_done = row.step is None or row.step is change.step or row.step in times
    return RowState.DONE if is_done else RowState.COMING
