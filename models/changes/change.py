"""Requests for change: the model, its derived properties, and its operations."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.sop import RequirementCondition, Sop
from lpse_admin.sop.steps import Result, Step, Urgency
from lpse_admin.workflow.record_fields import ChangeKind, ChangeSource
from lpse_admin.workflow.transitions import available_moves, conditions_of, reason_cannot_act, reason_not_eligible
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.base import (
    Base,
    EnumSet,
    IdType,
    LongText,
    PrimaryKey,
    ShortText,
    Timestamp,
    enum_set_check,
    enum_type,
    partial_index,
    session_of,
)
from models.changes.assets.change_item import ChangeItem
from models.changes.moves import transition
from models.changes.moves.case_file import open_case, person_of, position_of
from models.changes.moves.consent import load_given, takers_by_consent
from models.changes.revision import ChangeRevision
from models.changes.steps.activity import Activity
from models.delegation.delegation import capacity, load_active_delegation
from models.deviations.deviation import Deviation
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency
from models.sops.appointment import load_appointments
from models.sops.sop import SopRevision
from models.step_types import step_type

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lpse_admin.i18n import Message
    from lpse_admin.sop import Move
    from lpse_admin.sop.steps import Outcome
    from lpse_admin.workflow.transitions import Position, Principal
    from models.delegation.delegation import Delegation
    from models.documents.document import Document


#: Immutable as soon as the request has a number.
_IDENTITY_COLUMNS = (
    "id", "number", "year", "serial", "submitted_at", "agency_id", "sop_id", "asked_by_name",
    "asked_by_title", "created_at",
)  # fmt: skip


class ChangeRequest(Base):
    """A request for change: its content, its SOP, its current step and its result."""

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
        enum_set_check("kind", ChangeKind),
        CheckConstraint(
            "(step = 'closed') = (closed_at IS NOT NULL) AND (step = 'closed') = (result IS NOT NULL)",
            name="closed_with_a_result",
        ),
        # Covers all columns of the scope criterion, so that a list is counted by an index-only scan.
        Index("ix_change_newest", "agency_id", "id", "submitted_at", "requester_id"),
        Index("ix_change_submitted", "agency_id", "submitted_at", "id"),
        Index("ix_change_step", "agency_id", "step", "id"),
        Index("ix_change_result", "agency_id", "result", "id"),
        Index("ix_change_urgency", "agency_id", "urgency", "id"),
        Index("ix_change_kind", "agency_id", "kind", "id"),
        Index("ix_change_asked_by", "agency_id", "asked_by_name", "id"),
        Index("ix_change_institution", "agency_id", "requester_institution", "id"),
        Index("ix_change_requester", "requester_id", "id"),
        Index("ix_change_requester_submitted", "requester_id", "submitted_at", "id"),
        # The open requests alone, with what they have in common first: without statistics SQLite would rather read
        # along the indexes of all requests. With all that the scope asks about, like ix_change_newest.
        Index(
            "ix_change_open",
            "closed_at",
            "agency_id",
            "id",
            "submitted_at",
            "requester_id",
            **partial_index("closed_at IS NULL"),
        ),
        Index("ix_change_own_open", "closed_at", "requester_id", "id", **partial_index("closed_at IS NULL")),
        Index("ix_change_draft", "requester_id", "id", **partial_index("submitted_at IS NULL")),
        # For users who see every agency.
        Index("ix_change_submitted_everywhere", "submitted_at", "id"),
        Index("ix_change_step_everywhere", "step", "id"),
        Index("ix_change_result_everywhere", "result", "id"),
        Index("ix_change_urgency_everywhere", "urgency", "id"),
        Index("ix_change_kind_everywhere", "kind", "id"),
        Index("ix_change_asked_by_everywhere", "asked_by_name", "id"),
        Index("ix_change_institution_everywhere", "requester_institution", "id"),
        Index(None, "linked_change_id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "change_request_numbered_once",
            "the number of a request cannot be changed",
            (
                Immutable("OLD.number IS NOT NULL", columns=_IDENTITY_COLUMNS),
                Immutable(
                    "OLD.number IS NOT NULL AND NOT EXISTS (SELECT 1 FROM requester_takeover t"
                    " WHERE t.change_id = OLD.id AND t.from_id = OLD.requester_id AND t.to_id = NEW.requester_id)",
                    columns=("requester_id",),
                ),
            ),
        ),
        UpdateRule(
            "change_request_says_what_was_asked",
            "what was submitted cannot be changed",
            (
                Immutable(
                    "OLD.step NOT IN ('request', 'returned')",
                    mutable=(
                        *_IDENTITY_COLUMNS, "requester_id", "step", "urgency", "result", "is_refused", "is_undone",
                        "is_rolled_back", "version", "closed_at", "kind",
                    ),
                ),
                # The evaluation classifies what the requester did not, or otherwise.
                Immutable("OLD.step NOT IN ('request', 'returned', 'evaluation')", columns=("kind",)),
            ),
        ),
        UpdateRule(
            "change_request_closed",
            "a closed request cannot be changed",
            (Immutable("OLD.closed_at IS NOT NULL", mutable=("version",)),),
        ),
        DeleteRule("change_request_kept", "a submitted request cannot be deleted", "OLD.submitted_at IS NOT NULL"),
    )  # fmt: skip

    erasable_columns: ClassVar[frozenset[str]] = frozenset(
        {
            "title", "description", "purpose", "impact", "risk_if_not_done", "resources", "test_plan", "rollback_plan",
            "requester_name", "requester_contact", "requester_institution", "on_behalf_of",
        }
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    sop_id: Mapped[int] = mapped_column(IdType, ForeignKey("sop.id"))
    year: Mapped[int | None]
    serial: Mapped[int | None]
    number: Mapped[str | None] = mapped_column(String(40))

    title: Mapped[ShortText | None]
    #: What it changes: one or several, as the requester says and, from its acceptance on, as the evaluation does.
    kind: Mapped[tuple[ChangeKind, ...] | None] = mapped_column(EnumSet(ChangeKind))
    source: Mapped[ChangeSource | None] = mapped_column(enum_type(ChangeSource, "source"))
    description: Mapped[LongText | None]
    purpose: Mapped[LongText | None]
    impact: Mapped[LongText | None]
    risk_if_not_done: Mapped[LongText | None]
    resources: Mapped[LongText | None]
    wanted_by: Mapped[dt.date | None]
    test_plan: Mapped[LongText | None]
    rollback_plan: Mapped[LongText | None]
    #: Times that the requester states, of what was before the request.
    incident_at: Mapped[Timestamp | None]
    done_before_at: Mapped[Timestamp | None]
    requester_name: Mapped[ShortText | None]
    requester_contact: Mapped[ShortText | None]
    requester_institution: Mapped[ShortText | None]
    on_behalf_of: Mapped[ShortText | None]
    linked_change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))

    step: Mapped[Step] = mapped_column(step_type(), default=Step.REQUEST)
    urgency: Mapped[Urgency | None] = mapped_column(enum_type(Urgency, "urgency"))
    result: Mapped[Result | None] = mapped_column(enum_type(Result, "result"))
    #: True from the head's refusal until the head's approval.
    is_refused: Mapped[bool] = mapped_column(default=False)
    #: True from a failed test until a later one passes.
    is_undone: Mapped[bool] = mapped_column(default=False)
    is_rolled_back: Mapped[bool] = mapped_column(default=False)
    #: Number of submissions: 1 for the first, incremented by each resubmission.
    revision: Mapped[int] = mapped_column(default=1)
    #: Incremented by every write; a form rendered from an older version is rejected.
    version: Mapped[int] = mapped_column(default=1)

    requester_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    asked_by_name: Mapped[str | None] = snapshot_of("requester_id", once=True)
    asked_by_title: Mapped[str | None] = snapshot_of("requester_id", "position", once=True)
    created_at: Mapped[Timestamp]
    submitted_at: Mapped[Timestamp | None]
    closed_at: Mapped[Timestamp | None]

    agency: Mapped[Agency] = relationship()
    sop_revision: Mapped[SopRevision] = relationship()
    requester: Mapped[User] = relationship(foreign_keys=requester_id, viewonly=True)
    linked_change: Mapped[ChangeRequest | None] = relationship(remote_side="ChangeRequest.id", viewonly=True)
    activities: Mapped[list[Activity]] = relationship(
        back_populates="change",
        order_by="Activity.sequence",
        foreign_keys="Activity.change_id",
        cascade="all, delete-orphan",
    )
    affected_items: Mapped[list[ChangeItem]] = relationship(
        order_by="ChangeItem.position", cascade="all, delete-orphan", back_populates="change", lazy="selectin"
    )
    revisions: Mapped[list[ChangeRevision]] = relationship(order_by="ChangeRevision.revision", viewonly=True)
    documents: Mapped[list[Document]] = relationship(order_by="Document.id", viewonly=True)
    deviations: Mapped[list[Deviation]] = relationship(back_populates="change", order_by="Deviation.id")

    @property
    def sop(self) -> Sop:
        """The SOP of this request."""
        return self.sop_revision.sop

    @property
    def is_draft(self) -> bool:
        """Whether it is not submitted yet."""
        return self.submitted_at is None

    @property
    def current_activity(self) -> Activity | None:
        """The open activity, or None if the request is closed."""
        return next((activity for activity in reversed(self.activities) if activity.is_open), None)

    @property
    def conditions(self) -> frozenset[RequirementCondition]:
        """The conditions that make the SOP require further items."""
        return conditions_of(self.on_behalf_of, self.kind, self.urgency)

    @property
    def position(self) -> Position:
        """The position for the transition rules."""
        if not self.sop.asks_for_consent:
            return position_of(self, self.activities)
        given = load_given(session_of(self), self.id)
        return position_of(self, self.activities, takers_by_consent(self.sop, given))

    def open_moves(self, user: User, now: dt.datetime) -> tuple[Move, ...]:
        """Return the moves that ``user`` may make at ``now``."""
        return available_moves(self.sop, self.position, self.as_actor(user, now)[0])

    def reason_cannot_act(self, user: User, now: dt.datetime) -> Message | None:
        """Return why ``user`` may not act on the current step at ``now``, or None if they may."""
        return reason_cannot_act(self.sop, self.position, self.as_actor(user, now)[0])

    def capacity_of(self, user: User, now: dt.datetime) -> str:
        """Return the capacity in which ``user`` acts on the current step, in the SOP's wording: 'Plh. Kepala LPSE'."""
        posts = load_appointments(session_of(self), self.agency, now).posts
        is_appointed = self.step in self.sop.rules and self.sop.rules[self.step].actor_key in posts
        return capacity(self.sop, self.step, user, self.as_actor(user, now)[1], is_appointed=is_appointed)

    def reason_not_eligible(self, user: User, now: dt.datetime) -> Message | None:
        """Return why ``user`` is not eligible for the current step, ignoring its assignee; None if eligible."""
        return reason_not_eligible(self.sop, self.position, self.as_actor(user, now)[0])

    def as_actor(self, user: User, now: dt.datetime, role: Role | None = None) -> tuple[Principal, Delegation | None]:
        """Return the principal of ``user`` for ``role`` (default: the role of the current step).

        Also returns the delegation that makes them acting head for that role, if there is one.
        """
        rule = self.sop.rules.get(self.step)
        acting = role or (rule.actor if rule else None)
        delegation = load_active_delegation(session_of(self), user, now) if acting is Role.HEAD else None
        person = person_of(self, user, delegation, load_appointments(session_of(self), self.agency, now))
        return person, delegation if person.is_acting_head else None

    def advance(
        self,
        outcome: Outcome,
        actor: User,
        *,
        now: dt.datetime,
        values: Mapping[str, object] | None = None,
        equipment: Collection[str] = (),
        version: int | None = None,
    ) -> Activity:
        """Open the case file of this request for ``actor`` and make the move (``transition.advance``).

        ``version`` is the version that the actor's form was rendered from. Raises what ``open_case`` and
        ``transition.advance`` raise; the caller then rolls back.
        """
        case = open_case(self, actor, now, version=version)
        return transition.advance(case, outcome, transition.Given(values or {}, equipment))

    def save(
        self,
        actor: User,
        *,
        now: dt.datetime,
        values: Mapping[str, object],
        equipment: Collection[str] | None = None,
        version: int | None = None,
    ) -> Activity:
        """Save the draft input of the step's actor (``transition.save``); ``equipment`` None leaves it unchanged."""
        case = open_case(self, actor, now, version=version)
        return transition.save(case, transition.Given(values, equipment or ()), keeps_equipment=equipment is None)

    def __str__(self) -> str:
        """Return number and title."""
        return f"{self.number or '–'} {self.title or ''}".strip()
