"""An SOP as BPMN 2.0 (ISO/IEC 19510) with its diagram, for the tools of others.

Actors are lanes, steps are user tasks, and a step with several outcomes is followed by an exclusive gateway. Every row
of the diagram has one step, so that an edge that runs in its own row, in the gap below it or in the margin of a lane
crosses no shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from lpse_admin.flowchart.chart import Symbol, build_chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpse_admin.flowchart.chart import Arrow, FlowChart, FlowChartRow
    from lpse_admin.sop.model import Sop

    Point = tuple[int, int]

_NAMESPACES = {
    "xmlns:bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "xmlns:bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "xmlns:dc": "http://www.omg.org/spec/DD/20100524/DC",
    "xmlns:di": "http://www.omg.org/spec/DD/20100524/DI",
}

# Pixels.
_LEFT, _TOP, _HEADER = 160, 80, 60
_LANE, _GAP = 310, 40
_TASK_WIDTH, _TASK_HEIGHT, _GATEWAY, _EVENT = 200, 90, 40, 36
_BELOW_TASK = 20
#: Edges that share the margin of a lane lie beside one another.
_CHANNEL, _CHANNELS = 9, 5


@dataclass(slots=True)
class _Element:
    """An XML element with its attributes, text and children."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def add(self, name: str, text: str = "", /, **attributes: str) -> _Element:
        """Add a child and return it."""
        child = _Element(name, attributes, text)
        self.children.append(child)
        return child

    def lines(self, indent: str = "") -> Iterator[str]:
        """Yield the element as lines of XML."""
        attributes = "".join(f' {key}="{escape(value)}"' for key, value in self.attributes.items())
        start = f"{indent}<{self.name}{attributes}"
        if self.children:
            yield f"{start}>"
            for child in self.children:
                yield from child.lines(f"{indent}  ")
            yield f"{indent}</{self.name}>"
        else:
            yield f"{start}>{escape(self.text)}</{self.name}>" if self.text else f"{start}/>"


@dataclass(frozen=True, slots=True)
class Box:
    """Where a shape is drawn."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> Point:
        """The point in its middle."""
        return self.x + self.width // 2, self.y + self.height // 2

    @property
    def bottom(self) -> Point:
        """The point in the middle of its lower side."""
        return self.x + self.width // 2, self.y + self.height

    @property
    def top(self) -> Point:
        """The point in the middle of its upper side."""
        return self.x + self.width // 2, self.y

    def side(self, towards: int) -> Point:
        """Return the point in the middle of the side that faces the vertical line at ``towards``."""
        return self.x + (self.width if towards > self.middle[0] else 0), self.middle[1]


@dataclass(frozen=True, slots=True)
class _Node:
    """A row of the chart: its shape, the gateway behind it if it is a decision, and where its row ends."""

    key: str
    row: FlowChartRow
    lane: int
    box: Box
    gateway: Box | None
    end: int

    @property
    def exit(self) -> Box:
        """The shape that its edges leave."""
        return self.gateway or self.box

    @property
    def exit_key(self) -> str:
        """The id of the shape that its edges leave."""
        return f"gateway-{self.key}" if self.gateway else self.key


@dataclass(frozen=True, slots=True)
class Edge:
    """A sequence flow with the points that it is drawn through."""

    key: str
    source: str
    target: str
    label: object
    points: tuple[Point, ...]


def to_bpmn(sop: Sop, translate: Callable[[object], str] = str) -> str:
    """Return ``sop`` as an XML document; ``translate`` gives the words of a Message."""
    chart = build_chart(sop)
    nodes = dict(_nodes(chart))
    edges = list(_edges(chart, nodes))
    root = _Element(
        "bpmn:definitions", {**_NAMESPACES, "id": "definitions", "targetNamespace": f"urn:lpse:sop:{sop.key}"}
    )
    collaboration = root.add("bpmn:collaboration", id="collaboration")
    collaboration.add("bpmn:participant", id="pool", name=sop.title, processRef="process")
    _write_process(root, sop, list(nodes.values()), edges, translate)
    _write_diagram(root, chart, list(nodes.values()), edges)
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', *root.lines(), ""))


def shapes_and_edges(sop: Sop) -> tuple[dict[str, Box], list[Edge]]:
    """Return what the diagram of ``sop`` draws: shapes by id, and edges."""
    chart = build_chart(sop)
    nodes = dict(_nodes(chart))
    boxes = {node.key: node.box for node in nodes.values()}
    boxes |= {f"gateway-{node.key}": node.gateway for node in nodes.values() if node.gateway}
    return boxes, list(_edges(chart, nodes))


def _nodes(chart: FlowChart) -> Iterator[tuple[int, _Node]]:
    """Yield the nodes by the index of their row, from top to bottom; rows that are no step are left out."""
    top = _TOP + _HEADER + _GAP
    for index, row in enumerate(chart.rows):
        if row.symbol is None or row.column_index is None:
            continue
        middle = _LEFT + row.column_index * _LANE + _LANE // 2
        is_event = row.symbol is Symbol.TERMINATOR
        width, height = (_EVENT, _EVENT) if is_event else (_TASK_WIDTH, _TASK_HEIGHT)
        box = Box(middle - width // 2, top, width, height)
        gateway = None
        if not is_event and len(chart.arrows_from(index)) > 1:
            gateway = Box(middle - _GATEWAY // 2, top + height + _BELOW_TASK, _GATEWAY, _GATEWAY)
        key = (f"step-{row.step}" if not is_event else "end") if row.step else "start"
        end = (gateway or box).bottom[1]
        yield index, _Node(key, row, row.column_index, box, gateway, end)
        top = end + _GAP


def _edges(chart: FlowChart, nodes: dict[int, _Node]) -> Iterator[Edge]:
    order = list(nodes)
    used: dict[tuple[int, bool], int] = {}
    below: set[str] = set()
    for node in nodes.values():
        if node.gateway:
            yield Edge(f"to-gateway-{node.key}", node.key, node.exit_key, None, (node.box.bottom, node.gateway.top))
    for arrow in chart.arrows:
        source, target = nodes[arrow.from_row], nodes[arrow.to_row]
        is_next = order.index(arrow.to_row) == order.index(arrow.from_row) + 1
        if is_next and source.key not in below:
            below.add(source.key)
            points = _straight(source, target)
        else:
            is_right = source.lane >= target.lane
            index = used[target.lane, is_right] = used.get((target.lane, is_right), -1) + 1
            points = _around(source, target, _channel(target, index, is_right=is_right))
        yield Edge(_edge_key(arrow, source), source.exit_key, target.key, arrow.label, points)


def _edge_key(arrow: Arrow, source: _Node) -> str:
    return f"flow-{source.key}-{arrow.move.outcome}" if arrow.move else f"flow-{source.key}"


def _straight(source: _Node, target: _Node) -> tuple[Point, ...]:
    """Return the way to the next row: down, and through the gap between the rows."""
    (x, y), (to_x, to_y) = source.exit.bottom, target.box.top
    gap = source.end + _GAP // 2
    return ((x, y), (to_x, to_y)) if x == to_x else ((x, y), (x, gap), (to_x, gap), (to_x, to_y))


def _around(source: _Node, target: _Node, channel: int) -> tuple[Point, ...]:
    """Return the way to any other row: beside the source, along the margin of the target's lane, to its side."""
    start, end = source.exit.side(channel), target.box.side(channel)
    return start, (channel, start[1]), (channel, end[1]), end


def _channel(target: _Node, place: int, *, is_right: bool) -> int:
    border = _LEFT + (target.lane + is_right) * _LANE
    inwards = _CHANNEL * (place % _CHANNELS + 1)
    return border - inwards if is_right else border + inwards


def _write_process(
    root: _Element, sop: Sop, nodes: Sequence[_Node], edges: Sequence[Edge], translate: Callable[[object], str]
) -> None:
    process = root.add("bpmn:process", id="process", name=sop.title, isExecutable="false")
    lanes = process.add("bpmn:laneSet", id="lanes")
    for index, actor in enumerate(sop.actors):
        lane = lanes.add("bpmn:lane", id=f"lane-{actor.key}", name=actor.title)
        for node in nodes:
            if node.lane == index:
                for key in dict.fromkeys((node.key, node.exit_key)):
                    lane.add("bpmn:flowNodeRef", key)
    for node in nodes:
        _write_node(process, sop, node, edges, translate)
    for edge in edges:
        flow = process.add("bpmn:sequenceFlow", id=edge.key, sourceRef=edge.source, targetRef=edge.target)
        if edge.label:
            flow.attributes["name"] = translate(edge.label)


def _write_node(
    process: _Element, sop: Sop, node: _Node, edges: Sequence[Edge], translate: Callable[[object], str]
) -> None:
    kind = {"start": "startEvent", "end": "endEvent"}.get(node.key, "userTask")
    words = translate(node.row.text)
    name = f"{node.row.no}. {words}" if node.row.no is not None else words
    element = process.add(f"bpmn:{kind}", id=node.key, name=name)
    rule = sop.rules.get(node.row.step) if node.row.step else None
    if rule is not None and rule.standard is not None:
        element.add("bpmn:documentation", rule.standard.text)
    _write_flows(element, node.key, edges)
    if node.gateway:
        _write_flows(process.add("bpmn:exclusiveGateway", id=node.exit_key), node.exit_key, edges)


def _write_flows(element: _Element, key: str, edges: Sequence[Edge]) -> None:
    for edge in edges:
        if edge.target == key:
            element.add("bpmn:incoming", edge.key)
    for edge in edges:
        if edge.source == key:
            element.add("bpmn:outgoing", edge.key)


def _write_diagram(root: _Element, chart: FlowChart, nodes: Sequence[_Node], edges: Sequence[Edge]) -> None:
    diagram = root.add("bpmndi:BPMNDiagram", id="diagram")
    plane = diagram.add("bpmndi:BPMNPlane", id="plane", bpmnElement="collaboration")
    height = nodes[-1].end + _GAP - _TOP
    width = len(chart.columns) * _LANE
    _write_shape(plane, "pool", Box(_LEFT, _TOP, width, height), isHorizontal="false")
    for index, actor in enumerate(chart.columns):
        lane = Box(_LEFT + index * _LANE, _TOP + _HEADER // 2, _LANE, height - _HEADER // 2)
        _write_shape(plane, f"lane-{actor.key}", lane, isHorizontal="false")
    for node in nodes:
        _write_shape(plane, node.key, node.box)
        if node.gateway:
            _write_shape(plane, node.exit_key, node.gateway, isMarkerVisible="true")
    for edge in edges:
        drawn = plane.add("bpmndi:BPMNEdge", id=f"{edge.key}-drawn", bpmnElement=edge.key)
        for x, y in edge.points:
            drawn.add("di:waypoint", x=str(x), y=str(y))


def _write_shape(plane: _Element, key: str, box: Box, **attributes: str) -> None:
    shape = plane.add("bpmndi:BPMNShape", id=f"{key}-drawn", bpmnElement=key, **attributes)
    bounds = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    shape.add("dc:Bounds", **{name: str(value) for name, value in bounds.items()})
