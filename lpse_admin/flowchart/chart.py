"""The flow chart of an SOP as data: rows, actor columns, a symbol in each row, and the arrows between rows.

``render_text_chart`` renders it as text for the terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _
from lpse_admin.sop.model import ExtraRow, RowKind
from lpse_admin.sop.steps import NEEDS_REASON, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lpse_admin.sop.model import Move, Sop, SopActor, StepRule


class Symbol(StrEnum):
    """The symbols of an SOP's flow chart (Permenpan 35/2012)."""

    TERMINATOR = "terminator"
    PROCESS = "process"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class FlowChartRow:
    """One row: ``column_index`` is the column of its ``symbol``; both are None for a remark."""

    no: int | None
    text: str | Message
    step: Step | None
    column_index: int | None
    symbol: Symbol | None
    column_texts: Mapping[int, str]
    #: The SOP's row, if it is not a step.
    extra_row: ExtraRow | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow between two rows (indexes in ``FlowChart.rows``); ``move`` is None for the arrow out of the start."""

    from_row: int
    to_row: int
    move: Move | None = None

    @property
    def label(self) -> Message | None:
        """The label of the arrow, if it has an outcome."""
        return self.move.outcome.title if self.move else None

    @property
    def needs_reason(self) -> bool:
        """Whether the move requires a reason."""
        return self.move is not None and self.move.outcome in NEEDS_REASON


@dataclass(frozen=True, slots=True)
class FlowChart:
    """The whole chart."""

    columns: tuple[SopActor, ...]
    rows: tuple[FlowChartRow, ...]
    arrows: tuple[Arrow, ...]

    def row_index(self, step: Step) -> int:
        """Return the index of the row of ``step``; CLOSED is the last terminator."""
        return next(index for index, row in enumerate(self.rows) if row.step is step)

    def arrows_from(self, row: int) -> tuple[Arrow, ...]:
        """Return the arrows from ``row``, in the SOP's order."""
        return tuple(arrow for arrow in self.arrows if arrow.from_row == row)


def build_chart(sop: Sop) -> FlowChart:
    """Return the chart of ``sop``; a start or end row that the SOP leaves out is added."""
    columns = {actor.key: index for index, actor in enumerate(sop.actors)}
    rows = tuple(_rows(sop, columns))
    indexes = {row.step: index for index, row in enumerate(rows) if row.step}
    first = Arrow(next(index for index, row in enumerate(rows) if _is_start(row)), indexes[sop.first_step])
    arrows = (Arrow(indexes[move.origin], indexes[move.target], move) for move in sop.moves)
    return FlowChart(sop.actors, rows, (first, *arrows))


def _is_start(row: FlowChartRow) -> bool:
    return row.symbol is Symbol.TERMINATOR and row.step is None


def _rows(sop: Sop, columns: Mapping[str, int]) -> Iterator[FlowChartRow]:
    first = columns[sop.rule(sop.first_step).actor_key]
    last = columns[[rule.actor_key for rule in sop.rules.values() if Step.CLOSED in rule.leads_to.values()][-1]]
    kinds = {row.kind for row in sop.rows}
    if RowKind.START not in kinds:
        yield FlowChartRow(None, _("Start"), None, first, Symbol.TERMINATOR, {})
    for row in sop.table_rows:
        if not isinstance(row, ExtraRow):
            yield _step_row(sop, row, columns)
        elif row.kind is RowKind.START:
            yield FlowChartRow(row.no, row.text, None, first, Symbol.TERMINATOR, {})
        elif row.kind is RowKind.END:
            yield FlowChartRow(row.no, row.text, Step.CLOSED, last, Symbol.TERMINATOR, {})
        else:
            yield FlowChartRow(row.no, row.text, None, None, None, {}, row)
    if RowKind.END not in kinds:
        yield FlowChartRow(None, _("End"), Step.CLOSED, last, Symbol.TERMINATOR, {})


def _step_row(sop: Sop, rule: StepRule, columns: Mapping[str, int]) -> FlowChartRow:
    # A step whose outcomes all have the same target, such as the release, is not a decision.
    symbol = Symbol.DECISION if len(set(rule.leads_to.values())) > 1 else Symbol.PROCESS
    labels = {columns[actor]: label for actor, label in rule.flow_labels.items()}
    return FlowChartRow(
        rule.no, rule.activity or sop.step_title(rule.step), rule.step, columns[rule.actor_key], symbol, labels
    )


_SYMBOL_TEXTS = {Symbol.TERMINATOR: "( )", Symbol.PROCESS: "[ ]", Symbol.DECISION: "< >"}


def render_text_chart(sop: Sop, translate: Callable[[Message], str] = str) -> str:
    """Return the chart as text: a symbol in the actor's column, then the title and the targets of each row.

    ``translate`` translates a Message.
    """
    chart = build_chart(sop)
    names = [_row_name(row, index) for index, row in enumerate(chart.rows)]
    widths = [max(len(actor.title), 3) for actor in chart.columns]
    left = max(len(name) for name in names)
    titles = "  ".join(actor.title.center(width) for actor, width in zip(chart.columns, widths, strict=True))
    lines = [f"{'':{left}}  {titles}"]
    for index, row in enumerate(chart.rows):
        cells = [
            (
                _SYMBOL_TEXTS[row.symbol]
                if row.symbol and column == row.column_index
                else row.column_texts.get(column, "")
            ).center(width)
            for column, width in enumerate(widths)
        ]
        title = (
            translate(sop.step_title(row.step))
            if row.step and row.step in sop.rules
            else _translated(row.text, translate)
        )
        targets = ", ".join(
            f"{translate(arrow.label) if arrow.label else ''} → {names[arrow.to_row]}".strip()
            for arrow in chart.arrows_from(index)
        )
        lines.append(f"{names[index]:{left}}  {'  '.join(cells)}  {title}{f': {targets}' if targets else ''}".rstrip())
    legend = (
        f"{_SYMBOL_TEXTS[Symbol.TERMINATOR]} {translate(_('start or end'))}",
        f"{_SYMBOL_TEXTS[Symbol.PROCESS]} {translate(_('activity'))}",
        f"{_SYMBOL_TEXTS[Symbol.DECISION]} {translate(_('decision'))}",
    )
    return "\n".join([*lines, "", "   ".join(legend)]) + "\n"


def _translated(text: str | Message, translate: Callable[[Message], str]) -> str:
    return text if isinstance(text, str) else translate(text)


def _row_name(row: FlowChartRow, index: int) -> str:
    """Return the short name of a row: its number, or a symbol if it has none."""
    if row.no is not None:
        return str(row.no)
    if row.step is not None:
        return "■" if row.step is Step.CLOSED else row.step.value
    return "*" if _is_start(row) else f"+{index}"
