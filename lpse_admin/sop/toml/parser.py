"""Parse TOML, with syntax errors in plain sentences for the person who typed the file."""

from __future__ import annotations

import re
import tomllib

from lpse_admin.i18n import Message, _
from lpse_admin.sop.model import LineError
from lpse_admin.sop.toml.scanner import SyntaxErrorKind, find_syntax_error

#: More errors than this are not listed.
_MAX_ERRORS = 20

#: Where tomllib says that it stopped, which is not an attribute of its error before Python 3.14.
_POSITION = re.compile(r"\(at line (\d+), column \d+\)$")
#: The most levels of tables and lists; an SOP has five. tomllib takes the square of a dotted key's length.
_MAX_LEVELS = 16
_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"(?m)(?:^|[\[{{,])[ \t]*+(?:{_KEY}[ \t]*+\.[ \t]*+){{{_MAX_LEVELS}}}")
_TOO_DEEP = _("lists or tables are nested too deeply")
_UNREADABLE = _("this cannot be parsed")
_UNTERMINATED_TEXT = _("the closing quotation mark of the string is missing")
_MESSAGES: dict[SyntaxErrorKind, Message] = {
    SyntaxErrorKind.NO_VALUE: _(
        'there is no value after =: a string is written in quotes "…", a date like 2018-03-31, a switch true or false'
    ),
    SyntaxErrorKind.EXTRA_TEXT: _(
        'there is extra text after the value; a date is written 2018-03-31, a quotation mark in a string \\"'
    ),
    SyntaxErrorKind.NO_SUCH_DATE: _("there is no such date; write it like 2018-03-31"),
    SyntaxErrorKind.NO_EQUALS: _("= after the key is missing"),
    SyntaxErrorKind.NO_KEY_VALUE: _("this is not a line of the form key = value"),
    SyntaxErrorKind.CURLY_QUOTE: _(
        'quotation marks must be straight (") and not curly as in a word processor; type them again'
    ),
    SyntaxErrorKind.DUPLICATE_KEY: _("this key is defined twice in its table"),
    SyntaxErrorKind.DUPLICATE_TABLE: _(
        "this table is defined twice; a repeated table has two brackets on each side, as in [[steps]]"
    ),
    SyntaxErrorKind.UNTERMINATED_STRING: _UNTERMINATED_TEXT,
    SyntaxErrorKind.UNTERMINATED_LINES: _UNTERMINATED_TEXT,
    SyntaxErrorKind.CONTROL_CHARACTER: _("the string contains a character that cannot be printed"),
    SyntaxErrorKind.BACKSLASH: _("a backslash in a string is written twice, as \\\\"),
    SyntaxErrorKind.UNCLOSED_LIST: _(
        "the list started above is not closed with ], or a comma between its items is missing"
    ),
    SyntaxErrorKind.UNCLOSED_TABLE: _("a comma between two values is missing, or the closing } on the same line"),
    SyntaxErrorKind.NO_KEY: _(
        "a key is expected here; an inline table { } is on one line, without a comma after the last item"
    ),
    SyntaxErrorKind.UNCLOSED_HEADER: _("a bracket of the table name is missing, as in [agency] or [[steps]]"),
}
#: After these errors it is not known where the next value begins.
_UNBOUNDED = frozenset(
    {SyntaxErrorKind.UNCLOSED_LIST, SyntaxErrorKind.UNCLOSED_TABLE, SyntaxErrorKind.UNTERMINATED_LINES}
)


def read_toml(text: str) -> tuple[dict[str, object], list[LineError]]:
    """Return the values of the TOML ``text``, or an error for every line that cannot be parsed.

    tomllib decides what is valid, the scanner what is wrong (docs/decisions/2026-11-26-toml-errors.md).
    """
    if deep := _DEEP_KEY.search(text):
        return {}, [LineError(text.count("\n", 0, deep.end()) + 1, _TOO_DEEP)]
    errors: list[LineError] = []
    rest: str | None = text
    while rest is not None and len(errors) < _MAX_ERRORS:
        try:
            values = tomllib.loads(rest)
        except ValueError as error:
            result = find_syntax_error(rest)
            line = result.line if result else _line_from_tomllib(error, rest)
            errors.append(_line_error(line, _MESSAGES[result.kind] if result else _UNREADABLE))
            rest = None if result and result.kind in _UNBOUNDED else _comment_out_line(rest, line)
        except RecursionError:
            errors.append(LineError(1, _TOO_DEEP))
            rest = None
        else:
            return (values, errors) if _levels(values) <= _MAX_LEVELS else ({}, [LineError(1, _TOO_DEEP)])
    return {}, errors


def _levels(values: object) -> int:
    """Return how many levels of tables and lists lie within one another, at most one more than may."""
    level, within = 0, [values]
    while level <= _MAX_LEVELS:
        within = [
            one
            for outer in within
            for one in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
        ]
        if not within:
            break
        level += 1
    return level


def _line_error(line: int, reason: Message) -> LineError:
    return LineError(line, _("the file is not valid TOML: %(reason)s", reason=reason))


def _line_from_tomllib(error: ValueError, text: str) -> int:
    """Return the line of an error that the scanner does not know; the longest one where tomllib gives none.

    An integer of thousands of digits is such an error.
    """
    if position := _POSITION.search(str(error)):
        return int(position[1])
    lines = text.split("\n")
    return lines.index(max(lines, key=len)) + 1


def _comment_out_line(text: str, line: int) -> str | None:
    """Return ``text`` with ``line`` commented out if it is a whole ``key = value``, else None."""
    lines = text.split("\n")
    wrong = lines[line - 1]
    is_whole = re.match(r"\s*[A-Za-z0-9_-]+\s*[=:]", wrong) and all(
        wrong.count(opened) == wrong.count(closed) for opened, closed in ("[]", "{}")
    )
    if not is_whole:
        return None
    lines[line - 1] = "#"
    return "\n".join(lines)
