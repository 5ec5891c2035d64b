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
_ROW, _TOP, _HEIGHT = 40, 20, 13
#: Something that is there is seen, however little it is.
_LEAST = 1.5


class Look(StrEnum):
    """How a part of a bar is filled."""

    SOLID = "solid"
    HOLLOW = "hollow"
    STRIPES = "stripes"
    DOTS = "dots"
    CROSS = "cross"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table: its text, and the address of the list behind it."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is about, its cells, and the lengths of its bar's parts in the order of the series.

    ``note`` is written at the bar. A row without ``parts`` (a total) stands in the table alone.
    """

    label: str
    cells: Sequence[Cell]
    parts: Sequence[float] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar as it is drawn."""

    x: float
    width: float
    look: Look


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as it is drawn: the line of its label, and of the bar itself."""

    label: str
    note: str
    text_y: int
    y: int
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of several numbers; ``key`` makes the ids of its parts in the page."""

    key: str
    title: Message
    #: What the parts of the bars are, in their order.
    series: Sequence[tuple[Message, Look]]
    #: Headings of the table's columns, the first being that of the rows.
    columns: Sequence[Message]
    rows: Sequence[Row]
    #: What there is to say about how it is counted.
    remark: Any = None
    #: The length that a full bar stands for; None for that of the longest.
    full: float | None = None

    height_of_bar = _HEIGHT
    width = WIDTH

    @property
    def height(self) -> int:
        """The height of the drawing."""
        return _ROW * len(self._drawn)

    @property
    def _drawn(self) -> list[Row]:
        return [row for row in self.rows if row.parts]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be drawn."""
        return not any(part for row in self.rows for part in row.parts)

    def bars(self) -> Iterator[Bar]:
        """Yield each bar with its place in the drawing."""
        full = self.full or max((sum(row.parts) for row in self._drawn), default=0) or 1
        for place, row in enumerate(self._drawn):
            top = place * _ROW
            yield Bar(row.label, row.note, top + _TOP - 5, top + _TOP, list(self._parts(row, full)))

    def _parts(self, row: Row, full: float) -> Iterator[Part]:
        x = 0.0
        for length, (_title, look) in zip(row.parts, self.series, strict=True):
            if length:
                width = max(_LEAST, length / full * (WIDTH - 1))
                yield Part(round(x, 2), round(min(width, WIDTH - 1 - x), 2), look)
                x += width
