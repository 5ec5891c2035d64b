"""Secrets that the database holds encrypted."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.accounts.secrets.secret_box import SecretBox, UnreadableSecretError


@given(text=st.text())
def test_what_is_encrypted_is_read_with_its_key_and_with_no_other(text: str) -> None:
    first, second = SecretBox.of("a" * 32), SecretBox.of("b" * 32)
    stored = first.encrypt(text)
    assert first.decrypt(stored) == text
    assert first.is_present(stored)
    assert not second.is_present(stored)
    with pytest.raises(UnreadableSecretError):
        second.decrypt(stored)
    assert SecretBox.of("b" * 32, ("a" * 32,)).decrypt(stored) == text


def test_what_was_never_encrypted_is_read_as_it_is_and_is_not_of_the_present_key() -> None:
    box = SecretBox.of("a" * 32)
    assert box.decrypt("JBSWY3DPEHPK3PXP") == "JBSWY3DPEHPK3PXP"
    assert not box.is_present("JBSWY3DPEHPK3PXP")
    assert not box.is_present(box.present.encrypt(b"x").decode())
    assert isinstance(box.present, Fernet)


def test_a_name_that_no_account_has_is_kept_as_a_hash_with_the_key() -> None:
    box, other = SecretBox.of("a" * 32), SecretBox.of("b" * 32)
    assert box.hash_name("RahasiaSaya-2026").startswith("?")
    assert "Rahasia" not in box.hash_name("RahasiaSaya-2026")
    assert box.hash_name("RahasiaSaya-2026") == box.hash_name("RahasiaSaya-2026")
    assert box.hash_name("RahasiaSaya-2026") != other.hash_name("RahasiaSaya-2026")
