"""Parsing of search queries."""

from __future__ import annotations

import pytest

from lpse_admin.errors import Malformed
from lpse_admin.search.query import MAX_QUERY_LENGTH, MAX_QUERY_WORDS, parse_search


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
