"""Delegations: who stands in for an absent head, by which decree, from when until when (procedure.md, reading 4)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Select, and_, bindparam, case, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.notifications.events import Event
from models.accounts.user import User
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications.notification import notify
from models.office.agency import Agency
from models.validation import text_error

if TYPE_CHECKING:
    from sqlalchemy import BindParameter

    from lpse_admin.sop import Sop
    from lpse_admin.sop.steps import Step
    from models.documents.document import Document


class DelegationKind(LabelledEnum):
    """Plh. stands in for a passing absence, Plt. for a standing one."""

    PLH = "plh", _("Acting during a temporary absence (Plh.)")
    PLT = "plt", _("Acting head (Plt.)")

    @property
    def prefix(self) -> str:
        """What is written before the head's office: 'Plh. Kepala LPSE'."""
        return "Plh." if self is DelegationKind.PLH else "Plt."


class DelegationState(LabelledEnum):
    """What a delegation is good for on a day."""

    IN_FORCE = "in-force", _("In force")
    UPCOMING = "coming", _("Not yet in force")
    ENDED = "ended", _("Ended")
    WITHDRAWN = "withdrawn", _("Revoked")
    VOID = "void", _("Void: the grantor is no longer head")


class Delegation(Base):
    """The head's written authority for a named official, good between two dates of the LPSE's own zone."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("from_date <= until_date", name="dates_in_order"),
        CheckConstraint("delegate_id <> head_id", name="not_to_oneself"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn_by_somebody"),
        CheckConstraint("withdrawn_reason IS NULL OR withdrawn_at IS NOT NULL", name="reason_of_a_withdrawal"),
        Index(None, "agency_id", "from_date", "id"),
        Index(None, "delegate_id", "until_date"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "delegation_stands",
            "a delegation can only be withdrawn, once",
            (
                Immutable(mutable=("withdrawn_at", "withdrawn_by_id", "withdrawn_reason")),
                Immutable("OLD.withdrawn_at IS NOT NULL"),
            ),
        ),
        DeleteRule("delegation_kept", "a delegation is withdrawn, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    head_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    delegate_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    kind: Mapped[DelegationKind] = mapped_column(enum_type(DelegationKind, "kind"))
    decree_number: Mapped[ShortText]
    from_date: Mapped[dt.date]
    until_date: Mapped[dt.date]
    reason: Mapped[LongText | None]
    recorded_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    recorded_at: Mapped[Timestamp]
    withdrawn_at: Mapped[Timestamp | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    withdrawn_reason: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    head: Mapped[User] = relationship(foreign_keys=head_id)
    delegate: Mapped[User] = relationship(foreign_keys=delegate_id)
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)
    documents: Mapped[list[Document]] = relationship(back_populates="delegation")

    def is_in_force(self, now: dt.datetime) -> bool:
        """Whether the delegate may decide in the head's place at this moment."""
        today = self.agency.local_date(now)
        return self.withdrawn_at is None and self.head.is_head and self.from_date <= today <= self.until_date

    def is_open_to_withdrawal(self, now: dt.datetime) -> bool:
        """Whether there is anything left to withdraw: it stands, and its last day is not over."""
        return self.withdrawn_at is None and self.until_date >= self.agency.local_date(now)

    def can_be_withdrawn_by(self, user: User) -> bool:
        """Whether ``user`` is a head of the agency, or an administrator who records what the head decided."""
        return (Role.HEAD in user.roles and user.agency_id == self.agency_id) or can_record_delegations(
            user, self.agency_id
        )

    def withdraw(self, *, now: dt.datetime, by: User, reason: str | None = None) -> None:
        """End the delegation at once; what was decided under it stands.

        Raises NotAllowed for anybody but a head of the agency or an administrator, NoSuchMove where it is
        withdrawn already, Incomplete for a reason that says nothing.
        """
        if not self.can_be_withdrawn_by(by):
            raise NotAllowed(_("Only the head revokes a delegation, or an administrator records the revocation."))
        if self.withdrawn_at is not None:
            raise NoSuchMove(_("This delegation is already revoked."))
        if reason is not None and (fault := text_error(reason, required_label=_("Reason"))):
            raise ValidationFailed(fault, field_errors={"reason": fault})
        self.withdrawn_at, self.withdrawn_by_id = now, by.id
        self.withdrawn_reason = reason.strip() if reason else None
        self.notify_parties(Event.DELEGATION_WITHDRAWN, by, now, reason=self.withdrawn_reason)

    def notify_parties(self, event: Event, by: User, now: dt.datetime, *, reason: str | None) -> None:
        """Tell the delegate and the head of what ``by`` did to it, save whoever did it."""
        session = Session.object_session(self)
        if session is not None:
            notify(
                session,
                event,
                [person for person in (self.delegate, self.head) if person.id != by.id],
                now=now,
                key=f"{event}-{self.id}",
                delegate=f"{self.kind.prefix} {self.delegate.full_name}",
                first_day=self.from_date,
                last_day=self.until_date,
                decree=self.decree_number,
                by=by.full_name,
                reason=reason,
            )


def capacity(sop: Sop, step_or_role: Step | Role, delegation: Delegation | None) -> str:
    """Return in what capacity a step is taken or a role acted in, in the paper's words: 'Plh. Kepala LPSE'."""
    title = sop.actor_title(step_or_role)
    return f"{delegation.kind.prefix} {title}" if delegation else str(title)


def in_state(state: DelegationState, today: dt.date | BindParameter[dt.date]) -> ColumnElement[bool]:
    """Return the criterion for the delegations that are in ``state`` on the day ``today``."""
    if state is DelegationState.WITHDRAWN:
        return Delegation.withdrawn_at.is_not(None)
    stands = Delegation.withdrawn_at.is_(None)
    if state is DelegationState.ENDED:
        return and_(stands, Delegation.until_date < today)
    is_heads = Delegation.head_id.in_(select(User.id).where(User.is_head))
    if state is DelegationState.VOID:
        return and_(stands, Delegation.until_date >= today, ~is_heads)
    begins = Delegation.from_date > today if state is DelegationState.UPCOMING else Delegation.from_date <= today
    return and_(stands, Delegation.until_date >= today, begins, is_heads)


def state_on(today: dt.date) -> ColumnElement[str]:
    """Return the expression for the state of a delegation on the day ``today``."""
    return case(*((in_state(state, today), state.value) for state in DelegationState))


def load_active_delegation(session: Session, user: User, now: dt.datetime) -> Delegation | None:
    """Return the delegation under which ``user`` may decide in the head's place at this moment, if any.

    It ends with its giver's office: who is head no more has nothing left to lend. A head whose account is
    merely disabled is absent, and that is what a delegation is for. A head decides in their own right.
    """
    if user.agency is None or not user.is_active or user.is_head:
        return None
    today = user.agency.local_date(now)
    asked = {"delegate": user.id, "agency": user.agency_id, "today": today}
    return session.scalars(_DELEGATION_IN_FORCE, asked).one_or_none()


def delegations_in_force(
    agency_id: int | BindParameter[int], today: dt.date | BindParameter[dt.date]
) -> Select[Delegation]:
    """Return the statement for the delegations of this agency that are in force on ``today``."""
    return select(Delegation).where(Delegation.agency_id == agency_id, in_state(DelegationState.IN_FORCE, today))


def acting_head_ids(agency_id: int | BindParameter[int], today: dt.date | BindParameter[dt.date]) -> Select[Any]:
    """Return the statement for the ids of those who may decide in the place of this agency's head on ``today``."""
    return delegations_in_force(agency_id, today).with_only_columns(Delegation.delegate_id)


#: Asked at every request, so put together once.
_DELEGATION_IN_FORCE = (
    select(Delegation)
    .join(User, User.id == Delegation.head_id)
    .where(
        Delegation.delegate_id == bindparam("delegate"),
        Delegation.agency_id == bindparam("agency"),
        User.is_head,
        Delegation.withdrawn_at.is_(None),
        Delegation.from_date <= bindparam("today"),
        Delegation.until_date >= bindparam("today"),
    )
    .order_by(Delegation.id.desc())
    .limit(1)
)


def can_record_delegations(by: User, agency_id: int | None) -> bool:
    """Whether ``by`` is an administrator who enters this agency's decrees."""
    return Role.ADMINISTRATOR in by.roles and by.agency_id in {None, agency_id}
