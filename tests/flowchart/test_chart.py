"""The flow chart of an SOP as data, and as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.flowchart.chart import Symbol, build_chart, render_text_chart
from lpse_admin.sop import bundled_sops, parse
from lpse_admin.sop.steps import NEEDS_REASON, Outcome, Step
from tests.support.present import present

if TYPE_CHECKING:
    from lpse_admin.i18n import Message
    from lpse_admin.sop.model import Sop

SOPS = {key: parse(text, key) for key, text in bundled_sops()}
LUMAJANG, TANA_TIDUNG = SOPS["lumajang-2018"], SOPS["tana-tidung-2017"]
BOTH = pytest.mark.parametrize("sop", [LUMAJANG, TANA_TIDUNG], ids=lambda sop: sop.key)


def test_the_rows_are_the_papers_rows() -> None:
    numbers = [row.no for row in build_chart(TANA_TIDUNG).rows]
    assert [no for no in numbers if no is not None] == list(range(1, 15))
    numbers = [row.no for row in build_chart(LUMAJANG).rows]
    assert numbers[0] is numbers[-1] is None
    assert [no for no in numbers if no is not None] == list(range(1, 13))


@BOTH
def test_every_step_has_its_sign_under_its_actor(sop: Sop) -> None:
    diagram = build_chart(sop)
    for row in diagram.rows:
        if row.step in sop.rules:
            rule = sop.rule(present(row.step))
            assert diagram.columns[present(row.column_index)].role is rule.actor
            ways = set(rule.leads_to.values())
            assert row.symbol is (Symbol.DECISION if len(ways) > 1 else Symbol.PROCESS)
    assert [row.symbol for row in diagram.rows].count(Symbol.TERMINATOR) == 2


@BOTH
def test_every_move_is_an_arrow_and_one_more_leads_in(sop: Sop) -> None:
    diagram = build_chart(sop)
    assert tuple(arrow.move for arrow in diagram.arrows) == (None, *sop.moves)
    first = diagram.arrows[0]
    assert (first.from_row, first.to_row, first.label) == (0, diagram.row_index(Step.REQUEST), None)
    assert not first.needs_reason
    for arrow in diagram.arrows[1:]:
        assert diagram.rows[arrow.from_row].step is present(arrow.move).origin
        assert diagram.rows[arrow.to_row].step is present(arrow.move).target
        assert arrow.label == present(arrow.move).outcome.title
        assert arrow.needs_reason == (present(arrow.move).outcome in NEEDS_REASON)


def test_only_a_return_and_a_refusal_lead_back() -> None:
    back = [present(arrow.move).outcome for arrow in build_chart(LUMAJANG).arrows if arrow.to_row < arrow.from_row]
    assert back == [Outcome.RESUBMITTED, Outcome.REFUSED]


def test_the_words_in_the_papers_columns_are_kept() -> None:
    diagram = build_chart(LUMAJANG)
    assert diagram.rows[diagram.row_index(Step.EVALUATION)].column_texts == {0: "Tidak"}
    assert diagram.rows[diagram.row_index(Step.IMPLEMENTATION)].column_texts == {2: "Ya"}


@BOTH
def test_the_chart_in_letters_has_a_line_for_each_row_and_every_way(sop: Sop) -> None:
    chart = render_text_chart(sop)
    assert len(chart.splitlines()) == len(build_chart(sop).rows) + 3
    for move in sop.moves:
        assert f"{move.outcome.title} → " in chart


def test_the_chart_in_letters_speaks_the_readers_language() -> None:
    def loud(message: Message) -> str:
        return str(message).upper()

    chart = render_text_chart(LUMAJANG, loud)
    assert "ACCEPTED → 3" in chart
    assert "MULAI" not in chart
    assert "Mulai" in render_text_chart(TANA_TIDUNG, loud)


def test_a_note_in_the_table_has_no_sign_and_no_arrow() -> None:
    sop = parse(dict(bundled_sops())["lumajang-2018"] + '[[rows]]\nno = 13\ntext = "Catatan"\nkind = "note"\n', "x")
    diagram = build_chart(sop)
    location = next(location for location, row in enumerate(diagram.rows) if row.text == "Catatan")
    assert (diagram.rows[location].symbol, diagram.rows[location].column_index, diagram.arrows_from(location)) == (
        None,
        None,
        (),
    )
    assert "Catatan" in render_text_chart(sop)
