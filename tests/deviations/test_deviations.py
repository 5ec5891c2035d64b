"""What a deviation is by the paper, and what becomes of one: raised, accounted for, disposed of, followed up."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop import bundled_sops, parse, with_switches
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import OUTPUT_LACKING, DeviationKind, Disposal, Lateness, LatenessBasis
from lpse_admin.workflow.transitions import Evidence, Position, Principal, decide, detect_deviations, validation_errors
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.audit.trail import AuditEntry
from models.changes.moves.assignment import take_up
from models.changes.steps import timing
from models.deviations.deviation import Deviation, DeviationState, in_state
from models.notifications.notification import Notification
from models.office.calendars import load_calendar
from models.office.office_day import set_day
from models.reports.waiting import ActingUser, count_undisposed, load_follow_ups
from models.worktime.deadlines import sweep
from tests.support.cast import (
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    TANA_TIDUNG,
    change_at_step,
    delegation,
    make_move,
    move_through,
    new_change,
    set_test_audit_context,
    values_for,
)

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast, Office

HOUR = dt.timedelta(hours=1)
PAPER = parse(dict(bundled_sops())[LUMAJANG], LUMAJANG)
LATE = Lateness(LatenessBasis.HANDLING, "2 jam", 120, 150)
MANAGER = Principal(7, frozenset({Role.CHANGE_MANAGER}))
LETTER = "document-surat-permohonan"


def at_hand(step: Step, outcome: Outcome, *, lateness: Lateness | None = None, **values: Any) -> Evidence:
    # An evaluation that accepts demands what the requester has left to it.
    asked = values_for(Step.REQUEST, Outcome.SUBMITTED) if step is Step.EVALUATION else {}
    given = {**asked, **values_for(step, outcome), **{key.replace("__", "-"): value for key, value in values.items()}}
    return Evidence(values=given, confirmed_equipment=frozenset({"pc"}), lateness=lateness)


# -- by the paper ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.RETURNED, Outcome.REJECTED])
def test_a_late_step_needs_its_account_whatever_its_outcome(outcome: Outcome) -> None:
    here = Position(Step.EVALUATION)
    with pytest.raises(ValidationFailed) as refusal:
        decide(PAPER, here, outcome, MANAGER, at_hand(Step.EVALUATION, outcome, lateness=LATE))
    assert set(refusal.value.field_errors) == {"account-time"}
    assert "2 h 30 min" in str(refusal.value.field_errors["account-time"])
    there = at_hand(Step.EVALUATION, outcome, lateness=LATE, account__time="Listrik padam")
    assert decide(PAPER, here, outcome, MANAGER, there).outcome is outcome
    (result,) = detect_deviations(PAPER, here, outcome, there)
    assert (result.kind, result.subject, result.standard, result.measured_minutes) == (
        DeviationKind.TIME, "handling", "2 jam", 150,
    )  # fmt: skip
    assert str(result.title) == "Handling time"


def test_an_account_takes_the_place_of_what_is_not_at_hand_and_nothing_else_does() -> None:
    here = Position(Step.IMPLEMENTATION)
    without = replace(at_hand(Step.IMPLEMENTATION, Outcome.DONE), confirmed_equipment=frozenset())
    assert set(validation_errors(PAPER, here, Outcome.DONE, without)) == {"equipment-pc"}
    accounted = replace(without, values={**without.values, "account-equipment-pc": "PC rusak, memakai laptop"})
    assert validation_errors(PAPER, here, Outcome.DONE, accounted) == {}
    (result,) = detect_deviations(PAPER, here, Outcome.DONE, accounted)
    assert (result.kind, result.subject) == (DeviationKind.EQUIPMENT, "equipment-pc")
    # Another paper may know no deviations: what it requires is required.
    strict = with_switches(PAPER, replace(PAPER.switches, deviations=False))
    assert set(validation_errors(strict, here, Outcome.DONE, accounted)) == {"equipment-pc"}
    assert detect_deviations(strict, here, Outcome.DONE, replace(accounted, lateness=LATE)) == ()


def test_an_output_that_is_not_there_is_said_and_accounted_for() -> None:
    here = Position(Step.IMPLEMENTATION)
    text = at_hand(Step.IMPLEMENTATION, Outcome.DONE, output__0=OUTPUT_LACKING)
    assert set(validation_errors(PAPER, here, Outcome.DONE, text)) == {"account-output-0"}
    told = at_hand(Step.IMPLEMENTATION, Outcome.DONE, output__0=OUTPUT_LACKING, account__output__0="Menyusul besok")
    assert validation_errors(PAPER, here, Outcome.DONE, told) == {}
    assert [result.what for result in detect_deviations(PAPER, here, Outcome.DONE, told)] == [
        PAPER.rules[Step.IMPLEMENTATION].outputs[0]
    ]
    # Who sends a request away has no output to show.
    away = at_hand(Step.EVALUATION, Outcome.REJECTED, output__0=OUTPUT_LACKING)
    assert detect_deviations(PAPER, Position(Step.EVALUATION), Outcome.REJECTED, away) == ()


def test_what_was_raised_before_asks_for_its_account_though_the_step_is_in_time_by_now() -> None:
    raised = detect_deviations(PAPER, Position(Step.EVALUATION), Outcome.ACCEPTED, Evidence(lateness=LATE))[:1]
    there = replace(at_hand(Step.EVALUATION, Outcome.ACCEPTED), raised_deviations=raised)
    assert set(validation_errors(PAPER, Position(Step.EVALUATION), Outcome.ACCEPTED, there)) == {"account-time"}


# -- raised when it becomes true --------------------------------------------------------------------------


def swept(session: AuditedSession, office: Office, now: dt.datetime) -> list[Deviation]:
    set_test_audit_context(session, "deadline.sweep", now=now)
    raised = list(sweep(session, office.agency, now).raised)
    session.commit()
    return raised


def events(session: AuditedSession, event: str) -> list[Notification]:
    return list(session.scalars(select(Notification).where(Notification.event == event)))


def test_the_sweep_raises_an_open_step_as_soon_as_it_is_overdue_and_once(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    assert swept(session, office, NOW + 2 * HOUR) == []
    (one,) = swept(session, office, NOW + 2 * HOUR + dt.timedelta(seconds=1))
    assert (one.kind, one.subject, one.was_open, one.executor_id) == (DeviationKind.TIME, "arrival", True, None)
    assert (one.measured_minutes, one.allowed_minutes, one.state) == (121, 120, DeviationState.RAISED)
    assert swept(session, office, NOW + 5 * HOUR) == []
    assert {notice.user_id for notice in events(session, "overdue")} == {
        office.manager.id, office.manager2.id, office.head.id,
    }  # fmt: skip
    assert swept(session, cast.tana_tidung, NOW + 5 * HOUR) == []
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + 2.5 * HOUR)
    session.refresh(one)
    assert (one.measured_minutes, one.executor_id, one.account) == (150, office.manager.id, "Antrean panjang")
    assert one.state is DeviationState.ACCOUNTED


def test_who_is_about_to_be_late_is_told_once_at_the_share_that_is_set(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager2, now=NOW)
    session.commit()
    for minutes, told in ((95, 0), (96, 1), (110, 1)):
        swept(session, office, NOW + dt.timedelta(minutes=minutes))
        assert len(events(session, "soon-late")) == told
    assert {notice.user_id for notice in events(session, "soon-late")} == {office.manager2.id}


def test_a_step_taken_up_in_time_is_judged_by_its_handling(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    swept(session, office, NOW + 2.25 * HOUR)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW + 2.5 * HOUR)
    session.commit()
    assert swept(session, office, NOW + 2.75 * HOUR) == []
    # What was overdue before anybody took it up is accounted for all the same, by how long it waited.
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + 2.9 * HOUR, values={"account-time": " "})
    assert set(refusal.value.field_errors) == {"account-time"}
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + 2.9 * HOUR)
    (one,) = change.deviations
    assert (one.subject, one.measured_minutes) == ("arrival", 150)


def test_taking_up_late_is_raised_though_no_sweep_came_by(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW + 2.5 * HOUR)
    session.commit()
    assert [(one.subject, one.measured_minutes) for one in change.deviations] == [("arrival", 150)]


def test_a_holiday_after_the_fact_overtakes_a_deviation_and_does_not_undo_it(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    (one,) = swept(session, office, NOW + 3 * HOUR)
    set_test_audit_context(session)
    set_day(
        session, office.agency, date=NOW.date(), kind=DayOverrideKind.HOLIDAY, name="Libur daerah",
        by=office.administrator, now=NOW, reason="SK Bupati",
    )  # fmt: skip
    session.commit()
    calendar = load_calendar(session, office.agency)
    assert timing.is_obsolete(one, timing.measure_activity(change, one.activity, NOW + 4 * HOUR, calendar))
    with pytest.raises(ValidationFailed):
        make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + 4 * HOUR, values={"account-time": ""})
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + 4 * HOUR)
    session.refresh(one)
    assert (one.measured_minutes, one.state) == (180, DeviationState.ACCOUNTED)


def test_a_draft_is_never_late(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = new_change(session, office)
    later = NOW + dt.timedelta(days=40)
    assert swept(session, office, later) == []
    make_move(session, change, Outcome.SUBMITTED, office.requester, now=later, values={"account-time": ""})
    assert change.deviations == []


def test_a_typed_account_is_kept_until_the_step_is_finished(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    change.save(office.manager, now=NOW, values={"account-time": "Listrik padam", "output-0": ""})
    session.commit()
    assert change.current_activity is not None
    assert change.current_activity.declared["account-time"] == "Listrik padam"
    set_test_audit_context(session)
    with pytest.raises(ValidationFailed) as refusal:
        change.save(office.manager, now=NOW, values={"account-time": "x" * 10_001, "account-output-0": "\x00"})
    assert set(refusal.value.field_errors) == {"account-time", "account-output-0"}
    session.rollback()
    set_test_audit_context(session)
    change.advance(
        Outcome.ACCEPTED, office.manager, now=NOW + 3 * HOUR, values=values_for(Step.EVALUATION, Outcome.ACCEPTED)
    )
    session.commit()
    assert [one.account for one in change.deviations] == ["Listrik padam"]
    assert change.activities[1].declared == {}


# -- disposed of -------------------------------------------------------------------------------------------


def late_rejection(session: AuditedSession, office: Office) -> Deviation:
    """Return the deviation of a request that was rejected too late: no verification will meet it."""
    change = change_at_step(session, office, Step.EVALUATION)
    make_move(session, change, Outcome.REJECTED, office.manager, now=NOW + 3 * HOUR)
    (one,) = change.deviations
    return one


def test_what_no_verification_meets_waits_on_the_head_s_home(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    one = late_rejection(session, office)
    assert {notice.user_id for notice in events(session, "deviation")} == {office.head.id}
    assert count_undisposed(session, ActingUser(office.head)) == 1
    assert count_undisposed(session, ActingUser(office.manager)) == 0
    set_test_audit_context(session)
    one.dispose(office.head, now=NOW, values={"disposal": "accepted"})
    session.commit()
    assert count_undisposed(session, ActingUser(office.head)) == 0
    assert one.state is DeviationState.SETTLED
    assert {notice.user_id for notice in events(session, "deviation-disposed")} == {office.manager.id}
    with pytest.raises(NoSuchMove, match="already"):
        one.dispose(office.head, now=NOW, values={"disposal": "accepted"})


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, {"disposal"}),
        ({"disposal": "whatever"}, {"disposal"}),
        ({"disposal": Disposal.NOT_ACCEPTED, "note": " "}, {"note"}),
        ({"disposal": Disposal.ACCEPTED, "note": "\x00"}, {"note"}),
        ({"disposal": Disposal.ACCEPTED, "note": 3}, {"note"}),
        ({"disposal": Disposal.FOLLOW_UP}, {"follow_up_by", "follow_up_until"}),
        ({"disposal": "follow-up", "follow_up_by": 10**9, "follow_up_until": "x"}, {"follow_up_by", "follow_up_until"}),
        ({"disposal": "follow-up", "follow_up_by": None, "follow_up_until": dt.date(2026, 3, 1)},
         {"follow_up_by", "follow_up_until"}),
    ],
)  # fmt: skip
def test_a_disposal_says_what_it_has_to_say(
    session: AuditedSession, cast: Cast, given: dict[str, object], wrong: set[str]
) -> None:
    one = late_rejection(session, cast.lumajang)
    set_test_audit_context(session)
    with pytest.raises(ValidationFailed) as refusal:
        one.dispose(cast.lumajang.head, now=NOW, values=given)
    assert set(refusal.value.field_errors) == wrong


def test_only_the_head_disposes_and_a_delegate_not_of_their_own(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    one = late_rejection(session, office)
    for person in (office.manager, office.inspector, office.administrator, office.delegate, cast.tana_tidung.head):
        set_test_audit_context(session)
        with pytest.raises(NotAllowed):
            one.dispose(person, now=NOW, values={"disposal": "accepted"})
    delegation(session, office, office.manager)
    set_test_audit_context(session)
    with pytest.raises(NotAllowed):
        one.dispose(office.manager, now=NOW, values={"disposal": "accepted"})
    session.rollback()


def test_a_delegate_disposes_as_plh(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    one = late_rejection(session, office)
    granted = delegation(session, office)
    set_test_audit_context(session)
    one.dispose(office.delegate, now=NOW, values={"disposal": "accepted"})
    session.commit()
    assert (one.disposed_capacity, one.delegation_id) == ("Plh. Kepala LPSE", granted.id)


def test_a_delegate_who_decided_late_verifies_all_the_same(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    delegation(session, office)
    make_move(session, change, Outcome.APPROVED, office.delegate, now=NOW + 3 * HOUR)
    for outcome in (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
        make_move(session, change, outcome, office.manager, now=NOW + 3 * HOUR)
    assert count_undisposed(session, ActingUser(office.delegate, is_acting_head=True)) == 1
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.VERIFIED, office.delegate, now=NOW + 3 * HOUR,
             values={"disposals": {}, "notes": ""})  # fmt: skip
    assert set(refusal.value.field_errors) == {"notes", f"disposal-{change.deviations[0].id}"}
    make_move(session, change, Outcome.VERIFIED, office.delegate, now=NOW + 3 * HOUR)
    assert change.deviations[0].disposed_capacity == "Plh. Kepala LPSE"


@pytest.mark.parametrize("name", ["inspector", "requester", "administrator"])
def test_nobody_who_takes_no_step_of_the_office_follows_up(session: AuditedSession, cast: Cast, name: str) -> None:
    office = cast.lumajang
    one = late_rejection(session, office)
    set_test_audit_context(session)
    somebody = getattr(office, name).id
    with pytest.raises(ValidationFailed) as refusal:
        one.dispose(office.head, now=NOW, values={"disposal": "follow-up", "follow_up_by": somebody,
                                                 "follow_up_until": NOW.date()})  # fmt: skip
    assert set(refusal.value.field_errors) == {"follow_up_by"}


def test_what_is_followed_up_stays_until_it_is_done(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    one = late_rejection(session, office)
    set_test_audit_context(session)
    day = NOW.date() + dt.timedelta(days=7)
    one.dispose(
        office.head, now=NOW,
        values={"disposal": "follow-up", "follow_up_by": office.manager2.id, "follow_up_until": day.isoformat()},
    )  # fmt: skip
    session.commit()
    assert [item.due_date for item in load_follow_ups(session, ActingUser(office.manager2), 10)] == [day]
    assert {notice.user_id for notice in events(session, "follow-up")} == {office.manager2.id}
    with pytest.raises(NotAllowed):
        one.follow_up(office.manager, now=NOW, note="Sudah")
    with pytest.raises(ValidationFailed):
        one.follow_up(office.manager2, now=NOW, note=" ")
    set_test_audit_context(session)
    one.follow_up(office.manager2, now=NOW, note="Jadwal piket disusun")
    session.commit()
    assert load_follow_ups(session, ActingUser(office.manager2), 10) == []
    with pytest.raises(NoSuchMove):
        one.follow_up(office.manager2, now=NOW, note="Lagi")
    states = {state: session.scalars(select(Deviation).where(in_state(state))).all() for state in DeviationState}
    assert states == {state: [one] if state is DeviationState.SETTLED else [] for state in DeviationState}


def test_a_report_is_verified_only_when_everything_before_it_is_disposed_of(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + 3 * HOUR)
    for outcome in (Outcome.NORMAL, Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
        make_move(session, change, outcome, office.manager, now=NOW + 3 * HOUR)
    (one,) = change.deviations
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.VERIFIED, office.head, now=NOW + 3 * HOUR, values={"disposals": {}})
    assert set(refusal.value.field_errors) == {f"disposal-{one.id}"}
    make_move(session, change, Outcome.VERIFIED, office.head, now=NOW + 3 * HOUR)
    assert one.disposal is Disposal.ACCEPTED


def test_the_program_answers_for_what_it_raises(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change_at_step(session, office, Step.EVALUATION)
    (one,) = swept(session, office, NOW + 3 * HOUR)
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert entry.action == "deadline.sweep"
    assert ("deviation", str(one.id)) in {(row["table"], row["id"]) for row in entry.row_changes}


@pytest.mark.parametrize(
    "values",
    [
        {"measured_minutes": 1},
        {"account": "Lain"},
        {"kind": DeviationKind.OUTPUT},
        {"raised_at": NOW},
    ],
    ids=str,
)
def test_the_database_keeps_a_deviation_as_it_was_told(
    session: AuditedSession, cast: Cast, values: dict[str, object]
) -> None:
    late_rejection(session, cast.lumajang)
    with pytest.raises(DatabaseError, match="accounted for and disposed of once"):
        session.connection().execute(update(Deviation).values(**values))
    session.rollback()


def test_a_paper_without_times_is_never_late(session: AuditedSession, cast: Cast) -> None:
    change = move_through(session, cast.office(TANA_TIDUNG), *OUTCOMES_TO[Step.EVALUATION])
    make_move(session, change, Outcome.ACCEPTED, cast.tana_tidung.manager, now=NOW + dt.timedelta(days=90))
    assert change.deviations == []
