"""What the people of the demo register write: sentences in TOML, with names and figures put into them."""

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


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Topic:
    """What a request is about, from its title to the cause that a test may bring to light."""

    kind: ChangeKind
    sources: tuple[ChangeSource, ...]
    ground: EmergencyGround | None
    texts: Mapping[str, str]
    cases: tuple[tuple[str, str, str], ...]

    @property
    def is_pressing(self) -> bool:
        """Whether a change like this tends to be an emergency."""
        return self.ground is not None


@cache
def topics() -> tuple[Topic, ...]:
    """Return every topic that a request can have."""
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
    """Return what fills the gaps in a request's sentences."""
    found = {key: random.choice(choices) for key, choices in _read("wording.toml")["values"].items()}
    number = random.randrange
    found["akun"] = f"{found['peran']} {number(1, 120)}"
    found["kode"] = str(number(1_000_000, 99_000_000))
    found["versi"] = f"4.5u{number(2023, 2027)}{number(1, 13):02d}{number(1, 29):02d}"
    found["jumlah"] = str(number(1, 20) * 5)
    return found


def say(random: Random, section: str, key: str, texts: Mapping[str, str]) -> str:
    """Return one of the sentences under ``section`` and ``key`` of the wording, its gaps filled."""
    return fill(random.choice(_read("wording.toml")[section][key]), texts)


def reason(random: Random, outcome: str, texts: Mapping[str, str]) -> str:
    """Return a reason for ``outcome``, in words that fit any where the wording has none of its own."""
    return say(random, "reason", outcome if outcome in _read("wording.toml")["reason"] else "other", texts)


def fill(text: str, texts: Mapping[str, str]) -> str:
    """Return ``text`` with its gaps filled and its first letter a capital one."""
    filled = text.format_map(texts)
    return filled[:1].upper() + filled[1:]
