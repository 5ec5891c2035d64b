"""Texts that show nothing, and texts that show something and say nothing."""

from __future__ import annotations

import re
import unicodedata

#: Categories of characters that show nothing by themselves: controls, formats, surrogates, spaces, and marks, which
#: stand on another character.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
#: Letters and symbols whose picture is empty: the fillers of Hangul, the empty Braille cell, the musical null notehead,
#: the place of an object.
_INVISIBLE_CHARACTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159\ufffc")
#: Code points without a character that Unicode asks not to show (Default_Ignorable_Code_Point), and noncharacters.
_INVISIBLE_RANGES = (
    (0x2065, 0x2065),
    (0xFDD0, 0xFDEF),
    (0xFFF0, 0xFFF8),
    (0xFFFE, 0xFFFF),
    (0xE0000, 0xE0FFF),
)
#: What is cut off at the ends of a text: all of that but marks, which belong to the character before them, and the tags
#: that end the flag of a region.
_KEPT_AT_ENDS = frozenset({"Mn", "Mc", "Me"})
_TAGS = range(0xE0020, 0xE0080)

#: Hyphens, dashes and minus signs, as people type them for "nothing".
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_NOTHING_WORDS = frozenset(
    {
        "belum", "belumada", "kosong", "na", "nihil", "nil", "none", "nothing", "null", "takada", "tba", "tbd",
        "tdkada", "tidak", "tidakada", "tidakdiperlukan", "tidakperlu", "tidaktersedia", "no", "notapplicable", "nol",
    }
)  # fmt: skip
#: Shorter than the shortest sentence: x, ok, ya.
_MIN_SAYING_LENGTH = 3
#: In characters.
_MAX_SHOWN = 60
_NOT_WORD = re.compile(r"[\W_]+")


def is_blank(text: str) -> bool:
    """Whether ``text`` shows nothing: empty, blanks, and characters without a picture."""
    return all(_is_invisible(character) for character in text)


def strip_blank(text: str) -> str:
    """Return ``text`` without blanks and invisible characters at its ends; "" if it shows nothing."""
    if is_blank(text):
        return ""
    start, end = 0, len(text)
    while _is_invisible(text[start]):
        start += 1
    while _is_invisible(text[end - 1]) and not _belongs_to_the_one_before(text[end - 1]):
        end -= 1
    return text[start:end]


def normalize(text: str) -> str:
    """Return ``text`` with one kind of blank and one kind of hyphen, and nothing invisible at its ends."""
    text = "".join(" " if is_blank(character) else "-" if character in DASHES else character for character in text)
    return " ".join(strip_blank(text).split())


def shorten(text: str) -> str:
    """Return as much of ``text`` as a sentence about it quotes."""
    return strip_blank(text)[:_MAX_SHOWN]


def is_dash(text: str) -> bool:
    """Whether ``text`` is a dash or several, as people write in a column that has no value: "-", "–", "- -"."""
    shown = [character for character in text if not _is_invisible(character)]
    return bool(shown) and all(character in DASHES for character in shown)


def says_nothing(text: str) -> bool:
    """Whether ``text`` answers no question: blank, dashes and dots, one letter again and again, "nihil", "n/a", "x".

    For texts that somebody has to rely on, such as a roll back plan: it is asked whether nothing is meant.
    """
    letters = _NOT_WORD.sub("", "".join(one for one in text if not _is_invisible(one)).casefold())
    return len(set(letters)) < _MIN_SAYING_LENGTH or letters in _NOTHING_WORDS


def _is_invisible(character: str) -> bool:
    code = ord(character)
    return (
        unicodedata.category(character) in _INVISIBLE_CATEGORIES
        or character in _INVISIBLE_CHARACTERS
        or any(first <= code <= last for first, last in _INVISIBLE_RANGES)
    )


def _belongs_to_the_one_before(character: str) -> bool:
    return unicodedata.category(character) in _KEPT_AT_ENDS or ord(character) in _TAGS
