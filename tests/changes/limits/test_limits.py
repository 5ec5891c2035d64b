"""Limits on stretches of steps: what the file says of them, what is wrong with it, and how they are measured."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.sop import TimeLimit, bundled_sops, check, digest, parse, parse_standard_time, to_json, to_text, to_toml
from lpse_admin.sop.editor.comparison import Change, compare
from lpse_admin.sop.editor.document import SopDocument
from lpse_admin.sop.editor.faults import Section, find_faults
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.deviations import DeviationKind, limit_deviation
from lpse_admin.workflow.transitions import Evidence, Position, detect_deviations, validation_errors
from lpse_admin.worktime.limits import measure_stretches
from lpse_admin.worktime.working_calendar import WorkCalendar
from tests.changes.limits.office import DECISION, KEY, TEXT, WHOLE, WORK, changed, sop
from tests.support.present import present

CALENDAR = WorkCalendar(ZoneInfo("Asia/Jakarta"))
#: A Monday, 09.00.
MONDAY = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
DAY, HOUR = dt.timedelta(1), dt.timedelta(hours=1)


@dataclass(frozen=True)
class Visit:
    """A visit to a step."""

    step: Step
    arrived_at: dt.datetime
    finished_at: dt.datetime | None


def visits(*steps: tuple[str, float], open_step: str = "") -> list[Visit]:
    """Return visits to steps one after another from a Monday on, each of so many hours by the clock."""
    start, results = MONDAY, []
    for name, hours in steps:
        results.append(Visit(Step(name), start, start + hours * HOUR))
        start += hours * HOUR
    return [*results, Visit(Step(open_step), start, None)] if open_step else results


# -- the file --------------------------------------------------------------------------------------------------------


def test_a_limit_has_a_name_a_time_and_the_steps_where_it_begins_and_ends() -> None:
    assert [(one.title, one.first, one.last, one.standard.minutes, one.standard.by_clock) for one in sop().limits] == [
        (DECISION, Step.EVALUATION, Step.APPROVAL, 3 * 450, False),
        (WORK, Step.IMPLEMENTATION, Step.TEST, 24 * 60, True),
        (WHOLE, None, None, 30 * 450, False),
    ]


def test_limits_come_back_from_every_export_and_are_a_part_of_the_content() -> None:
    assert parse(to_toml(sop()), KEY) == sop()
    told = present(to_json(sop())["limits"])
    assert isinstance(told, list)
    assert told[1] == {
        "title": WORK, "from": "implementation", "to": "test", "time": "24 jam kalender", "minutes": 1440,
        "by_clock": True, "days": 0,
    }  # fmt: skip
    assert "Seluruh permintaan: 30 hari kerja, sejak diajukan sampai ditutup" in to_text(sop())
    assert digest(sop()) != digest(sop(('time = "30 hari kerja"', 'time = "31 hari kerja"')))


@pytest.mark.parametrize(("key", "text"), bundled_sops())
def test_an_sop_without_limits_says_nothing_of_them(key: str, text: str) -> None:
    paper = parse(text, key)
    assert paper.limits == ()
    assert "limits" not in to_json(paper)
    assert "BATAS WAKTU" not in to_text(paper)
    assert "[[limits]]" not in to_toml(paper)
    assert measure_stretches(CALENDAR, paper, visits(("request", 1), open_step="evaluation"), MONDAY + DAY) == ()


WRONG = {
    "a step that is not there": (
        'from = "evaluation"', 'from = "urgency"', "urgency is not a step of this SOP; its steps are request, "
        "evaluation, returned, approval, implementation, test, rollback", "from"),
    "a mistyped step": ('to = "test"', 'to = "tes"', "tes is not a step", "to"),
    "the end of the request": ('to = "test"', 'to = "closed"', "closed is not a step", "to"),
    "an end that is not reached": ('to = "test"', 'to = "approval"', "approval cannot be reached from implementation",
                                   "to"),
    "an end with the draft": ('to = "test"', 'to = "request"', "no limit ends with the request", "to"),
    "no time": ('time = "24 jam kalender"\n', "", "time is missing", "title"),
    "a time that is none": ('time = "24 jam kalender"', 'time = "segera"', "segera is not a standard time", "time"),
    "no name": ('title = "Pelaksanaan dan uji"\n', "", "title is missing", "from"),
    "the same name": ('title = "Pelaksanaan dan uji"', 'title = "Sampai keputusan"', "the same title", "title"),
    "a key that is unknown": ('to = "test"', 'until = "test"', "unknown key until", "until"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "message", "line_of"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_with_a_limit_is_said_with_its_line(before: str, after: str, message: str, line_of: str) -> None:
    text = changed((before, after))
    (error,) = check(text, KEY)
    assert message in str(error.message)
    assert error.line in range(1, text.count("\n") + 1)
    assert error.path[:2] == ("limits", {"evaluation": 0}.get(before[8:-1], 1))
    assert line_of


def test_an_sop_has_not_more_limits_than_somebody_can_read() -> None:
    many = "".join(f'[[limits]]\ntitle = "Batas {number}"\ntime = "{number} jam"\n\n' for number in range(1, 20))
    (error,) = check(TEXT + many, KEY)
    assert "at most 20 limits" in str(error.message)


def test_a_fault_of_a_limit_is_at_its_input_in_plain_words_without_a_key() -> None:
    for before, after, _message, _line in WRONG.values():
        if before.startswith("until") or after.startswith("until"):
            continue
        text = changed((before, after))
        document = SopDocument.read(text)
        (fault,) = find_faults(document, check(document.toml, KEY), today=MONDAY.date())
        assert fault.place.section is Section.SETTINGS
        assert fault.place.part.startswith("limit-")
        said = str(fault.message)
        assert not any(key in said for key in ("request,", "[[", "from =", "to =")), said
    too_many = SopDocument.read(TEXT)
    too_many.values["limits"] = [{"title": f"Batas {number}", "time": "1 jam"} for number in range(21)]
    (fault,) = find_faults(too_many, check(too_many.toml, KEY), today=MONDAY.date())
    assert (fault.place.section, fault.place.part) == (Section.SETTINGS, "limit-0-title")


def test_the_editor_keeps_limits_and_a_comparison_tells_them_apart() -> None:
    document = SopDocument.read(TEXT)
    assert parse(document.toml, KEY) == sop()
    after = document.copy()
    after.limits[1]["time"] = "2 hari kerja"
    del after.limits[0]
    after.limits.append({"title": "Uji saja", "from": "test", "to": "hilang", "time": "1 jam"})
    changes = {(str(one.name), one.change) for one in compare(document, after)}
    assert changes == {
        (f"Limit “{DECISION}”", Change.REMOVED),
        (f"Limit “{WORK}”", Change.CHANGED),
        ("Limit “Uji saja”", Change.ADDED),
    }  # fmt: skip
    after.limits.append(dict(after.limits[-1]))
    assert len(compare(document, after)) == 4, "of two with the same name each is told"


# -- the clock -------------------------------------------------------------------------------------------------------


def test_a_stretch_runs_from_its_first_step_until_its_last_is_finished() -> None:
    way = visits(("request", 1), ("evaluation", 2), ("approval", 3), ("implementation", 1), open_step="test")
    decision, work, whole = measure_stretches(CALENDAR, sop(), way, MONDAY + 30 * HOUR)
    assert (decision.began_at, decision.ended_at) == (MONDAY + HOUR, MONDAY + 6 * HOUR)
    assert (decision.is_open, decision.is_late, decision.by_clock) == (False, False, False)
    assert (work.began_at, work.ended_at, work.measured_time) == (MONDAY + 6 * HOUR, None, 24 * HOUR)
    assert (work.is_late, work.fraction_used, work.due) == (False, 1.0, MONDAY + 30 * HOUR)
    assert (whole.began_at, whole.is_open) == (MONDAY + HOUR, True)
    (late,) = [one for one in measure_stretches(CALENDAR, sop(), way, MONDAY + 31 * HOUR) if one.is_late]
    assert late.limit.title == WORK


def test_a_return_within_a_stretch_does_not_stop_it_and_a_second_way_through_is_judged_anew() -> None:
    way = visits(("request", 1), ("evaluation", 1), ("returned", 48), ("evaluation", 1), ("approval", 1),
                 ("evaluation", 1), open_step="approval")  # fmt: skip
    first, second = measure_stretches(CALENDAR, sop(), way, MONDAY + 60 * HOUR)[:2]
    assert (first.began_at, first.ended_at) == (MONDAY + HOUR, MONDAY + 52 * HOUR)
    assert (second.began_at, second.is_open) == (MONDAY + 52 * HOUR, True)
    assert first.subject != second.subject


def test_a_stretch_that_the_request_left_ends_with_it_and_a_draft_has_none() -> None:
    decision, whole = measure_stretches(CALENDAR, sop(), visits(("request", 1), ("evaluation", 2)), MONDAY + DAY)
    assert decision.ended_at == whole.ended_at == MONDAY + 3 * HOUR
    assert measure_stretches(CALENDAR, sop(), visits(open_step="request"), MONDAY + DAY) == ()
    named = sop(('title = "Seluruh permintaan"', 'title = "Seluruh permintaan"\nfrom = "request"'))
    whole = measure_stretches(CALENDAR, named, visits(("request", 1), open_step="evaluation"), MONDAY + DAY)[1]
    assert whole.began_at == MONDAY + HOUR


def test_a_clock_that_was_set_back_measures_nothing_and_no_less() -> None:
    way = visits(("request", 1), open_step="evaluation")
    assert measure_stretches(CALENDAR, sop(), way, MONDAY - DAY)[0].measured_time == dt.timedelta()


@given(st.lists(st.floats(0, 200), min_size=5, max_size=5), st.floats(0, 400), st.sampled_from(["2 jam", "3 hari kerja",
       "24 jam kalender", "1 minggu"]))  # fmt: skip
def test_a_stretch_is_late_exactly_when_its_calendar_says_so(hours: list[float], then: float, time: str) -> None:
    names = ("request", "evaluation", "approval", "implementation", "test")
    way = visits(*zip(names, hours, strict=True))
    standard = present(parse_standard_time(time))
    tried = sop(('time = "3 hari kerja"', f'time = "{time}"'))
    for one in measure_stretches(CALENDAR, tried, way, MONDAY + then * HOUR):
        assert one.is_late is CALENDAR.is_late(one.began_at, one.limit.standard, present(one.ended_at))
        assert one.measured_time >= dt.timedelta()
    assert tried.limits[0] == TimeLimit(DECISION, standard, Step.EVALUATION, Step.APPROVAL)


# -- the account -----------------------------------------------------------------------------------------------------


def test_a_passed_limit_is_a_deviation_of_time_that_needs_an_account() -> None:
    way = visits(("request", 1), ("evaluation", 1), open_step="approval")
    passed = limit_deviation(measure_stretches(CALENDAR, sop(), way, MONDAY + 30 * DAY)[0])
    assert (passed.kind, passed.title, passed.standard) == (DeviationKind.TIME, DECISION, "3 hari kerja")
    assert 0 < present(passed.allowed_minutes) < present(passed.measured_minutes)
    position = Position(Step.APPROVAL, requester_id=1)
    evidence = Evidence(passed_limits=[passed])
    assert detect_deviations(sop(), position, Outcome.APPROVED, evidence) == (passed,)
    error = validation_errors(sop(), position, Outcome.APPROVED, evidence)["account-time"]
    assert f"“{DECISION}” has taken" in str(error)
    explained = Evidence(values={"account-time": "Kepala dinas luar"}, passed_limits=[passed])
    assert "account-time" not in validation_errors(sop(), position, Outcome.APPROVED, explained)
    silent = sop(("deviations = true", "deviations = false"))
    assert detect_deviations(silent, position, Outcome.APPROVED, evidence) == ()
