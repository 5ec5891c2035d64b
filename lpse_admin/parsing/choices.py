"""One of a few, by the words that the screens show, in any case and either language."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lpse_admin.i18n import _, join_messages
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import DASHES, is_blank, is_dash, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpse_admin.i18n import Message

Value = TypeVar("Value")

#: The words for yes and no in both languages, as ``read_choice`` takes them.
YES_NO_WORDS: Mapping[bool, tuple[str, ...]] = {
    True: ("ya", "yes", "y", "ada", "true", "benar"),
    False: ("tidak", "no", "t", "n", "tdk", "bukan", "tidak ada", "false"),
}


def read_choice(
    text: str, words: Mapping[Value, Iterable[str]], titles: Mapping[Value, Message] | None = None
) -> Value | None:
    """Return the value that ``text`` names by one of its ``words``; None if it is blank or a dash.

    Case, blanks, hyphens and a full stop behind do not matter. Raises UnreadableError with the ``titles``.
    """
    if is_blank(text) or is_dash(text):
        return None
    wanted = _key(text)
    for value, names in words.items():
        if wanted in map(_key, names):
            return value
    options: list[Message | str] = list(titles.values()) if titles else [next(iter(names)) for names in words.values()]
    raise UnreadableError(
        _(
            "“%(value)s” is none of these: %(options)s.",
            value=shorten(text),
            options=join_messages(options, ", "),
        )
    )


def _key(text: str) -> str:
    return "".join(one for one in text.casefold() if not is_blank(one) and one not in DASHES and one not in "._/")
