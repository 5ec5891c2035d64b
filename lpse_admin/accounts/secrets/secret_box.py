"""Encryption of the few secrets that the program must read again, with a key that the database does not hold."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

if TYPE_CHECKING:
    from collections.abc import Sequence

_PURPOSE = b"lpse second factor 1"
_NAME_PURPOSE = b"lpse unknown name 1"
#: What an encrypted text begins with; one without it was stored by a version that did not encrypt.
_MARK = "f1:"
_NAME_LENGTH = 32


class UnreadableSecretError(Exception):
    """A secret that was encrypted with a key that is not among the keys."""


@dataclass(frozen=True, slots=True)
class SecretBox:
    """Encrypts with the key made of the present secret key; decrypts with those of former ones, too."""

    fernet: MultiFernet = field(repr=False)
    present: Fernet = field(repr=False)
    name_key: bytes = field(repr=False)

    @classmethod
    def of(cls, secret_key: str, former: Sequence[str] = ()) -> SecretBox:
        """Return the box of ``secret_key`` and ``former`` ones."""
        keys = [Fernet(urlsafe_b64encode(_derive(key, _PURPOSE))) for key in (secret_key, *former)]
        return cls(MultiFernet(keys), keys[0], _derive(secret_key, _NAME_PURPOSE))

    def encrypt(self, text: str) -> str:
        """Return ``text`` encrypted."""
        return _MARK + self.present.encrypt(text.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """Return the text of ``stored``; one that was never encrypted as it is. Raises UnreadableSecretError."""
        if not stored.startswith(_MARK):
            return stored
        try:
            return self.fernet.decrypt(stored.removeprefix(_MARK).encode()).decode()
        except InvalidToken:
            raise UnreadableSecretError from None

    def is_present(self, stored: str) -> bool:
        """Whether ``stored`` was encrypted with the present key."""
        try:
            self.present.decrypt(stored.removeprefix(_MARK).encode())
        except InvalidToken:
            return False
        return stored.startswith(_MARK)

    def hash_name(self, name: str) -> str:
        """Return what stands for a user name that no account has: it may be a password typed into the wrong field."""
        digest = hmac.digest(self.name_key, name.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"?{digest.hex()[:_NAME_LENGTH]}"


def _derive(secret_key: str, purpose: bytes) -> bytes:
    return hmac.digest(secret_key.encode(), purpose, hashlib.sha256)
