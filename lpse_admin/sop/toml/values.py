"""Typed access to the values of a TOML file; a value of the wrong type is recorded as an error with its line."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from typing import TYPE_CHECKING, TypeVar

from lpse_admin.i18n import Message, _
from lpse_admin.sop.model import LineError
from lpse_admin.sop.toml.scanner import KeyPath, line_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from enum import StrEnum

    ChoiceT = TypeVar("ChoiceT", bound=StrEnum)

MAX_ROW_NUMBER = 9_999
#: More errors than this are not listed.
MAX_ERRORS = 500
#: The most entries in a list of steps, actors, requirements or terms.
MAX_ENTRIES = 200
MAX_KEY_LENGTH = 64

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: Control characters, lone surrogates, and bidirectional overrides.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def is_key(text: str) -> bool:
    """Whether ``text`` can be a key: lower-case letters, digits and single hyphens, as in ``lumajang-2018``."""
    return len(text) <= MAX_KEY_LENGTH and _KEY.fullmatch(text) is not None


def printable(text: str) -> str:
    """Return ``text`` shortened to 60 characters, with "?" for each unprintable one."""
    longest = 60
    short = text if len(text) <= longest else text[:longest] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in short)


class SourceFile:
    """The whole file: the line of each value, and the errors found so far."""

    def __init__(self, lines: dict[KeyPath, int], top_level_keys: Collection[str] = ()) -> None:
        """Store the lines, and the keys that belong above the first table."""
        self.lines = lines
        self.top_level_keys = top_level_keys
        self.errors: list[LineError] = []

    def add_error(self, path: KeyPath, message: Message) -> None:
        """Add an error at ``path``."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(LineError(line_of(self.lines, path), message, path))


class Table:
    """One table of the file. Each method returns a value of the right type, or adds an error and returns a default."""

    def __init__(
        self,
        source: SourceFile,
        path: KeyPath,
        values: Mapping[str, object] | None,
        known: Collection[str] | None,
        *,
        is_invalid: bool = False,
    ) -> None:
        """Store the values; a key that is not in ``known`` is an error, unless ``known`` is None."""
        self.source = source
        self.path = path
        self.exists = values is not None
        #: Whether the value is not a table; that error was already added.
        self.is_invalid = is_invalid
        self.values = values or {}
        if known is not None:
            self._report_unknown_keys(known)

    def _report_unknown_keys(self, known: Collection[str]) -> None:
        for key in [key for key in self.values if key not in known][:MAX_ERRORS]:
            close = difflib.get_close_matches(key[:MAX_KEY_LENGTH], known, n=1)
            if self.path and key in self.source.top_level_keys:
                self.add_error(_("%(key)s must be above the first table, above [agency]", key=printable(key)), key)
            elif close:
                self.add_error(
                    _("unknown key %(key)s; did you mean %(close)s?", key=printable(key), close=close[0]), key
                )
            else:
                self.add_error(_("unknown key %(key)s; known keys are %(known)s",
                             key=printable(key), known=", ".join(known)), key)  # fmt: skip

    def add_error(self, message: Message, *keys: str | int) -> None:
        """Add an error for the table, or for the value at ``keys`` in it."""
        self.source.add_error((*self.path, *keys), message)

    def _report_missing(self, key: str) -> None:
        self.add_error(_("%(key)s is missing", key=key))

    def _is_text(self, value: object, *keys: str | int) -> bool:
        name = next(key for key in reversed(keys) if isinstance(key, str))
        if not isinstance(value, str):
            self.add_error(_("%(key)s must be a string in quotes", key=printable(name)), *keys)
            return False
        if _UNPRINTABLE.search(value):
            self.add_error(_("%(key)s contains a character that cannot be printed", key=printable(name)), *keys)
            return False
        return True

    def text(self, key: str, *, is_required: bool = False, max_length: int | None = None) -> str:
        """Return a string, stripped; empty if it is missing. ``max_length`` is in characters."""
        value = self.values.get(key)
        if value is None:
            if is_required:
                self._report_missing(key)
            return ""
        if not self._is_text(value, key):
            return ""
        text = str(value).strip()
        if is_required and not text:
            self.add_error(_("%(key)s is empty", key=printable(key)), key)
        if max_length is not None and len(text) > max_length:
            self.add_error(_("%(key)s is longer than %(longest)s characters", key=key, longest=max_length), key)
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, stripped."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.add_error(_("%(key)s must be a list of strings", key=key), key)
            return ()
        texts = []
        for index, text in enumerate(value):
            if self._is_text(text, key, index):
                if text.strip():
                    texts.append(text.strip())
                else:
                    self.add_error(_("%(key)s is empty", key=key), key, index)
        return tuple(texts)

    def key(self, key: str = "key") -> str:
        """Return a required key."""
        text = self.text(key, is_required=True)
        if text and not is_key(text):
            self.add_error(_("%(key)s must consist of lower-case letters, digits and hyphens, not %(found)s",
                         key=key, found=printable(text)), key)  # fmt: skip
        return text

    def choice(
        self, key: str, enum: type[ChoiceT], *, offered: Collection[ChoiceT] | None = None, is_required: bool = False
    ) -> ChoiceT | None:
        """Return a member of ``enum``, or None with an error that lists ``offered`` (default: all members)."""
        text = self.text(key, is_required=is_required)
        if not text:
            return None
        try:
            return enum(text)
        except ValueError:
            named = ", ".join(enum if offered is None else offered)
            self.add_error(_("%(key)s must be one of %(words)s, not %(found)s",
                         key=key, words=named, found=printable(text)), key)  # fmt: skip
            return None

    def boolean(self, key: str) -> bool:
        """Return a boolean; False if it is missing."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.add_error(_("%(key)s must be true or false", key=key), key)
            return False
        return value

    def date(self, key: str) -> dt.date | None:
        """Return a date, or None."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            self.add_error(_("%(key)s must be a date like 2018-03-31, without quotes", key=key), key)
            return None
        return value

    def row_number(self) -> int | None:
        """Return the number of a row, or None."""
        return self.whole_number("no", MAX_ROW_NUMBER)

    def whole_number(self, key: str, largest: int) -> int | None:
        """Return a number from 1 on, or None."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
            self.add_error(_("%(key)s must be a whole number from 1 to %(largest)s", key=key, largest=largest), key)
            return None
        return value

    def key_names(self) -> list[str]:
        """Return the keys, at most MAX_ENTRIES."""
        return list(self.values)[:MAX_ENTRIES]

    def table(self, key: str, known: Collection[str] | None, *, is_required: bool = False) -> Table:
        """Return a nested table; an empty one if it is missing."""
        value = self.values.get(key)
        if value is None and is_required:
            self._report_missing(key)
        elif value is not None and not isinstance(value, dict):
            self.add_error(_('%(key)s must be a table, written { key = "…" }', key=key), key)
        values = value if isinstance(value, dict) else None
        return Table(self.source, (*self.path, key), values, known, is_invalid=value is not None and values is None)

    def _tables_expected(self, key: str) -> Message:
        if self.path:
            return _('%(key)s must be a list of tables, each written { kind = "…", label = "…" }', key=key)
        return _("%(key)s must be tables, each under a line [[%(key)s]]", key=key)

    def tables(self, key: str, known: Collection[str]) -> Iterator[Table]:
        """Yield each table of a list."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.add_error(self._tables_expected(key), key)
            return
        if len(value) > MAX_ENTRIES:
            self.add_error(_("%(key)s has more than %(most)s entries", key=key, most=MAX_ENTRIES), key)
        for index, entry in enumerate(value[:MAX_ENTRIES]):
            if isinstance(entry, dict):
                yield Table(self.source, (*self.path, key, index), entry, known)
            else:
                self.add_error(self._tables_expected(key), key, index)
