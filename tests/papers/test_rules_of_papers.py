"""Numbers, characters, codes and fingerprints of papers, without a database."""

from __future__ import annotations

import dataclasses
import datetime as dt
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.papers.characters import REPLACEMENT, printable
from lpse_admin.papers.codes import PaperCode, has_seal, read_code
from lpse_admin.papers.content import Choice, PaperContent, PaperFact, PaperTable, Part, Signer
from lpse_admin.papers.kinds import PAPER_OF_STEP, PaperKind
from lpse_admin.papers.number_words import number_words
from lpse_admin.papers.numbering import DEFAULT_PATTERN, NumberParts, paper_number, pattern_error
from lpse_admin.sop.steps import KNOWN_STEPS, OWN_KINDS, REQUESTER_STEPS

KEY, OTHER_KEY = "0b" * 32, "0c" * 32
AT = dt.datetime(2026, 3, 2, 3, 4, tzinfo=dt.UTC)
CONTENT = PaperContent(
    PaperKind.TEST,
    "Berita acara uji coba",
    "RFC/2026/0001",
    AT,
    (PaperFact("number", "Nomor", "RFC/2026/0001", "RFC/2026/0001"),),
    parts=(
        Part(
            "record",
            "Catatan",
            (PaperFact("outcome", "Hasil", "Lulus", "passed"),),
            (("Kategori", (Choice("normal", "Normal", is_ticked=True),)),),
            (PaperTable("cases", "Kasus uji", ("Kasus",), (("Masuk",),)),),
        ),
    ),
    signers=(Signer("manager", ("Pengelola",), "Pengelola 1"),),
)


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "nol"), (11, "sebelas"), (12, "dua belas"), (20, "dua puluh"), (26, "dua puluh enam"), (100, "seratus"),
        (125, "seratus dua puluh lima"), (200, "dua ratus"), (1000, "seribu"), (2026, "dua ribu dua puluh enam"),
        (10_000, "sepuluh ribu"),
    ],
)  # fmt: skip
def test_numbers_are_written_in_words_as_minutes_write_them(number: int, words: str) -> None:
    assert number_words(number) == words


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        (DEFAULT_PATTERN, "RFC/2026/0081/BA-RB"),
        ("{klasifikasi}/{urut}/{jenis}/LPSE/{bulan}/{tahun}", "000.5/0081/BA-RB/LPSE/III/2026"),
        ("{jenis}-{permintaan}-{tanggal}", "BA-RB-RFC/2026/0081-02"),
    ],
)
def test_a_number_follows_the_pattern_of_the_office(pattern: str, number: str) -> None:
    assert pattern_error(pattern) is None
    parts = NumberParts("RFC/2026/0081", 81, "BA-RB", 1, dt.date(2026, 3, 2), "000.5")
    assert paper_number(pattern, parts) == number


def test_the_second_paper_of_a_kind_has_another_number() -> None:
    parts = NumberParts("RFC/2026/0081", 81, "KP", 2, dt.date(2026, 3, 2))
    assert paper_number(DEFAULT_PATTERN, parts) == "RFC/2026/0081/KP-2"


def test_what_is_empty_leaves_no_separator_behind() -> None:
    parts = NumberParts("RFC/2026/0081", None, "KP", 1, dt.date(2026, 3, 2))
    assert paper_number("{klasifikasi}/{permintaan}/{urut}/{jenis}", parts) == "RFC/2026/0081/KP"


@pytest.mark.parametrize("pattern", ["{nomor}/{jenis}", "{permintaan}/{jenis", "{permintaan}}/{jenis}", "{permintaan}",
                                     "{jenis}/{urut}", "{jenis}", "{jenis}/{tahun}"])  # fmt: skip
def test_a_pattern_that_makes_no_number_or_equal_ones_is_refused(pattern: str) -> None:
    assert pattern_error(pattern) is not None


# --- characters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Penata Muda Tk. I, III/b", "Penata Muda Tk. I, III/b"),
        ("e\u0301", "é"),
        ("baris 1\r\nbaris 2\rbaris 3", "baris 1\nbaris 2\nbaris 3"),
        ("kolom\tkolom\u2003kolom", "kolom kolom kolom"),
        ("tak\u200bterlihat\u00ad\x07", "takterlihat"),
        ("ＬＰＳＥ 𝐒𝐏𝐒𝐄", "LPSE SPSE"),
        ("selesai ✅ 日本", f"selesai {REPLACEMENT} {REPLACEMENT}{REPLACEMENT}"),
    ],
)
def test_what_no_font_has_is_replaced(text: str, printed: str) -> None:
    assert printable(text) == printed


@given(st.text())
def test_what_is_printable_stays_so(text: str) -> None:
    assert printable(printable(text)) == printable(text)


# --- codes ------------------------------------------------------------------------------------------------------------


codes = st.builds(
    PaperCode,
    st.integers(1, 2**32 - 1),
    st.sampled_from(PaperKind),
    st.integers(1, 2**63),
    st.integers(0, 2**32 - 1),
    st.binary(min_size=8, max_size=8).map(bytes.hex),
)


@given(codes)
def test_a_code_is_read_back_and_has_the_seal_of_its_office_alone(code: PaperCode) -> None:
    read = read_code(code.sealed(KEY))
    assert read is not None
    assert read[0] == code
    assert has_seal(*read, KEY)
    assert not has_seal(*read, OTHER_KEY)


@given(codes, st.data())
def test_no_other_code_has_the_seal(code: PaperCode, data: st.DataObject) -> None:
    text = code.sealed(KEY)
    location = data.draw(st.integers(0, len(text) - 2))  # the last character has spare bits
    letters = [one for one in string.ascii_lowercase + "234567" if one != text[location]]
    other = text[:location] + data.draw(st.sampled_from(letters)) + text[location + 1 :]
    read = read_code(other)
    assert read is None or not has_seal(*read, KEY)


@pytest.mark.parametrize("text", ["", "a", "1", "é" * 60, "a" * 59, "a" * 60, "=" * 40, "a" * 200])
def test_what_is_no_code_is_refused(text: str) -> None:
    read = read_code(text)
    assert read is None or not has_seal(*read, KEY)


def test_neighbouring_codes_have_nothing_in_common() -> None:
    first = PaperCode(1, PaperKind.TEST, 7, 3, "00" * 8)
    text, other = first.sealed(KEY), dataclasses.replace(first, subject_id=8).sealed(KEY)
    assert sum(one == two for one, two in zip(text, other, strict=True)) < len(text) / 4


def test_a_code_knows_the_record_that_it_was_made_of() -> None:
    code = PaperCode(1, PaperKind.TEST, 7, 3, CONTENT.fingerprint()[:16])
    assert code.is_of(CONTENT.fingerprint())
    assert not code.is_of("0" * 64)


# --- fingerprints -----------------------------------------------------------------------------------------------------


def test_a_fingerprint_does_not_depend_on_wording() -> None:
    fact = PaperFact("outcome", "Hasil uji", "Berhasil", "passed")
    part = dataclasses.replace(CONTENT.parts[0], title="Hasil", facts=(fact,))
    assert dataclasses.replace(CONTENT, title="Catatan uji", parts=(part,)).fingerprint() == CONTENT.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"facts": (PaperFact("outcome", "Hasil", "Gagal", "failed"),)},
        {"choices": (("Kategori", (Choice("normal", "Normal", is_ticked=False),)),)},
        {"tables": (PaperTable("cases", "Kasus uji", ("Kasus",), (("Keluar",),)),)},
        {"signers": (Signer("head", ("Kepala",), "Kepala LPSE"),)},
    ],
)
def test_a_fingerprint_changes_with_what_the_record_says(change: dict[str, object]) -> None:
    part = Part(
        **{**{field.name: getattr(CONTENT.parts[0], field.name) for field in dataclasses.fields(Part)}, **change}
    )
    assert dataclasses.replace(CONTENT, parts=(part,)).fingerprint() != CONTENT.fingerprint()


def test_the_data_for_a_layout_is_plain_and_printable() -> None:
    data = dataclasses.replace(CONTENT, title="Uji\u200b ✅").as_data()
    assert data["title"] == f"Uji {REPLACEMENT}"
    assert data["kind"] == "test"
    assert data["as_of"] == "2026-03-02T03:04:00+00:00"


# --- kinds ------------------------------------------------------------------------------------------------------------


def test_every_step_has_a_paper_but_those_on_the_change_form() -> None:
    assert set(PAPER_OF_STEP) == {*KNOWN_STEPS, *OWN_KINDS} - {*REQUESTER_STEPS}


def test_no_two_kinds_have_the_same_abbreviation() -> None:
    assert len({kind.code for kind in PaperKind}) == len(PaperKind)


def test_minutes_tell_of_a_day() -> None:
    assert {kind for kind in PaperKind if kind.is_minutes} == {PaperKind.TEST, PaperKind.ROLLBACK, PaperKind.RELEASE}
