"""Where things stand in a TOML file, which the standard library's reader does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left

#: The way to a value: table keys and places in lists, as in ``("steps", 2, "outcomes", "accepted")``.
Path = tuple[str | int, ...]

#: Nothing in a paper stands deeper than ``steps, 2, requires, 1, label``; what does, has the line of what it is in.
_DEEPEST = 6

_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")


class _Scanner:
    """Walks through a text that is known to be valid TOML and notes where each key and list item begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.newlines = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}

    def into(self, path: Path, part: str | int) -> Path:
        """Return the way to ``part`` of ``path`` and note where it begins, which is here."""
        if len(path) < _DEEPEST:
            path = (*path, part)
            self.lines.setdefault(path, bisect_left(self.newlines, self.at) + 1)
        return path

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found.group() if found else ""

    def comes(self, mark: str) -> bool:
        """Step over white space, then over ``mark`` if it is there, and say whether it was."""
        self.take(_SPACE)
        is_there = self.text.startswith(mark, self.at)
        self.at += len(mark) * is_there
        return is_there

    def key(self) -> list[str]:
        parts = []
        while True:
            self.take(_SPACE)
            quoted = self.take(_STRING)
            parts.append(str(tomllib.loads(f"key = {quoted}")["key"]) if quoted else self.take(_BARE_KEY))
            if not self.comes("."):
                return parts

    def pair(self, base: Path) -> None:
        self.take(_SPACE)
        start = self.at
        keys = self.key()
        here, self.at = self.at, start
        path = base
        for part in keys:
            path = self.into(path, part)
        self.at = here
        self.comes("=")
        self.value(path)

    def value(self, path: Path) -> None:
        if self.comes("["):
            number = 0
            while not self.comes("]"):
                self.value(self.into(path, number))
                self.comes(",")
                number += 1
        elif self.comes("{"):
            while not self.comes("}"):
                self.pair(path)
                self.comes(",")
        elif not self.take(_STRING):
            self.take(_SCALAR)

    def header(self, start: int, *, is_list: bool) -> Path:
        path: Path = ()
        keys = self.key()
        here, self.at = self.at, start
        for place, part in enumerate(keys, start=1):
            path = self.into(path, part)
            if is_list and place == len(keys):
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = self.into(path, self.counts[path] - 1)
        self.at = here
        self.comes("]")
        if is_list:
            self.comes("]")
        return path

    def run(self) -> dict[Path, int]:
        base: Path = ()
        self.take(_SPACE)
        while self.at < len(self.text):
            start = self.at
            if self.comes("[["):
                base = self.header(start, is_list=True)
            elif self.comes("["):
                base = self.header(start, is_list=False)
            else:
                self.pair(base)
            self.take(_SPACE)
        return self.lines


def locate(text: str) -> dict[Path, int]:
    """Return the line (from 1) of each table, key and list item of ``text``, which must be valid TOML."""
    return _Scanner(text.replace("\r\n", "\n")).run()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of ``path``, or of the nearest thing around it, or 1."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
