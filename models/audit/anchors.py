"""Anchors: the heads of the chains at a moment, to be kept where nobody of the installation can change them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_string, policy
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from models.audit.trail import INSTALLATION_CHAIN, AuditChain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import EmailMessage

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

_chain: Any = AuditChain.__table__.c

#: What may be an anchor wherever it stands; a time of day has two digits in the third place.
_ANCHOR = re.compile(r"(?<![\w.:])(\d{1,18}):(\d{1,18}):(\w+)(?![\w:])", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")
#: Shorter than this it is something else: a time of day, the address of a computer.
_SHORTEST_BROKEN = 9
#: The first line of a mail that was saved whole: the name of a header.
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: ")
_HEADERS_OF_MAIL = ("from", "date", "subject", "received")


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
    """Return the anchors of a text: lines of ``flask audit anchor``, a mail with them as it was pasted or saved.

    They are found wherever they stand, also behind the marks of a reply. Raises ValueError where there is none, and
    for one that was cut or damaged on the way.
    """
    result: dict[Anchor, None] = {}
    for part in _texts(text.lstrip("\ufeff").replace("\r\n", "\n")):
        for chain, number, hash_ in _ANCHOR.findall(part):
            if _HASH.fullmatch(hash_.lower()):
                result[Anchor(int(chain), int(number), hash_.lower())] = None
            elif len(hash_) >= _SHORTEST_BROKEN:
                raise ValueError(f"{chain}:{number}:{hash_} is no anchor")
    if not result:
        raise ValueError("no anchor")
    return list(result)


def _texts(text: str) -> list[str]:
    """Return the texts of a mail that was saved whole, or the text itself."""
    if not _HEADER.match(text):
        return [text]
    mail: EmailMessage = message_from_string(text, policy=policy.default)
    if not any(name in mail for name in _HEADERS_OF_MAIL):
        return [text]
    texts = [str(part.get_content()) for part in mail.walk() if _is_text(part)]
    # Headers may have been copied with the text as a program shows it, decoded already.
    return texts if any(_ANCHOR.search(one) for one in texts) else [text]


def _is_text(part: EmailMessage) -> bool:
    """Whether a part of a mail is text in a character set that there is."""
    try:
        return part.get_content_maintype() == "text" and bool(part.get_content())
    except (LookupError, ValueError):
        return False


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
