"""Papers in the database: each loaded revision with its steps and moves, one in force for each agency.

The tables repeat the steps and moves of the stored text so that the history of a request can point at them with
foreign keys: a move that its paper does not have cannot be stored.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import Incomplete, NoSuchMove, NotAllowed
from lpse_admin.i18n import Word, _
from lpse_admin.sop import Fault, Faulty, Sop, check, digest, parse
from lpse_admin.sop.steps import Outcome, Step
from models.base import Base, Identity, Line, Moment, PrimaryKey, Prose, only_where, session_of, stored
from models.office.agency import Agency, lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.accounts.user import User


class SopState(Word):
    """What a loaded paper is good for."""

    DRAFT = "draft", _("Draft")
    IN_FORCE = "in-force", _("In force")
    SUPERSEDED = "superseded", _("Superseded")


@lru_cache(maxsize=64)
def _parsed(source: str, key: str) -> Sop:
    return parse(source, key)


class SopRevision(Base):
    """One revision of an agency's paper, with the text that it was loaded from."""

    __tablename__ = "sop"
    __table_args__ = (
        UniqueConstraint("agency_id", "key", "revision"),
        CheckConstraint("(state = 'draft') = (enacted_at IS NULL)", name="enacted_unless_draft"),
        Index("ix_sop_newest", "agency_id", "id"),
        Index("ix_sop_enacted", "agency_id", "enacted_at", "id"),
        Index(
            "uq_sop_in_force",
            "agency_id",
            unique=True,
            **only_where("state = 'in-force'"),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    key: Mapped[Line]
    revision: Mapped[int]
    number: Mapped[Line | None]
    title: Mapped[Prose]
    state: Mapped[SopState] = mapped_column(stored(SopState, "state"), default=SopState.DRAFT)
    source: Mapped[Prose]
    digest: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[Moment]
    loaded_by_id: Mapped[int | None] = mapped_column(Identity, ForeignKey("user_account.id"))
    enacted_at: Mapped[Moment | None]
    enacted_by_id: Mapped[int | None] = mapped_column(Identity, ForeignKey("user_account.id"))
    superseded_at: Mapped[Moment | None]

    agency: Mapped[Agency] = relationship()
    enacted_by: Mapped[User | None] = relationship(foreign_keys=enacted_by_id)
    steps: Mapped[list[SopStep]] = relationship(order_by="SopStep.position", cascade="all, delete-orphan")
    moves: Mapped[list[SopMove]] = relationship(order_by="SopMove.position", cascade="all, delete-orphan")

    @property
    def paper(self) -> Sop:
        """The paper itself, as the rules read it."""
        return _parsed(self.source, self.key)

    def enact(self, *, now: dt.datetime, by: User | None) -> None:
        """Put this draft in force and supersede the paper that was; ``by`` is its head (None: the terminal)."""
        if by is not None and (Role.HEAD not in by.roles or by.agency_id != self.agency_id):
            raise NotAllowed(_("Only the head can put a paper in force."))
        session = session_of(self)
        session.flush()
        lock(session, self.agency_id)
        session.refresh(self, ["state"])
        if self.state is not SopState.DRAFT:
            raise NoSuchMove(_("Only a draft can be put in force."))
        former = in_force(session, self.agency_id)
        if former is not None:
            former.state, former.superseded_at = SopState.SUPERSEDED, now
            session.flush()
        self.state, self.enacted_at, self.enacted_by_id = SopState.IN_FORCE, now, by.id if by else None

    def __str__(self) -> str:
        """Return key and revision."""
        return f"{self.key} · {self.revision}"


_NOT_REVISED = _("a revision of this SOP has this number with other content; a new one has a later date in revised")

#: Papers by key and digest, so that a page need not read their whole text to know them.
_known: dict[tuple[str, str], Sop] = {}
_KEYS = select(SopRevision.id, SopRevision.key, SopRevision.digest)
_KEYS_OF_AGENCY = _KEYS.where(SopRevision.agency_id == bindparam("agency"))


def papers(session: Session, agency_id: int | None) -> dict[int, Sop]:
    """Return the papers of an agency's revisions (None: of all agencies) by their ids."""
    connection = session.connection()
    rows = (
        connection.execute(_KEYS) if agency_id is None else connection.execute(_KEYS_OF_AGENCY, {"agency": agency_id})
    )
    return {id_: paper_of(session, id_, key, content) for id_, key, content in rows.all()}


def paper_of(session: Session, id_: int, key: str, content: str) -> Sop:
    """Return the paper of the revision with this id, key and digest; its text is read where it is not known yet."""
    paper = _known.get((key, content))
    if paper is None:
        paper = _known[key, content] = session.get_one(SopRevision, id_).paper
    return paper


class SopStep(Base):
    """A step of a stored paper."""

    __tablename__ = "sop_step"
    __table_args__ = (UniqueConstraint("sop_id", "step"),)

    id: Mapped[PrimaryKey]
    sop_id: Mapped[int] = mapped_column(Identity, ForeignKey("sop.id"))
    step: Mapped[Step] = mapped_column(stored(Step, "step"))
    position: Mapped[int]
    no: Mapped[int | None]
    activity: Mapped[Prose]
    actor: Mapped[Role] = mapped_column(stored(Role, "actor"))
    standard_minutes: Mapped[int | None]


class SopMove(Base):
    """A move of a stored paper; the history of requests points here."""

    __tablename__ = "sop_move"
    __table_args__ = (
        UniqueConstraint("sop_id", "step", "outcome"),
        UniqueConstraint("sop_id", "step", "outcome", "target", name="uq_sop_move_whole"),
        ForeignKeyConstraint(["sop_id", "step"], ["sop_step.sop_id", "sop_step.step"], name="fk_sop_move_step"),
    )

    id: Mapped[PrimaryKey]
    sop_id: Mapped[int] = mapped_column(Identity, ForeignKey("sop.id"))
    position: Mapped[int]
    step: Mapped[Step] = mapped_column(stored(Step, "step"))
    outcome: Mapped[Outcome] = mapped_column(stored(Outcome, "outcome"))
    target: Mapped[Step] = mapped_column(stored(Step, "target"))


def in_force(session: Session, agency_id: int) -> SopRevision | None:
    """Return the paper that new requests of this agency fall under, if one was enacted."""
    return session.scalars(
        select(SopRevision).where(SopRevision.agency_id == agency_id, SopRevision.state == SopState.IN_FORCE)
    ).one_or_none()


def taken_numbers(session: Session, key: str) -> dict[str, str]:
    """Return the digest of the content that has each SOP number already, other revisions of ``key`` left out."""
    rows = session.execute(
        select(SopRevision.number, SopRevision.digest).where(SopRevision.number.is_not(None), SopRevision.key != key)
    )
    return {number: content for number, content in rows if number is not None}


def examine(session: Session, source: str, key: str, *, by: User | None = None) -> Sop:
    """Return the paper that ``source`` holds if ``by`` may load it; raises as ``load`` does."""
    if faults := check(source, key, taken=taken_numbers(session, key)):
        raise Faulty(tuple(faults))
    paper = _parsed(source, key)
    other = select(Agency.id).join(SopRevision).where(SopRevision.key == key, Agency.key != paper.agency.key).limit(1)
    if session.scalars(other).first() is not None:
        taken = _("Another office's SOP is known as %(key)s; give this one another name.", key=key)
        raise Incomplete(taken, fields={"key": taken})
    known = _revisions(session, paper, key)
    content = digest(paper)
    is_known = any(row.digest == content for row in known)
    if paper.number and not is_known and not _is_revised(paper, known):
        line = next((number for number, text_ in enumerate(source.splitlines(), 1) if paper.number in text_), 1)
        raise Faulty((Fault(line, _NOT_REVISED),))
    if by is not None and not by.reaches_across and (by.agency is None or by.agency.key != paper.agency.key):
        raise NotAllowed(_("This paper is another agency's (%(agency)s).", agency=paper.agency.name))
    return paper


def load(session: Session, source: str, key: str, *, now: dt.datetime, by: User | None = None) -> SopRevision:
    """Store a checked paper as a draft and return it; the same content again returns the revision it has.

    Makes the agency when the installation has none of that key. ``by`` may only load for their own agency.
    Raises Faulty where the checker finds faults, Incomplete where another agency's paper has the key, which names one
    paper in the terminal, NotAllowed for another agency's paper.
    """
    paper = examine(session, source, key, by=by)
    agency = _agency_of(session, paper)
    content = digest(paper)
    known = _revisions(session, paper, key)
    for row in known:
        if row.digest == content:
            return row
    revision = SopRevision(
        agency=agency,
        key=key,
        revision=known[0].revision + 1 if known else 1,
        number=paper.number,
        title=paper.title,
        source=source,
        digest=content,
        loaded_at=now,
        loaded_by_id=by.id if by else None,
        steps=_steps_of(paper),
    )
    session.add(revision)
    session.flush()
    revision.moves = [
        SopMove(position=position, step=move.origin, outcome=move.outcome, target=move.target)
        for position, move in enumerate(paper.moves)
    ]
    session.flush()
    return revision


def _revisions(session: Session, paper: Sop, key: str) -> Sequence[SopRevision]:
    """Return what is loaded of this paper, the newest first."""
    return session.scalars(
        select(SopRevision)
        .join(Agency)
        .where(Agency.key == paper.agency.key, SopRevision.key == key)
        .order_by(SopRevision.revision.desc())
    ).all()


def _is_revised(paper: Sop, known: Sequence[SopRevision]) -> bool:
    """Whether a paper whose number is taken by a revision of its own says of itself that it is a later one."""
    if not any(row.number == paper.number for row in known):
        return True
    former = known[0].paper.revised
    return paper.revised is not None and (former is None or paper.revised > former)


def _agency_of(session: Session, paper: Sop) -> Agency:
    agency = session.scalars(select(Agency).where(Agency.key == paper.agency.key)).one_or_none()
    if agency is None:
        agency = Agency(
            key=paper.agency.key,
            name=paper.agency.name,
            region=paper.agency.region,
            province=paper.agency.province,
            time_zone=paper.time_zone,
        )
        session.add(agency)
        session.flush()
    return agency


def _steps_of(paper: Sop) -> list[SopStep]:
    return [
        SopStep(
            step=rule.step,
            position=position,
            no=rule.no,
            activity=rule.activity,
            actor=rule.actor,
            standard_minutes=rule.standard.minutes if rule.standard else None,
        )
        for position, rule in enumerate(paper.rules.values())
    ]
