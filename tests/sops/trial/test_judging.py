"""What an SOP makes of one closed request: the rules, without a database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.accounts.roles import Role
from lpse_admin.sop import Sop, bundled_sops, parse
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.trial.judging import Obstacle, judge
from lpse_admin.trial.past import PastRequest, PastStep
from lpse_admin.trial.totals import STEP_COUNTS, TrialTotals
from lpse_admin.workflow.record_fields import ChangeKind, sop_fields
from lpse_admin.worktime.step_timing import StepTimestamps, exceeds_standard, measure_step
from lpse_admin.worktime.working_calendar import WorkCalendar
from tests.changes.own_steps.office import TEXT as OWN_STEPS

FOUR_BLOCKS = (Path(__file__).parent / "files" / "empat-blok-2027.toml").read_text(encoding="utf-8")
TEXTS = {**dict(bundled_sops()), "kota-langkah-2025": OWN_STEPS, "empat-blok-2027": FOUR_BLOCKS}
CALENDAR = WorkCalendar(ZoneInfo("Asia/Jakarta"))
#: A Monday, 09.00.
MONDAY = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
#: Who takes the steps of a role.
PEOPLE = {Role.REQUESTER: 1, Role.CHANGE_MANAGER: 2, Role.HEAD: 3}


@cache
def sop(key: str, *changes: tuple[str, str]) -> Sop:
    """Return an SOP, with parts of its file replaced."""
    text = TEXTS[key]
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return parse(text, key)


LUMAJANG, NEW = sop("lumajang-2018"), sop("empat-blok-2027")
#: A normal request of Lumajang.
NORMAL = (
    "submitted", "accepted", "normal", "done", "passed", "reported", "verified", "scheduled", "unchanged",
)  # fmt: skip


def past_step(former: Sop, step: Step, outcome: Outcome, start: dt.datetime, hours: float = 0.05) -> PastStep:
    """Return a step as its actor took it: at once, with all that the SOP asks for."""
    rule = former.rules[step]
    return PastStep(
        step,
        outcome,
        rule.leads_to[outcome],
        StepTimestamps(start, start, start + hours * HOUR),
        PEOPLE[rule.actor],
        rule.actor.value,
        rule.actor,
        has_reason=rule.needs_reason(outcome),
        equipment=frozenset(item.key for item in rule.requires),
        own_values={field.key: "terisi" for field in sop_fields(former, step)},
    )


def past(former: Sop, *outcomes: str, hours: float = 0.05) -> PastRequest:
    """Return a request that went this way under ``former``, each step taking so many hours from a Monday on."""
    step, steps = former.first_step, []
    for number, outcome in enumerate(outcomes):
        steps.append(past_step(former, step, Outcome(outcome), MONDAY + number * dt.timedelta(7), hours))
        step = steps[-1].target
    documents = frozenset(item.key for rule in former.rules.values() for item in rule.requires)
    return PastRequest(
        1, "RFC/2026/0001", "Ganti sertifikat", MONDAY, PEOPLE[Role.REQUESTER], former, steps, documents=documents
    )


@st.composite
def requests(draw: st.DrawFn) -> PastRequest:
    """Draw a request that went some way through some SOP, each step in some time."""
    former = sop(draw(st.sampled_from(sorted(TEXTS))))
    step, hours = former.first_step, draw(st.floats(0, 60))
    outcomes: list[Outcome] = []
    while step is not Step.CLOSED and len(outcomes) < 40:
        moves = former.rules[step].leads_to
        # What the history blocks is no way that a request went.
        open_moves = [one for one in moves if one is not Outcome.REFUSED and one is not Outcome.FAILED]
        outcome = draw(st.sampled_from(open_moves))
        outcomes.append(outcome)
        step = moves[outcome]
    return past(former, *outcomes, hours=hours)


@given(requests())
def test_a_request_could_have_gone_its_way_under_the_sop_that_it_followed(request_: PastRequest) -> None:
    judged = judge(request_.former, CALENDAR, request_)
    assert (judged.stop, judged.missing, judged.barred, judged.other_actors) == (None, (), (), ())
    assert [step.is_late for step in judged.steps] == [step.was_late for step in judged.steps]
    assert judged.is_without_remark is not any(step.is_late for step in judged.steps)


@given(requests(), st.sampled_from(sorted(TEXTS)))
def test_a_step_is_late_by_the_clocks_of_the_reports(request_: PastRequest, key: str) -> None:
    tried = sop(key)
    for step, visit in zip(judge(tried, CALENDAR, request_).steps, request_.steps, strict=True):
        for judged_by, is_late in ((tried, step.is_late), (request_.former, step.was_late)):
            end = visit.timestamps.finished_at or MONDAY
            known = visit.step in judged_by.rules
            measured = known and measure_step(CALENDAR, judged_by, visit.step, visit.timestamps, end).is_late
            assert is_late is measured


def test_what_was_never_taken_up_is_late_from_its_arrival_and_an_open_step_is_not_judged() -> None:
    times = StepTimestamps(MONDAY, None, MONDAY + 3 * HOUR)
    assert exceeds_standard(CALENDAR, LUMAJANG, Step.EVALUATION, times)
    assert not exceeds_standard(CALENDAR, LUMAJANG, Step.EVALUATION, replace(times, finished_at=None))


def test_a_normal_request_stops_where_the_new_sop_leads_elsewhere() -> None:
    judged = judge(NEW, CALENDAR, past(LUMAJANG, *NORMAL))
    assert judged.stop is not None
    assert (judged.stop.obstacle, judged.stop.step) == (Obstacle.OTHER_TARGET, Step.URGENCY)
    assert judged.stop.next_actor == "Kepala LPSE"
    assert "Approval" in str(judged.stop.message)
    assert not judged.is_without_remark


def test_an_outcome_that_ends_the_request_earlier_has_nobody_to_go_on_with() -> None:
    judged = judge(sop("empat-blok-2027", ('normal = "approval"', 'normal = "implementation"')), CALENDAR,
                   past(LUMAJANG, *NORMAL))  # fmt: skip
    assert judged.stop is not None
    assert (judged.stop.step, judged.stop.next_actor) == (Step.TEST, "")


def test_a_step_that_the_sop_does_not_have_is_told_by_the_name_that_it_had() -> None:
    former = sop("kota-langkah-2025")
    whole = past(former, "submitted", "accepted", "approved")
    stop = judge(LUMAJANG, CALENDAR, whole).stop
    assert stop is not None
    assert stop.obstacle is Obstacle.OTHER_TARGET, "Lumajang asks for the urgency first"
    judged = judge(LUMAJANG, CALENDAR, replace(whole, steps=whole.steps[2:]))
    stop = judged.stop
    assert stop is not None
    assert (stop.obstacle, stop.next_actor) == (Obstacle.NO_STEP, "")
    assert "Kepala bidang" in str(stop.message)
    (step,) = judged.steps
    assert (step.is_known, step.actor, step.is_late) == (False, "", False)


def test_an_outcome_that_the_sop_does_not_have_stops_the_request_at_its_actor() -> None:
    without = sop("empat-blok-2027", ('accepted = "urgency", returned = "returned", rejected = "closed"',
                                      'accepted = "urgency", returned = "returned"'))  # fmt: skip
    stop = judge(without, CALENDAR, past(LUMAJANG, "submitted", "rejected")).stop
    assert stop is not None
    assert (stop.obstacle, stop.step, stop.next_actor) == (Obstacle.NO_OUTCOME, Step.EVALUATION, "Pengelola Perubahan")


def test_what_the_history_forbids_stops_a_request_also_where_the_sop_has_the_move() -> None:
    request = past(LUMAJANG, "submitted", "accepted", "emergency", "refused", "accepted", "normal", "done")
    stop = judge(LUMAJANG, CALENDAR, request).stop
    assert stop is not None
    assert (stop.obstacle, stop.step) == (Obstacle.BLOCKED, Step.URGENCY)
    assert stop.next_actor == "Pengelola Perubahan"


def test_fields_documents_and_equipment_that_the_sop_adds_are_lacking_and_no_others() -> None:
    judged = judge(NEW, CALENDAR, past(LUMAJANG, *NORMAL))
    lacking = {step.step: [str(label) for label in step.missing] for step in judged.missing}
    assert lacking == {Step.REQUEST: ["Berlaku mulai"], Step.IMPLEMENTATION: ["Berita acara pelaksanaan"]}
    bare = past(LUMAJANG, *NORMAL)
    bare = replace(bare, documents=frozenset(), steps=[replace(step, equipment=frozenset()) for step in bare.steps])
    again = judge(NEW, CALENDAR, bare)
    assert {step.step: len(step.missing) for step in again.missing} == {Step.REQUEST: 1, Step.IMPLEMENTATION: 1}, (
        "the letter and the PC were asked for before, and something else accounts for them"
    )


def test_a_field_that_was_filled_in_under_the_former_sop_is_not_lacking() -> None:
    request = past(LUMAJANG, "submitted", "rejected")
    filled = replace(request.steps[0], own_values={"field-berlaku-mulai": dt.date(2026, 4, 1)})
    assert not judge(NEW, CALENDAR, replace(request, steps=[filled, request.steps[1]])).missing


def test_a_reason_that_the_sop_adds_is_lacking() -> None:
    former = sop("kota-langkah-2025")
    way = ("submitted", "accepted", "approved", "approved", "done", "done", "passed", "reported", "verified",
           "diterima")  # fmt: skip
    asking = sop("kota-langkah-2025", ('reason_for = ["keberatan"]', 'reason_for = ["keberatan", "diterima"]'))
    (step,) = judge(asking, CALENDAR, past(former, *way)).missing
    assert (step.step, [str(label) for label in step.missing]) == (Step("acceptance.serah-terima"), ["Reason"])


def test_letters_are_asked_for_where_their_condition_holds() -> None:
    asking = sop("empat-blok-2027", ('label = "Surat permohonan" }', 'label = "Surat permohonan" }, '
                 '{ kind = "document", label = "SK akun", when = "account" }, '
                 '{ kind = "document", label = "Surat tugas", when = "by-proxy" }'))  # fmt: skip
    request = past(LUMAJANG, "submitted", "rejected")
    plain = [str(label) for label in judge(asking, CALENDAR, request).steps[0].missing]
    account = replace(request, kinds=(ChangeKind.ACCOUNT,), on_behalf_of="Dinas")
    assert plain == ["Berlaku mulai"]
    assert [str(label) for label in judge(asking, CALENDAR, account).steps[0].missing] == [
        "Berlaku mulai", "SK akun", "Surat tugas",
    ]  # fmt: skip


def test_who_did_what_the_other_part_checks_would_have_been_barred() -> None:
    request = past(LUMAJANG, *NORMAL[:7])
    same = [replace(step, actor_id=2) if step.step is Step.VERIFICATION else step for step in request.steps]
    judged = judge(LUMAJANG, CALENDAR, replace(request, steps=same))
    (barred,) = judged.barred
    assert (barred.step, barred.barred) == (Step.VERIFICATION, "head")
    assert barred.barred_reason is not None
    totals = TrialTotals.of(LUMAJANG)
    totals.add(judged)
    assert (totals.barred_requests, dict(totals.barred)) == (1, {("head", Step.VERIFICATION): 1})


def test_a_limit_on_a_stretch_that_would_have_been_passed_is_told_once() -> None:
    text = TEXTS["empat-blok-2027"] + '\n[[limits]]\ntitle = "Seluruhnya"\ntime = "10 hari kalender"\n'
    limited = parse(text, "empat-blok-2027")
    judged = judge(limited, CALENDAR, past(LUMAJANG, "submitted", "accepted", "normal"))
    assert judged.passed_limits == ("Seluruhnya",)
    assert not judge(limited, CALENDAR, past(LUMAJANG, "submitted", "rejected")).passed_limits
    totals = TrialTotals.of(limited)
    totals.add(judged)
    assert totals.limits == 1


def test_a_limit_begins_with_the_step_that_it_names() -> None:
    text = TEXTS["empat-blok-2027"] + '\n[[limits]]\ntitle = "Penilaian"\nfrom = "urgency"\ntime = "10 hari kalender"\n'
    judged = judge(parse(text, "empat-blok-2027"), CALENDAR, past(LUMAJANG, "submitted", "accepted", "normal"))
    assert judged.passed_limits == ()


def test_who_took_a_step_that_the_new_sop_keeps_apart_would_have_been_barred() -> None:
    text = TEXTS["empat-blok-2027"].replace('key = "urgency"\n', 'key = "urgency"\napart_from = ["evaluation"]\n')
    (barred,) = judge(
        parse(text, "empat-blok-2027"), CALENDAR, past(LUMAJANG, "submitted", "accepted", "normal")
    ).barred
    assert (barred.step, str(barred.barred_reason)) == (Step.URGENCY, "took “Evaluation”")


def test_another_actor_is_one_of_another_role() -> None:
    judged = judge(NEW, CALENDAR, past(LUMAJANG, *NORMAL))
    assert [(step.step, step.actor) for step in judged.other_actors] == [(Step.TEST, "Pemohon")]


def test_the_figures_are_those_of_the_requests_and_the_sums_those_of_the_steps() -> None:
    totals = TrialTotals.of(NEW)
    judged = [
        judge(NEW, CALENDAR, past(LUMAJANG, *NORMAL)),
        judge(NEW, CALENDAR, past(LUMAJANG, "submitted", "rejected", hours=0.5)),
        judge(NEW, CALENDAR, past(NEW, "submitted", "accepted", "normal", "approved", "done", "passed")),
    ]
    for one in judged:
        totals.add(one)
    assert (totals.requests, totals.unchanged, totals.stopped, totals.missing) == (3, 1, 1, 2)
    assert (totals.late, totals.was_late, totals.other_actor) == (1, 0, 1)
    assert dict(totals.obstacles) == {Obstacle.OTHER_TARGET: 1}
    assert totals.steps[Step.EVALUATION].visits == 3
    assert totals.steps[Step.EVALUATION].late == 1
    assert totals.steps[Step.URGENCY].stops == 1
    assert list(totals.steps)[: len(NEW.steps)] == list(NEW.steps)
    assert {step.actor for step in totals.steps.values() if step.step not in NEW.steps} == {""}
    assert totals.sum_of("visits") == sum(len(one.steps) for one in judged)
    assert all(totals.sum_of(count) >= 0 for count in STEP_COUNTS)
    acts = dict(totals.acts())
    assert acts == {"Pemohon": 5, "Pengelola Perubahan": 7, "Kepala LPSE": 1}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_an_sop_tried_against_nothing_comes_to_nothing(key: str) -> None:
    totals = TrialTotals.of(sop(key))
    assert (totals.requests, totals.acts(), totals.sum_of("visits")) == (0, [], 0)
