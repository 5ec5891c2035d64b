"""The flow chart's cell in a row of an SOP's table, as SVG across the columns of the actors, with a text alternative.

It is built here and not by template macros for speed: the page of a request has about fifteen of them.
"""

from __future__ import annotations

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


def flow_cell(
    chart: FlowChart, layout: ChartLayout, index: int, taken: Collection[int] = frozenset(), mark: str = ""
) -> Markup:
    """Return the cell of the row at ``index``. ``taken`` are the highlighted arrows, ``mark`` is the symbol's text."""
    row_layout, row = layout.rows[index], chart.rows[index]
    parts = [
        f'<td class="flow-cell" colspan="{len(chart.columns)}"><svg class="flow" aria-hidden="true" focusable="false">',
        *(f'<line class="flow-divider" x1="{x}%" y1="0" x2="{x}%" y2="100%"/>' for x in layout.dividers),
        *(_line(line, taken) for line in row_layout.segments),
        _symbol(row_layout, mark),
        *(_branch(label, row_layout.x) for label in row_layout.labels),
        "</svg>",
        _text_alternative(chart, row, index),
        "</td>",
    ]
    return own_html("".join(parts))


def _line(line: LineSegment, taken: Collection[int]) -> str:
    thick = "" if line.arrows.isdisjoint(taken) else ' class="flow-taken"'
    return f'<line{thick} x1="{line.x1}%" y1="{line.y1}%" x2="{line.x2}%" y2="{line.y2}%"/>'


def _symbol(row_layout: RowLayout, mark: str) -> str:
    if row_layout.symbol is None:
        return ""
    half = 16 if row_layout.symbol is Symbol.DECISION else 14
    head = f'<path class="flow-head" d="M0-{half}l-4.500-8h9z"/>' if row_layout.incoming else ""
    text = f'<text class="flow-mark" y="5">{mark}</text>' if mark else ""
    shape = _SIGNS.get(row_layout.symbol, _BOX)
    return (
        f'<svg class="flow-at" x="{row_layout.x}%" y="50%">'
        f'<g class="sign sign-{row_layout.symbol.value}">{shape}{head}{text}</g></svg>'
    )


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
    app.jinja_env.globals.update(flow_cell=flow_cell, leads_to=leads_to, row_name=row_name)
