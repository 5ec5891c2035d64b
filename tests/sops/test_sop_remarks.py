"""What the check says of a valid SOP: steps where a request gets stuck, and how its times are read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop import (
    bundled_sops,
    check,
    dead_ends,
    key_error,
    key_of_file,
    parse,
    parse_standard_time,
    time_readings,
    to_toml,
)
from lpse_admin.sop.steps import Step
from lpse_admin.worktime.step_timing import StepTimestamps, measure_step
from models.sops.sop import load_revision
from tests.support.cast import NOW, cast, session, set_test_audit_context  # noqa: F401 - fixtures
from tests.worktime.test_working_calendar import OFFICE

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast

pytestmark = pytest.mark.rules

#: An SOP whose approval and evaluation only say yes, with two columns of one role and a time of 24 hours.
TWO_COLUMNS = (Path(__file__).parent / "files" / "dua-kolom.toml").read_text(encoding="utf-8")
#: An SOP in which the requester tests, and whose head is called otherwise.
REQUESTER_TESTS = (Path(__file__).parent / "files" / "pemohon-menguji.toml").read_text(encoding="utf-8")


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def test_a_decision_that_can_only_say_yes_is_named_with_its_line() -> None:
    result = dead_ends(parse(TWO_COLUMNS, "dua-kolom"), TWO_COLUMNS)
    assert [one.line for one in result] == [
        line_of(TWO_COLUMNS, 'accepted = "approval"'), line_of(TWO_COLUMNS, 'approved = "implementation"'),
    ]  # fmt: skip
    mended = TWO_COLUMNS.replace('approved = "implementation"', 'approved = "implementation", refused = "closed"')
    assert len(dead_ends(parse(mended, "dua-kolom"), mended)) == 1


@pytest.mark.parametrize(("key", "text"), bundled_sops())
def test_the_papers_of_the_program_get_nobody_stuck_and_say_their_times_plainly(key: str, text: str) -> None:
    sop = parse(text, key)
    assert (dead_ends(sop, text), time_readings(sop, text)) == ([], [])


def test_the_check_says_which_of_the_two_24_hours_are() -> None:
    (result,) = time_readings(parse(TWO_COLUMNS, "dua-kolom"), TWO_COLUMNS)
    assert (result.line, "1440 working minutes" in str(result)) == (line_of(TWO_COLUMNS, 'time = "24 jam"'), True)
    by_clock = TWO_COLUMNS.replace('time = "24 jam"', 'time = "24 jam kalender"')
    (result,) = time_readings(parse(by_clock, "dua-kolom"), by_clock)
    assert "by the clock" in str(result)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("24 jam kalender", 1440), ("2 hari kalender", 2880), ("1 minggu kalender", 10_080), ("30 menit kalender", 30),
        ("1 hari 12 jam kalender", 2160), ("paling lama 3 hari kalender", 4320), ("1 x 24 jam kalender", 1440),
        ("2 (dua) hari kalender", 2880), ("1-2 hari kalender", 2880),
    ],
)  # fmt: skip
def test_a_time_that_says_kalender_is_time_by_the_clock(text: str, minutes: int) -> None:
    standard = parse_standard_time(text)
    assert standard is not None
    assert (standard.minutes, standard.days, standard.by_clock, standard.text) == (minutes, 0, True, text)


@pytest.mark.parametrize("text", ["2 hari kerja kalender", "kalender", "400 hari kalender", "0 jam kalender"])
def test_what_is_no_time_by_the_clock_is_none(text: str) -> None:
    assert parse_standard_time(text) is None


def test_working_time_is_read_as_before() -> None:
    for text, minutes in (("24 jam", 1440), ("1 hari", 450), ("1 x 24 jam", 450)):
        standard = parse_standard_time(text)
        assert standard is not None
        assert (standard.minutes, standard.by_clock) == (minutes, False)


def test_a_step_by_the_clock_is_late_after_a_weekend_and_survives_the_export() -> None:
    text = TWO_COLUMNS.replace('time = "24 jam"', 'time = "24 jam kalender"')
    sop = parse(text, "dua-kolom")
    assert parse(to_toml(sop), "dua-kolom") == sop
    friday = dt.datetime(2026, 3, 6, 8, 0, tzinfo=dt.UTC)
    for hours, is_late in ((24, False), (25, True)):
        stamps = StepTimestamps(friday, friday, friday + dt.timedelta(hours=hours))
        timing = measure_step(OFFICE, sop, Step.IMPLEMENTATION, stamps, friday)
        assert (timing.due, timing.is_late) == (friday + dt.timedelta(hours=24), is_late)
        assert timing.measured_time == dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("key", "is_valid"),
    [
        ("SOP-KAMI", True), ("kota-contoh-2022", True), ("SOP_Kami-2.1", True), ("1", True),
        ("", False), ("a/b", False), ("SOP Kami", False), ("-x", False), ("x" * 101, False),
    ],
)  # fmt: skip
def test_one_rule_says_which_keys_an_sop_may_have(key: str, is_valid: bool) -> None:
    assert (key_error(key) is None) == is_valid
    assert key_of_file("SOP  Kami 2026") == "SOP-Kami-2026"


def test_two_offices_may_both_have_an_sop_with_the_number_01(session: AuditedSession, cast: Cast) -> None:
    set_test_audit_context(session)
    first = load_revision(session, REQUESTER_TESTS.replace("06/LPSE/2022", "01"), "SOP-KAMI", now=NOW)
    second = load_revision(session, TWO_COLUMNS.replace("10/LPSE/2024", "01"), "SOP-LAIN", now=NOW)
    session.commit()
    assert (first.number, second.number) == ("01", "01")
    assert first.agency_id != second.agency_id
    assert check(TWO_COLUMNS, "SOP-LAIN") == []
