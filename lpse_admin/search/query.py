"""Parse a search text into terms, and find and highlight them in a text.

A word matches words that start with it, in any case, also after an Indonesian prefix: "uji" matches "diuji", "menguji"
and "pengujian". A word of one or two letters matches only itself. A term with separators and without a space
("RFC/2026/0042", "1.3.2.05") matches its parts in this order, with any separators between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lpse_admin.errors import Malformed
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import code_scheme, format_code

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The most characters and words of a query.
MAX_QUERY_LENGTH = 200
MAX_QUERY_WORDS = 10

#: The shortest word that also matches longer words.
_MIN_PREFIX_LENGTH = 3

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile("[a-z]+")
_PREFIXES = ("di", "ter", "ber", "per", "ke", "se", "memper", "diper")

#: The nasal of meN- and peN- by the first letter of the word, and whether the nasal replaces that letter.
_NASALS = {
    **dict.fromkeys("p", ("m", True)),
    **dict.fromkeys("bfv", ("m", False)),
    **dict.fromkeys("t", ("n", True)),
    **dict.fromkeys("cdjz", ("n", False)),
    **dict.fromkeys("k", ("ng", True)),
    **dict.fromkeys("aeioughqx", ("ng", False)),
    **dict.fromkeys("s", ("ny", True)),
    **dict.fromkeys("lmnrwy", ("", False)),
}

#: A piece of a text, and whether it matches the query.
TextPiece = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A term of the query: any of ``variants`` matches, each a sequence of words."""

    variants: tuple[tuple[str, ...], ...]

    def pattern(self) -> str:
        """Return the regular expression of the term."""
        patterns = "|".join(
            r"[\W_]+".join(map(re.escape, variant)) + ("" if matches_prefix(variant) else r"(?![^\W_])")
            for variant in self.variants
        )
        return rf"(?<![^\W_])(?:{patterns})"


def matches_prefix(variant: tuple[str, ...]) -> bool:
    """Whether the last word of ``variant`` also matches longer words."""
    return len(variant[-1]) >= _MIN_PREFIX_LENGTH


@dataclass(frozen=True)
class SearchQuery:
    """A search query; a record must match every term."""

    text: str
    terms: tuple[SearchTerm, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(term.pattern() for term in self.terms), re.IGNORECASE)

    @property
    def serial(self) -> int | None:
        """The number, if the query is one: the last part of a request's number."""
        return (
            int(self.text)
            if self.text.isascii() and self.text.isdigit() and len(self.text) <= _MAX_SERIAL_DIGITS
            else None
        )

    def matches(self, text: str) -> bool:
        """Whether any of the terms matches ``text``."""
        return self._pattern.search(text) is not None

    def highlight(self, text: str) -> list[TextPiece]:
        """Return ``text`` in pieces, matching and not."""
        return list(self._pieces(text))

    def _pieces(self, text: str) -> Iterator[TextPiece]:
        end = 0
        for match in self._pattern.finditer(text):
            if match.start() > end:
                yield text[end : match.start()], False
            yield match.group(), True
            end = match.end()
        if end < len(text):
            yield text[end:], False

    def excerpt(self, text: str, length: int) -> list[TextPiece]:
        """Return about ``length`` characters of ``text`` around the first match, in pieces."""
        text = " ".join(text.split())
        match = self._pattern.search(text)
        start = max(0, (match.start() if match else 0) - length // 3)
        # Start at the beginning of a word.
        start = text.find(" ", start) + 1 if start else 0
        cut = text[start : start + length]
        before, after = ("… " if start else ""), ("…" if start + length < len(text) else "")
        return [*([(before, False)] if before else []), *self._pieces(cut), *([(after, False)] if after else [])]


_MAX_SERIAL_DIGITS = 9


def parse_search(text: str) -> SearchQuery:
    """Return the query for ``text``, without terms if it is empty.

    Raises Malformed if it is too long, has too many words, or no letters or digits.
    """
    text = text.strip()
    if len(text) > MAX_QUERY_LENGTH or "\x00" in text:
        raise Malformed(_("Search for at most %(most)s characters.", most=MAX_QUERY_LENGTH))
    chunks = [words for chunk in text.lower().split() if (words := tuple(_WORD.findall(chunk)))]
    if text and not chunks:
        raise Malformed(_("The search text has no letters or digits."))
    if len(chunks) > MAX_QUERY_WORDS:
        raise Malformed(_("Search for at most %(most)s words.", most=MAX_QUERY_WORDS))
    return SearchQuery(text, tuple(SearchTerm(_variants(words)) for words in dict.fromkeys(chunks)))


def _variants(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the variants of ``words``, as typed first."""
    if len(words) > 1:
        return (words,)
    (word,) = words
    if code_scheme(word):
        # An item code without its dots.
        return words, tuple(format_code(word).split("."))
    if len(word) < _MIN_PREFIX_LENGTH or not _LETTERS.fullmatch(word):
        return (words,)
    nasal, replaces_letter = _NASALS[word[0]]
    rest = word[1:] if replaces_letter else word
    prefixed = (*(prefix + word for prefix in _PREFIXES), f"me{nasal}{rest}", f"pe{nasal}{rest}")
    return (words, *((variant,) for variant in prefixed))
