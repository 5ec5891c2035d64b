"""What a word is tried with when nothing is found for it as it was typed: in two parts, and with one letter wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORD = re.compile("[a-z]+")

#: Shorter words would find too much, longer ones take too long.
_MIN_LENGTH, _MAX_LENGTH = 4, 20


def splits(word: str) -> Iterator[tuple[str, str]]:
    """Yield ``word`` in two parts at each place: "ekontrak" as "e" and "kontrak"."""
    if _MIN_LENGTH <= len(word) <= _MAX_LENGTH:
        yield from ((word[:location], word[location:]) for location in range(1, len(word)))


def edits(word: str) -> Iterator[str]:
    """Yield each word that differs from ``word`` by one letter: wrong, missing, too many, or swapped with the next."""
    if not _MIN_LENGTH <= len(word) <= _MAX_LENGTH or not _WORD.fullmatch(word):
        return
    for location in range(len(word) + 1):
        before, after = word[:location], word[location:]
        yield from (before + letter + after for letter in _LETTERS)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in _LETTERS if letter != after[0])
        if len(after) > 1 and after[0] != after[1]:
            yield before + after[1] + after[0] + after[2:]
