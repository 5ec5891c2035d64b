"""Parse TOML, with syntax errors in plain sentences for the person who typed the file."""

from __future__ import annotations

import re
import tomllib

from lpse_admin.i18n import Message, _
from lpse_admin.sop.model import LineError

#: More errors than this are not listed.
_MAX_ERRORS = 20

_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_CURLY_QUOTE = re.compile("[“”„‟‘’‚«»]")
_CURLY_QUOTES = _('quotation marks must be straight (") and not curly as in a word processor; type them again')
_DUPLICATE_KEY = _("this key is defined twice in its table")
_DUPLICATE_TABLE = _("this table is defined twice; a repeated table has two brackets on each side, as in [[steps]]")
_UNREADABLE = _("this cannot be parsed")
_UNTERMINATED_TEXT = _("the closing quotation mark of the string is missing")
_KEY_EXPECTED = _("a key is expected here; an inline table { } is on one line, without a comma after the last item")
_MISSING_BRACKET = _("a bracket of the table name is missing, as in [agency] or [[steps]]")
#: The start of a tomllib error message, and our message for it.
_MESSAGES: tuple[tuple[str, Message], ...] = (
    (
        "Invalid value",
        _(
            'there is no value after =: a string is written in quotes "…", a date like 2018-03-31, a switch true '
            "or false"
        ),
    ),
    (
        "Expected newline",
        _('there is extra text after the value; a date is written 2018-03-31, a quotation mark in a string \\"'),
    ),
    ("Invalid date", _("there is no such date; write it like 2018-03-31")),
    ("Expected '='", _("= after the key is missing")),
    ("Invalid statement", _("this is not a line of the form key = value")),
    ("Cannot overwrite", _DUPLICATE_KEY),
    ("Duplicate inline", _DUPLICATE_KEY),
    ("Cannot declare", _DUPLICATE_TABLE),
    ("Cannot mutate", _DUPLICATE_TABLE),
    ("Cannot redefine", _DUPLICATE_TABLE),
    ("Unterminated string", _UNTERMINATED_TEXT),
    ("Illegal character '\\n'", _UNTERMINATED_TEXT),
    ("Illegal character", _("the string contains a character that cannot be printed")),
    ("Unescaped", _("a backslash in a string is written twice, as \\\\")),
    ("Unclosed array", _("the list started above is not closed with ], or a comma between its items is missing")),
    ("Unclosed inline", _("a comma between two values is missing, or the closing } on the same line")),
    ("Invalid initial", _KEY_EXPECTED),
    ("Expected ']", _MISSING_BRACKET),
)


def read_toml(text: str) -> tuple[dict[str, object], list[LineError]]:
    """Return the values of the TOML ``text``, or an error for every line that cannot be parsed."""
    errors: list[LineError] = []
    rest: str | None = text
    while rest is not None and len(errors) < _MAX_ERRORS:
        try:
            return tomllib.loads(rest), errors
        except ValueError as error:
            errors.append(_line_error(str(error), rest))
            rest = None if str(error).startswith("Unclosed") else _comment_out_line(rest, errors[-1].line)
        except RecursionError:
            errors.append(LineError(1, _("lists or tables are nested too deeply")))
            rest = None
    return {}, errors


def _line_error(reason: str, text: str) -> LineError:
    lines = text.split("\n")
    line, column = len(text.splitlines()) or 1, 1
    position = _POSITION.search(reason)
    if position is None:  # an integer with thousands of digits, for which tomllib gives no position
        line = lines.index(max(lines, key=len)) + 1
    elif position["line"]:
        line, column = int(position["line"]), int(position["column"])
    if reason.startswith("Invalid") and _CURLY_QUOTE.match(lines[line - 1], column - 1):
        message = _CURLY_QUOTES
    else:
        message = next((message for start, message in _MESSAGES if reason.startswith(start)), _UNREADABLE)
    return LineError(line, _("the file is not valid TOML: %(reason)s", reason=message))


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
