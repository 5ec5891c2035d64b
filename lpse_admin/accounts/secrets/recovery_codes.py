"""Recovery codes, which open an account once each where its telephone or key is lost.

A code begins with its number, so that only one hash is compared: ``3-k7mp4-x2hqt``.
"""

from __future__ import annotations

import re
import secrets
import unicodedata

#: How many are made at once.
CODES = 10
#: Small letters and digits that nobody takes for another: 31 signs, so ten of them take 10^14 guesses.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_SECRET_LENGTH, _GROUP = 10, 5
_CODE = re.compile(r"(10|[1-9])([a-z2-9]{10})", re.ASCII)


def make_secret() -> str:
    """Return the secret part of a code."""
    return "".join(secrets.choice(_SIGNS) for _place in range(_SECRET_LENGTH))


def format_code(number: int, secret: str) -> str:
    """Return a code as it is shown."""
    return f"{number}-{secret[:_GROUP]}-{secret[_GROUP:]}"


def parse_code(text: str) -> tuple[int, str] | None:
    """Return the number and the secret part of a code as it was typed, or None."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    match = _CODE.fullmatch("".join(character for character in folded if character.isalnum()))
    return (int(match[1]), match[2]) if match else None
