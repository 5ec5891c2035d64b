"""A choice is read by the words that are shown, in any case and either language."""

from __future__ import annotations

import pytest

from lpse_admin.i18n import Message
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.choices import YES_NO_WORDS, read_choice

_WORDS = {"good": ("Baik", "good", "B"), "heavy": ("Rusak Berat", "heavy-damage", "RB")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Baik", "good"), ("baik", "good"), (" BAIK ", "good"), ("B", "good"), ("b.", "good"), ("Rusak Berat", "heavy"),
        ("rusak  berat", "heavy"), ("RUSAK\u00a0BERAT", "heavy"), ("rusak-berat", "heavy"), ("heavy-damage", "heavy"),
        ("R.B.", "heavy"), ("", None), ("-", None), ("\u200b", None),
    ],
)  # fmt: skip
def test_a_word_that_is_shown_names_its_value(text: str, value: str | None) -> None:
    assert read_choice(text, _WORDS) == value


@pytest.mark.parametrize(
    ("text", "value"), [("ya", True), ("Ya", True), ("TIDAK", False), ("yes", True), ("No", False)]
)
def test_yes_and_no_are_read_in_both_languages(text: str, *, value: bool) -> None:
    assert read_choice(text, YES_NO_WORDS) is value


def test_another_word_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_choice("rusak", _WORDS)
    assert "none of these" in str(refusal.value)
    assert "Baik, Rusak Berat" in str(refusal.value)
    with pytest.raises(UnreadableError) as refusal:
        read_choice("rusak", _WORDS, {"good": Message("Good"), "heavy": Message("Heavily damaged")})
    assert "Good, Heavily damaged" in str(refusal.value)
