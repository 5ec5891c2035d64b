"""Findings of an outside assessor: finding, request for improvement, action, and the assessor's agreement to it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, exists, or_, select
from sqlalchemy.ext.hybrid import hybrid_method, hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import LabelledEnum, _
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted
from models.accounts.user import User
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from models.hybrids import first_true, is_null
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.inventory.asset import Asset
from models.office.agency import Agency
from models.sops.sop import SopRevision

if TYPE_CHECKING:
    from sqlalchemy import SQLColumnExpression


class Priority(LabelledEnum):
    """How soon the assessor wants an improvement."""

    HIGH = "high", _("High")
    MEDIUM = "medium", _("Medium")
    LOW = "low", _("Low")


class ActionStatus(LabelledEnum):
    """How far the action is."""

    PLANNED = "planned", _("Planned")
    RUNNING = "running", _("In progress")
    DONE = "done", _("Carried out")


class Agreement(LabelledEnum):
    """What the assessor says of the action."""

    AGREED = "agreed", _("Agreed")
    NOT_AGREED = "not-agreed", _("Not agreed")


class FindingState(LabelledEnum):
    """State of a finding."""

    NEW = "new", _("Without action")
    RUNNING = "running", _("Action in progress")
    DONE = "done", _("Waiting for the assessor")
    NOT_AGREED = "not-agreed", _("Assessor does not agree")
    CLOSED = "closed", _("Closed")


#: What the assessor said, and what it is about.
_SAID_COLUMNS = (
    "number", "found_on", "assessor", "clause", "finding", "improvement", "priority", "due_on", "change_id",
    "release_id", "asset_id", "sop_id",
)  # fmt: skip
#: What is said of the action, and what the assessor says of it.
_ACTION_COLUMNS = (
    "action",
    "action_by_id",
    "action_status",
    "action_on",
    "action_recorded_by_id",
    "action_recorded_at",
)
_AGREEMENT_COLUMNS = (
    "agreement", "agreement_note", "agreed_by", "agreed_on", "agreement_recorded_by_id", "agreement_recorded_at",
)  # fmt: skip


class AssessorFinding(Base):
    """One finding, and what became of it."""

    __tablename__ = "assessor_finding"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "number"),
        CheckConstraint(
            "(CASE WHEN change_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN release_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN asset_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN sop_id IS NULL THEN 0 ELSE 1 END) <= 1",
            name="about_one_thing",
        ),
        CheckConstraint(
            "(action IS NULL) = (action_by_id IS NULL) AND (action IS NULL) = (action_status IS NULL)"
            " AND (action IS NULL) = (action_recorded_at IS NULL)",
            name="action_whole",
        ),
        CheckConstraint(
            "(agreement IS NULL) = (agreed_by IS NULL) AND (agreement IS NULL) = (agreed_on IS NULL)"
            " AND (agreement IS NULL) = (agreement_recorded_at IS NULL)",
            name="agreement_whole",
        ),
        CheckConstraint("agreement IS NULL OR action IS NOT NULL", name="agreement_to_an_action"),
        Index(None, "agency_id", "found_on", "id"),
        Index(None, "agency_id", "due_on", "id"),
        Index(None, "change_id"),
        Index(None, "asset_id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "assessor_finding_stands",
            "what an assessor said stays once there is an action, and all of it once the assessor agreed",
            (
                Immutable(mutable=(*_SAID_COLUMNS, *_ACTION_COLUMNS, *_AGREEMENT_COLUMNS)),
                Immutable("OLD.action IS NOT NULL", mutable=(*_ACTION_COLUMNS, *_AGREEMENT_COLUMNS)),
                Immutable("OLD.agreement = 'agreed'"),
            ),
        ),
        DeleteRule("assessor_finding_kept", "a finding is answered, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    #: The number that the assessor gave it.
    number: Mapped[ShortText]
    found_on: Mapped[dt.date]
    assessor: Mapped[ShortText]
    #: The standard and the clause that it is measured by.
    clause: Mapped[ShortText | None]
    finding: Mapped[LongText]
    #: The request for improvement, how urgent it is, and until when.
    improvement: Mapped[LongText]
    priority: Mapped[Priority] = mapped_column(enum_type(Priority, "priority"))
    due_on: Mapped[dt.date]
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    release_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("release.id"))
    asset_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset.id"))
    sop_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("sop.id"))
    entered_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    entered_by_name: Mapped[str | None] = snapshot_of("entered_by_id")
    entered_by_title: Mapped[str | None] = snapshot_of("entered_by_id", "position")
    entered_at: Mapped[Timestamp]

    action: Mapped[LongText | None]
    #: Who carries it out.
    action_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    action_by_name: Mapped[str | None] = snapshot_of("action_by_id")
    action_by_title: Mapped[str | None] = snapshot_of("action_by_id", "position")
    action_status: Mapped[ActionStatus | None] = mapped_column(enum_type(ActionStatus, "action_status"))
    #: When it was carried out.
    action_on: Mapped[dt.date | None]
    action_recorded_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    action_recorded_by_name: Mapped[str | None] = snapshot_of("action_recorded_by_id")
    action_recorded_at: Mapped[Timestamp | None]

    agreement: Mapped[Agreement | None] = mapped_column(enum_type(Agreement, "agreement"))
    agreement_note: Mapped[LongText | None]
    #: The assessor who says so, and the day.
    agreed_by: Mapped[ShortText | None]
    agreed_on: Mapped[dt.date | None]
    agreement_recorded_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    agreement_recorded_by_name: Mapped[str | None] = snapshot_of("agreement_recorded_by_id")
    agreement_recorded_at: Mapped[Timestamp | None]

    agency: Mapped[Agency] = relationship()
    change: Mapped[ChangeRequest | None] = relationship()
    release: Mapped[Release | None] = relationship(foreign_keys=release_id)
    asset: Mapped[Asset | None] = relationship()
    sop: Mapped[SopRevision | None] = relationship()
    entered_by: Mapped[User] = relationship(foreign_keys=entered_by_id)
    action_by: Mapped[User | None] = relationship(foreign_keys=action_by_id)
    action_recorded_by: Mapped[User | None] = relationship(foreign_keys=action_recorded_by_id)
    agreement_recorded_by: Mapped[User | None] = relationship(foreign_keys=agreement_recorded_by_id)

    @hybrid_property
    def state(self) -> FindingState:
        """Return what has become of it."""
        return first_true(
            (self.agreement == Agreement.AGREED, FindingState.CLOSED),
            (self.agreement == Agreement.NOT_AGREED, FindingState.NOT_AGREED),
            (is_null(self.action), FindingState.NEW),
            (self.action_status == ActionStatus.DONE, FindingState.DONE),
            default=FindingState.RUNNING,
        )

    @hybrid_method
    def is_overdue(self, today: dt.date) -> bool:
        """Whether the improvement was to be carried out before ``today``, and is not."""
        is_open = (self.state != FindingState.CLOSED) & (self.state != FindingState.DONE)
        return (self.due_on < today) & is_open

    def _may_edit(self, user: User) -> bool:
        return is_permitted(user, Verb.EDIT, Resource.FINDING, self.agency_id)

    def can_be_corrected_by(self, user: User, _now: dt.datetime) -> bool:
        """Whether ``user`` may correct what the assessor said: until there is an action."""
        return self.action is None and self._may_edit(user)

    def can_be_acted_on_by(self, user: User, _now: dt.datetime) -> bool:
        """Whether ``user`` may record the action: until the assessor agreed."""
        return self.agreement is not Agreement.AGREED and self._may_edit(user)

    def can_be_agreed_by(self, user: User, _now: dt.datetime) -> bool:
        """Whether ``user`` may record what the assessor says of the action: once it is carried out."""
        return self.action_status is ActionStatus.DONE and self.agreement is None and self._may_edit(user)

    def __str__(self) -> str:
        """Return its number."""
        return self.number


def open_findings_on(change_id: SQLColumnExpression[int]) -> SQLColumnExpression[bool]:
    """Return the criterion that a finding on a request, or on its release, is not closed."""
    of_release = select(Release.id).where(Release.change_id == change_id)
    concerns = or_(AssessorFinding.change_id == change_id, AssessorFinding.release_id.in_(of_release))
    return exists().where(AssessorFinding.state != FindingState.CLOSED, concerns)
