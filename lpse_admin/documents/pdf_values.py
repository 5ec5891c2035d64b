"""Read a value of a PDF's syntax: numbers, names, strings, arrays, dictionaries and references."""

from __future__ import annotations

import re
from typing import TypeAlias

PdfValues: TypeAlias = "dict[str, object]"

_MAX_DEPTH = 12
_MAX_LENGTH = 65_536
_TOKEN = re.compile(
    rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]*)*"
    rb"(?:(?P<open><<)|(?P<close>>>)|(?P<array>\[)|(?P<end>\])|(?P<text>\()|<(?P<hex>[0-9A-Fa-f\x00\t\n\x0c\r ]*)>"
    rb"|/(?P<name>[^\x00\t\n\x0c\r ()<>\[\]{}/%]*)|(?P<reference>\d{1,10}\s+\d{1,5}\s+R\b)"
    rb"|(?P<number>[+-]?\d{1,12})(?:\.\d*)?|(?P<word>[A-Za-z]+))"
)
_WORDS = {b"true": True, b"false": False, b"null": None}
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
_STRING_PART = re.compile(rb"\\(?:(?P<octal>[0-7]{1,3})|(?P<escaped>\r\n|.))|(?P<bracket>[()])|[^\\()]+", re.DOTALL)


class _SyntaxError(ValueError):
    """What stands there is no value."""


def read_value(content: bytes, offset: int) -> object:
    """Return the value at ``offset``; None for what is none, or too long or deep to be a dictionary of a trailer.

    A name is a str, a string is bytes, a reference is (number, generation).
    """
    part = content[offset : offset + _MAX_LENGTH]
    try:
        return _Reader(part).value(0)
    except _SyntaxError:
        return None


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._offset = content, 0

    def _next(self) -> re.Match[bytes]:
        match = _TOKEN.match(self._content, self._offset)
        if match is None:
            raise _SyntaxError
        self._offset = match.end()
        return match

    def value(self, depth: int) -> object:
        """Return the next value."""
        return self._value_of(self._next(), depth)

    def _value_of(self, token: re.Match[bytes], depth: int) -> object:  # noqa: PLR0911 - a return for each kind
        if depth > _MAX_DEPTH:
            raise _SyntaxError
        match token.lastgroup:
            case "open":
                return self._dictionary(depth)
            case "array":
                return self._array(depth)
            case "text":
                return self._string()
            case "hex":
                digits = re.sub(rb"[^0-9A-Fa-f]", b"", token["hex"])
                return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
            case "name":
                return token["name"].decode("latin-1")
            case "reference":
                number, generation = token["reference"].split()[:2]
                return int(number), int(generation)
            case "number":
                return int(token["number"])
            case "word" if token["word"] in _WORDS:
                return _WORDS[token["word"]]
        raise _SyntaxError

    def _dictionary(self, depth: int) -> PdfValues:
        values: PdfValues = {}
        while (token := self._next()).lastgroup != "close":
            if token.lastgroup != "name":
                raise _SyntaxError
            values[token["name"].decode("latin-1")] = self.value(depth + 1)
        return values

    def _array(self, depth: int) -> list[object]:
        values: list[object] = []
        while (token := self._next()).lastgroup != "end":
            values.append(self._value_of(token, depth + 1))
        return values

    def _string(self) -> bytes:
        result, depth = bytearray(), 1
        while part := _STRING_PART.match(self._content, self._offset):
            self._offset = part.end()
            if part["octal"]:
                result.append(int(part["octal"], 8) & 0xFF)
            elif part["escaped"]:
                result += _ESCAPES.get(part["escaped"], part["escaped"])
            else:
                depth += {b"(": 1, b")": -1}.get(part[0], 0)
                if not depth:
                    return bytes(result)
                result += part[0]
        raise _SyntaxError
