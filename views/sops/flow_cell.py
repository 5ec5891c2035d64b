"""The cell of a flow chart in a row of an SOP's table: one drawing across the columns of the actors, and its meaning.

Written here and not by a template's macros: a request's page shows some fifteen of them, with a dozen strokes each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from lpse_admin.flowchart.chart import Symbol
from lpse_admin.flowchart.layout import Port
from lpse_admin.i18n import _
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
    chart: FlowChart, layout: ChartLayout, place: int, taken: Collection[int] = frozenset(), mark: str = ""
) -> Markup:
    """Return the cell of the row at ``place``: ``taken`` are the arrows drawn thicker, ``mark`` stands in the sign."""
    drawn, row = layout.rows[place], chart.rows[place]
    parts = [
        f'<td class="flow-cell" colspan="{len(chart.columns)}"><svg class="flow" aria-hidden="true" focusable="false">',
        *(f'<line class="flow-divider" x1="{x}%" y1="0" x2="{x}%" y2="100%"/>' for x in layout.dividers),
        *(_line(line, taken) for line in drawn.segments),
        _sign(drawn, mark),
        *(_branch(label, drawn.x) for label in drawn.labels),
        "</svg>",
        _in_words(chart, row, place),
        "</td>",
    ]
    return Markup("".join(parts))  # noqa: S704 - numbers, and words that are escaped below


def _line(line: LineSegment, taken: Collection[int]) -> str:
    thick = "" if line.arrows.isdisjoint(taken) else ' class="flow-taken"'
    return f'<line{thick} x1="{line.x1}%" y1="{line.y1}%" x2="{line.x2}%" y2="{line.y2}%"/>'


def _sign(drawn: RowLayout, mark: str) -> str:
    if drawn.symbol is None:
        return ""
    half = 16 if drawn.symbol is Symbol.DECISION else 14
    head = f'<path class="flow-head" d="M0-{half}l-4.500-8h9z"/>' if drawn.incoming else ""
    text = f'<text class="flow-mark" y="5">{mark}</text>' if mark else ""
    shape = _SIGNS.get(drawn.symbol, _BOX)
    return (
        f'<svg class="flow-at" x="{drawn.x}%" y="50%">'
        f'<g class="sign sign-{drawn.symbol.value}">{shape}{head}{text}</g></svg>'
    )


def _branch(label: BranchLabel, x: float | None) -> str:
    """Return the words at a way out of a sign."""
    words = escape(" / ".join(tr(arrow.label) for arrow in label.arrows))
    at, place = f"{x}%", ' x="31" y="-4"'
    match label.port:
        case Port.BELOW:
            place = ' class="flow-end" x="-5" y="27"' if label.at_edge else ' x="5" y="27"'
        case Port.LEFT if label.at_edge:
            at, place = "0", ' x="3" y="-9"'
        case Port.LEFT:
            place = ' class="flow-end" x="-31" y="-4"'
        case Port.RIGHT if label.at_edge:
            at, place = "100%", ' class="flow-end" x="-3" y="-9"'
    return f'<svg class="flow-at" x="{at}" y="50%"><text{place}>{words}</text></svg>'


def _in_words(chart: FlowChart, row: FlowChartRow, place: int) -> str:
    """Return what the drawing says, for those who do not see it."""
    if row.symbol is None or row.column_index is None:
        return ""
    words = f"{chart.columns[row.column_index].title}: {tr(_NAMES[row.symbol])}."
    if leads := leads_to(chart, place):
        words += f" {tr(_LEADS_TO)}: {leads}"
    return f'<span class="visually-hidden">{escape(words)}</span>'


def leads_to(chart: FlowChart, place: int, separator: str = "; ") -> str:
    """Return where the arrows of a row lead, each with its outcome: "accepted → 3; returned → 1"."""
    return separator.join(
        f"{tr(arrow.label)} → {row_name(chart.rows[arrow.to_row])}"
        if arrow.label
        else row_name(chart.rows[arrow.to_row])
        for arrow in chart.arrows_from(place)
    )


def row_name(row: FlowChartRow) -> str:
    """Return a row's number; for a step that the SOP does not number, its own name."""
    if row.no is not None:
        return str(row.no)
    return tr(row.step.title) if row.step else tr(row.text)


def init_app(app: Flask) -> None:
    """Give the templates of ``app`` the parts of a flow chart."""
    app.jinja_env.globals.update(flow_cell=flow_cell, leads_to=leads_to, row_name=row_name)
