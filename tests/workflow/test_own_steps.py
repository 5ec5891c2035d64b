"""Moves through steps of an SOP's own, by the rules alone."""

from __future__ import annotations

import datetime as dt

from lpse_admin.accounts.roles import Role
from lpse_admin.sop import parse
from lpse_admin.sop.steps import NEEDS_REASON, Duty, Outcome, Step
from lpse_admin.workflow.deviations import DeviationKind
from lpse_admin.workflow.record_fields import fields_of_step, reason_field
from lpse_admin.workflow.transitions import (
    Evidence,
    Position,
    Principal,
    available_moves,
    detect_deviations,
    missing_items,
    reason_cannot_act,
    reason_move_blocked,
    validation_errors,
)
from tests.changes.own_steps.office import KEY, TEXT

SOP = parse(TEXT, KEY)
REQUESTER = Principal(1, frozenset({Role.REQUESTER}))
MANAGER = Principal(2, frozenset({Role.CHANGE_MANAGER}))
HEAD = Principal(3, frozenset({Role.HEAD}))
ACCEPTANCE, TASK = Step("acceptance.serah-terima"), Step("task.perbaikan")
REFUSED, ACCEPTED, DONE = Outcome("keberatan"), Outcome("diterima"), Outcome("diperbaiki")


def test_a_step_that_waits_is_nobody_s_before_its_time() -> None:
    step = Step("waiting.masa-pantau")
    waiting = Position(step, waits_until=dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
    assert "waits until" in str(reason_cannot_act(SOP, waiting, MANAGER))
    assert available_moves(SOP, waiting, MANAGER) == ()
    assert [move.outcome for move in available_moves(SOP, Position(step), MANAGER)] == ["selesai"]
    assert "Only the" in str(reason_cannot_act(SOP, waiting, HEAD)), "whose step it is comes first"


def test_the_reason_that_the_sop_wants_is_a_field_and_is_demanded() -> None:
    field = reason_field(SOP.rules[ACCEPTANCE])
    assert field is not None
    assert field.required_for == {REFUSED}
    assert reason_field(SOP.rules[TASK]) is None
    evaluation = reason_field(SOP.rules[Step.EVALUATION])
    assert evaluation is not None
    assert evaluation.required_for == {Outcome.RETURNED, Outcome.REJECTED} < NEEDS_REASON
    position = Position(ACCEPTANCE, requester_id=1)
    assert set(validation_errors(SOP, position, REFUSED, Evidence({"reason": " "}))) == {"reason"}
    assert validation_errors(SOP, position, REFUSED, Evidence({"reason": "Belum lengkap"})) == {}
    assert validation_errors(SOP, position, ACCEPTED, Evidence()) == {}


def test_what_a_task_requires_is_asked_for_unless_it_ends_with_a_reason() -> None:
    position = Position(TASK)
    assert [item.label for item in missing_items(SOP, position, DONE, Evidence())] == ["PC"]
    assert [one.kind for one in detect_deviations(SOP, position, DONE, Evidence())] == [DeviationKind.EQUIPMENT]
    assert [field.key for field in fields_of_step(TASK)] == ["notes"]
    decision = Position(Step("decision.peninjauan"))
    assert missing_items(SOP, decision, Outcome("belum-memadai"), Evidence()) == ()


def test_a_refusal_of_one_approval_bars_every_implementation_until_the_next() -> None:
    refused = Position(Step.EVALUATION, refused=True)
    moves = {move.target: move for move in SOP.moves}
    assert reason_move_blocked(moves[Step("implementation.latihan")], refused) is None, "it leads there by an approval"
    assert reason_move_blocked(moves[Step.IMPLEMENTATION], refused) is not None


def test_whoever_evaluated_does_not_decide_in_a_step_of_the_sop_s_own() -> None:
    decision = Position(Step("decision.peninjauan"), duties={Duty.EVALUATE: frozenset({3})})
    assert "already" in str(reason_cannot_act(SOP, decision, HEAD))
    assert reason_cannot_act(SOP, Position(ACCEPTANCE, requester_id=1), REQUESTER) is None
