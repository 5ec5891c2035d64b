"""The flow chart of a paper's table laid out for drawing: each row's sign, lines and words at the branches.

Rows are as high as their texts make them, so nothing here is in pixels: x is in hundredths of the chart's width, y in
hundredths of a row's height, and a line that goes on meets the next row at the border between them.

How it is drawn: a sign is entered from above and left to a side or below. The middle of a column leads from each sign
to the next one below it; every other way takes a lane between two columns, which all that lead to one sign share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from lpse_admin.flowchart.chart import build_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpse_admin.flowchart.chart import Arrow, FlowChart, Symbol
    from lpse_admin.sop.model import Sop

    #: x and y of where a stroke begins and where it ends.
    _Endpoints = tuple[float, int, float, int]

#: Heights in a row: its upper border, where lanes turn in to the sign, the sign's own, where ways out below it turn
#: aside, and the lower border.
TOP, ENTRY, MIDDLE, EXIT, BOTTOM = 0, 12, 50, 90, 100
#: How much of its column's width a sign may take, at most; lanes keep out of that.
SIGN_WIDTH = 0.56

_LANE_SPACING = 0.08
_LANES_WIDTH = 0.3
_EDGE_MARGIN, _EDGE_WIDTH = 0.05, 0.15

# What a lane costs, in widths of a column, so that short and clear ways are taken first.
_TURN_BELOW_COST, _SHARED_PORT_COST, _NEW_LANE_COST, _PARALLEL_LANE_COST, _EDGE_LANE_COST = 0.8, 3.0, 0.5, 0.25, 0.6


class Port(StrEnum):
    """Where a way leaves a sign."""

    LEFT = "left"
    RIGHT = "right"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class LineSegment:
    """A stroke in one row, upright or level; ``arrows`` are the places in ``Diagram.arrows`` of all that run on it."""

    x1: float
    y1: int
    x2: float
    y2: int
    arrows: frozenset[int]


@dataclass(frozen=True, slots=True)
class BranchLabel:
    """The outcomes that leave a sign by ``port``; ``at_edge`` where words there would leave the chart."""

    port: Port
    at_edge: bool
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class RowLayout:
    """One row: its sign with the middle of it, and which arrows end at it; None where it has none."""

    symbol: Symbol | None
    x: float | None
    incoming: frozenset[int]
    segments: tuple[LineSegment, ...]
    labels: tuple[BranchLabel, ...]


@dataclass(frozen=True, slots=True)
class ChartLayout:
    """The whole chart, a drawing for each row of the diagram; ``dividers`` are the borders between columns."""

    dividers: tuple[float, ...]
    rows: tuple[RowLayout, ...]


@dataclass(slots=True)
class _Route:
    """All arrows from one sign to another; ``gutter`` is None where the middle of the target's column leads there."""

    start: int
    end: int
    arrows: list[int] = field(default_factory=list)
    port: Port = Port.BELOW
    gutter: int | None = None

    @property
    def rows(self) -> range:
        return range(min(self.start, self.end), max(self.start, self.end) + 1)


@lru_cache(maxsize=64)
def chart_with_layout(sop: Sop) -> tuple[FlowChart, ChartLayout]:
    """Return the chart of ``sop`` and where everything of it is drawn, worked out once for each paper."""
    diagram = build_chart(sop)
    return diagram, lay_out_chart(diagram)


def lay_out_chart(diagram: FlowChart) -> ChartLayout:
    """Return where everything of ``diagram`` is drawn."""
    width = len(diagram.columns)
    router = _Router(diagram)
    lines: dict[int, dict[_Endpoints, set[int]]] = {}
    for way in router.routes:
        for row, ends in router.lines(way):
            lines.setdefault(row, {}).setdefault(ends, set()).update(way.arrows)
    return ChartLayout(
        tuple(_to_percent(place, width) for place in range(1, width)),
        tuple(
            RowLayout(
                row.symbol,
                None if row.column_index is None else router.middle_x(place),
                frozenset(arrow for arrow, one in enumerate(diagram.arrows) if one.to_row == place),
                tuple(LineSegment(*ends, frozenset(arrows)) for ends, arrows in lines.get(place, {}).items()),
                tuple(router.labels(place)),
            )
            for place, row in enumerate(diagram.rows)
        ),
    )


def _to_percent(columns: float, width: int) -> float:
    return round(columns * 100 / width, 2)


class _Router:
    """Finds for every way of a diagram where it leaves its sign and which lane it takes."""

    def __init__(self, diagram: FlowChart) -> None:
        self.diagram = diagram
        self.width = len(diagram.columns)
        self.columns = {
            place: row.column_index for place, row in enumerate(diagram.rows) if row.column_index is not None
        }
        found: dict[tuple[int, int], _Route] = {}
        for place, arrow in enumerate(diagram.arrows):
            ends = arrow.from_row, arrow.to_row
            found.setdefault(ends, _Route(*ends)).arrows.append(place)
        self.routes = list(found.values())
        self.used_ports: dict[int, set[Port]] = {}
        #: Lanes by gutter and the row that they lead to, with the rows that they pass.
        self.lanes: dict[int, dict[int, set[int]]] = {}
        self._assign_ports()
        self.slots = {gutter: _assign_slots(lanes) for gutter, lanes in self.lanes.items()}

    def _column(self, row: int) -> int:
        return self.columns[row]

    def middle_x(self, row: int) -> float:
        """Return the middle of the column that the sign of ``row`` stands in."""
        return _to_percent(self._column(row) + 0.5, self.width)

    def _assign_ports(self) -> None:
        """Give every way its port: those straight down first, then those to the next sign of a column, then lanes."""
        rest = []
        for way in self.routes:
            if self._is_next(way) and self._column(way.start) == self._column(way.end):
                self._assign_port(way, Port.BELOW)
            else:
                rest.append(way)
        for way in rest:
            if self._is_next(way):
                self._assign_port(way, self._port(way, to_left=self._column(way.end) < self._column(way.start))[0])
        for way in rest:
            if not self._is_next(way):
                self._assign_lane(way)

    def _is_next(self, way: _Route) -> bool:
        """Whether the target is the first sign of its column below the start."""
        between = [self.columns.get(row) for row in range(way.start + 1, way.end)]
        return way.end > way.start and self._column(way.end) not in between

    def _assign_port(self, way: _Route, port: Port) -> None:
        way.port = port
        self.used_ports.setdefault(way.start, set()).add(port)

    def _port(self, way: _Route, *, to_left: bool) -> tuple[Port, float]:
        """Return by which port to leave for that side, and what it costs where the side itself is taken."""
        side = Port.LEFT if to_left else Port.RIGHT
        taken = self.used_ports.get(way.start, set())
        if side not in taken:
            return side, 0.0
        if Port.BELOW not in taken:
            return Port.BELOW, _TURN_BELOW_COST
        return side, _SHARED_PORT_COST

    def _assign_lane(self, way: _Route) -> None:
        gutter = min(range(self.width, -1, -1), key=lambda gutter: self._cost(way, gutter))
        way.gutter = gutter
        self._assign_port(way, self._port(way, to_left=gutter <= self._column(way.start))[0])
        self.lanes.setdefault(gutter, {}).setdefault(way.end, set()).update(way.rows)

    def _cost(self, way: _Route, gutter: int) -> float:
        start, end = self._column(way.start), self._column(way.end)
        cost = abs(gutter - start - 0.5) + abs(gutter - end - 0.5)
        cost += self._port(way, to_left=gutter <= start)[1]
        lanes = self.lanes.get(gutter, {})
        if way.end not in lanes:
            cost += _NEW_LANE_COST + _PARALLEL_LANE_COST * sum(not rows.isdisjoint(way.rows) for rows in lanes.values())
        if gutter in {0, self.width}:
            cost += _EDGE_LANE_COST
        return cost

    def _lane_x(self, gutter: int, end: int) -> float:
        """Return where the lane in ``gutter`` to the row ``end`` runs."""
        slot, count = self.slots[gutter][end], max(self.slots[gutter].values()) + 1
        if gutter in {0, self.width}:
            inwards = _EDGE_MARGIN + slot * min(_LANE_SPACING, _EDGE_WIDTH / count)
            return _to_percent(inwards if gutter == 0 else self.width - inwards, self.width)
        spacing = min(_LANE_SPACING, _LANES_WIDTH / count)
        # Never on the border between the columns itself, where a lane would look like a part of the table.
        return _to_percent(gutter + (slot - (count - 1 - count % 2) / 2) * spacing, self.width)

    def lines(self, way: _Route) -> Iterator[tuple[int, _Endpoints]]:
        """Yield each stroke of ``way``: row, and where it begins and ends."""
        start, end = self.middle_x(way.start), self.middle_x(way.end)
        track = end if way.gutter is None else self._lane_x(way.gutter, way.end)
        level = MIDDLE
        if way.port is Port.BELOW and track != start:
            yield way.start, (start, MIDDLE, start, EXIT)
            level = EXIT
        if track != start:
            yield way.start, (start, level, track, level)
        yield from _vertical_segments(way, track, level, ENTRY if way.gutter is not None else MIDDLE)
        if way.gutter is not None:
            yield way.end, (track, ENTRY, end, ENTRY)
            yield way.end, (end, ENTRY, end, MIDDLE)

    def labels(self, row: int) -> Iterator[BranchLabel]:
        """Yield what is written at the ways out of ``row``; nothing where there is no choice."""
        ways = [way for way in self.routes if way.start == row]
        if sum(len(way.arrows) for way in ways) <= 1:
            return
        column = self._column(row)
        # Words below a sign are written to its right, but for those in the last quarter of the chart.
        edges = {
            Port.LEFT: column == 0,
            Port.RIGHT: column == self.width - 1,
            Port.BELOW: self.width > 1 and 4 * (column + 1) > 3 * self.width,
        }
        for port in Port:
            arrows = [self.diagram.arrows[arrow] for way in ways if way.port is port for arrow in way.arrows]
            if arrows:
                yield BranchLabel(port, edges[port], tuple(arrows))


def _vertical_segments(way: _Route, x: float, exit_y: int, entry_y: int) -> Iterator[tuple[int, _Endpoints]]:
    """Yield the upright strokes of a way at ``x``, from the height at which it leaves to that at which it enters."""
    if way.start == way.end:
        yield way.start, (x, entry_y, x, exit_y)
        return
    is_down = way.end > way.start
    for row in way.rows:
        top, bottom = TOP, BOTTOM
        if row == way.start:
            top, bottom = (exit_y, BOTTOM) if is_down else (TOP, exit_y)
        elif row == way.end:
            top, bottom = (TOP, entry_y) if is_down else (entry_y, BOTTOM)
        yield row, (x, top, x, bottom)


def _assign_slots(lanes: dict[int, set[int]]) -> dict[int, int]:
    """Return for each lane (by the row that it leads to) its place beside the others, so that they never meet."""
    ends: list[int] = []
    slots = {}
    for target, rows in sorted(lanes.items(), key=lambda lane: (min(lane[1]), max(lane[1]), lane[0])):
        free = next((slot for slot, end in enumerate(ends) if end < min(rows)), None)
        if free is None:
            free = len(ends)
            ends.append(0)
        ends[free] = max(rows)
        slots[target] = free
    return slots
