"""The office whose SOP has limits on stretches of steps."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lpse_admin.sop import Sop, parse

KEY = "kota-batas-2026"
TEXT = (Path(__file__).parent / "files" / f"{KEY}.toml").read_text(encoding="utf-8")
DECISION, WORK, WHOLE = "Sampai keputusan", "Pelaksanaan dan uji", "Seluruh permintaan"


@cache
def sop(*changes: tuple[str, str]) -> Sop:
    """Return the SOP, with parts of its file replaced."""
    return parse(changed(*changes), KEY)


def changed(*changes: tuple[str, str]) -> str:
    """Return the file of the SOP with parts of it replaced."""
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text
