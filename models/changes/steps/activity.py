"""The history of a request: one activity row for each visit to a step, joined to the record of that step.

An activity is opened when the request arrives at the step and finished by the move that leaves it. Foreign keys and
unique indexes enforce a valid history: the move must exist in the SOP, the step must be the target of the previous
activity, and a request has at most one open activity.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, cast

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
    type_coerce,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import ChangeKind, EmergencyGround, Environment, Risk
from lpse_admin.worktime.step_timing import StepTimestamps
from models.accounts.actor_snapshot import snapshot_of
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
)
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule, no_update_or_delete
from models.step_types import RecordType, outcome_type, step_type

if TYPE_CHECKING:
    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.moves.assignment import Reassignment
    from models.changes.steps.field_value import FieldValue
    from models.delegation.delegation import Delegation
    from models.deviations.deviation import Deviation
    from models.documents.document import Document
    from models.inventory.asset import Asset, AssetMutation
    from models.releases.release_revision import ReleaseRevision


_FINISHED = "(SELECT finished_at FROM activity WHERE activity.id = OLD.{key}) IS NOT NULL"
_FINISHED_MESSAGE = "the record of a finished step cannot be changed"


#: What a revision changes of a finished release (``models.releases.release_revision``).
_PLAN_COLUMNS = ("window_start_at", "window_end_at", "actual_at", "overlap_reason", "set_aside_at", "plan_revision")
_IS_REVISED = (
    "(NEW.plan_revision = OLD.plan_revision + 1 AND EXISTS (SELECT 1 FROM release_revision r"
    " WHERE r.release_id = OLD.id AND r.number = NEW.plan_revision))"
)


def frozen_when_finished(key: str = "id") -> RowRules:
    """Return the rules of a table whose column ``key`` refers to the activity."""
    return no_update_or_delete(_FINISHED_MESSAGE, _FINISHED.format(key=key), name="frozen")


class Activity(Base):
    """One visit of a request to a step. The steps request and returned have no record table."""

    __tablename__ = "activity"
    __table_args__: Any = (
        UniqueConstraint("change_id", "sequence"),
        UniqueConstraint("change_id", "sequence", "target", name="uq_activity_target"),
        ForeignKeyConstraint(
            ["change_id", "sop_id"],
            ["change_request.id", "change_request.sop_id"],
            onupdate="CASCADE",
            name="fk_activity_paper_of_the_change",
        ),
        ForeignKeyConstraint(
            ["sop_id", "step", "outcome", "target"],
            ["sop_move.sop_id", "sop_move.step", "sop_move.outcome", "sop_move.target"],
            name="fk_activity_move_of_the_paper",
        ),
        ForeignKeyConstraint(
            ["change_id", "previous_sequence", "step"],
            ["activity.change_id", "activity.sequence", "activity.target"],
            name="fk_activity_where_the_former_led",
        ),
        CheckConstraint(
            "(sequence = 1 AND previous_sequence IS NULL AND step = 'request')"
            " OR (sequence > 1 AND previous_sequence = sequence - 1 AND previous_sequence IS NOT NULL)",
            name="in_sequence",
        ),
        CheckConstraint(
            "(finished_at IS NULL) = (outcome IS NULL) AND (finished_at IS NULL) = (target IS NULL)"
            " AND (finished_at IS NULL) = (actor_id IS NULL) AND (finished_at IS NULL) = (capacity IS NULL)",
            name="finished_whole",
        ),
        CheckConstraint("step <> 'closed'", name="closed_is_no_step"),
        CheckConstraint("arrived_at <= taken_up_at AND arrived_at <= finished_at", name="times_in_order"),
        CheckConstraint("(taken_up_at IS NULL) = (taken_up_by_id IS NULL)", name="taken_up_by_somebody"),
        CheckConstraint("(taken_up_at IS NULL) = (held_by_id IS NULL)", name="in_somebodys_hands"),
        Index(
            "uq_activity_one_open",
            "change_id",
            unique=True,
            **partial_index("finished_at IS NULL"),
        ),
        # The open steps alone, with what they have in common first: without statistics SQLite would rather read along
        # the indexes of all steps.
        Index(
            "ix_activity_waiting",
            "finished_at",
            "agency_id",
            "step",
            "arrived_at",
            "id",
            **partial_index("finished_at IS NULL"),
        ),
        Index(
            "ix_activity_own_waiting",
            "finished_at",
            "requester_id",
            "step",
            "arrived_at",
            "id",
            **partial_index("finished_at IS NULL"),
        ),
        Index("ix_activity_step", "agency_id", "step", "arrived_at", "id"),
        Index("ix_activity_step_everywhere", "step", "arrived_at", "id"),
        Index("ix_activity_requester", "requester_id", "step", "arrived_at", "id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "activity_frozen",
            "a finished step cannot be changed",
            (Immutable("OLD.finished_at IS NOT NULL", mutable=("requester_id",)),),
        ),
        UpdateRule(
            "activity_in_its_place",
            "a step keeps its request, its place and the time of its arrival",
            (
                Immutable(
                    mutable=(
                        "sop_id", "requester_id", "actor_role", "standard_minutes", "arrived_at", "taken_up_at",
                        "taken_up_by_id", "held_by_id", "finished_at", "outcome", "target", "actor_id", "capacity",
                        "delegation_id", "reason", "equipment", "declared",
                    )
                ),
                # A draft is bound to the SOP that is in force when it is submitted; no later step is.
                Immutable("OLD.sequence > 1", columns=("sop_id", "actor_role", "standard_minutes")),
                Immutable("OLD.taken_up_at IS NOT NULL", columns=("taken_up_by_id",)),
                Immutable(
                    "NOT EXISTS (SELECT 1 FROM clock_correction c WHERE c.activity_id = OLD.id"
                    " AND c.arrived_at = NEW.arrived_at)",
                    columns=("arrived_at",),
                ),
                Immutable(
                    "OLD.taken_up_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM clock_correction c"
                    " WHERE c.activity_id = OLD.id AND c.taken_up_at = NEW.taken_up_at)",
                    columns=("taken_up_at",),
                ),
                Immutable(
                    "NOT EXISTS (SELECT 1 FROM requester_takeover t WHERE t.change_id = OLD.change_id"
                    " AND t.from_id = OLD.requester_id AND t.to_id = NEW.requester_id)",
                    columns=("requester_id",),
                ),
            ),
        ),
        DeleteRule(
            "activity_kept",
            "a step of a submitted request cannot be deleted",
            "OLD.finished_at IS NOT NULL OR (SELECT submitted_at FROM change_request c WHERE c.id = OLD.change_id)"
            " IS NOT NULL",
        ),
    )  # fmt: skip

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason", "declared"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    sop_id: Mapped[int] = mapped_column(IdType)
    requester_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    sequence: Mapped[int]
    previous_sequence: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=1)
    step: Mapped[Step] = mapped_column(step_type())
    actor_role: Mapped[Role] = mapped_column(enum_type(Role, "actor_role"))
    standard_minutes: Mapped[int | None]
    arrived_at: Mapped[Timestamp]
    taken_up_at: Mapped[Timestamp | None]
    taken_up_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    taken_up_by_name: Mapped[str | None] = snapshot_of("taken_up_by_id")
    #: The assignee: who took the step up, or to whom it was last reassigned.
    held_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    held_by_name: Mapped[str | None] = snapshot_of("held_by_id")
    finished_at: Mapped[Timestamp | None]
    outcome: Mapped[Outcome | None] = mapped_column(outcome_type())
    target: Mapped[Step | None] = mapped_column(step_type())
    actor_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    actor_name: Mapped[str | None] = snapshot_of("actor_id")
    actor_title: Mapped[str | None] = snapshot_of("actor_id", "position")
    actor_rank: Mapped[str | None] = snapshot_of("actor_id", "rank")
    actor_nip: Mapped[str | None] = snapshot_of("actor_id", "nip")
    #: The capacity in which the actor acted, in the SOP's wording: "Plh. Kepala LPSE".
    capacity: Mapped[ShortText | None]
    delegation_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("delegation.id"))
    reason: Mapped[LongText | None]
    #: Keys of the equipment that was confirmed as available.
    equipment: Mapped[list[str]] = mapped_column(default=list)
    #: Draft input on deviations by form field (``models.deviations.deviation.declared_values``).
    declared: Mapped[dict[str, Any]] = mapped_column(default=dict)

    change: Mapped[ChangeRequest] = relationship(
        back_populates="activities", foreign_keys=change_id, overlaps="activities"
    )
    # Set by their id columns only; viewonly, so that a flush does not check them.
    actor: Mapped[User | None] = relationship(foreign_keys=actor_id, viewonly=True)
    taken_up_by: Mapped[User | None] = relationship(foreign_keys=taken_up_by_id, viewonly=True)
    assignee: Mapped[User | None] = relationship(foreign_keys=held_by_id, viewonly=True)
    requester: Mapped[User] = relationship(foreign_keys=requester_id, viewonly=True)
    delegation: Mapped[Delegation | None] = relationship(viewonly=True)
    reassignments: Mapped[list[Reassignment]] = relationship(order_by="Reassignment.id", viewonly=True)
    documents: Mapped[list[Document]] = relationship(order_by="Document.id", viewonly=True)
    deviations: Mapped[list[Deviation]] = relationship(back_populates="activity", order_by="Deviation.id")
    field_values: Mapped[list[FieldValue]] = relationship(
        back_populates="activity", order_by="FieldValue.position", cascade="all, delete-orphan"
    )

    __mapper_args__: dict[str, Any] = {
        "polymorphic_on": type_coerce(cast("Any", step).column, RecordType()),
    }

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Freeze the record when its step is finished, unless the model defines its own rules."""
        cls.row_rules = cls.__dict__.get("row_rules", frozen_when_finished())
        super().__init_subclass__(**kwargs)

    @property
    def is_open(self) -> bool:
        """Whether the step is not finished yet."""
        return self.finished_at is None

    @property
    def timestamps(self) -> StepTimestamps:
        """When the step was reached, taken up and finished."""
        return StepTimestamps(self.arrived_at, self.taken_up_at, self.finished_at)


def _activity_key() -> Mapped[int]:
    return mapped_column(IdType, ForeignKey("activity.id"), primary_key=True)


class RequestActivity(Activity):
    """The requester's step; its fields are columns of the request."""

    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.REQUEST.value}


class ReturnedActivity(Activity):
    """The request is returned to the requester, who revises or withdraws it."""

    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.RETURNED.value}


class Evaluation(Activity):
    """The manager's evaluation of a request."""

    __tablename__ = "evaluation"
    __table_args__: Any = (enum_set_check("kind", ChangeKind),)
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.EVALUATION.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset(
        {"findings", "impact", "resources", "test_plan", "rollback_plan", "answer_to_refusal"}
    )

    id: Mapped[int] = _activity_key()
    findings: Mapped[LongText | None]
    kind: Mapped[tuple[ChangeKind, ...] | None] = mapped_column(EnumSet(ChangeKind))
    impact: Mapped[LongText | None]
    resources: Mapped[LongText | None]
    test_plan: Mapped[LongText | None]
    rollback_plan: Mapped[LongText | None]
    risk: Mapped[Risk | None] = mapped_column(enum_type(Risk, "risk"))
    answer_to_refusal: Mapped[LongText | None]
    #: The head's refusal that this evaluation answers.
    answers_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("approval.id"))

    affected_items: Mapped[list[EvaluationItem]] = relationship(
        order_by="EvaluationItem.position", cascade="all, delete-orphan", back_populates="evaluation", lazy="selectin"
    )


class UrgencyAssessment(Activity):
    """The manager's assessment of the urgency of a request."""

    __tablename__ = "urgency_assessment"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.URGENCY.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"assessment"})

    id: Mapped[int] = _activity_key()
    ground: Mapped[EmergencyGround | None] = mapped_column(enum_type(EmergencyGround, "ground"))
    assessment: Mapped[LongText | None]


class Approval(Activity):
    """The head's decision on an emergency."""

    __tablename__ = "approval"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.APPROVAL.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"considerations"})

    id: Mapped[int] = _activity_key()
    considerations: Mapped[LongText | None]


class Implementation(Activity):
    """The implementation of the change."""

    __tablename__ = "implementation"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.IMPLEMENTATION.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"steps_taken", "participants"})

    id: Mapped[int] = _activity_key()
    environment: Mapped[Environment | None] = mapped_column(enum_type(Environment, "environment"))
    steps_taken: Mapped[LongText | None]
    participants: Mapped[LongText | None]
    claimed_start_at: Mapped[Timestamp | None]
    claimed_end_at: Mapped[Timestamp | None]
    #: A time that the implementer states, of work that was done before the request.
    done_before_at: Mapped[Timestamp | None]


class TestRun(Activity):
    """The documented test of a change."""

    __test__: ClassVar[bool] = False  # pytest would collect classes of this name
    __tablename__ = "test_run"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.TEST.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"documentation"})

    id: Mapped[int] = _activity_key()
    documentation: Mapped[LongText | None]

    cases: Mapped[list[TestCase]] = relationship(
        order_by="TestCase.position", cascade="all, delete-orphan", back_populates="run", lazy="selectin"
    )


class TestCase(Base):
    """One test case: expected and actual result."""

    __test__: ClassVar[bool] = False
    __tablename__ = "test_case"
    __table_args__ = (UniqueConstraint("run_id", "position"),)

    row_rules: ClassVar[RowRules] = frozen_when_finished("run_id")

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"name", "expected", "actual"})

    id: Mapped[PrimaryKey]
    run_id: Mapped[int] = mapped_column(IdType, ForeignKey("test_run.id"))
    position: Mapped[int]
    name: Mapped[LongText]
    expected: Mapped[LongText]
    actual: Mapped[LongText]

    run: Mapped[TestRun] = relationship(back_populates="cases")


class Rollback(Activity):
    """The rollback after a failed test."""

    __tablename__ = "rollback"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.ROLLBACK.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"cause", "steps_taken", "state_restored", "verified_how"})

    id: Mapped[int] = _activity_key()
    cause: Mapped[LongText | None]
    steps_taken: Mapped[LongText | None]
    state_restored: Mapped[LongText | None]
    verified_how: Mapped[LongText | None]


class Report(Activity):
    """The manager's report to the head."""

    __tablename__ = "report"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.REPORT.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"summary", "follow_up"})

    id: Mapped[int] = _activity_key()
    summary: Mapped[LongText | None]
    follow_up: Mapped[LongText | None]


class Verification(Activity):
    """The head's verification of the report."""

    __tablename__ = "verification"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.VERIFICATION.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"notes"})

    id: Mapped[int] = _activity_key()
    notes: Mapped[LongText | None]


class Release(Activity):
    """The planned window of a release; its actual time may be added once the step is finished."""

    __tablename__ = "release"
    __table_args__: Any = (
        CheckConstraint("window_start_at <= window_end_at", name="window_in_order"),
        CheckConstraint("downtime_minutes >= 0", name="downtime_not_negative"),
        Index(None, "window_start_at"),
        # For the overlap query: of a long register, few releases end after the start of a future window.
        Index(None, "window_end_at", "window_start_at"),
        Index(None, "actual_at"),
        CheckConstraint("set_aside_at IS NULL OR actual_at IS NULL", name="set_aside_or_done"),
    )
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.RELEASE.value}

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "release_frozen_update",
            "a finished release gets its actual time; what else changes of its plan stands in a revision",
            (
                Immutable(_FINISHED.format(key="id"), mutable=_PLAN_COLUMNS),
                Immutable(f"{_FINISHED.format(key='id')} AND NOT {_IS_REVISED}", mutable=("actual_at",)),
                Immutable(f"{_FINISHED.format(key='id')} AND OLD.actual_at IS NOT NULL AND NOT {_IS_REVISED}"),
            ),
        ),
        DeleteRule("release_frozen_delete", _FINISHED_MESSAGE, _FINISHED.format(key="id")),
    )

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"overlap_reason", "audience", "person_in_charge"})

    id: Mapped[int] = _activity_key()
    version: Mapped[str | None] = mapped_column(String(80))
    window_start_at: Mapped[Timestamp | None]
    window_end_at: Mapped[Timestamp | None]
    environment: Mapped[Environment | None] = mapped_column(enum_type(Environment, "environment"))
    overlap_reason: Mapped[LongText | None]
    downtime_minutes: Mapped[int | None]
    audience: Mapped[LongText | None]
    person_in_charge: Mapped[ShortText | None]
    actual_at: Mapped[Timestamp | None]
    #: When the plan was set aside: nothing is released in its window, unless it is planned anew.
    set_aside_at: Mapped[Timestamp | None]
    #: How often the plan or the actual time was revised since the step was finished.
    plan_revision: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    release_assets: Mapped[list[ReleaseAsset]] = relationship(
        order_by="ReleaseAsset.position", cascade="all, delete-orphan", back_populates="release", lazy="selectin"
    )

    revisions: Mapped[list[ReleaseRevision]] = relationship(order_by="ReleaseRevision.number", viewonly=True)

    def can_get_actual_time(self) -> bool:
        """Whether a release is planned and has no actual time yet."""
        return self.outcome is Outcome.SCHEDULED and self.actual_at is None

    def add_actual_time(self, at: dt.datetime, *, now: dt.datetime) -> None:
        """Record the actual time of the release; the request is not changed (procedure.md, reading 7).

        Raises NoSuchMove if no release is planned or the time is already recorded, ValidationFailed if the time is in
        the future or before the submission.
        """
        if not self.can_get_actual_time():
            raise NoSuchMove(_("This release already has an actual time, or no release is planned here."))
        if at > now:
            message = _("The actual time cannot be in the future.")
            raise ValidationFailed(message, field_errors={"actual_at": message})
        if self.change.submitted_at is not None and at < self.change.submitted_at.replace(second=0, microsecond=0):
            message = _("The actual time cannot be before the request.")
            raise ValidationFailed(message, field_errors={"actual_at": message})
        self.actual_at = at


class ReleaseAsset(Base):
    """One asset that a release affects."""

    __tablename__ = "release_asset"
    __table_args__ = (
        UniqueConstraint("release_id", "position"),
        UniqueConstraint("release_id", "asset_id"),
        Index(None, "asset_id"),
    )

    row_rules: ClassVar[RowRules] = frozen_when_finished("release_id")

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(IdType, ForeignKey("release.id"))
    position: Mapped[int]
    asset_id: Mapped[int] = mapped_column(IdType, ForeignKey("asset.id"))

    release: Mapped[Release] = relationship(back_populates="release_assets")
    asset: Mapped[Asset] = relationship(lazy="joined")


class EvaluationItem(Base):
    """An asset or a service that the change affects, as the evaluation names it."""

    __tablename__ = "evaluation_item"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "position"),
        CheckConstraint("(asset_id IS NULL) <> (service IS NULL)", name="asset_or_service"),
        Index(None, "asset_id"),
    )

    row_rules: ClassVar[RowRules] = frozen_when_finished("evaluation_id")

    id: Mapped[PrimaryKey]
    evaluation_id: Mapped[int] = mapped_column(IdType, ForeignKey("evaluation.id"))
    position: Mapped[int]
    asset_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset.id"))
    service: Mapped[ShortText | None]

    evaluation: Mapped[Evaluation] = relationship(back_populates="affected_items")
    asset: Mapped[Asset | None] = relationship(lazy="joined")


class AssetReview(Activity):
    """The review whether the change affects the asset list, and which assets."""

    __tablename__ = "asset_review"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.ASSET_REVIEW.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"assessment"})

    id: Mapped[int] = _activity_key()
    assessment: Mapped[LongText | None]

    items: Mapped[list[AssetReviewItem]] = relationship(
        order_by="AssetReviewItem.position", cascade="all, delete-orphan", back_populates="review", lazy="selectin"
    )


class AssetReviewItem(Base):
    """One asset that the review found changed, new (``asset_id`` is None) or gone."""

    __tablename__ = "asset_review_item"
    __table_args__ = (UniqueConstraint("review_id", "position"), Index(None, "asset_id"))

    row_rules: ClassVar[RowRules] = frozen_when_finished("review_id")

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"finding"})

    id: Mapped[PrimaryKey]
    review_id: Mapped[int] = mapped_column(IdType, ForeignKey("asset_review.id"))
    position: Mapped[int]
    asset_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset.id"))
    finding: Mapped[LongText]

    review: Mapped[AssetReview] = relationship(back_populates="items")
    asset: Mapped[Asset | None] = relationship(lazy="joined")


class AssetUpdate(Activity):
    """The update of the asset list: its mutations are applied all together or not at all."""

    __tablename__ = "asset_update"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.ASSET_UPDATE.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"notes", "draft"})

    id: Mapped[int] = _activity_key()
    notes: Mapped[LongText | None]
    #: Input that is not applied yet: form rows as ``models.inventory.mutation`` reads them.
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)

    mutations: Mapped[list[AssetMutation]] = relationship(
        back_populates="update", order_by="AssetMutation.id", lazy="selectin"
    )


class OwnStep(Activity):
    """A step of an SOP's own: what it is and what it asks for stands in the SOP."""

    __tablename__ = "own_step"
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": Step.TASK.value}

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"notes"})

    id: Mapped[int] = _activity_key()
    notes: Mapped[LongText | None]


#: The activity class by ``Step.record``.
ACTIVITY_CLASSES: dict[Step, type[Activity]] = {
    Step.REQUEST: RequestActivity,
    Step.RETURNED: ReturnedActivity,
    Step.EVALUATION: Evaluation,
    Step.URGENCY: UrgencyAssessment,
    Step.APPROVAL: Approval,
    Step.IMPLEMENTATION: Implementation,
    Step.TEST: TestRun,
    Step.ROLLBACK: Rollback,
    Step.REPORT: Report,
    Step.VERIFICATION: Verification,
    Step.RELEASE: Release,
    Step.ASSET_REVIEW: AssetReview,
    Step.ASSET_UPDATE: AssetUpdate,
    Step.TASK: OwnStep,
}
