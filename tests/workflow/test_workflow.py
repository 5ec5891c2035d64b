"""Who may make which move of an SOP, by the rules alone: no database, clock or screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed
from lpse_admin.sop import ItemKind, Move, RequiredItem, bundled_sops, parse
from lpse_admin.sop.steps import Duty, Outcome, Result, Step
from lpse_admin.workflow.transitions import (
    Evidence,
    Position,
    Principal,
    available_moves,
    find_move,
    is_actor,
    is_item_present,
    position_after,
    reason_cannot_act,
    reason_move_blocked,
    reason_not_eligible,
    result_of,
    validation_errors,
)
from lpse_admin.worktime.step_timing import standard_time_of
from tests.support.cast import LUMAJANG

PAPER = parse(dict(bundled_sops())[LUMAJANG], LUMAJANG)
REQUESTER = Principal(1, frozenset({Role.REQUESTER}))
MANAGER = Principal(2, frozenset({Role.CHANGE_MANAGER}))
HEAD = Principal(3, frozenset({Role.HEAD}))
DELEGATE = Principal(4, frozenset({Role.CHANGE_MANAGER}), is_acting_head=True)


@pytest.mark.parametrize(
    ("step", "person", "is_theirs"),
    [
        (Step.REQUEST, REQUESTER, True),
        (Step.REQUEST, Principal(9, frozenset({Role.REQUESTER})), False),
        (Step.REQUEST, Principal(1, frozenset({Role.CHANGE_MANAGER})), False),
        (Step.EVALUATION, MANAGER, True),
        (Step.EVALUATION, HEAD, False),
        (Step.APPROVAL, HEAD, True),
        (Step.APPROVAL, DELEGATE, True),
        (Step.APPROVAL, MANAGER, False),
    ],
)
def test_each_step_is_its_actor_s(step: Step, person: Principal, is_theirs: bool) -> None:
    assert is_actor(PAPER.rules[step], Position(step, requester_id=1), person) is is_theirs


def test_what_is_ahead_is_the_step_itself_and_whatever_its_outcomes_can_lead_to() -> None:
    assert PAPER.reachable_steps(Step.CLOSED) == {Step.CLOSED}
    assert PAPER.reachable_steps(Step.ASSET_REVIEW) == {Step.ASSET_REVIEW, Step.ASSET_UPDATE, Step.CLOSED}
    assert PAPER.reachable_steps(Step.APPROVAL) == {*PAPER.rules, Step.CLOSED} - {Step.REQUEST}
    assert Step.APPROVAL not in PAPER.reachable_steps(Step.IMPLEMENTATION)


def test_whoever_asked_or_evaluated_does_not_decide() -> None:
    here = Position(Step.APPROVAL, requester_id=1, duties={Duty.EVALUATE: frozenset({4})})
    assert reason_cannot_act(PAPER, here, HEAD) is None
    assert "evaluated" in str(reason_cannot_act(PAPER, here, DELEGATE))
    assert "Only the" in str(reason_cannot_act(PAPER, here, MANAGER))
    with pytest.raises(NotAllowed):
        find_move(PAPER, here, Outcome.APPROVED, DELEGATE)


def test_whoever_evaluated_with_another_account_does_not_decide() -> None:
    here = Position(Step.APPROVAL, requester_id=1, duties={Duty.EVALUATE: frozenset({4})})
    person = Principal(HEAD.id, HEAD.roles, accounts=frozenset({HEAD.id, 4}))
    assert "with another account" in str(reason_cannot_act(PAPER, here, person))
    somebody_else = Principal(HEAD.id, HEAD.roles, accounts=frozenset({HEAD.id, 5}))
    assert reason_cannot_act(PAPER, here, somebody_else) is None


def test_only_the_assignee_acts_on_a_step_but_it_can_be_taken_over() -> None:
    held = Position(Step.EVALUATION, requester_id=1, assignee_id=7)
    assert "assigned to somebody else" in str(reason_cannot_act(PAPER, held, MANAGER))
    assert reason_not_eligible(PAPER, held, MANAGER) is None
    assert available_moves(PAPER, held, MANAGER) == ()
    assert reason_cannot_act(PAPER, held, Principal(7, MANAGER.roles)) is None


def test_a_closed_request_has_no_move() -> None:
    closed = Position(Step.CLOSED)
    assert "closed" in str(reason_cannot_act(PAPER, closed, MANAGER))
    with pytest.raises(NoSuchMove):
        find_move(PAPER, closed, Outcome.DONE, MANAGER)


def test_an_outcome_of_another_step_is_none_of_this_one() -> None:
    with pytest.raises(NoSuchMove, match="not an outcome"):
        find_move(PAPER, Position(Step.EVALUATION), Outcome.DONE, MANAGER)


def test_after_the_head_s_refusal_only_the_head_s_approval_leads_on() -> None:
    refused = Position(Step.URGENCY, requester_id=1, refused=True)
    assert [move.outcome for move in available_moves(PAPER, refused, MANAGER)] == [Outcome.EMERGENCY]
    with pytest.raises(NoSuchMove, match="refused"):
        find_move(PAPER, refused, Outcome.NORMAL, MANAGER)
    approval = Move(Step.APPROVAL, Outcome.APPROVED, Step.IMPLEMENTATION)
    assert reason_move_blocked(approval, Position(Step.APPROVAL, refused=True)) is None
    faults = validation_errors(PAPER, Position(Step.EVALUATION, refused=True), Outcome.ACCEPTED, Evidence())
    assert "answer_to_refusal" in faults


@pytest.mark.parametrize(
    "position", [Position(Step.RELEASE, rolled_back=True), Position(Step.RELEASE, test_failed=True)]
)
def test_nothing_is_released_that_failed(position: Position) -> None:
    assert [move.outcome for move in available_moves(PAPER, position, MANAGER)] == [Outcome.NO_RELEASE]


def test_an_item_is_at_hand_by_its_file_its_tick_or_its_record() -> None:
    items = [RequiredItem(kind, "x", "X") for kind in (ItemKind.DOCUMENT, ItemKind.EQUIPMENT, ItemKind.RECORD)]
    assert [is_item_present(item, Evidence()) for item in items] == [False, False, True]
    assert all(is_item_present(item, Evidence(attached_documents={"x"}, confirmed_equipment={"x"})) for item in items)


@pytest.mark.parametrize(
    ("outcome", "target", "rolled_back", "result"),
    [
        (Outcome.ACCEPTED, Step.URGENCY, False, None),
        (Outcome.REJECTED, Step.CLOSED, False, Result.REJECTED),
        (Outcome.WITHDRAWN, Step.CLOSED, False, Result.WITHDRAWN),
        (Outcome.UNCHANGED, Step.CLOSED, False, Result.COMPLETED),
        (Outcome.UPDATED, Step.CLOSED, True, Result.ROLLED_BACK),
    ],
)
def test_a_closed_request_has_its_result(
    outcome: Outcome,
    target: Step,
    rolled_back: bool,
    result: Result | None,
) -> None:
    assert result_of(Move(Step.EVALUATION, outcome, target), rolled_back=rolled_back) is result


def test_every_step_is_judged_by_its_standard_but_the_request_itself() -> None:
    assert standard_time_of(PAPER, Step.REQUEST) is None
    assert standard_time_of(PAPER, Step.EVALUATION) is PAPER.rules[Step.EVALUATION].standard


def test_a_move_adds_its_actor_to_the_duty_of_its_step_where_it_has_one() -> None:
    here = Position(Step.EVALUATION, requester_id=1, assignee_id=2)
    evaluated = position_after(here, Move(Step.EVALUATION, Outcome.ACCEPTED, Step.URGENCY), 2)
    assert (evaluated.step, evaluated.duties, evaluated.assignee_id) == (
        Step.URGENCY,
        {Duty.EVALUATE: frozenset({2})},
        None,
    )
    released = position_after(
        replace(evaluated, step=Step.RELEASE), Move(Step.RELEASE, Outcome.SCHEDULED, Step.ASSET_REVIEW), 5
    )
    assert (released.step, released.duties) == (Step.ASSET_REVIEW, evaluated.duties)
