"""Parsing of search queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.errors import Malformed
from lpse_admin.search.query import MAX_QUERY_LENGTH, MAX_QUERY_WORDS, parse_search
from lpse_admin.search.spelling import edits, splits


def found(query: str, text: str) -> list[str]:
    """Return the parts of ``text`` that ``query`` finds."""
    return [piece for piece, is_found in parse_search(query).highlight(text) if is_found]


@pytest.mark.parametrize(
    ("query", "text", "parts"),
    [
        ("aplika", "Pembaruan Aplikasi; aplikasi lain", ["Aplika", "aplika"]),
        ("uji", "diuji, menguji dan pengujian, bukan kaji", ["diuji", "menguji", "penguji"]),
        ("setujui", "disetujui, menyetujui", ["disetujui", "menyetujui"]),
        ("tulis", "tertulis, menulis, penulisan", ["tertulis", "menulis", "penulis"]),
        ("pakai", "pemakaian", ["pemakai"]),
        ("kirim", "mengirim", ["mengirim"]),
        ("buka", "dibuka, membuka", ["dibuka", "membuka"]),
        ("cari", "mencari", ["mencari"]),
        ("rilis", "merilis", ["merilis"]),
        ("ti", "TI dan tim TI", ["TI", "TI"]),
        ("2026/0042", "RFC/2026/0042 dan 2026-00423", ["2026/0042", "2026-0042"]),
        ("1.3.2", "132 · 1.3.2 · 1.3.21", ["1.3.2"]),
        ("132100102003", "1.3.2.10.01.02.003 Laptop", ["1.3.2.10.01.02.003"]),
        ("a.b", "a/b a/bc", ["a/b"]),
        ("café 4g", "Kafe CAFÉ 4G", ["CAFÉ", "4G"]),
        ("rfc/2026", "RFC/2026/0001", ["RFC/2026"]),
    ],
)
def test_a_word_finds_what_begins_with_it_also_behind_a_prefix(query: str, text: str, parts: list[str]) -> None:
    assert found(query, text) == parts
    assert parse_search(query).matches(text)
    assert "".join(piece for piece, _is_found in parse_search(query).highlight(text)) == text


def test_every_word_counts_once() -> None:
    assert len(parse_search(" server  SERVER aplikasi ").terms) == 2
    assert parse_search("").terms == parse_search("   ").terms == ()


@pytest.mark.parametrize(
    "bad", ["x" * (MAX_QUERY_LENGTH + 1), "a\x00b", "???", "“ ” — …", " ".join("abcdefghijk"[: MAX_QUERY_WORDS + 1])]
)
def test_what_cannot_be_searched_for_is_refused_with_a_sentence(bad: str) -> None:
    with pytest.raises(Malformed):
        parse_search(bad)


def test_a_figure_alone_may_be_the_last_part_of_a_number() -> None:
    assert parse_search("0042").serial == parse_search(" 42 ").serial == 42
    assert (
        parse_search("42 43").serial
        is parse_search("a42").serial
        is parse_search("1" * 10).serial
        is parse_search("٤٢").serial
        is None
    )


def test_an_excerpt_begins_with_a_word_before_what_was_found() -> None:
    text = f"{'Satu dua tiga. ' * 20}\nServer dimatikan.{' Lalu dinyalakan.' * 20}"
    pieces = parse_search("server").excerpt(text, 90)
    whole = "".join(piece for piece, _is_found in pieces)
    assert ("Server", True) in pieces
    assert whole.startswith("… ")
    assert whole.endswith("…")
    assert whole.split()[1] in {"Satu", "dua", "tiga."}
    assert parse_search("server").excerpt("Server mati", 90) == [("Server", True), (" mati", False)]
    assert parse_search("lain").excerpt("Server mati", 90) == [("Server mati", False)]


@pytest.mark.parametrize(
    ("query", "text", "parts"),
    [
        ("X5YZ", "Plat X 5 YZ", ["X 5 YZ"]),
        ("x 5 yz", "plat X5YZ", ["X5YZ"]),
        ("2026/81", "RFC/2026/0081, RFC/2026/0811", ["2026/0081"]),
        ("81/2026", "RFC/2026/0081", ["2026/0081"]),
        ("rfc-2026-081", "RFC/2026/0081 dan RFC/2026/81", ["RFC/2026/0081", "RFC/2026/81"]),
        ("0001", "0001, 1, 01", ["0001", "1"]),
        ("e-kontrak", "ekontrak, e-Kontrak, kontrak", ["ekontrak", "e-Kontrak"]),
        ("cafe", "Café dan cafe\u0301 ≥ 3", ["Café", "cafe\u0301"]),
        ("cafe\u0301", "CAFÉ", ["CAFÉ"]),
    ],
)
def test_other_notations_are_the_same(query: str, text: str, parts: list[str]) -> None:
    assert found(query, text) == parts


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("2026/81", (2026, 81)),
        ("81/2026", (2026, 81)),
        ("RFC 2026 0081", (2026, 81)),
        ("rfc/2026/81", (2026, 81)),
        ("2026", None),
        ("rfc 81", None),
        ("81/82", None),
        ("2026/81/1", None),
        ("nomor 2026 81", None),
    ],
)
def test_year_and_number_are_read_in_any_notation(query: str, named: tuple[int, int] | None) -> None:
    assert parse_search(query).year_and_serial == named


def test_only_words_that_occur_nowhere_are_loosened() -> None:
    query = parse_search("aplikesi baru")
    loose = query.loosened(lambda term: term.variants[0] == ("baru",), set)
    assert "aplikasi" in loose.terms[0].whole_words
    assert ("a", "plikesi") in loose.terms[0].variants
    assert loose.terms[1] == query.terms[1]
    assert loose.matches("aplikasi")
    occurring = query.loosened(lambda _term: False, {("aplikasi",), ("bar", "u"), ("surat",)}.intersection)
    assert [(term.variants, term.whole_words) for term in occurring.terms] == [
        ((), ("aplikasi",)),
        ((("bar", "u"),), ()),
    ], "what no record has is left out"
    assert query.loosened(lambda _term: False, lambda _words: ()).terms == query.terms, "nothing comes near it"
    many = parse_search("satu dua tiga empat")
    assert many.loosened(lambda _term: False, set) is many
    compound = parse_search("e-kontrak")
    assert compound.loosened(lambda _term: False, set).terms == compound.terms


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=20), st.data())
def test_a_word_with_one_letter_wrong_is_among_the_edits_of_what_was_meant(word: str, data: st.DataObject) -> None:
    location = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    typed = {
        word[:location] + letter + word[location + 1 :],
        word[:location] + letter + word[location:],
        word[:location] + word[location + 1 :],
        word[:location] + word[location : location + 2][::-1] + word[location + 2 :],
    } - {word}
    for wrong in typed:
        if 4 <= len(wrong) <= 20:
            assert word in set(edits(wrong))
    assert word not in set(edits(word)) or len(set(word)) < len(word)


def test_short_words_long_words_and_numbers_are_taken_as_they_are() -> None:
    assert [list(edits(word)) for word in ("abc", "a" * 21, "123456", "x5yz")] == [[], [], [], []]
    assert [list(splits(word)) for word in ("abc", "a" * 21)] == [[], []]
    assert list(splits("wifi")) == [("w", "ifi"), ("wi", "fi"), ("wif", "i")]


def test_the_words_of_a_query_without_separators_are_looked_for_in_the_middle_of_something() -> None:
    query = parse_search("e-Kontrak X/5 —")
    assert query.compact == ("ekontrak", "x5")


def test_the_last_word_of_a_variant_also_begins_longer_words() -> None:
    (term,) = parse_search("kontrak").terms
    assert ("kontrak",) in set(term.prefix_variants)
    assert all(variant[-1] for variant in term.prefix_variants)
