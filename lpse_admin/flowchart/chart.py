"""A paper's table as it is drawn: rows, actor columns, a sign in each row, and the arrows between them.

Plain data for the screens; ``text_chart`` draws the same in letters for the terminal.
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
    """The signs that flow charts of an SOP are drawn with (Permenpan 35/2012)."""

    TERMINATOR = "terminator"
    PROCESS = "process"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class FlowChartRow:
    """One row: ``column`` is the place of the actor who holds ``sign``; both are None for a mere remark."""

    no: int | None
    text: str | Message
    step: Step | None
    column_index: int | None
    symbol: Symbol | None
    column_texts: Mapping[int, str]
    #: What the paper says of a row that is no step.
    extra_row: ExtraRow | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """From a row to a row (places in ``Diagram.rows``); the arrow out of the start has no outcome to tell."""

    from_row: int
    to_row: int
    move: Move | None = None

    @property
    def label(self) -> Message | None:
        """What is written on the arrow."""
        return self.move.outcome.title if self.move else None

    @property
    def needs_reason(self) -> bool:
        """Whether whoever goes this way has to say why."""
        return self.move is not None and self.move.outcome in NEEDS_REASON


@dataclass(frozen=True, slots=True)
class FlowChart:
    """The whole chart."""

    columns: tuple[SopActor, ...]
    rows: tuple[FlowChartRow, ...]
    arrows: tuple[Arrow, ...]

    def row_index(self, step: Step) -> int:
        """Return the place of the row of ``step``; CLOSED is the last terminator."""
        return next(place for place, row in enumerate(self.rows) if row.step is step)

    def arrows_from(self, row: int) -> tuple[Arrow, ...]:
        """Return the arrows that leave ``row``, in the paper's order."""
        return tuple(arrow for arrow in self.arrows if arrow.from_row == row)


def build_chart(sop: Sop) -> FlowChart:
    """Return the chart of ``sop``, with a start and an end even where the paper has no rows for them."""
    columns = {actor.key: place for place, actor in enumerate(sop.actors)}
    rows = tuple(_rows(sop, columns))
    places = {row.step: place for place, row in enumerate(rows) if row.step}
    first = Arrow(next(place for place, row in enumerate(rows) if _is_start(row)), places[sop.first_step])
    arrows = (Arrow(places[move.origin], places[move.target], move) for move in sop.moves)
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
            yield _step_row(row, columns)
        elif row.kind is RowKind.START:
            yield FlowChartRow(row.no, row.text, None, first, Symbol.TERMINATOR, {})
        elif row.kind is RowKind.END:
            yield FlowChartRow(row.no, row.text, Step.CLOSED, last, Symbol.TERMINATOR, {})
        else:
            yield FlowChartRow(row.no, row.text, None, None, None, {}, row)
    if RowKind.END not in kinds:
        yield FlowChartRow(None, _("End"), Step.CLOSED, last, Symbol.TERMINATOR, {})


def _step_row(rule: StepRule, columns: Mapping[str, int]) -> FlowChartRow:
    # Where all outcomes lead to one place, as those of the release, nothing is decided about the way.
    sign = Symbol.DECISION if len(set(rule.leads_to.values())) > 1 else Symbol.PROCESS
    labels = {columns[actor]: label for actor, label in rule.flow_labels.items()}
    return FlowChartRow(rule.no, rule.activity or rule.step.title, rule.step, columns[rule.actor_key], sign, labels)


_SYMBOL_TEXTS = {Symbol.TERMINATOR: "( )", Symbol.PROCESS: "[ ]", Symbol.DECISION: "< >"}


def render_text_chart(sop: Sop, translate: Callable[[Message], str] = str) -> str:
    """Return the chart for a terminal: signs under the actors, and beside each row where its outcomes lead.

    ``translate`` puts a Message into the reader's language.
    """
    diagram = build_chart(sop)
    names = [_row_name(row, place) for place, row in enumerate(diagram.rows)]
    widths = [max(len(actor.title), 3) for actor in diagram.columns]
    left = max(len(name) for name in names)
    titles = "  ".join(actor.title.center(width) for actor, width in zip(diagram.columns, widths, strict=True))
    lines = [f"{'':{left}}  {titles}"]
    for place, row in enumerate(diagram.rows):
        cells = [
            (
                _SYMBOL_TEXTS[row.symbol]
                if row.symbol and column == row.column_index
                else row.column_texts.get(column, "")
            ).center(width)
            for column, width in enumerate(widths)
        ]
        title = translate(row.step.title) if row.step and row.step in sop.rules else _translated(row.text, translate)
        ways = ", ".join(
            f"{translate(arrow.label) if arrow.label else ''} → {names[arrow.to_row]}".strip()
            for arrow in diagram.arrows_from(place)
        )
        lines.append(f"{names[place]:{left}}  {'  '.join(cells)}  {title}{f': {ways}' if ways else ''}".rstrip())
    signs = (
        f"{_SYMBOL_TEXTS[Symbol.TERMINATOR]} {translate(_('start or end'))}",
        f"{_SYMBOL_TEXTS[Symbol.PROCESS]} {translate(_('activity'))}",
        f"{_SYMBOL_TEXTS[Symbol.DECISION]} {translate(_('decision'))}",
    )
    return "\n".join([*lines, "", "   ".join(signs)]) + "\n"


def _translated(text: str | Message, translate: Callable[[Message], str]) -> str:
    return text if isinstance(text, str) else translate(text)


def _row_name(row: FlowChartRow, index: int) -> str:
    """Return what a row is called in the chart: its number, or a letter where the paper gives none."""
    if row.no is not None:
        return str(row.no)
    if row.step is not None:
        return "■" if row.step is Step.CLOSED else row.step.value
    return "*" if _is_start(row) else f"+{index}"
