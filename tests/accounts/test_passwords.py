"""What a password must be before it is taken."""

from __future__ import annotations

import pytest

from lpse_admin.accounts.passwords import LONGEST, fault


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("pendek", "12 characters or more"),
        ("x" * (LONGEST + 1), "200 characters at most"),
        ("Pengelola-Satu", "your own name"),
        ("pengelola satu 2026", "your own name"),
        ("aaaaaaaaaaaa", "first that are guessed"),
        ("Administrator", "first that are guessed"),
        ("Kata Sandi Baru 2026", "first that are guessed"),
    ],
)
def test_a_password_that_is_guessed_is_refused_with_the_reason(password: str, says: str) -> None:
    assert says in str(fault(password, names=("", "Pengelola Satu")))


def test_a_long_password_of_one_s_own_is_taken() -> None:
    assert fault("kuda terbang sampai pagi", names=("Pengelola Satu",)) is None
