"""Who signs for an office on a day: its head, or who acts for the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.sop import spaced_nip
from models.accounts.user import User
from models.delegation.delegation import Delegation, capacity, delegations_in_force
from models.papers.letterhead import load_letterhead
from models.sops.sop import sop_in_force

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.office.agency import Agency


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs, in which capacity and for whom, and where; "" for what is not known."""

    place: str = ""
    signs_for: str = ""
    capacity: str = ""
    name: str = ""
    rank: str = ""
    nip: str = ""


def load_signatory(session: Session, agency: Agency, day: dt.date) -> Signatory:
    """Return who signs for ``agency`` on ``day``; without anybody in office the name is left to be written."""
    letterhead, revision = load_letterhead(session, agency.id), sop_in_force(session, agency.id)
    acting = session.scalars(delegations_in_force(agency.id, day).order_by(Delegation.id.desc()).limit(1)).first()
    head = select(User).where(User.agency_id == agency.id, User.is_head, User.is_active).order_by(User.id.desc())
    person = acting.delegate if acting else session.scalars(head.limit(1)).first()
    title = agency.head_title or ""
    if revision is not None and person is not None:
        title = capacity(revision.sop, Role.HEAD, person, acting)
    return Signatory(
        (letterhead.place if letterhead else None) or "",
        (letterhead.signs_for if letterhead else None) or "",
        title,
        person.full_name if person else "",
        (person.rank if person else None) or "",
        spaced_nip(person.nip) if person and person.nip else "",
    )
