"""The separation of duties: nobody performs two duties of a request that check each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed
from lpse_admin.sop.steps import CONFLICTING_DUTIES, STEP_DUTIES, Duty, Outcome, Step
from tests.support.cast import (
    NOW,
    OUTCOMES_TO,
    change_at_step,
    delegation,
    make_move,
    move_through,
    new_change,
    set_test_audit_context,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast, Office


@pytest.fixture
def session(shared: tuple[AuditedSession, Cast]) -> Iterator[AuditedSession]:
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def cast(shared: tuple[AuditedSession, Cast]) -> Cast:
    return shared[1]


@pytest.fixture(scope="module")
def everybody(shared: tuple[AuditedSession, Cast]) -> User:
    """Somebody who holds every role of the procedure, so that only their part on the request can bar them."""
    session, cast = shared
    set_test_audit_context(session)
    created = user(session, cast.lumajang.agency, "segalanya", Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)
    session.commit()
    return created


@pytest.fixture
def stand_in(session: AuditedSession, cast: Cast) -> Iterator[Callable[[User], None]]:
    """Give a function that delegates to somebody of Lumajang; the delegation ends with the test."""
    granted = []
    yield lambda person: granted.append(delegation(session, cast.lumajang, person))
    session.rollback()
    set_test_audit_context(session)
    for each in granted:
        each.withdraw(now=NOW, by=cast.lumajang.head)
    session.commit()


def test_the_parts_that_check_one_another_are_those_of_the_specification() -> None:
    # Whoever asked does not evaluate; whoever asked, evaluated or carried out does not approve or verify.
    pairs = {
        frozenset({Duty.REQUEST, Duty.EVALUATE}),
        frozenset({Duty.REQUEST, Duty.DECIDE}),
        frozenset({Duty.EVALUATE, Duty.DECIDE}),
        frozenset({Duty.IMPLEMENT, Duty.DECIDE}),
    }
    assert {frozenset({part, other}) for part, others in CONFLICTING_DUTIES.items() for other in others} == pairs
    assert STEP_DUTIES == {
        Step.REQUEST: Duty.REQUEST,
        Step.RETURNED: Duty.REQUEST,
        Step.EVALUATION: Duty.EVALUATE,
        Step.URGENCY: Duty.EVALUATE,
        Step.APPROVAL: Duty.DECIDE,
        Step.IMPLEMENTATION: Duty.IMPLEMENT,
        Step.TEST: Duty.IMPLEMENT,
        Step.ROLLBACK: Duty.IMPLEMENT,
        Step.REPORT: Duty.IMPLEMENT,
        Step.VERIFICATION: Duty.DECIDE,
        Step.DECISION: Duty.DECIDE,  # of an SOP's own: a check as well
    }


def _barred(session: AuditedSession, change: ChangeRequest, outcome: Outcome, person: User, part: Duty) -> None:
    assert change.open_moves(person, NOW) == ()
    with pytest.raises(NotAllowed, match=str(part.title)):
        make_move(session, change, outcome, person)


def test_whoever_asked_neither_evaluates_nor_approves_nor_verifies(
    session: AuditedSession, cast: Cast, everybody: User
) -> None:
    office = cast.lumajang
    change = new_change(session, office, requester=everybody)
    make_move(session, change, Outcome.SUBMITTED, everybody)
    _barred(session, change, Outcome.ACCEPTED, everybody, Duty.REQUEST)
    move_through(session, office, Outcome.ACCEPTED, change=change)
    _barred(session, change, Outcome.NORMAL, everybody, Duty.REQUEST)
    move_through(session, office, Outcome.EMERGENCY, change=change)
    _barred(session, change, Outcome.APPROVED, everybody, Duty.REQUEST)
    move_through(session, office, *OUTCOMES_TO[Step.VERIFICATION][4:], change=_approved(session, office, change))
    _barred(session, change, Outcome.VERIFIED, everybody, Duty.REQUEST)


def _approved(session: AuditedSession, office: Office, change: ChangeRequest) -> ChangeRequest:
    make_move(session, change, Outcome.APPROVED, office.head)
    make_move(session, change, Outcome.DONE, office.manager)
    return change


@pytest.mark.parametrize("step", [Step.EVALUATION, Step.URGENCY])
def test_whoever_evaluated_neither_approves_nor_verifies(
    step: Step, session: AuditedSession, cast: Cast, everybody: User
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, step)
    make_move(session, change, Outcome.ACCEPTED if step is Step.EVALUATION else Outcome.EMERGENCY, everybody)
    if step is Step.EVALUATION:
        move_through(session, office, Outcome.EMERGENCY, change=change)
    _barred(session, change, Outcome.APPROVED, everybody, Duty.EVALUATE)
    _barred(session, change, Outcome.REFUSED, everybody, Duty.EVALUATE)
    move_through(session, office, Outcome.PASSED, Outcome.REPORTED, change=_approved(session, office, change))
    _barred(session, change, Outcome.VERIFIED, everybody, Duty.EVALUATE)


@pytest.mark.parametrize(
    ("step", "outcomes"),
    [
        (Step.IMPLEMENTATION, (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED)),
        (Step.TEST, (Outcome.PASSED, Outcome.REPORTED)),
        (Step.ROLLBACK, (Outcome.ROLLED_BACK, Outcome.REPORTED)),
        (Step.REPORT, (Outcome.REPORTED,)),
    ],
)
def test_whoever_carried_out_does_not_verify(
    step: Step, outcomes: tuple[Outcome, ...], session: AuditedSession, cast: Cast, everybody: User
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, step)
    make_move(session, change, outcomes[0], everybody)
    move_through(session, office, *outcomes[1:], change=change)
    _barred(session, change, Outcome.VERIFIED, everybody, Duty.IMPLEMENT)


def test_whoever_decided_as_the_head_neither_evaluates_nor_carries_out(
    session: AuditedSession, cast: Cast, everybody: User
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    make_move(session, change, Outcome.REFUSED, everybody)
    _barred(session, change, Outcome.ACCEPTED, everybody, Duty.DECIDE)
    move_through(session, office, Outcome.ACCEPTED, Outcome.EMERGENCY, change=change)
    make_move(session, change, Outcome.APPROVED, everybody)
    _barred(session, change, Outcome.DONE, everybody, Duty.DECIDE)


def test_a_part_taken_on_one_request_bars_nobody_from_another(
    session: AuditedSession, cast: Cast, everybody: User
) -> None:
    office = cast.lumajang
    own = new_change(session, office, requester=everybody)
    make_move(session, own, Outcome.SUBMITTED, everybody)
    make_move(session, change_at_step(session, office, Step.EVALUATION), Outcome.ACCEPTED, everybody)
    make_move(session, change_at_step(session, office, Step.VERIFICATION), Outcome.VERIFIED, everybody)


def test_whoever_asked_may_carry_out_what_others_evaluated_and_verify_it_did_not(
    session: AuditedSession, cast: Cast, everybody: User
) -> None:
    office = cast.lumajang
    change = new_change(session, office, requester=everybody)
    make_move(session, change, Outcome.SUBMITTED, everybody)
    move_through(session, office, Outcome.ACCEPTED, Outcome.NORMAL, change=change)
    make_move(session, change, Outcome.DONE, everybody)
    assert change.step is Step.TEST


@pytest.mark.parametrize("part", [Duty.REQUEST, Duty.EVALUATE, Duty.IMPLEMENT])
def test_a_delegate_who_took_part_does_not_decide_in_the_head_s_place(
    part: Duty, session: AuditedSession, cast: Cast, stand_in: Callable[[User], None]
) -> None:
    office = cast.lumajang
    person = {Duty.REQUEST: office.requester, Duty.EVALUATE: office.manager, Duty.IMPLEMENT: office.manager2}[part]
    stand_in(person)
    if part is not Duty.IMPLEMENT:
        _barred(session, change_at_step(session, office, Step.APPROVAL), Outcome.APPROVED, person, part)
        return
    change = change_at_step(session, office, Step.IMPLEMENTATION)
    make_move(session, change, Outcome.DONE, person)
    move_through(session, office, Outcome.PASSED, Outcome.REPORTED, change=change)
    _barred(session, change, Outcome.VERIFIED, person, part)


def test_a_delegate_who_decided_does_not_carry_out_afterwards(
    session: AuditedSession, cast: Cast, stand_in: Callable[[User], None]
) -> None:
    office = cast.lumajang
    stand_in(office.manager2)
    change = change_at_step(session, office, Step.APPROVAL)
    decided = make_move(session, change, Outcome.APPROVED, office.manager2)
    assert decided.capacity == "Plh. Kepala LPSE"
    _barred(session, change, Outcome.DONE, office.manager2, Duty.DECIDE)
