"""Durations by the clock, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.durations import MAX_DURATION_MINUTES, read_duration, write_duration


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90), ("90 menit", 90), ("1,5 jam", 90), ("1 jam 30 menit", 90), ("1 jam, 30 mnt", 90), ("2 Jam", 120),
        ("1 hari", 1440), ("1 hari dan 2 jam", 1560), ("2 minggu", 20160), ("0 menit", 0), ("1.440", 1440),
        ("2 hours", 120), ("", None), ("-", None), ("  ", None),
    ],
)  # fmt: skip
def test_a_duration_is_read_as_it_is_meant(text: str, minutes: int | None) -> None:
    assert read_duration(text) == minutes


@pytest.mark.parametrize("text", ["sebentar", "2 jam lebih", "1 bulan", "0,01 menit", "400 hari", "jam 2", "2:30"])
def test_what_is_no_duration_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_duration(text)


@given(st.integers(0, MAX_DURATION_MINUTES))
def test_a_written_duration_is_read_back_as_itself(minutes: int) -> None:
    assert read_duration(write_duration(minutes)) == minutes
