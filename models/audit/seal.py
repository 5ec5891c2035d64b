"""Seals: each entry of the trail is signed with a key that the database does not hold.

Whoever can write to the database can compute hashes; a seal takes the key. The keys come from the settings, so each
process sets them once; without a key entries have no seal.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PURPOSE = b"lpse audit seal 1"
_KEY_ID_LENGTH = 16


class SealState(Enum):
    """What a seal says."""

    VALID = "valid"
    WRONG = "wrong"
    UNKNOWN_KEY = "unknown key"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that seals, and former ones, which only verify; each is made of a text of the settings."""

    current: str | None = None
    keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, secret: str, former: Sequence[str] = ()) -> KeyRing:
        """Return the ring with the key made of ``secret``, and those made of ``former`` secrets."""
        keys = [hmac.digest(text.encode(), _PURPOSE, hashlib.sha256) for text in (secret, *former)]
        names = [hashlib.sha256(key).hexdigest()[:_KEY_ID_LENGTH] for key in keys]
        return cls(names[0], dict(zip(names, keys, strict=True)))

    def seal(self, entry_hash: str) -> dict[str, str | None]:
        """Return the columns of an entry's seal; empty ones without a key."""
        if self.current is None:
            return {"seal": None, "key_id": None}
        return {"seal": _seal(self.keys[self.current], entry_hash), "key_id": self.current}

    def state(self, entry_hash: str, seal: str | None, key_id: str | None) -> SealState:
        """Return what the seal of an entry says."""
        if seal is None:
            return SealState.NONE
        key = self.keys.get(key_id or "")
        if key is None:
            return SealState.UNKNOWN_KEY
        return SealState.VALID if hmac.compare_digest(_seal(key, entry_hash), seal) else SealState.WRONG


def _seal(key: bytes, entry_hash: str) -> str:
    return hmac.digest(key, entry_hash.encode(), hashlib.sha256).hex()


_RINGS: list[KeyRing] = [KeyRing()]


def set_keys(ring: KeyRing) -> None:
    """Seal and verify with the keys of ``ring`` from now on, in this process."""
    _RINGS[:] = [ring]


def keys() -> KeyRing:
    """Return the keys of this process."""
    return _RINGS[0]
