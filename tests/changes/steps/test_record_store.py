"""Records of steps: each error names its field, and invalid values are never saved."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from lpse_admin import errors
from lpse_admin.accounts import roles
from lpse_admin.errors import Refused, ValidationFailed
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.sop import RequirementCondition, steps
from lpse_admin.sop.steps import OUTCOMES, Outcome, Step
from lpse_admin.workflow import record_fields
from lpse_admin.workflow.record_fields import (
    RECORD_FIELDS,
    REQUEST_FIELDS,
    REQUEST_FIELDSETS,
    ChangeKind,
    FieldKind,
    fields_of_step,
)
from models.changes.loading import load_change
from models.changes.steps import record_store
from models.changes.steps.activity import Implementation
from models.delegation.delegation import capacity
from tests.support.cast import (
    NOW,
    AuditedSession,
    attach_required,
    change_at_step,
    make_move,
    move_through,
    new_change,
    set_test_audit_context,
    values_for,
)
from tests.support.present import one_of, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cast import Cast, Office

LATER = NOW + dt.timedelta(minutes=1)
EARLIER = NOW - dt.timedelta(minutes=1)


@pytest.fixture
def session(shared: tuple[AuditedSession, Cast]) -> Iterator[AuditedSession]:
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def office(shared: tuple[AuditedSession, Cast]) -> Office:
    return shared[1].lumajang


WRONG = [
    (Step.REQUEST, "title", "x" * 301),
    (Step.REQUEST, "title", 5),
    (Step.REQUEST, "title", "a\x00b"),
    (Step.REQUEST, "title", "a\x1bb"),
    (Step.REQUEST, "title", "a\ud800b"),
    (Step.REQUEST, "description", "x" * 100_001),
    (Step.REQUEST, "description", ["x"]),
    (Step.REQUEST, "kind", "application"),
    (Step.REQUEST, "kind", ChangeKind.SERVICE),
    (Step.REQUEST, "kind", (record_fields.Risk.LOW,)),
    (Step.REQUEST, "wanted_by", "2026-03-02"),
    (Step.REQUEST, "wanted_by", NOW),
    (Step.REQUEST, "wanted_by", dt.date(1, 1, 1)),
    (Step.REQUEST, "linked_change_id", 10**6),
    (Step.REQUEST, "linked_change_id", 2**70),
    (Step.REQUEST, "linked_change_id", -1),
    (Step.REQUEST, "linked_change_id", True),
    (Step.REQUEST, "linked_change_id", "1"),
    (Step.EVALUATION, "reason", 7),
    (Step.EVALUATION, "reason", "a\x00b"),
    (Step.EVALUATION, "reason", "x" * 100_001),
    (Step.IMPLEMENTATION, "claimed_start_at", LATER),
    (Step.IMPLEMENTATION, "claimed_start_at", EARLIER),
    (Step.IMPLEMENTATION, "claimed_start_at", NOW.replace(tzinfo=None)),
    (Step.IMPLEMENTATION, "claimed_end_at", "02.00"),
    (Step.TEST, "cases", "x"),
    (Step.TEST, "cases", ["x"]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b"}]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b", "actual": " "}]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b", "actual": 1}]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b", "actual": "c\x00"}]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b", "actual": "c", "run_id": 1}]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b", "position": 1}]),
    (Step.TEST, "cases", [{"name": "a", "expected": "b", "actual": "c"}] * 1001),
    (Step.RELEASE, "version", "x" * 81),
    (Step.RELEASE, "downtime_minutes", -1),
    (Step.RELEASE, "downtime_minutes", True),
    (Step.RELEASE, "downtime_minutes", "5"),
    (Step.RELEASE, "downtime_minutes", 10**9),
    (Step.RELEASE, "window_end_at", NOW),
    (Step.RELEASE, "window_start_at", dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.timezone(-dt.timedelta(hours=12)))),
    (Step.RELEASE, "actual_at", LATER),
    (Step.RELEASE, "actual_at", EARLIER),
]


@pytest.mark.parametrize(("step", "key", "value"), WRONG)
def test_a_value_of_the_wrong_kind_is_named_and_nothing_is_written(
    step: Step, key: str, value: object, session: AuditedSession, office: Office
) -> None:
    change = change_at_step(session, office, step)
    version, before = change.version, record_store.read_record(change, present(change.current_activity))
    outcome = Outcome.REJECTED if key == "reason" else OUTCOMES[step][0]
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, outcome, office.actor(step), values={key: value})
    assert set(refusal.value.field_errors) == {key}
    assert (change.step, change.version, record_store.read_record(change, present(change.current_activity))) == (
        step,
        version,
        before,
    )
    if key not in {"reason", "window_end_at"}:
        with pytest.raises(ValidationFailed) as refusal:
            change.save(office.actor(step), now=NOW, values={key: value})
        assert set(refusal.value.field_errors) == {key}


def test_the_end_is_not_before_the_start_also_where_one_of_the_two_was_kept_before(
    session: AuditedSession, office: Office
) -> None:
    change = change_at_step(session, office, Step.IMPLEMENTATION)
    now = NOW + dt.timedelta(hours=2)
    set_test_audit_context(session)
    change.save(office.manager, now=now, values={"claimed_start_at": NOW + dt.timedelta(hours=1)})
    session.commit()
    with pytest.raises(ValidationFailed) as refusal:
        change.save(office.manager, now=now, values={"claimed_end_at": NOW})
    assert set(refusal.value.field_errors) == {"claimed_end_at"}
    change.save(office.manager, now=now, values={"claimed_end_at": now, "claimed_start_at": NOW})


def test_what_was_typed_is_kept_without_blanks_around_it(session: AuditedSession, office: Office) -> None:
    change = new_change(session, office)
    change.save(
        office.requester, now=NOW, values={"title": "  Judul\t baru \n", "description": "\n a\n b \n", "impact": "  "}
    )
    assert (change.title, change.description, change.impact) == ("Judul baru", "a\n b", None)


def test_a_claimed_time_is_a_field_beside_the_program_s_own(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.IMPLEMENTATION)
    finished = one_of(Implementation, make_move(
        session, change, Outcome.DONE, office.manager, now=NOW + dt.timedelta(hours=5),
        values={"claimed_start_at": NOW, "claimed_end_at": LATER, "finished_at": NOW, "arrived_at": EARLIER},
    ))  # fmt: skip
    assert (finished.claimed_end_at, finished.finished_at) == (LATER, NOW + dt.timedelta(hours=5))
    assert finished.arrived_at == NOW


def test_fields_that_a_step_does_not_have_are_not_written(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    finished = make_move(
        session, change, Outcome.ACCEPTED, office.manager,
        values={"title": "Judul yang diselipkan", "step": "closed", "actor_id": 1, "capacity": "Kepala LPSE"},
    )  # fmt: skip
    assert change.title == values_for(Step.REQUEST, Outcome.SUBMITTED)["title"]
    assert (finished.actor_id, finished.capacity) == (office.manager.id, "Pengelola Perubahan")


def test_only_an_earlier_request_of_one_s_own_can_be_linked(
    session: AuditedSession, office: Office, shared: tuple[AuditedSession, Cast]
) -> None:
    mine, draft = change_at_step(session, office, Step.EVALUATION), new_change(session, office)
    others = new_change(session, office, requester=office.requester2)
    make_move(session, others, Outcome.SUBMITTED, office.requester2)
    theirs = change_at_step(session, shared[1].tana_tidung, Step.EVALUATION)
    change = new_change(session, office)
    for wrong in (draft, others, theirs, change):
        with pytest.raises(ValidationFailed) as refusal:
            change.save(office.requester, now=NOW, values={"linked_change_id": wrong.id})
        assert set(refusal.value.field_errors) == {"linked_change_id"}
    change.save(office.requester, now=NOW, values={"linked_change_id": mine.id})


def test_a_request_knows_the_conditions_of_the_sop_that_it_meets(session: AuditedSession, office: Office) -> None:
    change = new_change(session, office)
    assert change.conditions == frozenset()
    change.save(office.requester, now=NOW, values={"on_behalf_of": "PT Satu", "kind": (ChangeKind.ACCOUNT,)})
    assert change.conditions == {RequirementCondition.BY_PROXY, RequirementCondition.ACCOUNT}
    urgent = change_at_step(session, office, Step.APPROVAL)
    assert urgent.conditions == {RequirementCondition.EMERGENCY}


def test_cases_of_a_test_are_replaced_as_a_whole(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.TEST)
    rows = [{"name": name, "expected": "e", "actual": "a"} for name in ("satu", "dua", "tiga")]
    for saved in (rows, rows[:2], rows[1:], []):
        change.save(office.manager, now=NOW, values={"cases": saved})
        session.flush()
        assert record_store.read_record(change, present(change.current_activity))["cases"] == saved


def test_every_step_s_record_can_be_read_back_as_it_was_written(session: AuditedSession, office: Office) -> None:
    change = move_through(
        session, office, Outcome.SUBMITTED, Outcome.RETURNED, Outcome.RESUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY,
        Outcome.APPROVED, Outcome.DONE, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED,
        Outcome.NO_RELEASE, Outcome.CHANGED, Outcome.UPDATED,
    )  # fmt: skip
    seen = load_change(session, change.id)
    for activity in present(seen).activities:
        asked = values_for(activity.step, present(activity.outcome))
        saved = record_store.read_record(present(seen), activity)
        assert set(saved) == {field.key for field in fields_of_step(activity.step)}
        expected = {
            key: value for key, value in asked.items() if key not in {"reason", "answer_to_refusal", "mutations"}
        }
        assert expected.items() <= {key: saved.get(key) for key in expected}.items()
        assert (activity.reason is not None) == ("reason" in asked)
    assert load_change(session, 10**6) is None


def test_the_whole_page_of_a_request_takes_as_many_statements_however_long_its_history(
    session: AuditedSession, office: Office
) -> None:
    from sqlalchemy import event  # noqa: PLC0415

    short = change_at_step(session, office, Step.URGENCY)
    long = move_through(
        session, office, Outcome.SUBMITTED, *(Outcome.RETURNED, Outcome.RESUBMITTED) * 4, Outcome.ACCEPTED
    )
    counts = []
    statements = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    ids = (short.id, long.id)
    session.commit()
    for change_id in ids:
        with AuditedSession(session.get_bind()) as fresh:
            statements.clear()
            seen = load_change(fresh, change_id)
            assert [activity.actor and activity.actor.full_name for activity in present(seen).activities]
            assert present(seen).position.duties
            assert present(seen).documents is not None
            counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_move_takes_as_many_statements_however_long_the_history(shared: tuple[AuditedSession, Cast]) -> None:
    from sqlalchemy import event  # noqa: PLC0415

    session, cast = shared
    office = cast.lumajang
    statements = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for rounds in (1, 6):
        change = move_through(session, office, Outcome.SUBMITTED, *(Outcome.RETURNED, Outcome.RESUBMITTED) * rounds)
        set_test_audit_context(session)
        session.commit()
        statements.clear()
        change.advance(Outcome.ACCEPTED, office.manager, now=NOW, values=values_for(Step.EVALUATION, Outcome.ACCEPTED))
        counts.append(len(statements))
        session.rollback()
    assert counts[0] == counts[1]
    assert counts[0] <= 22  # one of them stores the due time that lists are sorted by


def test_every_word_of_the_vocabulary_has_a_title() -> None:
    kinds = [
        enum for module in (record_fields, roles, steps) for enum in vars(module).values()
        if isinstance(enum, type) and issubclass(enum, StrEnum) and len(enum) and enum.title is not str.title
    ]  # fmt: skip
    assert len(kinds) >= 11
    for kind in kinds:
        titles = [str(member.title) for member in kind]
        assert len(set(titles)) == len(titles)
        assert all(titles)
    assert len({str(outcome.action_label) for outcome in Outcome}) == len(Outcome)


def test_a_step_s_outcomes_and_fields_belong_to_it_alone() -> None:
    outcomes = [outcome for each in OUTCOMES.values() for outcome in each]
    assert sorted(outcomes) == sorted(Outcome)
    for step, fields in RECORD_FIELDS.items():
        for field in fields:
            asking = (
                set(OUTCOMES[Step.REQUEST] + OUTCOMES[Step.RETURNED])
                if fields is REQUEST_FIELDS
                else set(OUTCOMES[step])
            )
            assert field.required_for <= asking
            assert field.only_for <= asking
            assert (field.choices is not None) == (field.kind in {FieldKind.CHOICE, FieldKind.CHOICES})


def test_a_message_is_read_in_english_where_nobody_translates_it() -> None:
    message = _("%(step)s waits", step=Step.APPROVAL.title)
    assert str(message) == "Approval waits"
    assert str(join_messages([message, "100 %"])) == "Approval waits; 100 %"
    assert str(Message("100 %")) == "100 %"
    assert hash(message) == hash(_("%(step)s waits"))


def test_every_refusal_has_a_status_of_its_own_and_a_sentence() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refused)}
    promised = {
        "Malformed": 400, "NotAllowed": 403, "NotFound": 404, "NoSuchMove": 409, "FileTooLarge": 413,
        "ValidationFailed": 422,
    }  # fmt: skip
    assert promised.items() <= {kind.__name__: int(kind.status) for kind in kinds}.items()
    refusal = ValidationFailed(_("Still required"), field_errors={"title": _("Title")})
    assert (str(refusal), str(refusal.field_errors["title"])) == ("Still required", "Title")
    assert Refused(_("No")).field_errors == {}


def test_the_capacity_is_the_sop_s_title_of_the_actor(office: Office) -> None:
    assert capacity(office.sop_revision.sop, Step.APPROVAL, office.head, None) == "Kepala LPSE"


def test_documents_of_an_earlier_visit_count_when_a_request_comes_back(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.RETURNED)
    assert attach_required(session, change) == []
    make_move(session, change, Outcome.RESUBMITTED, office.requester)
    assert len(change.documents) == 1


def test_every_field_of_a_request_stands_in_one_group() -> None:
    grouped = [key for _title, keys in REQUEST_FIELDSETS for key in keys]
    assert sorted(grouped) == sorted(field.key for field in REQUEST_FIELDS)
