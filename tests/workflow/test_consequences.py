"""Which moves are confirmed before they are made, and what is said of their consequence: by the rules alone."""

from __future__ import annotations

import pytest

from lpse_admin.sop import Move, Sop, bundled_sops, parse
from lpse_admin.sop.steps import HEAD_STEPS, Outcome, Step
from lpse_admin.workflow.consequences import consequence, needs_confirmation

SOPS = [parse(text, key) for key, text in bundled_sops()]
MOVES = [pytest.param(sop, move, id=f"{sop.key}-{move.origin}-{move.outcome}") for sop in SOPS for move in sop.moves]
FINAL = "This cannot be undone."


@pytest.mark.parametrize(("sop", "move"), MOVES)
def test_whatever_closes_a_request_or_is_the_head_s_decision_is_confirmed(sop: Sop, move: Move) -> None:
    assert needs_confirmation(move) is (
        move.target is Step.CLOSED or move.origin in HEAD_STEPS or move.outcome is Outcome.FAILED
    )
    assert (FINAL in map(str, consequence(sop, move))) is needs_confirmation(move)


@pytest.mark.parametrize(("sop", "move"), MOVES)
def test_the_consequence_names_the_next_step_and_its_actor_as_the_sop_calls_it(sop: Sop, move: Move) -> None:
    first = str(consequence(sop, move)[0])
    if move.target is Step.CLOSED:
        assert "not reopened" in first
    else:
        assert str(move.target.title) in first
        assert str(sop.actor_title(move.target)) in first


def test_a_refusal_says_that_the_change_cannot_be_implemented_until_it_is_approved() -> None:
    said = " ".join(map(str, consequence(SOPS[0], Move(Step.APPROVAL, Outcome.REFUSED, Step.EVALUATION))))
    assert "cannot be implemented" in said


def test_an_outcome_with_nothing_more_to_say_has_its_next_step_alone() -> None:
    assert len(consequence(SOPS[0], Move(Step.REPORT, Outcome.REPORTED, Step.VERIFICATION))) == 1
