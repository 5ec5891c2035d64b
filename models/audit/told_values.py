"""How the trail writes the values of a row as JSON, and secrets by their fingerprint alone."""

from __future__ import annotations

import datetime as dt
import hashlib

#: What stands for a secret; the fingerprint of a text follows it.
REDACTED = "***"
_FINGERPRINT_LENGTH = 32


def as_told(value: object) -> object:
    """Return ``value`` as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str | list | dict):
        return value
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def redacted(value: object) -> str:
    """Return what the trail says of a secret: nothing of what it is, but whether it is still the same.

    The secrets are random, or hashes with a salt, so that their fingerprint leads to none of them. Contents of files
    have their hash as a key and need no other.
    """
    if not isinstance(value, str):
        return REDACTED
    return f"{REDACTED} {hashlib.sha256(value.encode()).hexdigest()[:_FINGERPRINT_LENGTH]}"
