"""Figures as data: a bar chart and a table, made from one list of rows.

The chart is rendered as SVG on the server from the same rows as the table (``templates/macros/figures.html``), so that
the two cannot differ. Parts of a bar differ by pattern and position, not by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpse_admin.i18n import Message

#: In units of the drawing: its width, and where the bars begin and how long a full one is.
WIDTH = 384
_BAR_LEFT, _BAR_WIDTH = 190, 88
_ROW_HEIGHT, _BAR_TOP, _BAR_HEIGHT = 19, 3, 13
#: Characters of a label that fit before its bar.
_MAX_LABEL = 30
#: The least width of a part, so that small numbers stay visible.
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
    """One row: its label, its cells, and the lengths of its bar's parts in the order of the series.

    ``urls`` are the addresses of the lists behind the parts, and ``note`` is the text at the bar. A row without
    ``lengths`` (a total) is in the table only.
    """

    label: str
    cells: Sequence[TableCell]
    lengths: Sequence[float] = ()
    note: str = ""
    urls: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar, in units of the drawing; ``title`` says what it is."""

    x: float
    width: float
    pattern: FillPattern
    url: str | None
    title: Message


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; ``text_y`` is the baseline of its label, in units of the drawing."""

    label: str
    note: str
    text_y: int
    y: int
    parts: Sequence[BarPart]


@dataclass(frozen=True, slots=True)
class BarChart:
    """A bar chart with its table; ``key`` is the prefix of its element ids."""

    key: str
    title: Message
    #: Title and pattern of the parts of the bars, in their order.
    series: Sequence[tuple[Message, FillPattern]]
    #: Headings of the table's columns; the first is for the row labels.
    columns: Sequence[Message]
    rows: Sequence[BarRow]
    #: A note on how the numbers are counted.
    remark: Any = None
    #: The length of a full bar; None for the longest of the rows.
    full_length: float | None = None

    bar_height = _BAR_HEIGHT
    width = WIDTH
    bar_left = _BAR_LEFT
    bar_width = _BAR_WIDTH

    @property
    def height(self) -> int:
        """The height of the drawing."""
        return _ROW_HEIGHT * len(self._bar_rows)

    @property
    def _bar_rows(self) -> list[BarRow]:
        return [row for row in self.rows if row.lengths]

    @property
    def is_empty(self) -> bool:
        """Whether all lengths are zero."""
        return not any(part for row in self.rows for part in row.lengths)

    def bars(self) -> Iterator[Bar]:
        """Yield the bars with their coordinates."""
        full = self.full_length or max((sum(row.lengths) for row in self._bar_rows), default=0) or 1
        for index, row in enumerate(self._bar_rows):
            top = index * _ROW_HEIGHT
            label = row.label if len(row.label) <= _MAX_LABEL else f"{row.label[: _MAX_LABEL - 1].rstrip()}…"
            yield Bar(label, row.note, top + _BAR_TOP + 11, top + _BAR_TOP, list(self._bar_parts(row, full)))

    def _bar_parts(self, row: BarRow, full: float) -> Iterator[BarPart]:
        x, urls = 0.0, row.urls or [None] * len(row.lengths)
        for length, url, (title, pattern) in zip(row.lengths, urls, self.series, strict=True):
            if length:
                width = max(_MIN_BAR_WIDTH, length / full * (_BAR_WIDTH - 1))
                yield BarPart(round(_BAR_LEFT + x, 2), round(min(width, _BAR_WIDTH - 1 - x), 2), pattern, url, title)
                x += width
