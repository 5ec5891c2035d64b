"""The paper's chart on the page of one request."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from lpse_admin.flowchart.chart import draw
from lpse_admin.sop import papers, parse
from lpse_admin.sop.steps import Step
from models.changes.change import ChangeRequest
from tests.support.cast import LUMAJANG
from tests.support.house import house  # noqa: F401 - the fixture
from views.changes.chart import ChangeChart, RowState

if TYPE_CHECKING:
    from tests.support.house import House


def test_the_chart_shows_where_a_request_is_and_the_way_that_it_went(house: House):
    change_id = house.at(LUMAJANG, Step.TEST)
    with house.session() as session:
        chart = ChangeChart.of(session.get_one(ChangeRequest, change_id))
    states = {line.row.step: line.state for line in chart.rows if line.row.step}
    assert [step for step, state in states.items() if state is RowState.CURRENT] == [Step.TEST]
    assert states[Step.EVALUATION] is RowState.DONE
    assert (states[Step.RETURNED], states[Step.CLOSED]) == (RowState.COMING, RowState.COMING)
    arrows = draw(parse(dict(papers())[LUMAJANG], LUMAJANG)).arrows
    taken = [arrows[place].move for place in sorted(chart.taken)]
    assert taken[0] is None, "the way in"
    assert [move.origin for move in taken[1:]][-1] is Step.IMPLEMENTATION
    assert all(here.target is there.origin for here, there in pairwise(taken[1:])), "one path"
    page = house.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert page.count('aria-current="step"') == 2, "in the table, and in the list for a narrow screen"
    assert "flow-taken" in page
    assert re.search(r"▶</text>", page)
