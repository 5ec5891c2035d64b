"""A NIP is read in the notations of decrees and cards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.identity_numbers import read_nip

_NIP = "197901012008011001"


@pytest.mark.parametrize(
    "text",
    [_NIP, "19790101.200801.1.001", "19790101-200801-1-001", "19790101 200801 1 001", f"NIP {_NIP}",
     "NIP. 19790101 200801 1 001", "NIP: 19790101 200801 1 001", "nip.19790101.200801.1.001", f"N.I.P. {_NIP}",
     "19790101\u00a0200801\u20131 001\u200b", "19790101/200801/1/001"],
)  # fmt: skip
def test_a_nip_is_read_with_what_people_write_around_and_between_its_digits(text: str) -> None:
    assert read_nip(text) == _NIP


@given(
    st.from_regex(r"\d{18}", fullmatch=True).filter(str.isascii),
    st.text(st.sampled_from(" .-\u00a0\u2013\u200b/"), max_size=2),
)
def test_any_nip_is_read_back_with_any_separator(nip: str, separator: str) -> None:
    assert read_nip(separator.join((nip[:8], nip[8:14], nip[14:15], nip[15:]))) == nip


@pytest.mark.parametrize("text", ["", "-", "\u2013", " ", "\u200b", "NIP. -", "NIP"])
def test_a_blank_or_a_dash_is_none(text: str) -> None:
    assert read_nip(text) is None


@pytest.mark.parametrize(
    "text", ["12345", _NIP + "0", "1979010120080110O1", "１９７９０１０１２００８０１１００１", "kosong"]
)
def test_what_has_not_18_digits_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="A NIP has 18 digits"):
        read_nip(text)
