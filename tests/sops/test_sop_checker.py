"""The checker of SOP files: each error has a message and its line, and no file raises another exception."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpse_admin.i18n import Message
from lpse_admin.sop import InvalidSopError, Sop, bundled_sops, check, digest, parse, to_json, to_text, to_toml
from lpse_admin.sop.reading import MAX_FILE_CHARACTERS, slug
from lpse_admin.sop.toml.scanner import find_line_numbers, line_of

PAPERS = dict(bundled_sops())
LUMAJANG = PAPERS["lumajang-2018"]
PAPER_WITH_ROWS = parse(PAPERS["tana-tidung-2017"], "tana-tidung-2017")


def line(part: str, text: str = LUMAJANG, *, after: str = "") -> int:
    """Return the number of the first line with ``part`` (after ``after``)."""
    start = text.index(after)
    return text.count("\n", 0, text.index(part, start)) + 1


def faults_of(text: str | bytes) -> list[tuple[int, str]]:
    """Return (line, English message) of each error, and check that all can be rendered."""
    faults = check(text, "lumajang-2018")
    for fault in faults:
        assert isinstance(fault.message, Message)
        str(fault).encode()
    assert faults == sorted(faults, key=lambda fault: fault.line)
    return [(fault.line, str(fault.message)) for fault in faults]


def changed(old: str, new: str, text: str = LUMAJANG) -> str:
    """Return ``text`` with its only ``old`` replaced by ``new``."""
    assert text.count(old) == 1, (old, text.count(old))
    return text.replace(old, new)


def step(key: str) -> str:
    """Return the header and key line of a step in the file."""
    return f'[[steps]]\nkey = "{key}"\n'


def without(key: str, text: str = LUMAJANG) -> str:
    """Return ``text`` without the step ``key``."""
    match = re.search(rf'\[\[steps\]\]\nkey = "{key}"\n(?:(?!\[\[).*\n)*', text)
    assert match
    return text.replace(match.group(), "")


def aims(outcomes: str, new: str, text: str = LUMAJANG) -> str:
    """Return ``text`` with the ``outcomes`` of a step replaced."""
    return changed(f"outcomes = {{ {outcomes} }}", f"outcomes = {{ {new} }}", text)


STEPS = (
    "request, returned, evaluation, urgency, approval, implementation, test, rollback, report, verification, release, "
    "asset-review, asset-update"
)
STEP_KEYS = (
    "key, no, activity, actor, time, requires, output, outcomes, remarks, flow, fields, title, reason_for, lasts, "
    "lasts_until, apart_from, consents"
)
NO_NIP = "a NIP has 18 digits; leave the line out where the SOP gives none"
UNREAD = "the file is not valid TOML"
ACCEPTED = 'accepted = "urgency", returned = "returned", rejected = "closed"'
RESUBMITTED = 'resubmitted = "evaluation", withdrawn = "closed"'
URGENCY = 'emergency = "approval", normal = "implementation"'
APPROVED = 'approved = "implementation", refused = "evaluation"'
TESTED = 'passed = "report", failed = "rollback"'
RELEASED = 'scheduled = "asset-review", no-release = "asset-review"'
REVIEWED = 'changed = "asset-update", unchanged = "closed"'

#: A change of the Lumajang file, the line of the error (a part of it in the changed file), and its message.
ONE_FAULT = {
    "an unknown actor": (
        changed("no = 2\nactivity", 'no = 2\nremarks = "x"\nactivity').replace(
            'actor = "pengelola"\ntime = "2 jam"', 'actor = "siapa"\ntime = "2 jam"', 1
        ),
        'actor = "siapa"',
        "unknown actor siapa",
    ),
    "an unknown outcome": (
        aims(REVIEWED, REVIEWED + ', gone = "closed"'),
        "gone =",
        "unknown outcome gone; known outcomes are changed, unchanged",
    ),
    "an outcome of another step": (
        aims(REVIEWED, REVIEWED + ', done = "closed"'),
        'done = "closed"',
        "done is not an outcome of asset-review; its outcomes are changed, unchanged",
    ),
    "an outcome without a target": (
        aims('updated = "closed"', 'updated = ""'),
        'updated = ""',
        "updated is empty",
    ),
    "an outcome whose target is no text": (
        aims('updated = "closed"', "updated = 3"),
        "updated = 3",
        "updated must be a string in quotes",
    ),
    "a target that no paper knows": (
        aims('updated = "closed"', 'updated = "tutup"'),
        'updated = "tutup"',
        f"unknown step tutup; known steps are {STEPS}, closed",
    ),
    "a target that is nearly known": (
        aims('updated = "closed"', 'updated = "asset-updat"'),
        'updated = "asset-updat"',
        "unknown step asset-updat; did you mean asset-update?",
    ),
    "a target that this paper leaves out": (
        without("asset-update"),
        'changed = "asset-update"',
        "changed leads to asset-update, a step that this SOP leaves out",
    ),
    "a step that cannot be reached": (
        aims(TESTED, 'passed = "report"'),
        'key = "rollback"',
        "the step rollback cannot be reached",
    ),
    "a time that does not parse": (
        changed(
            'time = "15 menit"\nrequires = [\n    { kind = "record", of = "request"',
            'time = "sebentar"\nrequires = [\n    { kind = "record", of = "request"',
        ),
        'time = "sebentar"',
        "sebentar is not a standard time; write it like 2 jam, 15 menit or 1 hari, up to a year",
    ),
    "a time of nothing": (
        changed('time = "1 hari"', 'time = ""'),
        'time = ""',
        "time is empty; leave the line out where the SOP sets none",
    ),
    "a time that is a number": (changed('time = "1 hari"', "time = 1"), "time = 1", "time must be a string in quotes"),
    "an unknown key": (
        changed("no = 12\n", 'no = 12\nwaktu = "2 jam"\n'),
        "waktu =",
        f"unknown key waktu; known keys are {STEP_KEYS}",
    ),
    "a mistyped key": (changed("number = ", "nomber = "), "nomber", "unknown key nomber; did you mean number?"),
    "a step that is there twice": (
        LUMAJANG + step("release") + 'actor = "pengelola"\noutcomes = { scheduled = "asset-review" }\n',
        None,
        "the step release is defined twice",
    ),
    "a number that is there twice": (changed("no = 12\n", "no = 11\n"), None, "the number 11 is used twice"),
    "a number that is no number": (
        changed("no = 12\n", "no = true\n"),
        "no = true",
        "no must be a whole number from 1 to 9999",
    ),
    "a huge number": (
        changed("no = 12\n", f"no = 0x{'f' * 5000}\n"),
        "no = 0x",
        "no must be a whole number from 1 to 9999",
    ),
    "an actor that is there twice": (
        changed('key = "kepala"', 'key = "kepala"\ntitle = "Kepala LPSE"\nrole = "head"\n\n[[actors]]\nkey = "kepala"'),
        None,
        "the actor kepala is defined twice",
    ),
    "a time zone that is none": (
        changed("Asia/Jakarta", "Asia/Lumajang"),
        "time_zone",
        "Asia/Lumajang is not a supported time zone; use Asia/Jakarta, Asia/Makassar or Asia/Jayapura",
    ),
    "a NIP that is too short": (changed("19710113 199101 1 001", "19710113"), "nip", NO_NIP),
    "a date in quotes": (
        changed("made = 2018-03-01", 'made = "1 Maret 2018"'),
        "made",
        "made must be a date like 2018-03-31, without quotes",
    ),
    "a date with a time": (
        changed("made = 2018-03-01", "made = 2018-03-01T00:00:00"),
        "made",
        "made must be a date like 2018-03-31, without quotes",
    ),
    "a switch that is no switch": (
        changed("deviations = true", 'deviations = "ya"'),
        "deviations",
        "deviations must be true or false",
    ),
    "a clock that is none": (
        changed('clock = "handling"', 'clock = "wall"'),
        "clock",
        "clock must be one of handling, arrival, not wall",
    ),
    "a list that is none": (
        changed('header = ["LAYANAN LPSE BAGI PENYEDIA"]', 'header = "LAYANAN"'),
        "header",
        "header must be a list of strings",
    ),
    "an empty text in a list": (changed('    "Surat Kuasa",', '    " ",'), '" ",', "equipment is empty"),
    "a number in a list": (changed('    "Surat Kuasa",', "    7,"), "    7,", "equipment must be a string in quotes"),
    "a title that is missing": (changed('title = "PENGELOLAAN PERUBAHAN DAN RILIS"\n', ""), None, "title is missing"),
    "a title that is empty": (changed('"PENGELOLAAN PERUBAHAN DAN RILIS"', '""'), 'title = ""', "title is empty"),
    "a character that cannot be printed": (
        changed("PENGELOLAAN PERUBAHAN DAN RILIS", "\\u001b[2J"),
        "title",
        "title contains a character that cannot be printed",
    ),
    "a character that turns the text around": (
        changed("PENGELOLAAN PERUBAHAN DAN RILIS", "\\u202eX"),
        "title",
        "title contains a character that cannot be printed",
    ),
    "an agency key with capitals": (
        changed('key = "lumajang"', 'key = "Lumajang"'),
        'key = "Lumajang"',
        "key must consist of lower-case letters, digits and hyphens, not Lumajang",
    ),
    "a suffix that is none": (
        changed('province = "Jawa Timur"', 'account_suffix = "tt"'),
        "account_suffix",
        "account_suffix must be a full stop and lower-case letters, like .tt",
    ),
    "a table that is none": (
        changed(
            "[switches]\nhead_approves_every_change = false\nverification_may_return_report = false"
            '\ndeviations = true\nclock = "handling"\n',
            "",
        ).replace("[agency]", "switches = 1\n[agency]"),
        "switches",
        'switches must be a table, written { key = "…" }',
    ),
    "a role without steps": (
        changed(
            'key = "kepala"', 'key = "auditor"\ntitle = "Auditor"\nrole = "inspector"\n\n[[actors]]\nkey = "kepala"'
        ),
        'role = "inspector"',
        "the role inspector has no step in the procedure",
    ),
    "a request that is not the requester's": (
        changed('Koordinator Perubahan"\nactor = "pemohon"', 'Koordinator Perubahan"\nactor = "pengelola"'),
        None,
        "the actor of request must have the role requester, not change_manager",
    ),
    "an approval that is not the head's": (
        changed('Pengelola Perubahan"\nactor = "kepala"', 'Pengelola Perubahan"\nactor = "pengelola"'),
        None,
        "the actor of approval must have the role head, not change_manager",
    ),
    "a target that is the request": (
        aims(RESUBMITTED, 'resubmitted = "request", withdrawn = "closed"'),
        "resubmitted",
        "resubmitted must not lead back to request",
    ),
    "a resubmission to the requester": (
        aims(RESUBMITTED, 'resubmitted = "returned", withdrawn = "closed"'),
        "resubmitted",
        "resubmitted must lead to a step of an actor other than the requester",
    ),
    "a rejection that does not end": (
        aims(ACCEPTED, ACCEPTED.replace('"closed"', '"urgency"')),
        "rejected",
        "rejected must lead to closed",
    ),
    "a return to somebody else": (
        aims(ACCEPTED, ACCEPTED.replace('returned = "returned"', 'returned = "urgency"')).replace(
            '{ submitted = "evaluation" }', '{ submitted = "returned" }'
        ),
        "returned =",
        "returned must lead to returned",
    ),
    "an emergency around the head": (
        aims(URGENCY, 'emergency = "implementation", normal = "approval"'),
        "emergency =",
        "an emergency could reach implementation without the approval of the head",
    ),
    "a refusal around the head": (
        aims(APPROVED, 'approved = "implementation", refused = "implementation"'),
        "refused =",
        "refused must not lead to implementation: that would bypass the head",
    ),
    "a failed test that is reported": (
        aims(TESTED, 'passed = "rollback", failed = "report"'),
        "failed =",
        "a change whose test failed could be released or closed without a roll back or a passed test",
    ),
    "a roll back that can only be released": (
        aims(RELEASED, 'scheduled = "asset-review"'),
        'outcomes = { scheduled = "asset-review" }',
        "release can follow a roll back, so it needs the outcome no-release",
    ),
    "a report to be mended with the switch off": (
        aims('verified = "release"', 'verified = "release", mend = "report"'),
        "mend =",
        "mend needs the switch verification_may_return_report",
    ),
    "a report to be mended elsewhere": (
        aims('verified = "release"', 'verified = "release", mend = "test"').replace(
            "return_report = false", "return_report = true"
        ),
        "mend =",
        "mend must lead to report",
    ),
    "a record that never comes before": (
        changed('of = "evaluation", label = "Hasil', 'of = "asset-review", label = "Hasil'),
        'of = "asset-review", label = "Hasil',
        "the record of asset-review cannot be available in approval, which never follows it",
    ),
    "a record of a document": (
        changed(
            '{ kind = "document", label = "Surat permohonan" }',
            '{ kind = "document", of = "request", label = "Surat" }',
        ),
        '{ kind = "document", of',
        "only a record belongs to a step",
    ),
    "a record of nothing": (
        changed(
            '{ kind = "record", of = "request", label = "Formulir perubahan" }', '{ kind = "record", label = "F" }'
        ),
        '{ kind = "record", label = "F" }',
        "of is missing",
    ),
    "an item of no kind": (
        changed('{ kind = "document", label = "Surat permohonan" }', '{ kind = "surat", label = "Surat permohonan" }'),
        'kind = "surat"',
        "kind must be one of document, record, equipment, not surat",
    ),
    "an item that is none": (
        changed('    { kind = "document", label = "Surat permohonan" },', "    5,"),
        "    5,",
        'requires must be a list of tables, each written { kind = "…", label = "…" }',
    ),
    "an item without a key": (
        changed('label = "Surat permohonan" }', 'label = "±" }'),
        'label = "±"',
        "no key can be made from this label: set one with key =",
    ),
    "an item that is there twice": (
        changed('label = "Surat permohonan" }', 'label = "Surat kuasa" }'),
        'label = "Surat Kuasa"',
        "the same thing is required twice",
    ),
    "a column of nobody": (
        changed('flow = { pemohon = "Tidak" }', 'flow = { camat = "Tidak" }'),
        "camat",
        "unknown actor camat",
    ),
    "a step without an outcome": (changed('outcomes = { updated = "closed" }\n', ""), None, "the step has no outcome"),
    "a second start": (
        LUMAJANG + '[[rows]]\ntext = "Mulai"\nkind = "start"\n[[rows]]\ntext = "Mulai lagi"\nkind = "start"\n',
        None,
        "there is already a row of kind start",
    ),
    "a switch without its step": (
        changed(
            "head_approves_every_change = false",
            "head_approves_every_change = true",
            aims(URGENCY, 'normal = "implementation"', without("approval")),
        ),
        "head_approves_every_change",
        "this switch needs the step approval, which this SOP leaves out",
    ),
}


@pytest.mark.parametrize("name", ONE_FAULT)
def test_a_file_with_one_error_has_that_error_reported_with_its_line(name: str) -> None:
    text, part, sentence = ONE_FAULT[name]
    faults = faults_of(text)
    assert [said for _line, said in faults] == [sentence]
    if part is not None:
        assert faults[0][0] == line(part, text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a step that is there twice", LUMAJANG.count("\n") + 2),
        ("a number that is there twice", line("no = 12")),
        ("a title that is missing", 1),
        ("a request that is not the requester's", line('actor = "pemohon"')),
        ("an approval that is not the head's", line('actor = "kepala"')),
        ("a step without an outcome", line(step("asset-update"))),
        ("an actor that is there twice", line('key = "kepala"') + 5),
        ("a second start", LUMAJANG.count("\n") + 6),
    ],
)
def test_the_line_is_right_where_a_phrase_cannot_find_it(name: str, expected: int) -> None:
    assert [result for result, _said in faults_of(ONE_FAULT[name][0])] == [expected]


def sentences(text: str) -> list[str]:
    return [said for _line, said in faults_of(text)]


def test_a_step_from_which_the_end_cannot_be_reached_is_reported() -> None:
    text = aims('updated = "closed"', 'updated = "asset-update"')
    text = changed("outcomes = { updated", "outcomes = { updated", text).replace('"updated"', "")
    assert faults_of(text) == [
        (line('key = "asset-update"', text), "the end cannot be reached from the step asset-update")
    ]


def test_an_evaluator_may_not_be_the_requester() -> None:
    text = LUMAJANG.replace('actor = "pengelola"\ntime = "2 jam"', 'actor = "pemohon"\ntime = "2 jam"', 1)
    assert faults_of(text) == [
        (
            line('actor = "pemohon"', text, after=step("evaluation")),
            "evaluation and request check each other, so their actors must not both have the role requester",
        ),
        (line("resubmitted", text), "resubmitted must lead to a step of an actor other than the requester"),
    ]


def test_an_emergency_needs_an_approval_in_the_sop() -> None:
    text = without("approval")
    assert faults_of(text) == [
        (
            line("emergency =", text, after=step("urgency")),
            "emergency leads to approval, a step that this SOP leaves out",
        ),
        (
            line("emergency =", text, after=step("urgency")),
            "an emergency needs the step approval, which this SOP leaves out",
        ),
    ]


def test_a_refusal_must_leave_the_way_through_the_head_open() -> None:
    text = aims(URGENCY, 'emergency = "implementation", normal = "implementation"')
    text = aims('submitted = "evaluation"', 'submitted = "approval"', text)
    assert "after a refusal there would be no way back to approval" in sentences(text)


def test_the_head_approving_every_change_must_hold_on_every_way() -> None:
    text = changed("head_approves_every_change = false", "head_approves_every_change = true")
    assert sentences(text) == []
    text = aims(ACCEPTED, ACCEPTED.replace('"urgency"', '"implementation"'), text)
    assert "a change could reach implementation without the approval of the head" in sentences(text)


def test_a_change_that_was_carried_out_must_be_verified_before_it_is_closed() -> None:
    text = aims('reported = "verification"', 'reported = "release"')
    assert sentences(text) == [
        "the step verification cannot be reached",
        "unchanged could close a change that was implemented and never verified",
        "updated could close a change that was implemented and never verified",
    ]


def test_a_change_that_was_never_carried_out_cannot_be_closed_as_completed() -> None:
    text = aims(URGENCY, 'emergency = "approval", normal = "asset-review"')
    assert sentences(text) == [
        "unchanged could close a change as completed that was never implemented",
        "updated could close a change as completed that was never implemented",
    ]


def test_nothing_is_carried_out_that_nobody_accepted_or_approved() -> None:
    said = "could reach implementation without having been accepted or approved"
    text = aims(RESUBMITTED, 'resubmitted = "implementation", withdrawn = "closed"')
    assert faults_of(text) == [(line("resubmitted =", text), f"after resubmitted a change {said}")]
    text = aims('submitted = "evaluation"', 'submitted = "urgency"')
    assert faults_of(text) == [(line("submitted =", text), f"after submitted a change {said}")]


def test_an_office_may_ask_for_the_urgency_before_it_evaluates() -> None:
    text = aims('submitted = "evaluation"', 'submitted = "urgency"', PAPERS["tana-tidung-2017"])
    text = aims(URGENCY, 'emergency = "approval", normal = "evaluation"', text)
    text = aims(APPROVED, 'approved = "implementation", refused = "urgency"', text)
    text = aims(ACCEPTED, ACCEPTED.replace('"urgency"', '"implementation"'), text)
    assert sentences(text) == []


def test_a_verified_change_is_not_carried_out_again() -> None:
    text = aims(RELEASED, 'scheduled = "evaluation", no-release = "asset-review"')
    assert faults_of(text) == [(line("verified =", text), "a verified change could come to implementation again")]


def test_an_sop_must_start_with_a_request() -> None:
    assert "there is no step request, where every request starts" in sentences(without("request"))


def test_a_switch_on_the_report_needs_both_its_steps() -> None:
    text = changed("return_report = false", "return_report = true")
    assert sentences(text) == []
    assert "this switch needs the step report, which this SOP leaves out" in sentences(without("report", text))
    assert "this switch needs the step verification, which this SOP leaves out" in sentences(
        without("verification", text)
    )


def test_a_record_of_a_step_that_is_left_out_is_reported() -> None:
    text = changed(
        '{ kind = "equipment", label = "PC" },\n]\noutput = ["Laporan',
        '{ kind = "record", of = "returned", label = "PC" },\n]\noutput = ["Laporan',
    )
    assert sentences(text) == []
    text = aims(ACCEPTED, 'accepted = "urgency", rejected = "closed"', without("returned", text))
    assert sentences(text) == ["the record of returned cannot be available: this SOP leaves that step out"]


def test_several_errors_are_all_reported_in_the_order_of_their_lines() -> None:
    text = LUMAJANG.replace('"1 hari"', '"lama"').replace("2018-03-31", "31").replace('"rollback" }', '"robak" }')
    assert [result for result, _said in faults_of(text)] == [
        line("approved = 31", text),
        line('time = "lama"', text),
        line("robak", text),
    ]


def test_an_error_in_one_step_is_not_reported_for_the_steps_behind_it() -> None:
    text = changed(step("evaluation"), step("telaah"))
    assert sentences(text) == [f"unknown step telaah; known steps are {STEPS}"]
    assert sentences(changed(step("urgency"), step("urgensi"))) == ["unknown step urgensi; did you mean urgency?"]


def test_an_own_column_for_each_clerk_is_fine_and_so_is_a_shorter_sop() -> None:
    text = changed(
        'key = "kepala"', 'key = "helpdesk"\ntitle = "Helpdesk"\nrole = "change_manager"\n\n[[actors]]\nkey = "kepala"'
    )
    text = text.replace('actor = "pengelola"\ntime = "15 menit"', 'actor = "helpdesk"\ntime = "15 menit"')
    for key in ("urgency", "approval", "release", "rollback", "asset-update", "returned"):
        text = without(key, text)
    text = aims(ACCEPTED, 'accepted = "implementation", rejected = "closed"', text)
    text = aims(TESTED, 'passed = "report", failed = "implementation"', text)
    text = aims('verified = "release"', 'verified = "asset-review"', text)
    text = aims(REVIEWED, 'changed = "closed", unchanged = "closed"', text)
    assert sentences(text) == []


def test_an_sop_without_an_implementation_needs_no_verification() -> None:
    text = """
title = "X"
time_zone = "Asia/Jayapura"
agency = { key = "x", name = "X", region = "X" }
signatory = { name = "X", nip = "197101131991011001" }
actors = [{ key = "a", title = "A", role = "requester" }, { key = "b", title = "B", role = "change_manager" }]
[[steps]]
key = "request"
actor = "a"
outcomes.submitted = "evaluation"
[[steps]]
key = "evaluation"
actor = "b"
[steps.outcomes]
accepted = "closed"
rejected = "closed"
"""
    assert sentences(text) == []


def test_notes_between_the_steps_are_kept_in_their_place() -> None:
    text = (
        LUMAJANG
        + "".join(
            f'[[rows]]\n{no}text = "{name}"\nkind = "{kind}"\n'
            for no, name, kind in (
                ("", "Mulai", "start"),
                ("", "Selesai", "end"),
                ("no = 15\n", "Arsip", "note"),
                ("no = 13\n", "Catatan", "note"),
                ("", "Lain", "note"),
            )
        ).replace("no = 13", "no = 13")
        + ""
    )
    text = text.replace("no = 12\n", "no = 14\n")
    sop = parse(text, "lumajang-2018")
    assert parse(to_toml(sop), sop.key) == sop
    assert [row.no for row in sop.table_rows] == [None, 1, 2, None, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, None, None]


def test_an_sop_may_give_no_nip_and_have_none_printed_but_no_text_longer_than_its_column() -> None:
    assert "NIP" not in to_text(parse(changed('nip = "19710113 199101 1 001"\n', ""), "x")).split("DASAR HUKUM")[0]
    assert sentences(changed('title = "Kepala LPSE"', f'title = "{"K" * 251}"')) == [
        "title is longer than 250 characters"
    ]


def test_a_key_in_the_wrong_place_is_reported_with_the_right_one() -> None:
    assert sentences(changed('province = "Jawa Timur"', 'warnings = ["Awas"]')) == [
        "warnings must be above the first table, above [agency]"
    ]
    assert "steps must be tables, each under a line [[steps]]" in sentences("steps = 5")
    assert sentences(aims('updated = "closed"', "").replace("outcomes = {  }", "outcomes = 5")) == [
        'outcomes must be a table, written { key = "…" }'
    ]


def test_what_is_done_outside_of_the_program_is_kept_with_all_that_the_sop_says_of_it() -> None:
    row = '[[rows]]\nno = 13\ntext = "Mencadangkan data"\nkind = "note"\nactor = "pengelola"\n'
    text = 'time = "bila perlu"\nrequires = ["Media", "Ruang server"]\noutput = ["Salinan"]\nremarks = "Harian"\n'
    sop = parse(LUMAJANG + row + text, "x")
    assert parse(to_toml(sop), "x") == sop
    assert (
        "13. Mencadangkan data\n    Pelaksana: Pengelola Perubahan\n    Persyaratan / Perlengkapan: Media; "
        in to_text(sop)
    )
    assert digest(sop) != digest(parse(LUMAJANG + row, "x"))
    assert to_json(PAPER_WITH_ROWS)["rows"] == [
        {"no": 1, "text": "Mulai", "kind": "start"}, {"no": 14, "text": "Selesai", "kind": "end"},
    ]  # fmt: skip
    assert sentences(LUMAJANG + row.replace('"pengelola"', '"camat"')) == ["unknown actor camat"]


def test_a_number_belongs_to_one_content_only() -> None:
    sop = parse(LUMAJANG, "lumajang-2018")
    assert sop.number is not None
    assert check(LUMAJANG, "lumajang-2018", numbers_in_use={sop.number: digest(sop)}) == []
    assert check(LUMAJANG, "lumajang-2018", numbers_in_use={"another": "content"}) == []
    (fault,) = check(LUMAJANG, "lumajang-2018", numbers_in_use={sop.number: "another content"})
    assert (fault.line, str(fault.message)) == (
        line("number ="),
        "the number 427.53/7.01/2018 already belongs to an SOP with other content",
    )
    assert str(fault) == f"line {fault.line}: {fault.message}"
    assert check(PAPERS["tana-tidung-2017"], "tana-tidung-2017", numbers_in_use={"": "x"}) == []


def test_parse_refuses_with_every_error() -> None:
    with pytest.raises(InvalidSopError) as refusal:
        parse("", "kosong")
    assert len(refusal.value.errors) > 1
    assert "time_zone is missing" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "expected", "sentence"),
    [
        (b"a = 1\nb = '\xff'\n", 2, "the file is not in UTF-8; save it as UTF-8 and try again"),
        (b"PK\x03\x04\x14", 1, "this is a Word, Excel or PDF file"),
        ("title = \n", 1, f"{UNREAD}: there is no value after ="),
        ("\n\ntitle = [", 3, f"{UNREAD}: there is no value after ="),
        ("# 1\nno = " + "9" * 5000, 2, f"{UNREAD}: this cannot be parsed"),
        ("b = [1\nc = 2", 2, f"{UNREAD}: the list started above is not closed with ]"),
        ("a = 1\ntitle = “SOP”", 2, f"{UNREAD}: quotation marks must be straight"),
        ('a = "SOP', 1, f"{UNREAD}: the closing quotation mark of the string is missing"),
        ("made = 01-03-2018", 1, f"{UNREAD}: there is extra text after the value; a date is written 2018-03-31"),
        ('number: "1"', 1, f"{UNREAD}: = after the key is missing"),
        ("// SOP", 1, f"{UNREAD}: this is not a line of the form"),
        ("[agency]\n[agency]", 2, f"{UNREAD}: this table is defined twice"),
        ("[agency", 1, f"{UNREAD}: a bracket of the table name is missing"),
        ("a = { b = 1 c = 2 }", 1, f"{UNREAD}: a comma between two values is missing, or the closing }}"),
        ("a = { b = 1, }", 1, f"{UNREAD}: a key is expected here"),
        ("x = " + "[" * 5000 + "]" * 5000, 1, "lists or tables are nested too deeply"),
        ("x = 1\n" + "a." * 400 + "a = 1", 2, "lists or tables are nested too deeply"),
        ("[" + " 'a' ." * 17 + "a]", 1, "lists or tables are nested too deeply"),
        ('x = [1, {"a b"' + ".b" * 400 + " = 1}]", 1, "lists or tables are nested too deeply"),
        ("x = " + "{a = " * 40 + "1" + "}" * 40, 1, "lists or tables are nested too deeply"),
        ("#" * (MAX_FILE_CHARACTERS + 1), 1, f"the file has more than {MAX_FILE_CHARACTERS} characters"),
        ('a = "x\x01"', 1, f"{UNREAD}: the string contains a character that cannot be printed"),
        (r'a = "C:\SOP"', 1, f"{UNREAD}: a backslash in a string is written twice"),
        ("a = 1 2", 1, f"{UNREAD}: there is extra text after the value"),
        ("[a] b", 1, f"{UNREAD}: there is extra text after the value"),
        ("[[a]\n", 1, f"{UNREAD}: a bracket of the table name is missing"),
        ("[a.]\n", 1, f"{UNREAD}: a key is expected here"),
        ('b = 1\na = """x\ny = 1', 2, f"{UNREAD}: the closing quotation mark of the string is missing"),
        ("a = 1\nb = 2\na = 3", 3, f"{UNREAD}: this key is defined twice"),
        ("a = [\n1,\n]\nb = 2\na = [\n3,\n]", 5, f"{UNREAD}: this key is defined twice"),
        ("a.b = 1\na = 2", 2, f"{UNREAD}: this key is defined twice"),
        ("a = 1\na.b = 2", 2, f"{UNREAD}: this key is defined twice"),
        ("a = 1\n[a]", 2, f"{UNREAD}: this table is defined twice"),
        ("a.b = 1\n[a]", 2, f"{UNREAD}: this table is defined twice"),
        ("[[a]]\n[a]", 2, f"{UNREAD}: this table is defined twice"),
        ("[a]\n[[a]]", 2, f"{UNREAD}: this table is defined twice"),
        ("a.b.c = 1\n[a.b]", 2, f"{UNREAD}: this"),
        ("“a” = 1", 1, f"{UNREAD}: quotation marks must be straight"),
        ("# \x01\na = 1", 1, f"{UNREAD}: this cannot be parsed"),
        ("# \x01\na = " + "[" * 5000, 1, f"{UNREAD}: this cannot be parsed"),
        ("x = 2018-02-30", 1, f"{UNREAD}: there is no such date; write it like 2018-03-31"),
    ],
)
def test_a_file_that_cannot_be_read_has_one_error(text: bytes | str, expected: int, sentence: str) -> None:
    ((result, said),) = faults_of(text)
    assert (result, said[: len(sentence)]) == (expected, sentence)


def test_every_line_that_cannot_be_read_is_reported_but_not_those_behind_a_list_left_open() -> None:
    text = changed("made = 2018-03-01", "made = 1 Maret 2018").replace('"15 menit"', "“15 menit”", 1)
    text = text.replace("no = 12", "no: 12")
    assert [result for result, _said in faults_of(text)] == [line("made ="), line('"15 menit"'), line("no = 12")]
    assert len(faults_of("".join(f"key{number} = ?\n" for number in range(50)))) < 50
    assert len(faults_of(changed('"Berkas dokumen hasil perubahan", "PC"]', '"PC"'))) == 1


def test_a_file_saved_by_a_windows_editor_is_read_all_the_same() -> None:
    windows = b"\xef\xbb\xbf" + LUMAJANG.replace("\n", "\r\n").encode()
    assert check(windows, "lumajang-2018") == []
    broken = windows.replace(b'"2 jam"', b'"2 jm"', 1)
    assert [result for result, _said in faults_of(broken)] == [line('"2 jam"')]


@pytest.mark.parametrize("key", ["", "a/b", " a", "a\n", "x" * 101])
def test_a_file_name_must_be_one_that_can_be_typed(key: str) -> None:
    ((_line, text),) = [(fault.line, str(fault.message)) for fault in check(LUMAJANG, key)]
    assert text.startswith("the file's name must have 1 to 100 ASCII letters, not ")
    assert check(LUMAJANG, "SOP_Lumajang (2)") == []


@pytest.mark.parametrize(
    "text",
    [
        "a." * 49_000 + "a = 1",
        "[" + "a." * 49_000 + "a]",
        "[[" + "a." * 49_000 + "a]]",
        "".join(f"a{number} = 1\n" for number in range(9_000)),
        "steps = [" + "{}," * 30_000 + "]",
        "x = {" + ",".join(f"a{number}=1" for number in range(9_000)) + "}",
        "flow = 1\nswitches = {" + ",".join(f"a{number}=1" for number in range(9_000)) + "}",
        '[[steps]]\nkey = "request"\nrequires = [' + "{}," * 30_000 + "]",
        '[[steps]]\nkey = "request"\noutcomes = {' + ",".join(f"a{number}=1" for number in range(9_000)) + "}",
        "a = " + "[" * 150 + "]" * 150,
        "a = " + "{a = " * 90 + "1" + "}" * 90,
        "a = '" + "x" * 99_000 + "'",
        'a = """' + "\\\\" * 49_000 + '"""',
    ],
    ids=range(13),
)
def test_a_file_made_to_be_slow_is_refused_in_time(text: str) -> None:
    started = time.monotonic()
    assert faults_of(text)
    assert time.monotonic() - started < 20


def test_what_is_shown_of_a_file_is_short_and_printable() -> None:
    text = LUMAJANG + '"\\u001b' + "x" * 200 + '" = 1\n'
    ((_line, said),) = [fault for fault in faults_of(text) if "unknown" in fault[1]]
    assert said == f"unknown key ?{'x' * 59}…; known keys are {STEP_KEYS}"


KEYS = [
    "number",
    "title",
    "time_zone",
    "made",
    "header",
    "agency",
    "signatory",
    "switches",
    "glossary",
    "actors",
    "rows",
    "steps",
]
VALUES = [
    "1",
    "-1.5",
    "inf",
    "true",
    '"x"',
    "[]",
    "[1, [2]]",
    "{}",
    "{ a = 1 }",
    "[{}]",
    "2018-01-01",
    "07:30:00",
    "[[]]",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", VALUES)
def test_any_value_in_any_place_is_an_error_and_no_failure(key: str, value: str) -> None:
    assert faults_of(f"{key} = {value}\n")
    for part in ("agency", "signatory", "switches"):
        assert faults_of(
            f"[{part}]\n"
            + "".join(
                f"{name} = {value}\n"
                for name in ("key", "name", "nip", "region", "hierarchy", "account_suffix", "clock", "deviations")
            )
        )
    assert faults_of(
        "[[steps]]\n"
        + "".join(
            f"{name} = {value}\n"
            for name in ("key", "no", "activity", "actor", "time", "requires", "output", "outcomes", "flow")
        )
    )
    assert faults_of(
        f'[[steps]]\nkey = "request"\nactor = "a"\nrequires = [{{ kind = {value}, key = {value}, label = {value},'
        f" of = {value}, when = {value} }}]\noutcomes = {{ submitted = {value} }}\nflow = {{ a = {value} }}"
    )


LINES = LUMAJANG.splitlines()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, len(LINES) - 1), max_size=6), st.lists(st.integers(0, len(LINES) - 1), max_size=4))
def test_lines_left_out_or_moved_never_make_the_checker_fail(dropped: set[int], moved: list[int]) -> None:
    lines = [text for number, text in enumerate(LINES) if number not in dropped]
    for number in moved:
        lines.insert(number % len(lines), LINES[number])
    text = "\n".join(lines)
    faults_of(text)
    if not check(text, "x"):
        sop = parse(text, "x")
        assert isinstance(sop, Sop)
        assert parse(to_toml(sop), "x") == sop


WORDS = [*sorted(set(re.findall(r'"[a-z-]+"', LUMAJANG))), '""', "1", "[]", "{}", "true"]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(WORDS)), min_size=1, max_size=4))
def test_values_put_in_each_others_places_never_make_the_checker_fail(changes: list[tuple[int, str]]) -> None:
    text = LUMAJANG
    for location, word in changes:
        places = [result.span() for result in re.finditer(r'"[a-z-]+"', text)]
        start, end = places[location % len(places)]
        text = text[:start] + word + text[end:]
    faults_of(text)


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.text(), st.binary()))
def test_a_file_of_anything_never_makes_the_checker_fail(text: str) -> None:
    assert faults_of(text)


def test_the_locator_finds_every_line() -> None:
    text = '''# [[no]]
a = """
[x]
b = "1" """
"c d".e = 1 # f = 2
'f' = [ # g
  "]", 'x', [1,
  2], { h = 1, i.j = "}" },
]
k = 2018-01-01 10:00:00
l = """ends in quotes"""""
m = "a \\" b"
[t]
n = 1
[[s]]
o = 1
[s.p]
q = 1
[[s]]
o = 2
[[s.u]]
v = 1
[[s.u]]
v = 2
["w"."x"]
y = \'\'\'
z = 1\'\'\'
z = 3
'''
    lines = find_line_numbers(text)
    expected = {
        ("a",): 2,
        ("c d", "e"): 5,
        ("f",): 6,
        ("f", 0): 7,
        ("f", 1): 7,
        ("f", 2): 7,
        ("f", 2, 0): 7,
        ("f", 2, 1): 8,
        ("f", 3): 8,
        ("f", 3, "h"): 8,
        ("f", 3, "i", "j"): 8,
        ("k",): 10,
        ("l",): 11,
        ("m",): 12,
        ("t",): 13,
        ("t", "n"): 14,
        ("s",): 15,
        ("s", 0): 15,
        ("s", 0, "o"): 16,
        ("s", 0, "p"): 17,
        ("s", 0, "p", "q"): 18,
        ("s", 1): 19,
        ("s", 1, "o"): 20,
        ("s", 1, "u"): 21,
        ("s", 1, "u", 0, "v"): 22,
        ("s", 1, "u", 1, "v"): 24,
        ("w", "x", "y"): 26,
        ("w", "x", "z"): 28,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert line_of(lines, ("s", 1, "nothing", "here")) == 19
    assert line_of(lines, ("nothing",)) == 1


def test_a_key_made_from_a_label_is_plain() -> None:
    assert slug("Surat permohonan perubahan email dan/atau password akun").startswith("surat-permohonan-perubahan")
    assert slug("Café № 1") == "cafe-no-1"
    assert slug("±") == ""
