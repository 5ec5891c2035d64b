"""An SOP as BPMN 2.0: its lanes, tasks and gateways are the SOP's, and no edge of its diagram crosses a shape."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpse_admin.flowchart import bpmn
from lpse_admin.flowchart.bpmn import Box, Edge, shapes_and_edges, to_bpmn
from lpse_admin.flowchart.chart import FlowChartRow, build_chart
from lpse_admin.sop import Sop, bundled_sops, parse

if TYPE_CHECKING:
    from playwright.sync_api import Page

TESTS = Path(__file__).parents[1]
VIEWER = TESTS / "support" / "vendor" / "bpmn-js" / "bpmn-viewer.production.min.js"
FILES = [*TESTS.glob("sops/files/*.toml"), *TESTS.glob("changes/own_fields/files/*.toml")]
SOPS = {key: parse(text, key) for key, text in bundled_sops()} | {
    path.stem: parse(path.read_text(encoding="utf-8"), path.stem) for path in FILES
}


@pytest.mark.parametrize("key", SOPS)
def test_the_process_has_a_lane_for_each_actor_and_a_flow_for_each_move(key: str) -> None:
    sop, text = SOPS[key], to_bpmn(SOPS[key])
    assert re.findall(r'<bpmn:lane id="lane-([^"]+)" name="([^"]*)"', text) == [
        (actor.key, escape(actor.title)) for actor in sop.actors
    ]
    assert re.findall(r'<bpmn:userTask id="step-([^"]+)"', text) == [step.value for step in sop.steps]
    flows = re.findall(r'<bpmn:sequenceFlow id="flow-step-([^"]+)" sourceRef="([^"]+)" targetRef="([^"]+)"', text)
    assert sorted((flow, target) for flow, _source, target in flows) == sorted(
        (f"{move.origin}-{move.outcome}", "end" if move.target == "closed" else f"step-{move.target}")
        for move in sop.moves
    )
    assert set(re.findall(r'<bpmn:exclusiveGateway id="gateway-step-([^"]+)"', text)) == {
        step.value for step, rule in sop.rules.items() if len(rule.leads_to) > 1
    }


@pytest.mark.parametrize("key", SOPS)
def test_every_reference_names_an_element_and_every_element_is_drawn_once(key: str) -> None:
    text = to_bpmn(SOPS[key])
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    references = re.findall(r'(?:sourceRef|targetRef|bpmnElement|processRef)="([^"]+)"', text)
    references += re.findall(r"<bpmn:(?:flowNodeRef|incoming|outgoing)>([^<]+)<", text)
    assert set(references) <= set(ids)
    drawn = re.findall(r'bpmnElement="([^"]+)"', text)
    assert len(drawn) == len(set(drawn))
    assert set(re.findall(r'<bpmn:(?:userTask|exclusiveGateway|\w+Event|sequenceFlow|lane) id="([^"]+)"', text)) <= set(
        drawn
    )


@pytest.mark.parametrize("key", SOPS)
def test_no_edge_crosses_a_shape(key: str) -> None:
    shapes, edges = shapes_and_edges(SOPS[key])
    crossed = [
        (edge.key, name)
        for edge in edges
        for name, box in shapes.items()
        if any(_crosses(box, first, second) for first, second in pairwise(edge.points))
    ]
    assert crossed == []
    assert all(_is_upright(edge) for edge in edges)


def test_texts_are_escaped_and_words_are_translated() -> None:
    sop = parse(
        dict(bundled_sops())["lumajang-2018"].replace("PENGELOLAAN PERUBAHAN DAN RILIS", 'A <b> & \\"c\\"'), "x"
    )
    text = to_bpmn(sop, lambda word: f"kata {word}")
    assert "A &lt;b&gt; &amp; &quot;c&quot;" in text
    assert 'name="kata Accepted"' in text
    assert "<bpmn:documentation>15 menit</bpmn:documentation>" in text


def _crosses(box: Box, first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether the line runs through the inside of ``box``."""
    (x1, y1), (x2, y2) = sorted((first, second))
    top, bottom = min(y1, y2), max(y1, y2)
    return x1 < box.x + box.width and x2 > box.x and top < box.y + box.height and bottom > box.y


def _is_upright(edge: Edge) -> bool:
    return all(first[0] == second[0] or first[1] == second[1] for first, second in pairwise(edge.points))


def test_everything_is_drawn_within_the_pool() -> None:
    sop: Sop = SOPS["lumajang-2018"]
    shapes, edges = shapes_and_edges(sop)
    bounds = r'id="pool-drawn".*?<dc:Bounds x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"'
    pool = re.search(bounds, to_bpmn(sop), re.DOTALL)
    assert pool is not None
    x, y, width, height = map(int, pool.groups())
    corners = [(box.x, box.y) for box in shapes.values()]
    corners += [(box.x + box.width, box.y + box.height) for box in shapes.values()]
    corners += [point for edge in edges for point in edge.points]
    assert all(x < at[0] < x + width and y < at[1] < y + height for at in corners)


@pytest.mark.browser
@pytest.mark.parametrize("key", SOPS)
def test_the_file_opens_in_bpmn_js_without_a_warning(key: str, page: Page) -> None:
    page.set_content('<div id="canvas" style="height: 600px"></div>')
    page.add_script_tag(content=VIEWER.read_text(encoding="utf-8"))
    open_file = """async (xml) => {
      const viewer = new BpmnJS({ container: "#canvas" });
      const { warnings } = await viewer.importXML(xml);
      return [warnings.map((one) => one.message), viewer.get("elementRegistry").getAll().length];
    }"""
    warnings, shown = page.evaluate(open_file, to_bpmn(SOPS[key]))
    shapes, edges = shapes_and_edges(SOPS[key])
    assert warnings == []
    assert shown >= len(shapes) + len(edges) + len(SOPS[key].actors)


def test_a_remark_of_the_chart_is_no_task() -> None:
    sop = SOPS["lumajang-2018"]
    chart = build_chart(sop)
    remark = FlowChartRow(None, "Catatan", None, None, None, {})
    assert [*bpmn._nodes(replace(chart, rows=(*chart.rows, remark)))] == [*bpmn._nodes(chart)]
