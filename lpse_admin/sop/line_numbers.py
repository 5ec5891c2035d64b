"""The line numbers of the values in a TOML file, which tomllib does not report."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left

#: The path of a value: table keys and list indexes, as in ``("steps", 2, "outcomes", "accepted")``.
KeyPath = tuple[str | int, ...]

#: The deepest path of an SOP is ``steps, 2, requires, 1, label``; a deeper one gets the line of its parent.
_MAX_DEPTH = 6

_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")


class _Scanner:
    """Walks through valid TOML and records the line of each key and list item."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.newlines = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def enter(self, path: KeyPath, part: str | int) -> KeyPath:
        """Return the path of ``part`` in ``path``, and record its line, which is the current one."""
        if len(path) < _MAX_DEPTH:
            path = (*path, part)
            self.lines.setdefault(path, bisect_left(self.newlines, self.position) + 1)
        return path

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        self.position = found.end() if found else self.position
        return found.group() if found else ""

    def accept(self, token: str) -> bool:
        """Skip white space and then ``token``; return whether it was there."""
        self.match(_SPACE)
        is_there = self.text.startswith(token, self.position)
        self.position += len(token) * is_there
        return is_there

    def scan_key(self) -> list[str]:
        parts = []
        while True:
            self.match(_SPACE)
            quoted = self.match(_STRING)
            parts.append(str(tomllib.loads(f"key = {quoted}")["key"]) if quoted else self.match(_BARE_KEY))
            if not self.accept("."):
                return parts

    def scan_pair(self, base: KeyPath) -> None:
        self.match(_SPACE)
        start = self.position
        keys = self.scan_key()
        end, self.position = self.position, start
        path = base
        for part in keys:
            path = self.enter(path, part)
        self.position = end
        self.accept("=")
        self.scan_value(path)

    def scan_value(self, path: KeyPath) -> None:
        if self.accept("["):
            number = 0
            while not self.accept("]"):
                self.scan_value(self.enter(path, number))
                self.accept(",")
                number += 1
        elif self.accept("{"):
            while not self.accept("}"):
                self.scan_pair(path)
                self.accept(",")
        elif not self.match(_STRING):
            self.match(_SCALAR)

    def scan_header(self, start: int, *, is_list: bool) -> KeyPath:
        path: KeyPath = ()
        keys = self.scan_key()
        end, self.position = self.position, start
        for depth, part in enumerate(keys, start=1):
            path = self.enter(path, part)
            if is_list and depth == len(keys):
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = self.enter(path, self.counts[path] - 1)
        self.position = end
        self.accept("]")
        if is_list:
            self.accept("]")
        return path

    def scan(self) -> dict[KeyPath, int]:
        base: KeyPath = ()
        self.match(_SPACE)
        while self.position < len(self.text):
            start = self.position
            if self.accept("[["):
                base = self.scan_header(start, is_list=True)
            elif self.accept("["):
                base = self.scan_header(start, is_list=False)
            else:
                self.scan_pair(base)
            self.match(_SPACE)
        return self.lines


def find_line_numbers(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of each table, key and list item of ``text``, which must be valid TOML."""
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of ``path`` or of its nearest known parent, else 1."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
