"""Both signed SOPs as loaded, against a literal copy."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message
from lpse_admin.sop import (
    ItemKind,
    RequirementCondition,
    Sop,
    StandardTime,
    Switches,
    bundled_sops,
    check,
    digest,
    parse,
    parse_standard_time,
    to_json,
    to_text,
    to_toml,
    with_switches,
)
from lpse_admin.sop.steps import Outcome, Step
from tests.support.papers import (
    LUMAJANG_MOVES,
    LUMAJANG_PHRASES,
    LUMAJANG_STEPS,
    TANA_TIDUNG_MOVES,
    TANA_TIDUNG_PHRASES,
    TANA_TIDUNG_STEPS,
)

TEXTS = dict(bundled_sops())
LUMAJANG = parse(TEXTS["lumajang-2018"], "lumajang-2018")
TANA_TIDUNG = parse(TEXTS["tana-tidung-2017"], "tana-tidung-2017")
BOTH = pytest.mark.parametrize("sop", [LUMAJANG, TANA_TIDUNG], ids=lambda sop: sop.key)


def minutes_of(sop: Sop, *outcomes: str) -> int:
    """Return the sum of the standard times along ``outcomes`` from the evaluation to the end."""
    step, total = Step.EVALUATION, 0
    for outcome in outcomes:
        rule = sop.rule(step)
        total += rule.standard.minutes if rule.standard else 0
        step = rule.leads_to[Outcome(outcome)]
    assert step is Step.CLOSED
    return total


@pytest.mark.parametrize(("sop", "moves"), [(LUMAJANG, LUMAJANG_MOVES), (TANA_TIDUNG, TANA_TIDUNG_MOVES)])
def test_the_moves_are_those_of_the_signed_sop(sop: Sop, moves: tuple[tuple[str, ...], ...]) -> None:
    assert tuple((move.origin, move.outcome, move.target) for move in sop.moves) == moves


@pytest.mark.parametrize(("sop", "steps"), [(LUMAJANG, LUMAJANG_STEPS), (TANA_TIDUNG, TANA_TIDUNG_STEPS)])
def test_numbers_actors_and_times_are_those_of_the_signed_sop(
    sop: Sop, steps: tuple[tuple[None, str, str, None] | tuple[int, str, str, None] | tuple[int, str, str, int], ...]
) -> None:
    result = tuple(
        (rule.no, step, rule.actor, rule.standard.minutes if rule.standard else None)
        for step, rule in sop.rules.items()
    )
    assert result == steps


@pytest.mark.parametrize(("sop", "phrases"), [(LUMAJANG, LUMAJANG_PHRASES), (TANA_TIDUNG, TANA_TIDUNG_PHRASES)])
def test_every_sentence_of_the_sop_is_in_its_text(sop: Sop, phrases: list[str]) -> None:
    text = to_text(sop)
    assert [phrase for phrase in phrases if phrase not in text] == []


def test_the_sums_of_the_standard_times_are_460_640_and_700() -> None:
    end = ("reported", "verified")
    normal = ("accepted", "normal", "done", "passed", *end, "scheduled", "unchanged")
    emergency = ("accepted", "emergency", "approved", "done", "passed", *end, "scheduled", "changed", "updated")
    rolled_back = (
        "accepted",
        "emergency",
        "approved",
        "done",
        "failed",
        "rolled-back",
        *end,
        "no-release",
        "changed",
        "updated",
    )
    assert [minutes_of(LUMAJANG, *way) for way in (normal, emergency, rolled_back)] == [460, 640, 700]
    assert [minutes_of(TANA_TIDUNG, *way) for way in (normal, emergency, rolled_back)] == [0, 0, 0]


def test_tana_tidung_sets_no_time_requirement_or_output_and_says_so() -> None:
    assert all(not (rule.standard or rule.requires or rule.outputs) for rule in TANA_TIDUNG.rules.values())
    text = to_text(TANA_TIDUNG)
    assert "NOMOR SOP: tidak ditetapkan" in text
    for title in ("Waktu", "Output", "Persyaratan / Perlengkapan"):
        assert text.count(f"{title}: tidak ditetapkan") == len(TANA_TIDUNG.steps)


def test_lumajang_requires_what_its_sop_lists() -> None:
    required = {
        step: [(item.kind, item.record_step, item.condition) for item in rule.requires]
        for step, rule in LUMAJANG.rules.items()
    }
    record, document, equipment = ItemKind.RECORD, ItemKind.DOCUMENT, ItemKind.EQUIPMENT
    pc = (equipment, None, None)
    assert required == {
        Step.REQUEST: [
            (record, Step.REQUEST, None),
            (document, None, None),
            (document, None, RequirementCondition.BY_PROXY),
            (document, None, RequirementCondition.BY_PROXY),
            (document, None, RequirementCondition.ACCOUNT),
        ],
        Step.EVALUATION: [(record, Step.REQUEST, None)],
        Step.RETURNED: [],
        Step.URGENCY: [(record, Step.REQUEST, None)],
        Step.APPROVAL: [(record, Step.EVALUATION, None)],
        Step.IMPLEMENTATION: [(record, Step.EVALUATION, None), pc],
        Step.TEST: [(record, Step.IMPLEMENTATION, None), pc],
        Step.ROLLBACK: [(record, Step.TEST, None), pc],
        Step.REPORT: [(record, Step.TEST, None)],
        Step.VERIFICATION: [(record, Step.REPORT, None)],
        Step.RELEASE: [(record, Step.RELEASE, None)],
        Step.ASSET_REVIEW: [(record, Step.ASSET_REVIEW, None)],
        Step.ASSET_UPDATE: [(record, Step.ASSET_REVIEW, None)],
    }


def test_heads_and_dates_are_those_of_the_sops() -> None:
    assert (LUMAJANG.number, LUMAJANG.time_zone) == ("427.53/7.01/2018", "Asia/Jakarta")
    assert (LUMAJANG.made, LUMAJANG.revised, LUMAJANG.approved) == (dt.date(2018, 3, 1), None, dt.date(2018, 3, 31))
    assert LUMAJANG.signatory.nip == "197101131991011001"
    assert (TANA_TIDUNG.number, TANA_TIDUNG.time_zone) == (None, "Asia/Makassar")
    assert (TANA_TIDUNG.made, TANA_TIDUNG.revised, TANA_TIDUNG.approved) == (None, None, dt.date(2017, 2, 15))
    assert TANA_TIDUNG.signatory.nip == "197404172002121003"
    assert (LUMAJANG.agency.account_suffix, TANA_TIDUNG.agency.account_suffix) == ("", ".tt")


def test_only_lumajang_counts_deviations_and_every_other_switch_is_off() -> None:
    assert Switches(deviations=True) == LUMAJANG.switches
    assert Switches() == TANA_TIDUNG.switches


@BOTH
def test_an_sop_reads_back_from_its_own_toml(sop: Sop) -> None:
    again = parse(to_toml(sop), sop.key)
    assert again == sop
    assert hash(again) == hash(sop)
    assert digest(again) == digest(sop)


@BOTH
def test_an_sop_on_disk_has_no_error(sop: Sop) -> None:
    assert check(TEXTS[sop.key].encode(), sop.key) == []


@BOTH
def test_json_has_the_promised_names(sop: Sop) -> None:
    data = json.loads(json.dumps(to_json(sop)))
    assert {"key", "number", "title", "agency", "time_zone", "switches", "steps", "moves"} <= data.keys()
    assert {"key", "no", "activity", "actor", "standard_minutes", "requires", "output"} <= data["steps"][0].keys()
    assert tuple((move["from"], move["outcome"], move["to"]) for move in data["moves"]) == LUMAJANG_MOVES


def test_a_digest_tells_content_apart_but_not_layout_or_file_name() -> None:
    moved = "# a remark\n\n" + TEXTS["lumajang-2018"].replace('no = 2\nactivity = "', 'no = 2\nactivity  =  "')
    assert digest(parse(moved, "another-name")) == digest(LUMAJANG)
    assert digest(replace(LUMAJANG, title="LAIN")) != digest(LUMAJANG)
    assert digest(LUMAJANG) != digest(TANA_TIDUNG)


def test_actors_are_called_as_the_sop_calls_them() -> None:
    assert LUMAJANG.actor_title(Step.RELEASE) == "Pengelola Perubahan"
    assert LUMAJANG.actor_title(Role.HEAD) == "Kepala LPSE"
    title = LUMAJANG.actor_title(Role.INSPECTOR)
    assert isinstance(title, Message)


def test_every_kind_and_condition_has_a_title() -> None:
    assert all(isinstance(word.title, Message) for enum in (ItemKind, RequirementCondition) for word in enum)


def test_the_head_approving_every_change_turns_normal_into_approval() -> None:
    sop = with_switches(LUMAJANG, Switches(head_approves_every_change=True))
    assert sop.rule(Step.URGENCY).leads_to[Outcome.NORMAL] is Step.APPROVAL
    assert sop.rule(Step.URGENCY).declared_outcomes[Outcome.NORMAL] is Step.IMPLEMENTATION
    assert with_switches(sop, LUMAJANG.switches) == LUMAJANG


def test_a_report_to_be_revised_goes_back_to_the_report_under_the_switch_only() -> None:
    sop = with_switches(LUMAJANG, Switches(verification_may_return_report=True))
    assert dict(sop.rule(Step.VERIFICATION).leads_to) == {Outcome.VERIFIED: Step.RELEASE, Outcome.REVISE: Step.REPORT}
    assert Outcome.REVISE not in LUMAJANG.rule(Step.VERIFICATION).leads_to


def test_a_request_starts_where_the_sop_starts() -> None:
    assert LUMAJANG.first_step is Step.REQUEST
    assert LUMAJANG.steps[0] is Step.REQUEST


@pytest.mark.parametrize(
    ("text", "minutes", "days"),
    [
        ("2 jam", 120, 0),
        ("15 menit", 15, 0),
        ("15 MENIT", 15, 0),
        ("1 hari", 450, 1),
        ("1 Hari Kerja", 450, 1),
        ("1 (satu) hari kerja", 450, 1),
        ("2 hari kerja", 900, 2),
        ("1 minggu", 2250, 5),
        ("1 jam 30 menit", 90, 0),
        ("1 jam, 30 menit", 90, 0),
        ("1 jam dan 30 menit", 90, 0),
        ("1 hari 2 jam", 570, 1),
        ("0,5 hari", 225, 0),
        ("1,5 hari", 675, 1),
        ("1,5 jam", 90, 0),
        ("1.5 jam", 90, 0),
        ("± 15 menit", 15, 0),
        ("maks. 2 jam", 120, 0),
        ("Paling lama 3 hari kerja", 1350, 3),
        ("5-10 menit", 10, 0),
        ("5 s/d 10 menit", 10, 0),
        ("5 s.d 10 menit.", 10, 0),
        ("30 menit – 1 jam", 60, 0),
        ("1 hingga 2 hari", 900, 2),
        ("setengah jam", 30, 0),
        ("<= 1 jam", 60, 0),
        ("30 detik", 1, 0),
        ("1 x 24 jam", 450, 1),
        ("maksimal 3x24 jam", 1350, 3),
        ("  2jam ", 120, 0),
    ],
)
def test_a_standard_time_is_read_as_sops_write_it(text: str, minutes: int, days: int) -> None:
    assert parse_standard_time(text) == StandardTime(text.strip(), minutes, days)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "jam",
        "dua jam",
        "2 jm",
        "0 menit",
        "-5 menit",
        "10-5 menit",
        "1 jam - 30 menit",
        "1 jam 1 jam",
        "2 jam lagi",
        "1.000 menit",
        "53 minggu",
        "999999 hari",
        "9999999 menit",
        "1 bulan",
        "²2 jam",
        "٢ jam",
        "1 jam,",
    ],
)
def test_what_is_no_standard_time_is_refused(text: str) -> None:
    assert parse_standard_time(text) is None
