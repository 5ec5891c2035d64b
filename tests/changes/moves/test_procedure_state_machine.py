"""Any user tries any move at any time: only moves of the signed SOP are made, and the invariants hold.

The machine predicts every result from the literal copies of the SOPs and the specification alone, and reads the actual
one from the tables, without the models.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, Refused, ValidationFailed
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.transitions import required_items
from lpse_admin.worktime.working_calendar import WorkCalendar
from models.accounts.user import User
from models.audit import verification
from models.changes.moves.assignment import reassign, take_up
from models.changes.moves.drafts import create_draft
from models.delegation.delegation import DelegationKind
from models.delegation.grant import grant_delegation
from tests.support.cast import (
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    TANA_TIDUNG,
    AuditedSession,
    Office,
    attach_required,
    set_test_audit_context,
    user,
    values_for,
)
from tests.support.papers import LUMAJANG_MOVES, LUMAJANG_STEPS, TANA_TIDUNG_MOVES, TANA_TIDUNG_STEPS
from tests.support.present import present

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any

    from models.delegation.delegation import Delegation
    from tests.support.cast import Cast

SIGNED = {
    LUMAJANG: (LUMAJANG_MOVES, LUMAJANG_STEPS),
    TANA_TIDUNG: (TANA_TIDUNG_MOVES, TANA_TIDUNG_STEPS),
}

#: Separation of duties, by step: who finished a step of the first set may not act on one of the second, and vice versa.
ASKS = {"request", "returned"}
EVALUATES = {"evaluation", "urgency"}
CARRIES_OUT = {"implementation", "test", "rollback", "report"}
CHECKS = {"approval", "verification"}
APART = ((ASKS, EVALUATES), (ASKS, CHECKS), (EVALUATES, CHECKS), (CARRIES_OUT, CHECKS))

#: Paths to interesting steps, as outcomes.
WAYS = (
    (),
    OUTCOMES_TO[Step.URGENCY],
    OUTCOMES_TO[Step.APPROVAL],
    (*OUTCOMES_TO[Step.APPROVAL], Outcome.REFUSED, Outcome.ACCEPTED),
    (*OUTCOMES_TO[Step.APPROVAL], Outcome.REFUSED, Outcome.RETURNED, Outcome.RESUBMITTED, Outcome.ACCEPTED),
    (*OUTCOMES_TO[Step.APPROVAL], Outcome.APPROVED, Outcome.DONE),
    OUTCOMES_TO[Step.TEST],
    OUTCOMES_TO[Step.VERIFICATION],
    (*OUTCOMES_TO[Step.ROLLBACK], Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED),
)
ENDINGS = {"rejected", "withdrawn"}
DETOURS = {*ENDINGS, "returned", "refused"}
#: Outcomes that require no documents and no equipment.
SENDS_AWAY = {*DETOURS, "mend"}

#: Outcomes that need no values: unconditional decisions, and those whose form is filled already.
NEED_NOTHING = {"submitted", "resubmitted", "withdrawn", "normal", "approved"}

#: Users besides the cast, with more than one role.
MANY = {
    "pengelola-kepala": (Role.CHANGE_MANAGER, Role.HEAD),
    "pemohon-pengelola": (Role.REQUESTER, Role.CHANGE_MANAGER),
    "segalanya": (Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD),
}

#: Standard minutes of a direct path through Lumajang's SOP, by (is an emergency, was rolled back, assets).
SUMS = {
    (False, False, False): 460,
    (True, False, True): 640,
    (True, True, True): 700,
}

#: The office and the users of each SOP.
Offices = dict[str, tuple[Office, list[User]]]

#: Of decrees; each serves one delegation.
_numbers = itertools.count(1000)


@pytest.fixture(scope="module")
def offices(shared: tuple[AuditedSession, Cast]) -> tuple[AuditedSession, Offices]:
    """Return the office of each SOP with its users, including those with several roles."""
    session, cast = shared
    set_test_audit_context(session)
    results = {}
    for key in SIGNED:
        office = cast.office(key)
        suffix = office.sop_revision.sop.agency.account_suffix
        many = [user(session, office.agency, name + suffix, *roles) for name, roles in MANY.items()]
        results[key] = (office, [*office.people, *many])
    session.commit()
    return session, results


class Procedure(RuleBasedStateMachine):
    """One request of one agency, and all its users."""

    def __init__(self, session: AuditedSession, offices: Offices) -> None:
        super().__init__()
        self.session, self.offices = session, offices
        self.granted: list[Delegation] = []

    # -- rules ----------------------------------------------------------------------------------------------------

    @initialize(
        key=st.sampled_from(sorted(SIGNED)),
        asks=st.sampled_from(("pemohon", "pemohon-pengelola", "segalanya")),
        way=st.sampled_from(WAYS),
        data=st.data(),
    )
    def begin(self, key: str, asks: str, way: tuple[Outcome, ...], data: st.DataObject) -> None:
        self.office, self.people = self.offices[key]
        self.ids = [person.id for person in self.people]
        self.moves = {(origin, outcome): target for origin, outcome, target in SIGNED[key][0]}
        self.roles = {step: role for _no, step, role, _time in SIGNED[key][1]}
        self.standards = {step: minutes for _no, step, _role, minutes in SIGNED[key][1] if step != "request"}
        # By the second warning of Lumajang's SOP; Tana Tidung's has no such clause, and no times.
        self.knows_deviations = key == LUMAJANG
        self.calendar = WorkCalendar(self.office.agency.zone)
        self.now = NOW
        self.history: list[tuple[str, str, int]] = []
        self.arrived = self.now
        self.held_by: User | None = None
        self.taken_up: dt.datetime | None = None
        #: Of each deviation: index of the step, kind, id of the executor, whether it is disposed of.
        self.deviations: list[tuple[int, str, int, bool]] = []
        requester = next(person for person in self.people if person.username.split(".")[0] == asks)
        set_test_audit_context(self.session, now=self.now)
        values = values_for(Step.REQUEST, Outcome.SUBMITTED)
        self.change = create_draft(self.session, requester, now=self.now, values=values)
        self.session.commit()
        self.requester_id, self.agency_id = requester.id, self.office.agency.id
        for outcome in way:
            self._go(data, outcome)

    def _go(self, data: st.DataObject, outcome: Outcome) -> None:
        """Make this move as one of the users who may, if there is any."""
        able = [person for person in self.people if self._expected(outcome.value, person) is None]
        if able:
            person, before = data.draw(st.sampled_from(able), label="who"), len(self.history)
            if data.draw(st.booleans(), label="hastily"):
                self._attempt(outcome, person, is_complete=False)
            if len(self.history) == before:
                lacks = data.draw(st.booleans(), label="without letters and equipment")
                self._attempt(outcome, person, is_complete=True, lacks=lacks and self.knows_deviations)

    @precondition(lambda self: self.step != "closed")
    @rule(data=st.data(), moves=st.integers(1, 4))
    def go_on(self, data: st.DataObject, moves: int) -> None:
        for _move in range(moves):
            outcomes = sorted(outcome for step, outcome in self.moves if step == self.step and outcome not in ENDINGS)
            if outcomes:
                self._go(data, Outcome(data.draw(st.sampled_from(outcomes), label="outcome")))

    @precondition(lambda self: self.step != "closed")
    @rule(data=st.data())
    def go_on_to_the_end(self, data: st.DataObject) -> None:
        while self.step != "closed":
            before = len(self.history)
            outcomes = sorted(outcome for step, outcome in self.moves if step == self.step and outcome not in DETOURS)
            first = data.draw(st.integers(0, len(outcomes) - 1), label="first")
            for outcome in (*outcomes[first:], *outcomes[:first]):
                self._go(data, Outcome(outcome))
                if len(self.history) > before:
                    break
            if len(self.history) == before:
                break  # everybody whose turn it could be took another part

    @rule(outcome=st.sampled_from(Outcome), which=st.integers(0, 10), is_complete=st.booleans())
    def try_anything(self, outcome: Outcome, which: int, is_complete: bool) -> None:
        self._attempt(outcome, self.people[which], is_complete=is_complete)

    @precondition(lambda self: self.step != "closed")
    @rule(data=st.data(), which=st.integers(0, 10))
    def try_an_outcome_of_the_step(self, data: st.DataObject, which: int) -> None:
        outcomes = sorted(outcome for step, outcome in self.moves if step == self.step)
        self._attempt(Outcome(data.draw(st.sampled_from(outcomes))), self.people[which], is_complete=True)

    @rule(which=st.integers(0, 10))
    def let_somebody_take_it_up(self, which: int) -> None:
        person = self.people[which]
        expected: type[Refused] | None
        if self.step == "closed" or self.held_by is not None:
            expected = NoSuchMove
        elif self._barred(person):
            expected = NotAllowed
        else:
            expected = NoSuchMove if self.roles[self.step] == "requester" else None
        set_test_audit_context(self.session, "change.take-up", now=self.now, actor_id=person.id)
        assert self._refusal(lambda: take_up(self.change, person, now=self.now)) is expected
        if expected is None:
            self.held_by, self.taken_up = person, self.now

    @precondition(lambda self: self.step != "closed")
    @rule(data=st.data())
    def let_whoever_can_take_it_up(self, data: st.DataObject) -> None:
        able = [index for index, person in enumerate(self.people) if not self._barred(person)]
        if able:
            self.let_somebody_take_it_up(data.draw(st.sampled_from(able), label="who"))

    @precondition(lambda self: self.held_by is not None)
    @rule(gives=st.booleans(), which=st.integers(0, 10), to=st.integers(0, 10))
    def let_it_change_hands(self, gives: bool, which: int, to: int) -> None:
        giver, taker = present(self.held_by) if gives else self.people[which], self.people[to]
        expected: type[Refused] | None
        if giver is not self.held_by and (self._barred(giver) or giver is not taker):
            expected = NotAllowed
        else:
            expected = ValidationFailed if taker is self.held_by or self._barred(taker) else None
        set_test_audit_context(self.session, "change.hand-over", now=self.now, actor_id=present(giver).id)
        refusal = self._refusal(
            lambda: reassign(self.change, taker, present(giver), now=self.now, reason="Ada tugas lain")
        )
        assert refusal is expected
        if expected is None:
            self.held_by = taker

    def _refusal(self, act: Callable[[], object]) -> type[Refused] | None:
        """Run it and commit, or roll back and return the class of the refusal."""
        try:
            act()
        except Refused as given:
            self.session.rollback()
            return type(given)
        self.session.commit()
        return None

    @rule(hours=st.sampled_from((1, 9, 24, 72)))
    def let_time_pass(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)

    @rule(which=st.integers(0, 10), days=st.integers(0, 2), kind=st.sampled_from(DelegationKind))
    def let_the_head_delegate(self, which: int, days: int, kind: DelegationKind) -> None:
        today = self._today()
        set_test_audit_context(self.session, now=self.now)
        try:
            created = grant_delegation(
                self.session, head=self.office.head, delegate=self.people[which], kind=kind,
                decree_number=f"800/{next(_numbers)}", from_date=today,
                until_date=today + dt.timedelta(days=days), by=self.office.head, now=self.now,
            )  # fmt: skip
        except ValidationFailed:
            self.session.rollback()
            return
        self.session.commit()
        self.granted.append(created)

    @precondition(lambda self: self._current_delegations())
    @rule()
    def let_the_head_withdraw(self) -> None:
        set_test_audit_context(self.session, now=self.now)
        self._current_delegations()[0].withdraw(now=self.now, by=self.office.head)
        self.session.commit()

    def teardown(self) -> None:
        self.session.rollback()
        set_test_audit_context(self.session)
        for created in self.granted:
            if created.withdrawn_at is None:  # as of its day: the next example begins earlier than this one ends
                created.withdraw(now=created.recorded_at, by=self.office.head)
        self.session.commit()

    def _current_delegations(self) -> list[Delegation]:
        """Return those that have neither ended nor been withdrawn."""
        return [created for created in self.granted if created.can_be_withdrawn_by(self.office.head, self.now)]

    # -- expectations ---------------------------------------------------------------------------------------------

    @property
    def step(self) -> str:
        return self.moves[self.history[-1][:2]] if self.history else "request"

    def _today(self) -> dt.date:
        return self.now.astimezone(self.office.agency.zone).date()

    def _is_delegate(self, person: User) -> bool:
        return any(
            created.delegate_id == person.id and created.withdrawn_at is None
            and created.from_date <= self._today() <= created.until_date
            for created in self.granted
        )  # fmt: skip

    def _took(self, steps: Collection[str], person: User) -> bool:
        return any(step in steps and actor == person.id for step, _outcome, actor in self.history) or (
            steps is ASKS and person.id == self.requester_id
        )

    def _last(self, *of: str) -> str | None:
        return next((outcome for _step, outcome, _actor in reversed(self.history) if outcome in of), None)

    def _barred(self, person: User) -> bool:
        """Whether ``person`` is not eligible for the current step, ignoring the assignee."""
        role = self.roles[self.step]
        if role == "requester":
            is_actor = person.id == self.requester_id
        else:
            is_actor = role in person.roles or (role == "head" and self._is_delegate(person))
        return not is_actor or any(
            (self.step in one and self._took(other, person)) or (self.step in other and self._took(one, person))
            for one, other in APART
        )

    def _expected(self, outcome: str, person: User) -> type[Refused] | None:
        """Return the class of the refusal by the specification, or None."""
        step = self.step
        if step == "closed":
            return NoSuchMove
        if self._barred(person) or self.held_by not in {None, person}:
            return NotAllowed
        target = self.moves.get((step, outcome))
        if target is None:
            return NoSuchMove
        is_refused = self._last("approved", "refused") == "refused"
        if target == "implementation" and step != "approval" and is_refused:
            return NoSuchMove
        if outcome == "scheduled" and (self._last("rolled-back") or self._last("passed", "failed") == "failed"):
            return NoSuchMove
        return None

    @property
    def is_late(self) -> bool:
        """Whether the current step exceeds its standard time since its assignment, else since its arrival."""
        minutes = self.standards.get(self.step)
        worked = self.calendar.elapsed(self.taken_up or self.arrived, self.now)
        return minutes is not None and worked > dt.timedelta(minutes=minutes)

    def _absent(self) -> list[str]:
        """Return the fields of the required items that are missing."""
        items = required_items(self.change.sop.rules[self.change.step], self.change.position)
        there = {document.item_key for document in self.change.documents}
        return [
            f"{item.kind}-{item.key}"
            for item in items
            if item.kind is ItemKind.EQUIPMENT or (item.kind is ItemKind.DOCUMENT and item.key not in there)
        ]

    def _given(self, outcome: Outcome, absent: Collection[str]) -> dict[str, Any]:
        """Return the values of a complete form: record, explanation of each deviation, and the head's disposals."""
        values = values_for(Step(self.step), outcome)
        if self.knows_deviations and self.is_late:
            values["account-time"] = "Jaringan terputus"
        values |= {f"account-{field}": "Surat menyusul" for field in absent}
        if outcome is Outcome.VERIFIED:
            rows = self._rows("SELECT id FROM deviation WHERE change_id = :id AND disposal IS NULL")
            values["disposals"] = {str(row.id): {"disposal": "accepted"} for row in rows}
        return values

    def _disposes_of_own(self, outcome: Outcome, person: User) -> bool:
        """Whether a delegate would dispose of deviations of their own."""
        return (
            outcome == "verified"
            and Role.HEAD not in person.roles
            and any(
                executor == person.id and not is_disposed for _place, _kind, executor, is_disposed in self.deviations
            )
        )

    def _attempt(self, outcome: Outcome, person: User, *, is_complete: bool, lacks: bool = False) -> None:
        expected = self._expected(outcome, person)
        step, version, is_late = self.step, self.change.version, self.knows_deviations and self.is_late
        waits = any(not is_disposed for *_deviation, is_disposed in self.deviations)
        absent = self._absent() if lacks and step != "closed" and outcome not in SENDS_AWAY else []
        set_test_audit_context(self.session, f"change.{outcome}", now=self.now, actor_id=person.id)
        equipment: Collection[str] = ()
        values: dict[str, Any] = {}
        if is_complete and step != "closed":
            values = self._given(outcome, absent)
            equipment = () if lacks else attach_required(self.session, self.change, now=self.now)
            if expected is None and self._disposes_of_own(outcome, person):
                expected = NotAllowed
        finished = []
        refusal = self._refusal(
            lambda: finished.append(
                self.change.advance(outcome, person, now=self.now, values=values, equipment=equipment)
            )
        )
        # Missing values are reported last, and only to users who may make the move.
        assert refusal is expected or (expected is None and refusal is ValidationFailed and not is_complete)
        if refusal is not None:
            assert (self.change.step, self.change.version) == (step, version)
            return
        # A late step needs an explanation, and a verification the disposal of all deviations.
        assert is_complete or (outcome in NEED_NOTHING and not is_late and not (outcome == "verified" and waits))
        stands_in = step in CHECKS and Role.HEAD not in person.roles
        assert (finished[0].delegation_id is not None) == stands_in
        assert present(finished[0].capacity).startswith(("Plh. ", "Plt. ")) == stands_in
        self._note(step, outcome, person, absent, is_late=is_late)

    def _note(self, step: str, outcome: Outcome, person: User, absent: Collection[str], *, is_late: bool) -> None:
        self.history.append((step, outcome.value, person.id))
        if outcome == "verified":
            self.deviations = [(*deviation[:3], True) for deviation in self.deviations]
        kinds = ["time"] * is_late + ["equipment"] * len(absent)
        self.deviations += [(len(self.history), kind, person.id, False) for kind in kinds]
        self.arrived, self.held_by, self.taken_up = self.now, None, None

    # -- invariants, read without the models -----------------------------------------------------------------------

    def _rows(self, statement: str) -> Sequence[Any]:
        return self.session.connection().execute(text(statement), {"id": self.change.id}).all()

    @invariant()
    def the_stored_step_is_where_the_history_led(self) -> None:
        rows = self._rows(
            "SELECT step, outcome, target, actor_id FROM activity WHERE change_id = :id ORDER BY sequence"
        )
        finished = [tuple(row) for row in rows if row.outcome is not None]
        assert [(step, outcome, actor) for step, outcome, _target, actor in finished] == self.history
        assert all(self.moves[step, outcome] == target for step, outcome, target, _actor in finished)
        ((stored,),) = self._rows("SELECT step FROM change_request WHERE id = :id")
        waiting = [row.step for row in rows if row.outcome is None]
        assert waiting == ([] if stored == "closed" else [stored])
        assert stored == self.step

    @invariant()
    def every_deviation_is_there_with_its_account_and_no_other(self) -> None:
        rows = self._rows(
            "SELECT a.sequence, d.kind, d.accounted_by_id, d.account, d.disposal FROM deviation d"
            " JOIN activity a ON a.id = d.activity_id WHERE d.change_id = :id"
        )
        assert all(row.account for row in rows)
        results = [(row.sequence, row.kind, row.accounted_by_id, row.disposal is not None) for row in rows]
        assert sorted(results) == sorted(self.deviations)

    @invariant()
    def a_step_is_in_the_hands_of_whoever_took_it_up_or_was_given_it(self) -> None:
        rows = self._rows("SELECT held_by_id FROM activity WHERE change_id = :id AND finished_at IS NULL")
        assert [row.held_by_id for row in rows] in ([], [self.held_by and self.held_by.id])

    @invariant()
    def what_stands_open_to_everybody_is_what_the_specification_says(self) -> None:
        self.session.scalars(select(User).where(User.id.in_(self.ids))).all()  # load them in one statement
        for person in self.people:
            expected = [outcome for outcome in Outcome if self._expected(outcome.value, person) is None]
            assert sorted(move.outcome for move in self.change.open_moves(person, self.now)) == sorted(expected)

    @invariant()
    def no_emergency_and_no_refused_request_is_carried_out_without_the_head(self) -> None:
        is_awaited = False
        for step, outcome, _actor in self.history:
            if outcome in {"emergency", "refused"}:
                is_awaited = True
            elif outcome == "approved":
                is_awaited = False
            assert not (step in CARRIES_OUT and is_awaited)

    @invariant()
    def nobody_takes_two_parts_that_check_one_another(self) -> None:
        steps_of: defaultdict[int, set[str]] = defaultdict(set)
        for step, _outcome, actor in self.history:
            steps_of[actor].add(step)
        for steps in steps_of.values():
            assert not any(steps & one and steps & other for one, other in APART)

    @invariant()
    def nothing_is_released_after_a_failed_test(self) -> None:
        outcomes = [outcome for _step, outcome, _actor in self.history]
        assert not ("failed" in outcomes and "scheduled" in outcomes)

    @invariant()
    def what_was_carried_out_is_closed_only_once_its_report_is_verified(self) -> None:
        ((step, result, number),) = self._rows("SELECT step, result, number FROM change_request WHERE id = :id")
        outcomes = [outcome for _step, outcome, _actor in self.history]
        assert (result is None) == (step != "closed")
        assert (number is None) == (not self.history)
        expected = {"rejected": "rejected", "withdrawn": "withdrawn"}.get(outcomes[-1]) if outcomes else None
        if step == "closed" and expected is None:
            assert "verified" in outcomes
            assert "scheduled" in outcomes or "no-release" in outcomes
            expected = "rolled-back" if "rolled-back" in outcomes else "completed"
        assert result == (expected if step == "closed" else None)

    @invariant()
    def the_numbers_have_no_gap(self) -> None:
        rows = self.session.connection().execute(
            text("SELECT serial FROM change_request WHERE agency_id = :agency AND year = 2026 AND serial IS NOT NULL"),
            {"agency": self.agency_id},
        )
        serials = sorted(serial for (serial,) in rows)
        assert serials == list(range(1, len(serials) + 1))

    @invariant()
    def the_standard_times_add_up(self) -> None:
        if self.step != "closed" or self.office.sop_revision.key != LUMAJANG or "verified" not in self._outcomes():
            return
        if self._outcomes() & {"returned", "refused"}:
            return
        way = ("emergency" in self._outcomes(), "rolled-back" in self._outcomes(), "updated" in self._outcomes())
        rows = self._rows("SELECT standard_minutes FROM activity WHERE change_id = :id AND step <> 'request'")
        # The specification's sums for three paths give the minutes of an emergency, a roll back and an update.
        emergency, rollback, update = 60, 60, 120
        expected = 460 + emergency * way[0] + rollback * way[1] + update * way[2]
        assert SUMS.get(way, expected) == expected == sum(minutes for (minutes,) in rows)

    def _outcomes(self) -> set[str]:
        return {outcome for _step, outcome, _actor in self.history}


#: Examples and steps of a run: enough to reach the end by every branch, few enough for every commit.
EFFORT = {"sqlite": (28, 10), "postgresql": (6, 10)}


def test_whatever_anybody_tries_the_procedure_holds(offices: tuple[AuditedSession, Offices]) -> None:
    session, people = offices
    examples, steps = EFFORT[session.get_bind().dialect.name]
    effort = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )  # fmt: skip
    created: Any = partial(Procedure, session, people)  # each example creates a machine
    run_state_machine_as_test(created, settings=effort)
    session.rollback()
    assert verification.verify_chains(session) is None
