"""What a password must be before it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters that a password has at least, and at most (a longer one only makes work).
MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 12, 200

#: Long passwords that are guessed first, as they are read without signs, blanks and case.
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
    """Return why ``password`` cannot be taken, or None; ``known_names`` are what its owner is known by."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return _("The password must have at least %(count)s characters.", count=MIN_PASSWORD_LENGTH)
    if len(password) > MAX_PASSWORD_LENGTH:
        return _("The password must have at most %(count)s characters.", count=MAX_PASSWORD_LENGTH)
    bare = _normalize(password)
    if any(name and (bare == _normalize(name) or bare.strip("0123456789") == _normalize(name)) for name in known_names):
        return _("The password must not be your own name.")
    if len(set(bare)) < len("abcd") or bare in _COMMON_PASSWORDS or bare.strip("0123456789") in _COMMON_PASSWORDS:
        return _("This password is too easy to guess; choose another.")
    return None


def _normalize(text: str) -> str:
    """Return the letters and digits of ``text``, in small letters."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())
