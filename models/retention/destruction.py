"""Destructions: records that have come due, proposed as a list, and destroyed when the head approves it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.retention.rules import (
    DAYS_BEFORE_DESTRUCTION,
    Disposition,
    RecordClass,
    counts_for_destruction,
    lets_destroy,
)
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted, require_permission
from models.accounts.person import accounts_of_people
from models.assessment.finding import open_findings_on
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type, session_of
from models.changes.change import ChangeRequest
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule, no_update_or_delete
from models.office.agency import Agency, lock_agency
from models.retention.due import DueRecord, due_records
from models.retention.erase import ErasedBy, erase_request
from models.retention.hold import holds_in_force
from models.retention.rule import RetentionRule
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from models.accounts.user import User

_PROPOSED = AuditAction("destruction.propose", _("Proposed a destruction"))
_CARRIED_OUT = AuditAction("destruction.approve", _("Approved a destruction, which was carried out"))
_REFUSED = AuditAction("destruction.refuse", _("Refused a destruction"))
_NOT_ALLOWED = _("Only a change manager or an administrator proposes a destruction.")
_NOT_HEAD = _("Only the head decides on a destruction.")


class DestructionState(LabelledEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed", _("Proposed")
    CARRIED_OUT = "carried-out", _("Carried out")
    REFUSED = "refused", _("Refused")


class Destruction(Base):
    """A proposal to destroy a list of records, and what the head decided."""

    __tablename__ = "destruction"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_at_a_time"),
        Index(None, "agency_id", "proposed_at", "id"),
    )
    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "destruction_decided_once",
            "a destruction is decided on once",
            (
                Immutable(mutable=("state", "decided_by_id", "decided_at", "note")),
                Immutable("OLD.decided_at IS NOT NULL"),
            ),
        ),
        DeleteRule("destruction_kept", "a proposal stays on record"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    record_class: Mapped[RecordClass] = mapped_column(enum_type(RecordClass, "record_class"))
    reason: Mapped[LongText]
    state: Mapped[DestructionState] = mapped_column(
        enum_type(DestructionState, "state"), default=DestructionState.PROPOSED
    )
    proposed_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    proposed_by_name: Mapped[str | None] = snapshot_of("proposed_by_id")
    proposed_at: Mapped[Timestamp]
    decided_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    decided_by_name: Mapped[str | None] = snapshot_of("decided_by_id")
    decided_at: Mapped[Timestamp | None]
    note: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    items: Mapped[list[DestructionItem]] = relationship(order_by="DestructionItem.id")

    def can_be_decided_by(self, user: User, _now: dt.datetime) -> bool:
        """Whether it waits for a decision that ``user`` may make: not on their own proposal."""
        waits = self.state is DestructionState.PROPOSED
        return (
            waits and is_permitted(user, Verb.EDIT, Resource.DESTRUCTION, self.agency_id) and not self._is_own_of(user)
        )

    def _is_own_of(self, user: User) -> bool:
        """Whether ``user`` proposed it, with whichever account."""
        return self.proposed_by_id in accounts_of_people(session_of(self), self.agency_id, {user.id})

    def approve(self, *, by: User, now: dt.datetime, note: str) -> None:
        """Approve it, and destroy what it lists; raises NotAllowed, and NoSuchMove under a hold or before it is due."""
        self._require_decidable(by, now)
        session = session_of(self)
        _lock_requests(session, [item.record_id for item in self.items])
        self._require_free(session)
        _require_due(session, self.agency, [item.record_id for item in self.items], now)
        self._decide(DestructionState.CARRIED_OUT, by, now, note)
        _CARRIED_OUT.describe(session, reason=self.note)
        session.flush()
        who = ErasedBy(by, now, self.reason, self.id)
        for item in self.items:
            erase_request(session, session.get_one(ChangeRequest, item.record_id), who)

    def refuse(self, *, by: User, now: dt.datetime, note: str) -> None:
        """Refuse it, with the reason; raises NotAllowed, NoSuchMove and ValidationFailed."""
        self._require_decidable(by, now)
        if error := text_error(note, required_label=_("Note")):
            raise ValidationFailed(error, field_errors={"note": error})
        self._decide(DestructionState.REFUSED, by, now, note)
        _REFUSED.describe(session_of(self), reason=self.note)

    def _require_decidable(self, by: User, now: dt.datetime) -> None:
        require_permission(by, Verb.EDIT, Resource.DESTRUCTION, self.agency_id, _NOT_HEAD)
        session_of(self).refresh(self, ["state"], with_for_update=True)
        if self.state is not DestructionState.PROPOSED:
            raise NoSuchMove(_("This proposal is decided on already."))
        if not self.can_be_decided_by(by, now):
            raise NotAllowed(_("Whoever proposed a destruction does not decide on it."))

    def _require_free(self, session: Session) -> None:
        """Raise NoSuchMove where something listed is under a hold, or has an open finding of an assessor."""
        ids = [item.record_id for item in self.items]
        found = ChangeRequest.id.in_(ids), open_findings_on(ChangeRequest.id)
        reasons = (
            (set(holds_in_force(session, ids)), _("Under a hold, and so not to be destroyed: %(numbers)s.")),
            (
                set(session.scalars(select(ChangeRequest.id).where(*found))),
                _("Not to be destroyed while a finding of an assessor is open: %(numbers)s."),
            ),
        )
        for kept, sentence in reasons:
            if numbers := ", ".join(item.record_name for item in self.items if item.record_id in kept):
                raise NoSuchMove(Message(sentence.text, {"numbers": numbers}))

    def _decide(self, state: DestructionState, by: User, now: dt.datetime, note: str) -> None:
        if error := text_error(note):
            raise ValidationFailed(error, field_errors={"note": error})
        self.state, self.decided_by_id, self.decided_at, self.note = state, by.id, now, note.strip() or None

    def __str__(self) -> str:
        """Return how it is called, for logs and the trail."""
        return f"{self.proposed_at:%d-%m-%Y} ({self.id})"


class DestructionItem(Base):
    """A record of a proposal, by the name that it had and the day on which it came due."""

    __tablename__ = "destruction_item"
    __table_args__ = (Index(None, "destruction_id", "record_id", unique=True),)
    row_rules: ClassVar[RowRules] = no_update_or_delete("the list of a proposal stays as it was")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    destruction_id: Mapped[int] = mapped_column(IdType, ForeignKey("destruction.id"))
    record_id: Mapped[int] = mapped_column(IdType)
    record_name: Mapped[ShortText]
    due_on: Mapped[dt.date] = mapped_column(Date)


def destructible(session: Session, agency: Agency, now: dt.datetime) -> Sequence[DueRecord]:
    """Return the requests that have come due to be destroyed, and are kept for no other reason."""
    rule = _rule_of_requests(session, agency)
    if rule is None or not counts_for_destruction(rule.set_at, now):
        return []
    return due_records(session, agency, rule, now, without_kept=True)


def _rule_of_requests(session: Session, agency: Agency) -> RetentionRule | None:
    """Return the rule by which requests of the office are destroyed, if there is one."""
    rule = session.scalars(
        select(RetentionRule).where(
            RetentionRule.agency_id == agency.id,
            RetentionRule.record_class == RecordClass.REQUEST,
            RetentionRule.disposition == Disposition.DESTROY,
        )
    ).one_or_none()
    return rule if rule is not None and lets_destroy(rule.active_years, rule.inactive_years) else None


def _lock_requests(session: Session, record_ids: Collection[int]) -> None:
    """Keep these requests from others until the transaction ends: whoever places a hold on one locks it too."""
    session.execute(
        select(ChangeRequest.id).where(ChangeRequest.id.in_(record_ids)).order_by(ChangeRequest.id).with_for_update()
    )


def _require_due(
    session: Session, agency: Agency, record_ids: Collection[int], now: dt.datetime
) -> Sequence[DueRecord]:
    rule = _rule_of_requests(session, agency)
    if rule is not None and not counts_for_destruction(rule.set_at, now):
        raise NoSuchMove(
            _(
                "The rule of retention was set or changed less than %(days)s days ago: nothing is destroyed by it yet.",
                days=DAYS_BEFORE_DESTRUCTION,
            )
        )
    due = {one.record_id: one for one in destructible(session, agency, now)}
    if missing := set(record_ids) - due.keys():
        raise NoSuchMove(
            _(
                "%(count)s of these records have not come due by the rule in force, or are destroyed.",
                count=len(missing),
            )
        )
    return [due[record_id] for record_id in record_ids]


def propose_destruction(
    session: Session, *, by: User, now: dt.datetime, record_ids: Collection[int], reason: str
) -> Destruction:
    """Propose to destroy these requests; raises NotAllowed, NoSuchMove, ValidationFailed ("record_ids", "reason")."""
    require_permission(by, Verb.CREATE, Resource.DESTRUCTION, by.agency_id, _NOT_ALLOWED)
    errors: dict[str, Message] = {}
    if error := text_error(reason, required_label=_("Reason")):
        errors["reason"] = error
    if not record_ids or by.agency is None:
        errors["record_ids"] = _("Choose at least one record that has come due.")
    if errors or by.agency is None:
        raise ValidationFailed(_("This cannot be proposed."), field_errors=errors)
    lock_agency(session, by.agency.id)
    due = _require_due(session, by.agency, record_ids, now)
    created = Destruction(
        agency=by.agency,
        record_class=RecordClass.REQUEST,
        reason=reason.strip(),
        proposed_by_id=by.id,
        proposed_at=now,
    )
    session.add(created)
    session.flush()
    session.add_all(
        DestructionItem(
            agency_id=created.agency_id,
            destruction_id=created.id,
            record_id=one.record_id,
            record_name=one.name,
            due_on=one.due_on,
        )
        for one in due
    )
    _PROPOSED.describe(session, reason=created.reason)
    session.flush()
    return created
