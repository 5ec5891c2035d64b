"""Requests for change, and the one door through which they move."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship, selectinload, with_polymorphic
from sqlalchemy.orm.attributes import set_committed_value

from lpse_admin.errors import Incomplete, NoSuchMove, NotAllowed, NotFound
from lpse_admin.message import Message, _
from lpse_admin.records import REQUEST_FIELDS, ChangeKind, ChangeSource
from lpse_admin.roles import Role
from lpse_admin.sop import Condition, ItemKind, Sop
from lpse_admin.steps import PARTS, Outcome, Part, Result, Step, Urgency
from lpse_admin.workflow import (
    AtHand,
    Person,
    Position,
    bar,
    bar_from_taking,
    decide,
    deviations,
    find_move,
    open_moves,
    result_of,
)
from models import deviation, recording, release_plan, step_time
from models.activity import RECORD_OF, Activity, Approval, Evaluation
from models.agency import Agency, next_serial, request_number
from models.base import Base, Identity, Line, Moment, PrimaryKey, Prose, session_of, stored
from models.delegation import Delegation, delegation_of
from models.deviation import Deviation
from models.sop import SopRevision, in_force
from models.telling import moved, to_be_disposed_of
from models.timekeeping import delays, lateness, reading, remeasure
from models.user import User

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement, Select

    from lpse_admin.sop import Move
    from models.document import Document


def _where(condition: str) -> dict[str, Any]:
    """Return what makes an index one of the rows alone that fulfil ``condition``."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class ChangeRequest(Base):
    """A request for change: what is asked, under which paper, and where it stands."""

    __tablename__ = "change_request"
    __table_args__ = (
        UniqueConstraint("agency_id", "year", "serial"),
        UniqueConstraint("agency_id", "number"),
        UniqueConstraint("id", "sop_id"),
        CheckConstraint(
            "(submitted_at IS NULL) = (number IS NULL) AND (submitted_at IS NULL) = (serial IS NULL)"
            " AND (submitted_at IS NULL) = (year IS NULL)",
            name="numbered_when_submitted",
        ),
        CheckConstraint("submitted_at IS NOT NULL OR step = 'request'", name="draft_is_at_the_start"),
        CheckConstraint(
            "(step = 'closed') = (closed_at IS NOT NULL) AND (step = 'closed') = (result IS NOT NULL)",
            name="closed_with_a_result",
        ),
        # With all that the scope asks about, so that a list is counted along the index alone.
        Index("ix_change_newest", "agency_id", "id", "submitted_at", "requester_id"),
        Index("ix_change_submitted", "agency_id", "submitted_at", "id"),
        Index("ix_change_step", "agency_id", "step", "id"),
        Index("ix_change_result", "agency_id", "result", "id"),
        Index("ix_change_urgency", "agency_id", "urgency", "id"),
        Index("ix_change_kind", "agency_id", "kind", "id"),
        Index("ix_change_requester", "requester_id", "id"),
        Index("ix_change_requester_submitted", "requester_id", "submitted_at", "id"),
        Index("ix_change_open", "agency_id", "id", **_where("closed_at IS NULL")),
        Index("ix_change_draft", "requester_id", "id", **_where("submitted_at IS NULL")),
        # For those who see every agency.
        Index("ix_change_submitted_everywhere", "submitted_at", "id"),
        Index("ix_change_step_everywhere", "step", "id"),
        Index("ix_change_result_everywhere", "result", "id"),
        Index("ix_change_urgency_everywhere", "urgency", "id"),
        Index("ix_change_kind_everywhere", "kind", "id"),
        Index(None, "linked_change_id"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(Identity, ForeignKey("agency.id"))
    sop_id: Mapped[int] = mapped_column(Identity, ForeignKey("sop.id"))
    year: Mapped[int | None]
    serial: Mapped[int | None]
    number: Mapped[str | None] = mapped_column(String(40))

    title: Mapped[Line | None]
    kind: Mapped[ChangeKind | None] = mapped_column(stored(ChangeKind, "kind"))
    source: Mapped[ChangeSource | None] = mapped_column(stored(ChangeSource, "source"))
    description: Mapped[Prose | None]
    purpose: Mapped[Prose | None]
    impact: Mapped[Prose | None]
    risk_if_not_done: Mapped[Prose | None]
    wanted_by: Mapped[dt.date | None]
    test_plan: Mapped[Prose | None]
    rollback_plan: Mapped[Prose | None]
    requester_name: Mapped[Line | None]
    requester_contact: Mapped[Line | None]
    requester_institution: Mapped[Line | None]
    on_behalf_of: Mapped[Line | None]
    linked_change_id: Mapped[int | None] = mapped_column(Identity, ForeignKey("change_request.id"))

    step: Mapped[Step] = mapped_column(stored(Step, "step"), default=Step.REQUEST)
    urgency: Mapped[Urgency | None] = mapped_column(stored(Urgency, "urgency"))
    result: Mapped[Result | None] = mapped_column(stored(Result, "result"))
    #: From the head's refusal until the head's approval.
    is_refused: Mapped[bool] = mapped_column(default=False)
    #: From a failed test until a later one passes.
    is_undone: Mapped[bool] = mapped_column(default=False)
    is_rolled_back: Mapped[bool] = mapped_column(default=False)
    #: Counts the requester's submissions: 1 with the first, one more with each resubmission.
    revision: Mapped[int] = mapped_column(default=1)
    #: Grows with every write; a form that was shown an older one is refused.
    version: Mapped[int] = mapped_column(default=1)

    requester_id: Mapped[int] = mapped_column(Identity, ForeignKey("user_account.id"))
    created_at: Mapped[Moment]
    submitted_at: Mapped[Moment | None]
    closed_at: Mapped[Moment | None]

    agency: Mapped[Agency] = relationship()
    sop: Mapped[SopRevision] = relationship()
    requester: Mapped[User] = relationship(foreign_keys=requester_id)
    linked_change: Mapped[ChangeRequest | None] = relationship(remote_side="ChangeRequest.id")
    activities: Mapped[list[Activity]] = relationship(
        back_populates="change",
        order_by="Activity.sequence",
        foreign_keys="Activity.change_id",
        cascade="all, delete-orphan",
    )
    revisions: Mapped[list[ChangeRevision]] = relationship(
        order_by="ChangeRevision.revision", cascade="all, delete-orphan"
    )
    documents: Mapped[list[Document]] = relationship(back_populates="change", order_by="Document.id")
    deviations: Mapped[list[Deviation]] = relationship(back_populates="change", order_by="Deviation.id")

    @property
    def paper(self) -> Sop:
        """The paper that this request falls under."""
        return self.sop.paper

    @property
    def is_draft(self) -> bool:
        """Whether the requester has not submitted it yet."""
        return self.submitted_at is None

    @property
    def current(self) -> Activity | None:
        """The open activity, or None once the request is closed."""
        return next((activity for activity in reversed(self.activities) if activity.is_open), None)

    @property
    def conditions(self) -> frozenset[Condition]:
        """What about this request makes the paper ask for more."""
        found = set()
        if self.on_behalf_of:
            found.add(Condition.BY_PROXY)
        if self.kind is ChangeKind.ACCOUNT:
            found.add(Condition.ACCOUNT)
        if self.urgency is Urgency.EMERGENCY:
            found.add(Condition.EMERGENCY)
        return frozenset(found)

    @property
    def position(self) -> Position:
        """Where it stands, as the rules see it."""
        parts: dict[Part, set[int]] = {Part.ASK: {self.requester_id}}
        outcomes = []
        for activity in self.activities:
            part = PARTS.get(activity.step)
            if part is not None and activity.actor_id is not None:
                parts.setdefault(part, set()).add(activity.actor_id)
            outcomes.append(activity.outcome)
        current = self.current
        # What bars a move is read from the history, not from the flags beside it, which only sort and filter.
        return Position(
            step=self.step,
            urgency=self.urgency,
            requester_id=self.requester_id,
            parts={part: frozenset(people) for part, people in parts.items()},
            refused=_last(outcomes, Outcome.APPROVED, Outcome.REFUSED) is Outcome.REFUSED,
            undone=_last(outcomes, Outcome.PASSED, Outcome.FAILED) is Outcome.FAILED,
            rolled_back=Outcome.ROLLED_BACK in outcomes,
            conditions=self.conditions,
            held_by=current.held_by_id if current is not None else None,
        )

    @property
    def _is_verified(self) -> bool:
        return any(activity.outcome is Outcome.VERIFIED for activity in self.activities)

    def open_moves(self, user: User, now: dt.datetime) -> tuple[Move, ...]:
        """Return the moves that ``user`` may make at this moment."""
        return open_moves(self.paper, self.position, self._actor(user, now)[0])

    def bar(self, user: User, now: dt.datetime) -> Message | None:
        """Return why ``user`` may not act on the present step at this moment, or None where they may."""
        return bar(self.paper, self.position, self._actor(user, now)[0])

    def capacity_of(self, user: User, now: dt.datetime) -> str:
        """Return in what capacity ``user`` acts on the present step, in the paper's words: 'Plh. Kepala LPSE'."""
        return capacity(self.paper, self.step, self._actor(user, now)[1])

    def _actor(self, user: User, now: dt.datetime) -> tuple[Person, Delegation | None]:
        """Return ``user`` as the rules see them at the present step, and the delegation that makes them so."""
        if user.agency_id != self.agency_id or not user.is_active:
            return Person(user.id, frozenset()), None
        rule = self.paper.rules.get(self.step)
        delegation = None
        if rule is not None and rule.actor is Role.HEAD and Role.HEAD not in user.roles:
            delegation = delegation_of(session_of(self), user, now)
        return Person(user.id, user.roles, stands_in_for_head=delegation is not None), delegation

    def save(
        self,
        actor: User,
        *,
        now: dt.datetime,
        values: Mapping[str, object],
        equipment: Collection[str] | None = None,
        version: int | None = None,
    ) -> Activity:
        """Keep what the step's actor has typed so far, without moving; the record stays open.

        Raises what ``advance`` raises, save that nothing has to be complete.
        """
        current = self.claim(actor, version)
        if refusal := self.bar(actor, now):
            raise NotAllowed(refusal)
        recording.write(self, current, values, now)
        current.declared = {**(current.declared or {}), **deviation.declared(values)}
        if equipment is not None:
            current.equipment = self._known_equipment(current, equipment)
        self.version += 1
        return current

    def bar_from_taking(self, user: User, now: dt.datetime) -> Message | None:
        """Return why the present step cannot be ``user``'s, in whose hands soever it is; None where it can."""
        return bar_from_taking(self.paper, self.position, self._actor(user, now)[0])

    def advance(  # noqa: PLR0913 - a move has this many parts, and this is the one door for it
        self,
        outcome: Outcome,
        actor: User,
        *,
        now: dt.datetime,
        values: Mapping[str, object] | None = None,
        equipment: Collection[str] = (),
        version: int | None = None,
    ) -> Activity:
        """Finish the present step with ``outcome`` and bring the request where its paper leads, or refuse.

        The only writer of the current step. ``values`` are the record's fields and ``reason`` by key
        (``lpse_admin.records``); files are attached to the open activity before. ``version`` is the one that
        the actor's form was made from. Returns the finished activity. Raises NoSuchMove (409) where there is no
        such move or somebody was faster, NotAllowed (403) where it is somebody else's, NotFound (404) where it
        is another agency's, Incomplete (422) where something required is missing or wrong; the caller then rolls
        back, and nothing was written.
        """
        session = session_of(self)
        given = dict(values or {})
        current = self.claim(actor, version)
        if self.is_draft:
            self._fall_under_the_paper_in_force(session, current)
        who, delegation = self._actor(actor, now)
        find_move(self.paper, self.position, outcome, who)
        with session.no_autoflush:
            recording.write(self, current, given, now)
            given |= current.declared | deviation.declared(given)
            at_hand = self._at_hand(current, given, equipment, now)
            try:
                move = self._decide(outcome, who, at_hand, given, now)
            except Incomplete as refusal:  # what else is in the way is told at once
                others = release_plan.faults_of(session, self, current, outcome, actor)
                raise Incomplete(refusal.message, fields={**others, **refusal.fields}) from None
            found = deviations(self.paper, self.position, outcome, at_hand)
        session.flush()
        release_plan.check(session, self, current, outcome, actor)
        recording.settle(self, current, outcome, actor, now)
        if outcome is Outcome.VERIFIED:
            deviation.dispose_all(self, _disposals(given), actor, now=now)
        current.equipment = self._known_equipment(current, equipment)
        current.declared = {}
        remeasure(self, current, now)
        deviation.raise_on(self, current, found, now=now, while_open=False)
        deviation.account_for(current, given, actor, now=now)
        session.flush()  # the database lets a step end only when its accounts are there
        self._finish(current, move, actor, delegation, now, given)
        step_time.keep(session, current, reading(self, current, now))
        self._arrive(move, now)
        session.flush()
        moved(session, self, current, actor, now)
        if self.step is Step.CLOSED or self._is_verified:
            # No verification will meet them any more.
            to_be_disposed_of(session, self, deviation.undisposed(self), now)
        return current

    def _decide(
        self, outcome: Outcome, who: Person, at_hand: AtHand, given: Mapping[str, object], now: dt.datetime
    ) -> Move:
        """Return the move, or say all at once what it still lacks: what the rules ask for, and what the head owes."""
        owed: dict[str, Message] = {}
        if outcome is Outcome.VERIFIED:
            owed = deviation.disposal_faults(self, _disposals(given), now)
        try:
            move = decide(self.paper, self.position, outcome, who, at_hand)
        except Incomplete as refusal:
            raise Incomplete(refusal.message, fields={**refusal.fields, **owed}) from None
        if owed:
            raise Incomplete(_("Every deviation must be disposed of before the report is verified."), fields=owed)
        return move

    def discard(self, actor: User) -> None:
        """Delete this draft with the files attached to it.

        Raises NoSuchMove (409) once it is submitted, NotAllowed (403) for anybody but its requester.
        """
        session = session_of(self)
        self.claim(actor, None)
        if not self.is_draft:
            raise NoSuchMove(_("Only a draft can be thrown away; what was submitted stays."))
        if actor.id != self.requester_id:
            raise NotAllowed(_("Only its requester can throw a draft away."))
        for document in self.documents:
            session.delete(document)
        session.flush()
        session.expire(self)
        session.delete(self)
        session.flush()

    def claim(self, actor: User, version: int | None) -> Activity:
        """Lock this request and return its open step, as both are now.

        Raises NoSuchMove (409) where the request is not any more the ``version`` that the actor was shown, or is
        closed, and NotFound (404) where it is another agency's or gone.
        """
        session = session_of(self)
        session.flush()
        try:
            session.refresh(self, with_for_update=True)
        except InvalidRequestError:  # a draft that its requester has thrown away meanwhile
            raise NotFound(_("There is no such request.")) from None
        if actor.agency_id != self.agency_id and not actor.reaches_across:
            raise NotFound(_("There is no such request."))
        # What was read of the history before the lock may be older than the lock.
        history = session.scalars(
            select(Activity)
            .where(Activity.change_id == self.id)
            .order_by(Activity.sequence)
            .execution_options(populate_existing=True)
        ).all()
        set_committed_value(self, "activities", list(history))
        if version is not None and version != self.version:
            raise NoSuchMove(_("Somebody else was faster: this request has moved or changed since you opened it."))
        current = self.current
        if current is None:
            raise NoSuchMove(_("This request is closed; nothing more can be done on it."))
        return current

    def _fall_under_the_paper_in_force(self, session: Session, current: Activity) -> None:
        """Bind a draft to the paper that is in force when it is submitted (SOP page, silences 14)."""
        paper = in_force(session, self.agency_id)
        if paper is None or paper.id == self.sop_id:
            return
        self.sop_id = paper.id
        session.flush()
        session.expire(self, ["sop"])
        session.expire(current, ["sop_id"])  # followed by itself (ON UPDATE CASCADE)
        rule = paper.paper.rules[current.step]
        current.actor_role = rule.actor
        current.standard_minutes = rule.standard.minutes if rule.standard else None

    def _known_equipment(self, current: Activity, ticked: Collection[str]) -> list[str]:
        """Return those of the ticked keys that the step's rule has."""
        asked = (item.key for item in self.paper.rules[current.step].requires if item.kind is ItemKind.EQUIPMENT)
        return sorted(set(asked).intersection(ticked))

    def _at_hand(
        self, current: Activity, values: Mapping[str, object], equipment: Collection[str], now: dt.datetime
    ) -> AtHand:
        return AtHand(
            values={**recording.read(self, current), **values},
            documents=frozenset(document.item_key for document in self.documents if document.item_key),
            equipment=frozenset(equipment),
            lateness=lateness(self, current, now),
            raised=delays(self, current, now),
        )

    def _finish(  # noqa: PLR0913, PLR0917 - the parts of a finished step
        self,
        current: Activity,
        move: Move,
        actor: User,
        delegation: Delegation | None,
        now: dt.datetime,
        values: Mapping[str, object],
    ) -> None:
        current.finished_at = now
        current.outcome, current.target = move.outcome, move.target
        current.actor_id = actor.id
        current.capacity = capacity(self.paper, move.origin, delegation)
        current.delegation_id = delegation.id if delegation else None
        reason = values.get("reason")
        current.reason = reason.strip() or None if isinstance(reason, str) else None

    def _arrive(self, move: Move, now: dt.datetime) -> None:
        """Take the step that ``move`` leads to."""
        self._settle(move.outcome, now)
        self.result = result_of(move, rolled_back=self.is_rolled_back)
        self.step = move.target
        self.version += 1
        if move.target is Step.CLOSED:
            self.closed_at = now
        else:
            self._open_activity(move.target, now)

    def _settle(self, outcome: Outcome, now: dt.datetime) -> None:
        """Keep what ``outcome`` settles for the rest of the way."""
        match outcome:
            case Outcome.SUBMITTED:
                self.year, self.serial = next_serial(session_of(self), self.agency, now)
                self.number = request_number(self.year, self.serial)
                self.submitted_at = now
                self._keep_revision(now)
            case Outcome.RESUBMITTED:
                self.revision += 1
                self._keep_revision(now)
            case Outcome.EMERGENCY | Outcome.NORMAL:
                self.urgency = Urgency(outcome.value)
            case Outcome.REFUSED:
                self.is_refused = True
            case Outcome.APPROVED:
                self.is_refused = False
            case Outcome.FAILED:
                self.is_undone = True
            case Outcome.PASSED:
                self.is_undone = False
            case Outcome.ROLLED_BACK:
                self.is_rolled_back = True
            case _:
                pass

    def _open_activity(self, step: Step, now: dt.datetime) -> Activity:
        rule = self.paper.rules[step]
        activity = RECORD_OF[step](
            agency_id=self.agency_id,
            sop_id=self.sop_id,
            requester_id=self.requester_id,
            sequence=len(self.activities) + 1,
            previous_sequence=len(self.activities) or None,
            revision=self.revision,
            step=step,
            actor_role=rule.actor,
            standard_minutes=rule.standard.minutes if rule.standard else None,
            arrived_at=now,
        )
        if isinstance(activity, Evaluation) and self.is_refused:
            activity.answers_id = next(
                (former.id for former in reversed(self.activities) if isinstance(former, Approval)), None
            )
        self.activities.append(activity)
        return activity

    def _keep_revision(self, now: dt.datetime) -> None:
        content = {field.key: _plain(getattr(self, field.key)) for field in REQUEST_FIELDS}
        self.revisions.append(ChangeRevision(revision=self.revision, content=content, submitted_at=now))

    def __str__(self) -> str:
        """Return number and title."""
        return f"{self.number or '–'} {self.title or ''}".strip()


class ChangeRevision(Base):
    """What a request said each time it was submitted."""

    __tablename__ = "change_revision"
    __table_args__ = (UniqueConstraint("change_id", "revision"),)

    id: Mapped[PrimaryKey]
    change_id: Mapped[int] = mapped_column(Identity, ForeignKey("change_request.id"))
    revision: Mapped[int]
    submitted_at: Mapped[Moment]
    content: Mapped[dict[str, Any]]


def blank(session: Session, requester: User, *, now: dt.datetime) -> ChangeRequest:
    """Return a request that is not kept yet, as its first form shows it.

    Raises NotAllowed for somebody who is no requester of an agency, NoSuchMove where no paper is in force.
    """
    if Role.REQUESTER not in requester.roles or requester.agency_id is None:
        raise NotAllowed(_("Only a requester can make a request."))
    paper = in_force(session, requester.agency_id)
    if paper is None:
        raise NoSuchMove(_("No SOP is in force in this agency, so no request can be made yet."))
    change = ChangeRequest(
        agency_id=requester.agency_id,
        agency=requester.agency,
        sop_id=paper.id,
        sop=paper,
        requester_id=requester.id,
        created_at=now,
        step=paper.paper.start,
        is_refused=False,
        is_undone=False,
        is_rolled_back=False,
        revision=1,
        version=1,
    )
    change._open_activity(paper.paper.start, now)  # noqa: SLF001 - the same module's other half
    return change


def draft(session: Session, requester: User, *, now: dt.datetime, values: Mapping[str, object]) -> ChangeRequest:
    """Begin a request and return it: the requester's own until it is submitted. Raises like ``blank``."""
    change = blank(session, requester, now=now)
    session.add(change)
    recording.write(change, change.activities[0], values, now)
    session.flush()
    return change


def person(user: User, now: dt.datetime) -> Person:
    """Return ``user`` as the rules see them at this moment: roles, and whether they stand in for the head."""
    session = Session.object_session(user)
    stands_in = session is not None and Role.HEAD not in user.roles and delegation_of(session, user, now) is not None
    return Person(user.id, user.roles if user.is_active else frozenset(), stands_in_for_head=stands_in)


def capacity(paper: Sop, of: Role | Step, delegation: Delegation | None) -> str:
    """Return in what capacity a step is taken (or a role acts), in the paper's words: 'Plh. Kepala LPSE'."""
    title = paper.actor_title(of)
    return f"{delegation.kind.prefix} {title}" if delegation else str(title)


def whole(session: Session, change_id: int, visible: ColumnElement[bool] | None = None) -> ChangeRequest | None:
    """Return a request with all that its own page shows, in a number of statements that does not grow.

    ``visible`` is the reader's criterion (``models.scope``); None where it is not theirs to see.
    """
    criteria = [ChangeRequest.id == change_id, *([] if visible is None else [visible])]
    found: ChangeRequest | None = session.scalars(_whole().where(*criteria)).one_or_none()
    return found


@cache
def _whole() -> Select[Any]:
    """Return the statement for whole requests; put together once, which took as long as running it."""
    # One statement for the steps with the records of all kinds; each kind would ask for its own otherwise.
    steps = with_polymorphic(Activity, list(RECORD_OF.values()), flat=True)
    return (
        select(ChangeRequest)
        .options(
            selectinload(ChangeRequest.activities.of_type(steps)).options(
                joinedload(steps.actor), joinedload(steps.delegation), joinedload(steps.held_by)
            ),
            selectinload(ChangeRequest.deviations).options(
                joinedload(Deviation.executor),
                joinedload(Deviation.disposed_by),
                joinedload(Deviation.follow_up_by),
                joinedload(Deviation.delegation),
            ),
            selectinload(ChangeRequest.documents),
            selectinload(ChangeRequest.revisions),
        )
        .execution_options(populate_existing=True)
    )


def _last(outcomes: list[Outcome | None], *of: Outcome) -> Outcome | None:
    """Return the latest of ``outcomes`` that is one ``of`` these."""
    return next((outcome for outcome in reversed(outcomes) if outcome in of), None)


def _disposals(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return what was typed of the head's disposals, by the deviations' ids."""
    typed = given.get(deviation.DISPOSALS)
    return typed if isinstance(typed, dict) else {}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value


__all__ = ["ChangeRequest", "ChangeRevision", "blank", "capacity", "draft", "person", "whole"]
