"""The rules for passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable

#: In characters; a very long password would only cost time to hash.
MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 12, 200

#: Common passwords, in the form that ``_normalize`` returns.
_COMMON_PASSWORDS = frozenset(
    {
        "1234567890", "123456789012", "1234567891011", "0123456789", "adminadmin", "administrator", "akusayangkamu",
        "bismillah", "bismillahirrahmanirrahim", "gantipassword", "indonesia", "indonesiaraya", "iloveyou",
        "katasandi", "katasandibaru", "letmein", "passw0rd", "password", "passwordbaru", "passwordlpse",
        "qazwsxedcrfv", "qwertyuiop", "qwertyuiopasdf", "rahasia", "rahasiabanget", "sayangkamu", "selamatdatang",
        "terimakasih", "welcome",
    }
)  # fmt: skip


def password_error(password: str, *, known_names: Iterable[str] = ()) -> Message | None:
    """Return why ``password`` is not accepted, or None; ``known_names`` are the names of its owner."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return _("The password must have at least %(count)s characters.", count=MIN_PASSWORD_LENGTH)
    if len(password) > MAX_PASSWORD_LENGTH:
        return _("The password must have at most %(count)s characters.", count=MAX_PASSWORD_LENGTH)
    normalized = _normalize(password)
    stem = normalized.strip("0123456789")
    if not {normalized, stem}.isdisjoint(_normalize(name) for name in known_names if name):
        return _("The password must not be your own name.")
    if len(set(normalized)) < len("abcd") or not _COMMON_PASSWORDS.isdisjoint({normalized, stem}):
        return _("This password is too easy to guess; choose another.")
    return None


def _normalize(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case."""
    return "".join(character for character in text.casefold() if character.isalnum())
