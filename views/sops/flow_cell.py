"""The flow chart's cell in a row of an SOP's table, as SVG across the columns of the actors, with a text alternative.

It is built here and not by template macros for speed: the page of a request has about fifteen of them, which differ
from those of another request only in the lines and marks of what was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from lpse_admin.flowchart.chart import Symbol
from lpse_admin.flowchart.layout import Port
from lpse_admin.i18n import _
from views.i18n.html import own_html
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Collection

    from flask import Flask

    from lpse_admin.flowchart.chart import FlowChart, FlowChartRow
    from lpse_admin.flowchart.layout import BranchLabel, ChartLayout, LineSegment, RowLayout

_BOX = '<rect x="-26" y="-14" width="52" height="28"/>'
_SIGNS = {
    Symbol.TERMINATOR: '<rect x="-26" y="-14" width="52" height="28" rx="14"/>',
    Symbol.DECISION: '<path d="M0-16 28 0 0 16-28 0Z"/>',
}
_NAMES = {Symbol.TERMINATOR: _("start or end"), Symbol.DECISION: _("decision"), Symbol.PROCESS: _("activity")}
_LEADS_TO = _("Leads to")


@dataclass(frozen=True, slots=True)
class FlowCell:
    """The chart's cell in one row, without what a request has taken of it: HTML, in one language."""

    begin: str
    #: Each line with its arrows: before its attributes, and they.
    lines: tuple[tuple[frozenset[int], str], ...]
    #: What stands before and behind the mark in the symbol; both empty for a row without one.
    symbol: tuple[str, str]
    end: str

    def html(self, taken: Collection[int] = frozenset(), mark: str = "") -> Markup:
        """Return the cell. ``taken`` are the highlighted arrows, ``mark`` is the symbol's text."""
        lines = (
            f"<line{line}" if arrows.isdisjoint(taken) else f'<line class="flow-taken"{line}'
            for arrows, line in self.lines
        )
        before, behind = self.symbol
        text = f'<text class="flow-mark" y="5">{mark}</text>' if mark and behind else ""
        return own_html("".join((self.begin, *lines, before, text, behind, self.end)))


def flow_cells(chart: FlowChart, layout: ChartLayout) -> tuple[FlowCell, ...]:
    """Return the cell of each row, in the reader's language."""
    begin = "".join(
        (
            f'<td class="flow-cell" colspan="{len(chart.columns)}">',
            '<svg class="flow" aria-hidden="true" focusable="false">',
            *(f'<line class="flow-divider" x1="{x}%" y1="0" x2="{x}%" y2="100%"/>' for x in layout.dividers),
        )
    )
    result = []
    for index, (row, drawn) in enumerate(zip(chart.rows, layout.rows, strict=True)):
        lines = tuple((line.arrows, _attributes(line)) for line in drawn.segments)
        labels = "".join(_branch(label, drawn.x) for label in drawn.labels)
        end = f"{labels}</svg>{_text_alternative(chart, row, index)}</td>"
        result.append(FlowCell(begin, lines, _symbol(drawn), end))
    return tuple(result)


def _attributes(line: LineSegment) -> str:
    return f' x1="{line.x1}%" y1="{line.y1}%" x2="{line.x2}%" y2="{line.y2}%"/>'


def _symbol(row_layout: RowLayout) -> tuple[str, str]:
    """Return what stands before and behind the mark in the symbol."""
    if row_layout.symbol is None:
        return "", ""
    half = 16 if row_layout.symbol is Symbol.DECISION else 14
    head = f'<path class="flow-head" d="M0-{half}l-4.500-8h9z"/>' if row_layout.incoming else ""
    shape = _SIGNS.get(row_layout.symbol, _BOX)
    sign = f'<g class="sign sign-{row_layout.symbol.value}">{shape}{head}'
    return f'<svg class="flow-at" x="{row_layout.x}%" y="50%">{sign}', "</g></svg>"


def _branch(label: BranchLabel, x: float | None) -> str:
    """Return the label of the arrows that leave at a port."""
    words = escape(" / ".join(tr(arrow.label) for arrow in label.arrows))
    at, position = f"{x}%", ' x="31" y="-4"'
    match label.port:
        case Port.BELOW:
            position = ' class="flow-end" x="-5" y="27"' if label.at_edge else ' x="5" y="27"'
        case Port.LEFT if label.at_edge:
            at, position = "0", ' x="3" y="-9"'
        case Port.LEFT:
            position = ' class="flow-end" x="-31" y="-4"'
        case Port.RIGHT if label.at_edge:
            at, position = "100%", ' class="flow-end" x="-3" y="-9"'
    return f'<svg class="flow-at" x="{at}" y="50%"><text{position}>{words}</text></svg>'


def _text_alternative(chart: FlowChart, row: FlowChartRow, index: int) -> str:
    """Return the row as text for screen readers."""
    if row.symbol is None or row.column_index is None:
        return ""
    words = f"{chart.columns[row.column_index].title}: {tr(_NAMES[row.symbol])}."
    if leads := leads_to(chart, index):
        words += f" {tr(_LEADS_TO)}: {leads}"
    return f'<span class="visually-hidden">{escape(words)}</span>'


def leads_to(chart: FlowChart, index: int, separator: str = "; ") -> str:
    """Return the targets of a row's arrows with their outcomes: "accepted → 3; returned → 1"."""
    return separator.join(
        f"{tr(arrow.label)} → {row_name(chart.rows[arrow.to_row])}"
        if arrow.label
        else row_name(chart.rows[arrow.to_row])
        for arrow in chart.arrows_from(index)
    )


def row_name(row: FlowChartRow) -> str:
    """Return a row's number; for a step that the SOP does not number, its own name."""
    if row.no is not None:
        return str(row.no)
    return tr(row.step.title) if row.step else tr(row.text)


def init_app(app: Flask) -> None:
    """Give the templates of ``app`` the parts of a flow chart."""
    app.jinja_env.globals.update(flow_cells=flow_cells, leads_to=leads_to, row_name=row_name)
