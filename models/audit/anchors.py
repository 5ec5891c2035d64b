"""Anchors: the heads of the chains at a moment, to be kept where nobody of the installation can change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from models.audit.trail import INSTALLATION_CHAIN, AuditChain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

_chain: Any = AuditChain.__table__.c


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of a chain at a moment: a chain cut short, or written anew, no longer contains it."""

    chain: int
    number: int
    hash: str

    def __str__(self) -> str:
        """Return the anchor as one line."""
        return f"{self.chain}:{self.number}:{self.hash}"

    @classmethod
    def parse(cls, line: str) -> Anchor:
        """Return the anchor that a line holds; raises ValueError where it holds none."""
        chain, number, hash_ = line.strip().split(":")
        return cls(int(chain), int(number), hash_)


def read_anchors(text: str) -> list[Anchor]:
    """Return the anchors of a text, a line each; blank lines and lines that begin with # are left out.

    Raises ValueError for a line that is no anchor.
    """
    lines = (line.strip() for line in text.lstrip("\ufeff").splitlines())
    return [Anchor.parse(line) for line in lines if line and not line.startswith("#")]


def chain_anchors(connection: Connection | Session, chains: Iterable[int] | None = None) -> list[Anchor]:
    """Return the head of every chain, or of ``chains``."""
    heads = select(_chain.chain, _chain.number, _chain.hash).order_by(_chain.chain)
    if chains is not None:
        heads = heads.where(_chain.chain.in_(list(chains)))
    return [Anchor(row.chain, row.number, row.hash) for row in connection.execute(heads)]


def anchor_lines(session: Session, agency_id: int | None) -> list[str]:
    """Return the anchors of an office, a line each, as ``flask audit verify --anchor`` reads them.

    They are the heads of its own chain and of the installation's; without an office, of all chains.
    """
    chains = None if agency_id is None else (INSTALLATION_CHAIN, agency_id)
    return [str(anchor) for anchor in chain_anchors(session, chains)]
