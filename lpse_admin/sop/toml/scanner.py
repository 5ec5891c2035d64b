"""Where the values of a TOML file are and where its syntax is wrong, neither of which tomllib reports as data."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from bisect import bisect_left
from contextlib import suppress
from enum import Enum, auto

#: The path of a value: table keys and list indexes, as in ``("steps", 2, "outcomes", "accepted")``.
KeyPath = tuple[str | int, ...]

#: The deepest path of an SOP is ``steps, 2, requires, 1, label``; a deeper one gets the line of its parent.
_MAX_DEPTH = 6

_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_MULTILINE_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CURLY_QUOTE = re.compile("[“”„‟‘’‚«»]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
#: A backslash and what may follow it, in a string between double quotes.
_ESCAPE = re.compile(r'\\(?:[btnfr"\\]|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\n)')

_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_DATE = re.compile(
    rf"(\d{{4}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?:[Tt ]{_TIME}(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_SCALAR = re.compile(
    rf"true|false|{_TIME}|[+-]?(?:inf|nan)"
    r"|0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0b[01](?:_?[01])*|0o[0-7](?:_?[0-7])*"
    r"|[+-]?(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?"
)


class SyntaxErrorKind(Enum):
    """What is wrong with the syntax."""

    NO_KEY_VALUE = auto()
    NO_KEY = auto()
    NO_EQUALS = auto()
    NO_VALUE = auto()
    NO_SUCH_DATE = auto()
    EXTRA_TEXT = auto()
    CURLY_QUOTE = auto()
    UNTERMINATED_STRING = auto()
    UNTERMINATED_LINES = auto()
    CONTROL_CHARACTER = auto()
    BACKSLASH = auto()
    UNCLOSED_LIST = auto()
    UNCLOSED_TABLE = auto()
    UNCLOSED_HEADER = auto()
    DUPLICATE_KEY = auto()
    DUPLICATE_TABLE = auto()


class TomlSyntaxError(Exception):
    """The first syntax error, and its line (from 1)."""

    def __init__(self, kind: SyntaxErrorKind, line: int) -> None:
        super().__init__(kind, line)
        self.kind, self.line = kind, line


class _Scanner:
    """Walks through a TOML file and records the line of each key and list item; raises TomlSyntaxError."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.newlines = [result.start() for result in re.finditer("\n", text)]
        self.lines: dict[KeyPath, int] = {}
        #: How many tables each list of tables has so far.
        self.counts: dict[KeyPath, int] = {}
        self.values: set[KeyPath] = set()
        self.headers: set[KeyPath] = set()
        self.dotted: set[KeyPath] = set()

    # -- where it is ------------------------------------------------------------------------------

    def line_at(self, position: int) -> int:
        return bisect_left(self.newlines, position) + 1

    def error(self, kind: SyntaxErrorKind, position: int | None = None) -> TomlSyntaxError:
        """Return the error; the last line is that of the last character, not of an empty line behind it."""
        at = self.position if position is None else position
        return TomlSyntaxError(kind, self.line_at(min(at, max(len(self.text) - 1, 0))))

    def unexpected(self, kind: SyntaxErrorKind) -> TomlSyntaxError:
        """Return an error of ``kind``, or that of a curly quotation mark if there is one."""
        is_curly = _CURLY_QUOTE.match(self.text, self.position)
        return self.error(SyntaxErrorKind.CURLY_QUOTE if is_curly else kind)

    def enter(self, path: KeyPath, part: str | int) -> KeyPath:
        """Return the path of ``part`` in ``path``, and record its line, which is the current one."""
        if len(path) < _MAX_DEPTH:
            path = (*path, part)
            self.lines.setdefault(path, self.line_at(self.position))
        return path

    def match(self, pattern: re.Pattern[str]) -> str:
        result = pattern.match(self.text, self.position)
        self.position = result.end() if result else self.position
        return result.group() if result else ""

    def accept(self, token: str, skip: re.Pattern[str] = _SPACE) -> bool:
        """Skip white space and then ``token``; return whether it was there."""
        self.match(skip)
        is_there = self.text.startswith(token, self.position)
        self.position += len(token) * is_there
        return is_there

    # -- keys and values --------------------------------------------------------------------------

    def scan_string(self, pattern: re.Pattern[str]) -> str:
        start = self.position
        string = self.match(pattern)
        if control := _CONTROL.search(string):
            raise self.error(SyntaxErrorKind.CONTROL_CHARACTER, start + control.start())
        if string.startswith('"'):
            backslash = _ESCAPE.sub(lambda found: " " * len(found[0]), string).find("\\")
            if backslash >= 0:
                raise self.error(SyntaxErrorKind.BACKSLASH, start + backslash)
        return string

    def scan_key(self, missing: SyntaxErrorKind) -> list[str]:
        parts: list[str] = []
        while True:
            self.match(_BLANK)
            if quoted := self.scan_string(_STRING):
                parts.append(str(tomllib.loads(f"key = {quoted}")["key"]))
            elif bare := self.match(_BARE_KEY):
                parts.append(bare)
            else:
                raise self.unexpected(SyntaxErrorKind.NO_KEY if parts else missing)
            if not self.accept(".", _BLANK):
                return parts

    def scan_pair(self, base: KeyPath, missing_key: SyntaxErrorKind) -> None:
        self.match(_BLANK)
        start = self.position
        keys = self.scan_key(missing_key)
        end, self.position = self.position, start
        path = base
        for number, part in enumerate(keys, start=1):
            path = self.enter(path, part)
            if len(path) < _MAX_DEPTH:
                self.assign(path, is_whole=number == len(keys))
        self.position = end
        if not self.accept("=", _BLANK):
            raise self.error(SyntaxErrorKind.NO_EQUALS)
        self.match(_BLANK)
        self.scan_value(path)

    def assign(self, path: KeyPath, *, is_whole: bool) -> None:
        """Record a value, or with a dotted key a table that the value is in."""
        if path in self.values or (is_whole and (path in self.dotted or path in self.headers or path in self.counts)):
            raise self.error(SyntaxErrorKind.DUPLICATE_KEY)
        (self.values if is_whole else self.dotted).add(path)

    def scan_value(self, path: KeyPath) -> None:
        if self.text.startswith("[", self.position):
            self.scan_list(path)
        elif self.text.startswith("{", self.position):
            self.scan_inline_table(path)
        elif self.text.startswith(('"""', "'''"), self.position):
            if not self.scan_string(_MULTILINE_STRING):
                raise self.error(SyntaxErrorKind.UNTERMINATED_LINES)
        elif self.text.startswith(('"', "'"), self.position):
            if not self.scan_string(_STRING):
                raise self.error(SyntaxErrorKind.UNTERMINATED_STRING)
        elif not self.scan_date() and not self.match(_SCALAR):
            raise self.unexpected(SyntaxErrorKind.NO_VALUE)

    def scan_date(self) -> bool:
        result = _DATE.match(self.text, self.position)
        if result is None:
            return False
        try:
            dt.date.fromisoformat(result[1])
        except ValueError:
            raise self.error(SyntaxErrorKind.NO_SUCH_DATE) from None
        self.position = result.end()
        return True

    def scan_list(self, path: KeyPath) -> None:
        self.accept("[")
        number = 0
        while not self.accept("]"):
            if number and not self.accept(","):
                raise self.error(SyntaxErrorKind.UNCLOSED_LIST)
            if number and self.accept("]"):
                return
            self.scan_value(self.enter(path, number))
            number += 1

    def scan_inline_table(self, path: KeyPath) -> None:
        self.accept("{")
        is_first = True
        while not (is_first and self.accept("}", _BLANK)):
            self.scan_pair(path, SyntaxErrorKind.NO_KEY)
            is_first = False
            if self.accept("}", _BLANK):
                return
            if not self.accept(",", _BLANK):
                raise self.error(SyntaxErrorKind.UNCLOSED_TABLE)

    # -- lines ------------------------------------------------------------------------------------

    def scan_header(self, start: int, *, is_list: bool) -> KeyPath:
        path: KeyPath = ()
        keys = self.scan_key(SyntaxErrorKind.NO_KEY)
        end, self.position = self.position, start
        for depth, part in enumerate(keys, start=1):
            path = self.enter(path, part)
            if path in self.values:
                raise self.error(SyntaxErrorKind.DUPLICATE_TABLE)
            if depth == len(keys) and len(path) < _MAX_DEPTH:
                self.declare(path, is_list=is_list)
            if path in self.counts:
                path = self.enter(path, self.counts[path] - 1)
        self.position = end
        if not self.accept("]]" if is_list else "]", _BLANK):
            raise self.error(SyntaxErrorKind.UNCLOSED_HEADER)
        return path

    def declare(self, path: KeyPath, *, is_list: bool) -> None:
        """Record a table, or the next table of a list."""
        if path in self.dotted or path in self.headers or (path in self.counts and not is_list):
            raise self.error(SyntaxErrorKind.DUPLICATE_TABLE)
        if is_list:
            self.counts[path] = self.counts.get(path, 0) + 1
        else:
            self.headers.add(path)

    def scan(self) -> None:
        base: KeyPath = ()
        self.match(_SPACE)
        while self.position < len(self.text):
            start = self.position
            if self.accept("[["):
                base = self.scan_header(start, is_list=True)
            elif self.accept("["):
                base = self.scan_header(start, is_list=False)
            else:
                self.scan_pair(base, SyntaxErrorKind.NO_KEY_VALUE)
            if not _LINE_END.match(self.text, self.position):
                raise self.error(SyntaxErrorKind.EXTRA_TEXT)
            self.match(_SPACE)


def find_syntax_error(text: str) -> TomlSyntaxError | None:
    """Return the first syntax error of ``text``; None if it has none, or one that only tomllib finds."""
    try:
        _Scanner(text.replace("\r\n", "\n")).scan()
    except TomlSyntaxError as error:
        return error
    except RecursionError:
        return None
    return None


def find_line_numbers(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of each table, key and list item of ``text``, up to the first syntax error."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    with suppress(TomlSyntaxError):
        scanner.scan()
    return scanner.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of ``path`` or of its nearest known parent, else 1."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
