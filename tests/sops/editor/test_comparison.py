"""Two revisions are compared row by row: added, removed, changed, and which cells."""

from __future__ import annotations

from lpse_admin.sop import bundled_sops
from lpse_admin.sop.editor.comparison import CellChange, RowChange, compare
from lpse_admin.sop.editor.document import SopDocument

PAPERS = dict(bundled_sops())
LUMAJANG = "lumajang-2018"


def paper(key: str = LUMAJANG) -> SopDocument:
    return SopDocument.read(PAPERS[key])


def words(cell: CellChange) -> tuple[str, list[str], list[str]]:
    return str(cell.label), [str(one) for one in cell.before], [str(one) for one in cell.after]


def told(changes: list[RowChange]) -> list[tuple[str, str, list[str]]]:
    return [(change.change.value, str(change.name), [str(cell.label) for cell in change.cells]) for change in changes]


def test_an_sop_differs_from_itself_in_nothing() -> None:
    for key in PAPERS:
        assert compare(paper(key), paper(key)) == []


def test_the_head_and_the_settings_are_compared_by_value() -> None:
    after = paper()
    after.values |= {"number": "2", "glossary": [{"term": "SPSE", "text": "adalah sistem"}]}
    after.values["switches"] = {"clock": "arrival"}
    head, settings = compare(paper(), after)
    assert words(head.cells[0]) == ("SOP number", ["427.53/7.01/2018"], ["2"])
    assert words(head.cells[1]) == ("Glossary", [], ["SPSE adalah sistem"])
    assert [words(cell) for cell in settings.cells] == [
        ("Deviations from the standard are recorded", ["Yes"], ["No"]),
        (
            "The standard time is measured from",
            ["the assignment of the step (handling)"],
            ["the arrival of the request at the step"],
        ),
    ]
    after.values["made"] = None
    assert str(compare(paper(), after)[0].cells[1].before[0]) == "2018-03-01"


def test_rows_that_are_added_and_removed_stand_where_they_were_and_others_are_not_called_changed() -> None:
    after = paper()
    after.remove_row(7)  # the roll back
    after.add_row({"no": 0, "text": "Cadangan", "kind": "note", "requires": ["Media"]}, is_step=False, after=5)
    after.steps[0]["time"] = "2 hari"
    assert told(compare(paper(), after)) == [
        ("changed", "1. Change request", ["Time"]),
        ("added", "6. Cadangan", ["Activity", "Requirements"]),
        ("changed", "7. Documentation and test", ["Outcomes"]),
        ("removed", "7. Roll back", ["Activity", "Executor", "Requirements", "Time", "Output", "Outcomes"]),
    ]
    assert [change for change, _name, _cells in told(compare(after, paper()))] == [
        "changed", "removed", "changed", "added",
    ]  # fmt: skip


def test_rows_that_were_moved_are_told_by_their_numbers() -> None:
    after = paper()
    after.move_row(11, 1)
    assert told(compare(paper(), after)) == [
        ("changed", "11. Update of the asset list", ["No."]),
        ("changed", "12. Review of the asset list", ["No."]),
    ]


def test_what_is_gone_at_the_end_is_told_last() -> None:
    after = paper()
    after.remove_row(12)
    assert told(compare(paper(), after))[-1][:2] == ("removed", "12. Update of the asset list")


def test_actors_requirements_and_fields_are_told_in_words() -> None:
    before, after = paper(), paper()
    after.actors[0]["title"] = "Unit kerja"
    after.actors[1]["role"] = "lain"
    evaluation = after.steps[1]
    evaluation["requires"] = [
        "teks", {"kind": "document", "label": "Surat", "when": "by-proxy"}, {"label": "Alat", "of": "lain"},
    ]  # fmt: skip
    evaluation["flow"] = {"kepala": "Ya"}
    evaluation["fields"] = [
        {
            "key": "a", "label": "Jenis", "kind": "one-of", "choices": ["A", "B"], "required_for": ["accepted", "x"],
            "only_for": ["accepted"], "when": {"field": "b", "is": ["Ya"]}, "listed": True, "help": "Bantuan",
        },
        {"label": "Lain"},
    ]  # fmt: skip
    changes = compare(before, after)
    assert told(changes)[0] == ("changed", "Executor Unit kerja", ["Title"])
    assert words(changes[1].cells[0]) == ("Part in the procedure", ["Change manager"], ["lain"])
    of_row = next(change for change in changes if str(change.name) == "2. Evaluation")
    cells = {label: after_ for label, _before, after_ in map(words, of_row.cells)}
    assert cells == {
        "Requirements": [
            "teks", "Surat (Document to attach, only for a request by proxy)", "Alat (Unknown step (removed))",
        ],
        "Words in the columns of the executors": ["Kepala LPSE: Ya"],
        "Fields": [
            "Jenis (One of a list; A; B; Required for: Accepted, X; Asked only for: Accepted; Shown when: Ya;"
            " Shown in lists from the start; Bantuan)",
            "Lain ()",
        ],
    }  # fmt: skip


def test_an_outcome_that_cannot_be_is_told_as_it_is_written() -> None:
    after = paper()
    after.steps[0]["outcomes"] = {"§": "evaluation"}
    assert words(compare(paper(), after)[0].cells[0])[2] == ["§ → Evaluation"]


def test_two_rows_that_are_the_same_are_told_apart_by_their_place() -> None:
    after = paper()
    for _number in range(2):
        after.add_row({"no": 0, "text": "Cadangan", "kind": "note"}, is_step=False, after=0)
    assert [change for change, _name, _cells in told(compare(paper(), after))] == ["added", "added"]
