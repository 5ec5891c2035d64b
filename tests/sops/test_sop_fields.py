"""Fields that an SOP asks for: read from its file and written back, each error by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lpse_admin.sop import bundled_sops, check, digest, parse, to_json, to_text, to_toml
from lpse_admin.sop.fields import FieldCondition, SopFieldKind
from lpse_admin.sop.steps import Outcome, Step

KEY = "kota-isian-2024"
TEXT = (Path(__file__).parents[1] / "changes/own_fields/files" / f"{KEY}.toml").read_text(encoding="utf-8")
SOP = parse(TEXT, KEY)
NEW = '[[steps.fields]]\nkey = "baru"\nlabel = "Baru"\nkind = "line"\n'


def with_field(lines: str) -> str:
    """Return the file with another field at the end, of the step of verification."""
    return f"{TEXT}\n[[steps.fields]]\n{lines}"


def errors_of(text: str) -> list[tuple[int, str]]:
    """Return (line, message) of each error."""
    return [(error.line, str(error.message)) for error in check(text, KEY)]


def test_the_file_has_twenty_fields_of_every_kind_but_one_and_reads_as_it_says() -> None:
    fields = [field for rule in SOP.rules.values() for field in rule.fields]
    assert len(fields) >= 20
    assert {field.kind for field in fields} == set(SopFieldKind)
    duration = next(field for field in fields if field.key == "lama-henti")
    assert duration.required_for == (Outcome.ACCEPTED,)
    assert duration.when == FieldCondition("ada-henti", ("Ya",))
    assert SOP.fields_of(Step.RETURNED) == SOP.fields_of(Step.REQUEST) != ()
    assert SOP.fields_of(Step.RELEASE) == ()


def test_the_file_can_be_downloaded_again_as_text_and_as_json() -> None:
    again = parse(to_toml(SOP), KEY)
    assert (again, to_json(again), digest(again)) == (SOP, to_json(SOP), digest(SOP))
    text = to_text(SOP)
    assert "Lama berhenti [duration; wajib untuk accepted; bila Layanan berhenti: Ya]" in text
    assert "Komunikasi [rows; kolom: Pesan, Penerima, Media; wajib untuk done]" in text
    assert "Bagian yang belum lengkap [line; wajib untuk returned; hanya untuk returned]" in text
    assert "pilihan: Kecil, Besar, Mendesak" in text


def test_an_sop_without_fields_keeps_its_digest() -> None:
    for key, text in bundled_sops():
        assert all("fields" not in step for step in to_json(parse(text, key))["steps"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("lines", "at", "message"),
    [
        ('label = "A"\nkind = "line"\n', 0, "key is missing"),
        ('key = "A b"\nlabel = "A"\nkind = "line"\n', 1, "key must consist of lower-case letters, digits and hyphens"),
        ('key = "a"\nkind = "line"\n', 0, "label is missing"),
        ('key = "a"\nlabel = "A"\n', 0, "kind is missing"),
        ('key = "a"\nlabel = "A"\nkind = "uang"\n', 3, "kind must be one of line, text, number, money"),
        ('key = "pelajaran"\nlabel = "A"\nkind = "line"\n', 1, "the field pelajaran is defined twice"),
        ('key = "a"\nlabel = "Pelajaran"\nkind = "line"\n', 2, "another field of this step has the same label"),
        ('key = "a"\nlabel = "A"\nkind = "line"\nrequired_for = ["done"]\n', 4, "done is not among the outcomes"),
        ('key = "a"\nlabel = "A"\nkind = "line"\nwajib = true\n', 4, "unknown key wajib"),
        ('key = "a"\nlabel = "A"\nkind = "one-of"\n', 0, "choices needs 1 to 60 entries"),
        ('key = "a"\nlabel = "A"\nkind = "line"\nchoices = ["a"]\n', 4, "choices belongs to fields of the kind one-of"),
        ('key = "a"\nlabel = "A"\nkind = "one-of"\nchoices = ["a", "a"]\n', 4, "a stands there twice"),
        (f'key = "a"\nlabel = "A"\nkind = "one-of"\nchoices = ["{"a" * 201}"]\n', 4, "choices is longer than 200"),
        ('key = "a"\nlabel = "A"\nkind = "rows"\n', 0, "columns needs 1 to 8 entries"),
        ('key = "a"\nlabel = "A"\nkind = "rows"\ncolumns = ["a"]\nlisted = true\n', 5, "rows are not shown in a list"),
        ('key = "a"\nlabel = "A"\nkind = "line"\nwhen = { field = "b", is = ["Ya"] }\n', 4, "no field b stands before"),
        ('key = "a"\nlabel = "A"\nkind = "line"\nwhen = { is = ["Ya"] }\n', 4, "field is missing"),
        ('key = "a"\nlabel = "A"\nkind = "line"\nwhen = { field = "pelajaran", is = ["Ya"] }\n', 4, "only a field of"),
    ],
)
def test_each_error_has_its_line_and_says_what_is_wrong(lines: str, at: int, message: str) -> None:
    first = TEXT.count("\n") + 2
    result = errors_of(with_field(lines))
    assert [(number, text[: len(message)]) for number, text in result] == [(first + at, message)]


def test_a_condition_names_a_word_of_the_field_before_it() -> None:
    for values, message in (('["Mungkin"]', "is must be one of Ya, Tidak, not Mungkin"), ("[]", "is is missing")):
        text = TEXT.replace('is = ["Ya"] }', f"is = {values} }}", 1)
        line = text[: text.index('ada-henti", is')].count("\n") + 1
        assert errors_of(text) == [(line, message)]
    no_words = TEXT.replace('when = { field = "ada-henti", is = ["Ya"] }', 'when = { field = "ada-henti" }', 1)
    assert [text for _line, text in errors_of(no_words)] == ["is is missing"]


def test_an_answer_to_a_return_has_the_fields_of_the_request_and_none_of_its_own() -> None:
    text = TEXT.replace('outcomes = { resubmitted = "evaluation", withdrawn = "closed" }\n',
                        'outcomes = { resubmitted = "evaluation", withdrawn = "closed" }\n\n' + NEW)  # fmt: skip
    assert [message for _line, message in errors_of(text)] == ["the fields of returned are those of request"]


def test_a_field_is_not_required_for_outcomes_that_it_does_not_belong_to() -> None:
    text = TEXT.replace('only_for = ["returned"]', 'only_for = ["rejected"]')
    message = "a field is required for outcomes that only_for does not name"
    assert [text for _line, text in errors_of(text)] == [message]


def test_a_step_has_sixty_fields_at_most() -> None:
    more = "".join(NEW.replace("baru", f"baru-{n}").replace("Baru", f"Baru {n}") for n in range(60))
    assert [message for _line, message in errors_of(f"{TEXT}\n{more}")] == ["a step has at most 60 fields of its own"]


def test_a_mistyped_outcome_causes_no_further_errors_in_the_fields() -> None:
    text = TEXT.replace('outcomes = { done = "report" }', 'outcomes = { done = "raport" }')
    assert len(errors_of(text)) == 1
