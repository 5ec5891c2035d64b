"""The values of a TOML file asked for one by one: each answer has the right type, or is a fault with its line."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from typing import TYPE_CHECKING, TypeVar

from lpse_admin.i18n import Message, _
from lpse_admin.sop.line_numbers import Path, line_of
from lpse_admin.sop.model import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from enum import StrEnum

    Word = TypeVar("Word", bound=StrEnum)

LARGEST_NO = 9_999
#: Who has so many faults to mend will check again anyway.
MOST_FAULTS = 500
#: No paper has so many steps, actors, requirements or words to explain.
MOST_ENTRIES = 200
LONGEST_KEY = 64

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: Control characters, halves of letters, and marks that show a text in another order than it is stored in.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def is_key(text: str) -> bool:
    """Whether ``text`` can be a key: small letters, digits and single hyphens, as in ``lumajang-2018``."""
    return len(text) <= LONGEST_KEY and _KEY.fullmatch(text) is not None


def shown(text: str) -> str:
    """Return ``text`` short and printable, for a sentence about it."""
    longest = 60
    short = text if len(text) <= longest else text[:longest] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in short)


class Source:
    """The file as a whole: where things stand in it, and the faults found so far."""

    def __init__(self, lines: dict[Path, int], top: Collection[str] = ()) -> None:
        """Take where things stand, and the keys that belong above the first table."""
        self.lines = lines
        self.top = top
        self.faults: list[Fault] = []

    def fault(self, path: Path, message: Message) -> None:
        """Note a fault at ``path``."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(line_of(self.lines, path), message))


class Table:
    """One table of the file. Each question answers with a value of the right type, and notes a fault if it had to."""

    def __init__(
        self,
        source: Source,
        path: Path,
        values: Mapping[str, object] | None,
        known: Collection[str] | None,
        *,
        is_wrong: bool = False,
    ) -> None:
        """Take the values; a key that is not ``known`` is a fault, unless that is None."""
        self.source = source
        self.path = path
        self.is_there = values is not None
        #: Whether something else stands where the table should, which has been told.
        self.is_wrong = is_wrong
        self.values = values or {}
        if known is not None:
            self._blame_unknown(known)

    def _blame_unknown(self, known: Collection[str]) -> None:
        for key in [key for key in self.values if key not in known][:MOST_FAULTS]:
            close = difflib.get_close_matches(key[:LONGEST_KEY], known, n=1)
            if self.path and key in self.source.top:
                self.fault(_("%(key)s belongs above the first table, above [agency]", key=shown(key)), key)
            elif close:
                self.fault(_("unknown key %(key)s; is %(close)s meant?", key=shown(key), close=close[0]), key)
            else:
                self.fault(_("unknown key %(key)s; there are %(known)s",
                             key=shown(key), known=", ".join(known)), key)  # fmt: skip

    def fault(self, message: Message, *keys: str | int) -> None:
        """Note a fault of the table, or of what ``keys`` lead to in it."""
        self.source.fault((*self.path, *keys), message)

    def _missing(self, key: str) -> None:
        self.fault(_("%(key)s is missing", key=key))

    def _is_text(self, value: object, *keys: str | int) -> bool:
        name = next(key for key in reversed(keys) if isinstance(key, str))
        if not isinstance(value, str):
            self.fault(_("%(key)s must be a text in quotes", key=shown(name)), *keys)
            return False
        if _UNPRINTABLE.search(value):
            self.fault(_("%(key)s holds a character that cannot be printed", key=shown(name)), *keys)
            return False
        return True

    def text(self, key: str, *, is_needed: bool = False, longest: int | None = None) -> str:
        """Return a text without the space around it, or nothing; ``longest`` is how many letters it may have."""
        value = self.values.get(key)
        if value is None:
            if is_needed:
                self._missing(key)
            return ""
        if not self._is_text(value, key):
            return ""
        text = str(value).strip()
        if is_needed and not text:
            self.fault(_("%(key)s is empty", key=shown(key)), key)
        if longest is not None and len(text) > longest:
            self.fault(_("%(key)s is longer than %(longest)s letters", key=key, longest=longest), key)
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.fault(_("%(key)s must be a list of texts", key=key), key)
            return ()
        found = []
        for place, text in enumerate(value):
            if self._is_text(text, key, place):
                if text.strip():
                    found.append(text.strip())
                else:
                    self.fault(_("%(key)s is empty", key=key), key, place)
        return tuple(found)

    def key(self, key: str = "key") -> str:
        """Return a key that must be there."""
        text = self.text(key, is_needed=True)
        if text and not is_key(text):
            self.fault(_("%(key)s must be of small letters, digits and hyphens, not %(found)s",
                         key=key, found=shown(text)), key)  # fmt: skip
        return text

    def word(
        self, key: str, words: type[Word], *, among: Collection[Word] | None = None, is_needed: bool = False
    ) -> Word | None:
        """Return one of the words of an enum; ``among`` are those to be named where it is none."""
        text = self.text(key, is_needed=is_needed)
        if not text:
            return None
        try:
            return words(text)
        except ValueError:
            named = ", ".join(words if among is None else among)
            self.fault(_("%(key)s must be one of %(words)s, not %(found)s",
                         key=key, words=named, found=shown(text)), key)  # fmt: skip
            return None

    def flag(self, key: str) -> bool:
        """Return true or false; false if it is not there."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.fault(_("%(key)s must be true or false", key=key), key)
            return False
        return value

    def date(self, key: str) -> dt.date | None:
        """Return a date."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            self.fault(_("%(key)s must be a date like 2018-03-31, without quotes", key=key), key)
            return None
        return value

    def no(self) -> int | None:
        """Return the number of a row."""
        value = self.values.get("no")
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST_NO:
            self.fault(_("no must be a whole number from 1 to %(largest)s", largest=LARGEST_NO), "no")
            return None
        return value

    def names(self) -> list[str]:
        """Return the keys, as many of them as anybody would type."""
        return list(self.values)[:MOST_ENTRIES]

    def table(self, key: str, known: Collection[str] | None, *, is_needed: bool = False) -> Table:
        """Return a table within this one, an empty one if there is none."""
        value = self.values.get(key)
        if value is None and is_needed:
            self._missing(key)
        elif value is not None and not isinstance(value, dict):
            self.fault(_('%(key)s must be a table, written { key = "…" }', key=key), key)
        found = value if isinstance(value, dict) else None
        return Table(self.source, (*self.path, key), found, known, is_wrong=value is not None and found is None)

    def _no_tables(self, key: str) -> Message:
        if self.path:
            return _('%(key)s must be a list of tables, each written { kind = "…", label = "…" }', key=key)
        return _("%(key)s must be tables, each below a line [[%(key)s]]", key=key)

    def tables(self, key: str, known: Collection[str]) -> Iterator[Table]:
        """Yield each table of a list."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.fault(self._no_tables(key), key)
            return
        if len(value) > MOST_ENTRIES:
            self.fault(_("%(key)s has more than %(most)s entries", key=key, most=MOST_ENTRIES), key)
        for place, entry in enumerate(value[:MOST_ENTRIES]):
            if isinstance(entry, dict):
                yield Table(self.source, (*self.path, key, place), entry, known)
            else:
                self.fault(self._no_tables(key), key, place)
