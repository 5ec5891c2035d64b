"""Texts that show nothing are empty; texts that say nothing are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.parsing.blank import is_blank, is_dash, normalize, says_nothing, shorten, strip_blank

#: By what they are called in Unicode.
_INVISIBLE = {
    "zero width space": "\u200b", "zero width joiner": "\u200d", "zero width non-joiner": "\u200c",
    "word joiner": "\u2060", "byte order mark": "\ufeff", "soft hyphen": "\u00ad", "Hangul filler": "\u3164",
    "halfwidth Hangul filler": "\uffa0", "Hangul choseong filler": "\u115f", "Hangul jungseong filler": "\u1160",
    "empty Braille cell": "\u2800", "no-break space": "\u00a0", "ideographic space": "\u3000", "tab": "\t",
    "line break": "\r\n", "line separator": "\u2028", "right-to-left mark": "\u200f",
    "right-to-left override": "\u202e", "combining acute": "\u0301", "combining grapheme joiner": "\u034f",
    "enclosing circle": "\u20dd", "variation selector": "\ufe0f", "variation selector 256": "\U000e01ef",
    "tag": "\U000e0041", "Mongolian vowel separator": "\u180e", "Khmer inherent vowel": "\u17b4",
    "null notehead": "\U0001d159", "object replacement": "\ufffc", "unassigned and ignorable": "\u2065",
    "control": "\x01", "escape": "\x1b", "narrow no-break space": "\u202f", "hair space": "\u200a",
}  # fmt: skip


@pytest.mark.parametrize("character", _INVISIBLE.values(), ids=_INVISIBLE)
def test_a_text_of_one_character_that_shows_nothing_is_empty(character: str) -> None:
    assert is_blank(character)
    assert is_blank(character * 3)
    assert strip_blank(character * 3) == ""
    assert not is_dash(character)
    assert says_nothing(character)
    assert not is_blank(f"{character}a{character}")


@given(st.text(st.sampled_from("".join(_INVISIBLE.values()))))
def test_any_text_that_shows_nothing_is_empty(text: str) -> None:
    assert is_blank(text)
    assert strip_blank(text) == normalize(text) == shorten(text) == ""


@given(
    st.text(),
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="\u115f\u1160\u3164\uffa0\u2800\U0001d159\ufffc"),
    st.text(),
)
def test_any_text_that_shows_something_is_not_empty_and_keeps_what_it_shows(
    before: str, shown: str, after: str
) -> None:
    text = before + shown + after
    assert not is_blank(text)
    assert shown in strip_blank(text)
    assert strip_blank(strip_blank(text)) == strip_blank(text)


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("\u200b Peladen \u00a0", "Peladen"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "e"),
        ("1\ufe0f\u20e3\u200b", "1\ufe0f\u20e3"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f", "\U0001f3f4\U000e0067\U000e0062\U000e007f"),
        ("a\u200db", "a\u200db"),
    ],
)
def test_the_ends_of_a_text_are_cut_up_to_what_is_shown_and_marks_stay_with_their_character(
    text: str, stripped: str
) -> None:
    assert strip_blank(text) == stripped


def test_blanks_and_hyphens_of_all_kinds_are_made_one_kind() -> None:
    assert normalize("\u00a01\u202f250 \u2212 3\u2013\u200b") == "1 250 - 3-"
    assert shorten("x" * 100) == "x" * 60


@pytest.mark.parametrize("text", ["-", "–", "—", "\u2212", "--", " - ", "- -", "-\u200b"])
def test_a_dash_is_how_people_write_that_there_is_nothing(text: str) -> None:
    assert is_dash(text)
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["", " ", "-5", "a-b", "."])
def test_what_is_no_dash_is_not_taken_for_one(text: str) -> None:
    assert not is_dash(text)


@pytest.mark.parametrize(
    "text",
    ["-", "--", ".", "...", "…", "x", "xx", "xxx", "ok", "0", "000", "n/a", "N.A.", "nihil", "NIHIL.", "Tidak ada",
     "tidak ada.", "( - )", "_", "?", "Belum ada", "TBD", "aaaa", "\u3164", "1.", "tidak perlu", "kosong"],
)  # fmt: skip
def test_a_plan_that_says_nothing_is_known(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize(
    "text",
    ["Kembali ke versi 1.2", "Pulihkan cadangan", "undo", "Restore", "lihat lampiran", "Tidak ada perubahan data"],
)
def test_a_short_plan_that_says_something_is_left_alone(text: str) -> None:
    assert not says_nothing(text)
