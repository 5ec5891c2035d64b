"""User names: the one form in which they are stored, compared and counted."""

from __future__ import annotations

import re
import unicodedata

_USERNAME = re.compile(r"[a-z0-9._-]{3,80}", re.ASCII)
#: Controls, formats (zero-width blanks, marks of direction) and lone surrogates: what nobody sees that they typed.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})


def normalize_username(text: str) -> str:
    """Return ``text`` as user names are compared: NFKC, lower case, without invisible characters and outer blanks."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    shown = "".join(character for character in folded if unicodedata.category(character) not in _INVISIBLE_CATEGORIES)
    return unicodedata.normalize("NFKC", shown).strip()


def is_username(text: str) -> bool:
    """Whether an account may be called ``text``."""
    return _USERNAME.fullmatch(text) is not None
