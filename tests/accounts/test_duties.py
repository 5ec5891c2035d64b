"""Nobody takes two parts of one request that check one another, whatever roles they hold."""

from __future__ import annotations

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed
from lpse_admin.sop.steps import CHECKS_ANOTHER, PARTS, Outcome, Part, Step
from tests.support.cast import NOW, ROUTES, answer, at, delegation, move, new, user, walk


@pytest.fixture
def session(shared):
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def cast(shared):
    return shared[1]


@pytest.fixture(scope="module")
def everybody(shared):
    """Somebody who holds every role of the procedure, so that only their part on the request can bar them."""
    session, cast = shared
    answer(session)
    made = user(session, cast.lumajang.agency, "segalanya", Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD)
    session.commit()
    return made


@pytest.fixture
def stand_in(session, cast):
    """Give a function that delegates to somebody of Lumajang; the delegation ends with the test."""
    granted = []
    yield lambda person: granted.append(delegation(session, cast.lumajang, person))
    session.rollback()
    answer(session)
    for each in granted:
        each.withdraw(now=NOW, by=cast.lumajang.head)
    session.commit()


def test_the_parts_that_check_one_another_are_those_of_the_specification():
    # Whoever asked does not evaluate; whoever asked, evaluated or carried out does not approve or verify.
    pairs = {
        frozenset({Part.ASK, Part.EVALUATE}),
        frozenset({Part.ASK, Part.CHECK}),
        frozenset({Part.EVALUATE, Part.CHECK}),
        frozenset({Part.CARRY_OUT, Part.CHECK}),
    }
    assert {frozenset({part, other}) for part, others in CHECKS_ANOTHER.items() for other in others} == pairs
    assert PARTS == {
        Step.REQUEST: Part.ASK,
        Step.RETURNED: Part.ASK,
        Step.EVALUATION: Part.EVALUATE,
        Step.URGENCY: Part.EVALUATE,
        Step.APPROVAL: Part.CHECK,
        Step.IMPLEMENTATION: Part.CARRY_OUT,
        Step.TEST: Part.CARRY_OUT,
        Step.ROLLBACK: Part.CARRY_OUT,
        Step.REPORT: Part.CARRY_OUT,
        Step.VERIFICATION: Part.CHECK,
    }


def _barred(session, change, outcome, person, part):
    assert change.open_moves(person, NOW) == ()
    with pytest.raises(NotAllowed, match=str(part.title)):
        move(session, change, outcome, person)


def test_whoever_asked_neither_evaluates_nor_approves_nor_verifies(session, cast, everybody):
    office = cast.lumajang
    change = new(session, office, requester=everybody)
    move(session, change, Outcome.SUBMITTED, everybody)
    _barred(session, change, Outcome.ACCEPTED, everybody, Part.ASK)
    walk(session, office, Outcome.ACCEPTED, change=change)
    _barred(session, change, Outcome.NORMAL, everybody, Part.ASK)
    walk(session, office, Outcome.EMERGENCY, change=change)
    _barred(session, change, Outcome.APPROVED, everybody, Part.ASK)
    walk(session, office, *ROUTES[Step.VERIFICATION][4:], change=_approved(session, office, change))
    _barred(session, change, Outcome.VERIFIED, everybody, Part.ASK)


def _approved(session, office, change):
    move(session, change, Outcome.APPROVED, office.head)
    move(session, change, Outcome.DONE, office.manager)
    return change


@pytest.mark.parametrize("step", [Step.EVALUATION, Step.URGENCY])
def test_whoever_evaluated_neither_approves_nor_verifies(step, session, cast, everybody):
    office = cast.lumajang
    change = at(session, office, step)
    move(session, change, Outcome.ACCEPTED if step is Step.EVALUATION else Outcome.EMERGENCY, everybody)
    if step is Step.EVALUATION:
        walk(session, office, Outcome.EMERGENCY, change=change)
    _barred(session, change, Outcome.APPROVED, everybody, Part.EVALUATE)
    _barred(session, change, Outcome.REFUSED, everybody, Part.EVALUATE)
    walk(session, office, Outcome.PASSED, Outcome.REPORTED, change=_approved(session, office, change))
    _barred(session, change, Outcome.VERIFIED, everybody, Part.EVALUATE)


@pytest.mark.parametrize(
    ("step", "outcomes"),
    [
        (Step.IMPLEMENTATION, (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED)),
        (Step.TEST, (Outcome.PASSED, Outcome.REPORTED)),
        (Step.ROLLBACK, (Outcome.ROLLED_BACK, Outcome.REPORTED)),
        (Step.REPORT, (Outcome.REPORTED,)),
    ],
)
def test_whoever_carried_out_does_not_verify(step, outcomes, session, cast, everybody):
    office = cast.lumajang
    change = at(session, office, step)
    move(session, change, outcomes[0], everybody)
    walk(session, office, *outcomes[1:], change=change)
    _barred(session, change, Outcome.VERIFIED, everybody, Part.CARRY_OUT)


def test_whoever_decided_as_the_head_neither_evaluates_nor_carries_out(session, cast, everybody):
    office = cast.lumajang
    change = at(session, office, Step.APPROVAL)
    move(session, change, Outcome.REFUSED, everybody)
    _barred(session, change, Outcome.ACCEPTED, everybody, Part.CHECK)
    walk(session, office, Outcome.ACCEPTED, Outcome.EMERGENCY, change=change)
    move(session, change, Outcome.APPROVED, everybody)
    _barred(session, change, Outcome.DONE, everybody, Part.CHECK)


def test_a_part_taken_on_one_request_bars_nobody_from_another(session, cast, everybody):
    office = cast.lumajang
    own = new(session, office, requester=everybody)
    move(session, own, Outcome.SUBMITTED, everybody)
    move(session, at(session, office, Step.EVALUATION), Outcome.ACCEPTED, everybody)
    move(session, at(session, office, Step.VERIFICATION), Outcome.VERIFIED, everybody)


def test_whoever_asked_may_carry_out_what_others_evaluated_and_verify_it_did_not(session, cast, everybody):
    office = cast.lumajang
    change = new(session, office, requester=everybody)
    move(session, change, Outcome.SUBMITTED, everybody)
    walk(session, office, Outcome.ACCEPTED, Outcome.NORMAL, change=change)
    move(session, change, Outcome.DONE, everybody)
    assert change.step is Step.TEST


@pytest.mark.parametrize("part", [Part.ASK, Part.EVALUATE, Part.CARRY_OUT])
def test_a_delegate_who_took_part_does_not_decide_in_the_head_s_place(part, session, cast, stand_in):
    office = cast.lumajang
    person = {Part.ASK: office.requester, Part.EVALUATE: office.manager, Part.CARRY_OUT: office.manager2}[part]
    stand_in(person)
    if part is not Part.CARRY_OUT:
        _barred(session, at(session, office, Step.APPROVAL), Outcome.APPROVED, person, part)
        return
    change = at(session, office, Step.IMPLEMENTATION)
    move(session, change, Outcome.DONE, person)
    walk(session, office, Outcome.PASSED, Outcome.REPORTED, change=change)
    _barred(session, change, Outcome.VERIFIED, person, part)


def test_a_delegate_who_decided_does_not_carry_out_afterwards(session, cast, stand_in):
    office = cast.lumajang
    stand_in(office.manager2)
    change = at(session, office, Step.APPROVAL)
    decided = move(session, change, Outcome.APPROVED, office.manager2)
    assert decided.capacity == "Plh. Kepala LPSE"
    _barred(session, change, Outcome.DONE, office.manager2, Part.CHECK)
