"""What somebody typed into the search field, as words: what they begin, and where a text holds them.

A word finds what begins with it, whatever its case, also behind the prefixes that Indonesian puts before a word:
"uji" finds "diuji", "menguji" and "pengujian". Words of one or two letters find only themselves. What is typed without
a blank in it ("RFC/2026/0042", "1.3.2.05") is found as it stands, whatever stands between its parts.
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

#: The most characters and words that are searched for at once.
MAX_QUERY_LENGTH = 200
MAX_QUERY_WORDS = 10

#: From this length on a word also finds what is longer.
_MIN_PREFIX_LENGTH = 3

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile("[a-z]+")
_PREFIXES = ("di", "ter", "ber", "per", "ke", "se", "memper", "diper")

#: What meN- and peN- end in before a first letter, and whether the letter gives way to it.
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

#: A piece of a text, and whether it is what was searched for.
TextPiece = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One thing that a text has to hold: any of ``forms``, each a row of words that follow one another."""

    variants: tuple[tuple[str, ...], ...]

    def pattern(self) -> str:
        """Return the regular expression that finds it in a text."""
        rows = "|".join(
            r"[\W_]+".join(map(re.escape, form)) + ("" if matches_prefix(form) else r"(?![^\W_])")
            for form in self.variants
        )
        return rf"(?<![^\W_])(?:{rows})"


def matches_prefix(form: tuple[str, ...]) -> bool:
    """Whether the last word of a row finds what is longer too."""
    return len(form[-1]) >= _MIN_PREFIX_LENGTH


@dataclass(frozen=True)
class SearchQuery:
    """What is searched for: every term has to be found in a record."""

    text: str
    terms: tuple[SearchTerm, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(term.pattern() for term in self.terms), re.IGNORECASE)

    @property
    def serial(self) -> int | None:
        """The number that was typed and nothing else, as the last part of a request's number."""
        return (
            int(self.text)
            if self.text.isascii() and self.text.isdigit() and len(self.text) <= _MAX_SERIAL_DIGITS
            else None
        )

    def matches(self, text: str) -> bool:
        """Whether any of the terms is in ``text``."""
        return self._pattern.search(text) is not None

    def highlight(self, text: str) -> list[TextPiece]:
        """Return ``text`` in pieces."""
        return list(self._pieces(text))

    def _pieces(self, text: str) -> Iterator[TextPiece]:
        end = 0
        for found in self._pattern.finditer(text):
            if found.start() > end:
                yield text[end : found.start()], False
            yield found.group(), True
            end = found.end()
        if end < len(text):
            yield text[end:], False

    def excerpt(self, text: str, length: int) -> list[TextPiece]:
        """Return the part of ``text`` of about ``length`` characters that the first find stands in, in pieces."""
        text = " ".join(text.split())
        found = self._pattern.search(text)
        start = max(0, (found.start() if found else 0) - length // 3)
        # A word is not cut where it begins.
        start = text.find(" ", start) + 1 if start else 0
        cut = text[start : start + length]
        before, after = ("… " if start else ""), ("…" if start + length < len(text) else "")
        return [*([(before, False)] if before else []), *self._pieces(cut), *([(after, False)] if after else [])]


_MAX_SERIAL_DIGITS = 9


def parse_search(text: str) -> SearchQuery:
    """Return what ``text`` searches for; Malformed where nothing can be made of it. Nothing typed has no terms."""
    text = text.strip()
    if len(text) > MAX_QUERY_LENGTH or "\x00" in text:
        raise Malformed(_("Search for at most %(most)s characters.", most=MAX_QUERY_LENGTH))
    chunks = [words for chunk in text.lower().split() if (words := tuple(_WORD.findall(chunk)))]
    if text and not chunks:
        raise Malformed(_("The search text has no letters or digits."))
    if len(chunks) > MAX_QUERY_WORDS:
        raise Malformed(_("Search for at most %(most)s words.", most=MAX_QUERY_WORDS))
    return SearchQuery(text, tuple(SearchTerm(_forms(words)) for words in dict.fromkeys(chunks)))


def _forms(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of words by which ``words`` are looked for, as they were typed first."""
    if len(words) > 1:
        return (words,)
    (word,) = words
    if code_scheme(word):
        # The code of an item without its dots.
        return words, tuple(format_code(word).split("."))
    if len(word) < _MIN_PREFIX_LENGTH or not _LETTERS.fullmatch(word):
        return (words,)
    nasal, gives_way = _NASALS[word[0]]
    rest = word[1:] if gives_way else word
    prefixed = (*(prefix + word for prefix in _PREFIXES), f"me{nasal}{rest}", f"pe{nasal}{rest}")
    return (words, *((form,) for form in prefixed))
