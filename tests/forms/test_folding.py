"""Long texts on a page: the start is shown, the rest expands without a script, and nothing is lost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from flask_babel import Babel

from views.forms.folding import collapsible_text


@pytest.fixture(scope="module")
def app() -> Flask:
    created = Flask(__name__)
    Babel(created)
    return created


def parts(app: Flask, text: str) -> list[str]:
    """Return the text that is shown, and the text that is collapsed."""
    with app.test_request_context():
        return [unescape(part) for part in re.findall(r'class="prose">(.*?)</span>', collapsible_text(text), re.DOTALL)]


@pytest.mark.parametrize("text", ["", "Singkat", "kata " * 139, "\n".join("baris" for _line in range(12)), "<b>&"])
def test_a_short_text_is_shown_whole(app: Flask, text: str) -> None:
    assert parts(app, text) == [text]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Sebuah kalimat. " * 60, "kalimat."),
        ("kata " * 200, "kata"),
        ("x" * 900, "x"),
        ("\n".join(f"Baris {line}" for line in range(40)), "Baris 5"),
        ("Satu baris.\n" + "Panjang " * 30 + "\n" + "lagi " * 300, "Panjang"),
    ],
)
def test_a_long_one_begins_where_it_can_be_cut_and_is_whole_when_unfolded(app: Flask, text: str, end: str) -> None:
    shown, rest = parts(app, text)
    assert shown.rstrip().endswith(end)
    assert len(shown) <= 420
    assert (shown + rest).replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")
