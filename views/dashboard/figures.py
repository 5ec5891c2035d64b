"""Figures as data: a chart and the table beside it that says the same, made of one list of rows.

The chart is drawn on the server from the same rows as the table (``templates/macros/figures.html``), so that the two
cannot differ. Parts of a bar are told apart by pattern and by their place, not by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpse_admin.i18n import Message

#: The drawing's own units; a bar takes the whole width.
WIDTH = 360
_ROW_HEIGHT, _BAR_TOP, _BAR_HEIGHT = 40, 20, 13
#: Something that is there is seen, however little it is.
_MIN_BAR_WIDTH = 1.5


class FillPattern(StrEnum):
    """How a part of a bar is filled."""

    SOLID = "solid"
    HOLLOW = "hollow"
    STRIPES = "stripes"
    DOTS = "dots"
    CROSS = "cross"


@dataclass(frozen=True, slots=True)
class TableCell:
    """One cell of the table: its text, and the address of the list behind it."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class BarRow:
    """One row: what it is about, its cells, and the lengths of its bar's parts in the order of the series.

    ``note`` is written at the bar. A row without ``parts`` (a total) stands in the table alone.
    """

    label: str
    cells: Sequence[TableCell]
    lengths: Sequence[float] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar as it is drawn."""

    x: float
    width: float
    pattern: FillPattern


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as it is drawn: the line of its label, and of the bar itself."""

    label: str
    note: str
    text_y: int
    y: int
    parts: Sequence[BarPart]


@dataclass(frozen=True, slots=True)
class BarChart:
    """A figure of several numbers; ``key`` makes the ids of its parts in the page."""

    key: str
    title: Message
    #: What the parts of the bars are, in their order.
    series: Sequence[tuple[Message, FillPattern]]
    #: Headings of the table's columns, the first being that of the rows.
    columns: Sequence[Message]
    rows: Sequence[BarRow]
    #: What there is to say about how it is counted.
    remark: Any = None
    #: The length that a full bar stands for; None for that of the longest.
    full_length: float | None = None

    bar_height = _BAR_HEIGHT
    width = WIDTH

    @property
    def height(self) -> int:
        """The height of the drawing."""
        return _ROW_HEIGHT * len(self._bar_rows)

    @property
    def _bar_rows(self) -> list[BarRow]:
        return [row for row in self.rows if row.lengths]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be drawn."""
        return not any(part for row in self.rows for part in row.lengths)

    def bars(self) -> Iterator[Bar]:
        """Yield each bar with its place in the drawing."""
        full = self.full_length or max((sum(row.lengths) for row in self._bar_rows), default=0) or 1
        for place, row in enumerate(self._bar_rows):
            top = place * _ROW_HEIGHT
            yield Bar(row.label, row.note, top + _BAR_TOP - 5, top + _BAR_TOP, list(self._bar_parts(row, full)))

    def _bar_parts(self, row: BarRow, full: float) -> Iterator[BarPart]:
        x = 0.0
        for length, (_title, look) in zip(row.lengths, self.series, strict=True):
            if length:
                width = max(_MIN_BAR_WIDTH, length / full * (WIDTH - 1))
                yield BarPart(round(x, 2), round(min(width, WIDTH - 1 - x), 2), look)
                x += width
