"""What is wrong with an edited SOP is said at its row, in plain words, with a button where the remedy is clear."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
from typing import Any

import pytest

from lpse_admin.i18n import Message, _
from lpse_admin.sop import LineError, bundled_sops, check, fields, parse, reading, validation
from lpse_admin.sop.editor import faults as faults_module
from lpse_admin.sop.editor.document import SopDocument
from lpse_admin.sop.editor.faults import Fault, Section, find_faults, find_remarks
from lpse_admin.sop.editor.remedies import REMEDIES, remedies_for, remove_at
from lpse_admin.sop.steps import Step
from lpse_admin.sop.toml import values as toml_values

KEY = "lumajang-2018"
TEXT = dict(bundled_sops())[KEY]
TODAY = dt.date(2026, 11, 26)
REVISED = "a revision of this SOP has this number with other content; a new one has a later date in revised"
PLACE = {row.key: place for place, row in enumerate(SopDocument.read(TEXT).rows())}


def paper() -> SopDocument:
    return SopDocument.read(TEXT)


def step(document: SopDocument, key: str) -> dict[str, Any]:
    return next(values for values in document.steps if values["key"] == key)


def faults_of(document: SopDocument) -> list[Fault]:
    return find_faults(document, check(document.toml, KEY), today=TODAY)


def said(document: SopDocument) -> list[tuple[str, str]]:
    return [(str(fault.where), str(fault.message)) for fault in faults_of(document)]


def mended(document: SopDocument, label: str) -> SopDocument:
    """Return the document after the button ``label`` of one of its faults."""
    remedies = [remedy for fault in faults_of(document) for remedy in fault.remedies]
    labels = [str(remedy.label) for remedy in remedies]
    assert label in labels
    copy = document.copy()
    remedies[labels.index(label)].apply(copy)
    return copy


def removed(*keys: str) -> SopDocument:
    document = paper()
    for key in keys:
        document.remove_row(next(at for at, row in enumerate(document.rows()) if row.key == key))
    return document


def test_a_row_that_is_gone_is_a_fault_at_each_row_that_leads_to_it() -> None:
    document = removed("approval")
    assert said(document)[0] == ("3. Urgency assessment", "“Emergency” leads to “Approval”, a row that is not there.")
    fault = faults_of(document)[0]
    assert (fault.place.section, fault.place.index, fault.place.part) == (Section.ROWS, 3, "outcomes-emergency")
    assert [str(remedy.label) for remedy in fault.remedies] == [
        "Add the row “Approval”", "Lead it to “4. Implementation”", "Remove this outcome",
    ]  # fmt: skip
    back = mended(document, "Add the row “Approval”")
    assert (back.rows()[4].key, back.rows()[4].values["actor"]) == ("approval", "kepala")
    assert "emergency" not in step(mended(document, "Remove this outcome"), "urgency")["outcomes"]
    led = mended(document, "Lead it to “4. Implementation”")
    assert step(led, "urgency")["outcomes"]["emergency"] == "implementation"


def test_the_last_row_is_led_to_the_end() -> None:
    document = removed("asset-update")
    assert step(mended(document, "Let it end the request"), "asset-review")["outcomes"]["changed"] == "closed"


@pytest.mark.parametrize(
    ("change", "label", "after"),
    [
        (("evaluation", "rejected", "urgency"), "Let it end the request", "closed"),
        (("evaluation", "returned", "urgency"), "Lead it to “Returned to the requester”", "returned"),
        (("asset-update", "updated", "request"), "Let it end the request", "closed"),
    ],
)
def test_an_outcome_with_a_fixed_way_is_led_there(change: tuple[str, str, str], label: str, after: str) -> None:
    key, outcome, target = change
    document = paper()
    step(document, key)["outcomes"][outcome] = target
    assert step(mended(document, label), key)["outcomes"][outcome] == after


def test_an_answer_that_is_missing_is_added_with_its_row() -> None:
    document = removed("returned")
    step(document, "evaluation")["outcomes"]["returned"] = "urgency"
    added = mended(document, "Lead it to “Returned to the requester”")
    assert faults_of(added) == []


def test_switches_are_switched_where_they_do_not_fit() -> None:
    document = removed("approval")
    document.values["switches"]["head_approves_every_change"] = True
    off = mended(document, "Switch the setting off")
    assert off.values["switches"]["head_approves_every_change"] is False
    document = paper()
    step(document, "verification")["outcomes"]["mend"] = "report"
    where, what = said(document)[0]
    assert (where, "needs the setting" in what) == ("9. Verification of the report", True)
    on = mended(document, "Switch the setting on")
    assert faults_of(on) == []
    document = removed("report")
    document.values["switches"]["verification_may_return_report"] = True
    assert Section.SETTINGS in {fault.place.section for fault in faults_of(document)}


def test_an_actor_is_chosen_again_where_it_is_not_there() -> None:
    document = paper()
    del document.actors[1]
    assert ("2. Evaluation", "The executor of this row was removed: choose another.") in said(document)
    document.add_actor("Pengelola Perubahan", "change_manager")
    chosen = mended(document, "Choose “Pengelola Perubahan”")
    assert step(chosen, "evaluation")["actor"] == "pengelola-perubahan"
    document = paper()
    step(document, "approval").pop("actor")
    assert ("4. Approval", "“Executor” is not filled in.") in said(document)
    assert step(mended(document, "Choose “Kepala LPSE”"), "approval")["actor"] == "kepala"
    step(document, "approval")["actor"] = "pengelola"
    assert step(mended(document, "Choose “Kepala LPSE”"), "approval")["actor"] == "kepala"


def test_a_word_in_a_column_that_is_not_there_is_removed() -> None:
    document = paper()
    step(document, "test")["flow"] = {"lain": "Ya"}
    assert said(document) == [
        ("6. Documentation and test", "A word stands in the column of an executor that is not there.")
    ]
    assert faults_of(mended(document, "Remove it")) == []


def test_an_actor_of_the_part_is_added_where_there_is_none() -> None:
    document = paper()
    document.actors[2]["role"] = "change_manager"
    added = mended(document, "Add an executor “Head of LPSE”")
    assert added.actors[-1] == {"key": "kepala-lpse", "title": "Kepala LPSE", "role": "head"}


def test_steps_that_the_flow_needs_are_added() -> None:
    document = SopDocument.read("")
    assert [row.key for row in mended(document, "Add the row “Change request”").rows()] == ["request"]
    document = removed("evaluation", "approval", "returned")
    step(document, "request")["outcomes"]["submitted"] = "urgency"
    step(document, "urgency")["outcomes"] = {"normal": "implementation"}
    assert any("Evaluation" in message or "accepted" in message for _where, message in said(removed("evaluation")))
    document = removed("verification")
    step(document, "report")["outcomes"]["reported"] = "closed"
    assert "verification" in [row.key for row in mended(document, "Add the row “Verification of the report”").rows()]
    document = removed("rollback")
    step(document, "test")["outcomes"]["failed"] = "report"
    assert "rollback" in [row.key for row in mended(document, "Add the row “Roll back”").rows()]


def test_a_change_that_nobody_decided_gets_a_decision() -> None:
    document = paper()
    step(document, "request")["outcomes"]["submitted"] = "implementation"
    document.remove_row(PLACE["approval"])
    labels = [str(one.label) for fault in faults_of(document) for one in fault.remedies]
    assert "Add the row “Approval”" in labels


def test_a_row_to_which_nothing_leads_is_led_to_or_removed() -> None:
    document = paper()
    step(document, "test")["outcomes"]["failed"] = "report"
    labels = [str(one.label) for fault in faults_of(document) for one in fault.remedies]
    assert "Lead “6. Documentation and test” here" in labels
    led = mended(document, "Lead “6. Documentation and test” here")
    assert step(led, "test")["outcomes"]["passed"] == "rollback"
    assert "rollback" not in [row.key for row in mended(document, "Remove this row").rows()]


def test_a_row_without_an_outcome_leads_on() -> None:
    document = paper()
    step(document, "implementation")["outcomes"] = {}
    on = mended(document, "Let it lead to the row that follows")
    assert step(on, "implementation")["outcomes"] == {"done": "test"}
    document.steps[0] |= {"key": "lain", "outcomes": {}}
    assert "“Unknown step”" not in str(said(document))


def test_requirements_and_outcomes_that_do_not_fit_are_removed() -> None:
    document = removed("test")
    without = mended(document, "Remove this requirement")
    assert len(step(without, "rollback")["requires"]) == 1
    document = paper()
    step(document, "implementation")["outcomes"]["passed"] = "test"
    assert step(mended(document, "Remove this outcome"), "implementation")["outcomes"] == {"done": "test"}
    document = paper()
    document.values["lain"] = 1
    assert "lain" not in mended(document, "Remove it").values
    document = paper()
    document.add_field(step(document, "test"), "Alat", "line")
    step(document, "test")["fields"][0]["when"] = {"field": "lain", "is": ["Ya"]}
    where, what = said(document)[0]
    assert (where, what) == (
        "6. Documentation and test, field “Alat”",
        "The field that it depends on must be above it in the same row.",
    )
    assert faults_of(mended(document, "Ask it always")) == []
    place = faults_of(document)[0].place
    assert (place.index, place.field, place.part) == (PLACE["test"], 0, "when")


def test_the_release_after_a_roll_back_gets_its_other_outcome() -> None:
    document = paper()
    del step(document, "release")["outcomes"]["no-release"]
    added = mended(document, "Add the outcome “No release”")
    assert step(added, "release")["outcomes"]["no-release"] == "asset-review"
    assert remedies_for(document, _(REVISED), (), TODAY)
    unknown = _("%(step)s can follow a roll back, so it needs the outcome %(outcome)s", outcome="x")
    assert remedies_for(document, unknown, (), TODAY) == ()


def test_numbers_and_the_date_of_revision_are_put_right() -> None:
    document = paper()
    step(document, "report")["no"] = 3
    assert faults_of(mended(document, "Number the rows anew")) == []
    errors = [LineError(1, _(REVISED)), LineError(2, _("The key %(key)s is taken.", key="x"))]
    found = find_faults(document, errors, today=TODAY)
    assert [fault.place.section for fault in found] == [Section.HEAD, Section.HEAD]
    found[0].remedies[0].apply(document)
    assert document.values["revised"] == TODAY


def test_heads_actors_and_settings_have_places_of_their_own() -> None:
    document = paper()
    document.values["signatory"] = {}
    document.values["signatory"]["nip"] = "1"
    document.actors[0]["title"] = ""
    document.actors[1].pop("title")
    document.actors[2]["role"] = "lain"
    document.values["switches"]["clock"] = "x"
    places = {
        (fault.place.section, fault.place.index, fault.place.part, str(fault.where)) for fault in faults_of(document)
    }
    assert (Section.HEAD, None, "signatory", "SOP header") in places
    assert (Section.HEAD, None, "signatory_nip", "SOP header") in places
    assert (Section.ACTORS, 1, "", "Executors") in places
    assert (Section.ACTORS, 2, "role", "Kepala LPSE") in places
    assert (Section.SETTINGS, None, "clock", "Program settings under this SOP") in places
    whole = find_faults(
        document, [LineError(1, _("x"), ("switches",)), LineError(1, _("y"), ("actors", 9))], today=TODAY
    )
    assert [str(fault.where) for fault in whole] == ["Executors", "Program settings under this SOP"]


def test_a_sound_sop_is_asked_about_decisions_that_cannot_say_no() -> None:
    document = paper()
    del step(document, "approval")["outcomes"]["refused"]
    del step(document, "evaluation")["outcomes"]["rejected"]
    del step(document, "evaluation")["outcomes"]["returned"]
    document.remove_row(PLACE["returned"])
    sop = parse(document.toml, KEY)
    remarks = [one for one in find_remarks(document, sop, today=TODAY) if one.remedies]
    assert [(str(one.where), one.is_remark) for one in remarks] == [("2. Evaluation", True), ("4. Approval", True)]
    for remark in remarks:
        remark.remedies[0].apply(document)
    assert not [one for one in find_remarks(document, parse(document.toml, KEY), today=TODAY) if one.remedies]


def test_a_remedy_of_what_is_no_longer_there_does_nothing() -> None:
    document = paper()
    for path in (("steps", 99, "outcomes", "x"), ("steps", 0, "outcomes", "x", "y"), ("title", "x"), ("steps", 99)):
        remove_at(document.values, path)
    assert document.toml == paper().toml
    remove_at(document.values, ("steps", 0, "requires", 0))
    assert len(document.steps[0]["requires"]) == 4


def test_what_a_step_of_the_offices_own_lacks_is_said_at_its_row() -> None:
    document = paper()
    document.add_step("decision.kabid", actor="kepala", after=1)
    document.add_step("waiting.pantau", actor="pengelola", after=2)
    decision, waiting = step(document, "decision.kabid"), step(document, "waiting.pantau")
    decision["activity"] = waiting["activity"] = "Kegiatan"
    assert "Say for how long this row waits" in dict(said(document))["4. Pantau"]
    waiting |= {"lasts": "30 hari", "outcomes": {"a": "urgency", "b": "urgency"}}
    assert "is no decision" in dict(said(document))["4. Pantau"]
    waiting["outcomes"] = {"a": "urgency"}
    waiting["time"] = "1 jam"
    decision["outcomes"] = {"setuju": "waiting.pantau"}
    assert [where for where, _what in said(document)] == ["3. Kabid", "4. Pantau"]
    mended_once = mended(document, "Add the outcome “Rejected”")
    assert faults_of(mended(mended_once, "Remove it")) == []
    decision["outcomes"]["passed"] = "closed"
    assert "give this one a name of its own" in dict(said(document))["3. Kabid"]


def test_a_change_that_ends_without_verification_is_led_to_the_settings() -> None:
    document = removed("verification")
    step(document, "report")["outcomes"]["reported"] = "release"
    assert any("say in the settings" in message for _where, message in said(document))
    document.values["without_verification"] = "Naskah tidak mengenalnya"
    assert said(document) == []
    document.values["without_verification"] = "x" * 1_001
    fault = faults_of(document)[0]
    assert (fault.place.section, fault.place.part) == (Section.SETTINGS, "without_verification")


@pytest.mark.parametrize("text", REMEDIES)
def test_an_error_that_names_no_row_has_no_button_that_does_harm(text: str) -> None:
    document = paper()
    for remedy in remedies_for(document, Message(text), (), TODAY):
        remedy.apply(document)
    assert [row.key for row in document.rows()] == [row.key for row in paper().rows()]


def test_a_button_for_what_was_done_meanwhile_does_nothing_more() -> None:
    document = removed("approval")
    remedies = faults_of(document)[0].remedies
    assert str(remedies[0].label) == "Add the row “Approval”"
    for _time in range(2):
        remedies[0].apply(document)
    assert document.step_names().keys() == paper().step_names().keys()
    document.steps.clear()
    remedies[1].apply(document)
    document.values["title"] = "SOP"
    document.lead_on(0)
    gone = remedies_for(document, _("%(outcome)s must lead to %(step)s", step=Step.CLOSED), ("title", "x"), TODAY)
    gone[0].apply(document)
    assert (document.steps, document.title) == ([], "SOP")


def test_a_first_row_to_which_nothing_leads_is_removed_and_a_steps_own_title_is_its_name() -> None:
    document = paper()
    document.move_row(PLACE["rollback"], -1)
    document.steps.insert(0, {"key": "rollback", "title": "Mundur", "outcomes": {}})
    message = _("the step %(step)s cannot be reached", step=Step.ROLLBACK)
    assert [str(one.label) for one in remedies_for(document, message, ("steps", 0, "key"), TODAY)] == [
        "Remove this row"
    ]
    assert str(document.rows()[0].name) == "Mundur"


def test_no_sentence_of_the_editor_speaks_of_files_and_keys() -> None:
    """Each sentence of the checker that names keys or brackets has one of the editor in its place."""
    words = ("%(key)s", "[[", "[agency]", "only_for", "set one with", "written {")
    for module in (reading, validation, fields, toml_values):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                text = ast.literal_eval(node.args[0])
                if any(word in text for word in words):
                    assert text in faults_module.PLAIN, text
