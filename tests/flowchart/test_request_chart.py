"""The flow chart on the page of a request."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from lpse_admin.flowchart.chart import build_chart
from lpse_admin.sop import bundled_sops, parse
from lpse_admin.sop.steps import Step
from models.changes.change import ChangeRequest
from models.changes.moves.case_file import read_case
from tests.support.cast import LUMAJANG, NOW
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.changes.chart import ChangeChart, RowState

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


def test_the_chart_shows_where_a_request_is_and_the_way_that_it_went(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.TEST)
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        chart = ChangeChart.of(read_case(change, change.requester, NOW))
    states = {line.row.step: line.state for line in chart.rows if line.row.step}
    assert [step for step, state in states.items() if state is RowState.CURRENT] == [Step.TEST]
    assert states[Step.EVALUATION] is RowState.DONE
    assert (states[Step.RETURNED], states[Step.CLOSED]) == (RowState.COMING, RowState.COMING)
    arrows = build_chart(parse(dict(bundled_sops())[LUMAJANG], LUMAJANG)).arrows
    taken = [arrows[location].move for location in sorted(chart.taken_arrows)]
    assert taken[0] is None, "the way in"
    assert [present(move).origin for move in taken[1:]][-1] is Step.IMPLEMENTATION
    assert all(present(here).target is present(there).origin for here, there in pairwise(taken[1:])), "one path"
    page = running_app.visitor("pengelola").get(f"/admin/change/details/?id={change_id}").text
    assert page.count('aria-current="step"') == 3, "in the line on top, the table, and the list for a narrow screen"
    assert "flow-taken" in page
    assert re.search(r"▶</text>", page)
