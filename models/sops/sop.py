"""Papers in the database: each loaded revision with its steps and moves, one in force for each agency.

The tables repeat the steps and moves of the stored text so that the history of a request can point at them with
foreign keys: a move that its paper does not have cannot be stored.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

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
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop import InvalidSopError, LineError, Sop, check, digest, parse
from lpse_admin.sop.steps import Outcome, Step
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type, partial_index, session_of
from models.immutability import Immutable, RowRules, UpdateRule, no_update_or_delete
from models.office.agency import Agency, lock_agency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.accounts.user import User


class SopState(LabelledEnum):
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
            **partial_index("state = 'in-force'"),
        ),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "sop_says_what_was_loaded",
            "a loaded paper cannot be changed",
            (
                Immutable(mutable=("state", "enacted_at", "enacted_by_id", "superseded_at")),
                Immutable("OLD.enacted_at IS NOT NULL", mutable=("state", "superseded_at")),
                Immutable("OLD.superseded_at IS NOT NULL"),
            ),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    key: Mapped[ShortText]
    revision: Mapped[int]
    number: Mapped[ShortText | None]
    title: Mapped[LongText]
    state: Mapped[SopState] = mapped_column(enum_type(SopState, "state"), default=SopState.DRAFT)
    source: Mapped[LongText]
    digest: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[Timestamp]
    loaded_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    enacted_at: Mapped[Timestamp | None]
    enacted_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    superseded_at: Mapped[Timestamp | None]

    agency: Mapped[Agency] = relationship()
    enacted_by: Mapped[User | None] = relationship(foreign_keys=enacted_by_id)
    steps: Mapped[list[SopStep]] = relationship(order_by="SopStep.position", cascade="all, delete-orphan")
    moves: Mapped[list[SopMove]] = relationship(order_by="SopMove.position", cascade="all, delete-orphan")

    @property
    def sop(self) -> Sop:
        """The paper itself, as the rules read it."""
        paper = _parsed_by_digest.get((self.key, self.digest))
        if paper is None:
            paper = _parsed_by_digest[self.key, self.digest] = _parsed(self.source, self.key)
        return paper

    def enact(self, *, now: dt.datetime, by: User | None) -> None:
        """Put this draft in force and supersede the paper that was; ``by`` is its head (None: the terminal)."""
        if by is not None and (Role.HEAD not in by.roles or by.agency_id != self.agency_id):
            raise NotAllowed(_("Only the head can enact an SOP."))
        session = session_of(self)
        session.flush()
        lock_agency(session, self.agency_id)
        session.refresh(self, ["state"])
        if self.state is not SopState.DRAFT:
            raise NoSuchMove(_("Only a draft can be enacted."))
        former = sop_in_force(session, self.agency_id)
        if former is not None:
            former.state, former.superseded_at = SopState.SUPERSEDED, now
            session.flush()
        self.state, self.enacted_at, self.enacted_by_id = SopState.IN_FORCE, now, by.id if by else None

    def __str__(self) -> str:
        """Return key and revision."""
        return f"{self.key} · {self.revision}"


_NOT_REVISED = _("a revision of this SOP has this number with other content; a new one has a later date in revised")

#: Papers by key and digest, so that a page need not read their whole text to know them.
_parsed_by_digest: dict[tuple[str, str], Sop] = {}
_DIGESTS = select(SopRevision.id, SopRevision.key, SopRevision.digest)
_DIGESTS_OF_AGENCY = _DIGESTS.where(SopRevision.agency_id == bindparam("agency"))


def load_sops(session: Session, agency_id: int | None) -> dict[int, Sop]:
    """Return the papers of an agency's revisions (None: of all agencies) by their ids."""
    connection = session.connection()
    rows = (
        connection.execute(_DIGESTS)
        if agency_id is None
        else connection.execute(_DIGESTS_OF_AGENCY, {"agency": agency_id})
    )
    return {id_: load_sop(session, id_, key, content) for id_, key, content in rows.all()}


def load_sop(session: Session, id_: int, key: str, content: str) -> Sop:
    """Return the paper of the revision with this id, key and digest; its text is read where it is not known yet."""
    paper = _parsed_by_digest.get((key, content))
    if paper is None:
        paper = session.get_one(SopRevision, id_).sop
    return paper


class SopStep(Base):
    """A step of a stored paper."""

    __tablename__ = "sop_step"
    __table_args__ = (UniqueConstraint("sop_id", "step"),)

    row_rules: ClassVar[RowRules] = no_update_or_delete("a row of sop_step stays as it is")

    id: Mapped[PrimaryKey]
    sop_id: Mapped[int] = mapped_column(IdType, ForeignKey("sop.id"))
    step: Mapped[Step] = mapped_column(enum_type(Step, "step"))
    position: Mapped[int]
    no: Mapped[int | None]
    activity: Mapped[LongText]
    actor: Mapped[Role] = mapped_column(enum_type(Role, "actor"))
    standard_minutes: Mapped[int | None]


class SopMove(Base):
    """A move of a stored paper; the history of requests points here."""

    __tablename__ = "sop_move"
    __table_args__ = (
        UniqueConstraint("sop_id", "step", "outcome"),
        UniqueConstraint("sop_id", "step", "outcome", "target", name="uq_sop_move_whole"),
        ForeignKeyConstraint(["sop_id", "step"], ["sop_step.sop_id", "sop_step.step"], name="fk_sop_move_step"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a row of sop_move stays as it is")

    id: Mapped[PrimaryKey]
    sop_id: Mapped[int] = mapped_column(IdType, ForeignKey("sop.id"))
    position: Mapped[int]
    step: Mapped[Step] = mapped_column(enum_type(Step, "step"))
    outcome: Mapped[Outcome] = mapped_column(enum_type(Outcome, "outcome"))
    target: Mapped[Step] = mapped_column(enum_type(Step, "target"))


def sop_in_force(session: Session, agency_id: int) -> SopRevision | None:
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


def parse_and_check(session: Session, source: str, key: str, *, by: User | None = None) -> Sop:
    """Return the paper that ``source`` holds if ``by`` may load it; raises as ``load`` does."""
    if faults := check(source, key, numbers_in_use=taken_numbers(session, key)):
        raise InvalidSopError(tuple(faults))
    paper = _parsed(source, key)
    other = select(Agency.id).join(SopRevision).where(SopRevision.key == key, Agency.key != paper.agency.key).limit(1)
    if session.scalars(other).first() is not None:
        taken = _("The key %(key)s belongs to another office's SOP; choose another.", key=key)
        raise ValidationFailed(taken, field_errors={"key": taken})
    known = _loaded_revisions(session, paper, key)
    content = digest(paper)
    is_known = any(row.digest == content for row in known)
    if paper.number and not is_known and not _is_later_revision(paper, known):
        line = next((number for number, text_ in enumerate(source.splitlines(), 1) if paper.number in text_), 1)
        raise InvalidSopError((LineError(line, _NOT_REVISED),))
    if by is not None and not by.is_superadmin and (by.agency is None or by.agency.key != paper.agency.key):
        raise NotAllowed(_("This SOP belongs to another agency (%(agency)s).", agency=paper.agency.name))
    return paper


def load_revision(session: Session, source: str, key: str, *, now: dt.datetime, by: User | None = None) -> SopRevision:
    """Store a checked paper as a draft and return it; the same content again returns the revision it has.

    Makes the agency when the installation has none of that key. ``by`` may only load for their own agency.
    Raises Faulty where the checker finds faults, Incomplete where another agency's paper has the key, which names one
    paper in the terminal, NotAllowed for another agency's paper.
    """
    paper = parse_and_check(session, source, key, by=by)
    agency = _find_or_create_agency(session, paper)
    content = digest(paper)
    known = _loaded_revisions(session, paper, key)
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
        steps=_step_rows(paper),
    )
    session.add(revision)
    session.flush()
    revision.moves = [
        SopMove(position=position, step=move.origin, outcome=move.outcome, target=move.target)
        for position, move in enumerate(paper.moves)
    ]
    session.flush()
    return revision


def _loaded_revisions(session: Session, sop: Sop, key: str) -> Sequence[SopRevision]:
    """Return what is loaded of this paper, the newest first."""
    return session.scalars(
        select(SopRevision)
        .join(Agency)
        .where(Agency.key == sop.agency.key, SopRevision.key == key)
        .order_by(SopRevision.revision.desc())
    ).all()


def _is_later_revision(sop: Sop, loaded: Sequence[SopRevision]) -> bool:
    """Whether a paper whose number is taken by a revision of its own says of itself that it is a later one."""
    if not any(row.number == sop.number for row in loaded):
        return True
    former = loaded[0].sop.revised
    return sop.revised is not None and (former is None or sop.revised > former)


def _find_or_create_agency(session: Session, sop: Sop) -> Agency:
    agency = session.scalars(select(Agency).where(Agency.key == sop.agency.key)).one_or_none()
    if agency is None:
        agency = Agency(
            key=sop.agency.key,
            name=sop.agency.name,
            region=sop.agency.region,
            province=sop.agency.province,
            time_zone=sop.time_zone,
        )
        session.add(agency)
        session.flush()
    return agency


def _step_rows(sop: Sop) -> list[SopStep]:
    return [
        SopStep(
            step=rule.step,
            position=position,
            no=rule.no,
            activity=rule.activity,
            actor=rule.actor,
            standard_minutes=rule.standard.minutes if rule.standard else None,
        )
        for position, rule in enumerate(sop.rules.values())
    ]
