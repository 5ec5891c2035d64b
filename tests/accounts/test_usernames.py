"""User names have one form, however they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.accounts.usernames import is_username, normalize_username

NAMES = st.from_regex(r"[a-z0-9._-]{3,80}", fullmatch=True)
INVISIBLE = st.text(alphabet="\u200b\u00ad\ufeff\u2060\u202a \t\u00a0\u3000\r\n", max_size=5)


@given(st.text())
def test_the_form_of_a_form_is_itself(text: str) -> None:
    once = normalize_username(text)
    assert normalize_username(once) == once


@given(NAMES, INVISIBLE, INVISIBLE)
def test_capitals_wide_letters_and_what_nobody_sees_make_no_difference(name: str, before: str, behind: str) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in name.upper())
    for typed in (name, name.upper(), name.title(), wide):
        assert normalize_username(before + typed + behind) == name
    assert is_username(name)


@pytest.mark.parametrize("name", ["", "ab", "a b c", "Kepala", "kepala\n", "ünal", "x" * 81, "a/b/c"])
def test_other_texts_are_no_names(name: str) -> None:
    assert not is_username(name)
