"""The rules for passwords."""

from __future__ import annotations

import pytest

from lpse_admin.accounts.secrets.passwords import MAX_PASSWORD_LENGTH, password_error


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("pendek", "at least 12 characters"),
        ("x" * (MAX_PASSWORD_LENGTH + 1), "at most 200 characters"),
        ("Pengelola-Satu", "your own name"),
        ("pengelola satu 2026", "your own name"),
        ("aaaaaaaaaaaa", "too easy to guess"),
        ("Administrator", "too easy to guess"),
        ("Kata Sandi Baru 2026", "too easy to guess"),
        ("Lumajang2026!", "too easy to guess"),
        ("lpse-lumajang", "too easy to guess"),
        ("LPSE.Lumajang.2026", "too easy to guess"),
        ("P@ssw0rd2026", "too easy to guess"),
        ("qwerty123456", "too easy to guess"),
        ("R4h4s14-2026", "too easy to guess"),
        ("Pengadaan#2026", "too easy to guess"),
        ("abcabcabcabcabc", "too easy to guess"),
        ("qwertyuiop" * 20, "too easy to guess"),
    ],
)
def test_a_password_that_is_guessed_is_refused_with_the_reason(password: str, says: str) -> None:
    assert says in str(password_error(password, known_names=("", "Pengelola Satu", "LPSE Kabupaten Lumajang")))


def test_a_long_password_of_one_s_own_is_taken() -> None:
    assert password_error("kuda terbang sampai pagi", known_names=("Pengelola Satu",)) is None
