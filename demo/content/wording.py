"""The texts of the demo register: sentences from TOML files, with placeholders filled."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpse_admin.workflow.record_fields import ChangeKind, ChangeSource, EmergencyGround

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_FOLDER = Path(__file__).parent


# Saves reading a file for each text of a demo, 1.1 ms each.
@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Topic:
    """The subject of a request: its texts, and its test cases as (name, expected, failed result)."""

    kind: ChangeKind
    sources: tuple[ChangeSource, ...]
    ground: EmergencyGround | None
    texts: Mapping[str, str]
    cases: tuple[tuple[str, str, str], ...]

    @property
    def is_pressing(self) -> bool:
        """Whether a request on this topic is likely to be an emergency."""
        return self.ground is not None


# Asked for with each request of a demo.
@cache
def topics() -> tuple[Topic, ...]:
    """Return all topics."""
    return tuple(
        Topic(
            kind=ChangeKind(row["kind"]),
            sources=tuple(ChangeSource(source) for source in row["sources"]),
            ground=EmergencyGround(row["ground"]) if "ground" in row else None,
            texts={key: text for key, text in row.items() if isinstance(text, str) and key not in {"kind", "ground"}},
            cases=tuple((name, expected, seen) for name, expected, seen in row["cases"]),
        )
        for row in _read("topics.toml")["topic"]
    )


def values(random: Random) -> dict[str, str]:
    """Return random values for the placeholders in a request's sentences."""
    texts = {key: random.choice(choices) for key, choices in _read("wording.toml")["values"].items()}
    number = random.randrange
    texts["akun"] = f"{texts['peran']} {number(1, 120)}"
    texts["kode"] = str(number(1_000_000, 99_000_000))
    texts["versi"] = f"4.5u{number(2023, 2027)}{number(1, 13):02d}{number(1, 29):02d}"
    texts["jumlah"] = str(number(1, 20) * 5)
    return texts


def say(random: Random, section: str, key: str, texts: Mapping[str, str]) -> str:
    """Return a random sentence of ``section`` and ``key`` of the wording, with placeholders filled."""
    return fill(random.choice(_read("wording.toml")[section][key]), texts)


def reason(random: Random, outcome: str, texts: Mapping[str, str]) -> str:
    """Return a random reason for ``outcome``; a general one if the wording has none for it."""
    return say(random, "reason", outcome if outcome in _read("wording.toml")["reason"] else "other", texts)


def fill(text: str, texts: Mapping[str, str]) -> str:
    """Return ``text`` with placeholders filled and its first letter in upper case."""
    filled = text.format_map(texts)
    return filled[:1].upper() + filled[1:]
