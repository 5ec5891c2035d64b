"""What is on a paper, as data that a layout sets; its fingerprint tells whether the record still says it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lpse_admin.papers.characters import printable

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.papers.kinds import PaperKind


@dataclass(frozen=True, slots=True)
class PaperFact:
    """A labelled value; ``raw`` is the value as stored, which is what the fingerprint is made of."""

    key: str
    label: str
    value: str
    raw: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A box that is ticked or not."""

    key: str
    label: str
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class PaperTable:
    """Rows under headings; ``widths`` are shares of the width. ``raw`` is what the fingerprint is made of."""

    key: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()
    raw: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Signer:
    """A place to sign: in which capacity, and who. Without ``name`` there is a line to write it on.

    ``capacity`` has a line each ("a.n. Kepala Dinas …", "Kepala LPSE"). ``remark`` stands in place of a signature that
    is not needed.
    """

    role: str
    capacity: tuple[str, ...]
    name: str = ""
    rank: str = ""
    nip: str = ""
    date: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a paper under its heading: boxes, facts, tables, text, and who signs it."""

    key: str
    title: str
    facts: tuple[PaperFact, ...] = ()
    choices: tuple[tuple[str, tuple[Choice, ...]], ...] = ()
    tables: tuple[PaperTable, ...] = ()
    text: str = ""
    signers: tuple[Signer, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperContent:
    """A paper. ``as_of`` is the time of the last event that it tells of; ``about`` says which request it is about."""

    kind: PaperKind
    title: str
    subject: str
    as_of: dt.datetime
    about: tuple[PaperFact, ...] = ()
    opening: str = ""
    parts: tuple[Part, ...] = ()
    signers: tuple[Signer, ...] = ()
    #: What only the layout of one kind uses.
    extra: dict[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the record says, whatever the labels, the layout and the letterhead are."""
        text = [
            self.kind.value,
            self.subject,
            [[fact.key, fact.raw] for fact in self.about],
            [
                [
                    part.key,
                    [[fact.key, fact.raw] for fact in part.facts],
                    [[box.key for box in boxes if box.is_ticked] for _label, boxes in part.choices],
                    [[table.key, table.raw or table.rows] for table in part.tables],
                    [[signer.role, signer.name] for signer in part.signers],
                ]
                for part in self.parts
            ],
            [[signer.role, signer.name] for signer in self.signers],
            self.extra,
        ]
        canonical = json.dumps(text, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def as_data(self) -> dict[str, Any]:
        """Return it for a layout, with what no font can print replaced."""
        data: dict[str, Any] = {key: _printable(value) for key, value in asdict(self).items()}
        data["kind"] = self.kind.value
        data["as_of"] = self.as_of.isoformat()
        return data


def _printable(value: object) -> object:
    match value:
        case str():
            return printable(value)
        case dict():
            return {key: _printable(one) for key, one in value.items()}
        case list() | tuple():
            return [_printable(one) for one in value]
        case _:
            return value
