"""Steps that an SOP has more than once, and steps of its own: how they are called, read, proved and written."""

from __future__ import annotations

import re
from threading import Barrier, Thread
from typing import cast

import pytest

from lpse_admin.sop import bundled_sops, check, digest, parse, to_json, to_text, to_toml
from lpse_admin.sop.remarks import dead_ends
from lpse_admin.sop.steps import OWN_KINDS, Outcome, Step, duty_of
from tests.changes.own_steps.office import KEY, TEXT

SOP = parse(TEXT, KEY)


def errors(text: str) -> list[str]:
    """Return the English messages of the errors of a file."""
    return [str(error.message) for error in check(text, KEY)]


def changed(old: str, new: str) -> str:
    """Return the file with its only ``old`` replaced by ``new``."""
    assert TEXT.count(old) == 1, (old, TEXT.count(old))
    return TEXT.replace(old, new)


def test_a_named_step_is_one_object_and_has_kind_and_words() -> None:
    step = Step("approval.kepala-bidang")
    assert step is Step("approval.kepala-bidang")
    assert (step.kind, step.record, step.own_name, step.is_own) == (
        Step.APPROVAL,
        Step.APPROVAL,
        "kepala-bidang",
        False,
    )
    assert str(step.title) == "Approval: Kepala bidang"
    task = Step("task.uji-SPBE")
    assert (task.kind, task.record, task.is_own, str(task.title)) == (Step.TASK, Step.TASK, True, "Uji SPBE")
    assert [one.record for one in OWN_KINDS] == [Step.TASK] * len(OWN_KINDS)
    assert (Step.TEST.kind, Step.TEST.own_name) == (Step.TEST, "")
    assert duty_of(step) is duty_of(Step.APPROVAL)
    assert duty_of(task) is None


def test_threads_that_ask_for_a_name_at_once_get_the_same_step() -> None:
    barrier, found = Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(Step("task.serentak"))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1


@pytest.mark.parametrize(
    "name",
    [
        "task.",
        "task.a.b",
        "task.-a",
        "task.a b",
        "request.lagi",
        "returned.lagi",
        "closed.lagi",
        "x.y",
        "",
        "task." + "a" * 80,
    ],
)
def test_what_is_no_name_of_a_step_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Step"):
        Step(name)
    with pytest.raises(ValueError, match="is not a valid Step"):
        Step(cast("str", len(name)))


def test_an_outcome_that_an_sop_names_has_its_words_on_its_button() -> None:
    outcome = Outcome("disetujui-dengan-syarat")
    assert (str(outcome.title), str(outcome.action_label), outcome.is_own) == (*["Disetujui dengan syarat"] * 2, True)
    assert not Outcome.DONE.is_own
    for name in ("", "a" * 61, "dua kata", "<b>"):
        with pytest.raises(ValueError, match="is not a valid Outcome"):
            Outcome(name)


def test_the_file_is_sound_and_comes_back_as_itself() -> None:
    assert errors(TEXT) == []
    again = parse(to_toml(SOP), KEY)
    assert (again, digest(again), to_json(again)) == (SOP, digest(SOP), to_json(SOP))
    assert dead_ends(SOP, TEXT) == []
    text = to_text(SOP)
    assert "Langkah: approval.kepala-bidang" in text
    assert "Langkah: evaluation (Analisis teknis)" in text
    assert "Dengan alasan: keberatan" in text
    assert "Menunggu: 30 hari kalender" in text
    assert "Menunggu: sampai tanggal pada isian tinjau-pada" in text
    assert SOP.steps_of(Step.APPROVAL) == (Step("approval.kepala-bidang"), Step.APPROVAL)
    assert str(SOP.step_title(Step.EVALUATION)) == "Analisis teknis"
    assert SOP.step_title(Step.CLOSED) is Step.CLOSED.title
    assert SOP.rules[Step("acceptance.serah-terima")].needs_reason(Outcome("keberatan"))
    assert not SOP.rules[Step("acceptance.serah-terima")].needs_reason(Outcome("diterima"))
    assert SOP.rules[Step.APPROVAL].needs_reason(Outcome.REFUSED)


def test_the_papers_that_come_with_the_program_say_nothing_of_it() -> None:
    for key, text in bundled_sops():
        steps = to_json(parse(text, key))["steps"]
        assert isinstance(steps, list)
        assert not any({"title", "reason_for", "lasts", "lasts_until"} & set(step) for step in steps)


WITHOUT_VERIFICATION = re.sub(
    r'\n\[\[steps\]\]\nkey = "verification"\n(?:.+\n)*',
    "",
    changed('outcomes = { reported = "verification" }', 'outcomes = { reported = "acceptance.serah-terima" }'),
)

FAULTS = {
    "a step of a kind without a name": (
        changed('key = "task.perbaikan"', 'key = "task"').replace('"task.perbaikan"', '"task"'),
        "a step of this name is written task.name: letters, digits and hyphens, at most 80 characters in all",
    ),
    "a step whose name has a blank": (
        changed('key = "waiting.masa-pantau"', 'key = "waiting.masa pantau"'),
        "a step of this name is written waiting.name: letters, digits and hyphens, at most 80 characters in all",
    ),
    "a step that stands twice with another case": (
        changed('key = "implementation.latihan"', 'key = "approval.Kepala-Bidang"'),
        "the step approval.Kepala-Bidang is defined twice",
    ),
    "a decision that cannot say no": (
        changed(', belum-memadai = "task.perbaikan" }\nreason_for = ["belum-memadai"]', " }"),
        "decision.peninjauan has one outcome: name the way to say no as well",
    ),
    "an acknowledgement that decides": (
        changed('outcomes = { dicatat = "closed" }', 'outcomes = { dicatat = "closed", ulang = "task.perbaikan" }'),
        "acknowledgement.tanda-terima-SPBE is no decision, so it has one outcome; a decision is called"
        " decision.tanda-terima-SPBE",
    ),
    "an outcome of the procedure in a step of its own": (
        changed('{ diperbaiki = "acceptance', '{ done = "acceptance').replace('for = ["diperbaiki"]', "for = []"),
        "done belongs to the steps of the procedure; name it in the SOP's own words",
    ),
    "an outcome of the procedure in a decision": (
        changed('memadai = "acknowledgement', 'approved = "acknowledgement'),
        "approved belongs to the steps of the procedure; name it in the SOP's own words (returned, rejected)",
    ),
    "an outcome that is no name": (
        changed('{ dicatat = "closed" }', '{ "sudah dicatat" = "closed" }'),
        "an outcome is called by letters, digits and hyphens, at most 60, not sudah dicatat",
    ),
    "a reason for an outcome that is not there": (
        changed('reason_for = ["keberatan"]', 'reason_for = ["kebratan"]'),
        "kebratan is not among the outcomes of this step: diterima, keberatan",
    ),
    "a waiting step without an end": (
        changed('lasts = "30 hari kalender"\n', ""),
        "a waiting step has either lasts or lasts_until",
    ),
    "a waiting step with two ends": (
        changed('lasts = "30 hari kalender"', 'lasts = "30 hari kalender"\nlasts_until = "tinjau-pada"'),
        "a waiting step has either lasts or lasts_until",
    ),
    "a waiting step with a standard time": (
        changed('lasts = "30 hari kalender"', 'lasts = "30 hari kalender"\ntime = "1 jam"'),
        "a waiting step has no standard time; what is done after it is a step of its own",
    ),
    "a time that does not parse": (
        changed('lasts = "30 hari kalender"', 'lasts = "sebulan lebih"'),
        "sebulan lebih is not a standard time; write it like 2 jam, 15 menit or 1 hari, up to a year",
    ),
    "a task that lasts": (
        changed('time = "2 hari"', 'lasts = "2 hari"'),
        "lasts belongs to steps called waiting.name",
    ),
    "a day that no field says": (
        changed('lasts_until = "tinjau-pada"', 'lasts_until = "tindakan"'),
        "tindakan is not the key of a field of the kind date or moment",
    ),
    "an acceptance by somebody else": (
        changed('activity = "Pemohon menerima hasil perubahan"\nactor = "pemohon"', 'activity = "x"\nactor = "kepala"'),
        "the actor of acceptance.serah-terima must have the role requester, not head",
    ),
    "a decision by whoever evaluates": (
        changed('activity = "Kepala LPSE meninjau perubahan"\nactor = "kepala"', 'activity = "x"\nactor = "pengelola"'),
        "evaluation and decision.peninjauan check each other, so their actors must not both have the role"
        " change_manager",
    ),
    "an end without a verification": (
        WITHOUT_VERIFICATION,
        "dicatat could close a change that was implemented and never verified",
    ),
    "a second implementation of what was verified": (
        changed('verified = "acceptance.serah-terima"', 'verified = "implementation"'),
        "a verified change could come to implementation again",
    ),
    "a refusal after which the first approval is not asked again": (
        changed('approved = "approval", refused = "evaluation"', 'approved = "approval", refused = "closed"').replace(
            'accepted = "approval.kepala-bidang"', 'accepted = "approval"'),
        "the step approval.kepala-bidang cannot be reached",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_step_of_its_own_is_said(name: str) -> None:
    text, sentence = FAULTS[name]
    assert sentence in errors(text)


def test_an_end_without_a_verification_is_possible_where_the_sop_says_why() -> None:
    text = WITHOUT_VERIFICATION.replace(
        "approved = 2025-02-03", 'approved = 2025-02-03\nwithout_verification = "Dikerjakan pusat."'
    )
    assert errors(text) == []
    sop = parse(text, KEY)
    assert sop.without_verification == "Dikerjakan pusat."
    assert parse(to_toml(sop), KEY) == sop
    assert "Tanpa verifikasi laporan, karena: Dikerjakan pusat." in to_text(sop)
    assert digest(sop) != digest(parse(text.replace("pusat", "daerah"), KEY))


def test_a_switch_leads_to_the_first_approval_and_back_to_the_last_report() -> None:
    text = changed('accepted = "approval.kepala-bidang"', 'accepted = "urgency"').replace(
        "deviations = true",
        "deviations = true\nhead_approves_every_change = true\nverification_may_return_report = true",
    )
    text += (
        '[[steps]]\nkey = "urgency"\nactor = "pengelola"\n'
        'outcomes = { emergency = "approval.kepala-bidang", normal = "implementation.latihan" }\n'
    )
    sop = parse(text, KEY)
    assert sop.rules[Step.URGENCY].leads_to[Outcome.NORMAL] is Step("approval.kepala-bidang")
    assert sop.rules[Step.VERIFICATION].leads_to[Outcome.REVISE] is Step.REPORT
