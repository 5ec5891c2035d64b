"""The rules for passwords."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from zxcvbn import zxcvbn

from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: In characters; a very long password would only cost time to hash.
MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 12, 200

#: The password of all accounts of the demo. It opens nothing in production.
DEMO_PASSWORD = "lpse-demo-2026"  # noqa: S105 - it is printed when the demo starts

#: How long a password that somebody else chose opens the account, to set one's own.
FIRST_PASSWORD_LIFETIME = dt.timedelta(days=3)

#: Words that passwords here are made of, beside the lists that zxcvbn brings (English words, names, leaked passwords).
_LOCAL_WORDS = (
    "admin", "administrator", "akusayangkamu", "aparatur", "bahagia", "bandung", "barang", "baru", "bismillah",
    "bismillahirrahmanirrahim", "bupati", "cinta", "daerah", "dinas", "ganti", "garuda", "indah", "indonesia",
    "indonesiaraya", "jakarta", "jasa", "jaya", "kabupaten", "kantor", "kata", "katasandi", "kepala", "kota", "lelang",
    "lpse", "lkpp", "makassar", "masuk", "medan", "merdeka", "pancasila", "panitia", "pegawai", "pemda", "pemerintah",
    "pemohon", "pengadaan", "pengelola", "penyedia", "pokja", "provinsi", "rahasia", "rahasiabanget", "sandi",
    "sandibaru", "sayang", "sayangkamu", "selamatdatang", "semangat", "semarang", "sistem", "spse", "sukses",
    "surabaya", "terimakasih", "tender", "tersenyum", "yogyakarta",
)  # fmt: skip

#: How many guesses a password must take, as zxcvbn estimates them; a server that limits logins allows far fewer.
MIN_GUESSES = 10**9

#: zxcvbn takes long over longer texts, and these are beyond guessing unless they begin with a pattern that repeats.
_LONGEST_ESTIMATED = 72


def is_first_password_over(set_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a password that somebody else chose has ended; one whose time is not known has not."""
    return set_at is not None and now - set_at >= FIRST_PASSWORD_LIFETIME


def password_error(password: str, *, known_names: Collection[str] = ()) -> Message | None:
    """Return why ``password`` is not accepted, or None; ``known_names`` are those of its owner and of their office."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return _("The password must have at least %(count)s characters.", count=MIN_PASSWORD_LENGTH)
    if len(password) > MAX_PASSWORD_LENGTH:
        return _("The password must have at most %(count)s characters.", count=MAX_PASSWORD_LENGTH)
    normalized = _normalize(password)
    stem = normalized.strip("0123456789")
    if not {normalized, stem}.isdisjoint(_normalize(name) for name in known_names if name):
        return _("The password must not be your own name.")
    if (
        password == DEMO_PASSWORD
        or len(set(normalized)) < len("abcd")
        or _guesses(password, normalized, known_names) < MIN_GUESSES
    ):
        return _("This password is too easy to guess; choose another.")
    return None


def _guesses(password: str, normalized: str, known_names: Iterable[str]) -> int:
    """Return in how many guesses somebody gets at ``password`` who knows its owner and common passwords.

    Both as it is and by its letters and digits alone: signs between two words are guessed as easily as the words.
    """
    words = [*_LOCAL_WORDS, *(word for name in known_names for word in _words(name))]
    forms = {form[:_LONGEST_ESTIMATED] for form in (password, normalized)}
    return min(int(zxcvbn(form, user_inputs=words)["guesses"]) for form in forms)


def _words(name: str) -> list[str]:
    """Return the words of a name that are long enough to tell something, and all of it in one piece."""
    parts = re.findall(r"[^\W_]{4,}", name.casefold())
    return [*parts, _normalize(name)]


def _normalize(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case."""
    return "".join(character for character in text.casefold() if character.isalnum())
