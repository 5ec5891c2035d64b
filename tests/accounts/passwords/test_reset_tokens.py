"""The tokens of links to set a new password."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.accounts.secrets.reset_tokens import derive_token, hash_token

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(KEYS, KEYS)
def test_a_token_follows_from_the_key_and_the_nonce_and_is_safe_in_an_address(key: str, nonce: str) -> None:
    token = derive_token(key, nonce)
    assert token == derive_token(key, nonce)
    assert len(token) == 43
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert hash_token(token) != token
    assert len(hash_token(token)) == 64


def test_another_key_or_nonce_makes_another_token() -> None:
    assert len({derive_token(key * 32, nonce) for key in "kl" for nonce in "ab"}) == 4


def test_any_text_of_an_address_can_be_looked_up() -> None:
    assert len({hash_token(text) for text in ("", "x", "\udcff", "a" * 9000)}) == 4
