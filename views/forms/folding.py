"""Long texts: their beginning, and the rest behind a line that unfolds it, with or without a script."""

from __future__ import annotations

import re

from flask_babel import format_decimal
from markupsafe import Markup

from lpse_admin.i18n import _
from views.i18n.wording import tr

#: A text up to this long, in characters and in lines, is shown whole.
_MAX_LENGTH, _MAX_LINES = 700, 12
#: How much of a longer one is shown at once.
_PREVIEW_LENGTH, _PREVIEW_LINES = 420, 6
#: A text is cut after a line, else after a sentence, else after a word.
_BREAKS = (re.compile(r".*\n", re.DOTALL), re.compile(r".*[.;:!?]\s", re.DOTALL), re.compile(r".*\s", re.DOTALL))


#: The same where only the beginning is wanted at once.
_SHORT_LENGTH, _SHORT_LINES = 240, 3

_OPEN, _CLOSE = Markup('<span class="prose">'), Markup("</span>")


def collapsible_text(text: str) -> Markup:
    """Return a text for the page, the long part of a long one folded away."""
    return _folded(text, _preview_end(text, _MAX_LENGTH, _MAX_LINES, (_PREVIEW_LENGTH, _PREVIEW_LINES)))


def short_text(text: str) -> Markup:
    """Return a text of which three lines are shown at once, and the rest is folded away."""
    return _folded(text, _preview_end(text, _SHORT_LENGTH, _SHORT_LINES, (_SHORT_LENGTH, _SHORT_LINES)))


def _folded(text: str, end: int) -> Markup:
    shown = text[:end]
    if len(shown) == len(text):
        return _OPEN + text + _CLOSE
    rest = text[len(shown) :]
    more = tr(_("Show %(count)s more characters", count=format_decimal(len(rest))))
    return Markup(
        '<span class="prose">{}</span><details class="folded"><summary>{}</summary>'
        '<span class="prose">{}</span></details>'
    ).format(shown.rstrip(), more, rest)


def _preview_end(text: str, max_length: int, max_lines: int, preview: tuple[int, int]) -> int:
    """Return how many characters of ``text`` are shown at once: all, or the beginning that ``preview`` allows.

    ``preview`` is a number of characters and one of lines.
    """
    if len(text) <= max_length and text.count("\n") < max_lines:
        return len(text)
    length, lines = preview
    beginning = "\n".join(text.split("\n")[:lines])[:length]
    if text[len(beginning) : len(beginning) + 1] in {"", "\n"}:
        return len(beginning)
    return next(
        (result.end() for cut in _BREAKS if (result := cut.match(beginning)) and result.end() > length // 3),
        length,
    )
