"""The layout of flow charts: every arrow runs unbroken from symbol to symbol, for any SOP."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpse_admin.accounts.roles import Role
from lpse_admin.flowchart.chart import Arrow, FlowChart, FlowChartRow, Symbol, build_chart
from lpse_admin.flowchart.layout import (
    BOTTOM,
    ENTRY,
    EXIT,
    MIDDLE,
    SIGN_WIDTH,
    TOP,
    LineSegment,
    Port,
    chart_with_layout,
    lay_out_chart,
)
from lpse_admin.sop import bundled_sops, parse
from lpse_admin.sop.model import Move, SopActor
from lpse_admin.sop.steps import Outcome, Step

if TYPE_CHECKING:
    from lpse_admin.sop.model import Sop

SOPS = {key: parse(text, key) for key, text in bundled_sops()}


def table(columns: int, signs: list[int | None], ways: list[tuple[int, int]]) -> FlowChart:
    """Return a chart with a sign in each row (None: a remark) under that column, and these arrows."""
    actors = tuple(SopActor(f"a{index}", f"Pelaksana {index}", Role.CHANGE_MANAGER) for index in range(columns))
    rows = tuple(FlowChartRow(index, "x", None, column, None if column is None else Symbol.PROCESS, {})
                 for index, column in enumerate(signs))  # fmt: skip
    move = Move(Step.TEST, Outcome.PASSED, Step.REPORT)
    return FlowChart(actors, rows, tuple(Arrow(start, end, move) for start, end in ways))


@st.composite
def tables(draw: st.DrawFn) -> FlowChart:
    columns = draw(st.integers(1, 8))
    signs = draw(st.lists(st.none() | st.integers(0, columns - 1), min_size=2, max_size=40))
    places = [index for index, column in enumerate(signs) if column is not None]
    pair = st.tuples(st.sampled_from(places), st.sampled_from(places)) if places else st.nothing()
    return table(columns, signs, draw(st.lists(pair, max_size=60)) if places else [])


def strokes(diagram: FlowChart, arrow: int) -> list[tuple[tuple[float, int], tuple[float, int]]]:
    """Return the strokes of an arrow, each from where it begins to where it ends in the whole chart."""
    return [
        ((line.x1, index * BOTTOM + line.y1), (line.x2, index * BOTTOM + line.y2))
        for index, row in enumerate(lay_out_chart(diagram).rows)
        for line in row.segments
        if arrow in line.arrows
    ]


def is_whole(diagram: FlowChart, arrow: int) -> bool:
    """Whether the strokes of an arrow hang together from the sign that it leaves to the one that it enters."""
    drawing, one = lay_out_chart(diagram), diagram.arrows[arrow]
    start, end = ((drawing.rows[row].x, row * BOTTOM + MIDDLE) for row in (one.from_row, one.to_row))
    rest, reached = strokes(diagram, arrow), {start}
    while result := [stroke for stroke in rest if reached.intersection(stroke)]:
        rest = [stroke for stroke in rest if stroke not in result]
        reached.update(point for stroke in result for point in stroke)
    return not rest and end in reached


@settings(max_examples=60, deadline=None)
@given(tables())
def test_every_arrow_of_any_paper_runs_unbroken_and_over_no_other_sign(diagram: FlowChart) -> None:
    drawing = lay_out_chart(diagram)
    half = SIGN_WIDTH / 2 * 100 / len(diagram.columns)
    for arrow, one in enumerate(diagram.arrows):
        assert is_whole(diagram, arrow)
        assert arrow in drawing.rows[one.to_row].incoming
    for index, row in enumerate(drawing.rows):
        for line in row.segments:
            assert 0 <= min(line.x1, line.x2) <= max(line.x1, line.x2) <= 100
            assert TOP <= min(line.y1, line.y2) <= max(line.y1, line.y2) <= BOTTOM
            passes = all(index not in (diagram.arrows[one].from_row, diagram.arrows[one].to_row) for one in line.arrows)
            if passes and row.x is not None:
                assert abs(line.x1 - row.x) > half, "who passes a sign keeps out of it"


def overlap(one: LineSegment, other: LineSegment) -> bool:
    """Whether two strokes lie on one another for more than a point."""
    spans = [
        min(max(one.x1, one.x2), max(other.x1, other.x2)) - max(min(one.x1, one.x2), min(other.x1, other.x2)),
        min(max(one.y1, one.y2), max(other.y1, other.y2)) - max(min(one.y1, one.y2), min(other.y1, other.y2)),
    ]
    return min(spans) == 0 < max(spans) and (one.x1 == one.x2) == (other.x1 == other.x2)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_ways_to_different_signs_never_run_on_one_another_once_they_have_left(diagram: FlowChart) -> None:
    for index, row in enumerate(lay_out_chart(diagram).rows):
        passing = [line for line in row.segments if all(diagram.arrows[one].from_row != index for one in line.arrows)]
        for line, other in combinations_with_replacement(passing, 2):
            if overlap(line, other):
                assert len({diagram.arrows[arrow].to_row for arrow in line.arrows | other.arrows}) == 1


@pytest.mark.parametrize("sop", SOPS.values(), ids=SOPS)
def test_the_signed_papers_draw_whole_and_label_every_branch(sop: Sop) -> None:
    diagram, drawing = chart_with_layout(sop)
    assert (diagram, drawing) == (build_chart(sop), lay_out_chart(diagram))
    assert all(is_whole(diagram, arrow) for arrow in range(len(diagram.arrows)))
    for index, row in enumerate(drawing.rows):
        ways = diagram.arrows_from(index)
        said = [arrow for label in row.labels for arrow in label.arrows]
        assert sorted(map(id, said)) == (sorted(map(id, ways)) if len(ways) > 1 else [])
    evaluation = drawing.rows[diagram.row_index(Step.EVALUATION)]
    assert [label.port for label in evaluation.labels] == [Port.LEFT, Port.RIGHT, Port.BELOW]
    approval = drawing.rows[diagram.row_index(Step.APPROVAL)]
    assert {label.port: label.at_edge for label in approval.labels} == {Port.LEFT: False, Port.BELOW: True}


def test_the_next_sign_of_a_column_is_reached_down_its_middle_and_all_else_by_lanes() -> None:
    diagram = table(2, [0, 1, 0, 0], [(0, 1), (0, 2), (0, 3), (3, 0), (2, 2)])
    drawing = lay_out_chart(diagram)
    assert {x for stroke in strokes(diagram, 1) for x, _y in stroke} == {25.0}, "straight down, past the other column"
    assert {y for _x, y in strokes(diagram, 0)[0]} == {MIDDLE}, "to the side, then down"
    lanes = {x for arrow in (2, 3, 4) for stroke in strokes(diagram, arrow) for x, _y in stroke} - {25.0}
    assert len(lanes) == 3, "a jump, a way back and one to itself have a lane each"
    assert drawing.dividers == (50.0,)


def test_more_ways_out_than_sides_share_one() -> None:
    diagram = table(1, [0] * 6, [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)])
    labels = lay_out_chart(diagram).rows[0].labels
    assert sorted(label.port for label in labels) == sorted(Port)
    assert sum(len(label.arrows) for label in labels) == 5
    assert all(label.at_edge == (label.port is not Port.BELOW) for label in labels)


def test_a_second_way_to_one_side_leaves_below_and_turns() -> None:
    diagram = table(3, [0, 1, 2], [(0, 1), (0, 2)])
    assert EXIT in {y for stroke in strokes(diagram, 1) for _x, y in stroke}
    assert ENTRY not in {y for stroke in strokes(diagram, 1) for _x, y in stroke}, "the middle of its column is free"
