"""Parse a search text into terms, and find and highlight them in a text.

A word matches words that start with it, in any case and with any accents, also after an Indonesian prefix: "uji"
matches "diuji", "menguji" and "pengujian". A word of one or two letters matches only itself. A term with separators and
without a space ("RFC/2026/0042", "1.3.2.05") matches its parts in this order, with any separators between, or none.

The same thing is written in several ways, so a term also matches its other notations: "X5YZ" and "X 5 YZ", "2026/81"
and "2026/0081", "81/2026" too. ``spelling`` has what a word is tried with when nothing is found.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lpse_admin.errors import Malformed
from lpse_admin.i18n import _
from lpse_admin.inventory.codes import code_scheme, format_code
from lpse_admin.search.spelling import edits, splits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

#: The most characters and words of a query.
MAX_QUERY_LENGTH = 200
MAX_QUERY_WORDS = 10

#: The shortest word that also matches longer words.
_MIN_PREFIX_LENGTH = 3

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile("[a-z]+")
#: The parts of a word that mixes letters and digits, as in a number plate.
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")

#: How many digits the last part of a request's number and the register of an item have.
_NUMBER_WIDTH = 4
#: The most parts of a term whose last may be a number with zeros before it.
_MAX_NUMBERED_WORDS = 4
#: The longest word that is put together from the parts of a query.
_MAX_JOINED_LENGTH = 40
_MIN_JOINED_LENGTH = 3
#: The parts of a request's number.
_YEAR_AND_NUMBER = 2
#: The longest query whose words may be one word elsewhere ("X 5 YZ").
_MAX_JOINED_WORDS = 5
#: How many words of a query are looked for with other letters.
_MAX_LOOSE_WORDS = 3
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
#: Words that follow one another.
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A term of the query: any of ``variants`` matches, each a sequence of words, or any of ``whole_words``."""

    variants: tuple[Words, ...]
    #: Words that match only as they are: with one letter changed, and not the beginning of longer ones.
    whole_words: tuple[str, ...] = ()

    @property
    def prefix_variants(self) -> Iterator[tuple[str, ...]]:
        """The variants whose last word also matches longer words."""
        return filter(matches_prefix, self.variants)

    def pattern(self) -> str:
        """Return the regular expression of the term."""
        patterns = "|".join(
            r"[\W_]+".join(map(re.escape, variant)) + ("" if matches_prefix(variant) else r"(?![^\W_])")
            for variant in (*self.variants, *((word,) for word in self.whole_words))
        )
        return rf"(?<![^\W_])(?:{patterns})"

    def loosened(self, occurring: Callable[[Sequence[Words]], Collection[Words]]) -> SearchTerm:
        """Return the term, which occurs nowhere, as what is nearly written so and occurs, if anything.

        Its word is in two, or has one other letter.
        """
        if len(self.variants[0]) > 1:
            return self
        (word,) = self.variants[0]
        in_two, edited = tuple(splits(word)), tuple(dict.fromkeys(edits(word)))
        found = occurring([*in_two, *((one,) for one in edited)])
        if not found:
            return self
        return SearchTerm(tuple(one for one in in_two if one in found), tuple(one for one in edited if (one,) in found))


def matches_prefix(variant: tuple[str, ...]) -> bool:
    """Whether the last word of ``variant`` also matches longer words."""
    return len(variant[-1]) >= _MIN_PREFIX_LENGTH


@dataclass(frozen=True)
class SearchQuery:
    """A search query; a record must match every term, or ``joined``, all of them written as one word."""

    text: str
    terms: tuple[SearchTerm, ...]
    joined: SearchTerm | None = None

    # Asked for with each text of a hit, 180 times on a page of hits: 2.6 ms.
    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        terms = (*self.terms, *([self.joined] if self.joined else []))
        return re.compile("|".join(term.pattern() for term in terms), re.IGNORECASE)

    @property
    def serial(self) -> int | None:
        """The number, if the query is one: the last part of a request's number."""
        return (
            int(self.text)
            if self.text.isascii() and self.text.isdigit() and len(self.text) <= _MAX_SERIAL_DIGITS
            else None
        )

    @property
    def year_and_serial(self) -> tuple[int, int] | None:
        """Year and number of the request that the query names in any notation ("rfc 2026 81", "81/2026"), if any."""
        numbers = [part for part in _WORD.findall(fold(self.text)) if part != "rfc"]
        if len(numbers) != _YEAR_AND_NUMBER or not all(_NUMBER.fullmatch(part) for part in numbers):
            return None
        year, serial = numbers if _YEAR.fullmatch(numbers[0]) else reversed(numbers)
        return (int(year), int(serial)) if _YEAR.fullmatch(year) else None

    @cached_property
    def compact(self) -> tuple[str, ...]:
        """The words of the query without separators, as they may stand in the middle of something."""
        return tuple(filter(None, (fold("".join(_WORD.findall(chunk))) for chunk in self.text.split())))

    def loosened(
        self, is_known: Callable[[SearchTerm], bool], occurring: Callable[[Sequence[Words]], Collection[Words]]
    ) -> SearchQuery:
        """Return the query for what is nearly written so: terms that occur nowhere in two words, or another letter.

        ``occurring`` returns those of many words and pairs of words that any record has: a word of eight letters is
        written nearly so in four hundred ways, of which one or two occur.
        """
        unknown = [term for term in self.terms if not is_known(term)]
        if len(unknown) > _MAX_LOOSE_WORDS:
            return self
        terms = (term.loosened(occurring) if term in unknown else term for term in self.terms)
        return SearchQuery(self.text, tuple(terms))

    def matches(self, text: str) -> bool:
        """Whether any of the terms matches ``text``."""
        return self._pattern.search(_FoldedText(text).folded) is not None

    def highlight(self, text: str) -> list[TextPiece]:
        """Return ``text`` in pieces, matching and not."""
        return list(self._pieces(text))

    def _pieces(self, text: str) -> Iterator[TextPiece]:
        folded, end = _FoldedText(text), 0
        for match in self._pattern.finditer(folded.folded):
            start, stop = folded.place(match.start()), folded.place(match.end())
            if start > end:
                yield text[end:start], False
            yield text[start:stop], True
            end = stop
        if end < len(text):
            yield text[end:], False

    def excerpt(self, text: str, length: int) -> list[TextPiece]:
        """Return about ``length`` characters of ``text`` around the first match, in pieces."""
        text = " ".join(text.split())
        folded = _FoldedText(text)
        match = self._pattern.search(folded.folded)
        start = max(0, (folded.place(match.start()) if match else 0) - length // 3)
        # Start at the beginning of a word.
        start = text.find(" ", start) + 1 if start else 0
        cut = text[start : start + length]
        before, after = ("… " if start else ""), ("…" if start + length < len(text) else "")
        return [*([(before, False)] if before else []), *self._pieces(cut), *([(after, False)] if after else [])]


def fold(text: str) -> str:
    """Return ``text`` in small letters without accents, however they are encoded."""
    return _without_accents(text).lower()


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


class _FoldedText:
    """A text without accents, and the places of its letters in the text as it is."""

    def __init__(self, text: str) -> None:
        self.folded, self._places = text, None if text.isascii() else [0]
        if self._places is not None:
            letters = [_without_accents(letter) for letter in text]
            self.folded = "".join(letters)
            self._places = [index for index, letter in enumerate(letters) for _ in letter] + [len(text)]

    def place(self, folded: int) -> int:
        """Return the place in the text as it is."""
        return folded if self._places is None else self._places[folded]


_MAX_SERIAL_DIGITS = 9
_YEAR = re.compile("20[0-9]{2}")
_NUMBER = re.compile("[0-9]{1,9}")


def parse_search(text: str) -> SearchQuery:
    """Return the query for ``text``, without terms if it is empty.

    Raises Malformed if it is too long, has too many words, or no letters or digits.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if len(text) > MAX_QUERY_LENGTH or "\x00" in text:
        raise Malformed(_("Search for at most %(most)s characters.", most=MAX_QUERY_LENGTH))
    chunks = [words for chunk in fold(text).split() if (words := tuple(_WORD.findall(chunk)))]
    if text and not chunks:
        raise Malformed(_("The search text has no letters or digits."))
    if len(chunks) > MAX_QUERY_WORDS:
        raise Malformed(_("Search for at most %(most)s words.", most=MAX_QUERY_WORDS))
    terms = tuple(SearchTerm(tuple(dict.fromkeys(_variants(words)))) for words in dict.fromkeys(chunks))
    return SearchQuery(text, terms, _joined_term([word for words in chunks for word in words], len(chunks)))


def _joined_term(words: list[str], chunks: int) -> SearchTerm | None:
    """Return the term for all words as one, where they may be parts of a plate, a number or a name like e-Kontrak."""
    joined = "".join(words)
    may_be_one = any(len(word) < _MIN_PREFIX_LENGTH or word.isdigit() for word in words)
    if (
        not may_be_one
        or not 1 < chunks <= _MAX_JOINED_WORDS
        or not _MIN_JOINED_LENGTH <= len(joined) <= _MAX_JOINED_LENGTH
    ):
        return None
    return SearchTerm(((joined,),))


def _variants(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the variants of ``words``, as typed first."""
    yield words
    *before, last = words
    for number in _number_notations(last) if len(words) <= _MAX_NUMBERED_WORDS else ():
        yield (*before, number)
    if len(words) > 1:
        yield from _compound_variants(words)
        return
    (word,) = words
    if code_scheme(word):
        # An item code without its dots.
        yield tuple(format_code(word).split("."))
    parts = tuple(_LETTERS_OR_DIGITS.findall(word))
    if len(parts) > 1:
        yield parts
    if len(word) < _MIN_PREFIX_LENGTH or not _LETTERS.fullmatch(word):
        return
    nasal, replaces_letter = _NASALS[word[0]]
    rest = word[1:] if replaces_letter else word
    for form in (*(prefix + word for prefix in _PREFIXES), f"me{nasal}{rest}", f"pe{nasal}{rest}"):
        yield (form,)


def _compound_variants(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield how else a term with separators may be written: without them, and a number before its year behind it."""
    joined = "".join(words)
    if len(joined) <= _MAX_JOINED_LENGTH and not joined.isdigit():
        yield (joined,)
    if len(words) == _YEAR_AND_NUMBER and words[0].isdigit() and _YEAR.fullmatch(words[1]):
        number, year = words
        for one in (number, *_number_notations(number)):
            yield (year, one)


def _number_notations(word: str) -> Iterator[str]:
    """Yield the other notations of a number: with the zeros that registers have before it, and without any."""
    if word.isascii() and word.isdigit():
        plain = word.lstrip("0") or "0"
        if len(word) < _NUMBER_WIDTH:
            yield plain.zfill(_NUMBER_WIDTH)
        if plain != word and len(word) <= _NUMBER_WIDTH:
            yield plain
