"""An SOP that is edited and its file are the same thing, whatever is done to its rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpse_admin.errors import ValidationFailed
from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.sop import ExtraRow, InvalidSopError, bundled_sops, check, digest, parse
from lpse_admin.sop.editor.document import (
    SopDocument,
    condition_of,
    move_entry,
    set_values,
    unique_key,
)
from lpse_admin.sop.editor.drawing import drawable
from lpse_admin.sop.editor.faults import find_faults, find_remarks
from lpse_admin.sop.editor.kinds import kind_of, names_outcomes, offered_steps, outcome_key, step_key, title_of
from lpse_admin.sop.editor.starts import blank_document, document_for_agency, next_revision
from lpse_admin.sop.editor.writing import write_toml
from lpse_admin.sop.model import SopAgency
from lpse_admin.sop.reading import read_unsound
from lpse_admin.sop.toml.parser import read_toml

PAPERS = dict(bundled_sops())
LUMAJANG, TANA_TIDUNG = "lumajang-2018", "tana-tidung-2017"
OFFICE = SopAgency("kota-contoh", "LPSE Kota Contoh", "Kota Contoh")
TODAY = dt.date(2026, 11, 26)


def document_of(key: str) -> SopDocument:
    return SopDocument.read(PAPERS[key])


def titles(document: SopDocument) -> list[str]:
    return [str(row.name) for row in document.rows()]


@pytest.mark.parametrize("key", PAPERS)
def test_a_paper_that_is_read_and_written_means_the_same(key: str) -> None:
    text = document_of(key).toml
    assert digest(parse(text, key)) == digest(parse(PAPERS[key], key))
    assert SopDocument.read(f"\ufeff{text}").toml == text


@pytest.mark.parametrize("key", PAPERS)
def test_the_rows_stand_as_on_the_sops_page(key: str) -> None:
    shown = [row.text if isinstance(row, ExtraRow) else row.activity for row in parse(PAPERS[key], key).table_rows]
    assert [row.text for row in document_of(key).rows()] == shown


@st.composite
def toml_values(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the values of a file: tables, lists of tables, lists and single values under any keys."""
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    single = text | st.integers(-9, 9) | st.booleans() | st.dates() | st.floats(allow_nan=False, width=16)
    inline = st.dictionaries(text, single, max_size=3)
    table = st.dictionaries(
        text, single | st.lists(single, max_size=3) | inline | st.lists(inline, max_size=2), max_size=4
    )
    entry = st.tuples(table, st.lists(table, min_size=1, max_size=2)).map(lambda both: {**both[0], "fields": both[1]})
    return draw(st.dictionaries(text, single | table | st.lists(entry, max_size=2), max_size=4))


@given(toml_values())
@settings(max_examples=60, deadline=None)
def test_whatever_values_a_file_has_are_read_again_as_they_were(values: dict[str, Any]) -> None:
    read, errors = read_toml(write_toml(values))
    assert (read, errors) == (values, [])


#: One edit: what, at which row, and how.
EDIT = st.tuples(
    st.sampled_from(["up", "down", "remove", "step", "note", "field", "actor", "fewer"]), st.integers(0, 30)
)


def edit(document: SopDocument, what: str, number: int) -> None:
    """Do something to the row at ``number``, counted around."""
    rows = document.rows()
    place = number % len(rows) if rows else 0
    if what in ("up", "down") and rows:
        document.move_row(place, -1 if what == "up" else 1)
    elif what == "remove" and rows:
        document.remove_row(place)
    elif what == "step":
        taken = {row.key for row in rows}
        offered = offered_steps(taken)
        key = step_key(offered[number % len(offered)][0], f"Langkah {number}", taken)
        document.add_step(key, actor="pengelola", after=place if rows else None)
    elif what == "note":
        document.add_row({"no": 0, "text": f"Catatan {number}", "kind": "note"}, is_step=False, after=place)
    elif what == "field" and rows and rows[place].is_step:
        document.add_field(rows[place].values, f"Isian {number}", "line")
    elif what == "actor":
        document.add_actor(f"Pelaksana {number}", "change_manager")
    elif what == "fewer" and document.actors:
        document.remove_actor(number % len(document.actors))


@given(st.sampled_from([LUMAJANG, TANA_TIDUNG]), st.lists(EDIT, max_size=12))
@settings(max_examples=25, deadline=None)
def test_what_is_edited_reads_as_it_was_left_draws_and_has_its_faults_at_places(
    key: str, edits: list[tuple[str, int]]
) -> None:
    document = document_of(key)
    for what, number in edits:
        edit(document, what, number)
    again = SopDocument.read(document.toml)
    assert titles(again) == titles(document)
    numbers = [row.number for row in again.rows() if row.number]
    assert not edits or numbers == sorted(set(numbers))
    errors = check(again.toml, key)
    for fault in find_faults(again, errors, today=TODAY):
        assert fault.place.index is None or fault.place.index < len(again.rows())
        assert "[[" not in str(fault.message)
        for remedy in fault.remedies:
            mended = again.copy()
            remedy.apply(mended)
            SopDocument.read(mended.toml)
    sop, _errors = read_unsound(again.toml, key)
    drawn = drawable(sop) if sop else None
    if drawn is not None:
        chart_with_layout(drawn)
    if sop is not None and not errors:
        assert all(fault.is_remark for fault in find_remarks(again, sop, today=TODAY))


def test_a_step_that_is_added_leads_on_and_is_led_to() -> None:
    document = document_of(LUMAJANG)
    document.remove_row(6)  # the test
    assert "Documentation and test (removed)" not in titles(document)
    place = document.add_step("test", actor="pengelola", after=5)
    rows = document.rows()
    assert rows[place].number == 6
    assert rows[place].values["outcomes"] == {"passed": "rollback", "failed": "rollback"}
    assert rows[5].values["outcomes"] == {"done": "test"}


def test_a_new_step_takes_up_what_led_to_the_row_behind_it() -> None:
    document = blank_document(OFFICE, "Asia/Jakarta")
    document.add_step("implementation", actor="pengelola")
    document.add_step("evaluation", actor="pengelola", after=0)
    document.add_step("returned", actor="pemohon", after=1)
    document.add_step("verification", actor="kepala")
    outcomes = {row.key: row.values["outcomes"] for row in document.rows()}
    assert outcomes == {
        "request": {"submitted": "evaluation"},
        "evaluation": {"accepted": "implementation", "rejected": "closed"},
        "returned": {"resubmitted": "evaluation", "withdrawn": "closed"},
        "implementation": {"done": "verification"},
        "verification": {"verified": "closed"},
    }
    assert titles(document)[2] == "Returned to the requester"
    assert [row.number for row in document.rows()] == [1, 2, None, 3, 4]


def test_a_kind_that_stands_again_and_steps_of_the_offices_own_are_named() -> None:
    taken = {"request", "approval", "task.pelatihan"}
    offered = [key for key, _title in offered_steps(taken)]
    assert ("request" in offered, "returned" in offered, "approval" in offered, "waiting" in offered) == (
        False, True, True, True,
    )  # fmt: skip
    assert [
        step_key("evaluation", "Teknis", taken), step_key("approval", "Kepala Bidang", taken),
        step_key("task", "Pelatihan", taken), step_key("decision", "§", taken),
    ] == ["evaluation", "approval.kepala-bidang", "task.pelatihan-2", "decision.lain"]  # fmt: skip
    assert (kind_of("lain.x"), names_outcomes("task.x"), names_outcomes("approval.x")) == (None, True, False)
    assert [str(title_of({"key": key})) for key in ("approval.kabid", "task.§", "lain")] == [
        "Approval: Kabid", "Task", "Unknown step",
    ]  # fmt: skip
    labels = ("Setuju", "Tidak setuju", "Done", "Normal", "§")
    assert [outcome_key(label, ["setuju", "normal"]) for label in labels] == [
        "setuju", "tidak-setuju", "hasil-done", "normal", "hasil",
    ]  # fmt: skip


def test_steps_of_the_offices_own_begin_with_outcomes_and_make_a_sound_sop() -> None:
    document = document_of(LUMAJANG)
    place = document.add_step("decision.kabid", actor="kepala", after=1)
    assert document.rows()[place].values["outcomes"] == {"setuju": "urgency", "rejected": "closed"}
    document.rows()[place].values["activity"] = "Kepala Bidang memutuskan"
    place = next(at for at, row in enumerate(document.rows()) if row.key == "verification")
    for key in ("task.pelatihan", "acknowledgement.berita", "waiting.pantau", "acceptance.uji"):
        actor = "pemohon" if key == "acceptance.uji" else "pengelola"
        place = document.add_step(key, actor=actor, after=place)
        document.rows()[place].values["activity"] = key
    waiting = next(row for row in document.rows() if row.key == "waiting.pantau")
    assert str(waiting.kind_title) == "Waiting"
    waiting.values["lasts"] = "30 hari kalender"
    assert [str(error) for error in check(document.toml, LUMAJANG)] == []
    again = SopDocument.read(document.toml)
    assert digest(parse(again.toml, LUMAJANG)) == digest(parse(document.toml, LUMAJANG))
    document.steps[-1]["outcomes"] = {}
    waiting.values["outcomes"] = {}
    document.lead_on(next(at for at, row in enumerate(document.rows()) if row.key == "waiting.pantau"))
    assert waiting.values["outcomes"] == {"waktunya-tiba": "acceptance.uji"}


def test_fields_that_say_a_day_are_named_by_their_row() -> None:
    document = document_of(LUMAJANG)
    document.add_field(document.steps[0], "Berlaku sejak", "date")
    document.add_field(document.steps[0], "Biaya", "money")
    assert {key: str(name) for key, name in document.days().items()} == {
        "berlaku-sejak": "1. Change request, field “Berlaku sejak”"
    }
    assert [str(document.field_label(key)) for key in ("berlaku-sejak", "lain", None)] == [
        "1. Change request, field “Berlaku sejak”", "lain", "None",
    ]  # fmt: skip


def test_rows_outside_the_program_stand_where_they_are_put() -> None:
    document = document_of(LUMAJANG)
    at = document.add_row({"no": 0, "text": "Cadangan", "kind": "note"}, is_step=False, after=0)
    assert (at, titles(document)[1], titles(document)[2]) == (1, "2. Cadangan", "3. Evaluation")
    at = document.move_row(at, 1)
    # Past the row without a number, whose place it could not tell.
    assert titles(document)[at - 1 : at + 2] == ["Returned to the requester", "3. Cadangan", "4. Urgency assessment"]
    assert document.move_row(0, -1) == 0
    # Of notes without steps that have numbers, each place is the same: nothing moves.
    alone = SopDocument.read('[[rows]]\nkind = "start"\n[[rows]]\nkind = "start"\n')
    assert alone.move_row(1, -1) in (0, 1)
    start = document.add_row({"no": 0, "text": "Mulai", "kind": "start"}, is_step=False)
    end = document.add_row({"no": 0, "text": "", "kind": "end"}, is_step=False, after=2)
    shown = titles(document)
    assert (start, end, shown[0], shown[-1]) == (0, len(shown) - 1, "1. Mulai", "15. End")
    assert str(document.rows()[0].kind_title) == "Start"
    again = SopDocument.read(document.toml)
    assert titles(again) == titles(document)


def test_a_note_of_a_file_without_numbers_stands_before_the_end() -> None:
    document = SopDocument.read('[[rows]]\ntext = "Selesai"\nkind = "end"\n[[rows]]\ntext = "x"\nkind = "note"\n')
    assert [row.text for row in document.rows()] == ["x", "Selesai"]
    other = SopDocument.read('[[rows]]\ntext = "x"\nkind = "lain"\n').rows()[0]
    assert str(other.kind_title) == "Row outside the program"


def test_a_row_is_found_by_what_it_is_when_it_has_moved() -> None:
    document = document_of(LUMAJANG)
    token = document.rows()[4].token
    assert document.find_row(4, token) == 4
    document.remove_row(0)
    assert document.find_row(4, token) == 3
    document.remove_row(3)
    assert document.find_row(4, token) is None


def test_an_actor_is_called_as_the_sop_calls_it() -> None:
    document = document_of(LUMAJANG)
    document.add_actor("Pengelola", "change_manager")
    document.add_actor("§", "head")
    assert [one["key"] for one in document.actors] == ["pemohon", "pengelola", "kepala", "pengelola-2", "isian"]
    assert (document.actor_title("kepala"), document.actor_title("lain")) == ("Kepala LPSE", "")
    document.remove_actor(2)
    assert [step["key"] for step in document.steps if step.get("flow")] == ["evaluation"]


def test_keys_are_made_of_labels_and_differ() -> None:
    assert unique_key("Biaya (Rp)", []) == "biaya-rp"
    assert unique_key("Biaya", ["biaya", "biaya-2"]) == "biaya-3"
    values: dict[str, Any] = {"key": "evaluation"}
    document = document_of(LUMAJANG)
    assert [document.add_field(values, "Biaya", "money"), document.add_field(values, "Biaya", "line")] == [0, 1]
    assert [field["key"] for field in values["fields"]] == ["biaya", "biaya-2"]


def test_entries_move_within_their_list_and_what_is_empty_is_left_out() -> None:
    entries = ["a", "b", "c"]
    assert (move_entry(entries, 0, 1), entries) == (1, ["b", "a", "c"])
    assert (move_entry(entries, 0, -1), entries) == (0, ["b", "a", "c"])
    values: dict[str, Any] = {"a": 1, "b": 2}
    set_values(values, {"a": "", "c": [], "d": False})
    assert values == {"b": 2, "d": False}


def test_a_field_depends_on_one_other_field() -> None:
    assert condition_of([]) == {}
    assert condition_of([["henti", "Ya"], ["henti", "Tidak"]]) == {"field": "henti", "is": ["Ya", "Tidak"]}
    with pytest.raises(ValidationFailed, match="one other field"):
        condition_of([["henti", "Ya"], ["jenis", "Ya"]])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('title = "x', 1),
        ("\nagency = 1\n", 2),
        ("actors = 1", 1),
        ("steps = [1]", 1),
        ("[[steps]]\noutcomes = 1", 2),
        ("[[steps]]\nrequires = [1]", 2),
        ("[[steps]]\nfields = 1", 2),
        ("[[steps]]\n[[steps.fields]]\nwhen = 1", 3),
    ],
)
def test_a_file_that_is_none_is_not_edited_and_its_line_is_named(text: str, line: int) -> None:
    with pytest.raises(InvalidSopError) as refused:
        SopDocument.read(text)
    assert refused.value.errors[0].line == line


def test_what_no_screen_shows_is_kept() -> None:
    text = document_of(LUMAJANG).toml.replace("[agency]\n", "lain = { a = 1 }\n\n[agency]\n", 1)
    assert SopDocument.read(text).toml.count("a = 1") == 1


def test_a_blank_form_has_the_usual_actors_and_the_first_row() -> None:
    document = blank_document(SopAgency("k", "n", "r", "p"), "Asia/Makassar", "Kepala UKPBJ")
    assert [actor["title"] for actor in document.actors] == ["Pemohon", "Pengelola Perubahan", "Kepala UKPBJ"]
    assert (document.title, document.values["agency"]["province"], titles(document)) == ("", "p", ["1. Change request"])


def test_the_paper_of_another_office_loses_what_was_that_offices() -> None:
    own = document_for_agency(PAPERS[LUMAJANG], SopAgency("lumajang", "n", "r"), "Asia/Jakarta")
    assert own.values["number"] == "427.53/7.01/2018"
    other = document_for_agency(PAPERS[LUMAJANG], OFFICE, "Asia/Makassar")
    assert "number" not in other.values
    assert (other.values["agency"]["name"], other.values["time_zone"]) == ("LPSE Kota Contoh", "Asia/Makassar")
    assert len(other.rows()) == len(own.rows())


def test_the_next_revision_has_its_dates_to_come() -> None:
    values = next_revision(PAPERS[LUMAJANG]).values
    assert ("made" in values, "approved" in values, values["number"]) == (True, False, "427.53/7.01/2018")
