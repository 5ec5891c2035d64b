"""Who may make which move of a paper, as the rules say it: no database, no clock, no screen."""

from __future__ import annotations

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed
from lpse_admin.sop import Item, ItemKind, Move, papers, parse
from lpse_admin.sop.steps import Outcome, Part, Result, Step
from lpse_admin.workflow.transitions import (
    AtHand,
    Person,
    Position,
    bar,
    bar_from_taking,
    closed_move,
    find_move,
    is_actor,
    is_at_hand,
    lacking,
    open_moves,
    result_of,
)
from lpse_admin.worktime.step_timing import standard_of
from tests.support.cast import LUMAJANG

PAPER = parse(dict(papers())[LUMAJANG], LUMAJANG)
REQUESTER = Person(1, frozenset({Role.REQUESTER}))
MANAGER = Person(2, frozenset({Role.CHANGE_MANAGER}))
HEAD = Person(3, frozenset({Role.HEAD}))
DELEGATE = Person(4, frozenset({Role.CHANGE_MANAGER}), stands_in_for_head=True)


@pytest.mark.parametrize(
    ("step", "person", "is_theirs"),
    [
        (Step.REQUEST, REQUESTER, True),
        (Step.REQUEST, Person(9, frozenset({Role.REQUESTER})), False),
        (Step.REQUEST, Person(1, frozenset({Role.CHANGE_MANAGER})), False),
        (Step.EVALUATION, MANAGER, True),
        (Step.EVALUATION, HEAD, False),
        (Step.APPROVAL, HEAD, True),
        (Step.APPROVAL, DELEGATE, True),
        (Step.APPROVAL, MANAGER, False),
    ],
)
def test_each_step_is_its_actor_s(step: Step, person: Person, is_theirs: bool) -> None:  # noqa: FBT001
    assert is_actor(PAPER.rules[step], Position(step, requester_id=1), person) is is_theirs


def test_what_is_ahead_is_the_step_itself_and_whatever_its_outcomes_can_lead_to() -> None:
    assert PAPER.ahead(Step.CLOSED) == {Step.CLOSED}
    assert PAPER.ahead(Step.ASSET_REVIEW) == {Step.ASSET_REVIEW, Step.ASSET_UPDATE, Step.CLOSED}
    assert PAPER.ahead(Step.APPROVAL) == {*PAPER.rules, Step.CLOSED} - {Step.REQUEST}
    assert Step.APPROVAL not in PAPER.ahead(Step.IMPLEMENTATION)


def test_whoever_asked_or_evaluated_does_not_decide() -> None:
    here = Position(Step.APPROVAL, requester_id=1, parts={Part.EVALUATE: frozenset({4})})
    assert bar(PAPER, here, HEAD) is None
    assert "evaluated" in str(bar(PAPER, here, DELEGATE))
    assert "Only the" in str(bar(PAPER, here, MANAGER))
    with pytest.raises(NotAllowed):
        find_move(PAPER, here, Outcome.APPROVED, DELEGATE)


def test_what_is_in_somebody_s_hands_is_theirs_alone_but_can_be_taken_over() -> None:
    held = Position(Step.EVALUATION, requester_id=1, held_by=7)
    assert "hands of somebody else" in str(bar(PAPER, held, MANAGER))
    assert bar_from_taking(PAPER, held, MANAGER) is None
    assert open_moves(PAPER, held, MANAGER) == ()
    assert bar(PAPER, held, Person(7, MANAGER.roles)) is None


def test_a_closed_request_has_no_move() -> None:
    closed = Position(Step.CLOSED)
    assert "closed" in str(bar(PAPER, closed, MANAGER))
    with pytest.raises(NoSuchMove):
        find_move(PAPER, closed, Outcome.DONE, MANAGER)


def test_an_outcome_of_another_step_is_none_of_this_one() -> None:
    with pytest.raises(NoSuchMove, match="no outcome"):
        find_move(PAPER, Position(Step.EVALUATION), Outcome.DONE, MANAGER)


def test_after_the_head_s_refusal_only_the_head_s_approval_leads_on() -> None:
    refused = Position(Step.URGENCY, requester_id=1, refused=True)
    assert [move.outcome for move in open_moves(PAPER, refused, MANAGER)] == [Outcome.EMERGENCY]
    with pytest.raises(NoSuchMove, match="refused"):
        find_move(PAPER, refused, Outcome.NORMAL, MANAGER)
    approval = Move(Step.APPROVAL, Outcome.APPROVED, Step.IMPLEMENTATION)
    assert closed_move(approval, Position(Step.APPROVAL, refused=True)) is None
    faults = lacking(PAPER, Position(Step.EVALUATION, refused=True), Outcome.ACCEPTED, AtHand())
    assert "answer_to_refusal" in faults


@pytest.mark.parametrize("position", [Position(Step.RELEASE, rolled_back=True), Position(Step.RELEASE, undone=True)])
def test_nothing_is_released_that_failed(position: Position) -> None:
    assert [move.outcome for move in open_moves(PAPER, position, MANAGER)] == [Outcome.NO_RELEASE]


def test_an_item_is_at_hand_by_its_file_its_tick_or_its_record() -> None:
    items = [Item(kind, "x", "X") for kind in (ItemKind.DOCUMENT, ItemKind.EQUIPMENT, ItemKind.RECORD)]
    assert [is_at_hand(item, AtHand()) for item in items] == [False, False, True]
    assert all(is_at_hand(item, AtHand(documents={"x"}, equipment={"x"})) for item in items)


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
    rolled_back: bool,  # noqa: FBT001 - a column of the table above
    result: Result | None,
) -> None:
    assert result_of(Move(Step.EVALUATION, outcome, target), rolled_back=rolled_back) is result


def test_every_step_is_judged_by_its_standard_but_the_request_itself() -> None:
    assert standard_of(PAPER, Step.REQUEST) is None
    assert standard_of(PAPER, Step.EVALUATION) is PAPER.rules[Step.EVALUATION].standard
